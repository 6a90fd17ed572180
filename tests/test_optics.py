import numpy as np
import pytest
import xarray as xr

from nbsupport import gibson_lanni as quadrature
from nbsupport.optics import (
    Optics,
    airy,
    best_focus_um,
    gaussian,
    gibson_lanni,
    gibson_lanni_energy_um2,
    gibson_lanni_intensity,
    otf,
    pixel_size_um,
)

WATER = Optics(1.2, 0.66)


def image(y, x):
    return xr.DataArray(np.zeros((len(y), len(x))), dims=("y", "x"), coords={"y": y, "x": x})


def full_width_half_maximum(profile, r_um):
    return 2 * np.interp(-0.5, -profile, r_um)


@pytest.mark.conformance
@pytest.mark.parametrize("name", ["psf-open-matched-na1.4", "psf-open-mismatch-na1.12", "psf-open-water-na1.2"])
def test_gibson_lanni_meets_adaptive_quadrature(oracle, name):
    arrays, p = oracle(name).arrays, oracle(name).parameters
    optics = Optics(
        p["NA"],
        p["wavelength_um"],
        n_sample=p["ns"],
        n_immersion=p["ni"],
        n_immersion_design=p["ni0"],
        n_coverslip=p["ng"],
        n_coverslip_design=p["ng0"],
        working_distance_um=p["ti0_um"],
        coverslip_um=p["tg_um"],
        coverslip_design_um=p["tg0_um"],
    )
    got = gibson_lanni(optics, arrays["r_um"], arrays["z_um"], p["particle_depth_um"])
    np.testing.assert_allclose(got / got.max(), arrays["intensity_norm"], rtol=0, atol=1e-8)
    unscaled = gibson_lanni_intensity(optics, arrays["r_um"], arrays["z_um"], p["particle_depth_um"])
    np.testing.assert_allclose(unscaled, arrays["intensity"], rtol=0, atol=1e-9)
    # the grid of the oracle has steps of 0.1 micrometres around the focus that it names
    assert best_focus_um(optics, p["particle_depth_um"]) == pytest.approx(p["best_focus_z_um"], abs=0.05)


@pytest.mark.parametrize(
    ("na", "depth_um", "z_um", "expected"),
    [
        (1.2, 0.0, 0.0, [0.25000000, 0.17871741, 0.05638893, 0.00239929]),
        (1.2, 0.5, -0.65, [0.24934003, 0.17822159, 0.05621715, 0.00244592]),
        (1.2, 0.5, 0.0, [0.08031685, 0.06034027, 0.02982195, 0.01923257]),
        (1.4, 0.5, -0.70, [0.19752903, 0.13085437, 0.03001388, 0.00014345]),
        (1.49, 1.0, -1.30, [0.13812047, 0.09353725, 0.02371402, 0.00020159]),
    ],
)
def test_intensity_equals_independently_computed_values(na, depth_um, z_um, expected):
    got = gibson_lanni_intensity(Optics(na, 0.66), [0, 0.1, 0.2, 0.3], z_um, depth_um)
    np.testing.assert_allclose(got, expected, rtol=0, atol=6e-9)


@pytest.mark.parametrize(
    ("na", "cut_nm", "airy_nm"),
    [(1.20, 283.0, 283.0), (1.30, 261.2, 261.2), (1.33, 255.3, 255.3), (1.40, 255.3, 242.6), (1.49, 255.4, 227.9)],
)
def test_width_stops_shrinking_above_the_index_of_water(na, cut_nm, airy_nm):
    optics = Optics(na, 0.66)
    r_um = np.linspace(0, 0.3, 3001)
    assert 1000 * full_width_half_maximum(gibson_lanni(optics, r_um, 0, 0), r_um) == pytest.approx(cut_nm, abs=0.1)
    assert 1000 * full_width_half_maximum(airy(optics, r_um), r_um) == pytest.approx(airy_nm, abs=0.06)
    assert 1000 * optics.airy_fwhm_um == pytest.approx(airy_nm, abs=0.06)


@pytest.mark.parametrize("depth_um", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("na", [0.8, 1.2, 1.3])
def test_agrees_with_psfmodels_in_its_own_z_convention(na, depth_um):
    psfmodels = pytest.importorskip("psfmodels")
    optics = Optics(na, 0.66)
    focus_um = best_focus_um(optics, depth_um)
    z_um = focus_um + np.array([-0.4, 0.0, 0.7])
    other = psfmodels.make_psf(
        -z_um + depth_um * (1 - optics.n_immersion / optics.n_sample),
        nx=31,
        dxy=0.05,
        NA=na,
        wvl=0.66,
        ns=1.33,
        ni=1.515,
        ni0=1.515,
        ng=1.515,
        ng0=1.515,
        tg=170,
        tg0=170,
        ti0=150,
        pz=depth_um,
        model="scalar",
        oversample_factor=1,
    )[:, 15, 15:]
    ours = gibson_lanni(optics, 0.05 * np.arange(16), z_um, depth_um)
    # psfmodels integrates by Simpson's rule, which leaves it up to 3.6e-4 from the quadrature near NA = n_sample
    np.testing.assert_allclose(ours, other / other[1, 0], rtol=0, atol=5e-4)


def test_matched_indices_in_focus_give_the_airy_pattern():
    optics = Optics(1.4, 0.61, n_sample=1.515)
    r_um = np.linspace(0, 3, 301)
    np.testing.assert_allclose(gibson_lanni(optics, r_um, 0, 0), airy(optics, r_um), rtol=0, atol=1e-13)


@pytest.mark.parametrize("na", [0.5, 1.2, 1.49])
def test_peak_without_aberration_is_a_quarter_of_the_fourth_power_of_the_pupil(na):
    optics = Optics(na, 0.66)
    assert gibson_lanni_intensity(optics, 0, 0, 0) == pytest.approx(optics.pupil_radius**4 / 4, rel=1e-12)


def test_objectives_above_the_index_of_the_sample_see_alike():
    r_um, z_um = np.linspace(0, 1, 21), np.linspace(-2, 0, 9)
    narrow, wide = (gibson_lanni(Optics(na, 0.66), r_um, z_um, 1.0) for na in (1.34, 1.49))
    np.testing.assert_allclose(narrow, wide, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("optics", "depth_um"),
    [
        (Optics(1.4, 0.66), 100.0),
        (Optics(1.33, 0.66, n_sample=1.3300001), 1.0),
        (Optics(1.33, 0.5, n_immersion=1.3301, n_immersion_design=1.3301), 2.0),
        (Optics(1.49, 0.45, n_sample=1.47, n_coverslip=1.5, coverslip_um=180.0), 50.0),
    ],
)
def test_twice_the_quadrature_nodes_change_nothing(monkeypatch, optics, depth_um):
    count = quadrature._node_count
    r_um, z_um = np.linspace(0, 7, 200), best_focus_um(optics, depth_um) + np.linspace(-3, 3, 7)
    plain = gibson_lanni(optics, r_um, z_um, depth_um)
    monkeypatch.setattr(quadrature, "_node_count", lambda *arguments: 2 * count(*arguments))
    np.testing.assert_allclose(plain, gibson_lanni(optics, r_um, z_um, depth_um), rtol=0, atol=1e-11)


@pytest.mark.parametrize("depth_um", [0.0, 0.5, 10.0, 60.0])
def test_best_focus_is_the_brightest_point_of_a_dense_grid(depth_um):
    optics = Optics(1.33, 0.66)
    z_um = np.linspace(-2.5 * depth_um - 3, 3, 3001)
    grid = gibson_lanni(optics, np.linspace(0, 0.4, 9), z_um, depth_um)
    assert gibson_lanni(optics, 0, best_focus_um(optics, depth_um), depth_um) == pytest.approx(1, abs=1e-12)
    assert 1 - 1e-3 < grid.max() <= 1 + 1e-12


def test_focus_of_a_weak_lens_is_paraxial():
    optics = Optics(0.2, 0.66)
    assert best_focus_um(optics, 10.0) == pytest.approx(-10 * optics.n_immersion / optics.n_sample, rel=0.01)


@pytest.mark.parametrize(("depth_um", "z_um"), [(0.0, 0.0), (0.0, 1.0), (0.5, -0.63), (1.0, -0.63), (5.0, -6.5)])
@pytest.mark.parametrize(("na", "beyond"), [(1.2, 0.004), (1.49, 0.02)])
def test_energy_in_the_image_plane_depends_on_neither_depth_nor_defocus(na, beyond, depth_um, z_um):
    optics = Optics(na, 0.66)
    r_um = np.linspace(0, 30, 6001)
    profile = gibson_lanni_intensity(optics, r_um, z_um, depth_um)
    collected = 2 * np.pi * np.trapezoid(profile * r_um, r_um)
    # beyond 30 micrometres lie 2/(pi k NA r) = 0.2 % of an Airy pattern, and what travels close to the critical angle
    assert collected == pytest.approx(gibson_lanni_energy_um2(optics), rel=beyond)


def test_airy_pattern_is_the_hankel_transform_of_the_otf():
    from scipy.special import j0

    x, w = np.polynomial.legendre.leggauss(400)
    f, w = WATER.cutoff_per_um * (x + 1) / 2, w / 2
    r_um = np.linspace(0, 2, 41)
    transform = (w * f * otf(WATER, f)) @ j0(2 * np.pi * np.outer(f, r_um))
    np.testing.assert_allclose(transform / transform[0], airy(WATER, r_um), rtol=0, atol=1e-7)


def test_otf_ends_at_the_cutoff():
    np.testing.assert_array_equal(otf(WATER, WATER.cutoff_per_um * np.array([0, 1, 1.5])), [1, 0, 0])


def test_gaussian_is_half_at_half_its_published_width():
    half_width_um = 0.61 * 0.66 / 1.2 / 2
    np.testing.assert_allclose(gaussian(WATER, [0, half_width_um]), [1, 0.5], rtol=1e-12)


@pytest.mark.parametrize("function", [airy, gaussian])
def test_profiles_accept_any_shape_and_sign(function):
    r_um = np.array([[0.1, -0.1], [0.0, 0.2]])
    got = function(WATER, r_um)
    assert got.shape == (2, 2)
    assert got[0, 0] == got[0, 1]


@pytest.mark.parametrize(
    ("r_um", "z_um", "shape"), [([0, 0.1, 0.2], [0, 1], (2, 3)), (0.1, [0, 1], (2,)), ([0, 0.1], 0, (2,)), (0, 0, ())]
)
def test_result_has_the_shape_of_z_then_of_r(r_um, z_um, shape):
    assert gibson_lanni(WATER, r_um, z_um, 0.5).shape == shape


def test_stage_and_depth_broadcast():
    pairs = gibson_lanni_intensity(WATER, [0, 0.1], [-0.6, -1.2], [0.5, 1.0])
    np.testing.assert_allclose(pairs[1], gibson_lanni_intensity(WATER, [0, 0.1], -1.2, 1.0), rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"numerical_aperture": 1.6}, "numerical_aperture=1.6 .* n_immersion=1.515"),
        ({"numerical_aperture": 0.0}, "numerical_aperture=0.0 must be positive"),
        ({"numerical_aperture": "1.2"}, "numerical_aperture='1.2' must be one finite number"),
        ({"wavelength_um": 660}, "looks like nanometres; give micrometres, 0.66"),
        ({"wavelength_um": 3.0}, "wavelength_um=3.0 must lie between"),
        ({"wavelength_um": float("nan")}, "wavelength_um=nan"),
        ({"n_sample": 0.9}, "n_sample=0.9 is no refractive index"),
        ({"coverslip_um": -1.0}, "coverslip_um=-1.0 must not be negative"),
    ],
)
def test_impossible_optics_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        Optics(**{"numerical_aperture": 1.2, "wavelength_um": 0.66, **arguments})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gibson_lanni(WATER, [0, np.nan], 0, 0), r"r_um must be finite; .* \[1\]"),
        (lambda: gibson_lanni(WATER, 0, np.inf, 0), "z_um must be finite"),
        (lambda: gibson_lanni(WATER, 0, 0, -0.1), "depth_um=-0.1 must be one number >= 0"),
        (lambda: best_focus_um(WATER, [0, 1]), "depth_um="),
        (lambda: gibson_lanni_intensity(WATER, 0, [0, 1], [0, 1, 2]), "must broadcast"),
        (lambda: airy(WATER, np.nan), "r_um must be finite"),
        (lambda: gaussian(WATER, np.nan), "r_um must be finite"),
        (lambda: otf(WATER, np.nan), "frequency_per_um must be finite"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_pixel_size_is_read_from_the_coordinates_without_rounding_noise():
    centres = (np.arange(62) - 30.5) * 0.08
    assert pixel_size_um(image(centres, centres)) == 0.08
    assert pixel_size_um(image(centres.astype("float32"), centres[:5])) == pytest.approx(0.08, rel=1e-6)


@pytest.mark.parametrize(
    ("y", "x", "message"),
    [
        (80.0 * np.arange(4), 80.0 * np.arange(4), "looks like nanometres; give micrometres, 0.08"),
        (np.array([0.0, 0.1, 0.3]), 0.1 * np.arange(3), "y must increase in equal steps"),
        (0.1 * np.arange(3), -0.1 * np.arange(3), "x must increase"),
        (0.1 * np.arange(3), 0.2 * np.arange(3), "square, not 0.1 x 0.2"),
        (0.1 * np.arange(1), 0.1 * np.arange(3), "y has 1 value"),
        (1e-4 * np.arange(3), 1e-4 * np.arange(3), "below a nanometre"),
    ],
)
def test_coordinates_that_are_no_pixel_grid_are_refused(y, x, message):
    with pytest.raises(ValueError, match=message):
        pixel_size_um(image(y, x))


def test_an_array_without_coordinates_has_no_pixel_size():
    with pytest.raises(ValueError, match="no coordinate y"):
        pixel_size_um(xr.DataArray(np.zeros((3, 3)), dims=("y", "x")))
