import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nbsupport.simulate.curved_lines import curved_line_image


def drawn(seed=0, **options):
    return curved_line_image(rng=np.random.default_rng(seed), pixels=64, **options)


def test_a_line_image_is_its_object_under_the_gaussian():
    field = drawn(sd_px=2.0)
    blurred = gaussian_filter(field.object.values, 2.0, mode="constant")
    inner = (slice(8, -8),) * 2
    np.testing.assert_allclose(field.light.values[inner] * blurred.max(), blurred[inner], atol=0.06 * blurred.max())


@pytest.mark.parametrize("sd_px", [0.5, 1.0])
def test_power_falls_with_frequency_as_the_square_of_a_gaussian(sd_px):
    narrow, wide = (np.abs(np.fft.fft2(drawn(sd_px=s).light.values)) ** 2 for s in (sd_px, 1.5 * sd_px))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    ring = np.abs(frequency - 0.12) < 0.02
    ratio = (wide / narrow)[ring] / (wide / narrow)[0, 0]
    expected = np.exp(-4 * np.pi**2 * frequency[ring] ** 2 * 1.25 * sd_px**2)
    assert np.median(ratio / expected) == pytest.approx(1, rel=0.25)


def test_more_lines_hold_more_length():
    length = [np.mean([drawn(seed, lines=n).object.sum() for seed in range(8)]) for n in (5, 10)]
    assert length[1] / length[0] == pytest.approx(2, rel=0.25)


def test_the_brightest_pixel_is_one():
    assert drawn().light.max() == 1


def test_a_psf_without_width_is_refused():
    with pytest.raises(ValueError, match="sd_px"):
        drawn(sd_px=0)
