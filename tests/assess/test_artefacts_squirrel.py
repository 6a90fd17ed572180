"""SQUIRREL against planted parameters, nanopyx values (oracles) and its invariances."""

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

from nbsupport.assess.artefacts import squirrel

ORACLES = ["metrics-open-1", "metrics-open-2"]


def image(values, pixel_um=0.02):
    rows, columns = (((np.arange(n) + 0.5) - n / 2) * pixel_um for n in values.shape)
    return xr.DataArray(values, dims=("y", "x"), coords={"y": rows, "x": columns})


def filaments(seed=0, n=96):
    rng = np.random.default_rng(seed)
    return gaussian_filter((rng.random((n, n)) > 0.98) * rng.uniform(1, 5, (n, n)), 1.0)


def noisy_reference(fine, seed=1):
    return 40 * gaussian_filter(fine, 4.0) + 7 + np.random.default_rng(seed).normal(0, 0.3, fine.shape)


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("variant", ["nanoj", "nanopyx"])
def test_images_of_one_size_give_the_values_of_nanopyx(oracle, name, variant):
    """Tolerances of the oracle: RSE 0.1 %, RSP 1e-4, sigma 0.02 px; its map is float32."""
    given = oracle(name)
    wanted = given.parameters["values"]["squirrel_nanopyx"]["same_size"]
    found = squirrel(given.arrays["reference_same_size"], given.arrays["estimate"], variant=variant)
    assert found.rse == pytest.approx(wanted["rse"], rel=1e-3)
    assert found.rsp == pytest.approx(wanted["rsp"], abs=1e-4)
    assert found.sigma_px == pytest.approx(wanted["sigma_px"], abs=0.02)
    assert found.alpha == pytest.approx(wanted["alpha"], rel=1e-5)
    assert found.beta == pytest.approx(wanted["beta"], rel=1e-5)
    np.testing.assert_allclose(found.error_map, given.arrays["squirrel_error_map_same_size"], atol=1e-3)


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
def test_the_nanopyx_variant_magnifies_a_smaller_reference_as_nanopyx_does(oracle, name):
    given = oracle(name)
    wanted = given.parameters["values"]["squirrel_nanopyx"]["half_size"]
    found = squirrel(given.arrays["reference_half_size"], given.arrays["estimate"], variant="nanopyx")
    assert found.rse == pytest.approx(wanted["rse"], rel=1e-5)
    assert found.rsp == pytest.approx(wanted["rsp"], abs=1e-4)
    assert found.sigma_px == pytest.approx(wanted["sigma_px"], abs=1e-4)


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
def test_the_nanoj_variant_finds_the_same_blur_at_both_sizes_of_the_reference(oracle, name):
    """Both sides of the comparison are binned, so the blur between them stays what it was."""
    arrays = oracle(name).arrays
    same, half = (squirrel(arrays[f"reference_{size}_size"], arrays["estimate"]).sigma_px for size in ("same", "half"))
    assert half == pytest.approx(same, abs=0.05)


@pytest.mark.parametrize("variant", ["nanoj", "nanopyx"])
def test_a_reference_made_by_the_model_is_explained_without_error(variant):
    fine = filaments()
    found = squirrel(image(gaussian_filter(3.0 * fine + 20.0, 4.0)), image(fine), variant=variant)
    assert found.rse == pytest.approx(0, abs=1e-5)
    assert found.rsp == pytest.approx(1, abs=1e-9)
    assert (found.alpha, found.beta, found.sigma_px) == pytest.approx((3.0, 20.0, 4.0), rel=1e-4)
    assert float(found.error_map.max()) < 1e-4


def test_a_binned_reference_made_by_the_model_is_explained_without_error_at_its_own_size():
    fine = filaments()
    binned = gaussian_filter(3.0 * fine + 20.0, 4.0).reshape(32, 3, 32, 3).mean(axis=(1, 3))
    found = squirrel(image(binned, 0.06), image(fine))
    assert found.rse == pytest.approx(0, abs=1e-5)
    assert found.sigma_px == pytest.approx(4.0, rel=1e-4)
    assert found.error_map.shape == fine.shape


def test_scale_and_offset_of_the_estimate_change_neither_error_nor_correlation():
    fine = filaments()
    reference = image(noisy_reference(fine))
    plain, changed = (squirrel(reference, image(e)) for e in (fine, 250 * fine - 3))
    assert (changed.rse, changed.rsp, changed.sigma_px) == pytest.approx(
        (plain.rse, plain.rsp, plain.sigma_px), rel=1e-6
    )


def test_the_error_scales_with_the_reference():
    fine = filaments()
    one, five = (squirrel(image(k * noisy_reference(fine)), image(fine)) for k in (1, 5))
    assert five.rse == pytest.approx(5 * one.rse, rel=1e-6)
    assert five.rsp == pytest.approx(one.rsp, rel=1e-6)


def test_a_constant_estimate_explains_nothing():
    reference = noisy_reference(filaments())
    found = squirrel(image(reference), image(np.full((96, 96), 3.0)))
    assert found.rsp == 0
    assert found.rse == pytest.approx(reference.std())


def test_a_missing_filament_is_where_the_error_map_is_brightest():
    fine = np.zeros((96, 96))
    fine[20:80, 30] = fine[20:80, 66] = 1.0
    lost = fine.copy()
    lost[:, 66] = 0
    found = squirrel(image(gaussian_filter(fine, 4.0)), image(lost))
    peak = found.error_map.argmax(("y", "x"))
    assert abs(int(peak["x"]) - 66) <= 2


def test_fields_that_do_not_match_are_refused_with_their_edges():
    fine = image(filaments())
    with pytest.raises(ValueError, match="different fields"):
        squirrel(fine.assign_coords(x=fine.x + 0.1), fine)
    with pytest.raises(ValueError, match="whole multiple"):
        squirrel(np.ones((30, 30)), np.ones((96, 96)))
    with pytest.raises(ValueError, match="reference is constant"):
        squirrel(np.ones((96, 96)), filaments())
    with pytest.raises(ValueError, match="variant='imagej'"):
        squirrel(fine, fine, variant="imagej")
