import pytest
import torch
from torch import nn
from torch.nn import functional

from nbsupport.restore.networks import care, noise2self, time_unet

CARE_WIDTHS = [(1, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 64), (128, 64), (64, 32), (64, 32), (32, 32)]
"""In and out of every convolution but the last, in order, as the public code of CARE builds its default network."""

NOISE2SELF_WIDTHS = [(1, 32), (32, 64), (64, 128), (128, 256), (256, 256), (512, 128), (256, 64), (128, 32), (64, 32)]
"""In and out of every block of two convolutions; in the public code the last one ends in one channel."""


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def conv_parameters(channels_in, channels_out, taps):
    return channels_out * (channels_in * taps + 1)


def silenced(network):
    head = network.head[-1] if isinstance(network.head, nn.Sequential) else network.head
    nn.init.zeros_(head.weight)
    return network.eval()


@pytest.mark.parametrize(("dimensions", "taps"), [(2, 25), (3, 27)])
def test_care_has_the_convolutions_of_its_public_code(dimensions, taps):
    expected = sum(conv_parameters(*widths, taps) for widths in CARE_WIDTHS) + conv_parameters(32, 1, 1)
    assert parameters(care(dimensions)) == expected


@pytest.mark.parametrize(("dimensions", "size"), [(2, (13, 22)), (3, (3, 6, 9))])
def test_care_with_a_silent_head_returns_an_image_of_any_size_unchanged(dimensions, size):
    images = torch.randn(2, 1, *size)
    with torch.no_grad():
        assert torch.equal(silenced(care(dimensions, features=4))(images), images)


def test_care_is_equivariant_to_shifts_by_its_coarsest_pixel():
    network = care(2, features=4, seed=2)
    image = torch.zeros(1, 1, 128, 128)
    image[..., 56:72, 52:68] = torch.rand(16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        shifted = network(image.roll((4, 8), (2, 3)))
        torch.testing.assert_close(shifted, network(image).roll((4, 8), (2, 3)), atol=1e-6, rtol=1e-4)


def test_biases_of_care_start_at_zero_and_kernels_within_the_glorot_bound():
    first = care(2).body.encoders[0][0]
    bound = (6 / (25 * (1 + 32))) ** 0.5
    assert not first.bias.any()
    assert 0.95 * bound < first.weight.abs().max() <= bound


def test_care_of_four_dimensions_is_refused():
    with pytest.raises(ValueError, match="dimensions=4 must be 2"):
        care(4)


@pytest.mark.parametrize("time", ["axis", "channels"])
def test_time_unet_with_a_silent_head_returns_the_middle_frame_of_a_window_of_any_size(time):
    windows = torch.randn(2, 5, 9, 14)
    with torch.no_grad():
        restored = silenced(time_unet(frames=5, time=time, features=4))(windows)
    assert torch.equal(restored, windows[:, 2:3])


@pytest.mark.parametrize("time", ["axis", "channels"])
@pytest.mark.parametrize("frame", [0, 4])
def test_time_unet_uses_the_first_and_the_last_frame(time, frame):
    network = time_unet(frames=5, time=time, features=4)
    windows = torch.rand(1, 5, 8, 8, requires_grad=True)
    network(windows).sum().backward()
    assert windows.grad[:, frame].abs().max() > 0


def test_time_unet_has_as_many_parameters_as_care_in_three_dimensions():
    assert parameters(time_unet()) == parameters(care(3))


def test_a_window_with_an_even_number_of_frames_has_no_middle():
    with pytest.raises(ValueError, match="frames=10 must be odd"):
        time_unet(frames=10)


def test_a_window_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"this time_unet takes \(batch, frame = 11, y, x\)"):
        time_unet(features=4)(torch.rand(1, 9, 8, 8))


def noise2self_parameters(widths, *, norm, head):
    convolutions = sum(conv_parameters(a, b, 9) + conv_parameters(b, b, 9) for a, b in widths)
    norms = sum(4 * b for _, b in widths) if norm else 0
    scales = 2 * sum(conv_parameters(1, 1, 4) * width for width in (32, 64, 128, 256))
    return convolutions + norms + scales + head


def test_noise2self_has_the_layers_that_its_texts_describe():
    assert parameters(noise2self()) == noise2self_parameters(NOISE2SELF_WIDTHS, norm=True, head=33)


def test_the_public_code_of_noise2self_has_neither_normalisation_nor_a_linear_output():
    widths = [*NOISE2SELF_WIDTHS[:-1], (64, 1)]
    network = noise2self(normalisation=None, layout="code")
    assert parameters(network) == noise2self_parameters(widths, norm=False, head=0)
    assert not [module for module in network.modules() if isinstance(module, nn.InstanceNorm2d)]


@pytest.mark.parametrize("layout", ["text", "code"])
def test_noise2self_gives_back_an_image_of_any_size(layout):
    with torch.no_grad():
        assert noise2self(features=(4, 8), layout=layout)(torch.randn(1, 1, 9, 14)).shape == (1, 1, 9, 14)


def test_instance_normalisation_makes_the_output_blind_to_the_scale_of_the_input():
    images = torch.randn(1, 1, 32, 32)
    with torch.no_grad():
        networks = {kind: noise2self(features=(8, 16), normalisation=kind) for kind in ("instance", None)}
        change = {kind: (net(5 * images) - net(images)).abs().max() for kind, net in networks.items()}
    assert change["instance"] < 1e-3 < change[None]


def test_the_way_down_starts_near_averaging_of_four_pixels():
    down = noise2self(seed=1).encoders[1][0]
    maps = torch.rand(1, 32, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(down(maps), functional.avg_pool2d(maps, 2), atol=0.03, rtol=0)


def test_a_residual_block_without_weights_passes_shared_channels_through_the_leaky_relu():
    block = noise2self(layout="code", normalisation=None, features=(4, 8)).encoders[0][-1]
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
        image = torch.randn(1, 1, 6, 6)
        out = block(image)
    torch.testing.assert_close(out[:, :1], functional.leaky_relu(image, 0.01))
    assert not out[:, 1:].any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"features": ()}, "features=\\(\\) is empty"),
        ({"features": (32, 0)}, "features=0 must be at least 1"),
        ({"normalisation": "batch"}, "normalisation='batch' is unknown; give one of 'instance', None"),
        ({"layout": "paper"}, "layout='paper' is unknown"),
    ],
)
def test_unknown_variants_of_noise2self_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        noise2self(**given)
