# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Transfer learning: a supervised prior that adapts itself to noisy images
#
# [wang2021] trains a network on clean images of other things and then goes on, without any clean image, on the noisy
# images of the task. This notebook regenerates its Figs. 1 to 4 and Supplementary Figs. 5 to 7 on microtubules and
# lysosomes whose truth is known, with repeats, and judges its claims. Beyond it: other ways to adapt within one budget,
# when adaptation harms, and a rule that says when to stop without knowing the truth. Everything is simulated but, where
# they are at hand, the filament channel of one public data set (as we read it) and one measured pair that is only shown;
# as a lesson it takes a few minutes on a laptop.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
repeats: int = 3  # draws of noise, each with a training of its own
peaks: list[float] = [1.0, 20.0, 300.0]  # peak signal, photons in the brightest pixel
peaks_real: list[float] = [30.0]  # of the measured filaments
peaks_l1: list[float] = [5.0, 30.0]  # at which the absolute error is tried
images: int = 3  # noisy images of a task, all in one batch; 10 in the source
pixels: int = 48  # per side of an image
aperture: float = 1.4  # numerical aperture
other_aperture: float = 0.7  # optics that no network has seen
wavelength_um: float = 0.6  # emission wavelength, µm
pixel_um: float = 0.1  # camera pixel in the sample, µm
features: int = 4  # maps at the finest of four scales; 32 in the source
pretraining_pairs: int = 120  # noisy and clean images
pretraining_steps: int = 200
pretraining_batch: int = 8  # 32 in the source
pretraining_rate: float = 3e-3  # 1e-3 in the source
retraining_steps: int = 25  # at most
retraining_rate: float = 2e-3  # 1e-4 in the source, for a network of 60 times as many weights
scratch_steps: int = 40  # at most, of networks without a prior
scratch_rate: float = 1e-2  # theirs; the same in the source
rates: list[float] = [5e-4, 2e-3, 1e-2]  # learning rates that are compared
every: int = 5  # steps between two looks at the held-out pixels
retraining_images: list[int] = [1, 2, 5]  # up to 50 in the source
psf_sds: list[float] = [0.5, 1.0, 2.0]  # of pre-training lines, px
pair_counts: list[int] = [1, 10, 100]  # of supervised training
pair_steps: int = 60
beyond_peaks: list[float] = [30.0]  # of recipes, harm and stopping
beyond_repeats: int = 2
stopping_steps: int = 50  # of trainings that nobody stops
fmd_folder: str = ""  # local copy of FMD; empty: a simulated stand-in

# %%
import copy
from dataclasses import replace
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import tifffile
import xarray as xr
from matplotlib.colors import Normalize
from scipy.ndimage import gaussian_filter

from nbsupport import study
from nbsupport.assess.artefacts import false_structure, hallucination, pattern_peak
from nbsupport.assess.denoising import learned, line_width
from nbsupport.assess.fidelity import mse, psnr_db, ssim
from nbsupport.assess.puncta import axis_ratios, detect
from nbsupport.assess.statistics import Interval, mean_interval, paired_difference, resampled
from nbsupport.assess.transfer_bench import METRICS, SIGN, THREE, TransferBench, error_by_half, lead, stopped, surely
from nbsupport.codebase import code_sha256
from nbsupport.optics import Optics
from nbsupport.restore import networks, transfer
from nbsupport.restore.denoisers import Examples, denoiser
from nbsupport.restore.masking import grid_mask
from nbsupport.simulate.planar import planar
from nbsupport.study import layout

study.begin("50_transfer_learning", globals())
optics = Optics(numerical_aperture=aperture, wavelength_um=wavelength_um)
rng = study.streams(seed, "chip", "generic", "lines", "statistics", "ruler", "intervals of claims")
sensor = transfer.chip(max(pixels, 96), rng=rng.chip)
folder = layout.DATA / "trainings" / f"50-{code_sha256(layout.NOTEBOOKS / '50_transfer_learning.py')[:12]}"
options = transfer.Options(steps=retraining_steps, learning_rate=retraining_rate, every=every)
middle = peaks[len(peaks) // 2]
ways = ("FMD-like", "lines")
stand_in = "simulated images in place of confocal ones and of FMD"
spread = "95 % bootstrap over repeats and images; one pre-training of each sort"
spread_of_counts = f"{spread}; within a draw 1.96 standard errors decide what counts"

# %% [markdown]
# ## What a network learns from first
#
# **The source says** ([wang2021], methods): FMD, the Fluorescence Microscopy Dataset, has 240 fields of nuclei, F-actin,
# mitochondria, brain and zebrafish, seen by confocal, two-photon and wide-field microscopes, 50 frames of each; averages
# of few frames (in FMD of 1 to 16) are the noisy images, the average of all the clean one. The other set is simulated:
# ten curved lines, a Gaussian of 1 px, a peak scaled to some value, Poisson and sCMOS noise.
#
# **What we do.** A simulated stand-in with the same variety, or your own copy of FMD if `fmd_folder` names it. Neither set holds
# microtubules or lysosomes.

# %%
if fmd_folder:
    pairs = {"FMD-like": transfer.fmd_pairs(fmd_folder, crop_px=128)}
else:
    pairs = {"FMD-like": transfer.generic_pairs(pretraining_pairs, pixels=pixels, rng=rng.generic)}
pairs["lines"] = transfer.line_pairs(pretraining_pairs, pixels=pixels, rng=rng.lines)


def as_image(values):
    """Pixel values with coordinates in µm."""
    axis = (np.arange(len(values)) - (len(values) - 1) / 2) * pixel_um
    return xr.DataArray(np.asarray(values), dims=("y", "x"), coords={"y": axis, "x": axis})


def richest(image, side):
    """Square of an image that holds most fine structure, as slices."""
    detail = image - gaussian_filter(image, 3)
    corners = product(*(range(0, size - side + 1, side // 2) for size in image.shape))
    windows = [tuple(slice(start, start + side) for start in corner) for corner in corners]
    return max(windows, key=lambda window: detail[window].std())


def photons(number):
    """A number of photons in words."""
    return f"{number:g} photon{'' if number == 1 else 's'}"


def drawn_pairs(some):
    """Noisy images above their clean partners, with a colour scale for each pair, and what was drawn."""
    figure, axes = plt.subplots(2, len(some), figsize=(1.75 * len(some), 3.9), squeeze=False)
    shown = {}
    for (n, pair), (row, part) in product(enumerate(some), enumerate(("noisy", "clean"))):
        shown[f"{n + 1} {pair.structure}: {part}"] = image = as_image(getattr(pair, part))
        light = photons(round(pair.clean.max())) if pair.modality == "simulated" else f"{pair.averages}×"
        title = "" if row else f"{pair.structure}\n{pair.modality}, {light}"
        study.draw_image(axes[row, n], image, title=title, norm=Normalize(0, pair.clean.max()))
    return figure, shown


real_pair = [study.locate("fmd-confocal-bpae-pair", f"fmd-confocal-bpae-{part}.tif") for part in ("noisy", "target")]
found = {(p.structure, p.modality): p for p in pairs["FMD-like"]}
wanted = [(structure, transfer.MODALITIES[n % 3]) for n, structure in enumerate(transfer.STRUCTURES)]
chosen = [found[key] for key in wanted if key in found] or list(found.values())[:5]
if None not in real_pair:
    measured_pair = [tifffile.imread(path).astype(float)[0] for path in real_pair]
    corner = richest(measured_pair[1], pixels)
    chosen.append(transfer.Pair("FMD itself", "confocal", 1, *(image[corner] for image in measured_pair)))
figure, shown = drawn_pairs(chosen)
study.publish_figure(
    "wang2021-supp-fig-5",
    figure,
    alt="Noisy images above clean ones: nuclei, F-actin, mitochondria, brain and zebrafish under three microscopes."
    + ("" if None in real_pair else " In the last column a measured confocal pair."),
    caption="Pairs of the generic pre-training set: noisy (above, with the number of averaged exposures) and clean (below). "
    + (
        ""
        if None in real_pair
        else "The one called FMD itself is measured (V. Mannam et al. 2019); it is shown and not trained on. "
    )
    + "Scale bars 1 µm if a pixel is 0.1 µm.",
    data=shown,
    stand_in=None if fmd_folder else "simulated structures under simulated microscopes in place of FMD.",
)

# %%
by_peak = sorted(pairs["lines"], key=lambda p: p.clean.max())
figure, shown = drawn_pairs([by_peak[n] for n in np.linspace(0, len(by_peak) - 1, 5).round().astype(int)])
study.publish_figure(
    "wang2021-supp-fig-6",
    figure,
    alt="Ten curved lines in each image, noisy above and clean below, from dim to bright.",
    caption="Pairs of the simulated pre-training set, from low to high peak signal: ten curved lines, Gaussian of 1 px. "
    "Scale bars 1 µm.",
    data=shown,
)


# %%
def prior(chosen, label, **changes):
    """Train the U-Net on pairs, or take up a finished training."""
    made = transfer.Prior(
        **{
            "steps": pretraining_steps,
            "features": features,
            "batch": pretraining_batch,
            "patch": min(32, pixels),
            "learning_rate": pretraining_rate,
        }
        | changes
    )
    return learned(
        made, chosen, seed=seed, folder=folder / "priors", progress=study.Progress(f"pre-training on {label}")
    )


priors = {name: prior(transfer.examples(p), name) for name, p in pairs.items()}
study.say(
    "Each prior is a U-Net of {weights:,} weights.", study.keep("transfer_prior", weights=priors["lines"].parameters)
)

# %% [markdown]
# ## The tasks, and one retraining
#
# **The source says**: clean confocal images of microtubules and lysosomes are scaled to a peak signal and given noise;
# ten of them are one batch. Each step hides some pixels by zeros and asks for them; which ones cycles. Training stops
# early with a patience of 8.
#
# **What we do.** Grids of one pixel in 4 × 4; of the 16 phases one is never trained on, and what is watched is the error
# at its pixels. The restored image is put together from 16 passes, each giving the pixels that it did not see, so that no
# pixel knows its own noise. The filament channel of W2S, as we read it (mean of 400 frames), or its stand-in, stands
# beside the simulated ones. A network without a prior gets a larger learning rate and more steps: with those of the
# others it would still be far from its best when it is stopped, and a prior would win by that alone.


# %%
def field(kind, number, na=aperture):
    """One field of a task."""
    name = f"{kind} at {na:g}"
    draws = study.streams(seed, name, sample=number)[name]
    return transfer.task_field(
        kind, Optics(numerical_aperture=na, wavelength_um=wavelength_um), rng=draws, pixels=pixels, pixel_um=pixel_um
    )


def stretched(image):
    """A measured image on the scale of the simulated ones."""
    low, high = np.percentile(image, [1, 99.9])
    return 0.05 + 0.95 * np.clip((image - low) / (high - low), 0, 1)


tasks = {kind: [field(kind, n) for n in range(images)] for kind in transfer.KINDS}
lights = {kind: np.array([f.light.values for f in fields]) for kind, fields in tasks.items()}
w2s_path = study.locate("w2s-widefield-pairs", "w2s-mean-of-400.tif")
if w2s_path is None:
    w2s_missing = study.stand_in("w2s-widefield-pairs")
    made = [
        planar("filaments", optics, rng=study.streams(seed, "w2s", sample=n).w2s, pixels=pixels) for n in range(images)
    ]
    lights["filaments (W2S)"] = 0.05 + 0.95 * np.array([m.light.values for m in made])
else:
    w2s_missing = None
    stack = tifffile.imread(w2s_path).astype(float).reshape(12, 2, 512, 512)[:, 1]
    binned = stack[:, 1:-1, 1:-1].reshape(12, 170, 3, 170, 3).mean(axis=(2, 4))
    lights["filaments (W2S)"] = np.array([stretched(i[richest(i, pixels)]) for i in binned[:images]])
ruler = planar("points and lines", optics, rng=rng.ruler, pixels=96, pixel_um=pixel_um)


# %%
widths = [features * 2**level for level in range(4)]
starts = {name: (lambda repeat, p=p: p.network) for name, p in priors.items()}
starts["none"] = lambda repeat: networks.noise2self(features=widths, seed=1000 + repeat)
bench = TransferBench(
    lights=lights,
    starts=starts,
    ruler=0.05 + 0.95 * ruler.light.values,
    ruler_task="microtubules",
    chip=sensor,
    options=options,
    pixel_um=pixel_um,
    seed=seed,
    folder=folder / "retrainings",
    settings=(images, pixels, aperture, wavelength_um, features, pretraining_pairs, pretraining_steps)
    + (pretraining_batch, pretraining_rate, fmd_folder, w2s_missing),
    changes={"none": {"steps": scratch_steps, "learning_rate": scratch_rate}},
)
common = {"n": repeats * images, "stand_in": stand_in}  # of most claims


# %%
def of_rate(start, rate):
    """Error of one start at the middle peak signal after early stopping, and the step that was kept."""
    own = replace(options, learning_rate=rate, steps=max(scratch_steps, retraining_steps))
    found = trial.adapted("microtubules", middle, start, 0, options=own)
    return trial.table("microtubules", [found["restored"]]).sel(metric="mse").mean().item(), int(found["steps"][0])


trial, rates = replace(bench, changes={}), sorted({*rates, retraining_rate})
tried = {(s, rate): of_rate(s, rate) for s, rate in study.track(list(product(("FMD-like", "none"), rates)), "rates")}
study.publish_table(
    "transfer-rates",
    {
        "learning rate": [f"{rate:g}" for rate in rates],
        **{f"{s}: MSE (10⁻³)": [round(1e3 * tried[s, rate][0], 2) for rate in rates] for s in ("FMD-like", "none")},
        **{f"{s}: step kept": [tried[s, rate][1] for rate in rates] for s in ("FMD-like", "none")},
    },
    caption=f"What the learning rate does: simulated microtubules at {photons(middle)}, one draw of noise, at most "
    f"{max(scratch_steps, retraining_steps)} steps.",
)
worst = {
    s: max(tried[s, rate][0] for rate in rates) / min(tried[s, rate][0] for rate in rates) for s in ("FMD-like", "none")
}
best_of = {s: min(tried[s, rate][0] for rate in rates) for s in worst}
advantage = study.keep(
    "transfer_rates",
    prior=worst["FMD-like"],
    none=worst["none"],
    equal=tried["none", retraining_rate][0] / best_of["FMD-like"],
    fair=best_of["none"] / best_of["FMD-like"],
)
study.say(
    "Over these rates the error changes by a factor of {prior:.1f} with a prior and of **{none:.1f}** without one. At "
    "the rate of the retrainings ({rate:g}) the network without a prior has {equal:.1f} times the error (MSE) of the "
    "one with a prior at its best rate; each at its own best rate, **{fair:.1f} times**. Much of what a prior seems to "
    "bring can be a learning rate that was chosen for it.",
    advantage,
    rate=retraining_rate,
)


# %%
def sweep(task, levels, how=options):
    """Metrics of all starts over peak signal, (peak, start, repeat, image, metric)."""
    return bench.sweep(
        task,
        levels,
        (*ways, "none"),
        repeats,
        options=how,
        track=lambda plans: study.track(plans, f"retraining on {task}, {how.loss}"),
    )


def percent(flags):
    """Share of what is true, %."""
    return 100 * float(np.mean(flags))


# %% [markdown]
# A claim counts the levels at which one start is *surely* better: those where the 95 % interval of the difference,
# drawn over repeats and images, lies above 0. Such a count is itself uncertain. Its interval comes from drawing repeats
# and images and counting again; within each draw a difference has to exceed 1.96 of its standard errors, since a
# bootstrap within a bootstrap would take too long. All levels share what is drawn, for they share images and starts.


# %%
def margin(first, second, metric):
    """By how much one table is better than another, above 0 for better, (..., repeat, image)."""
    return SIGN[metric] * (first - second).sel(metric=metric).transpose(..., "repeat", "image").values


def picked(values, r, i):
    """Drawn repeats and images of a table whose last axes these are."""
    return values[..., r[:, np.newaxis], i]


def clearly(margins):
    """Whether means over repeats and images, the last axes, exceed 1.96 errors of a bootstrap that draws both."""
    of_repeat, of_image = (margins.mean(axis=axis, keepdims=True) for axis in (-1, -2))
    mean = of_repeat.mean(axis=-2, keepdims=True)
    parts = of_repeat - mean, of_image - mean, margins - of_repeat - of_image + mean
    variance = sum(np.mean(part**2, axis=(-2, -1)) / np.prod(part.shape[-2:]) for part in parts)
    return mean[..., 0, 0] > 1.96 * np.sqrt(variance)


everyone = np.arange(repeats), np.arange(images)


def intervals(measure, sizes=(repeats, images), **exact):
    """What is measured anew from drawn repeats and images, with intervals; bare numbers where there is one of each.

    `exact` are the values of counts whose own decisions were bootstrapped; they stay as they are.
    """
    if max(sizes) == 1:
        return measure(*(np.arange(size) for size in sizes)) | exact
    found = resampled(measure, *sizes, rng=rng["intervals of claims"])
    values = {name: float(exact.get(name, interval.value)) for name, interval in found.items()}
    return {name: Interval(v, min(v, found[name].low), max(v, found[name].high)) for name, v in values.items()}


def counted(table, count):
    """What `count` makes of the levels (bool) at which `sure(metric, first, second)`, with intervals."""
    pairs_of = [("FMD-like", "none"), ("lines", "none"), ("FMD-like", "lines")]
    cases = [(metric, *pair) for metric, pair in product(METRICS, pairs_of)]
    margins = np.array([margin(table.sel(start=a), table.sel(start=b), metric) for metric, a, b in cases])

    def measure(r, i):
        won = dict(zip(cases, clearly(picked(margins, r, i)), strict=True))
        return count(lambda *case: won[case])

    return intervals(measure, **count(lambda *case: surely(table, *case, rng=rng.statistics)))


# %% [markdown]
# ## Fig. 1: microtubules
#
# **The source says**: transfer lowers the MSE and raises SSIM and mean FRC, most visibly the resolution; FMD is the
# better school, lines are second, none is worst.
#
# **What we do.** New noise and a new training for each repeat. *None* starts from random weights, others at every repeat.
# All starts have the same rule to stop.

# %%
grid = {"microtubules": sweep("microtubules", peaks), "filaments (W2S)": sweep("filaments (W2S)", peaks_real)}


# %%
def panels(task, peak, columns=(*ways, "none")):
    """Noisy, truth, and what every start makes of it, of the first image and repeat."""
    restored = {s: bench.adapted(task, peak, s, 0)["restored"][0] for s in columns}
    return {"noisy": bench.noisy(task, peak, 0)[0], "truth": lights[task][0]} | restored


def draw_rows(axes, rows, drawn):
    """Rows of panels on one scale; notes what was drawn."""
    for row, (label, images_of) in enumerate(rows.items()):
        for axis, (name, image) in zip(axes[row], images_of.items(), strict=True):
            drawn[f"{label}: {name}".replace("\n", ", ")] = as_image(image)
            bar = study.draw_image(axis, as_image(image), title="" if row else name, norm=Normalize(0, 1))
        axes[row, 0].set_ylabel(label, fontsize=8)
    return bar


def deviation(of):
    """Standard deviation over repeats; 0 where there is one."""
    return of.std("repeat", ddof=min(1, repeats - 1))


def draw_curve(axis, table, metric, style, label):
    """One metric of every start over peak signal; bars are standard deviations over repeats."""
    for start, colour in zip((*ways, "none"), ("C0", "C1", "C2"), strict=True):
        of = table.sel(metric=metric, start=start).mean("image")
        bars = {"yerr": of.pipe(deviation), "capsize": 2, "markersize": 3, "label": f"{start}{label}"}
        axis.errorbar(table.peak, of.mean("repeat"), fmt=style, color=colour, **bars)


def level_axis(axis, levels, metric):
    """Peak signal on a logarithmic axis with a tick at every level."""
    axis.set(xscale="log", xlabel="peak signal (photons)", ylabel=METRICS[metric])
    axis.set_xticks(levels, [f"{p:g}" for p in levels])
    axis.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)


def draw_curves(axes, tables):
    """Three metrics over peak signal."""
    for axis, metric in zip(axes, THREE, strict=True):
        for (name, table), style in zip(tables.items(), ("o-", "s--"), strict=False):
            draw_curve(axis, table, metric, style, f", {name}" if len(tables) > 1 else "")
        level_axis(axis, next(iter(tables.values())).peak.values, metric)
    axes[0].set_yscale("log")
    axes[1].legend(fontsize=6, handlelength=4)


def curve_data(table):
    """Means of every metric and start over the peak signal, and their spread."""
    of = table.mean("image")
    means = {f"{m}_{s}": of.sel(metric=m, start=s).mean("repeat") for m, s in product(METRICS, table.start.values)}
    bars = {f"{m}_{s}_sd": of.sel(metric=m, start=s).pipe(deviation) for m, s in product(METRICS, table.start.values)}
    return {"peak_photons": table.peak.values, **means, **bars}


def long_table(table):
    """The same as rows: one per peak signal and start, every metric with its spread."""
    rows = list(product(table.peak.values, table.start.values))
    of = table.mean("image").stack(row=("peak", "start"))
    columns = {"peak (photons)": [float(peak) for peak, _ in rows], "pre-training": [start for _, start in rows]}
    for metric, heading in METRICS.items():
        spread = of.sel(metric=metric).pipe(deviation).values
        means = of.sel(metric=metric).mean("repeat").values
        columns[heading] = [f"{mean:.3g} ± {sd:.1g}" for mean, sd in zip(means, spread, strict=True)]
    return columns


# %%
figure = plt.figure(figsize=(9.5, 9))
top, images_part, curves_part = figure.subfigures(3, 1, height_ratios=[0.9, 2.4, 1.7])
axis = top.subplots()
axis.axis("off")
box = {"boxstyle": "round,pad=0.5", "fc": "#e7eef7", "ec": "0.4"}
steps_drawn = {
    0.12: "generic pairs\nnoisy → clean",
    0.37: "supervised\nU-Net",
    0.62: "Noise2Self on the\nnoisy task images",
    0.88: "restored\ntask images",
}
for x, text in steps_drawn.items():
    axis.text(x, 0.72, text, ha="center", va="center", bbox=box, fontsize=8, transform=axis.transAxes)
axis.text(
    0.37,
    0.15,
    "random weights",
    ha="center",
    va="center",
    bbox=box | {"fc": "#f3f3f3"},
    fontsize=8,
    transform=axis.transAxes,
)
for a, b in (
    ((0.2, 0.72), (0.3, 0.72)),
    ((0.44, 0.72), (0.51, 0.72)),
    ((0.73, 0.72), (0.81, 0.72)),
    ((0.45, 0.2), (0.58, 0.5)),
):
    axis.annotate("", b, a, xycoords="axes fraction", arrowprops={"arrowstyle": "-|>", "color": "0.3"})
axis.set_title("(a) two stages; the older way has the second one alone", fontsize=9)
views = {
    "microtubules\n" + photons(middle): panels("microtubules", middle),
    "W2S\n" + photons(peaks_real[-1]): panels("filaments (W2S)", peaks_real[-1]),
}
drawn = {}
axes = images_part.subplots(2, 5)
bar = draw_rows(axes, views, drawn)
images_part.colorbar(bar, ax=axes, label="share of the peak", shrink=0.7)
draw_curves(curves_part.subplots(1, 3), grid)
study.publish_figure(
    "wang2021-fig-1",
    figure,
    alt="Scheme of the two stages. Below, simulated microtubules and, under them, "
    + (
        "stand-ins for measured filaments"
        if w2s_missing
        else "a measured cell in which no single filament can be told apart"
    )
    + ": noisy, truth, and restored after each pre-training and after none. At the bottom MSE, SSIM and mean FRC over "
    f"the peak signal for three starts, on simulated filaments and on {'stand-ins for ' if w2s_missing else ''}measured "
    "ones.",
    caption="(a) Scheme. Middle: simulated microtubules and "
    f"{'stand-ins for measured filaments' if w2s_missing else 'measured cells (in the one shown, filaments cannot be told apart)'}. "
    f"Bottom: means over {images} images; bars: standard deviation over {repeats} draws of noise, each with its own "
    f"training. Scale bars 1 µm (W2S: if a pixel is {pixel_um:g} "
    f"µm).{'' if w2s_missing else ' W2S: R. Zhou et al. 2020, binned 3 × 3.'}",
    data=drawn,
    stand_in=f"{stand_in}. {w2s_missing or ''}".strip(),
)
study.publish_table(
    "transfer-microtubules",
    long_table(grid["microtubules"]),
    caption="The numbers of the bottom of Fig. 1 for simulated microtubules, ± the standard deviation over repeats.",
)


# %%
def of_each(sure, metric):
    """Share of the levels at which either kind of pre-training surely beats the random start."""
    return {
        "fmd_levels_percent": percent(sure(metric, "FMD-like", "none")),
        "lines_levels_percent": percent(sure(metric, "lines", "none")),
    }


micro = grid["microtubules"]
for metric, name in (("mse", "lower-mse"), ("ssim", "higher-ssim")):
    shares = counted(micro, lambda sure, metric=metric: of_each(sure, metric))
    display(study.claim(f"wang2021-transfer-{name}", measured=shares, spread=spread_of_counts, **common))


# %%
def both_ahead(sure, metric):
    """Per level, whether both kinds of pre-training surely beat the random start."""
    return np.all([sure(metric, way, "none") for way in ways], axis=0)


study.claim(
    "wang2021-transfer-higher-frc",
    measured=counted(
        micro, lambda sure: {f"{m}_levels_percent": percent(both_ahead(sure, m)) for m in ("mean_frc", "cutoff")}
    ),
    spread=spread_of_counts,
    **common,
)


# %%
def in_order(sure):
    """Share of the levels in the order of the source, and in its second half, in the worst of the metrics."""
    orders = [[sure(m, *pair) for pair in (("FMD-like", "lines"), ("lines", "none"))] for m in THREE]
    return {
        "full_order_percent": min(percent(np.all(order, axis=0)) for order in orders),
        "lines_over_none_percent": min(percent(order[1]) for order in orders),
    }


study.claim("wang2021-pretraining-order", measured=counted(micro, in_order), spread=spread_of_counts, **common)

# %% [markdown]
# **What this shows.** Each order, level by level, on simulated filaments. A level counts where the 95 % interval over
# repeats and images says so. The filament channel of W2S, or its stand-in, is shown beside them and enters no claim.
#
# **What it does not.** The lowest level lies where the source itself sees the limit of its method, and a claim on all
# levels counts it too. Networks are small and trainings short: where patience (8 looks) is no shorter than the training,
# it only chooses which step is kept. A random start has a rate and a number of steps of its own here, chosen on one draw
# with the truth in view (table above): that favours it. How much of the gain is time and how much is knowledge is asked
# under *When to stop*.

# %% [markdown]
# ## Fig. 2: lysosomes
#
# **The source says**: the same trend; lines restore puncta once they have been retrained; and repeats end almost alike
# with pre-training but not without.

# %%
grid["lysosomes"] = sweep("lysosomes", peaks)
lyso = grid["lysosomes"]
levels = peaks[:: max(1, len(peaks) // 3)][:3]
figure = plt.figure(figsize=(9.5, 2.0 * len(levels) + 3))
images_part, curves_part = figure.subfigures(2, 1, height_ratios=[2.0 * len(levels), 2.8])
drawn, axes = {}, images_part.subplots(len(levels), 5, squeeze=False)
bar = draw_rows(axes, {photons(p): panels("lysosomes", p) for p in levels}, drawn)
images_part.colorbar(bar, ax=axes, label="share of the peak", shrink=0.7)
draw_curves(curves_part.subplots(1, 3), {"lysosomes": lyso})
study.publish_figure(
    "wang2021-fig-2",
    figure,
    alt="Rows of rising peak signal: noisy puncta, truth, restored after both pre-trainings and after none. Below, MSE, "
    "SSIM and mean FRC over the peak signal.",
    caption=f"Top: lysosome-like puncta. Bottom: means over {images} images; bars: standard deviation over {repeats} "
    "draws of noise, each with its own training. Scale bars 1 µm.",
    data=drawn,
    stand_in=stand_in + ".",
)
study.publish_table(
    "transfer-lysosomes",
    long_table(lyso),
    caption="The numbers of the bottom of Fig. 2, ± the standard deviation over repeats.",
)


# %%
def metrics_at_all_levels(sure):
    """In how many metrics both kinds of pre-training surely win at every level, and in how many the better one does."""
    full = {way: {m for m in THREE if sure(m, way, "none").all()} for way in ways}
    return {"metrics_both": len(full["FMD-like"] & full["lines"]), "metrics_one": max(map(len, full.values()))}


study.claim(
    "wang2021-lysosome-same-trend",
    measured=counted(lyso, metrics_at_all_levels),
    spread=spread_of_counts,
    **common,
)

# %%
of_starts = lyso.sel(metric=list(THREE), start=[*ways, "none"]).transpose("start", "metric", "peak", "repeat", "image")


def sd_ratios(r, i):
    """Spread over drawn repeats with pre-training over that without, (start, metric, peak)."""
    if len(r) > 1 and np.ptp(r) == 0:  # a draw of one repeat alone has no spread: it speaks for neither side
        return np.ones((len(ways), *of_starts.shape[1:3]))
    sds = picked(of_starts.values, r, i).mean(axis=-1).std(axis=-1, ddof=1)
    return sds[:-1] / sds[-1]


ratios = sd_ratios(*everyone)
largest, low, high = intervals(lambda r, i: {"largest": sd_ratios(r, i).max()})["largest"]
study.claim(
    "wang2021-transfer-stabilises",
    # the largest of many uncertain ratios is too large, and in a draw once more: what draws add is taken off
    measured=Interval(largest, largest * (largest / high), largest * (largest / low)),
    spread=f"{spread}, turned about the value on a logarithmic scale",
    n=repeats,
    stand_in=stand_in + ("" if repeats >= 10 else f"; {repeats} repeats, the measure laid down asks for ten"),
)

# %%
stable = study.keep(
    "transfer_spread",
    worst=largest,
    typical=float(np.median(ratios)),
    below=percent(ratios < 1),
)
study.say(
    "The spread over repeats with pre-training is {typical:.2f} times that without, in the median over levels, metrics "
    "and kinds of pre-training; it is smaller in {below:.0f} % of these cases and {worst:.2f} times as large in the "
    "worst.",
    stable,
)

# %% [markdown]
# **What this shows.** Spread by spread what pre-training steadies. Noise is drawn anew as well, so that the spread is
# never nothing.
#
# **What it does not.** A ratio of two standard deviations is itself uncertain, from ten repeats by tens of per cent, from
# three by a factor of several; the worst of so many is larger than any typical one, and in a draw it is larger still. The
# interval of the worst is therefore turned about its value: it reaches down by the factor by which draws exceed it.

# %% [markdown]
# ## Supplementary Fig. 7: no retraining
#
# **The source says**: the pre-trained networks by themselves make ill-defined shapes (FMD) and short pieces of curves,
# even of lysosomes (lines).
#
# **What we do.** One pass of the networks as they came, beside the retrained ones. On puncta three numbers know the
# truth: the ratio of their axes, the F1 score of finding them, and pieces of structure farther from all of them than the
# resolution.

# %%
untouched = {
    (task, way): bench.runs(task, middle, way, repeats, recipe="none") for task, way in product(transfer.KINDS, ways)
}
retrained = {
    (task, way): bench.runs(task, middle, way, repeats) for task, way in product(transfer.KINDS, (*ways, "none"))
}
rows = {
    f"{task}\n{way}": {
        "noisy": panels(task, middle)["noisy"],
        "without retraining": untouched[task, way][0][0],
        "retrained": retrained[task, way][0][0],
        "truth": lights[task][0],
    }
    for task, way in product(transfer.KINDS, ways)
}
figure, axes = plt.subplots(4, 4, figsize=(7.5, 7.6))
drawn = {}
bar = draw_rows(axes, rows, drawn)
figure.colorbar(bar, ax=axes, label="share of the peak", shrink=0.6)
study.publish_figure(
    "wang2021-supp-fig-7",
    figure,
    alt="Microtubules and lysosomes, for each pre-training: noisy, restored without retraining, with it, and the truth.",
    caption=f"Pre-trained networks before and after retraining, {photons(middle)}. Scale bars 1 µm.",
    data=drawn,
    stand_in=stand_in + ".",
)

# %%
resolution_um = 0.61 * wavelength_um / aperture
puncta = [f.attrs["points_px"] for f in tasks["lysosomes"]]


def looked_at(run):
    """Sum and number of ratios of axes of isolated puncta, F1 of detection, and false pieces, (image, 4)."""
    rows = []
    for image, points, truth in zip(run - 0.05, puncta, tasks["lysosomes"], strict=True):
        ratios = axis_ratios(image, points)
        pieces = hallucination(truth.object > 0, as_image(image), resolution_um=resolution_um)
        rows.append([ratios.sum(), ratios.size, detect(image, points).f1, pieces.count])
    return np.array(rows)


def shapes(looks):
    """Of every repeat: mean ratio of axes over all its puncta, 1 where there is none; mean F1; mean false pieces."""
    total, number = looks[..., :2].sum(axis=-2).T
    return {
        "roundness": np.where(number > 0, total / np.maximum(number, 1), 1.0),
        "finding": looks[..., 2].mean(axis=-1),
        "segments": looks[..., 3].mean(axis=-1),
    }


looks = {
    (when, way): np.array([looked_at(run) for run in runs["lysosomes", way]])
    for (when, runs), way in product({"before": untouched, "after": retrained}.items(), ways)
}
looks_truth = looked_at(lights["lysosomes"])


def shapes_of(r, i):
    """Shapes before and after retraining, and those of the noise-free images, from drawn repeats and images."""
    return {key: shapes(look[r[:, np.newaxis], i]) for key, look in looks.items()}, shapes(looks_truth[i])


shape, shape_truth = shapes_of(*everyone)
study.publish_table(
    "transfer-puncta",
    {
        "network": [f"{way}, {when} retraining" for when, way in shape] + ["noise-free image"],
        "axis ratio": [np.mean(v["roundness"]) for v in (*shape.values(), shape_truth)],
        "F1": [np.mean(v["finding"]) for v in (*shape.values(), shape_truth)],
        "false pieces per image": [np.mean(v["segments"]) for v in (*shape.values(), shape_truth)],
    },
    caption=f"Puncta at {photons(middle)}, means over {repeats} repeats; ratios of axes from the "
    f"{int(looks_truth[:, 1].sum())} puncta that lie alone.",
)


# %%
def mended(shape, truth):
    """By how much retraining improves ratios of axes and false pieces, above 0 for better, (case, repeat)."""
    off = {key: np.abs(s["roundness"] - truth["roundness"]) for key, s in shape.items()}
    pieces = {key: s["segments"] for key, s in shape.items()}
    return np.array([what["before", way] - what["after", way] for what, way in product((off, pieces), ways)])


sides = {
    (m, task, way): (*(bench.table(task, x[task, way]) for x in (retrained, untouched)), m)
    for m, task, way in product(("mse", "ssim"), transfer.KINDS, ways)
}
in_metrics = [lead(*side, rng=rng.statistics).low > 0 for side in sides.values()]
drawn_shape = intervals(lambda r, i: dict(enumerate(mended(*shapes_of(r, i)).mean(axis=-1))))
in_shape = [getattr(gain, "low", -np.inf) > 0 for gain in drawn_shape.values()]
metric_gains = np.array([margin(*side) for side in sides.values()])


def cases_better(r, i):
    """How many cases retraining surely improves, and how round the puncta are that lines alone have taught."""
    shape, truth = shapes_of(r, i)
    return {
        "metric_cases_better": clearly(picked(metric_gains, r, i)).sum(),
        "shape_cases_better": clearly(mended(shape, truth)[..., np.newaxis]).sum(),
        "lines_axis_ratio": shape["before", "lines"]["roundness"].mean(),
    }


study.claim(
    "wang2021-pretrained-only-artefacts",
    measured=intervals(cases_better, metric_cases_better=sum(in_metrics), shape_cases_better=sum(in_shape)),
    spread=f"{spread_of_counts}; a draw without a punctum that lies alone counts as round",
    **common,
)


# %%
def restored_puncta(r, i):
    """How near retraining brings the puncta of lines to the true ones."""
    shape, truth = shapes_of(r, i)
    before, after = (shape[when, "lines"] for when in ("before", "after"))
    deviation = [100 * abs(s["roundness"].mean() / truth["roundness"] - 1) for s in (before, after)]
    return {
        "axis_deviation_percent": deviation[1],
        "f1_fraction": after["finding"].mean() / max(truth["finding"], 1e-9),
        "axis_improvement_percent": deviation[0] - deviation[1],
        "f1_improvement": after["finding"].mean() - before["finding"].mean(),
    }


study.claim(
    "wang2021-retraining-restores-puncta",
    measured=intervals(restored_puncta),
    spread=f"{spread}; a draw without a punctum that lies alone counts as round",
    **common,
)

# %% [markdown]
# **What this shows.** Whether retraining mends shapes, in numbers that know where every punctum is. F1 is the weakest of
# them: it is well below 1 on the noise-free image itself.
#
# **What it does not.** A network that has seen rings, nuclei and tubes under three microscopes may already do well on
# puncta; FMD's own network would have been asked about cells it does not know, by a microscope it does not know.

# %% [markdown]
# ## Fig. 3: how many images?
#
# **The source says**: between 1 and 50 images it makes no clear difference, so that one is enough.
#
# **What we do.** Retraining on other images of the task, and restoring the same set of noisy images each time, which
# nobody trained on.

# %%
more = np.array([field("microtubules", 100 + n).light.values for n in range(max(retraining_images))])


def from_many(start, count):
    """The evaluation set restored after retraining on some images, every repeat."""
    return [bench.from_many(more, "microtubules", middle, start, count, r) for r in range(repeats)]


by_count = xr.concat(
    [bench.table("microtubules", from_many("FMD-like", n)) for n in study.track(retraining_images, "number of images")],
    xr.Variable("count", retraining_images),
)
alone = bench.table("microtubules", from_many("none", max(retraining_images)))

# %%
figure, axes = plt.subplots(1, 3, figsize=(9.5, 2.9))
for axis, metric in zip(axes, THREE, strict=True):
    of_repeat = by_count.sel(metric=metric).mean("image")
    axis.errorbar(
        retraining_images, of_repeat.mean("repeat"), of_repeat.pipe(deviation), fmt="o-", capsize=2, label="FMD-like"
    )
    axis.axhline(
        float(alone.sel(metric=metric).mean()),
        color="C2",
        linestyle=":",
        label=f"none, {max(retraining_images)} images",
    )
    axis.set(xscale="log", xlabel="images of retraining", ylabel=METRICS[metric])
    axis.set_xticks(retraining_images, [f"{n}" for n in retraining_images])
    axis.minorticks_off()
axes[1].legend(fontsize=7)
study.publish_figure(
    "wang2021-fig-3",
    figure,
    alt="MSE, SSIM and mean FRC of restored microtubules against the number of images of retraining, with the random "
    "start as a dotted line.",
    caption=f"Evaluated on {images} images at {photons(middle)}; bars: standard deviation over {repeats} repeats.",
    data={"images": retraining_images, **{m: by_count.sel(metric=m).mean(("repeat", "image")) for m in METRICS}},
    stand_in=stand_in + ".",
)


# %%
def rises(slopes):
    """Whether slopes, one for each repeat and image, surely differ from 0."""
    interval = mean_interval(slopes, rng=rng.statistics, resample="seeds and images")
    return not interval.low <= 0 <= interval.high


def rises_clearly(slopes):
    """The same by standard errors."""
    return clearly(slopes) or clearly(-slopes)


def flat(values, rises):
    """Whether the slope over the logarithm of the number is nothing, or changes the metric by less than 5 %."""
    span = np.log10(retraining_images)
    slopes = np.polyfit(span, values.reshape(len(span), -1), 1)[0].reshape(values.shape[1:])
    return not rises(slopes) or abs(slopes.mean()) * np.ptp(span) < 0.05 * abs(values.mean())


of_number = [by_count.sel(metric=m).transpose("count", "repeat", "image").values for m in THREE]
single = by_count.sel(count=min(retraining_images))
best_alone = [lead(single, alone, m, rng=rng.statistics).low > 0 for m in THREE]
over_alone = np.array([margin(single, alone, m) for m in THREE])
range_said = f"{stand_in}; {min(retraining_images)} to {max(retraining_images)} images"
how_many = {"spread": spread_of_counts, "n": repeats * images, "stand_in": range_said}
display(
    study.claim(
        "wang2021-size-independence",
        measured=intervals(
            lambda r, i: {"metrics_flat": sum(flat(picked(v, r, i), rises_clearly) for v in of_number)},
            metrics_flat=sum(flat(v, rises) for v in of_number),
        ),
        **how_many,
    )
)
study.claim(
    "wang2021-single-shot",
    measured=intervals(
        lambda r, i: {"metrics_better": clearly(picked(over_alone, r, i)).sum()},
        metrics_better=sum(best_alone),
    ),
    **how_many,
)

# %% [markdown]
# **What this shows.** What further images add within the same limit of steps, and how one image compares with a random
# start that has them all.
#
# **What it does not.** A step over more images costs more time; and with one image the network is asked about others than
# it was trained on, which is harder than what *single-shot* means in practice.

# %% [markdown]
# ## Fig. 4: the absolute error
#
# **The source says**: with L1 in the self-supervised stage the lead of pre-training remains; L1 restores sharp features
# better; and so the gain comes from transfer and not from the loss.
#
# **What we do.** The retrainings of Fig. 1 again, with L1. Widths are read on a *ruler*, an image of known straight
# lines, which every network retrained on the microtubules restores as well.

# %%
absolute = sweep("microtubules", peaks_l1, replace(options, loss="L1"))
squared = sweep("microtubules", peaks_l1)
figure, axes = plt.subplots(1, 3, figsize=(9.5, 2.9))
draw_curves(axes, {"L1": absolute, "L2": squared})
study.publish_figure(
    "wang2021-fig-4",
    figure,
    alt="MSE, SSIM and mean FRC over the peak signal after retraining with L1 (circles, solid) and with L2 (squares, "
    "dashed), for three starts.",
    caption="As the bottom of Fig. 1, with the absolute error in the self-supervised stage (circles, solid) and the "
    f"squared one (squares, dashed). Bars: standard deviation over {repeats} repeats.",
    data=curve_data(absolute),
    stand_in=stand_in + ".",
)
study.claim(
    "wang2021-l1-also-better",
    measured=counted(absolute, lambda sure: {"metrics_better": sum(both_ahead(sure, m).all() for m in THREE)}),
    spread=spread_of_counts,
    **common,
)

# %%
at = ruler.attrs["lines"]
widths_of = {
    loss: np.array(
        [
            [
                line_width(bench.adapted("microtubules", p, way, r, options=replace(options, loss=loss))["ruler"], at)
                for p in peaks_l1
                for way in ways
            ]
            for r in range(repeats)
        ]
    )
    for loss in ("L1", "L2")
}
seen = np.isfinite(widths_of["L1"]) & np.isfinite(widths_of["L2"])
drops = (widths_of["L2"] - widths_of["L1"])[seen] * pixel_um
sharper = [
    t.sel(metric="cutoff", start=list(ways))
    .transpose("repeat", "image", "peak", "start")
    .values.reshape(repeats * images, -1)
    .mean(axis=1)
    for t in (absolute, squared)
]
if drops.size:
    verdict = study.claim(
        "wang2021-l1-sharper",
        measured={
            "cutoff_gain_per_um": paired_difference(*sharper, rng=rng.statistics),
            "fwhm_drop_um": mean_interval(drops, rng=rng.statistics),
        },
        spread=f"95 % bootstrap over noisy images (cutoff), and over {drops.size} pairs of restored lines (width), each "
        "taken as independent",
        n=repeats * images,
        stand_in=stand_in,
    )
else:
    verdict = study.claim(
        "wang2021-l1-sharper", not_testable="no restored line stands out at this size; it takes longer trainings"
    )
verdict


# %%
two_way = np.array(
    [
        t.sel(metric=list(THREE)).mean("peak").transpose("metric", "start", "repeat", "image")
        for t in (absolute, squared)
    ]
)


def variance_ratio(r, i):
    """Variance between starts over variance between losses, of the two-way tables of means; the smallest of them."""
    cells = picked(two_way, r, i).mean(axis=(-2, -1))
    between_starts, between_losses = cells.mean(axis=0).var(axis=-1), cells.mean(axis=2).var(axis=0)
    return {"variance_ratio": np.min(between_starts / np.maximum(between_losses, 1e-15))}


study.claim("wang2021-gain-not-from-loss", measured=intervals(variance_ratio), spread=spread, **common)

# %% [markdown]
# **What this shows.** Three starts times two losses: which of the two factors moves the numbers.
#
# **What it does not.** Photon noise at a few photons is skewed. L1 aims at the median of it, which lies below the mean,
# so that L1 also darkens. Rates and steps were chosen for the squared error.

# %% [markdown]
# ## Where it ends, and what it saves
#
# **The source says**: the method is limited at extremely low signal; light can be saved markedly; what is carried over is
# resolution.
#
# **What we do.** A Gaussian filter whose width is chosen *with* the truth is the bar at every level. The dose saved is
# the ratio of the highest peak signal to the lowest one whose restoration is as good as the raw image of the highest. The
# gain in squared error is split at half the passband of the optics.

# %%
gaussians = (0.5, 0.8, 1.2, 1.8, 2.5, 3.5)


def filtered(peak, sd):
    """SSIM of a Gaussian filter, (repeat, image)."""
    runs = [bench.noisy("microtubules", peak, r) for r in range(repeats)]
    return [
        [ssim(c, gaussian_filter(i, sd), data_range=1.0) for c, i in zip(lights["microtubules"], run, strict=True)]
        for run in runs
    ]


ssim_of_filters = np.array([[filtered(p, sd) for sd in gaussians] for p in peaks])
ssim_of_transfer = micro.sel(start="FMD-like", metric="ssim").transpose("peak", "repeat", "image").values


def against_filter(r, i):
    """Mean SSIM of transfer and of the best Gaussian filter at every level."""
    of_filters = picked(ssim_of_filters, r, i).mean(axis=(-2, -1))
    return picked(ssim_of_transfer, r, i).mean(axis=(-2, -1)), of_filters.max(axis=1)


def limits_of(r, i):
    """How many levels come before transfer gains on the filter, the smallest gain, and what the lowest level loses."""
    gains = np.subtract(*against_filter(r, i))
    failing = np.argmax(gains > 0) if (gains > 0).any() else 0
    return {"failing_levels": failing, "smallest_gain": gains.min(), "gain_loss": gains.max() - gains[0]}


study.claim("wang2021-fails-at-very-low-snr", measured=intervals(limits_of), spread=spread, **common)

# %%
untreated = xr.concat(
    [bench.table("microtubules", [bench.noisy("microtubules", p, r) for r in range(repeats)]) for p in peaks],
    xr.Variable("peak", peaks),
)
judged_by = {"dose_ratio_ssim": "ssim", "dose_ratio_frc": "cutoff"}
raw, treated = (
    t.sel(metric=list(judged_by.values())).transpose("metric", "peak", "repeat", "image").values
    for t in (untreated, micro.sel(start="FMD-like"))
)


def saved_dose(r, i):
    """Ratio of the highest level to the lowest one at which transfer is as good as the raw image of the highest."""
    reached, high = (picked(of, r, i).mean(axis=(-2, -1)) for of in (treated, raw[:, -1]))
    enough = reached >= high[:, np.newaxis]
    return {
        name: max([peaks[-1] / p for p, yes in zip(peaks, of_level, strict=True) if yes], default=0.0)
        for name, of_level in zip(judged_by, enough, strict=True)
    }


study.claim("wang2021-dose-reduction", measured=intervals(saved_dose), spread=spread, **common)

# %%
of_transfer, of_filter = against_filter(*everyone)
high = untreated.sel(peak=peaks[-1]).mean(("repeat", "image"))
reached = micro.sel(start="FMD-like").mean(("repeat", "image"))
figure, axes = plt.subplots(1, 2, figsize=(8, 3))
axes[0].plot(peaks, of_transfer, "o-", label="transfer (FMD-like)")
axes[0].plot(peaks, of_filter, "s-", color="C3", label="best Gaussian filter")
axes[0].plot(peaks, untreated.sel(metric="ssim").mean(("repeat", "image")), "^-", color="0.6", label="noisy image")
axes[1].plot(peaks, reached.sel(metric="cutoff"), "o-")
axes[1].plot(peaks, untreated.sel(metric="cutoff").mean(("repeat", "image")), "^-", color="0.6")
for axis, metric in zip(axes, ("ssim", "cutoff"), strict=True):
    axis.axhline(float(high.sel(metric=metric)), color="0.6", linestyle=":")
    level_axis(axis, peaks, metric)
axes[0].legend(fontsize=7)
study.publish_figure(
    "transfer-limits",
    figure,
    alt="SSIM and FRC cutoff over the peak signal for transfer, the best Gaussian filter and the noisy image; dotted "
    "lines mark the noisy image of the highest peak.",
    caption="Microtubules. The width of the Gaussian is chosen with the truth, level by level. Dotted: the noisy image "
    "of the highest peak signal.",
    data={
        "peak_photons": peaks,
        "ssim_transfer": of_transfer,
        "ssim_gaussian": of_filter,
        "cutoff_transfer": reached.sel(metric="cutoff"),
    },
)


# %%
passband = {"pixel_um": pixel_um, "passband_per_um": 2 * aperture / wavelength_um}
by_half = {
    s: np.array(
        [
            error_by_half(c, i, **passband)
            for run in retrained["microtubules", s]
            for c, i in zip(lights["microtubules"], run, strict=True)
        ]
    )
    for s in ("FMD-like", "none")
}
gain_by_half = (by_half["none"] - by_half["FMD-like"]).reshape(repeats, images, 2)


def upper_share(r, i):
    """Share of the gain that lies in the outer half of the passband."""
    gain = gain_by_half[r[:, np.newaxis], i].sum(axis=(0, 1))
    return {"upper_band_share": gain[1] / gain.sum()}


blurred = {
    sd: transfer.line_pairs(
        pretraining_pairs, pixels=pixels, rng=study.streams(seed, f"lines {sd:g}")[f"lines {sd:g}"], sd_px=sd
    )
    for sd in psf_sds
}
for sd in psf_sds:
    made = prior(transfer.examples(blurred[sd]), f"lines of {sd:g} px")
    starts[f"lines {sd:g} px"] = lambda repeat, made=made: made.network
runs_of_sd = [bench.runs("microtubules", middle, f"lines {sd:g} px", repeats) for sd in psf_sds]
cutoffs = np.array([bench.table("microtubules", runs).sel(metric="cutoff").values for runs in runs_of_sd])
slopes = np.polyfit(psf_sds, cutoffs.reshape(len(psf_sds), -1), 1)[0].reshape(repeats, images)
study.claim(
    "wang2021-resolution-is-what-transfers",
    measured=intervals(upper_share)
    | {"cutoff_slope": mean_interval(slopes, rng=rng.statistics, resample="seeds and images")},
    spread=spread,
    **common,
)

# %%
gains, saved = of_transfer - of_filter, saved_dose(*everyone)
limits = study.keep(
    "transfer_limits",
    saved_ssim=saved["dose_ratio_ssim"],
    saved_frc=saved["dose_ratio_frc"],
    worst=float(gains.min()),
    best=float(gains.max()),
    upper=100 * upper_share(*everyone)["upper_band_share"],
)
study.say(
    "Against the best Gaussian filter transfer gains between {worst:+.3f} and {best:+.3f} in SSIM. The dose saved at "
    "equal SSIM is {saved_ssim:.0f}-fold, at equal FRC cutoff {saved_frc:.0f}-fold (0: nowhere reached). Of the gain in "
    "squared error over the random start within the passband, {upper:.0f} % lies in its outer half.",
    limits,
)

# %% [markdown]
# **What this shows.** From which level on transfer is worth more than a plain filter, and how much light that saves.
#
# **What it does not.** A filter whose width is chosen without the truth would be a lower bar. Doses are compared on the
# tested levels only.

# %% [markdown]
# ## Supervision, matched and not
#
# **The source says**: supervised networks generalise poorly and invent; they need hundreds to thousands of pairs;
# self-supervision alone stays behind matched supervision for want of prior knowledge.
#
# **What we do.** A network for each task and each optics, trained on fields of that very task at the level of the test.
# Beside it the pre-trained networks as they came, and CARE (content-aware restoration, a supervised U-Net) trained on few
# to many pairs. *False structure* is what a detector of filaments answers where only puncta are, and one of spots where
# only filaments are. The claim counts networks before structures that were new to them: neither task is among the
# FMD-like pairs, but the simulated lines resemble microtubules.

# %%
optics_of = {aperture: "own optics", other_aperture: "other optics"}
pool = max(max(pair_counts), pretraining_pairs // 2)


def fields_of(task, na, count, first):
    """Noise-free fields, kept on disk."""
    drawn_fields = bench.kept(
        ("fields", task, na, count, first),
        lambda: {"light": [field(task, first + n, na).light.values for n in range(count)]},
    )
    return drawn_fields["light"]


def supervised_examples(task, na, count):
    """Pairs of a task."""
    light = fields_of(task, na, pool if (task, na) == ("microtubules", aperture) else pretraining_pairs // 2, 1000)[
        :count
    ]
    return Examples(list(bench.recorded(light, middle, f"pairs {task} {na:g}", 0)), clean=list(light))


domain = {
    (task, na): prior(supervised_examples(task, na, pretraining_pairs // 2), f"{task}, {name}")
    for task, (na, name) in product(transfer.KINDS, optics_of.items())
}
unseen = {(task, na): [field(task, n, na) for n in range(images)] for task, na in product(transfer.KINDS, optics_of)}


# %%
def quality(network, task, na):
    """PSNR (dB) and false structure of every field."""
    light = np.array([f.light.values for f in unseen[task, na]])
    given = [network.apply(i) for i in bench.recorded(light, middle, f"unseen {task} {na:g}", 0)]
    detector = {"lysosomes": "filament", "microtubules": "spot"}[task]
    false = [
        false_structure(f.object > 0, as_image(i), width_um=0.51 * wavelength_um / na, detector=detector)
        for f, i in zip(unseen[task, na], given, strict=True)
    ]
    return np.array([[psnr_db(c, i, convention="truth_range") for c, i in zip(light, given, strict=True)], false])


of_fields = {
    (way, task, na): quality(domain[task, na], task, na) - quality(priors[way], task, na)
    for way, task, na in product(ways, transfer.KINDS, optics_of)
}


def is_new(way, task):
    """Whether a pre-training held no structure like that of the task; lines resemble microtubules."""
    return (way, task) != ("lines", "microtubules")


def generalising(*fields):
    """Share of the cells that lose 1 dB or gain false structure; every task and optics has drawn fields of its own."""
    of = dict(zip(unseen, fields, strict=True))
    counted = {key: values for key, values in of_fields.items() if is_new(*key[:2])}
    cells = np.array([values[:, of[task, na]].mean(axis=1) for (_, task, na), values in counted.items()])
    loses, invents = cells[:, 0] >= 1, cells[:, 1] < 0
    return {
        "both_percent": percent(loses & invents),
        "loss_percent": percent(loses),
        "false_structure_percent": percent(invents),
    }


cells = {key: values.mean(axis=1) for key, values in of_fields.items()}
study.publish_table(
    "transfer-generalisation",
    {
        "network": [way for way, *_ in cells],
        "structure": [task for _, task, _ in cells],
        "counted": ["yes" if is_new(way, task) else "no, like what it saw" for way, task, _ in cells],
        "optics": [optics_of[na] for *_, na in cells],
        "PSNR lost (dB)": [loss for loss, _ in cells.values()],
        "false structure added (‰ of the peak)": [-1000 * false for _, false in cells.values()],
    },
    caption=f"Pre-trained networks as they came against a network of the task, {photons(middle)}, means over {images} fields.",
)
study.claim(
    "wang2021-poor-generalisation-of-supervised",
    measured=intervals(generalising, sizes=[images] * len(unseen)),
    spread="95 % bootstrap over the fields of each task and optics; one training of each network",
    n=images * len(unseen),
    stand_in=stand_in,
)

# %%
matched_runs = [
    np.array([domain["microtubules", aperture].apply(i) for i in bench.noisy("microtubules", middle, r)])
    for r in range(repeats)
]
of_matched, level = bench.table("microtubules", matched_runs), micro.sel(peak=middle)
in_front = np.array([lead(of_matched, level.sel(start="none"), m, rng=rng.statistics).low > 0 for m in THREE])
trained = {**{way: level.sel(start=way) for way in ways}, "matched": of_matched}
over_random = {s: np.array([margin(table, level.sel(start="none"), m) for m in THREE]) for s, table in trained.items()}


def supervised(r, i, in_front=None):
    """In how many metrics matched supervision is best, and the least share of its lead that transfer closes."""
    of = {s: picked(margins, r, i) for s, margins in over_random.items()}
    means = {s: margins.mean(axis=(-2, -1)) for s, margins in of.items()}
    best = means["matched"] > np.max([means[way] for way in ways], axis=0)
    best &= clearly(of["matched"]) if in_front is None else in_front
    closed = means["FMD-like"] / np.where(means["matched"] == 0, 1e-12, means["matched"])
    return {"supervised_best": best.sum(), "gap_closed_share": closed.min()}


study.claim(
    "wang2021-self-supervised-lacks-prior",
    measured=intervals(supervised, supervised_best=supervised(*everyone, in_front)["supervised_best"]),
    spread=f"{spread_of_counts}; one training with matched pairs",
    **common,
)


# %%
held_out = [
    pair
    for r in range(repeats)
    for pair in zip(lights["microtubules"], bench.noisy("microtubules", middle, r), strict=True)
]
of_care = {"steps": pair_steps, "features": 2 * features, "patch": min(32, pixels), "batch": 8}
of_care |= {"learning_rate": 2e-3, "loss": "L2", "precision": "float32"}


def care_on(count):
    """PSNR of CARE trained on some pairs, (repeat, image)."""
    some = supervised_examples("microtubules", aperture, count)
    made = learned(denoiser("CARE", **of_care), some, seed=seed, folder=folder / "care")
    values = [psnr_db(c, made.apply(i), convention="truth_range") for c, i in held_out]
    return np.reshape(values, (repeats, images))


care_psnr = {n: care_on(n) for n in study.track(pair_counts, "CARE on few and many pairs")}


def pairs_needed(r, i):
    """The smallest number of pairs with which CARE comes within 0.3 dB of what it reaches with most."""
    means = {n: picked(values, r, i).mean() for n, values in care_psnr.items()}
    return {"pairs_needed": min(n for n, value in means.items() if value >= means[max(pair_counts)] - 0.3)}


of_pairs = {n: float(values.mean()) for n, values in care_psnr.items()}
of_few = [
    float(
        np.mean(
            [
                psnr_db(c, i, convention="truth_range")
                for run in from_many("FMD-like", n)
                for c, i in zip(lights["microtubules"], run, strict=True)
            ]
        )
    )
    for n in retraining_images
]
study.claim(
    "wang2021-supervised-needs-many-pairs",
    measured=intervals(pairs_needed),
    spread=f"{spread}; one training with each number of pairs",
    n=repeats * images,
    stand_in=f"{stand_in}; {max(pair_counts)} pairs at most, the measure laid down asks for 3000",
)

# %%
figure, axis = plt.subplots(figsize=(4.6, 3))
axis.plot(of_pairs.keys(), of_pairs.values(), "s-", color="C3", label="CARE, pairs of the task")
axis.plot(retraining_images, of_few, "o-", label="transfer, noisy images of the task")
axis.set(xscale="log", xlabel="pairs, or noisy images", ylabel="PSNR (dB)")
axis.set_xticks(pair_counts, [f"{n}" for n in pair_counts])
axis.minorticks_off()
axis.legend(fontsize=7)
study.publish_figure(
    "transfer-pairs",
    figure,
    alt="PSNR of CARE against the number of training pairs, and of transfer against the number of noisy images.",
    caption=f"Microtubules at {photons(middle)}, on {images} held-out images with {repeats} draws of noise. CARE takes "
    f"{pair_steps} steps whatever the number of pairs.",
    data={
        "pairs": list(of_pairs),
        "care_psnr_db": list(of_pairs.values()),
        "noisy_images": retraining_images,
        "transfer_psnr_db": of_few,
    },
)

# %% [markdown]
# **What this shows.** The two prices of supervision, pairs and matching, beside what transfer asks for.
#
# **What it does not.** The number of steps is fixed; with more of them, more pairs might pay off. Real pairs also have
# registration errors and motion.

# %% [markdown]
# ## The mask, and other choices that the source leaves open
#
# **The source says**: cycling the mask makes the performance even over the whole image (it prints *heterogeneous*).
#
# **What we do.** A grid that moves and one that stands still, from random weights; a single pass restores. A residue with
# the period of the grid shows as a peak of the spectrum: its power over that of the ring around it, of which the median is
# taken, and which is 1/ln 2 times its median for noise. A network that saw no mask tells how much of the peak is the
# network's own. Then one choice after the other is exchanged.

# %%
waves = [(1 / (4 * pixel_um), 0.0), (0.0, 1 / (4 * pixel_um))]


def residue(image, clean):
    """Power at the frequency of the grid over that of its ring, 1 for noise."""
    peaks_of = pattern_peak(as_image(clean), as_image(image), waves)
    return np.log(2) * float(peaks_of.sel(peak=peaks_of.order == 1).mean())


masked = {
    name: bench.runs(
        "microtubules", peaks[-1], "none", repeats, options=replace(options, moving=moving), inference="single pass"
    )
    for name, moving in (("moving", True), ("standing", False))
}
cycled, at_grid = {}, {}
for name, runs in (masked | {"none: matched supervision": matched_runs}).items():
    peak_of = [[residue(i, c) for i, c in zip(run, lights["microtubules"], strict=True)] for run in runs]
    grids = [
        grid_mask((pixels, pixels), phase=int(np.random.default_rng(r).permutation(16)[1]), width=4).numpy()
        for r in range(repeats)
    ]
    errors = [((run - lights["microtubules"]) ** 2, g) for run, g in zip(runs, grids, strict=True)]
    at_grid[name] = np.array(peak_of)
    cycled[name] = [np.mean(peak_of)] + [np.mean([e[:, g == on].mean() for e, g in errors]) for on in (True, False)]
study.publish_table(
    "transfer-mask",
    {
        "grid": list(cycled),
        "photons": [f"{peaks[-1]:g}", f"{peaks[-1]:g}", f"{middle:g}"],
        "power ratio at the grid": [v[0] for v in cycled.values()],
        "MSE on the grid": [v[1] for v in cycled.values()],
        "MSE off it": [v[2] for v in cycled.values()],
    },
    caption="Noise2Self from random weights, single pass, and a network that was taught with pairs; the grid is that of the "
    "standing mask. A power ratio of 1 is that of noise.",
)
study.claim(
    "wang2021-mask-cycling-homogeneous",
    measured=intervals(
        lambda r, i: {
            "cycled_peak_ratio": picked(at_grid["moving"], r, i).mean(),
            "fixed_peak_ratio": picked(at_grid["standing"], r, i).mean(),
        }
    ),
    spread=spread,
    **common,
)

# %%
as_code = prior(
    transfer.examples(pairs["FMD-like"]), "the network of the public code", normalisation=None, layout="code"
)
starts["public code"] = lambda repeat: as_code.network
choices = {
    "as above": {},
    "grid of 3": {"options": replace(options, width=3)},
    "grid of 5": {"options": replace(options, width=5)},
    "filled by neighbours": {"options": replace(options, how="interpolate")},
    "single pass": {"inference": "single pass"},
    "a tenth of the learning rate": {"options": replace(options, learning_rate=retraining_rate / 10)},
    "no early stopping": {"options": replace(options, patience=None)},
    "public code's network": {"start": "public code"},
}
ablation = {
    name: bench.table(
        "microtubules",
        bench.runs("microtubules", middle, change.pop("start", "FMD-like"), beyond_repeats, **change),
    )
    for name, change in study.track(list(choices.items()), "choices")
}
study.publish_table(
    "transfer-choices",
    {
        "choice": list(ablation),
        **{METRICS[m]: [float(t.sel(metric=m).mean()) for t in ablation.values()] for m in METRICS},
    },
    caption=f"FMD-like start, microtubules, {photons(middle)}, {beyond_repeats} repeats: one choice exchanged at a time. "
    "The public code runs without normalisation, with residual blocks.",
)

# %% [markdown]
# **What this shows.** Which of the unstated choices the results hang on, and whether a grid that stands still leaves its trace.
#
# **What it does not.** Choices are exchanged one at a time, at one level. The power ratio also counts other error at the
# frequency of the grid: with the moving grid it need not be 1 either, and the errors on and off the grid are the plainer
# sign.

# %% [markdown]
# ## Beyond: other recipes within one budget
#
# **What we do.** Every recipe passes over each image equally often. They differ in which weights move, in how pixels are
# hidden, and in whether all images share a network or each has its own (*per image*, also called test-time training).

# %%
plans = list(product(transfer.RECIPES, transfer.KINDS, beyond_peaks))
recipe_runs = {
    (recipe, task, p): [bench.adapted(task, p, "FMD-like", r, recipe=recipe) for r in range(beyond_repeats)]
    for recipe, task, p in study.track(plans, "recipes")
}
decibels = {
    key: -10 * np.log10(bench.table(key[1], [run["restored"] for run in found]).sel(metric="mse").mean("image").values)
    for key, found in recipe_runs.items()
}
over_none = {key: values - decibels["none", *key[1:]] for key, values in decibels.items()}
study.publish_table(
    "transfer-recipes",
    {
        "recipe": list(transfer.RECIPES),
        "trained weights": [int(recipe_runs[r, "lysosomes", beyond_peaks[0]][0]["weights"]) for r in transfer.RECIPES],
        **{
            f"{task}, {photons(p)}: gain (dB)": [
                f"{over_none[r, task, p].mean():+.2f} ± {over_none[r, task, p].std(ddof=1):.2f}"
                for r in transfer.RECIPES
            ]
            for task, p in product(transfer.KINDS, beyond_peaks)
        },
        "seconds": [
            np.mean([run["seconds"] for key, found in recipe_runs.items() if key[0] == r for run in found])
            for r in transfer.RECIPES
        ],
    },
    caption="Change of the error against the pre-trained network as it came (FMD-like), mean ± standard deviation over "
    f"{beyond_repeats} repeats. Seconds on the machine that ran this.",
)

# %% [markdown]
# **What this shows.** What a few weights can do beside all of them, and that a recipe which gains in one case may lose in
# another.

# %% [markdown]
# ## Beyond: when adaptation harms
#
# **What we do.** Retrainings from both kinds of pre-training, at every level and repeat of this section, are one point
# each: what each truly changed (dB against the network as it came), and what could have been known without truth. Two
# cases are added that ought to harm: a network that was already trained on this very task, and noise that neighbours
# share (each row has an offset of its own), which breaks what Noise2Self rests on. The test without truth compares how
# well the two networks predict hidden pixels, each filled as suits it: by neighbours before retraining, by zeros after.


# %%
for task in transfer.KINDS:
    starts[f"task {task}"] = lambda repeat, task=task: domain[task, aperture].network
retries = range(beyond_repeats)
cases = {
    **{way: [(t, p, way, r) for t, p, r in product(transfer.KINDS, beyond_peaks, retries)] for way in ways},
    "the task itself": [(t, middle, f"task {t}", r) for t, r in product(transfer.KINDS, retries)],
    "rows share noise": [(t, beyond_peaks[-1], "FMD-like", r) for t, r in product(transfer.KINDS, retries)],
}
points = {
    name: np.array([bench.judged(*case, row_sd=0.15 if name.startswith("rows") else 0.0) for case in some])
    for name, some in study.track(list(cases.items()), "when adaptation harms")
}
everything = np.concatenate(list(points.values()))
right = np.mean((everything[:, 0] > 0) == (everything[:, 1] > 0))
figure, axis = plt.subplots(figsize=(5, 3.6))
for (name, values), marker in zip(points.items(), "os^D", strict=True):
    axis.plot(values[:, 1], values[:, 0], marker, label=name, alpha=0.8, markersize=5)
axis.axhline(0, color="0.6", linewidth=0.8)
axis.axvline(0, color="0.6", linewidth=0.8)
axis.set(xlabel="fall of the error at hidden pixels (%)", ylabel="true gain of retraining (dB)")
axis.legend(fontsize=7)
study.publish_figure(
    "transfer-harm",
    figure,
    alt="True gain of retraining against the fall of the error at hidden pixels, for four cases. Points below the "
    "horizontal line are harmed.",
    caption="Each point is one retraining. Below the line it did harm; left of the other line the test without truth "
    "advises against it.",
    data={
        f"{name}: {what}": values[:, column]
        for name, values in points.items()
        for column, what in enumerate(("gain_db", "risk_fall_percent"))
    },
)
harm = study.keep(
    "transfer_harm",
    right=100 * right,
    stripes=float(points["rows share noise"][:, 0].mean()),
    own=float(points["the task itself"][:, 0].mean()),
    harmed=100 * float(np.mean(everything[:, 0] < 0)),
    against=100 * float(np.mean(everything[:, 1] <= 0)),
    trusting=100 * float(np.mean(everything[:, 0] > 0)),
)
study.say(
    "{harmed:.0f} % of the retrainings did harm. A network of the task itself changed by {own:+.2f} dB, one under noise "
    "that rows share by {stripes:+.2f} dB. The test without truth advised against {against:.0f} % of them and was right "
    "in {right:.0f} % of the cases; to retrain always would have been right in {trusting:.0f} %.",
    harm,
)

# %% [markdown]
# **What this shows.** How often adaptation loses, by how much where it ought to, and whether that can be known without truth.
#
# **What it does not.** Under correlated noise the error at hidden pixels may fall *because* noise is predicted: no test
# of this kind can see that harm.

# %% [markdown]
# ## Beyond: when to stop
#
# **What we do.** Trainings that nobody stops, with the true error noted on the way. Afterwards each rule is applied to
# the same course: the held-out pixels with a patience of 8 looks, the training loss with the same patience, all steps,
# and the best that a reader of the truth could have done.


# %%
courses = {
    (start, p, r): bench.course("microtubules", p, start, r, steps=stopping_steps)
    for start, p, r in study.track(
        list(product((*ways, "none"), beyond_peaks, range(beyond_repeats))), "long trainings"
    )
}
rules = {
    "held-out pixels": lambda c: stopped(c["held_out"]),
    "training loss": lambda c: stopped(c["training"]),
    "all steps": lambda c: -1,
}
excess = {
    (rule, start): [100 * (c["true"][choose(c)] / c["true"].min() - 1) for (s, *_), c in courses.items() if s == start]
    for (rule, choose), start in product(rules.items(), (*ways, "none"))
}
study.publish_table(
    "transfer-stopping",
    {
        "rule": list(rules),
        **{f"{s}: error above the best (%)": [np.mean(excess[rule, s]) for rule in rules] for s in (*ways, "none")},
    },
    caption=f"Excess of the true error over the smallest on the way, mean over levels and repeats, {stopping_steps} "
    "steps at most.",
)
figure, axes = plt.subplots(1, len(beyond_peaks), figsize=(4.2 * len(beyond_peaks), 3), squeeze=False)
for axis, p in zip(axes[0], beyond_peaks, strict=True):
    for start, colour in zip((*ways, "none"), ("C0", "C1", "C2"), strict=True):
        c = courses[start, p, 0]
        axis.plot(c["looks"], c["true"], color=colour, label=start)
        axis.plot(c["looks"][stopped(c["held_out"])], c["true"][stopped(c["held_out"])], "o", color=colour)
    axis.set(yscale="log", xlabel="steps", ylabel="true MSE (peak = 1)", title=photons(p))
axes[0, 0].legend(fontsize=7)
study.publish_figure(
    "transfer-stopping-curves",
    figure,
    alt="True error along long trainings from three starts, with the step at which the held-out pixels say stop marked on each.",
    caption="One course of each start. Dots: where the rule of the held-out pixels stops.",
    data={
        f"{s}, {photons(p)}: {k}": courses[s, p, 0][k]
        for s, p, k in product((*ways, "none"), beyond_peaks, ("looks", "true"))
    },
)
late = [
    courses["none", p, r]["true"][-1] / courses["FMD-like", p, r]["true"][-1]
    for p, r in product(beyond_peaks, range(beyond_repeats))
]
looks_at = next(iter(courses.values()))["looks"]
quarter = len(looks_at) // 4
early = [
    c["true"][quarter] / courses["FMD-like", p, r]["true"][quarter] for (s, p, r), c in courses.items() if s == "none"
]
stop = study.keep(
    "transfer_stopping",
    rule=float(np.mean([excess["held-out pixels", s] for s in ways])),
    never=float(np.mean([excess["all steps", s] for s in ways])),
    early=float(np.median(early)),
    late=float(np.median(late)),
    quarter=int(looks_at[quarter]),
    steps=stopping_steps,
)
study.say(
    "After pre-training the held-out pixels stop on average {rule:.1f} % above the best error, all steps {never:.1f} % "
    "above it. The random start has {early:.2f} times the error of the FMD-like one after {quarter} steps and "
    "{late:.2f} times after {steps}. Where the second ratio is smaller, the difference was time; the second says little "
    "about knowledge where trainings that nobody stops over-fit (table).",
    stop,
)

# %% [markdown]
# **What this shows.** The error at held-out pixels differs from the true one by the variance of the noise alone, which no
# training changes; the table says how near to the best step that brings it. It costs one pass in every few steps and a
# sixteenth of the pixels.
#
# **What it does not.** It trusts that noise is independent from pixel to pixel. With few held-out pixels it is itself
# noisy, and patience has to be longer than that noise.

# %% [markdown]
# ## Exercises
#
# 1. Is the output at a pixel really independent of that pixel? Change one pixel by ten standard deviations and look, for
#    both ways to restore.
# 2. Networks retrained on microtubules restore the ruler of Fig. 4, which none of them was trained on. Which start is
#    best for it? Predict first.

# %% tags=["solution"]
seen = bench.noisy("microtubules", middle, 0)[0]
moved = seen.copy()
moved[20, 21] += 10 * seen.std()
made = transfer.retrain(copy.deepcopy(priors["lines"].network), [seen], options).network
for way in ("j-invariant", "single pass"):
    change = (
        transfer.restore(made, [moved], options, inference=way)[0]
        - transfer.restore(made, [seen], options, inference=way)[0]
    )
    print(
        f"{way}: {change[20, 21]:+.4f} at the pixel, {np.abs(change).max():.4f} at most (the scale of the image moves as well)"
    )

# %% tags=["solution"]
for way in (*ways, "none"):
    error = np.mean([mse(bench.ruler, bench.adapted("microtubules", middle, way, r)["ruler"]) for r in range(repeats)])
    print(f"{way}: MSE of the ruler {error:.5f}")

# %% [markdown]
# ## Provenance

# %%
study.end()
