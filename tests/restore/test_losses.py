"""Pixel, structural and combined losses against independent implementations and worked values."""

import numpy as np
import pytest
import pytorch_msssim
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from nbsupport.assess.fidelity import ssim
from nbsupport.restore import losses

OPTIONS = {"VGG": {"layers": (4, 9)}}


def images(side=176, batch=2, seed=0):
    return torch.rand(batch, 1, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module", params=losses.NAMES)
def any_loss(request):
    return losses.loss(request.param, **OPTIONS.get(request.param, {}))


def test_every_loss_is_zero_on_identical_images(any_loss):
    image = images(64)
    assert any_loss(image, image.clone()).item() == pytest.approx(0, abs=1e-6)


def test_every_loss_is_positive_on_different_images_and_moves_the_restored_one(any_loss):
    restored, target = images(64, seed=1).requires_grad_(), images(64, seed=2)
    restored_like_target = 0.8 * target + 0.2 * restored
    value = any_loss(restored_like_target, target)
    value.backward()
    assert value.detach() > 0
    assert torch.isfinite(restored.grad).all()
    assert restored.grad.abs().max() > 0


def test_a_step_down_the_gradient_lowers_every_loss(any_loss):
    target, noise = images(64, seed=2), images(64, seed=1)
    restored = (0.9 * target + 0.1 * noise).requires_grad_()
    value = any_loss(restored, target)
    value.backward()
    step = 0.05 * value.detach() / restored.grad.square().sum()
    assert any_loss(restored.detach() - step * restored.grad, target) < value.detach()


def test_no_loss_sends_a_gradient_to_the_target_or_to_itself(any_loss):
    restored, target = images(64, seed=1).requires_grad_(), images(64, seed=2).requires_grad_()
    any_loss(restored, target).backward()
    assert target.grad is None
    assert not any(parameter.requires_grad for parameter in any_loss.parameters())


def test_every_loss_stays_close_under_bfloat16_autocast_and_points_the_same_way(any_loss):
    target = images(64, seed=2)
    found = []
    for enabled in (False, True):
        restored = (0.7 * target + 0.3 * images(64, seed=1)).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            value = any_loss(restored, target)
        value.backward()
        found.append((value.item(), restored.grad.flatten()))
    assert value.dtype == torch.float32
    assert found[1][0] == pytest.approx(found[0][0], rel=0.01)
    assert torch.cosine_similarity(found[0][1], found[1][1], dim=0) > 0.98


def test_a_loss_of_bfloat16_images_is_computed_in_float32(any_loss):
    restored, target = images(64, seed=1).bfloat16(), images(64, seed=2)
    expected = any_loss(restored.float(), target)
    torch.testing.assert_close(any_loss(restored, target), expected)


def test_l1_and_l2_are_the_means_of_equations_1_and_2():
    restored, target = torch.tensor([[[[0.0, 0.5]]]]), torch.tensor([[[[1.0, 0.25]]]])
    assert losses.loss("L1")(restored, target).item() == pytest.approx((1 + 0.25) / 2)
    assert losses.loss("L2")(restored, target).item() == pytest.approx((1 + 0.0625) / 2)


def test_smooth_l1_is_half_the_square_below_delta_and_linear_above():
    restored, target = torch.tensor([[[[0.5]]], [[[3.0]]]]), torch.zeros(2, 1, 1, 1)
    assert losses.loss("Huber")(restored, target).item() == pytest.approx((0.5 * 0.25 + 2.5) / 2)


def test_ssim_loss_is_that_of_pytorch_msssim():
    restored, target = images(seed=1), images(seed=2)
    for mixed in (restored, 0.5 * restored + 0.5 * target):
        expected = 1 - pytorch_msssim.ssim(mixed, target, data_range=1.0, nonnegative_ssim=True)
        assert losses.loss("SSIM")(mixed, target).item() == pytest.approx(expected.item(), abs=2e-6)


def test_ssim_loss_agrees_with_scikit_image_in_float64():
    restored, target = images(seed=1, batch=1), images(seed=2, batch=1)
    mixed = 0.5 * restored + 0.5 * target
    expected = ssim(target[0, 0], mixed[0, 0], data_range=1.0)
    assert losses.loss("SSIM")(mixed, target).item() == pytest.approx(1 - expected, abs=2e-6)


def test_ssim_loss_agrees_with_torchmetrics_where_borders_do_not_matter():
    inside = torch.zeros(1, 1, 96, 96)
    restored, target = inside.clone(), inside.clone()
    restored[..., 30:60, 30:60], target[..., 30:60, 30:60] = images(30, 1, 1), images(30, 1, 2)
    theirs = structural_similarity_index_measure(restored, target, data_range=1.0)
    ours = (1 - losses.loss("SSIM")(restored, target)) * 86**2 + (96**2 - 86**2)  # black borders have SSIM 1
    assert (ours / 96**2).item() == pytest.approx(theirs.item(), abs=2e-6)


def test_ssim_loss_of_an_anticorrelated_image_is_one_without_gradient():
    target = images(64)
    restored = (1 - target).requires_grad_()
    value = losses.loss("SSIM")(restored, target)
    value.backward()
    assert value.item() == 1
    assert restored.grad.abs().max() == 0


@pytest.mark.parametrize("side", [176, 179])
def test_ms_ssim_loss_is_that_of_pytorch_msssim_with_unit_exponents(side):
    target = images(side, seed=2)
    restored = 0.6 * target + 0.4 * images(side, seed=1)
    expected = 1 - pytorch_msssim.ms_ssim(restored, target, data_range=1.0, weights=[1.0] * 5)
    assert losses.loss("MS-SSIM")(restored, target).item() == pytest.approx(expected.item(), abs=2e-6)


def test_ms_ssim_loss_with_one_scale_is_the_ssim_loss():
    restored, target = images(64, seed=1), images(64, seed=2)
    mixed = 0.5 * restored + 0.5 * target
    one = losses.loss("MS-SSIM", scales=1)(mixed, target)
    assert one.item() == pytest.approx(losses.loss("SSIM")(mixed, target).item())


def test_luminance_enters_ms_ssim_at_the_coarsest_scale_alone():
    target = 0.2 + 0.6 * images(64, seed=2)
    brighter = target + 0.1
    mean = torch.nn.functional.avg_pool2d(target, 2)
    coarse = 1 - losses.loss("SSIM")(mean + 0.1, mean)
    assert 1 - losses.loss("MS-SSIM", scales=2)(brighter, target).item() == pytest.approx(coarse.item(), abs=1e-5)


@pytest.mark.parametrize(
    ("side", "scales"), [(20, 1), (21, 2), (41, 3), (80, 3), (81, 4), (160, 4), (161, 5), (512, 5)]
)
def test_ms_ssim_takes_as_many_scales_as_leave_the_window_room(side, scales):
    assert losses.scales_that_fit(side) == scales
    assert losses.smallest_px(scales) <= side


def test_ms_ssim_names_the_smallest_size_when_the_scales_do_not_fit():
    with pytest.raises(ValueError, match="at least 161 px"):
        losses.loss("MS-SSIM", scales=5)(images(128), images(128))


def test_sums_weigh_their_terms_as_printed():
    restored, target = images(64, seed=1), images(64, seed=2)
    parts = {name: losses.loss(name)(restored, target).item() for name in ("L1", "SSIM", "MS-SSIM")}
    both = losses.loss("SSIM+L1")(restored, target).item()
    assert both == pytest.approx(0.6 * parts["SSIM"] + 0.4 * parts["L1"])
    both = losses.loss("MS-SSIM+L1")(restored, target).item()
    assert both == pytest.approx(0.4 * parts["MS-SSIM"] + 0.6 * parts["L1"])
    both = losses.loss("SSIM+L1", beta=0.1, swapped=True)(restored, target).item()
    assert both == pytest.approx(0.1 * parts["SSIM"] + 0.9 * parts["L1"])


def test_descriptions_name_what_was_chosen():
    assert losses.loss("SSIM+L1", beta=0.3).description.startswith("0.7 x (1 - ReLU(SSIM)")
    assert "3 scales" in losses.loss("MS-SSIM", scales=3).description


def test_a_wrong_name_is_answered_with_the_nearest_right_one():
    with pytest.raises(ValueError, match="did you mean 'MS-SSIM'"):
        losses.loss("MSSSIM")


def test_an_unknown_option_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match="SSIM.L1 has no option gamma; it has beta, swapped"):
        losses.loss("SSIM+L1", gamma=0.3)
    with pytest.raises(ValueError, match="L1 has no option beta"):
        losses.loss("L1", beta=0.3)


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match="one is needed"):
        losses.loss("L1")(images(32), images(32)[:1])


def test_a_weight_outside_0_to_1_is_refused():
    with pytest.raises(ValueError, match="beta=60 must be a weight from 0 to 1"):
        losses.loss("MS-SSIM+L1", beta=60)


def test_losses_grow_with_the_strength_of_a_perturbation(any_loss):
    target, noise = losses.sparse_images(1, 64), images(64, batch=1, seed=3)
    values = [any_loss((1 - share) * target + share * noise, target).item() for share in (0.1, 0.2, 0.4)]
    assert np.all(np.diff(values) > 0)
