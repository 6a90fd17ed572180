import numpy as np
import pytest
from camera_moments import CONFIDENCE, stack
from scipy import stats

from nbsupport.simulate import camera


def point(y, x, size=41):
    values = np.zeros((1, size, size))
    values[0, y, x] = 1.0
    return stack(values, "1")


def centroid_um(image):
    return [float((image * image[dim]).sum() / image.sum()) for dim in ("y", "x")]


def test_vignetting_leaves_the_centre_and_dims_the_corners_as_stated():
    image = camera.vignetting(stack(np.full((1, 41, 61), 8.0)), corner=0.25)
    assert image.values[0, 20, 30] == 8.0
    np.testing.assert_allclose(image.values[0, [0, 0, -1, -1], [0, -1, 0, -1]], 2.0)


def test_vignetting_follows_the_fourth_power_of_the_cosine():
    brightness = camera.vignetting(stack(np.ones((1, 41, 41))), corner=0.3).values[0]
    tangent = np.hypot(*np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41))) / np.sqrt(2)
    corner_angle = np.arccos(0.3**0.25)
    np.testing.assert_allclose(brightness, np.cos(np.arctan(tangent * np.tan(corner_angle))) ** 4)


def test_an_unvignetted_corner_changes_nothing():
    image = stack(np.random.default_rng(0).random((2, 5, 6)))
    np.testing.assert_array_equal(camera.vignetting(image, corner=1.0), image)


def illumination(patterns, seed=1, size=512, grain_um=0.3):
    field = stack(np.ones((1, size, size)))
    return camera.speckled_illumination(field, grain_um=grain_um, patterns=patterns, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("patterns", [1, 4])
def test_speckle_has_mean_one_and_a_contrast_of_one_over_the_root_of_the_patterns(patterns):
    light = illumination(patterns).values
    grains = (512 * 0.1 / 0.3) ** 2 * np.pi / 4
    assert light.mean() == pytest.approx(1.0, abs=CONFIDENCE / np.sqrt(grains * patterns))
    assert light.std() / light.mean() == pytest.approx(patterns**-0.5, rel=0.05)


def test_fully_developed_speckle_is_exponentially_distributed():
    grains_apart = illumination(1, size=1024).values[0, ::6, ::6].ravel()
    assert stats.kstest(grains_apart / grains_apart.mean(), "expon").pvalue > 1e-4


def test_speckle_holds_no_detail_finer_than_its_grain():
    spectrum = np.abs(np.fft.fft2(illumination(1).values[0]))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(512, 0.1), np.fft.fftfreq(512, 0.1)))
    assert spectrum[frequency > 1 / 0.3 + 1e-9].max() < 1e-9 * spectrum.max()


def test_all_frames_of_a_stack_are_lit_alike():
    lit = camera.speckled_illumination(stack(np.ones((3, 32, 32))), grain_um=0.3, rng=np.random.default_rng(2))
    assert np.array_equal(lit[0], lit[2])


def test_the_ghost_of_a_point_lies_where_it_is_shifted_to_with_its_share_of_the_light():
    source = point(20, 20)
    copy = camera.ghost(source, shift_um=(0.53, -0.38), fraction=0.2, blur_um=0.15) - source
    assert float(copy.sum()) == pytest.approx(0.2)
    moved = np.subtract(centroid_um(copy), centroid_um(source))
    np.testing.assert_allclose(moved, (0.53, -0.38), atol=1e-9)


def test_a_ghost_out_of_focus_is_as_wide_as_its_blur():
    source = point(20, 20)
    copy = camera.ghost(source, shift_um=(0.0, 0.0), fraction=0.5, blur_um=0.3) - source
    spread = float((copy * (copy.x - centroid_um(copy)[1]) ** 2).sum() / copy.sum())
    assert spread == pytest.approx(0.3**2, rel=0.01)


def test_a_ghost_that_leaves_the_field_is_gone():
    source = point(20, 20)
    np.testing.assert_array_equal(camera.ghost(source, shift_um=(9.0, 0.0), fraction=0.5), source)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda s: camera.vignetting(s, corner=0.0), "corner=0.0 must be above 0 and at most 1"),
        (lambda s: camera.vignetting(s, corner=1.5), "corner=1.5 must be above 0 and at most 1"),
        (lambda s: camera.ghost(s, shift_um=(1.0, 1.0), fraction=1.5), "fraction=1.5 must be from 0 to 1"),
        (lambda s: camera.ghost(s, shift_um=0.5, fraction=0.5), "shift_um=0.5 must be two finite numbers"),
        (lambda s: camera.ghost(s, shift_um=(1.0, np.nan), fraction=0.5), "shift_um=.* must be two finite numbers"),
        (lambda s: camera.ghost(s, shift_um=(1.0, 1.0), fraction=0.5, blur_um=-1), "blur_um=-1 must be at least 0"),
    ],
)
def test_impossible_optics_of_an_image_are_refused_by_name(spoil, message):
    with pytest.raises(ValueError, match=message):
        spoil(stack(np.ones((1, 5, 5))))


def test_pixel_coordinates_in_nanometres_are_refused():
    image = stack(np.ones((1, 5, 5)))
    image = image.assign_coords(y=image.y * 1000, x=image.x * 1000)
    with pytest.raises(ValueError, match="looks like nanometres; give micrometres, 0.1"):
        camera.ghost(image, shift_um=(1.0, 1.0), fraction=0.5)
