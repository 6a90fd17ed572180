import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from nbsupport.restore import networks, tiling


class Blur(nn.Module):
    """Convolution with a kernel that has no symmetry, zeros beyond the border; sees `reach` pixels far."""

    def __init__(self, dimensions=2, reach=2, outputs=1, inputs=1):
        super().__init__()
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
        self.convolution = convolution(inputs, outputs, 2 * reach + 1, padding=reach)
        generator = torch.Generator().manual_seed(0)
        self.convolution.weight.data = torch.rand(self.convolution.weight.shape, generator=generator)

    def forward(self, images):
        return self.convolution(images)


def picture(*shape):
    return np.random.default_rng(0).random(shape).astype(np.float32)


def whole(network, image, dimensions=2):
    batch = torch.from_numpy(image)
    batch = batch[None] if batch.ndim > dimensions else batch[None, None]
    with torch.no_grad():
        return network.eval()(batch)[0].numpy()


@pytest.mark.parametrize("shape", [(40, 40), (64, 64), (65, 200), (131, 97), (64, 193), (20, 150)])
def test_tiles_give_what_the_whole_image_gives_at_any_size(shape):
    image, network = picture(*shape), Blur(reach=4)
    tiled = tiling.apply(network, image, tile=64, overlap=16)
    assert tiled.shape == shape
    np.testing.assert_allclose(tiled, whole(network, image)[0], rtol=1e-5, atol=1e-6)


def test_volumes_and_channels_are_tiled_alike():
    network = Blur(3, reach=1, outputs=3, inputs=2)
    image = picture(2, 11, 50, 70)
    tiled = tiling.apply(network, image, dimensions=3, tile=(8, 32, 32), overlap=(4, 8, 8))
    np.testing.assert_allclose(tiled, whole(network, image, 3), rtol=1e-5, atol=1e-5)
    flat = Blur(2, reach=1, outputs=3)
    np.testing.assert_allclose(
        tiling.apply(flat, image[0, 0], tile=32, overlap=8), whole(flat, image[0, 0]), rtol=1e-5, atol=1e-5
    )


def test_weights_sum_to_one_so_a_constant_stays_constant():
    image = np.full((150, 333), 0.7, np.float32)
    for tile, overlap in ((64, 32), (50, 7), (64, 0), (33, 32)):
        tiled = tiling.apply(nn.Identity(), image, tile=tile, overlap=overlap)
        np.testing.assert_allclose(tiled, image, rtol=1e-6)


@pytest.mark.parametrize(
    ("size", "tile", "overlap"), [(760, 512, 32), (410, 128, 32), (1000, 96, 31), (65, 64, 63), (9, 8, 4)]
)
def test_spans_cover_the_axis_overlap_enough_and_start_in_phase(size, tile, overlap):
    found = tiling.spans(size, tile, overlap)
    assert found[0][0] == 0
    assert found[-1][1] == size
    phase = min(32, 2 ** int(np.log2(tile - overlap)))
    assert all(start % phase == 0 for start, _ in found)
    assert all(end - start <= tile for start, end in found)
    assert all(after[0] + overlap <= before[1] for before, after in zip(found, found[1:], strict=False))


class Average(nn.Module):
    """Answers with the mean of its tile, so that two tiles differ wherever one passes into the other."""

    def forward(self, images):
        return images.mean((-2, -1), keepdim=True).expand_as(images)


@pytest.mark.parametrize(("tile", "overlap"), [(64, 0), (80, 16), (96, 32), (64, 32)])
def test_an_image_changes_from_tile_to_tile_in_the_joints_alone(tile, overlap):
    image = np.random.default_rng(0).random((32, 224)).astype(np.float32)
    tiled = tiling.apply(Average(), image, tile=tile, overlap=overlap)
    joints = tiling.joints(224, tile, overlap)
    changed = np.flatnonzero(np.abs(np.diff(tiled, axis=1)).max(axis=0) > 1e-7) + 1
    inside = np.concatenate([np.arange(start, end + 1) for start, end in joints])
    assert len(joints) == len(tiling.spans(224, tile, overlap)) - 1
    assert set(changed) <= set(inside)
    assert all(np.isin(changed, np.arange(start, end + 1)).any() for start, end in joints)


class Pyramid(nn.Module):
    """Halves its input five times, as U-Net with a residual encoder does: what it answers depends on the grid."""

    def forward(self, images):
        size = images.shape[-2:]
        padded = nn.functional.pad(images, (0, -size[1] % 32, 0, -size[0] % 32))
        coarse = nn.functional.interpolate(nn.functional.max_pool2d(padded, 32), scale_factor=32)
        return coarse[..., : size[0], : size[1]]


def test_networks_that_halve_their_input_see_the_same_grids_in_every_tile():
    image = picture(300, 421)
    tiled = tiling.apply(Pyramid(), image, tile=192, overlap=128)
    np.testing.assert_allclose(tiled, whole(Pyramid(), image)[0], rtol=1e-5)


def remover():
    network = networks.artefact_remover("U-Net", "R-34")
    for name, tensor in network.named_parameters():
        if "segmentation_head" in name and "bias" in name:
            tensor.data += 1.0
    return network


def smooth_field(*shape):
    image = gaussian_filter(picture(*shape), 3)
    return (image - image.min()) / np.ptp(image)


def test_division_by_the_maximum_is_done_on_the_whole_image():
    network, image = remover(), smooth_field(200, 330)
    tiled = tiling.apply(network, image, tile=128, overlap=32)
    assert tiled.max() == pytest.approx(1.0)
    single = tiling.apply(network, image, tile=512)
    np.testing.assert_allclose(single, whole(network, image)[0], rtol=1e-4, atol=1e-5)


def test_a_real_network_leaves_seams_without_an_overlap_and_none_with_one():
    network, image = remover(), smooth_field(192, 448)

    def largest_step(tile, overlap):
        return np.abs(np.diff(tiling.apply(network, image, tile=tile, overlap=overlap))).mean(axis=0).max()

    usual = largest_step(448, 0)
    assert largest_step(128, 0) > 2 * usual
    assert largest_step(128, 32) < 1.2 * usual


def test_bfloat16_agrees_to_its_precision_and_gives_float32():
    image, network = picture(70, 70), Blur()
    exact, quick = (tiling.apply(network, image, tile=64, precision=p) for p in ("float32", "bf16"))
    assert quick.dtype == np.float32
    np.testing.assert_allclose(quick, exact, rtol=2**-7)


def test_the_network_itself_is_unchanged_and_in_eval_mode():
    network = remover().train()
    tiling.apply(network, smooth_field(40, 40))
    assert isinstance(network.head, networks.encoders.Head)
    assert not network.training


def test_progress_rises_to_one():
    done = []
    tiling.apply(nn.Identity(), picture(100, 100), tile=32, overlap=8, batch=3, progress=done.append)
    assert done == sorted(done)
    assert done[-1] == 1.0


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.ones(5), {}, r"image of shape \(5,\); needed are 2 axes"),
        (np.full((5, 5), np.inf), {}, "not finite"),
        (np.ones((50, 50)), {"tile": 16, "overlap": 16}, "tile=16 must be larger than overlap=16"),
        (np.ones((5, 5)), {"tile": (4, 4, 4)}, "has 3 entries; give one number or 2"),
        (np.ones((5, 5)), {"dimensions": 4}, "dimensions=4 must be 2 or 3"),
    ],
)
def test_what_cannot_be_tiled_is_refused(image, options, message):
    with pytest.raises(ValueError, match=message):
        tiling.apply(nn.Identity(), image, **options)
