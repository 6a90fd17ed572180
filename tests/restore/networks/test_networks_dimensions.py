import pytest
import torch
from torch import nn
from torch.nn import functional

from nbsupport.restore.networks import rcan
from nbsupport.restore.networks.dimensions import VolumeConvolution


def gradients(output, *inputs):
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape)
    return torch.autograd.grad((output * weights).sum(), inputs)


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("shape", [(1, 3, 4, 8, 6), (1, 3, 4, 7, 6), (1, 3, 2, 1, 5), (1, 3, 1, 2, 1), (2, 3, 4, 7, 6)])
def test_volumes_are_convolved_as_torch_does_it_lone_ones_too(shape, kernel):
    convolution = VolumeConvolution(3, 4, kernel, padding=kernel // 2).double()
    volumes = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    found = convolution(volumes)
    expected = functional.conv3d(volumes, convolution.weight, convolution.bias, padding=kernel // 2)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected)
    inputs = (volumes, convolution.weight, convolution.bias)
    torch.testing.assert_close(gradients(found, *inputs), gradients(expected, *inputs))


def test_a_network_of_volumes_answers_as_one_of_torchs_own_convolutions():
    network = rcan(3, 2, 2, groups=1, blocks=2, features=8)
    volume = torch.rand(1, 2, 4, 9, 8)
    found = network(volume)
    for module in network.modules():
        if isinstance(module, VolumeConvolution):
            module.__class__ = nn.Conv3d
    torch.testing.assert_close(found, network(volume))


def test_autocast_computes_a_lone_volume_in_bfloat16():
    convolution, volume = VolumeConvolution(2, 3, 3, padding=1), torch.rand(1, 2, 4, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        found = convolution(volume)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), convolution(volume), rtol=0.05, atol=0.02)
