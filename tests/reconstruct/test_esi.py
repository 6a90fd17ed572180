"""ESI against a direct evaluation pair by pair, entropies and moments of SciPy, and its invariances."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from scipy.ndimage import gaussian_filter

from nbsupport.reconstruct.esi import esi, pair_value


def as_stack(values, pixel_um=0.1):
    centres = {dim: (np.arange(size) + 0.5) * pixel_um for dim, size in zip("yx", values.shape[1:], strict=True)}
    return xr.DataArray(values, dims=("frame", "y", "x"), coords=centres, attrs={"units": "photons"})


def random_stack(frames=40, height=7, width=6, seed=1):
    return as_stack(np.random.default_rng(seed).gamma(2.0, 5.0, (frames, height, width)))


def pair_by_pair(stack, parts, order=4, bins=100):
    """Direct evaluation, one point and one pair of pixels at a time, in the order of the definition."""

    def value(a, b):
        p, q = (np.histogram(trace, bins, (0, 1))[0] / len(trace) for trace in (a, b))
        entropy = -0.5 * sum(p[i] * np.log2(q[i]) for i in range(bins) if q[i] > 0)
        entropy += -0.5 * sum(q[i] * np.log2(p[i]) for i in range(bins) if p[i] > 0)
        return entropy * np.mean((a - a.mean()) ** order * (b - b.mean()) ** order)

    frames = (stack.values - stack.values.min()) / np.ptp(stack.values)
    height, width = stack.shape[1:]
    total = 0
    for part in np.array_split(frames, parts):
        image = np.zeros((2 * height - 5, 2 * width - 5))
        for row, column in np.ndindex(*image.shape):
            y, x = 1 + row // 2, 1 + column // 2
            pairs = {
                (0, 0): [((y - 1, x - 1), (y + 1, x + 1)), ((y - 1, x + 1), (y + 1, x - 1))],
                (0, 1): [((y, x), (y, x + 1))],
                (1, 0): [((y, x), (y + 1, x))],
                (1, 1): [((y, x), (y + 1, x + 1)), ((y, x + 1), (y + 1, x))],
            }[row % 2, column % 2]
            image[row, column] = np.mean([value(part[:, *a], part[:, *b]) for a, b in pairs])
        image = gaussian_filter(image, 0.8)
        total = total + (image - image.min()) / np.ptp(image)
    return total


@pytest.mark.parametrize(("parts", "order"), [(1, 4), (4, 4), (3, 1)])
def test_image_equals_a_direct_evaluation(parts, order):
    stack = random_stack()
    np.testing.assert_allclose(
        esi(stack, partial_stacks=parts, order=order), pair_by_pair(stack, parts, order), rtol=1e-9, atol=1e-12
    )


def test_value_of_a_trace_with_itself_is_its_entropy_times_its_moment():
    trace = np.random.default_rng(2).random(500)
    shares = np.histogram(trace, 100, (0, 1))[0]
    expected = scipy.stats.entropy(shares, base=2) * scipy.stats.moment(trace, 8)
    np.testing.assert_allclose(pair_value(trace, trace), expected, rtol=1e-12)


def test_value_is_symmetric_in_the_pair():
    a, b = np.random.default_rng(2).random((2, 50, 8))
    np.testing.assert_allclose(pair_value(a, b), pair_value(b, a), rtol=1e-12)


def test_constant_trace_has_no_value():
    a = np.random.default_rng(2).random((50, 8))
    np.testing.assert_array_equal(pair_value(a, np.full_like(a, 0.25)), 0)


def test_blinking_emitter_between_two_pixels_peaks_there():
    rng = np.random.default_rng(4)
    pixels = np.arange(15)
    spot = np.exp(-((pixels[:, None] - 7) ** 2 + (pixels - 7.5) ** 2) / (2 * 1.3**2))
    image = esi(as_stack(rng.poisson(5 + 200 * (rng.random((400, 1, 1)) < 0.3) * spot)), partial_stacks=4)
    row, column = np.unravel_index(image.values.argmax(), image.shape)
    assert (float(image.y[row]), float(image.x[column])) == (pytest.approx(0.75), pytest.approx(0.80))


def test_fine_grid_runs_from_the_second_to_the_second_last_pixel_in_half_pixels():
    stack = random_stack()
    image = esi(stack)
    for axis in ("y", "x"):
        np.testing.assert_allclose(image[axis][::2], stack[axis][1:-1])
        np.testing.assert_allclose(np.diff(image[axis]), 0.05)
        assert image[axis].attrs["units"] == "µm"


def test_gain_and_offset_do_not_matter():
    stack = random_stack()
    np.testing.assert_allclose(esi(7 * stack + 100), esi(stack), atol=1e-6)


def test_order_of_frames_within_a_part_does_not_matter():
    stack = random_stack()
    order = np.random.default_rng(5).permutation(40)
    np.testing.assert_allclose(esi(stack[order], partial_stacks=1), esi(stack, partial_stacks=1), atol=1e-9)


def test_transposed_stack_gives_the_transposed_image():
    stack = random_stack()
    np.testing.assert_allclose(esi(stack.rename(y="x", x="y")).values, esi(stack).values.T, atol=1e-9)


def test_mirrored_stack_gives_the_mirrored_image():
    stack = random_stack()
    np.testing.assert_allclose(esi(stack.copy(data=stack.values[:, ::-1])), esi(stack).values[::-1], atol=1e-9)


# Unusual stacks


def test_constant_stack_gives_zero():
    assert (esi(as_stack(np.full((40, 6, 6), 100.0))) == 0).all()


@pytest.mark.parametrize("fault", ["dead pixel", "dark frame", "two frames"])
def test_unusual_stack_gives_finite_values(fault):
    stack = random_stack()
    if fault == "dead pixel":
        stack[:, 3, 3] = 0
    elif fault == "dark frame":
        stack[3] = 0
    else:
        stack = stack[:2]
    assert np.isfinite(esi(stack, partial_stacks=1)).all()


def test_integer_counts_give_the_image_of_their_float_values():
    counts = random_stack().round()
    np.testing.assert_array_equal(esi(counts.astype("uint16")), esi(counts))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_value_that_is_not_finite_is_refused_with_its_place(bad):
    stack = random_stack()
    stack[4, 2, 5] = bad
    with pytest.raises(ValueError, match=rf"{bad} at \(frame, y, x\) index \(4, 2, 5\)"):
        esi(stack)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: esi(s[:2]), "partial_stacks=10 needs 20 frames; the stack has 2, give at most 1"),
        (lambda s: esi(s, partial_stacks=0), "partial_stacks=0"),
        (lambda s: esi(s, partial_stacks=2.5), "partial_stacks=2.5"),
        (lambda s: esi(s, order=0), "order=0"),
        (lambda s: esi(s, bins=1), "bins=1"),
        (lambda s: esi(s[:, :3]), "3 × 6 pixels"),
        (lambda s: esi(s.values), "ndarray"),
    ],
)
def test_input_that_cannot_be_meant_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(random_stack())
