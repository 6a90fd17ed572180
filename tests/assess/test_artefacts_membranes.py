"""Membranes against walls drawn by hand, of which every number is known beforehand."""

import numpy as np
import pytest
from drawn_images import ROOMY, blank, strand
from scipy.special import j1

from nbsupport.assess import artefacts
from nbsupport.simulate.structures import Curve, Sample, Tube


def tube(radius_um=0.15):
    return Sample("mitochondria", np.zeros((0, 3)), np.zeros(0, int), (Tube(strand().curve, radius_um),), ROOMY)


def walls(separation_um=0.3, sigma_um=0.02, pixel_um=0.01):
    image = blank(pixel_um)
    two = [np.exp(-0.5 * ((image.y - sign * separation_um / 2) / sigma_um) ** 2) for sign in (-1, 1)]
    return (two[0] + two[1] + 0 * image.x).transpose("y", "x")


def test_walls_with_darkness_between_them_have_a_dip_of_one_and_their_true_distance():
    profiles = artefacts.membrane_profiles(tube(), walls())
    assert artefacts.dip(tube(), walls()) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(profiles.peak_distance_um, 0.3, atol=0.011)
    assert profiles.wall_distance_um == pytest.approx(0.3)


@pytest.mark.parametrize("sigma_um", [0.06, 0.08, 0.10])
def test_the_dip_of_two_gaussian_walls_is_that_of_their_sum(sigma_um):
    offset = np.linspace(-0.3, 0.3, 60001)
    profile = sum(np.exp(-0.5 * ((offset - wall) / sigma_um) ** 2) for wall in (-0.15, 0.15))
    wanted = 1 - profile[30000] / profile.max()
    assert artefacts.dip(tube(), walls(sigma_um=sigma_um)) == pytest.approx(wanted, abs=5e-3)  # 10 nm pixels


def test_walls_that_have_merged_have_no_dip():
    assert artefacts.dip(tube(), walls(sigma_um=0.2)) == pytest.approx(0, abs=1e-12)
    assert artefacts.dip(tube(), blank()) == 0


@pytest.mark.parametrize(
    ("height", "counted"), [(0.3, 1), (0.03, 0)], ids=["prominent", "less than 5 % of the maximum"]
)
def test_a_ridge_planted_between_the_walls_is_counted_where_it_is_prominent(height, counted):
    assert not artefacts.peaks_between_walls(artefacts.membrane_profiles(tube(), walls())).any()
    ridged = walls() + height * walls(separation_um=0.0) / 2
    counts = artefacts.peaks_between_walls(artefacts.membrane_profiles(tube(), ridged))
    assert counts.size > 30 and np.all(counts == counted)
    assert np.array_equal(counts, artefacts.peaks_between_walls(artefacts.membrane_profiles(tube(), 8 * ridged)))


def test_one_hill_between_two_walls_is_not_resolved_but_no_peak_too_many():
    hill = artefacts.membrane_profiles(tube(), walls(sigma_um=0.2))
    assert not artefacts.peaks_between_walls(hill).any()


def test_a_bright_lumen_is_clipped_to_no_dip():
    image = walls() + 3 * walls(separation_um=0.0, sigma_um=0.1)
    assert artefacts.dip(tube(), image) == pytest.approx(0, abs=1e-12)


def test_profiles_stand_normal_to_a_bent_tube():
    """On a ring of light around a centre, every profile across an arc of the ring's own centre line is the same."""
    angle = np.linspace(0.2, 2.5, 60)
    arc = Curve(np.column_stack([np.cos(angle), np.sin(angle), 0 * angle]))
    sample = Sample("mitochondria", np.zeros((0, 3)), np.zeros(0, int), (Tube(arc, 0.15),), ROOMY)
    image = blank(0.01)
    radius = np.hypot(image.y, image.x)
    image = np.exp(-0.5 * ((radius - 0.85) / 0.04) ** 2) + np.exp(-0.5 * ((radius - 1.15) / 0.04) ** 2)
    profiles = artefacts.membrane_profiles(sample, image)
    assert profiles.sizes["profile"] > 30
    assert float(profiles.intensity.std("profile").max()) < 0.02


def test_profiles_where_two_tubes_cross_are_left_out():
    cross = Tube(Curve([[0.0, -1.5, 0.0], [0.0, 1.5, 0.0]]), 0.15)
    both = Sample("mitochondria", np.zeros((0, 3)), np.zeros(0, int), (Tube(strand().curve, 0.15), cross), ROOMY)
    free = artefacts.membrane_profiles(both, walls())
    assert np.all(np.maximum(np.abs(free.x), np.abs(free.y)) > 0.55)
    assert free.sizes["profile"] < artefacts.membrane_profiles(both, walls(), isolated=False).sizes["profile"]


def test_two_airy_discs_at_the_rayleigh_distance_are_just_resolved():
    """The published fall between them is 26.5 %; at 85 % of that distance it is less."""
    image = blank(0.005, 1.0)

    def airy(x_um):
        v = np.maximum(3.8317 * np.hypot(image.y, image.x - x_um) / 0.2, 1e-9)
        return (2 * j1(v) / v) ** 2

    dips = []
    for spacing in (0.17, 0.2):
        pair = airy(-spacing / 2) + airy(spacing / 2)
        dips.append(artefacts.line_pair_dip(pair, (0, -1e-4), (0, 1e-4), spacing_um=spacing, profiles=1)[0])
    assert dips[1] == pytest.approx(0.265, abs=0.003)
    assert artefacts.smallest_resolved_spacing([0.17, 0.2, 0.3], [dips[0], dips[1] + 0.003, 0.9]) == pytest.approx(
        0.2, abs=0.002
    )


def test_the_limit_lies_where_the_interpolated_dip_last_rises_through_the_criterion():
    spacings, dips = [0.3, 0.1, 0.2, 0.15], [0.9, 0.0, 0.2, 0.5]
    assert artefacts.smallest_resolved_spacing(spacings, dips, criterion=0.55) == pytest.approx(0.25)
    assert artefacts.smallest_resolved_spacing(spacings, dips, criterion=0.95) == np.inf
    assert artefacts.smallest_resolved_spacing(spacings, dips, criterion=0.0) == 0.1
