"""RCAN of the two-step chain: a training step and tiled inference against the plain float32 forms of both."""

import numpy as np
import torch

from nbsupport.restore import tiling
from nbsupport.restore.networks import rcan
from nbsupport.restore.networks.dimensions import VolumeConvolution
from nbsupport.restore.precision import definite
from nbsupport.restore.training import crops, fit, supervised

from .measure import Row, Speed, side_by_side

CHANNELS, PATCH_PX, BATCH, STEPS = 9, 64, 4, 2
FIELD_PX, TILE_PX, OVERLAP_PX = 384, 128, 32
VOLUME_CHANNELS, VOLUME = 15, (12, 40, 40)


def network():
    """The first network of hughes2024: 5 groups of 3 blocks, 32 maps."""
    return rcan(2, CHANNELS, CHANNELS, groups=5, blocks=3, block_skip="last")


def frames():
    """Nine frames of noise on stripes, twice: what a network computes does not change with what it sees."""
    rng = np.random.default_rng(0)
    return [rng.random((CHANNELS, FIELD_PX, FIELD_PX)).astype(np.float32) for _ in range(2)]


def plain_training(made, data):
    """The loop of the textbook."""
    optimiser = torch.optim.Adam(made.parameters(), lr=1e-4)
    made.train()
    for step in range(STEPS):
        given, wanted = data.batch(step)
        optimiser.zero_grad()
        torch.nn.functional.l1_loss(made(given), wanted).backward()
        optimiser.step()


def ours_training(made, data):
    fit(made, supervised(torch.nn.functional.l1_loss), data, steps=STEPS, learning_rate=1e-4, precision="auto")


def plain_tiles(made, image):
    """One tile after the other in float32, averaged where they overlap, as the source's program does."""
    total, weight = torch.zeros(CHANNELS, FIELD_PX, FIELD_PX), torch.zeros(FIELD_PX, FIELD_PX)
    starts = sorted({*range(0, FIELD_PX - TILE_PX, TILE_PX - OVERLAP_PX), FIELD_PX - TILE_PX})
    made.eval()
    with torch.no_grad():
        for y in starts:
            for x in starts:
                tile = torch.from_numpy(image[None, :, y : y + TILE_PX, x : x + TILE_PX])
                total[:, y : y + TILE_PX, x : x + TILE_PX] += made(tile)[0]
                weight[y : y + TILE_PX, x : x + TILE_PX] += 1
    return (total / weight).numpy()


def ours_tiles(made, image):
    return tiling.apply(made, image, tile=TILE_PX, overlap=OVERLAP_PX, precision="auto")


def training(repeats):
    pair = frames()
    data = crops(pair, pair, size=PATCH_PX, batch=BATCH, seed=0)
    slow, quick = network(), network()
    plain_training(slow, data), ours_training(quick, data)
    times = side_by_side(lambda: plain_training(slow, data), lambda: ours_training(quick, data), repeats)
    note = f"{STEPS} steps on {BATCH} crops of {PATCH_PX} × {PATCH_PX} pixels and {CHANNELS} channels, 5 × 3 blocks"
    per_second = BATCH * STEPS * PATCH_PX**2 / times["ours_s"] / 1e6
    what = f"plain float32 loop / fit in {definite('auto')}, the quicker precision here, and channels last, RCAN"
    return [Row("rcan-training", what, **times, at_least=1.5, note=f"{note}; {per_second:.3f} megapixels a second")]


def inference(repeats):
    made, image = network(), frames()[0]
    ours_tiles(made, image[:, :TILE_PX, :TILE_PX])
    times = side_by_side(lambda: plain_tiles(made, image), lambda: ours_tiles(made, image), repeats)
    note = f"{FIELD_PX} × {FIELD_PX} pixels, {CHANNELS} channels, tiles of {TILE_PX} that overlap by {OVERLAP_PX}"
    what = f"tile by tile in float32 / tiling.apply in {definite('auto')} and channels last, RCAN"
    per_second = FIELD_PX**2 / times["ours_s"] / 1e6
    return [Row("rcan-tiles", what, **times, at_least=1.2, note=f"{note}; {per_second:.3f} megapixels a second")]


def volume(repeats):
    """Training on one volume at a time, torch's own convolution against that of the networks, both in float32."""
    slow, quick = (rcan(3, VOLUME_CHANNELS, VOLUME_CHANNELS, groups=2, blocks=3, features=24) for _ in range(2))
    for module in slow.modules():
        if isinstance(module, VolumeConvolution):
            module.__class__ = torch.nn.Conv3d
    rng = np.random.default_rng(0)
    whole = [rng.random((VOLUME_CHANNELS, *VOLUME)).astype(np.float32)]
    data = crops(whole, whole, size=VOLUME, batch=1, seed=0)

    def train(made):
        fit(made, supervised(torch.nn.functional.l1_loss), data, steps=STEPS, learning_rate=1e-4, precision="float32")

    train(quick)
    times = side_by_side(lambda: train(slow), lambda: train(quick), repeats)
    note = f"{STEPS} steps on one volume of {' × '.join(map(str, VOLUME))} voxels and {VOLUME_CHANNELS} channels"
    what = "fit with torch's convolution of volumes / with that of the networks, both in float32, RCAN"
    return [Row("rcan-volume", what, **times, at_least=1, note=note)]


SPEEDS = [Speed("rcan-training", 40, training), Speed("rcan-tiles", 60, inference), Speed("rcan-volume", 60, volume)]
