import numpy as np
import pytest
import torch
from torch import nn

from nbsupport.restore import masking, networks


def smoothing_network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 5, padding=2), nn.Tanh(), nn.Conv2d(4, 1, 5, padding=2)).double()


def noise(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("width", [3, 4])
def test_all_phases_of_the_grid_hide_every_pixel_once(width):
    masks = [masking.grid_mask((10, 13), phase=p, width=width) for p in range(width**2)]
    assert (torch.stack(masks).sum(0) == 1).all()


def test_interpolation_weighs_sides_twice_as_much_as_corners():
    image = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    image[0, 0, 1, 1], image[0, 0, 1, 2], image[0, 0, 2, 2] = 12.0, 6.0, 100.0
    mask = torch.zeros(5, 5, dtype=torch.bool)
    mask[2, 2] = True
    filled = masking.fill(image, mask, "interpolate")
    assert filled[0, 0, 2, 2].item() == pytest.approx((0.5 * 12 + 6) / 6)


@pytest.mark.parametrize("how", masking.FILLS)
def test_a_j_invariant_output_has_no_gradient_in_its_own_pixel(how):
    image = noise(1, 1, 12, 12).requires_grad_()
    restored = masking.j_invariant(smoothing_network(), image, width=4, how=how)
    for y, x in [(0, 0), (5, 6), (11, 3)]:
        gradient = torch.autograd.grad(restored[0, 0, y, x], image, retain_graph=True)[0][0, 0]
        assert gradient[y, x] == 0
        assert gradient.abs().sum() > 0


def test_a_plain_pass_of_the_same_network_does_see_its_own_pixel():
    image = noise(1, 1, 12, 12).requires_grad_()
    gradient = torch.autograd.grad(smoothing_network()(image)[0, 0, 5, 6], image)[0]
    assert gradient[0, 0, 5, 6] != 0


def test_the_risk_of_a_donut_mean_is_its_distance_from_the_truth_plus_the_noise_variance():
    truth = 3 * torch.sin(torch.arange(400.0, dtype=torch.float64) / 15)[None, None, None].expand(1, 1, 400, 400)
    noisy = truth + noise(1, 1, 400, 400)
    donut = masking.fill(noisy, torch.ones(400, 400, dtype=torch.bool), "interpolate")
    risk, distance = ((donut - noisy) ** 2).mean(), ((donut - truth) ** 2).mean()
    assert risk.item() == pytest.approx(distance.item() + 1, rel=0.01)


def test_boxes_have_the_published_sides():
    assert (masking.box_side(1.5), masking.box_side(0.2)) == (8, 22)


def test_a_patch_of_64_pixels_has_64_blind_spots_at_the_published_share():
    mask = masking.stratified_mask((2, 64, 64), percent=1.5, rng=np.random.default_rng(0))
    assert mask.sum(dim=(1, 2, 3)).tolist() == [64, 64]


def test_every_pixel_is_hidden_equally_often():
    rng = np.random.default_rng(1)
    counts = sum(masking.stratified_mask((50, 24, 24), percent=6.25, rng=rng).sum(0)[0] for _ in range(40))
    assert counts.float().mean().item() == pytest.approx(2000 / 16)
    assert counts.float().std().item() == pytest.approx(np.sqrt(2000 / 16 * 15 / 16), rel=0.15)


def output_and_gradient(how, seed):
    image = noise(1, 1, 24, 24, seed=seed).requires_grad_()
    rng = np.random.default_rng(seed)
    mask = masking.stratified_mask((1, 24, 24), percent=6.25, rng=rng)
    restored = smoothing_network()(masking.replace(image, mask, how, rng=rng))
    hidden = mask[0, 0].nonzero().tolist()
    gradients = [torch.autograd.grad(restored[0, 0, y, x], image, retain_graph=True)[0][0, 0, y, x] for y, x in hidden]
    return torch.stack(gradients)


@pytest.mark.parametrize("how", ["uniform", "median"])
def test_a_network_behind_a_blind_spot_does_not_see_its_own_pixel(how):
    gradients = torch.cat([output_and_gradient(how, seed) for seed in range(5)])
    if how == "uniform":
        assert (gradients == 0).all()
    else:  # a neighbouring blind spot's median may be this very pixel, one of 120
        assert (gradients != 0).float().mean() < 0.1


def test_replacing_by_any_pixel_of_the_window_leaks_about_once_per_window():
    rng = np.random.default_rng(0)
    image = torch.arange(200.0 * 200).reshape(1, 1, 200, 200)
    mask = masking.stratified_mask((1, 200, 200), percent=1.5, rng=rng)
    kept = np.mean(
        [
            (masking.replace(image, mask, "uniform with centre", rng=rng) == image)[mask].float().mean()
            for _ in range(30)
        ]
    )
    assert kept == pytest.approx(1 / 121, rel=0.25)


def test_pixels_that_are_not_hidden_stay_as_they_are():
    image, rng = noise(2, 1, 20, 20), np.random.default_rng(0)
    mask = masking.stratified_mask((2, 20, 20), percent=4, rng=rng)
    assert (masking.replace(image, mask, "uniform", rng=rng) == image)[~mask].all()


def test_the_median_ignores_the_hidden_pixel():
    image = torch.arange(25.0).reshape(1, 1, 5, 5)
    image[0, 0, 2, 2] = 1000
    mask = torch.zeros(1, 1, 5, 5, dtype=torch.bool)
    mask[0, 0, 2, 2] = True
    assert masking.replace(image, mask, "median", radius=1, rng=np.random.default_rng(0))[0, 0, 2, 2] in (11, 13)


def test_a_structured_spot_extends_along_its_direction_and_leaves_the_centre():
    mask = torch.zeros(1, 1, 7, 9, dtype=torch.bool)
    mask[0, 0, 3, 4] = True
    beside = masking.structured_spot(mask, direction="horizontal", reach=2)
    assert beside[0, 0].nonzero().tolist() == [[3, 2], [3, 3], [3, 5], [3, 6]]


def test_a_wider_blind_spot_makes_the_output_blind_to_the_whole_line():
    image = noise(1, 1, 16, 32).requires_grad_()
    rng = np.random.default_rng(0)
    mask = torch.zeros(1, 1, 16, 32, dtype=torch.bool)
    mask[0, 0, 8, 16] = True
    beside = masking.structured_spot(mask, direction="horizontal", reach=5)
    seen = torch.where(beside, torch.zeros_like(image), masking.replace(image, mask, "uniform", radius=1, rng=rng))
    gradient = torch.autograd.grad(networks.care(2, features=4).double()(seen)[0, 0, 8, 16], image)[0][0, 0]
    assert (gradient[8, 11:22] == 0).sum() >= 10


@pytest.mark.conformance
def test_the_share_of_blind_spots_is_that_of_an_independent_implementation():
    code = (
        "import torch; from careamics.lightning.modules.n2v_utils.pixel_manipulation import uniform_manipulate as u;"
        "g = torch.Generator().manual_seed(0);"
        "print(sum(int(u(torch.rand(4, 128, 128), 1.5625, 11, True, None, g)[1].sum()) for _ in range(20)) / 80)"
    )
    theirs = float(run_apart(code))
    rng = np.random.default_rng(0)
    ours = float(masking.stratified_mask((80, 128, 128), percent=1.5625, rng=rng).sum() / 80)
    assert ours == pytest.approx(theirs, rel=0.02)


def run_apart(code):
    """What a program prints; that library prints and warns on import, and takes longer than all these tests."""
    import subprocess
    import sys

    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()[-1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: masking.box_side(50), "percent=50"),
        (lambda: masking.fill(noise(1, 1, 4, 4), torch.ones(4, 4, dtype=torch.bool), "mean"), "how='mean'"),
        (lambda: masking.structured_spot(torch.ones(1, 1, 4, 4).bool(), direction="row", reach=2), "direction='row'"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
