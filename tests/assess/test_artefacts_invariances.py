"""What must not change an artefact measure, and what every one of them refuses."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from nbsupport.assess import artefacts
from nbsupport.simulate import structures
from nbsupport.simulate.structures import Curve, Sample, Tube, Vesicle

ACTIN = structures.actin(rng=np.random.default_rng(0), count=4)
MITOCHONDRIA = structures.mitochondria(rng=np.random.default_rng(2), count=2)


def imaged(sample, pixel_um=0.025, sigma_um=0.04, seed=1):
    """Blurred emitters, a little noise of a fixed grain and some specks."""
    rng = np.random.default_rng(seed)
    image = sample.render(pixel_um)
    grain = gaussian_filter(rng.random((100, 100)) ** 8, 1.0)
    grain = np.kron(grain, np.ones((round(0.05 / pixel_um),) * 2)) * (pixel_um / 0.025) ** 2
    return image.copy(
        data=gaussian_filter(image.values, sigma_um / pixel_um)
        + 0.05 * grain[: image.sizes["y"], :][:, : image.sizes["x"]]
    )


def every_measure(actin, image, mitochondria, tubes):
    clean = image.copy(data=gaussian_filter(image.values, 0.5))
    lines = np.array([[[-1.5, -1.0], [1.5, 1.2]], [[0.0, 1.5], [1.0, -1.5]]]) + np.asarray(image.attrs["shift"])[:2]
    hallucinated = artefacts.hallucination(actin, image, resolution_um=0.1, threshold=0.02)
    return {
        "debris": artefacts.debris(actin, image),
        "halo": artefacts.halo(actin, image, noise_free=clean),
        "missing": artefacts.missing(actin, image),
        "hallucinated pieces": hallucinated.count,
        "hallucinated share": hallucinated.share,
        "out of focus": artefacts.out_of_focus_ratio(actin, image),
        "continuity": artefacts.continuity(actin, image),
        "spurious peaks": float(artefacts.spurious_peaks(actin, image, lines).sum()),
        "dip": artefacts.dip(mitochondria, tubes),
        "ringing": artefacts.ringing(actin, image),
    }


def shifted(sample, shift):
    objects = tuple(
        Vesicle(o.centre + shift, o.radius_um)
        if isinstance(o, Vesicle)
        else type(o)(Curve(o.curve.control_points + shift), *([o.radius_um] if isinstance(o, Tube) else []))
        for o in sample.objects
    )
    box = tuple((low + s, high + s) for (low, high), s in zip(sample.box_um, shift, strict=True))
    return Sample(sample.kind, sample.emitters_um + shift, sample.owner, objects, box)


def measured(scale=1.0, shift=(0.0, 0.0, 0.0)):
    images = []
    for sample in (ACTIN, MITOCHONDRIA):
        image = scale * imaged(sample)
        images.append(image.assign_coords(x=image.x + shift[0], y=image.y + shift[1]).assign_attrs(shift=shift))
    samples = [shifted(sample, np.array(shift)) for sample in (ACTIN, MITOCHONDRIA)]
    return every_measure(samples[0], images[0], samples[1], images[1])


@settings(max_examples=6, deadline=None)
@given(st.floats(-6, 6))
def test_no_measure_depends_on_the_scale_of_intensity(exponent):
    assert measured(scale=10**exponent) == pytest.approx(measured(), rel=1e-6)


@settings(max_examples=4, deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_no_measure_depends_on_where_sample_and_image_lie_together(x_um, y_um):
    plain, moved = measured(), measured(shift=(x_um, y_um, 0.0))
    assert moved == pytest.approx(plain, rel=2e-3, abs=1e-3)  # pixels exactly at a limit may fall to either side


def test_measures_of_one_image_agree_between_pixel_sizes():
    """The image is the same blurred scene, drawn at 25 and at 12.5 nm; limits are cut by finer pixels."""
    coarse, fine = imaged(ACTIN, 0.025), imaged(ACTIN, 0.0125)
    for measure, slack in (
        (artefacts.debris, 0.01),
        (artefacts.missing, 0.03),
        (artefacts.continuity, 0.03),
        (artefacts.out_of_focus_ratio, 0.02),
        (artefacts.ringing, 0.02),
    ):
        assert measure(ACTIN, fine) == pytest.approx(measure(ACTIN, coarse), abs=slack), measure.__name__


def test_a_sample_and_the_positions_of_its_emitters_are_the_same_truth():
    image = imaged(ACTIN)
    for measure in (artefacts.debris, artefacts.missing, artefacts.ringing, artefacts.out_of_focus_ratio):
        assert measure(ACTIN, image) == measure(ACTIN.emitters_um, image)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_shares_stay_between_nothing_and_everything(seed):
    rng = np.random.default_rng(seed)
    image = imaged(ACTIN).copy(data=rng.normal(0, 1, (200, 200)) ** rng.integers(1, 6))
    found = [
        artefacts.debris(ACTIN, image),
        artefacts.missing(ACTIN, image),
        artefacts.continuity(ACTIN, image),
        artefacts.hallucination(ACTIN, image, resolution_um=0.05).share,
        artefacts.dip(MITOCHONDRIA, image),
    ]
    assert min(found) >= 0 and max(found) <= 1


def test_values_that_are_not_finite_are_refused_with_their_place():
    image = imaged(ACTIN)
    image[3, 5] = np.nan
    with pytest.raises(ValueError, match=r"image holds values that are not finite; the first is nan at \[3, 5\]"):
        artefacts.debris(ACTIN, image)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((imaged(ACTIN), ACTIN), "image is Sample"),
        ((ACTIN, imaged(ACTIN).values), "image is ndarray"),
        ((ACTIN.emitters_um.T, imaged(ACTIN)), "positions"),
        ((imaged(ACTIN), imaged(ACTIN)), "a mask of the structure is bool"),
        ((imaged(ACTIN, 0.05) > 0, imaged(ACTIN)), "different grids"),
        ((ACTIN, imaged(ACTIN).assign_coords(x=np.arange(200) * 25.0, y=np.arange(200) * 25.0)), "nanometres"),
    ],
    ids=["swapped", "no coordinates", "transposed", "no mask", "another grid", "nanometres"],
)
def test_what_is_no_truth_or_no_image_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        artefacts.debris(*arguments)


def test_lengths_in_nanometres_and_shares_in_percent_are_refused():
    image = imaged(ACTIN)
    with pytest.raises(ValueError, match="distance_um=100 looks like nanometres; give micrometres, 0.1"):
        artefacts.debris(ACTIN, image, distance_um=100)
    with pytest.raises(ValueError, match="10 % is 0.1"):
        artefacts.continuity(ACTIN, image, threshold=10)
    with pytest.raises(ValueError, match="detector='ring'"):
        artefacts.false_structure(ACTIN, image, width_um=0.1, detector="ring")
    with pytest.raises(ValueError, match="different radii"):
        artefacts.dip(ACTIN, image)
    with pytest.raises(ValueError, match="sectioning needs x, y and z"):
        artefacts.out_of_focus_ratio(ACTIN.emitters_um[:, :2], image)


def test_without_any_structure_all_light_is_debris():
    empty = Sample("none", np.zeros((0, 3)), np.zeros(0, int), ())
    image = xr.ones_like(imaged(ACTIN))
    assert artefacts.debris(empty, image) == 1
    assert np.isnan(artefacts.missing(empty, image))
    assert np.isnan(artefacts.continuity(empty, image))
