import pytest
import torch

from nbsupport.restore.networks.multi_output import multi_output


@pytest.mark.parametrize("size", [(16, 16), (17, 30)])
def test_an_image_of_any_size_gives_maps_of_its_size(size):
    assert multi_output(5, depth=2, features=4)(torch.zeros(2, 1, *size)).shape == (2, 5, *size)


def test_weights_depend_on_the_seed_alone():
    first, again, other = (multi_output(2, features=4, seed=s).head.weight for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_drawing_weights_leaves_the_random_stream_of_torch_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    multi_output(2, features=4)
    assert torch.equal(torch.rand(3), expected)


def test_the_output_far_from_a_change_does_not_change():
    network = multi_output(2, depth=1, features=4).eval()
    image = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    changed = image.clone()
    changed[..., :8] += 3
    with torch.no_grad():
        before, after = network(image), network(changed)
    torch.testing.assert_close(before[..., 32:], after[..., 32:])
    assert not torch.equal(before[..., :8], after[..., :8])


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match=r"images of shape \(1, 2, 8, 8\)"):
        multi_output(2, features=4)(torch.zeros(1, 2, 8, 8))


def test_no_output_is_refused():
    with pytest.raises(ValueError, match="outputs=0 must be at least 1"):
        multi_output(0)
