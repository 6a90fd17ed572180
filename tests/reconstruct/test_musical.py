"""MUSICAL against MATLAB-derived values, oracles and a plain per-window NumPy implementation."""

import numpy as np
import pytest
from blinking_emitters import AT_660, as_stack, blinking, per_window
from scipy.special import j1

from nbsupport.optics import Optics
from nbsupport.reconstruct import eigenimages, musical, windows

AT_510 = Optics(numerical_aperture=1.49, wavelength_um=0.51)


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
