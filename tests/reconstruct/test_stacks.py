"""Reading raw frames from a file."""

import numpy as np
import pytest
import tifffile

from nbsupport.reconstruct.stacks import read_stack

FRAMES = np.arange(2 * 3 * 4, dtype="uint16").reshape(2, 3, 4)


def written(folder, values, **options):
    path = folder / "frames.tif"
    tifffile.imwrite(path, values, **{"photometric": "minisblack"} | options)
    return path


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
