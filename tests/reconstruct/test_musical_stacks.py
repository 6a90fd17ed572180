"""MUSICAL: its grid and record, its invariances, unusual stacks and bad input."""

import numpy as np
import pytest
import torch
import xarray as xr
from blinking_emitters import AT_660, as_stack, blinking, per_window

from nbsupport.optics import Optics
from nbsupport.reconstruct import musical, windows

# Grid, window and record


@pytest.mark.parametrize(
    ("pixel_um", "aperture", "window_px", "field_px"),
    [(0.065, 1.2, 11, 76), (0.065, 1.49, 9, 76), (0.08, 1.42, 7, 62), (0.108, 1.4, 5, 46), (0.12, 1.49, 5, 41)],
)
def test_published_pixel_sizes_give_the_published_windows_and_outputs(pixel_um, aperture, window_px, field_px):
    optics = Optics(numerical_aperture=aperture, wavelength_um=0.66)
    assert musical.window_size(optics, pixel_um) == window_px
    strip = blinking(field_px, window_px, 4, pixel_um=pixel_um, optics=optics)
    image = musical.musical(strip, optics, edges="interior")
    assert image.sizes == {"y": {76: 760, 62: 620, 46: 460, 41: 410}[field_px], "x": 10 * window_px}


def test_airy_radius_of_whole_pixels_survives_rounding():
    # 0.61 · 0.8 / (1.22 · 0.1) is 4, and 3.9999999999999996 in floating point
    assert musical.window_size(Optics(numerical_aperture=1.22, wavelength_um=0.8), 0.1) == 9


def test_fine_coordinates_split_every_raw_pixel_evenly():
    stack = blinking().assign_coords(y=np.arange(11) * 0.08 - 0.4)
    image = musical.musical(stack, AT_660, subpixels=4)
    for axis in ("y", "x"):
        fine = image[axis].values.reshape(-1, 4)
        np.testing.assert_allclose(fine.mean(1), stack[axis], atol=1e-12)
        np.testing.assert_allclose(np.diff(fine.ravel()), 0.02, rtol=1e-9)
        assert image[axis].attrs["units"] == "µm"


def test_image_records_every_parameter():
    image = musical.musical(blinking(), AT_660, alpha=3, subpixels=2, threshold=-1.25, edges="interior")
    expected = {"units": "1", "alpha": 3, "subpixels": 2, "log10_sigma0": -1.25, "edges": "interior", "window_px": 7}
    expected |= {"pixel_um": 0.08, "frames": 60, "numerical_aperture": 1.42, "wavelength_um": 0.66}
    assert expected.items() <= image.attrs.items()
    assert "hard" in image.attrs["method"]


def test_singular_values_sit_on_window_centres():
    stack = blinking()
    interior = musical.singular_values(stack, AT_660, edges="interior")
    padded = musical.singular_values(stack, AT_660)
    assert padded.sizes == {"y": 11, "x": 10, "index": 49}
    xr.testing.assert_allclose(interior, padded.sel(y=interior.y, x=interior.x), atol=1e-12)
    assert interior.y[0] == stack.y[3]


# Invariances


def test_brightness_does_not_matter():
    stack = blinking()
    np.testing.assert_allclose(musical.musical(7.3 * stack, AT_660), musical.musical(stack, AT_660), rtol=1e-8)


def test_order_of_frames_does_not_matter():
    stack = blinking()
    shuffled = stack.isel(frame=np.random.default_rng(5).permutation(stack.sizes["frame"]))
    np.testing.assert_allclose(musical.musical(shuffled, AT_660), musical.musical(stack, AT_660), rtol=1e-8)


def test_order_of_dimensions_does_not_matter():
    stack = blinking()
    turned = musical.musical(stack.transpose("x", "frame", "y"), AT_660)
    np.testing.assert_array_equal(turned, musical.musical(stack, AT_660))


def test_transposed_stack_gives_the_transposed_image():
    stack = blinking()
    swapped = stack.rename(y="x", x="y")
    np.testing.assert_allclose(
        musical.musical(swapped, AT_660).values, musical.musical(stack, AT_660).values.T, rtol=1e-8
    )


def test_tiling_does_not_change_the_image(monkeypatch):
    stack = blinking()
    whole, fractions = musical.musical(stack, AT_660), []
    monkeypatch.setitem(windows.TILE_BYTES, "cpu", 2e6)
    tiled = musical.musical(stack, AT_660, progress=fractions.append)
    assert len(fractions) > 4
    np.testing.assert_allclose(tiled, whole, rtol=1e-8)


def test_progress_rises_to_one(monkeypatch):
    monkeypatch.setitem(windows.TILE_BYTES, "cpu", 2e6)
    fractions = []
    musical.musical(blinking(), AT_660, progress=fractions.append)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_image_of_the_cpu():
    stack = blinking()
    np.testing.assert_allclose(musical.musical(stack, AT_660, device="cuda"), musical.musical(stack, AT_660), rtol=1e-6)


# Unusual stacks


def test_integer_counts_give_the_image_of_their_float_values():
    stack = blinking()
    np.testing.assert_array_equal(musical.musical(stack.astype("uint16"), AT_660), musical.musical(stack, AT_660))


def test_negative_values_are_allowed():
    stack = blinking() - 20.0
    assert stack.min() < 0
    np.testing.assert_allclose(musical.musical(stack, AT_660), per_window(stack, AT_660, 7), rtol=1e-6)


def test_dead_pixel_is_an_ordinary_value():
    stack = blinking()
    stack[:, 6, 6] = 0
    np.testing.assert_allclose(musical.musical(stack, AT_660), per_window(stack, AT_660, 7), rtol=1e-6)


def test_dark_frame_adds_nothing():
    stack = blinking()
    dark = xr.concat([stack, 0 * stack[:1]], "frame")
    np.testing.assert_allclose(musical.musical(dark, AT_660), musical.musical(stack, AT_660), rtol=1e-8)


def test_constant_stack_has_one_eigenimage_and_no_arbitrary_ones():
    stack = as_stack(np.full((60, 9, 10), 100.0), 0.08)
    np.testing.assert_allclose(musical.musical(stack, AT_660), per_window(stack, AT_660, 7), rtol=1e-6)


def test_windows_without_light_contribute_zero():
    stack = blinking(20, 12)
    stack[:, 10:, :] = 0
    image = musical.musical(stack, AT_660).values
    # rows from 10 + 6 on are seen only by windows that lie wholly in the dark
    assert (image[160:] == 0).all()
    assert (image[:100] > 0).all()
    assert np.isfinite(image).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_value_that_is_not_finite_is_refused_with_its_place(bad):
    stack = blinking()
    stack[4, 2, 9] = bad
    with pytest.raises(ValueError, match=rf"{bad} at \(frame, y, x\) index \(4, 2, 9\)"):
        musical.musical(stack, AT_660)


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        (0 * blinking(), "no positive value"),
        (-1 - blinking(), "no positive value"),
        (blinking()[:1], "1 frame"),
        (blinking(6, 12), "6 × 12 pixels, smaller than the window of 7 × 7"),
        (blinking().rename(frame="time"), "dims"),
        (blinking().values, "ndarray"),
        (blinking().astype(complex), "complex128"),
    ],
)
def test_stack_without_a_musical_image_is_refused(stack, message):
    with pytest.raises(ValueError, match=message):
        musical.musical(stack, AT_660)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0}, "alpha=0"),
        ({"alpha": -4}, "alpha=-4"),
        ({"alpha": np.nan}, "alpha=nan"),
        ({"alpha": 80}, "alpha=80"),
        ({"subpixels": 0}, "subpixels=0"),
        ({"subpixels": 2.5}, "subpixels=2.5 must be a whole number"),
        ({"window_px": 6}, "window_px=6 must be odd, so that a window has a middle pixel; 7 is"),
        ({"window_px": 1}, "window_px=1 must be at least 3"),
        ({"edges": "interor"}, "edges='interor' is unknown; did you mean 'interior'"),
        ({"threshold": "sfot"}, "threshold='sfot' is unknown; did you mean 'soft'"),
        ({"threshold": np.nan}, "threshold=nan"),
        ({"device": "gpu"}, "device='gpu'"),
    ],
)
def test_parameter_that_cannot_be_meant_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        musical.musical(blinking(), AT_660, **options)


@pytest.mark.parametrize("options", [{"order": 0}, {"order": np.inf}, {"log10_sigma0": -np.inf}])
def test_soft_threshold_that_cannot_be_meant_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        musical.SoftThreshold(**options)


@pytest.mark.parametrize(("pixel_um", "message"), [(0.5, "wider than the Airy radius"), (0.0, "positive")])
def test_pixel_without_a_window_is_refused(pixel_um, message):
    with pytest.raises(ValueError, match=message):
        musical.window_size(AT_660, pixel_um)
