"""The U-Net for localisation images: counts of weights, sizes, seeds, and what it can see."""

import pytest
import torch

from nbsupport.restore.networks.noise2noise import localisation_unet


def weights(**options):
    return sum(weight.numel() for weight in localisation_unet(**options).parameters())


@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 489_697), ({"both_first": False}, 397_537), ({"both_first": False, "bottleneck": True}, 439_105)],
)
def test_the_network_has_the_number_of_weights_that_its_description_gives(options, count):
    assert weights(**options) == count


def test_weights_follow_the_wording_layer_by_layer():
    first = 7 * 7 * 48 + 48 + 7 * 7 * 48 * 48 + 48
    down = 3 * 2 * (9 * 48 * 48 + 48)
    up = 4 * (9 * 96 * 48 + 48 + 9 * 48 * 48 + 48)
    assert weights() == first + down + up + 9 * 48 + 1


@pytest.mark.parametrize("size", [(64, 64), (33, 50), (7, 16)])
def test_an_image_of_any_size_keeps_it(size):
    assert localisation_unet(filters=4)(torch.zeros(2, 1, *size)).shape == (2, 1, *size)


def test_the_seed_alone_decides_the_weights_and_the_stream_of_torch_stays_where_it_is():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first, second = localisation_unet(filters=4, seed=3), localisation_unet(filters=4, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(localisation_unet(filters=4, seed=4).head.weight, first.head.weight)


def test_the_output_is_linear_and_may_be_negative():
    network = localisation_unet(filters=4)
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.fill_(-2.0)
    assert torch.equal(network(torch.rand(1, 1, 16, 16)), torch.full((1, 1, 16, 16), -2.0))


def test_the_finest_skip_carries_single_pixels_to_the_output():
    network = localisation_unet(filters=4).double()
    image = torch.zeros(1, 1, 64, 64, dtype=torch.double, requires_grad=True)
    network(image)[0, 0, 32, 32].backward()
    reach = (image.grad[0, 0] != 0).nonzero()
    assert image.grad[0, 0, 32, 32] != 0
    assert (reach.max(dim=0).values - reach.min(dim=0).values).min() > 40  # and the coarse levels see far


def test_even_kernels_and_images_with_two_channels_are_refused():
    with pytest.raises(ValueError, match="must be odd"):
        localisation_unet(first_kernel=6)
    with pytest.raises(ValueError, match="channel = 1"):
        localisation_unet(filters=4)(torch.zeros(1, 2, 16, 16))
