"""SOFI: its grid and invariances, unusual stacks and bad input."""

import warnings

import numpy as np
import pytest
import xarray as xr
from gaussian_emitters import OPTICS, PIXEL_UM, as_stack, random_stack

from nbsupport.reconstruct import sofi

ORDERS = (2, 3, 4)


@pytest.mark.parametrize(("order", "size"), [(2, 57), (3, 85), (4, 113)])
def test_cross_cumulant_of_32_pixels_has_the_published_size(order, size):
    assert sofi.cross_cumulant(random_stack(4, 32, 32), order).shape == (size, size)


@pytest.mark.parametrize("order", ORDERS)
def test_fine_grid_runs_between_pixel_centres_in_steps_of_one_over_the_order(order):
    stack = random_stack()
    image = sofi.cross_cumulant(stack, order)
    for axis in ("y", "x"):
        np.testing.assert_allclose(image[axis][::order], stack[axis][1:-2])
        np.testing.assert_allclose(np.diff(image[axis]), PIXEL_UM / order)
        assert image[axis].attrs["units"] == "µm"


def test_auto_cumulant_keeps_the_grid_and_names_its_unit():
    stack = random_stack()
    image = sofi.cumulant(stack, 3)
    xr.testing.assert_equal(image.y, stack.y)
    xr.testing.assert_equal(image.x, stack.x)
    assert image.attrs["units"] == "photons^3"


def test_balanced_image_lies_on_the_grid_of_order_four():
    stack = random_stack()
    xr.testing.assert_equal(sofi.bsofi(stack, OPTICS).x, sofi.cross_cumulant(stack, 4).x)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [sofi.cumulant, sofi.cross_cumulant])
def test_cumulant_grows_with_the_power_of_its_order(kind, order):
    stack = random_stack()
    np.testing.assert_allclose(kind(3 * stack, order), 3.0**order * kind(stack, order), rtol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [sofi.cumulant, sofi.cross_cumulant])
def test_background_and_order_of_frames_do_not_matter(kind, order):
    stack = random_stack()
    shuffled = stack.isel(frame=np.random.default_rng(5).permutation(stack.sizes["frame"])) + 100.0
    expected = kind(stack, order)
    np.testing.assert_allclose(kind(shuffled, order), expected, atol=1e-9 * float(np.abs(expected).max()))


def test_balanced_image_does_not_depend_on_gain_and_offset():
    stack = random_stack(60, 12, 12)
    np.testing.assert_allclose(sofi.bsofi(7 * stack + 50, OPTICS), sofi.bsofi(stack, OPTICS), atol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_transposed_stack_gives_the_transposed_image(order):
    stack = random_stack()
    swapped = sofi.cross_cumulant(stack.rename(y="x", x="y"), order)
    np.testing.assert_allclose(swapped.values, sofi.cross_cumulant(stack, order).values.T, rtol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_mirrored_stack_gives_the_mirrored_image(order):
    stack = random_stack()
    mirrored = stack.copy(data=stack.values[:, ::-1])
    image = sofi.cross_cumulant(stack, order, flattening="none").values
    turned = sofi.cross_cumulant(mirrored, order, flattening="none").values[::-1]
    # the grid starts one pixel inside the stack and ends two inside it: compare the rows that both have
    np.testing.assert_allclose(turned[:-order], image[order:], atol=1e-9 * np.abs(image).max())


# Unusual stacks


def methods():
    for order in ORDERS:
        yield f"auto {order}", lambda stack, order=order: sofi.cumulant(stack, order)
        yield f"cross {order}", lambda stack, order=order: sofi.cross_cumulant(stack, order)
    yield "bsofi", lambda stack: sofi.bsofi(stack, OPTICS)
    yield "parameters", lambda stack: sofi.molecular_parameters(stack, OPTICS).to_array()


METHODS = dict(methods())


@pytest.mark.parametrize("method", METHODS)
def test_constant_stack_gives_zero(method):
    assert (METHODS[method](as_stack(np.full((10, 8, 8), 100.0))) == 0).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", ["dead pixel", "dark frame", "two frames"])
def test_unusual_stack_gives_finite_values_without_a_warning(method, fault):
    stack = random_stack()
    if fault == "dead pixel":
        stack[:, 4, 4] = 0
    elif fault == "dark frame":
        stack[3] = 0
    else:
        stack = stack[:2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(METHODS[method](stack)).all()


def test_dead_pixel_has_no_cumulant():
    stack = random_stack()
    stack[:, 4, 4] = 0
    assert all(sofi.cumulant(stack, order)[4, 4] == 0 for order in ORDERS)


def test_two_frames_give_the_square_of_half_their_difference():
    stack = random_stack(2)
    np.testing.assert_allclose(sofi.cumulant(stack, 2), ((stack[0] - stack[1]) / 2) ** 2)
    np.testing.assert_allclose(sofi.cumulant(stack, 3), 0, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_integer_counts_give_the_image_of_their_float_values(method):
    counts = random_stack().round()
    np.testing.assert_array_equal(METHODS[method](counts.astype("uint16")), METHODS[method](counts))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_value_that_is_not_finite_is_refused_with_its_place(method, bad):
    stack = random_stack()
    stack[4, 2, 6] = bad
    with pytest.raises(ValueError, match=rf"{bad} at \(frame, y, x\) index \(4, 2, 6\)"):
        METHODS[method](stack)


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        (random_stack()[:1], "1 frame"),
        (random_stack(height=4), "4 × 8 pixels; needed are 5 × 5"),
        (random_stack().rename(frame="time"), "dims"),
        (random_stack().values, "ndarray"),
        (random_stack().astype(complex), "complex128"),
        (random_stack().assign_coords(y=80.0 * np.arange(9), x=80.0 * np.arange(8)), "nanometres"),
    ],
)
def test_stack_that_cannot_be_meant_is_refused(stack, message):
    with pytest.raises(ValueError, match=message):
        sofi.cross_cumulant(stack, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: sofi.cumulant(s, 5), "order=5"),
        (lambda s: sofi.cumulant(s, 2.5), "order=2.5"),
        (lambda s: sofi.cumulant(s, 3, lags=(0, 1)), "lags"),
        (lambda s: sofi.cumulant(s, 2, lags=(0, -1)), "lags=-1"),
        (lambda s: sofi.cumulant(s, 2, lags=(0, 19)), "20 frames; these lags need at least 21"),
        (lambda s: sofi.cumulant(s, 2, block_frames=1), "block_frames=1"),
        (lambda s: sofi.cross_cumulant(s, 2, flattening="mean"), "flattening='mean'"),
        (lambda s: sofi.cross_cumulant(s, 2, flattening="distance"), "needs optics"),
        (lambda s: sofi.bsofi(s, OPTICS, flattening="flat"), "flattening='flat'"),
        (lambda s: sofi.bsofi(s, OPTICS, iterations=-1), "iterations=-1"),
        (lambda s: sofi.bsofi(s, OPTICS, iterations=2.5), "iterations=2.5"),
        (lambda s: sofi.bsofi(s, OPTICS, parameters_from="linear"), "parameters_from='linear'"),
        (lambda s: sofi.molecular_parameters(s, OPTICS, profile_exponent=np.nan), "profile_exponent=nan"),
    ],
)
def test_parameter_that_cannot_be_meant_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(random_stack())
