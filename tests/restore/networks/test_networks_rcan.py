import pytest
import torch
from torch import nn

from nbsupport.restore.networks import rcan
from nbsupport.restore.networks.rcan import ChannelAttention

SHAPES = {2: (11, 14), 3: (3, 7, 9)}


def zeroed(*modules):
    with torch.no_grad():
        for module in modules:
            for parameter in module.parameters():
                parameter.zero_()


def identity(conv):
    zeroed(conv)
    nn.init.dirac_(conv.weight)


@pytest.mark.parametrize("block_skip", ["every", "last"])
@pytest.mark.parametrize(
    ("dimensions", "channels", "blocks", "count"),
    [(2, 9, 3, 342_533), (2, 1, 3, 337_917), (3, 15, 5, 1_583_347), (3, 1, 5, 1_559_141)],
)
def test_parameter_counts_are_those_of_the_published_networks(dimensions, channels, blocks, count, block_skip):
    network = rcan(dimensions, channels, channels, groups=5, blocks=blocks, block_skip=block_skip)
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("block_skip", ["every", "last"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_with_zero_blocks_groups_and_tail_only_the_outer_convolutions_act(dimensions, block_skip):
    network = rcan(dimensions, 2, 3, groups=2, blocks=3, features=8, block_skip=block_skip)
    for group in network.groups:
        zeroed(group.conv, *(layer for block in group.blocks for layer in (block[0], block[2])))
    zeroed(network.tail)
    images = torch.rand(2, 2, *SHAPES[dimensions])
    with torch.no_grad():
        expected = network.conv_out(network.conv_in(2 * images - 1)) / 2 + 0.5
        torch.testing.assert_close(network(images), expected)


@pytest.mark.parametrize(("block_skip", "factor"), [("every", 2), ("last", 1)])
@pytest.mark.parametrize("blocks", [2, 4])
def test_a_group_of_zero_blocks_doubles_its_input_or_keeps_it(block_skip, factor, blocks):
    group = rcan(2, 1, 1, groups=1, blocks=blocks, features=8, block_skip=block_skip).groups[0]
    zeroed(*group.blocks)
    identity(group.conv)
    features = torch.rand(1, 8, 10, 10)
    with torch.no_grad():
        torch.testing.assert_close(group(features), factor * features)


def test_in_a_group_of_one_block_the_last_block_is_every_block():
    images = torch.rand(1, 1, 12, 12)
    with torch.no_grad():
        one, other = (rcan(2, 1, 1, groups=2, blocks=1, block_skip=skip, seed=4)(images) for skip in ("every", "last"))
    assert torch.equal(one, other)


def test_channel_attention_without_weights_halves_every_channel():
    attention = ChannelAttention(2, 8, 4)
    zeroed(attention)
    features = torch.rand(2, 8, 5, 6)
    with torch.no_grad():
        torch.testing.assert_close(attention(features), features / 2)


def test_channel_attention_gives_every_pixel_of_a_channel_one_weight():
    features = torch.rand(1, 8, 5, 6) + 0.1
    with torch.no_grad():
        weights = ChannelAttention(2, 8, 4)(features) / features
    torch.testing.assert_close(weights, weights[:, :, :1, :1].expand_as(weights))


def test_any_size_and_other_output_channels_are_possible():
    with torch.no_grad():
        assert rcan(3, 15, 1, groups=1, blocks=1)(torch.rand(1, 15, 3, 5, 7)).shape == (1, 1, 3, 5, 7)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dimensions": 1}, "dimensions=1 must be 2"),
        ({"groups": 0}, "groups=0 must be at least 1"),
        ({"blocks": 1.5}, "blocks=1.5 must be a whole number"),
        ({"reduction": 5}, "reduction=5 must divide features=32"),
        ({"block_skip": "first"}, "block_skip='first' is unknown; give one of every, last"),
    ],
)
def test_impossible_networks_are_refused(given, message):
    arguments = {"dimensions": 2, "channels_in": 1, "channels_out": 1, "groups": 1, "blocks": 1} | given
    with pytest.raises(ValueError, match=message):
        rcan(**arguments)


def test_a_stack_with_another_number_of_frames_is_refused():
    with pytest.raises(ValueError, match=r"this rcan takes \(batch, channel = 9, y, x\)"):
        rcan(2, 9, 9, groups=1, blocks=1)(torch.rand(1, 15, 8, 8))
