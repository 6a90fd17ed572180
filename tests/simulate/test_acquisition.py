import numpy as np
import pytest
import torch

from nbsupport.optics import Optics, best_focus_um, gibson_lanni_energy_um2, gibson_lanni_intensity, pixel_size_um
from nbsupport.simulate import acquisition
from nbsupport.simulate.acquisition import acquire

WATER = Optics(1.2, 0.66)
FIELD = {"pixel_um": 0.12, "field_um": 5.0}
IMAGE_ERROR = 1e-6  # what `acquire` states that the rounding of an emitter's image is, of its peak


def scene(emitters=30, frames=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (emitters, 3)) * [2.5, 2.5, 0.5], rng.random((emitters, frames))


def one_photon(optics, emitter_um, y_um, x_um, pixel_um):
    """Photons per pixel at any position, straight from the pupil integral."""
    r_um = np.hypot(np.asarray(y_um) - emitter_um[1], np.asarray(x_um) - emitter_um[0])
    intensity = gibson_lanni_intensity(optics, r_um, best_focus_um(optics, 0.5), 0.5 + emitter_um[2])
    return intensity * pixel_um**2 / gibson_lanni_energy_um2(optics)


def centroid_um(image):
    image = image / image.sum()
    return float((image * image.x).sum()), float((image * image.y).sum())


@pytest.mark.parametrize(("pixel_um", "pixels"), [(0.065, 76), (0.08, 62), (0.108, 46), (0.12, 41)])
def test_whole_pixels_fill_the_field_symmetrically(pixel_um, pixels):
    emitters_um, photons = scene(1)
    frames = acquire(emitters_um, photons, WATER, pixel_um=pixel_um, field_um=5.0)
    assert frames.dims == ("frame", "y", "x")
    assert frames.shape == (4, pixels, pixels)
    assert frames.attrs["units"] == "photons"
    assert pixel_size_um(frames) == pixel_um
    np.testing.assert_allclose(frames.x, -frames.x[::-1])


def test_a_field_of_thirty_pixels_holds_thirty():
    frames = acquire(*scene(1), WATER, pixel_um=0.08, field_um=0.08 * 30)
    assert frames.sizes["x"] == 30


@pytest.mark.parametrize("pixel_um", [0.065, 0.08, 0.12])
@pytest.mark.parametrize("na", [1.2, 1.49])
def test_each_emitter_shows_the_pupil_integral_at_its_own_depth_and_position(na, pixel_um):
    optics = Optics(na, 0.66)
    emitters_um, _ = scene(6)
    frames = acquire(emitters_um, np.eye(6), optics, pixel_um=pixel_um, field_um=5.0, pixel_integration=False)
    peak = one_photon(optics, (0, 0, 0), 0, 0, pixel_um)
    y, x = np.meshgrid(frames.y, frames.x, indexing="ij")
    for frame, emitter_um in zip(frames.values, emitters_um, strict=True):
        expected = one_photon(optics, emitter_um, y, x, pixel_um)
        np.testing.assert_allclose(frame, expected, rtol=0, atol=1e-4 * peak)


def test_an_emitter_in_focus_on_a_pixel_centre_peaks_there():
    frames = acquire([[0, 0, 0]], [[1.0]], WATER, **FIELD, pixel_integration=False)
    assert frames.values[0, 20, 20] == pytest.approx(one_photon(WATER, (0, 0, 0), 0, 0, 0.12), rel=1e-6)


@pytest.mark.parametrize("na", [1.2, 1.33, 1.49])
@pytest.mark.parametrize("z_um", [-0.5, 0.0, 0.4])
def test_pixels_integrate_over_their_square_within_stated_error(na, z_um):
    optics = Optics(na, 0.66)
    emitter_um = np.array([0.031, -0.017, z_um])
    frames = acquire([emitter_um], [[1.0]], optics, pixel_um=0.12, field_um=1.5)
    offset, weight = np.polynomial.legendre.leggauss(8)
    y, x = (frames[dim].values[:, None] + 0.06 * offset for dim in ("y", "x"))
    dense = one_photon(optics, emitter_um, y[:, :, None, None], x, 0.12)
    expected = np.einsum("aibj,i,j->ab", dense, weight / 2, weight / 2)
    peak = one_photon(optics, (0, 0, 0), 0, 0, 0.12)
    np.testing.assert_allclose(frames.values[0], expected, rtol=0, atol=3e-4 * peak)


@pytest.mark.parametrize("na", [1.2, 1.49])
@pytest.mark.parametrize("pixel_um", [0.065, 0.12])
def test_halving_the_steps_of_the_table_changes_no_pixel(na, pixel_um):
    emitters_um, _ = scene(20)
    options = {"pixel_um": pixel_um, "field_um": 5.0}
    frames, finer = (
        acquire(emitters_um, np.eye(20), Optics(na, 0.66), **options, table_refinement=n).values for n in (1, 2)
    )
    np.testing.assert_allclose(frames, finer, rtol=0, atol=1e-4 * finer.max())


@pytest.mark.parametrize("shift_um", [(0.013, 0.0), (0.05, -0.031), (0.0, 0.0601)])
def test_centroid_moves_with_a_sub_pixel_shift_of_the_emitter(shift_um):
    emitters_um = [[0, 0, 0.1], [*shift_um, 0.1]]
    frames = acquire(emitters_um, np.eye(2), WATER, pixel_um=0.12, field_um=24.0)
    # the flanks fall as the cube of the distance, so that the edge of the field holds the centroid of the image back;
    # that of its square hardly feels the edge
    for image, tolerance in ((frames, 0.02), (frames**2, 1e-3)):
        start, end = (np.array(centroid_um(image[i])) for i in (0, 1))
        np.testing.assert_allclose(end - start, shift_um, rtol=0, atol=tolerance * np.hypot(*shift_um))


def test_a_wide_field_collects_the_photons_of_every_depth_alike():
    emitters_um = [[0, 0, z] for z in (-0.5, -0.2, 0.0, 0.3, 0.5)]
    frames = acquire(emitters_um, 1000 * np.eye(5), WATER, pixel_um=0.12, field_um=30.0)
    # beyond 15 micrometres lie 2/(pi k NA r) = 0.4 % of an Airy pattern
    np.testing.assert_allclose(frames.sum(("y", "x")), 1000, rtol=6e-3)


def test_an_emitter_out_of_focus_is_dimmer_at_its_peak():
    frames = acquire([[0, 0, 0], [0, 0, 0.5]], np.eye(2), WATER, **FIELD)
    assert float(frames[1].max()) < 0.7 * float(frames[0].max())


def test_frames_are_linear_in_photons():
    emitters_um, photons = scene()
    frames = acquire(emitters_um, photons, WATER, **FIELD)
    np.testing.assert_allclose(acquire(emitters_um, 7 * photons, WATER, **FIELD), 7 * frames, rtol=1e-9)


def test_emitters_add_up():
    emitters_um, photons = scene()
    parts = [acquire(emitters_um[part], photons[part], WATER, **FIELD) for part in (slice(0, 11), slice(11, None))]
    whole = acquire(emitters_um, photons, WATER, **FIELD)
    np.testing.assert_allclose(parts[0] + parts[1], whole, rtol=0, atol=IMAGE_ERROR * float(whole.max()))


def test_order_and_duplicates_of_emitters_do_not_matter():
    emitters_um, photons = scene()
    twice = acquire(np.repeat(emitters_um, 2, axis=0), np.repeat(photons, 2, axis=0) / 2, WATER, **FIELD)
    turned = acquire(emitters_um[::-1], photons[::-1], WATER, **FIELD)
    plain = acquire(emitters_um, photons, WATER, **FIELD)
    error = IMAGE_ERROR * float(plain.max())
    np.testing.assert_allclose(twice, plain, rtol=0, atol=error)
    np.testing.assert_allclose(turned, plain, rtol=0, atol=error)


def test_photons_may_be_read_only_integers():
    counts = np.arange(6, dtype=np.uint16).reshape(2, 3)
    counts.flags.writeable = False
    emitters_um, _ = scene(2)
    expected = acquire(emitters_um, counts.astype(float), WATER, **FIELD)
    np.testing.assert_array_equal(acquire(emitters_um, counts, WATER, **FIELD), expected)


def test_mirrored_emitters_give_mirrored_frames():
    emitters_um, photons = scene()
    frames = acquire(emitters_um, photons, WATER, **FIELD)
    mirrored = acquire(emitters_um * [-1, 1, 1], photons, WATER, **FIELD)
    error = IMAGE_ERROR * float(frames.max())
    np.testing.assert_allclose(mirrored.values, frames.values[:, :, ::-1], rtol=0, atol=error)


def test_x_is_the_last_axis():
    frames = acquire([[1.2, 0, 0]], [[1.0]], WATER, **FIELD)
    y, x = np.unravel_index(frames.values[0].argmax(), (41, 41))
    assert (frames.y[y], frames.x[x]) == pytest.approx((0.0, 1.2))


def test_many_blocks_give_what_one_gives(monkeypatch):
    emitters_um, photons = scene()
    plain = acquire(emitters_um, photons, WATER, **FIELD)
    monkeypatch.setitem(acquisition._BLOCK_VALUES, "cpu", 7 * 41**2)
    blocks = acquire(emitters_um, photons, WATER, **FIELD)
    np.testing.assert_allclose(blocks, plain, rtol=0, atol=IMAGE_ERROR * float(plain.max()))


def test_rounding_of_images_does_not_fluctuate():
    # n emitters span n dimensions: what is left is the rounding of the sums, far below that of the images
    emitters_um, _ = scene(3)
    photons = np.random.default_rng(1).exponential(size=(3, 20))
    frames = acquire(emitters_um, photons, WATER, **FIELD).values.reshape(20, -1)
    sigma = np.linalg.svd(frames, compute_uv=False)
    assert sigma[3] < 1e-13 * sigma[0]


def test_single_precision_agrees_within_stated_error():
    emitters_um, photons = scene(2000, 5)
    double = acquire(emitters_um, photons, WATER, **FIELD)
    single = acquire(emitters_um, photons, WATER, **FIELD, dtype=torch.float32)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=0, atol=1e-5 * float(double.max()))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_result_of_the_cpu():
    emitters_um, photons = scene(500)
    frames = acquire(emitters_um, photons, WATER, **FIELD)
    np.testing.assert_allclose(acquire(emitters_um, photons, WATER, **FIELD, device="cuda"), frames, rtol=1e-5)


def test_progress_grows_to_one(monkeypatch):
    monkeypatch.setitem(acquisition._BLOCK_VALUES, "cpu", 7 * 41**2)
    seen = []
    acquire(*scene(), WATER, **FIELD, progress=seen.append)
    assert seen == sorted(seen)
    assert len(seen) == 5
    assert seen[-1] == 1.0


def test_no_emitters_give_dark_frames():
    frames = acquire(np.zeros((0, 3)), np.zeros((0, 3)), WATER, **FIELD)
    assert frames.shape == (3, 41, 41)
    assert not frames.any()


def test_photons_are_never_negative():
    frames = acquire([[-2.4, -2.4, 0]], [[1.0]], WATER, pixel_um=0.065, field_um=5.0)
    assert float(frames.min()) >= 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"emitters_um": [[np.nan, 0, 0]]}, "emitters_um must be finite; emitter 0"),
        ({"emitters_um": [[0.0, 0.0]]}, r"emitters_um has shape \(1, 2\)"),
        ({"emitters_um": [[1200.0, 0.0, 300.0]]}, "looks like nanometres"),
        ({"emitters_um": [[0, 0, -0.51]]}, "z=-0.51, above the coverslip"),
        ({"photons": [[1.0, -2.0]]}, r"photons must be finite and not negative; -2.0 at \(emitter, frame\) \[0, 1\]"),
        ({"photons": [[np.nan, 1.0]]}, "photons must be finite"),
        ({"photons": [[np.inf, 1.0]]}, "photons must be finite"),
        ({"photons": np.zeros((1, 0))}, "zero frames"),
        ({"photons": np.zeros((2, 3))}, r"photons has shape \(2, 3\)"),
        ({"pixel_um": 65}, "pixel_um=65 looks like nanometres; give micrometres, 0.065"),
        ({"pixel_um": -0.1}, "pixel_um=-0.1 must be one positive number"),
        ({"field_um": 0.05}, "field_um=0.05 must be finite and hold at least one pixel"),
        ({"field_um": 5000}, "field_um=5000 looks like nanometres; give micrometres, 5"),
        ({"focal_depth_um": -1.0}, "focal_depth_um=-1.0 must be a depth"),
        ({"focal_depth_um": 500}, "focal_depth_um=500 is beyond the working distance of 150 micrometres; .* give 0.5"),
        ({"table_refinement": 0.5}, "table_refinement=0.5 must be a whole number"),
        ({"dtype": torch.float16}, "dtype=torch.float16 must be"),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    call = {"emitters_um": [[0.0, 0.0, 0.0]], "photons": [[1.0, 2.0]], **FIELD, **change}
    with pytest.raises(ValueError, match=message):
        acquire(optics=WATER, **call)
