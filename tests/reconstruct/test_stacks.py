"""Reading raw frames from a file, and refusing those that no method can work on."""

import numpy as np
import pytest
import tifffile
import torch
import xarray as xr

from nbsupport.reconstruct.stacks import framed, read_stack

FRAMES = np.arange(2 * 3 * 4, dtype="uint16").reshape(2, 3, 4)


def written(folder, values, **options):
    path = folder / "frames.tif"
    tifffile.imwrite(path, values, **{"photometric": "minisblack"} | options)
    return path


def as_stack(values=FRAMES, pixel_um=0.08):
    centres = {dim: (np.arange(size) + 0.5) * pixel_um for dim, size in zip("yx", np.shape(values)[1:], strict=True)}
    return xr.DataArray(values, dims=("frame", "y", "x"), coords=centres)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_values_keep_their_type_and_come_in_native_byte_order(tmp_path, dtype, order):
    stack = read_stack(written(tmp_path, FRAMES.astype(dtype), byteorder=order), pixel_um=0.08)
    assert stack.dtype == np.dtype(dtype)
    assert stack.dtype.isnative
    np.testing.assert_array_equal(stack, FRAMES)


def test_coordinates_are_pixel_centres_in_micrometres(tmp_path):
    stack = read_stack(written(tmp_path, FRAMES), pixel_um=0.08)
    assert stack.dims == ("frame", "y", "x")
    np.testing.assert_allclose(stack.y, [0.04, 0.12, 0.20])
    np.testing.assert_allclose(stack.x, [0.04, 0.12, 0.20, 0.28])
    assert stack.y.attrs["units"] == stack.x.attrs["units"] == "µm"


def test_frames_that_a_program_stored_as_slices_are_frames(tmp_path):
    stack = read_stack(written(tmp_path, FRAMES, imagej=True, metadata={"axes": "ZYX"}), pixel_um=0.08)
    assert stack.sizes == {"frame": 2, "y": 3, "x": 4}


@pytest.mark.parametrize("units", ["ADU", "photons", "1"])
def test_the_unit_of_the_values_is_kept(tmp_path, units):
    assert read_stack(written(tmp_path, FRAMES), pixel_um=0.08, units=units).attrs["units"] == units


def test_a_unit_outside_the_convention_is_refused(tmp_path):
    with pytest.raises(ValueError, match="units='electrons'.*photons"):
        read_stack(written(tmp_path, FRAMES), pixel_um=0.08, units="electrons")


@pytest.mark.parametrize("shape", [(3, 4), (2, 2, 3, 4)])
def test_anything_but_three_axes_is_refused(tmp_path, shape):
    path = written(tmp_path, np.zeros(shape, "uint16"))
    with pytest.raises(ValueError, match=r"frames.tif.*one series of \(frame, y, x\)"):
        read_stack(path, pixel_um=0.08)


def test_a_colour_image_is_not_taken_for_a_stack(tmp_path):
    path = written(tmp_path, np.zeros((30, 40, 3), "uint8"), photometric="rgb")
    with pytest.raises(ValueError, match="YXS"):
        read_stack(path, pixel_um=0.08)


def test_a_file_with_two_image_series_is_refused(tmp_path):
    path = tmp_path / "frames.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(FRAMES, photometric="minisblack")
        tiff.write(np.zeros((5, 6), "uint16"))
    with pytest.raises(ValueError, match="and"):
        read_stack(path, pixel_um=0.08)


def test_a_pixel_size_in_nanometres_is_named_as_such(tmp_path):
    with pytest.raises(ValueError, match="pixel_um=80 looks like nanometres; give micrometres, 0.08"):
        read_stack(written(tmp_path, FRAMES), pixel_um=80)


@pytest.mark.parametrize("pixel_um", [0, -0.08, 1e-4, float("nan")])
def test_an_impossible_pixel_size_is_refused(tmp_path, pixel_um):
    with pytest.raises(ValueError, match="pixel_um"):
        read_stack(written(tmp_path, FRAMES), pixel_um=pixel_um)


def test_the_real_stack_of_the_registry_has_the_shape_its_entry_states(registry_file):
    path = registry_file("musical-cardiomyoblast-mitochondrion", "fluctuation/musical-cardiomyoblast-mitochondrion.tif")
    stack = read_stack(path, pixel_um=0.08)
    assert stack.shape == (100, 30, 45)
    assert stack.dtype == np.uint16


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int32", "float32", "float64"])
def test_frames_of_any_real_type_become_float64_with_their_values(dtype):
    values = FRAMES.astype(dtype)
    _, frames = framed(as_stack(values))
    assert frames.dtype == torch.float64
    np.testing.assert_array_equal(frames, values)


def test_the_pixel_size_of_frames_comes_from_their_coordinates():
    assert framed(as_stack(pixel_um=0.065))[0] == 0.065


def test_frames_come_first_whatever_the_order_of_dimensions():
    pixel_um, frames = framed(as_stack().transpose("x", "frame", "y"))
    assert (pixel_um, frames.tolist()) == (0.08, FRAMES.tolist())


def test_frames_share_no_memory_with_the_stack():
    given = as_stack(FRAMES.astype("float64"))
    framed(given)[1].zero_()
    np.testing.assert_array_equal(given, FRAMES)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_value_that_is_not_finite_is_named_with_its_place_along_frame_y_x(bad):
    given = as_stack(FRAMES.astype("float64"))
    given[1, 0, 2] = given[1, 2, 3] = bad
    with pytest.raises(ValueError, match=rf"{bad} at \(frame, y, x\) index \(1, 0, 2\)"):
        framed(given.transpose("x", "y", "frame"))


@pytest.mark.parametrize(
    ("given", "least", "message"),
    [
        (FRAMES, 2, "stack has ndarray; needed is a DataArray"),
        (as_stack().rename(frame="time"), 2, r"stack has \('time', 'y', 'x'\)"),
        (as_stack()[0], 2, r"stack has \('y', 'x'\)"),
        (as_stack()[:1], 2, "stack has 1 frame; fluctuations need at least 2"),
        (as_stack(), 4, "stack is 3 × 4 pixels; needed are 4 × 4"),
        (as_stack().drop_vars("x"), 2, "no coordinate x"),
        (as_stack(pixel_um=80.0), 2, "looks like nanometres; give micrometres, 0.08"),
        (as_stack(FRAMES.astype("complex64")), 2, "stack holds complex64; needed are real numbers"),
        (as_stack(FRAMES.astype("datetime64[ns]")), 2, "stack holds datetime64.*; needed are real numbers"),
    ],
)
def test_a_stack_that_no_method_can_work_on_is_refused(given, least, message):
    with pytest.raises(ValueError, match=message):
        framed(given, least=least)
