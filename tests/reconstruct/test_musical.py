"""MUSICAL against MATLAB-derived values, oracles, a plain per-window NumPy implementation and its invariances."""

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.special import j1

from nbsupport.optics import Optics
from nbsupport.reconstruct import eigenimages, musical, windows

AT_510 = Optics(numerical_aperture=1.49, wavelength_um=0.51)
AT_660 = Optics(numerical_aperture=1.42, wavelength_um=0.66)


def as_stack(values, pixel_um):
    centres = {dim: (np.arange(size) + 0.5) * pixel_um for dim, size in zip("yx", values.shape[1:], strict=True)}
    return xr.DataArray(values, dims=("frame", "y", "x"), coords=centres, attrs={"units": "ADU"})


def blinking(height=11, width=10, frames=60, *, pixel_um=0.08, optics=AT_660, photons=40.0, background=10.0, seed=1):
    """Five blinking emitters in focus; photons=inf gives the noise-free stack."""
    rng = np.random.default_rng(seed)
    emitters = rng.uniform(0.3, 0.7, (5, 2)) * np.array([height, width]) * pixel_um
    y, x = ((np.arange(size) + 0.5) * pixel_um for size in (height, width))
    distance = np.hypot(y[:, None] - emitters[:, 0, None, None], x - emitters[:, 1, None, None])
    u = 2 * np.pi * optics.numerical_aperture / optics.wavelength_um * distance
    patterns = (2 * j1(u) / u) ** 2
    light = np.tensordot(rng.random((frames, 5)) < 0.4, patterns, 1)
    if np.isinf(photons):
        return as_stack(light + background / 40, pixel_um)
    return as_stack(rng.poisson(photons * light + background).astype(float), pixel_um)


def per_window(stack, optics, window_px, *, subpixels=10, alpha=4.0, threshold=-1.0, edges="zero", first_below=1):
    """Direct evaluation: one SVD per window, PN summed over the noise eigenimages."""
    half, pixel_um = window_px // 2, float(stack.y[1] - stack.y[0])
    frames = stack.values.astype(float) / float(stack.max())
    if edges == "zero":
        frames = np.pad(frames, ((0, 0), (half, half), (half, half)))
    pixels = np.arange(window_px) - half
    points = (np.arange(window_px * subpixels) + 0.5) / subpixels - window_px / 2
    row, column = (grid.ravel()[:, None] for grid in np.meshgrid(pixels, pixels, indexing="ij"))
    point_y, point_x = (grid.ravel() for grid in np.meshgrid(points, points, indexing="ij"))
    distance = pixel_um * np.hypot(row - point_y, column - point_x)
    u = np.maximum(2 * np.pi * optics.numerical_aperture / optics.wavelength_um * distance, 1e-9)
    weights = np.exp(-(row**2 + column**2) / (2 * half))
    vectors = weights * (j1(u) / u) ** 2
    rows, columns = (size - window_px + 1 for size in frames.shape[1:])
    total, covered = np.zeros((2, *(size * subpixels for size in frames.shape[1:])))
    for i, j in np.ndindex(rows, columns):
        window = frames[:, i : i + window_px, j : j + window_px].reshape(len(frames), -1).T * weights
        images, found, _ = np.linalg.svd(window)
        sigma = np.pad(found, (0, window_px**2 - len(found)))
        dimension = int((sigma >= 10**threshold).sum()) + first_below
        if dimension >= window_px**2:
            dimension = window_px**2 - 3
        dimension = min(dimension, int((sigma > 1e-13 * sigma[0]).sum()))
        squares = (images.T @ vectors) ** 2
        floor = 1e-12 * (vectors**2).sum(0)
        ratio = squares[:dimension].sum(0) / np.maximum(squares[dimension:].sum(0), floor)
        area = np.s_[i * subpixels : (i + window_px) * subpixels, j * subpixels : (j + window_px) * subpixels]
        total[area] += (ratio ** (alpha / 2)).reshape(window_px * subpixels, -1)
        covered[area] += 1
    crop = half * subpixels if edges == "zero" else 0
    return (total / covered)[crop : len(total) - crop, crop : total.shape[1] - crop]


# Values of MATLAB origin


def test_raw_dictionary_holds_the_matlab_values():
    # the original lists the pixels of the window in reverse
    at_510 = musical.test_vectors(AT_510, 0.065, 7, 20).flip(0)
    at_583 = musical.test_vectors(Optics(numerical_aperture=1.42, wavelength_um=0.583), 0.08, 7, 20).flip(0)
    for dictionary, expected in (
        (at_510, (2.275288439569309e-4, 0.005639107100326, 2.488481309434887e-4)),
        (at_583, (3.347000951010260e-4, 0.003939536474269, 5.961340606405262e-5)),
    ):
        found = [dictionary[0, 0], dictionary[33, 7], dictionary[44, 17037]]
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_normalised_and_weighted_dictionary_holds_the_matlab_value():
    dictionary = eigenimages.dictionary(AT_510, 0.065, 7, 20, "cpu")
    np.testing.assert_allclose(dictionary.at_fine.flip(0)[0, 0], 4.533214126048625e-5, rtol=1e-9)


def test_window_weights_hold_the_matlab_values():
    weights = windows.window_weights(7)
    np.testing.assert_allclose(
        [weights[0, 0], weights[0, 2], weights[3, 3]], [0.049787068367864, 0.188875602837562, 1], rtol=1e-9
    )


@pytest.fixture
def matlab(oracle):
    entry = oracle("musical-open-matlab-values")
    names, values = entry.parameters["value_names"], entry.arrays["reference_values"]
    return entry.arrays, dict(zip(names, values, strict=True))


@pytest.mark.conformance
def test_dictionary_and_weights_match_the_stored_matlab_values(matlab):
    _, expected = matlab
    weights = windows.window_weights(7)
    found = {
        "Gnorm*mask[0,0]": eigenimages.dictionary(AT_510, 0.065, 7, 20, "cpu").at_fine.flip(0)[0, 0],
        **{f"mask[{i},{j}]": weights[i, j] for i, j in ((0, 0), (0, 2), (3, 3))},
    }
    for wavelength_um, aperture, pixel_um in ((0.51, 1.49, 0.065), (0.583, 1.42, 0.08)):
        optics = Optics(numerical_aperture=aperture, wavelength_um=wavelength_um)
        raw = musical.test_vectors(optics, pixel_um, 7, 20).flip(0)
        for i, j in ((0, 0), (33, 7), (44, 17037)):
            found[f"G{wavelength_um * 1000:.0f}[{i},{j}]"] = raw[i, j]
    assert len(found) == 10
    np.testing.assert_allclose(list(found.values()), [expected[name] for name in found], rtol=1e-9)


@pytest.mark.conformance
def test_synthetic_example_matches_matlab_singular_values_and_indicator(matlab):
    arrays, expected = matlab
    stack = as_stack(arrays["synex1_stack"], 0.065)
    values = musical.singular_values(stack, AT_510).values
    image = musical.musical(stack, AT_510, subpixels=20, edges="interior").values  # one window
    found = {f"SynEx1 sv{i + 1}": values[3, 3, i] for i in range(4)}
    found |= {f"SynEx1(0,0) sv{i}": values[0, 0, i] for i in range(4)}
    found |= {"SynEx1 f[0,0]": image[0, 0], "SynEx1 f[1,137]": image[1, 137]}
    np.testing.assert_allclose(list(found.values()), [expected[name] for name in found], rtol=1e-9)


@pytest.mark.conformance
def test_real_window_matches_matlab_singular_values_and_indicator(matlab):
    arrays, expected = matlab
    largest = arrays["window008_4_3"].max()  # the window comes divided by its stack's maximum, which lies elsewhere
    stack = as_stack(arrays["window008_4_3"], 0.065)
    values = musical.singular_values(stack, AT_510, edges="interior").values[0, 0] * largest
    image = musical.musical(stack, AT_510, subpixels=20, edges="interior", threshold=-1 - np.log10(largest)).values
    found = {f"008(4,3) sv{i + 1}": values[i] for i in range(4)}
    found |= {f"008(4,3) f[{i},{j}]": image[i, j] for i, j in ((0, 0), (16, 71), (54, 4))}
    np.testing.assert_allclose(list(found.values()), [expected[name] for name in found], rtol=1e-9)


# Oracles


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("array", "options"),
    [
        ("image", {"edges": "interior"}),
        ("image_zero_padded", {"edges": "zero"}),
        ("image_thr-0.7_alpha2", {"edges": "interior", "threshold": -0.7, "alpha": 2}),
    ],
)
def test_two_emitters_and_ring_match_the_oracle(oracle, array, options):
    arrays = oracle("musical-open-two-emitters-ring").arrays
    image = musical.musical(as_stack(arrays["stack"], 0.08), AT_660, **options)
    np.testing.assert_allclose(image, arrays[array], rtol=1e-6)


@pytest.mark.conformance
def test_subspace_decisions_match_the_oracle(oracle):
    arrays = oracle("musical-open-two-emitters-ring").arrays
    values = musical.singular_values(as_stack(arrays["stack"], 0.08), AT_660, edges="interior")
    np.testing.assert_allclose(values[7, 7], arrays["singular_values_centre"], rtol=1e-9)
    np.testing.assert_array_equal(musical.signal_dimension(values), arrays["signal_dimension"])


@pytest.mark.conformance
def test_squared_norm_of_the_test_vectors_matches_the_oracle(oracle):
    expected = oracle("musical-open-two-emitters-ring").arrays["dictionary_norm2"]
    norm2 = eigenimages.dictionary(AT_660, 0.08, 7, 10, "cpu").norm2
    np.testing.assert_allclose(norm2[:, 0], expected, rtol=1e-9)


@pytest.mark.conformance
def test_real_mitochondria_match_the_oracle(oracle):
    arrays = oracle("musical-open-real-crop").arrays
    stack, optics = as_stack(arrays["stack"], 0.08), Optics(numerical_aperture=1.4, wavelength_um=0.51)
    np.testing.assert_allclose(musical.musical(stack, optics, edges="interior"), arrays["image"], rtol=1e-6)
    dimension = musical.signal_dimension(musical.singular_values(stack, optics, edges="interior"))
    np.testing.assert_array_equal(dimension, arrays["signal_dimension"])


# Direct evaluation


@pytest.mark.parametrize("edges", ["zero", "interior"])
@pytest.mark.parametrize("photons", [40.0, np.inf], ids=["noisy", "noise-free"])
@pytest.mark.parametrize(("pixel_um", "window_px"), [(0.08, 7), (0.12, 5), (0.065, 9)])
def test_image_equals_one_svd_per_window(pixel_um, window_px, photons, edges):
    stack = blinking(pixel_um=pixel_um, photons=photons)
    image = musical.musical(stack, AT_660, edges=edges)
    np.testing.assert_allclose(image, per_window(stack, AT_660, window_px, edges=edges), rtol=1e-6)


def test_one_test_point_per_pixel_equals_one_svd_per_window():
    stack = blinking()
    image = musical.musical(stack, AT_660, subpixels=1, alpha=1, threshold=-0.5)
    np.testing.assert_allclose(image, per_window(stack, AT_660, 7, subpixels=1, alpha=1, threshold=-0.5), rtol=1e-6)


@pytest.mark.parametrize("window_px", [3, 9])
def test_a_window_that_is_given_is_used(window_px):
    stack = blinking()
    image = musical.musical(stack, AT_660, window_px=window_px, subpixels=4)
    np.testing.assert_allclose(image, per_window(stack, AT_660, window_px, subpixels=4), rtol=1e-6)


@pytest.mark.parametrize("photons", [40.0, np.inf], ids=["noisy", "noise-free"])
@pytest.mark.parametrize("frames", [2, 20])
def test_fewer_frames_than_window_pixels_leave_the_rest_to_the_noise(frames, photons):
    stack = blinking(frames=frames, photons=photons)
    np.testing.assert_allclose(musical.musical(stack, AT_660), per_window(stack, AT_660, 7), rtol=1e-6)


def test_threshold_below_every_singular_value_keeps_three_noise_dimensions():
    stack = blinking(frames=100)
    dimension = musical.signal_dimension(musical.singular_values(stack, AT_660, edges="interior"), threshold=-9)
    assert (dimension == 49 - 3).all()
    image = musical.musical(stack, AT_660, edges="interior", threshold=-9)
    np.testing.assert_allclose(image, per_window(stack, AT_660, 7, edges="interior", threshold=-9), rtol=1e-6)


def test_split_inside_faint_eigenvalues_is_as_exact_as_an_svd():
    # singular values near 1e-6 of the largest: their squares are at the rounding of the Gram matrix
    stack = blinking(photons=np.inf, frames=80)
    stack += 2e-6 * np.random.default_rng(3).random(stack.shape)
    image = musical.musical(stack, AT_660, edges="interior", threshold=-5.5)
    expected = per_window(stack, AT_660, 7, edges="interior", threshold=-5.5)
    np.testing.assert_allclose(image, expected, rtol=1e-5)


def test_signal_and_noise_projections_add_up_to_the_squared_norm():
    stack = blinking(7, 7)
    ratio = musical.musical(stack, AT_660, alpha=2, edges="interior").values.ravel()
    dimension = int(musical.signal_dimension(musical.singular_values(stack, AT_660, edges="interior"))[0, 0])
    weights = windows.window_weights(7).numpy().reshape(-1, 1)
    vectors = weights * musical.test_vectors(AT_660, 0.08, 7, 10).numpy()
    window = (stack.values / stack.values.max()).reshape(60, 49).T * weights
    signal = ((np.linalg.svd(window)[0][:, :dimension].T @ vectors) ** 2).sum(0)
    np.testing.assert_allclose(signal + signal / ratio, (vectors**2).sum(0), rtol=1e-9)


def one_emitter(y_px, x_px):
    """A flickering emitter without background or noise, in raw pixels from the corner."""
    centres = np.arange(13) + 0.5
    u = 2 * np.pi * 1.42 / 0.66 * 0.08 * np.hypot(centres[:, None] - y_px, centres - x_px)
    return as_stack(np.random.default_rng(0).random((30, 1, 1)) * (j1(u) / u) ** 2, 0.08)


def test_noise_free_emitter_reaches_the_floor_at_its_place():
    image = musical.musical(one_emitter(6.35, 5.65), AT_660, edges="interior").values
    assert np.unravel_index(image.argmax(), image.shape) == (63, 56)
    np.testing.assert_allclose(image.max(), 1e12**2, rtol=1e-6)


def test_image_near_the_floor_is_as_exact_as_a_sum_over_the_noise():
    stack = one_emitter(6.35 + 2e-5, 5.65)  # |g|² / PN is then about 1e10: a difference keeps few digits of PN
    image = musical.musical(stack, AT_660, edges="interior")
    assert 1e19 < image.max() < 1e22
    np.testing.assert_allclose(image, per_window(stack, AT_660, 7, edges="interior"), rtol=1e-6)


# Soft threshold


def test_soft_surrogate_of_order_two_is_a_regularised_inverse():
    # sum of s²/(s² + c²) (u·g)² over eigenimages is g' C (C + c²)⁻¹ g with the Gram matrix C
    stack = blinking(7, 7)
    image = musical.musical(stack, AT_660, alpha=2, threshold="soft", edges="interior").values.ravel()
    weights = windows.window_weights(7).numpy().reshape(-1, 1)
    vectors = weights * musical.test_vectors(AT_660, 0.08, 7, 10).numpy()
    window = (stack.values / stack.values.max()).reshape(60, 49).T * weights
    gram = window @ window.T
    filtered = np.linalg.solve(gram + 0.1**2 * np.eye(49), vectors)
    expected = (vectors * (gram @ filtered)).sum(0) / (0.1**2 * (vectors * filtered).sum(0))
    np.testing.assert_allclose(image, expected, rtol=1e-8)


def test_soft_surrogate_of_high_order_is_a_hard_threshold_without_the_extra_eigenimage():
    stack = blinking()
    steep = musical.SoftThreshold(order=1e6, log10_sigma0=-0.5)
    image = musical.musical(stack, AT_660, threshold=steep)
    np.testing.assert_allclose(image, per_window(stack, AT_660, 7, threshold=-0.5, first_below=0), rtol=1e-6)


def test_soft_threshold_is_named_a_surrogate_with_its_parameters():
    attrs = musical.musical(blinking(7, 7), AT_660, threshold="soft").attrs
    assert "surrogate" in attrs["method"]
    assert (attrs["soft_order"], attrs["log10_sigma0"]) == (2.0, -1.0)


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
