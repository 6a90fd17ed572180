"""Time of adapting a pre-trained network to one noisy image of 512 × 512 pixels and restoring it."""

import time
from statistics import median

import numpy as np

from nbsupport.restore.networks import noise2self
from nbsupport.restore.transfer import Options, chip, noisy, restore, retrain
from nbsupport.simulate.curved_lines import curved_line_image

from .measure import Row, Speed

SIZE_PX, PEAK = 512, 30.0
WIDTHS = (8, 16, 32, 64)
OPTIONS = Options(steps=60, learning_rate=1e-3)


def noisy_image():
    rng = np.random.default_rng(0)
    light = curved_line_image(rng=rng, pixels=SIZE_PX, lines=100).light.values
    return noisy(0.05 + 0.95 * light, PEAK, chip(SIZE_PX, rng=rng), rng=rng)


def adapt_once(image):
    """Seconds until the restored image is there; progress is reported as a user would see it."""
    seen, started = [], time.perf_counter()
    found = retrain(noise2self(features=WIDTHS), [image], OPTIONS, progress=seen.append)
    restore(found.network, [image], OPTIONS)
    return time.perf_counter() - started, len(found.training), len(seen)


def measure(repeats):
    image = noisy_image()
    times = [adapt_once(image) for _ in range(repeats)]
    seconds = [taken for taken, _, _ in times]
    what = f"seconds to retrain on one image of {SIZE_PX} × {SIZE_PX} pixels by Noise2Self and to restore it"
    note = (
        f"U-Net of {WIDTHS[0]} to {WIDTHS[-1]} maps, float32, {times[0][1]} steps, 16 passes to restore; "
        f"progress is told after every step ({times[0][2]} times)"
    )
    row = Row(
        "transfer-512px", what, median(seconds), unit="s", at_most=60.0, lowest=min(seconds), highest=max(seconds),
        repeats=repeats, note=note,
    )  # fmt: skip
    return [row]


SPEEDS = [Speed("transfer-512px", 200, measure)]
