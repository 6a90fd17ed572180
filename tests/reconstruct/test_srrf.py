"""SRRF and eSRRF against the oracle, the package's own functions, known images and moments written out."""

import contextlib
import io
import itertools
import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import xarray as xr

from nbsupport.reconstruct.srrf import esrrf, radiality, srrf

PLAIN = {"intensity_weighting": False, "macro_pixel_correction": False}


def as_stack(values, pixel_um=0.1):
    centres = {dim: (np.arange(size) + 0.5) * pixel_um for dim, size in zip("yx", values.shape[1:], strict=True)}
    return xr.DataArray(values, dims=("frame", "y", "x"), coords=centres, attrs={"units": "photons"})


def random_stack(frames=6, height=9, width=8, seed=1):
    return as_stack(np.random.default_rng(seed).gamma(2.0, 5.0, (frames, height, width)))


def centred_spot():
    """Two equal frames of a Gaussian of 1.5 px on the centre of the middle pixel of 33 × 33."""
    offsets = np.arange(33) - 16
    image = 100 * np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    return as_stack(np.stack([image, image]))


def centre_of_mass(image):
    weights = image / image.sum()
    return float((weights.sum("x") * image.y).sum()), float((weights.sum("y") * image.x).sum())


# Oracle and package


def assert_within_the_oracle_s_tolerance(found, expected):
    off = np.abs(np.asarray(found) - expected) > 1e-4 * np.abs(expected).max()
    assert off.mean() <= 1e-3


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("array", "options"),
    [("radiality", PLAIN), ("radiality_weighted", {"macro_pixel_correction": False}), ("srrf_stack", {})],
)
def test_radiality_matches_the_oracle(oracle, array, options):
    arrays = oracle("srrf-open").arrays
    found = radiality(as_stack(arrays["stack"]), magnification=4, ring_radius_px=0.5, **options)
    assert_within_the_oracle_s_tolerance(found, arrays[array])


@pytest.mark.conformance
@pytest.mark.parametrize("temporal", ["tra", "max", "trppm"])
def test_image_matches_the_oracle(oracle, temporal):
    arrays = oracle("srrf-open").arrays
    found = srrf(as_stack(arrays["stack"]), temporal=temporal, magnification=4, ring_radius_px=0.5)
    assert_within_the_oracle_s_tolerance(found, arrays[temporal])


@pytest.mark.parametrize("temporal", ["avg", "var", "tac2"])
def test_esrrf_gives_the_image_of_the_package_s_own_function(temporal):
    stack = random_stack(6, 12, 11)
    found = esrrf(stack, temporal=temporal, magnification=4, radius_px=1.2, sensitivity=2)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import nanopyx

        expected = nanopyx.eSRRF(
            stack.values.astype(np.float32),
            4,
            1.2,
            2,
            temporal_correlation=temporal.upper(),
            _force_run_type="threaded",
        )
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_import_prints_nothing_warns_of_nothing_and_leaves_the_home_folder_alone(tmp_path):
    code = (
        "import numpy, xarray; from nbsupport.reconstruct.srrf import srrf;"
        "centres = numpy.arange(5) * 0.1;"
        "srrf(xarray.DataArray(numpy.ones((2, 5, 5)), dims=('frame', 'y', 'x'), coords={'y': centres, 'x': centres}))"
    )
    environment = os.environ | {"HOME": str(tmp_path / "home"), "MPLCONFIGDIR": str(tmp_path / "plots")}
    (tmp_path / "home").mkdir()
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list((tmp_path / "home").rglob("*")) == []


# Known images


@pytest.mark.parametrize("method", [srrf, esrrf])
def test_uniform_stack_gives_zero(method):
    assert (method(as_stack(np.full((3, 9, 8), 50.0))) == 0).all()


@pytest.mark.parametrize("method", [srrf, esrrf])
def test_black_stack_gives_zero(method):
    assert (method(as_stack(np.zeros((3, 9, 8)))) == 0).all()


def test_linear_ramp_has_no_radiality_inside():
    ramp = as_stack(np.broadcast_to(10.0 * np.arange(12.0), (2, 12, 12)))
    inside = radiality(ramp, **PLAIN).isel(y=slice(15, -15), x=slice(15, -15))
    np.testing.assert_allclose(inside, 0, atol=1e-6)


@pytest.mark.parametrize(("ring_radius_px", "peak"), [(0.5, 0.969), (2.0, 0.973)])
def test_radiality_of_a_centred_spot_has_the_published_peak_and_its_symmetry(ring_radius_px, peak):
    image = srrf(centred_spot(), ring_radius_px=ring_radius_px, **PLAIN)
    assert float(image.max()) == pytest.approx(peak, abs=5e-4)
    np.testing.assert_allclose(image, image.values.T, atol=5e-4)  # float32 far from the spot, where it is faint
    np.testing.assert_allclose(image, image.values[::-1], atol=5e-4)


def test_convergence_of_a_centred_spot_has_the_published_peak():
    assert float(esrrf(centred_spot(), **PLAIN).max()) == pytest.approx(0.870, abs=5e-4)


def test_first_and_last_rows_with_signal_are_the_published_ones():
    stack = random_stack(2, 33, 33)
    for image, rows in ((srrf(stack), (5, 159)), (esrrf(stack), (7, 157))):
        lit = np.flatnonzero(image.values.any(1))
        assert (lit[0], lit[-1]) == rows


# Grid


@pytest.mark.parametrize("magnification", [1, 4, 5])
def test_fine_coordinates_split_every_pixel_evenly(magnification):
    stack = random_stack()
    image = srrf(stack, magnification=magnification)
    for axis in ("y", "x"):
        fine = image[axis].values.reshape(-1, magnification)
        np.testing.assert_allclose(fine.mean(1), stack[axis], atol=1e-12)
        np.testing.assert_allclose(np.diff(fine.ravel()), 0.1 / magnification, rtol=1e-9)
        assert image[axis].attrs["units"] == "µm"


def test_srrf_puts_a_spot_where_it_is():
    np.testing.assert_allclose(centre_of_mass(srrf(centred_spot(), **PLAIN) ** 4), 1.65, atol=1e-4)


@pytest.mark.parametrize("magnification", [4, 5, 10])
@pytest.mark.parametrize("options", [PLAIN, {"macro_pixel_correction": False}])
def test_esrrf_puts_a_spot_where_it_is_to_a_tenth_of_a_pixel(magnification, options):
    image = esrrf(centred_spot(), magnification=magnification, **options)
    np.testing.assert_allclose(centre_of_mass(image**4), 1.65, atol=0.01)


def test_image_records_every_parameter():
    image = srrf(random_stack(), temporal="trac2", magnification=3, ring_radius_px=2, border=1, positivity=False)
    expected = {"units": "1", "temporal": "trac2", "magnification": 3, "ring_radius_px": 2.0, "border": 1}
    expected |= {"positivity": False, "intensity_weighting": True, "macro_pixel_correction": True, "frames": 6}
    assert expected.items() <= image.attrs.items()


# Time


def cumulant_by_partitions(traces):
    """Joint cumulant as the sum over all set partitions, singletons included, of products of moments."""

    def partitions(items):
        if not items:
            yield []
            return
        for size in range(len(items)):
            for others in itertools.combinations(items[1:], size):
                rest = [item for item in items[1:] if item not in others]
                for tail in partitions(rest):
                    yield [(items[0], *others), *tail]

    total = 0
    for blocks in partitions(list(range(len(traces)))):
        moments = [np.prod([traces[i] for i in block], axis=0).mean(0) for block in blocks]
        total = total + (-1) ** (len(blocks) - 1) * math.factorial(len(blocks) - 1) * np.prod(moments, axis=0)
    return total


@pytest.mark.parametrize("order", [2, 3, 4])
def test_temporal_correlations_are_the_joint_cumulants_of_successive_frames(order):
    stack = random_stack(12)
    maps = radiality(stack, magnification=2).values.astype(float)
    successive = [maps[lag : 12 - order + 1 + lag] for lag in range(order)]
    expected = np.abs(cumulant_by_partitions(successive))
    found = srrf(stack, temporal=f"trac{order}", magnification=2)
    np.testing.assert_allclose(found, expected, atol=1e-6 * expected.max())


def test_pairwise_products_are_a_mean_over_all_pairs():
    stack = random_stack(5)
    maps = np.maximum(radiality(stack, magnification=2).values.astype(float), 0)
    expected = np.mean([a * b for a, b in itertools.combinations_with_replacement(maps, 2)], axis=0)
    np.testing.assert_allclose(srrf(stack, temporal="trppm", magnification=2), expected, rtol=1e-5)


@pytest.mark.parametrize("temporal", ["tra", "max", "trppm"])
def test_order_of_frames_does_not_matter_without_correlations(temporal):
    stack = random_stack()
    turned = srrf(stack[::-1], temporal=temporal, magnification=2)
    np.testing.assert_allclose(turned, srrf(stack, temporal=temporal, magnification=2), rtol=1e-5)


def test_frames_are_computed_in_blocks_without_a_trace(monkeypatch):
    stack = random_stack()
    expected = srrf(stack), esrrf(stack)
    monkeypatch.setattr("nbsupport.reconstruct.srrf._BLOCK_VALUES", 1)
    np.testing.assert_array_equal(srrf(stack), expected[0])
    np.testing.assert_array_equal(esrrf(stack), expected[1])


# Unusual stacks


@pytest.mark.parametrize("method", [srrf, esrrf])
@pytest.mark.parametrize("fault", ["dead pixel", "dark frame", "two frames"])
def test_unusual_stack_gives_finite_values(method, fault):
    stack = random_stack()
    if fault == "dead pixel":
        stack[:, 4, 4] = 0
    elif fault == "dark frame":
        stack[3] = 0
    else:
        stack = stack[:2]
    assert np.isfinite(method(stack)).all()


@pytest.mark.parametrize("method", [srrf, esrrf])
def test_integer_counts_give_the_image_of_their_float_values(method):
    counts = random_stack().round()
    np.testing.assert_array_equal(method(counts.astype("uint16")), method(counts))


@pytest.mark.parametrize("method", [srrf, esrrf])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_value_that_is_not_finite_is_refused_with_its_place(method, bad):
    stack = random_stack()
    stack[4, 2, 6] = bad
    with pytest.raises(ValueError, match=rf"{bad} at \(frame, y, x\) index \(4, 2, 6\)"):
        method(stack)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: srrf(s, temporal="mean"), "temporal='mean'.*tra"),
        (lambda s: srrf(s[:3], temporal="trac3"), "temporal='trac3' needs at least 4 frames; the stack has 3"),
        (lambda s: srrf(s, magnification=0), "magnification=0"),
        (lambda s: srrf(s, magnification=2.5), "magnification=2.5"),
        (lambda s: srrf(s, ring_radius_px=0), "ring_radius_px=0"),
        (lambda s: srrf(s, ring_radius_px=4), "ring_radius_px=4"),
        (lambda s: srrf(s, border=3), "border=3"),
        (lambda s: esrrf(s, temporal="tra"), "temporal='tra'.*avg"),
        (lambda s: esrrf(s, radius_px=np.nan), "radius_px=nan"),
        (lambda s: esrrf(s, sensitivity=0.5), "sensitivity=0.5"),
        (lambda s: srrf(s[:1]), "1 frame"),
        (lambda s: srrf(s.values), "ndarray"),
        (lambda s: srrf(s[:, :3]), "3 × 8 pixels"),
    ],
)
def test_input_that_cannot_be_meant_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(random_stack())
