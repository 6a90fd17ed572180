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
# # Twenty-one methods, one table, and what a PSNR is worth
#
# Three networks, each trained with seven losses, remove the artefacts of MUSICAL images: which one does it best, and how
# would we know? This notebook takes the restorers that [11_train_artefact_removal](11_train_artefact_removal.ipynb) has
# trained, applies them to test pairs that none of them has seen, and regenerates Table 1 and Figs. 3 to 6 of [jadhav2021].
# Beside the source's numbers stand those of the untreated image, of four classical filters and of an image that is black
# all over. Every output is also measured against the emitters it should show. As a lesson it takes a few minutes, most of them
# for frames that are denoised one by one.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
trained: str = "class"  # name of the data set (data/pairs) and of the restorers trained on it (data/restorers)
precision: str = "auto"  # in which the networks compute: "bf16", "float32", or "auto", the quicker one
filters: list[str] = ["Gaussian", "NLM", "BayesShrink", "BM3D"]  # classical baselines on the finished image
loss_seeds: list[int] = [1, 2]  # further seeds of the random VGG-16 in the figure of losses
levels: int = 6  # steps of each damage in the figure of losses
loss_px: int = 256  # edge of the image in the figure of losses, px
frame_denoisers: list[str] = ["BM3D", "Noise2Void"]  # of raw frames, before MUSICAL
route_pairs: int = 2  # mitochondria test pairs whose frames are denoised before MUSICAL
n2v_steps: int = 80  # training steps of Noise2Void on the frames of one stack
bm3d_profile: str = "fast"  # of BM3D on frames; "normal" is slower and better
vesicle_field_um: float = 5.0  # field of the vesicle example, µm; 5 is the sample of Fig. 1
vesicle_frames: int = 200  # its raw frames

# %%
from collections import defaultdict
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr
from IPython.display import display
from matplotlib.colors import Normalize
from scipy.ndimage import gaussian_filter
from scipy.optimize import isotonic_regression
from scipy.stats import binomtest, chi2, rankdata

from nbsupport import study
from nbsupport.assess import statistics
from nbsupport.assess.benchmark import (
    LOWER_IS_BETTER,
    MEASURES,
    PSNR,
    Judge,
    Table,
    interval,
    lines,
    runs_in,
    scores,
    together,
)
from nbsupport.codebase import code_sha256
from nbsupport.restore import baselines, losses, networks, pairs
from nbsupport.restore.denoisers import Camera, Examples, denoiser
from nbsupport.simulate.recording import record
from nbsupport.simulate.structures import vesicles
from nbsupport.study import layout

study.begin("12_methods_table", globals())
NETWORKS, LOSSES = ("U-Net R-34", "U-Net R-50", "FPN R-34"), losses.TABLE
BASE = [f"{network} + {loss}" for network in NETWORKS for loss in LOSSES]
M1, M2, M3 = (f"U-Net R-50 + {loss}" for loss in ("VGG", "SSIM+L1", "L1"))
UNTREATED, BLACK = "untreated", "all-zero image"
short = {M1: "M-1", M2: "M-2", M3: "M-3"}
rng = study.streams(seed, "bootstrap", "damage", "noise2void", "intervals of claims")
data, bench = layout.DATA / "pairs" / trained, layout.DATA / "benchmark" / trained
runs = runs_in(layout.DATA / "restorers" / trained)
judges = [Judge(pair) for structure in pairs.STRUCTURES for pair in pairs.load(data, structure, "test")]

# %% [markdown]
# ## The networks
#
# **The source says** ([jadhav2021], section 2.3, Fig. 3): a U-Net and a feature pyramid network (FPN), each on a residual
# encoder with 34 or 50 layers, closed by a ReLU and a division by the maximum of the image. Widths, normalisation layers and
# pre-training are not stated.
#
# **What we do.** The public implementation that fits the description. The drawing below is no sketch: boxes and arrows are
# found by following one image through the modules.


# %%
def depth_of(stages):
    """Column of every stage: one more than that of the last stage that feeds it."""
    column = {}
    for stage in stages:
        column[stage.name] = 1 + max((column[name] for name in stage.inputs), default=-1)
    return column


drawn = {name: networks.artefact_remover(*name.rsplit(" ", 1)) for name in ("U-Net R-50", "FPN R-34")}
parts = {name: networks.stages(network, (1, 256, 256)) for name, network in drawn.items()}
figure, axes = plt.subplots(2, 1, figsize=(9.2, 7.4))
for axis, (name, stages) in zip(axes, parts.items(), strict=True):
    column, height = depth_of(stages), {stage.name: np.log2(stage.works_at[0]) for stage in stages}
    for stage in stages:
        x, y = column[stage.name], height[stage.name]
        kind = stage.name.split()[0]
        colour = {"encoder": "C0", "decoder": "C1", "lateral": "C2", "branch": "C1"}.get(kind, "C6")
        label = f"{stage.name}\n{stage.shape[0]} × {stage.shape[1]}²\n{stage.parameters:,}"
        axis.text(x, y, label, ha="center", va="center", fontsize=6.5, bbox={"fc": "white", "ec": colour, "pad": 2.5})
        for source in stage.inputs:
            ends = {"xy": (x, y), "xytext": (column[source], height[source])}
            arrow = {"arrowstyle": "-|>", "shrinkA": 17, "shrinkB": 17, "color": "0.45", "linewidth": 0.9}
            axis.annotate("", **ends, arrowprops=arrow, zorder=0)
    last = max(column.values())
    axis.text(last + 0.85, height["head"], "ReLU\n÷ maximum", ha="center", va="center", fontsize=7)
    axis.set(
        xlim=(-0.6, last + 1.3), ylim=(2.5, 8.6), title=f"{name}: {sum(s.parameters for s in stages):,} parameters"
    )
    axis.set(xticks=[], yticks=range(3, 9), yticklabels=[f"1/{2 ** (8 - k)}" if k < 8 else "1" for k in range(3, 9)])
    axis.set_ylabel("scale at which a stage works")
    axis.spines["bottom"].set_visible(False)
rows = [(name, stage) for name, stages in parts.items() for stage in stages]
study.publish_figure(
    "jadhav2021-fig-3",
    figure,
    alt="Two networks as boxes over the scale at which they work. The U-Net goes down five encoder stages and up five "
    "decoder stages, four of them fed by the encoder stage of the same scale as well. The pyramid goes down the same "
    "way, up four lateral stages, and merges one branch from each. Both end in ReLU and division by the maximum.",
    caption="The two families, drawn from the modules that a 256 × 256 image passes: output channels × edge² and trained "
    "numbers of every stage. The encoders R-34 and R-50 are interchangeable.",
    data={
        "network": [name for name, _ in rows],
        "stage": [stage.name for _, stage in rows],
        "channels": [stage.shape[0] for _, stage in rows],
        "edge_px": [stage.shape[1] for _, stage in rows],
        "parameters": [stage.parameters for _, stage in rows],
        "inputs": [", ".join(stage.inputs) for _, stage in rows],
    },
)

# %% [markdown]
# ## Seven losses
#
# **The source says** (section 2.3, equations 1 to 6): L1, L2, 1 − SSIM, 1 − MS-SSIM with all exponents 1 (both similarities
# cut off at 0 by a ReLU), the perceptual loss between activations of layers 4, 9, 16 and 23 of VGG-16, and two sums,
# $(1-\beta)L_i + \beta L_j$ with β = 0.6 for "MS-SSIM and L1" and β = 0.4 for "SSIM and L1".
#
# **What we do.** We read L1 as $L_j$, in the order in which the sums are named; layers are counted from 1, which makes them
# the ReLUs relu1_2 to relu4_3. ImageNet's weights cannot be had everywhere, so the loss named VGG below uses a *random*
# VGG-16 with balanced layers, unless a name says otherwise. One noise-free image of actin is damaged in three ways: specks
# of debris, blur, and a wrong scale of intensity.

# %%
judge = next(j for j in judges if j.pair.structure == "actin")
peak = np.unravel_index(judge.pair.clean.argmax(), judge.pair.clean.shape)
edge = min(loss_px, *judge.pair.clean.shape)
corner = [int(np.clip(p - edge // 2, 0, n - edge)) for p, n in zip(peak, judge.pair.clean.shape, strict=True)]
example = judge.pair.clean[corner[0] : corner[0] + edge, corner[1] : corner[1] + edge].astype(float)
example = example / example.max()
specks = gaussian_filter((rng.damage.random(example.shape) < 0.002).astype(float), 2.0)
strength = np.linspace(0, 1, levels + 1)[1:]
DAMAGE = {
    "debris": lambda s: np.clip(example + s * specks / specks.max(), 0, 1),
    "blur": lambda s: gaussian_filter(example, 8 * s),
    "intensity scale": lambda s: example * (1 - 0.8 * s),
}
measured_by = {name: losses.loss(name) for name in LOSSES}
measured_by |= {f"VGG, random seed {s}": losses.loss("VGG", seed=s) for s in loss_seeds}
measured_by["VGG, max-pool reading"] = losses.loss("VGG", reading="max-pool")


def value(loss, image):
    """Loss of a damaged image against the example."""
    restored, target = (torch.from_numpy(x)[None, None] for x in (image, example))
    return loss(restored, target).item()


response = {
    (name, kind): np.array([value(loss, damage(s)) for s in strength])
    for name, loss in study.track(list(measured_by.items()), "damaging an image")
    for kind, damage in DAMAGE.items()
}

# %%
figure, axes = plt.subplots(1, 3, figsize=(9.4, 3.3), sharey=True)
for axis, kind in zip(axes, DAMAGE, strict=True):
    for number, name in enumerate(measured_by):
        curve = response[name, kind]
        extra = name not in LOSSES
        style = (
            {"color": "0.6", "linewidth": 0.8, "zorder": 0} if extra else {"marker": "osD^v<>"[number], "markersize": 3}
        )
        axis.plot([0, *strength], [0, *(curve / curve[-1])], label="VGG, other readings" if extra else name, **style)
    axis.set(xlabel="strength of the damage", title=kind)
axes[0].set_ylabel("loss / loss at strength 1")
handles, labels = axes[0].get_legend_handles_labels()
few = len(LOSSES) + 1
figure.legend(handles[:few], labels[:few], loc="outside right upper")
study.publish_figure(
    "jadhav2021-eq-losses",
    figure,
    alt="Seven losses against the strength of debris, blur and a wrong intensity scale, each divided by its value at the "
    "strongest damage. Under debris L2 bends upwards and the structural losses rise steeply and level off; under a wrong scale "
    "the structural losses bend upwards instead.",
    caption="Equations 1 to 6 as curves: response of the seven losses to graded damage of one noise-free MUSICAL image "
    f"({edge} px), divided by the response at strength 1. Grey: the perceptual loss with {len(loss_seeds)} other random "
    "VGG-16 and with layers counted from 0.",
    data={"strength": strength} | {f"{name} | {kind}": curve for (name, kind), curve in response.items()},
)

# %%
study.publish_table(
    "methods-losses",
    {
        "loss": list(measured_by),
        "what is computed": [loss.description for loss in measured_by.values()],
        **{f"{kind}, strength 1": [response[name, kind][-1] for name in measured_by] for kind in DAMAGE},
    },
    caption="The losses in words, and their values at the strongest damage.",
)

# %% [markdown]
# **What this shows.** The losses disagree about what is bad. Squared errors forgive faint specks; to SSIM a faint speck already
# costs a good part of what a bright one does, because on a black background it changes the local structure; MS-SSIM rises
# later and then levels off as well. A dimmed image, on the other hand, offends L1 and VGG at once, L2 and the structural
# losses late.
#
# **What it does not.** How a loss *sees* damage is not how a network trained with it behaves.

# %% [markdown]
# ## The bench
#
# Every restorer gets every test pair: the noisy image goes in, and what comes out is divided by its maximum, as the source
# does, and measured. Besides the trained ones there are four classical filters, whose strength is chosen on training pairs,
# the untreated image, and an image that is black all over. Intervals come from a bootstrap over test images. Places, and
# counts of what holds, are worked out again from every draw; where a count rests on intervals of its own, each draw takes
# mean ± 1.96 standard errors for them. The networks stay as they were trained: what another training would give, such an
# interval does not say. With two test pairs of a structure, as in the size of a lesson, it is no more than the range of the
# two: verdicts of that size show how a rule works, and little of the methods.

# %%
scored = {f"{run.method}, seed {run.seed}": (run.method, run) for run in runs}
table = {}
for label, (_, run) in study.track(list(scored.items()), "restoring the test pairs"):
    table[label] = run.scores(judges, precision=precision)
training = [pair for structure in pairs.STRUCTURES for pair in pairs.load(data, structure, "train")]
chosen = {name: baselines.chosen(name, [p.noisy for p in training], [p.clean for p in training]) for name in filters}
simple = {UNTREATED: lambda j: j.pair.noisy, BLACK: lambda j: 0 * j.pair.noisy}
simple |= {f"{name} filter": lambda j, filter=f: filter(j.pair.noisy) for name, f in chosen.items()}
code = code_sha256(layout.NOTEBOOKS / "12_methods_table.py")
stamp = {f"{name} filter": f"{f!r} {code}" for name, f in chosen.items()}
for label, restore in study.track(list(simple.items()), "classical filters"):
    file = bench / f"{label.replace(' ', '-')}.json"
    table[label] = scores(restore, judges, cache=file, identity=stamp.get(label, label))
methods = [scored[label][0] if label in scored else label for label in table]
everything = together(table).assign_coords(method=("run", methods))
everything = everything.assign(debris_halo=everything.debris + everything.halo)
result = Table(everything)


# %%
def judged(claim, needs, measure, **said):
    """Record a claim, or why the restorers of this size cannot test it."""
    absent = [name for name in needs if name not in result.methods]
    measured = {} if absent else {key: tuple(map(float, np.atleast_1d(v))) for key, v in measure().items()}
    if absent:
        return study.claim(
            claim, not_testable=f"not trained at this size: {', '.join(absent)}; the desk size trains them"
        )
    if unknown := [key for key, v in measured.items() if not np.isfinite(v).all()]:
        if set(unknown) <= {"seed_sd_db", "cells_vgg_within_sd"}:
            return study.claim(
                claim, not_testable="no method has several seeds at this size; a size with several seeds measures it"
            )
        why = "no test pair has such structure, or an output is black on all that have"
        return study.claim(claim, not_testable=f"not measured: {', '.join(unknown)}; {why}")
    if all(len(v) == 1 for v in measured.values()):
        said["spread"] = "no interval: a single test image of a structure"
    return study.claim(claim, measured=measured, **said)


def titled(measure):
    """Name of a measure as the heading of a column."""
    return {PSNR: "PSNR (dB)", "ssim": "SSIM", "pearson": "Pearson"}.get(measure, measure.replace("_", " "))


def gain(first, second, measure=PSNR, structure=None):
    """Mean over images of one method minus another, with its interval."""
    return result.difference(first, second, measure, structure, rng=rng.bootstrap)


seeds = {name: len(result.values(name)) for name in result.methods}
study.publish_table(
    "methods-runs",
    {
        "method": [run.method for run in runs],
        "seed": [run.seed for run in runs],
        "loss": [run.card.training.get("loss_description", run.loss) for run in runs],
        "steps": [run.card.training.get("steps") for run in runs],
        "failed in validation": [{None: "unknown", True: "yes", False: "no"}[run.failed] for run in runs],
        "PSNR (dB)": [float(everything[PSNR].sel(run=label).mean()) for label in scored],
        "weights, sha256": [run.card.weights_sha256[:12] for run in runs],
    },
    caption="Every trained restorer on the bench, with its loss in full words and its mean PSNR over all test pairs.",
)
rest = "one of most others" if any(n > 1 for m, n in seeds.items() if m not in short) else "one of every other"
several = f"Seeds: {seeds.get(M1, 0)} of M-1, {seeds.get(M2, 0)} of M-2, {seeds.get(M3, 0)} of M-3, {rest}"
paired = "paired bootstrap over test images, 95 %"
images = {structure: int((everything.structure == structure).sum()) for structure in pairs.STRUCTURES}
total = sum(images.values())

# %%
over_seeds = everything.groupby("method").mean().sel({"method": result.methods}).transpose("method", "pair")
# scores (method, image)
by_image = {
    (measure, s): over_seeds[measure].values[:, everything.structure.values == s]
    for measure in over_seeds.data_vars
    for s in pairs.STRUCTURES
}
position = {method: k for k, method in enumerate(result.methods)}
WHOLE = {s: np.arange(n) for s, n in images.items()}  # every test image once
within = "bootstrap over test images within structures, 95 %"
roughly = f"{within}; in each draw, mean ± 1.96 standard errors decides what counts"


def over_pairs(statistic):
    """Numbers that a function works out from drawn test images, indices by structure, with their intervals.

    Without intervals where a structure has a single image, or where a number is not known.
    """
    whole = statistic(WHOLE)
    if min(images.values()) < 2 or not np.isfinite(list(whole.values())).all():
        return whole
    drawn = statistics.resampled(
        lambda *indices: statistic(dict(zip(images, indices, strict=True))),
        *images.values(),
        rng=rng["intervals of claims"],
    )
    return {key: (v, min(v, drawn[key].low), max(v, drawn[key].high)) for key, v in whole.items()}


def psnr_on(drawn):
    """Mean PSNR of every method on drawn test images, by structure."""
    return {s: dict(zip(position, by_image[PSNR, s][:, drawn[s]].mean(axis=1), strict=True)) for s in images}


def exceeds(drawn, first, second, measure=PSNR, structure=None):
    """Whether the mean of one method lies above that of another, with an interval that excludes 0.

    For all images it is the interval of `gain`; in a draw, mean ± 1.96 standard errors.
    """
    if drawn is WHOLE:
        return gain(first, second, measure, structure).low > 0
    of = images if structure is None else [structure]
    tables = [by_image[measure, s][:, drawn[s]] for s in of]
    change = np.concatenate([values[position[first]] - values[position[second]] for values in tables])
    change = change[np.isfinite(change)]
    return change.size > 0 and change.mean() > 1.96 * change.std() / np.sqrt(change.size)


# %% [markdown]
# ## Did they learn?
#
# **What we do.** The learning curve of every run, as it was kept by [notebook 11](11_train_artefact_removal.ipynb):
# validation loss over that of a black image, since losses have different units. Below 1 a network knows more than that
# everything is dark. Runs that depart from the 21 methods are in the table of runs above.

# %%
usual = {label: run for label, (method, run) in scored.items() if "(" not in method}
curves = {label: (run.network, run.loss, kept) for label, run in usual.items() if (kept := run.learning())}
drawn_networks = list(dict.fromkeys([*NETWORKS, *(network for network, _, _ in curves.values())]))
figure, axes = plt.subplots(1, len(drawn_networks), figsize=(3 * len(drawn_networks) + 0.4, 3.2), sharey=True)
drawn_curves = {}
for label, (network, loss, kept) in curves.items():
    done = [(step, value) for step, value in zip(kept["steps"], kept["validation"], strict=True) if value is not None]
    if done:
        step, value = np.array(done).T
        colour = f"C{LOSSES.index(loss)}" if loss in LOSSES else "0.5"
        axes[drawn_networks.index(network)].plot(step, value / kept["black"], color=colour, linewidth=1, label=loss)
        drawn_curves |= {f"{label} | step": step, f"{label} | over black": value / kept["black"]}
for axis, network in zip(axes, drawn_networks, strict=True):
    axis.axhline(1, color="black", linewidth=0.8, linestyle=":", label="black image")
    axis.set(title=network, xlabel="training step", yscale="log")
axes[0].set_ylabel("validation loss / loss of a black image")
entries = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
figure.legend(entries.values(), entries.keys(), loc="outside right upper")
study.publish_figure(
    "methods-learning-curves",
    figure,
    alt="Validation loss over the loss of a black image against training step, one line per run, one panel per network.",
    caption=f"Learning curves of {len(curves)} runs, coloured by loss.",
    data=drawn_curves or {"step": [0]},
)

# %% [markdown]
# ## Table 1
#
# **The source says** (section 3.1, Table 1): the 21 methods reach 35.28 to 40.36 dB; best are FPN R-34 + L2 on actin and
# U-Net R-50 + VGG on vesicles and mitochondria. The PSNR is that of images divided by their maxima; no spread is printed,
# and no value for the untreated image.

# %%
published = np.genfromtxt(
    layout.PARAMS / "jadhav2021-table-1.csv", delimiter=",", dtype=None, names=True, encoding="utf-8", deletechars=""
)
theirs = xr.DataArray(
    [[row[name] for row in published if row["network"] == network] for network in NETWORKS for name in LOSSES],
    {"restorer": BASE, "structure": [row["structure"] for row in published if row["network"] == NETWORKS[0]]},
    ("restorer", "structure"),
).sel(structure=list(pairs.STRUCTURES))
here = [name for name in BASE if name in result.methods]
ours = result.means(PSNR, here)


def cell(method, structure):
    """Mean ± standard deviation over images, bold where it is the best of its structure."""
    values = np.nanmean(result.values(method, PSNR, structure), axis=0)
    text = f"{values.mean():.2f} ± {values.std(ddof=1) if len(values) > 1 else 0:.2f}"
    text = (
        f"**{text}**"
        if method in BASE and method == ours.restorer.values[int(ours.sel(structure=structure).values.argmax())]
        else text
    )
    return f"<u>{text}</u>" if method in short else text


extra = [name for name in result.methods if name not in BASE]
columns = defaultdict(list)
for structure in pairs.STRUCTURES:
    for network in NETWORKS:
        row = {loss: f"{network} + {loss}" for loss in LOSSES}
        for heading, entry in (("structure", structure), ("network", network), ("no loss", "")):
            columns[heading].append(entry)
        for loss, method in row.items():
            source = float(theirs.sel(restorer=method, structure=structure))
            columns[loss].append(f"{cell(method, structure) if method in here else '—'} ({source:.2f})")
        there = [method for method in row.values() if method in here]
        columns["best loss"].append(
            max(there, key=lambda m: ours.sel(restorer=m, structure=structure)).split(" + ")[1] if there else "—"
        )
    for method in (UNTREATED, BLACK, *(f"{name} filter" for name in filters)):
        for heading, entry in (("structure", structure), ("network", method), ("no loss", cell(method, structure))):
            columns[heading].append(entry)
        for heading in (*LOSSES, "best loss"):
            columns[heading].append("")
study.publish_table(
    "jadhav2021-table-1",
    columns,
    caption="PSNR in dB (images divided by their maxima, range 1): mean ± standard deviation over "
    f"{', '.join(f'{n} {s}' for s, n in images.items())} test pairs, and in brackets the value that the source prints. "
    f"Bold: the best of a structure; underlined: M-1 (VGG), M-2 (SSIM+L1) and M-3 (L1). {several}; "
    f"{measured_by['VGG'].description}.",
)

# %%
bare = result.means(PSNR, [UNTREATED, BLACK])
zero = study.keep(
    "methods_black_image",
    **{f"{s}_black": float(bare.sel(restorer=BLACK, structure=s)) for s in pairs.STRUCTURES},
    **{f"{s}_untreated": float(bare.sel(restorer=UNTREATED, structure=s)) for s in pairs.STRUCTURES},
    beaten=int((ours.mean("structure") < float(bare.sel(restorer=BLACK).mean())).sum()),
    methods=len(here),
)
study.say(
    "**The black image.** An image without any light scores **{actin_black:.1f}, {vesicles_black:.1f} and "
    "{mitochondria_black:.1f} dB** on actin, vesicles and mitochondria; the untreated image scores "
    "{actin_untreated:.1f}, {vesicles_untreated:.1f} and {mitochondria_untreated:.1f} dB. Of {methods} trained methods, "
    "{beaten} score below the black image on the mean of the three structures. A noise-free MUSICAL image divided by "
    "its maximum is mostly dark: the bright structure fills a small share of the pixels, and most of the others lie "
    "below a hundredth. So a PSNR without that of the black image, which the source does not print, cannot show how "
    "much was restored, and a gain over the untreated image may be nothing but darkness.",
    zero,
)

# %% [markdown]
# ### Do the two tables agree?

# %%
agreement = {
    structure: statistics.rank_agreement(
        ours.sel(structure=structure), theirs.sel(restorer=here, structure=structure), rng=rng.bootstrap
    )
    for structure in pairs.STRUCTURES
}
figure, axes = plt.subplots(1, 3, figsize=(9.2, 3.3))
for axis, structure in zip(axes, pairs.STRUCTURES, strict=True):
    for number, network in enumerate(NETWORKS):
        of = [name for name in here if name.startswith(network)]
        axis.plot(
            theirs.sel(restorer=of, structure=structure),
            ours.sel(restorer=of, structure=structure),
            "os^"[number],
            label=network,
        )
    for name, line in ((UNTREATED, "--"), (BLACK, ":")):
        axis.axhline(
            float(bare.sel(restorer=name, structure=structure)),
            color="black",
            linewidth=0.8,
            linestyle=line,
            label=name,
        )
    tau = agreement[structure]
    axis.set(
        title=f"{structure}\nτ = {tau.value:.2f} [{tau.low:.2f}, {tau.high:.2f}]", xlabel="PSNR in the source (dB)"
    )
axes[0].set_ylabel("PSNR here (dB)")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
study.publish_figure(
    "methods-table-agreement",
    figure,
    alt="PSNR of 21 methods here against the value printed in the source, for three structures, with lines for the untreated "
    "image and for a black image.",
    caption="PSNR of the 21 methods against the printed table, and Kendall's τ with its 95 % bootstrap interval over methods.",
    data={
        "method": np.repeat(here, 3),
        "structure": np.tile(pairs.STRUCTURES, len(here)),
        "here_db": ours.values.ravel(),
        "source_db": theirs.sel(restorer=here).values.ravel(),
    },
)


# %%
def offsets(drawn):
    """How near the PSNR on drawn test images comes to the source's."""
    means = psnr_on(drawn)
    offset = np.array([[means[s][m] for s in images] for m in BASE]) - theirs.values
    of_structure = abs(offset.mean(axis=0))
    return {
        "methods_within_3_db": (abs(offset.mean(axis=1)) <= 3).sum(),
        "structures_within_2_db": (of_structure <= 2).sum(),
        "worst_structure_offset_db": of_structure.max(),
    }


def table_against_source():
    """Quantities of the claim on the range of PSNR."""
    same = statistics.rank_agreement(
        ours.values.ravel(), theirs.sel(restorer=here).values.ravel(), coefficient="spearman", rng=rng.bootstrap
    )
    return over_pairs(offsets) | {"rank_correlation": same}


judged(
    "jadhav2021-psnr-range", BASE, table_against_source, n=total, spread=f"{within}; rank_correlation: over 63 cells"
)

# %% [markdown]
# **What this shows.** How far the numbers of a table can be carried from one simulation to another: PSNR with range 1 depends
# on how sparse the targets are, before any network enters.
#
# **What it does not.** The source trained on 2250 pairs for 60 epochs; the steps of these restorers are in the table of runs.
# Ranks of methods that lie within the spread between seeds mean nothing.

# %% [markdown]
# ## Which method leads?
#
# Places go by the PSNR averaged over images and, where there are several, seeds.


# %%
def place(method, means, among=BASE):
    """Place of a method by its mean PSNR, among the 21 if no others are named: 1 is best, equals share."""
    above = sum(means[other] > means[method] for other in among)
    equal = sum(means[other] == means[method] for other in among)
    return above + (equal + 1) / 2


def place_of_losses(network, loss, means):
    """Place of one loss among the seven of a network."""
    return place(f"{network} + {loss}", means, [f"{network} + {other}" for other in LOSSES])


def places_of_m1(drawn):
    """Place of M-1 on each structure."""
    return {f"rank_{structure}": place(M1, means) for structure, means in psnr_on(drawn).items()}


judged("jadhav2021-unet-r50-vgg-top", BASE, lambda: over_pairs(places_of_m1), n=total, spread=within)

# %%
FPN_L2 = "FPN R-34 + L2"
own_sd = result.seed_sd(FPN_L2, PSNR, "actin") if FPN_L2 in here else np.nan
pooled_sd = result.pooled_seed_sd(PSNR, "actin")
between_seeds = own_sd if np.isfinite(own_sd) else pooled_sd
freedom = seeds[FPN_L2] - 1 if np.isfinite(own_sd) else sum(seeds.values()) - len(seeds)


def fpn_on_actin(drawn):
    """Place of FPN R-34 + L2 on actin, and how far it trails the best method."""
    means = psnr_on(drawn)["actin"]
    return {"rank_actin": place(FPN_L2, means), "gap_to_best_db": max(means[m] for m in BASE) - means[FPN_L2]}


seed_range = between_seeds * np.sqrt(freedom / chi2.ppf([0.975, 0.025], freedom))
judged(
    "jadhav2021-fpn-l2-top-actin",
    BASE,
    lambda: over_pairs(fpn_on_actin) | {"seed_sd_db": (between_seeds, *seed_range)},
    n=images["actin"],
    spread=f"{within}; seed_sd_db: chi-square, {freedom} degrees of freedom",
    stand_in=None if np.isfinite(own_sd) else "spread between seeds pooled over the methods that have several",
)


# %%
def l2_in_fpn(drawn):
    """Structures on which L2 is the first of the FPN's losses."""
    places = [place_of_losses("FPN R-34", "L2", means) for means in psnr_on(drawn).values()]
    return {"structures_l2_best": sum(p == 1 for p in places)}


judged(
    "jadhav2021-fpn-prefers-l2",
    BASE,
    lambda: over_pairs(l2_in_fpn),
    n=total,
    spread=within,
)

# %%
NO_IMAGENET = "a random VGG-16 with balanced layers in place of ImageNet's weights"


def vgg_in_unets(drawn):
    """Cells in which VGG leads a U-Net, and those in which it trails by no more than the spread between seeds."""
    means = psnr_on(drawn)
    cells = [(network, structure) for network in NETWORKS[:2] for structure in pairs.STRUCTURES]
    behind = [max(means[s][f"{n} + {loss}"] for loss in LOSSES) - means[s][f"{n} + VGG"] for n, s in cells]
    leads = sum(place_of_losses(n, "VGG", means[s]) == 1 for n, s in cells)
    near = sum(gap <= spread_of[s] for gap, (_, s) in zip(behind, cells, strict=True))
    if not spread_known:  # two cells in the lead decide the claim whatever the spread; fewer leave it open
        near = leads if leads >= 2 or drawn is not WHOLE else np.nan
    return {"cells_vgg_best": leads, "cells_vgg_within_sd": near}


spread_of = {structure: result.pooled_seed_sd(PSNR, structure) for structure in pairs.STRUCTURES}
spread_known = np.isfinite(list(spread_of.values())).all()
least = "" if spread_known else "; as no method has several seeds, cells_vgg_within_sd counts only cells that VGG leads"
judged(
    "jadhav2021-unet-prefers-vgg",
    BASE,
    lambda: over_pairs(vgg_in_unets),
    n=total,
    spread=f"{within}; the spread between seeds is held",
    stand_in=NO_IMAGENET + least,
)


# %%
def vgg_in_fpn(drawn):
    """Structures on which VGG is last, or last but one, of the FPN's losses."""
    places = [place_of_losses("FPN R-34", "VGG", means) for means in psnr_on(drawn).values()]
    return {
        "structures_vgg_last": sum(p == 7 for p in places),
        "structures_vgg_bottom_two": sum(p >= 6 for p in places),
    }


judged(
    "jadhav2021-fpn-vgg-lowest",
    BASE,
    lambda: over_pairs(vgg_in_fpn),
    n=total,
    spread=within,
    stand_in=NO_IMAGENET,
)

# %% [markdown]
# ### Sums of losses
#
# **The source says** (section 2.3): β was found by trial; the table has SSIM+L1 above both its parts for U-Net R-50.
#
# **What we do.** The parts are the ends of the sweep: β = 0 is SSIM alone, β = 1 is L1 alone. Between them lie only the points of
# the figure, so its maximum is a coarse one.

# %%
SUM = "U-Net R-50 + SSIM+L1"
sweep = {0.0: "U-Net R-50 + SSIM", 0.4: SUM, 1.0: M3}
sweep |= {
    float(n.split("beta ")[1].rstrip(")")): n for n in result.methods if n.startswith(f"{SUM} (beta ") and "," not in n
}
sweep = {beta: name for beta, name in sorted(sweep.items()) if name in result.methods}
curve = result.means(PSNR, list(sweep.values()))
figure, axes = plt.subplots(figsize=(6.2, 3.0))
for structure in pairs.STRUCTURES:
    axes.plot(list(sweep), curve.sel(structure=structure), "o-", label=structure)
axes.plot(list(sweep), curve.mean("structure"), "k--", label="mean")
axes.set(xlabel="β: weight of L1 in SSIM+L1", ylabel="PSNR (dB)")
axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
study.publish_figure(
    "methods-beta-sweep",
    figure,
    alt="PSNR of U-Net R-50 trained with SSIM plus L1 against the weight of L1, for three structures and their mean.",
    caption="PSNR on the test pairs against β for U-Net R-50 with (1 - β) SSIM + β L1.",
    data={"beta": list(sweep)} | {s: curve.sel(structure=s).values for s in pairs.STRUCTURES},
)


# %%
def sums(drawn):
    """Structures on which the sum beats both parts, and the best β of the sweep."""
    both = [all([exceeds(drawn, SUM, part, PSNR, s) for part in ("U-Net R-50 + SSIM", M3)]) for s in pairs.STRUCTURES]
    means = psnr_on(drawn).values()
    best = max(sweep, key=lambda beta: np.mean([of_structure[sweep[beta]] for of_structure in means]))
    return {"structures_sum_better": sum(both), "optimum_beta": best}


judged("jadhav2021-combination-helps-r50", BASE, lambda: over_pairs(sums), n=total, spread=roughly)

# %% [markdown]
# ### What is in the perceptual loss?
#
# **The source says** (section 4): the perceptual loss may work well because it looks at features of several depths together. Its
# weights are not named; ImageNet's are usual.
#
# **What we do.** The joint loss of four layers stands beside single layers or other weights, where this size has trained
# any. No run has ImageNet's weights, so the claim, where it can be judged, is one about a random VGG-16.

# %%
perceptual = [name for name in result.methods if name.startswith(M1)]
if perceptual:
    study.publish_table(
        "methods-vgg",
        {
            "method": perceptual,
            "loss": [
                next(r.card.training["loss_description"] for r in runs if r.method == name) for name in perceptual
            ],
            "runs": [seeds[name] for name in perceptual],
            **{
                titled(m): [float(result.means(m, [n]).mean()) for n in perceptual]
                for m in (PSNR, "ssim", "structure_score")
            },
        },
        caption="U-Net R-50 under the perceptual loss: weights, readings and single layers, means over the structures.",
    )

# %%
SINGLE = [f"{M1} (layers {layer})" for layer in losses.LAYERS]


def layers_beaten(drawn):
    """Single layers that the joint perceptual loss beats in PSNR and in SSIM."""
    return {"layers_beaten": sum(all([exceeds(drawn, M1, one, m) for m in (PSNR, "ssim")]) for one in SINGLE)}


judged(
    "jadhav2021-vgg-multidepth",
    [M1, *SINGLE],
    lambda: over_pairs(layers_beaten),
    n=total,
    spread=roughly,
    stand_in=NO_IMAGENET,
)

# %% [markdown]
# ### What does not train
#
# **The source says** (section 2.3): FPN with R-50 often did not converge; and without division by the maximum the task is
# ill-defined, since the range of MUSICAL's values is far from that of the number format and hard to learn.
#
# **What we do.** A run has failed when its outputs are constant or not finite on most validation images, or when their PSNR lies
# below that of the untreated images. The network without the division is held against M-3 on the test pairs, where there is one.


# %%
def failed(label):
    """Whether a run failed on its validation images; on the test pairs where its card is silent about them."""
    own = everything.sel(run=label)
    lost = own.failed.mean() > 0.5 or own[PSNR].mean() < everything[PSNR].sel(run=UNTREATED).mean()
    return bool(lost) if scored[label][1].failed is None else scored[label][1].failed


def failed_share(*start):
    """Share of failed runs among those whose method starts so, with its interval, and their number; NaN without any."""
    found = [failed(label) for label, (method, _) in scored.items() if method.startswith(start) and "(" not in method]
    if not found:
        return np.nan, 0
    exact = binomtest(sum(found), len(found)).proportion_ci()
    return (np.mean(found), exact.low, exact.high), len(found)


share = {name: failed_share(f"FPN {name}") for name in ("R-34", "R-50")}
judged(
    "jadhav2021-fpn-r50-diverges",
    ["FPN R-50 + L1", "FPN R-34 + L1"],
    lambda: {"failed_share_r34": share["R-34"][0], "failed_share_r50": share["R-50"][0]},
    n=share["R-34"][1] + share["R-50"][1],
    spread="exact binomial over runs, 95 %",
)

# %% [markdown]
# The networks of the 21 methods have all been trained with one thing that the source does not mention: a hundredth of the
# gradient passes the last ReLU where it cuts ([notebook 11](11_train_artefact_removal.ipynb)). It is a remedy against outputs
# that go black and stay so, and may prevent the very failures that the source saw with FPN R-50. These runs have gone without:

# %%
for label, (method, run) in scored.items():
    if "leak 0" in method and (curve := run.learning()):
        restored, untouched = (float(everything[PSNR].sel(run=name).mean()) for name in (label, UNTREATED))
        said = study.say(
            "{label}: **{dead}** black outputs in {steps_done} training steps; mean PSNR {restored:.1f} dB on the test pairs, "
            "untreated {untouched:.1f} dB.",
            curve,
            label=label,
            restored=restored,
            untouched=untouched,
        )
        display(said)

# %%
RAW = f"{M3} (not normalised)"
maxima = [pair.parameters["clean_maximum"] for pair in training]
span = study.keep("methods_target_span", decades=float(np.log10(max(maxima) / min(maxima))), pairs=len(training))


def without_maximum():
    """PSNR that is lost without the division by the maximum, and whether most such runs fail."""
    broken = [failed(label) for label, (method, _) in scored.items() if method == RAW]
    return {"psnr_loss_db": gain(M3, RAW), "unscaled_training_fails": float(np.mean(broken) > 0.5)}


judged(
    "jadhav2021-max-normalisation",
    [M3, RAW],
    without_maximum,
    n=total,
    spread=f"{paired}; none for unscaled_training_fails: {seeds.get(RAW, 0)} training(s)",
)

# %%
study.say("The maxima of the {pairs} noise-free training images span **{decades:.1f} decades**.", span)

# %% [markdown]
# **What this shows.** A ranking of 21 methods is a ranking of distributions: where the gap between two methods is smaller
# than the spread between seeds, their order is chance; where every method has one seed, as at the size of a lesson, that spread
# is not known and no order is settled.
#
# **What it does not.** Most or all methods have one seed here; and all were trained as long as the budget of this size allows,
# which need not be long enough for the order to settle. Nor do a few runs without a failure exclude frequent ones: if
# three in ten failed, seven runs would still all succeed in 8 % of cases.

# %% [markdown]
# ## Is anything restored?
#
# **The source says** (abstract, section 3.1): networks trained on simulated pairs alone remove the artefacts. And (section 4):
# PSNR alone is no measure of quality.
#
# **What we do.** The emitters are known, so we can ask of every output: how much of its light lies where nothing is
# (*debris*), how much lies close beside the structure, as a multiple of what noise-free MUSICAL has there (*halo*), how much
# of the structure that noise-free MUSICAL shows has gone (*lost*), whether the walls of mitochondria are apart (*dip*), and how
# bright structure out of focus is. The *structure score* is the harmonic mean of the share of light on the structure and the
# share of structure that is lit. A black image cannot win it: it has lost everything.

# %%
shown = sorted(here, key=lambda name: -float(ours.sel(restorer=name).mean()))
shown += [UNTREATED, BLACK, *(f"{name} filter" for name in filters)]
wanted = [
    PSNR,
    "ssim",
    "pearson",
    "structure_score",
    "debris",
    "halo",
    "lost",
    "dip",
    "out_of_focus",
    "false_peaks",
    "failed",
]
study.publish_table(
    "methods-truth",
    {"method": [f"{name} ({short[name]})" if name in short else name for name in shown]}
    | {titled(name): [round(float(result.means(name, [m]).mean()), 3) for m in shown] for name in wanted},
    caption="Every method by PSNR and by the measures that know the emitters: means over the structures that allow them. "
    + "; ".join(f"*{titled(name)}*: {MEASURES[name]}" for name in wanted)
    + ".",
)

# %%
trio = [name for name in (M1, M2, M3) if name in result.methods]
means = {name: result.means(name, [*here, UNTREATED, BLACK]).mean("structure") for name in (PSNR, "structure_score")}
figure, (wide, close) = plt.subplots(1, 2, figsize=(9.2, 3.6))
score_of, psnr_of = means["structure_score"], means[PSNR]
for (number, network), axes in product(enumerate(NETWORKS), (wide, close)):
    of = [name for name in here if name.startswith(network)]
    axes.plot(psnr_of.sel(restorer=of), score_of.sel(restorer=of), "os^"[number], color=f"C{number}", label=network)
for name, marker in ((UNTREATED, "X"), (BLACK, "P")):
    wide.plot(psnr_of.sel(restorer=name), score_of.sel(restorer=name), f"k{marker}", label=name, markersize=8)
low, high = close.get_ylim()
upwards = sorted(trio, key=lambda name: float(score_of.sel(restorer=name)))
heights = (np.array([float(score_of.sel(restorer=name)) for name in upwards]) - low) / (high - low)
steps = 0.08 * np.arange(len(upwards))  # labels stay in the order of their points, at least so far apart
for name, height in zip(upwards, isotonic_regression(heights - steps).x + steps, strict=True):
    point = float(psnr_of.sel(restorer=name)), float(score_of.sel(restorer=name))
    beside = {"xytext": (1.02, height), "textcoords": "axes fraction", "arrowprops": {"arrowstyle": "-"}}
    close.annotate(short[name], point, va="center", **beside)
wide.set(xlabel="PSNR, images divided by their maxima (dB)", ylabel="structure score", ylim=(-0.05, 1.02))
wide.legend(loc="center right")
close.set(xlabel="the same (dB)", ylabel="structure score", title="the trained methods, enlarged")
study.publish_figure(
    "methods-psnr-against-truth",
    figure,
    alt="Structure score against PSNR for the trained methods, the untreated image and a black image. The black image "
    "has a score of zero, the untreated image one far above it; both lie to the left of the trained methods. A second "
    "panel enlarges the trained methods.",
    caption="What PSNR rewards and what it misses: mean structure score against mean PSNR over the three structures. "
    "Right: the trained methods alone, with those that the source prefers.",
    data={"method": means[PSNR].restorer.values} | {name: v.values for name, v in means.items()},
)


# %%
def better(drawn, method, structure, measure):
    """Whether a method improves a measure on a structure, with an interval that excludes 0."""
    higher, lower = (UNTREATED, method) if measure == "debris" else (method, UNTREATED)
    return exceeds(drawn, higher, lower, measure, structure)


def cleaned(drawn):
    """Structures on which M-1, M-2 and M-3 all improve: in every measure, and in PSNR."""
    every = {m: [all(better(drawn, x, s, m) for x in trio) for s in images] for m in (PSNR, "ssim", "debris")}
    return {
        "structures_all_improved": sum(map(all, zip(*every.values(), strict=True))),
        "structures_psnr_improved": sum(every[PSNR]),
    }


judged(
    "jadhav2021-simulation-supervision-suppresses-artefacts",
    [M1, M2, M3],
    lambda: over_pairs(cleaned),
    n=total,
    spread=roughly,
)

# %%
change = {
    (name, s, m): gain(name, UNTREATED, m, s)
    for name in trio
    for s in pairs.STRUCTURES
    for m in (PSNR, "ssim", "debris", "lost")
}
study.publish_table(
    "methods-gain",
    {
        "method": [short[name] for name in trio for _ in pairs.STRUCTURES],
        "structure": [s for _ in trio for s in pairs.STRUCTURES],
        **{
            f"{titled(m)}, change": [str(change[n, s, m]) for n in trio for s in pairs.STRUCTURES]
            for m in (PSNR, "ssim", "debris", "lost")
        },
    },
    caption=f"M-1, M-2 and M-3 against the untreated image: mean change and interval ({paired}). {several}.",
)

# %%
TRUTH = ["debris", "halo", "dip", "out_of_focus"]


def rankings(drawn):
    """Places of the 21 methods by PSNR, and their mean places by the measures that know the emitters."""
    means, rows, places = psnr_on(drawn), [position[m] for m in BASE], []
    for structure, measure in product(images, TRUTH):
        values = by_image[measure, structure][rows][:, drawn[structure]]
        values = values[:, np.isfinite(values).all(axis=0)]
        if values.shape[1]:  # a draw may leave no image that allows the measure
            sign = 1 if measure in LOWER_IS_BETTER else -1
            places.append(rankdata(np.round(sign * values.mean(axis=1), 12)))
    by_psnr = rankdata([-np.mean([means[s][m] for s in images]) for m in BASE])
    return by_psnr, np.mean(places, axis=0)


def gain_of_m3(drawn):
    """Places that M-3 gains where the measures that know the emitters rank instead of PSNR."""
    by_psnr, by_truth = (dict(zip(BASE, places, strict=True)) for places in rankings(drawn))
    return {"m3_rank_gain": by_psnr[M3] - (sorted(BASE, key=by_truth.get).index(M3) + 1)}


def two_rankings():
    """Spearman correlation of the places by PSNR and by the measures that know the emitters, and what M-3 gains."""
    same = statistics.rank_agreement(*rankings(WHOLE), coefficient="spearman", rng=rng.bootstrap)
    return {"rank_correlation": same} | over_pairs(gain_of_m3)


judged(
    "jadhav2021-single-metric-insufficient",
    BASE,
    two_rankings,
    n=total,
    spread=f"{within}; rank_correlation: over the 21 methods",
)

# %% [markdown]
# **What this shows.** Whether a gain in PSNR is a gain: read the columns *lost* and *debris* together. An output that only
# turns dark gains PSNR and loses structure.
#
# **What it does not.** Noise-free MUSICAL is itself no image of the emitters: it dims what lies out of focus, and we judge *lost*
# by what it shows. The ranking by the emitters in the last claim goes by debris, halo, dip and out-of-focus light, as its rule
# was written; none of the four counts structure that is missing.

# %% [markdown]
# ## Two metrics, two winners (Fig. 4)
#
# **The source says** (section 3.1, Fig. 4): on one actin image, FPN R-34 + L2 has the higher PSNR (40.02 against 37.48 dB) and
# artefacts along the strands; M-3 is cleaner and has the higher SSIM (0.95 against 0.944).


# %%
def scores_of(method, measure, structure):
    """Score of every test image of a structure, averaged over seeds."""
    return result.values(method, measure, structure).mean(axis=0)


def restored(method, judge):
    """Output of the first run of a method, divided by its maximum."""
    run = next(run for run in runs if run.method == method)
    image = run.restore(judge, precision=precision)
    run.release()
    return judge.pair.image(image / (image.max() or 1.0))


of_actin = [j for j in judges if j.pair.structure == "actin"]
pair4 = [name for name in (FPN_L2, M3) if name in result.methods]
by = {m: scores_of(pair4[0], m, "actin") - scores_of(pair4[-1], m, "actin") for m in (PSNR, "ssim")}
opposed = by[PSNR] * by["ssim"] < 0
rank = np.where(
    opposed, np.minimum(abs(by[PSNR]) / (by[PSNR].std() or 1), abs(by["ssim"]) / (by["ssim"].std() or 1)), -1
)
index = int(rank.argmax())
panels = {"(a) noisy": of_actin[index].pair.image(of_actin[index].pair.noisy), "(b) noise-free": of_actin[index].clean}
panels |= {f"({'cd'[i]}) {short.get(m, m)}": restored(m, of_actin[index]) for i, m in enumerate(pair4)}
numbers = {
    f"({'cd'[i]}) {short.get(m, m)}": [
        of_actin[index].measure(panels[f"({'cd'[i]}) {short.get(m, m)}"].values)[k] for k in (PSNR, "ssim")
    ]
    for i, m in enumerate(pair4)
}
figure, axes = plt.subplots(2, 4, figsize=(9.4, 5.0))
bright = Normalize(0, float(np.quantile(of_actin[index].clean, 0.998)))
field_um = float(of_actin[index].clean.x[-1] - of_actin[index].clean.x[0])
bar_um = 1.0 if field_um > 2 else 0.25
for column, (title, image) in enumerate(panels.items()):
    text = title + ("\n{:.2f} dB, SSIM {:.3f}".format(*numbers[title]) if title in numbers else "\n")
    for row, norm in enumerate((bright, study.decades([of_actin[index].clean], 4))):
        picture = study.draw_image(
            axes[row, column], image, title=text if row == 0 else "", norm=norm, scale_bar_um=bar_um
        )
        figure.colorbar(picture, ax=axes[row, column], shrink=0.7, label="f / max f") if column == 3 else None
study.publish_figure(
    "jadhav2021-fig-4",
    figure,
    alt="One actin pair: noisy MUSICAL, noise-free MUSICAL, and the outputs of FPN R-34 + L2 and of M-3 with their PSNR "
    "and SSIM, on a linear scale above and a logarithmic one below.",
    caption=f"{'The actin test image on which PSNR and SSIM disagree most' if opposed[index] else 'An actin test image; on none do PSNR and SSIM disagree'} "
    "about FPN R-34 + L2 (c) and M-3 (d), against the noise-free image (b). Above linear, cut at the 99.8th percentile "
    f"of the noise-free image, below four decades. Scale bar {bar_um:g} µm.",
    data=panels,
)

# %%
judged(
    "jadhav2021-psnr-ssim-disagree",
    [FPN_L2, M3],
    lambda: {
        "psnr_fpn_minus_m3_db": gain(FPN_L2, M3, PSNR, "actin"),
        "ssim_m3_minus_fpn": gain(M3, FPN_L2, "ssim", "actin"),
        "debris_halo_fpn_minus_m3": gain(FPN_L2, M3, "debris_halo", "actin"),
        **over_pairs(lambda drawn: {"discordant_share": opposed[drawn["actin"]].mean()}),
    },
    n=images["actin"],
    spread=paired,
)

# %% [markdown]
# ## A mitochondrion (Fig. 5)
#
# **The source says** (section 3.1, Fig. 5): noise smears the wall into one band; M-1 and M-3 bring its two peaks back, M-2 has
# small peaks between them that are not there; all dim what is out of focus, M-3 most; M-2 and M-3 leave less debris.
#
# **What we do.** One line for the figure, chosen by noise-free MUSICAL alone; the claims below use all test pairs.


# %%
def walls(line, judge):
    """Depth of the valley of noise-free MUSICAL along a line across a tube."""
    values = study.line_profile(judge.clean, line[0][::-1], line[1][::-1]).values
    third = len(values) // 3
    return min(values[:third].max(), values[-third:].max()) - values[third:-third].min() if len(values) > 6 else 0.0


def up_to(image, quantile):
    """Image over its own limit, a quantile of its values: the contrast that a source sets by hand."""
    return np.clip(image / max(float(np.quantile(image, quantile)), 1e-6), 0, 1)


COLOURS, unit = ("0.6", "black", "C0", "C1", "C2"), Normalize(0, 1)
of_mitochondria = [j for j in judges if j.pair.structure == "mitochondria"]
across = {
    j: lines.across_tubes(j.sample, len(j.clean.y) / 2 * j.pair.fine_um - 0.02, reach_um=0.35) for j in of_mitochondria
}
candidates = [(walls(line, j), k, i) for k, j in enumerate(of_mitochondria) for i, line in enumerate(across[j])]
_, chosen_judge, chosen_line = max(candidates, default=(0, 0, None))
judge = of_mitochondria[chosen_judge]
half_um = float(judge.clean.x[-1])
cut = across[judge][chosen_line] if chosen_line is not None else np.array([[-half_um / 2, 0], [half_um / 2, 0]])
views = {"noisy": judge.pair.image(judge.pair.noisy), "noise-free": judge.clean} | {
    short[m]: restored(m, judge) for m in trio
}
bar_um = 0.5 if half_um > 1 else 0.25
figure = plt.figure(figsize=(9.4, 5.6))
grid = figure.add_gridspec(3, 5, height_ratios=[1, 1, 0.9])
panels = []
for row, (letters, quantile) in enumerate((("abcde", 0.998), ("ghijk", 0.9))):
    for column, (title, image) in enumerate(views.items()):
        panels.append(figure.add_subplot(grid[row, column]))
        title = f"({letters[column]}) {title}"
        drawn = study.draw_image(panels[-1], up_to(image, quantile), title=title, norm=unit, scale_bar_um=bar_um)
for axis in panels[: len(views)]:
    axis.plot(*cut.T, color="gold", linewidth=1.2)
figure.colorbar(drawn, ax=panels, label="intensity / limit of the panel", shrink=0.8)
axis = figure.add_subplot(grid[2, :])
profiles = {title: study.line_profile(image, cut[0][::-1], cut[1][::-1]) for title, image in views.items()}
for (title, profile), colour in zip(profiles.items(), COLOURS, strict=False):
    axis.plot(profile.distance_um, profile / max(float(profile.max()), 1e-12), color=colour, label=title)
axis.set(xlabel="distance along the line (µm)", ylabel="intensity / maximum", title="(f) profile along the yellow line")
axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=5)
study.publish_figure(
    "jadhav2021-fig-5",
    figure,
    alt="Mitochondria: noisy and noise-free MUSICAL and the outputs of M-1, M-2 and M-3, once at a contrast for the "
    "wall and once saturated, and their profiles along a line across one mitochondrion.",
    caption="A test pair of mitochondria. (a–e) each up to its 99.8th percentile, (g–k) saturated at the 90th; (f) "
    "profiles along the yellow line, each divided by its maximum. The line is the one on which noise-free MUSICAL has "
    f"the deepest valley. Scale bar {bar_um:g} µm.",
    data={
        f"{title}_{what}": column
        for title, p in profiles.items()
        for what, column in (("um", p.distance_um.values), ("intensity", p.values))
    },
)


# %%
def restoring(drawn):
    """Of M-1 and M-3, those with a deeper dip than the untreated image and walls placed to 50 nm."""
    deeper = {m: exceeds(drawn, m, UNTREATED, "dip", "mitochondria") for m in (M1, M3)}
    errors = {m: result.values(m, "peak_error_um", "mitochondria")[:, drawn["mitochondria"]] for m in (M1, M3)}
    placed = {m: np.isfinite(error).any() and np.nanmean(error) < 0.05 for m, error in errors.items()}
    dip = by_image["dip", "mitochondria"]
    known = all(np.isfinite(dip[position[m]] - dip[position[UNTREATED]]).any() for m in (M1, M3))
    return {"models_restoring": sum(bool(deeper[m] and placed[m]) for m in (M1, M3)) if known else np.nan}


judged(
    "jadhav2021-mito-boundary-restored",
    [M1, M3],
    lambda: over_pairs(restoring),
    n=images["mitochondria"],
    spread=roughly,
)

# %%
judged(
    "jadhav2021-m2-jitter",
    [M1, M2, M3],
    lambda: {"extra_over_m1": gain(M2, M1, "false_peaks"), "extra_over_m3": gain(M2, M3, "false_peaks")},
    n=images["mitochondria"] + images["vesicles"],
    spread=paired,
)

# %%
clean_scores = scores(lambda j: j.pair.clean, judges, cache=bench / "noise-free.json", identity="noise-free")
held = np.isfinite(result.values(UNTREATED, "out_of_focus")[0])


def mean_ratio(values):
    """Mean out-of-focus ratio over images that allow it, with its interval; NaN without any."""
    return interval(values, rng=rng.bootstrap) if np.isfinite(values).any() else (np.nan,) * 3


judged(
    "jadhav2021-out-of-focus-ordering",
    [M1, M2, M3],
    lambda: (
        {
            f"ratio_{key}": mean_ratio(result.values(m, "out_of_focus").mean(axis=0))
            for key, m in (("m1", M1), ("m2", M2), ("m3", M3), ("noisy", UNTREATED))
        }
        | {"ratio_noise_free": mean_ratio(clean_scores.out_of_focus.values)}
    ),
    n=int(held.sum()),
    spread="bootstrap over test images, 95 %",
)

# %%
KINDS = {"noisy": UNTREATED, "m1": M1, "m3": M3}
boundary = {
    f"{key}_{what}": float(result.means(m, [name]).sel(structure="mitochondria")[0]) * scale
    for key, name in KINDS.items()
    for what, m, scale in (("dip", "dip", 1), ("nm", "peak_error_um", 1000))
    if name in result.methods
}
boundary |= {"clean_dip": float(clean_scores.dip.mean()), "clean_nm": float(clean_scores.peak_error_um.mean()) * 1000}
if len(boundary) == 8 and np.isfinite(list(boundary.values())).all():
    said = study.say(
        "Mean dip on the mitochondria: {noisy_dip:.2f} untreated, {m1_dip:.2f} with M-1, {m3_dip:.2f} with M-3, {clean_dip:.2f} "
        "without noise. Mean error of the distance of the two walls: {noisy_nm:.0f}, {m1_nm:.0f}, {m3_nm:.0f} and "
        "**{clean_nm:.0f} nm**, in the same order.",
        study.keep("methods_boundary", **boundary),
    )
    display(said)

# %% [markdown]
# The rule on the boundary asks for walls placed to 50 nm beside a deeper dip. Where noise-free MUSICAL, which the networks are
# trained to give, misses these 50 nm itself, no network can be expected to keep them: the verdict then speaks of MUSICAL with
# these settings, and not of the networks.


# %%
def less_debris(drawn):
    """Structures on which M-2, M-3 and both leave less debris than M-1."""
    less = {m: [exceeds(drawn, M1, m, "debris", s) for s in pairs.STRUCTURES] for m in (M2, M3)}
    both = sum(a and b for a, b in zip(less[M2], less[M3], strict=True))
    return {"structures_both": both, "structures_m2": sum(less[M2]), "structures_m3": sum(less[M3])}


judged(
    "jadhav2021-m2-m3-clean-background",
    [M1, M2, M3],
    lambda: over_pairs(less_debris),
    n=total,
    spread=roughly,
)

# %% [markdown]
# ## Vesicles (Fig. 6)
#
# **The source says** (section 3.1, Fig. 6): for the vesicles of Fig. 1, the log profiles of M-1 and M-3 follow the
# noise-free image, with sharper edges than M-2 and deeper valleys.
#
# **What we do.** The sample of our own Fig. 1 ([03_musical](03_musical.ipynb)), recorded again with its pixels of 80 nm,
# which the training pairs of a size need not have (that of a lesson has 108 and 120 nm), and reconstructed with the MUSICAL
# settings of the training pairs; it belongs to no training set.

# %%
stream = study.streams(0, "vesicles structure", "photokinetics", "noise")
sample = vesicles(rng=stream["vesicles structure"], count=15)
given = {"structure": "vesicles", "pixel_um": 0.08, "number": 0, "field_um": vesicle_field_um, "frames": vesicle_frames}
given |= {key: judges[0].pair.parameters[key] for key in ("alpha", "subpixels", "threshold", "wavelength_um")}
given |= {"numerical_aperture": 1.42}
video = record(
    sample, pairs.microscope(given), rng=stream, pixel_um=0.08, frames=vesicle_frames, field_um=vesicle_field_um
)
maps = {name: pairs.reconstruction(video[name], given).values for name in ("noisy", "noise_free")}
given |= {f"{'clean' if name == 'noise_free' else name}_maximum": float(image.max()) for name, image in maps.items()}
example = Judge(
    pairs.Pair(
        "vesicles",
        0.08,
        *((maps[n] / maps[n].max()).astype(np.float32) for n in ("noisy", "noise_free")),
        sample.emitters_um,
        given,
    )
)
views = {"noise-free": example.clean} | {short[m]: restored(m, example) for m in trio}
noisy = example.pair.image(example.pair.noisy)
half_um = float(noisy.x[-1])
inside = [v for v in sample.objects if np.abs(v.centre[:2]).max() + v.radius_um < half_um]
big = max(inside or sample.objects, key=lambda v: v.radius_um - abs(v.centre[2]))
y_um = float(np.clip(big.centre[1], -half_um, half_um))
cut = np.array([[-half_um * 0.98, y_um], [half_um * 0.98, y_um]])
bar_um = 0.5 if half_um > 1 else 0.25
shown6 = [("noisy, contrast c1", noisy, 0.98), ("noisy, contrast c2", noisy, 1.0)]
shown6 += [(name, image, 0.995) for name, image in views.items()]
figure = plt.figure(figsize=(8.4, 6.6))
grid = figure.add_gridspec(3, 3, height_ratios=[1, 1, 0.9])
panels = []
for letter, place, (title, image, quantile) in zip("abcdef", np.ndindex(2, 3), shown6, strict=False):
    panels.append(figure.add_subplot(grid[place]))
    title = f"({letter}) {title}"
    drawn = study.draw_image(panels[-1], up_to(image, quantile), title=title, norm=unit, scale_bar_um=bar_um)
    panels[-1].plot(*cut.T, color="gold", linewidth=0.8)
figure.colorbar(drawn, ax=panels, label="intensity / limit of the panel", shrink=0.8)
axis = figure.add_subplot(grid[2, :])
profiles = {
    title: study.line_profile(image, cut[0][::-1], cut[1][::-1], 400)
    for title, image in ({"noisy": noisy} | views).items()
}
for (title, profile), colour in zip(profiles.items(), COLOURS, strict=False):
    axis.semilogy(profile.distance_um, np.maximum(profile, 1e-6), color=colour, label=title, linewidth=1)
axis.set(xlabel="distance along the line (µm)", ylabel="intensity / maximum", title="(g) log profile", ylim=(1e-6, 1.5))
axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=5)
study.publish_figure(
    "jadhav2021-fig-6",
    figure,
    alt="Vesicles: noisy MUSICAL at two contrasts, noise-free MUSICAL, the outputs of M-1, M-2 and M-3, and their "
    "intensities along one line on a logarithmic scale.",
    caption="The vesicles of Fig. 1: the noisy image saturated at its 98th percentile (a) and at its maximum (b), "
    "noise-free (c) and M-1 to M-3 (d–f), each up to its 99.5th percentile, and log profiles along the yellow line, cut "
    f"off at 1e-6 (g). Scale bar {bar_um:g} µm.",
    data={
        f"{title}_{what}": column
        for title, p in profiles.items()
        for what, column in (("um", p.distance_um.values), ("intensity", p.values))
    },
)

# %%
NM = 1000
in_nm = lambda first, second, measure: [NM * x for x in gain(first, second, measure)]  # noqa: E731
judged(
    "jadhav2021-m1-m3-sharp",
    [M1, M2, M3],
    lambda: {
        "corr_m1_minus_m2": gain(M1, M2, "log_correlation"),
        "corr_m3_minus_m2": gain(M3, M2, "log_correlation"),
        "edge_m2_minus_m1_nm": in_nm(M2, M1, "edge_um"),
        "edge_m2_minus_m3_nm": in_nm(M2, M3, "edge_um"),
    },
    n=images["vesicles"],
    spread=paired,
)

# %% [markdown]
# ## Actin, and all things considered
#
# **The source says** (section 3.1, not shown): actin is thinnest under M-3 and cleanest under M-2 and M-3; for simulated
# examples M-3 presents the best results.


# %%
def over_images(statistic, measure, structure):
    """Statistic of the image scores of M-1, M-2 and M-3 with its interval; NaN where they cannot be compared."""
    values = np.array([scores_of(m, measure, structure) for m in (M1, M2, M3)])
    values = values[:, np.isfinite(values).all(axis=0)]
    return statistics.bootstrap(statistic, *values, rng=rng.bootstrap) if values.size else (np.nan,) * 3


judged(
    "jadhav2021-m3-thinnest-actin",
    [M1, M2, M3],
    lambda: {
        "fwhm_lead_nm": [
            NM * x
            for x in over_images(lambda a, b, c: np.minimum(a.mean(-1), b.mean(-1)) - c.mean(-1), "width_um", "actin")
        ],
        "debris_excess_m1": over_images(
            lambda a, b, c: a.mean(-1) - np.maximum(b.mean(-1), c.mean(-1)), "debris", "actin"
        ),
    },
    n=images["actin"],
    spread="bootstrap over test images, 95 %",
)

# %%
VISIBLE = ["debris", "halo", "dip", "width_um", "out_of_focus", "false_peaks"]


def lead_of_m3():
    """Better of the mean places of M-1 and M-2 minus that of M-3, with its interval over images."""
    places = result.mean_places([M1, M2, M3], VISIBLE, rng=rng.bootstrap).values
    lead = places[:, :2].min(axis=1) - places[:, 2]
    low, high = np.quantile(lead[1:], [0.025, 0.975])
    return {"mean_rank_lead": (lead[0], min(low, lead[0]), max(high, lead[0]))}


judged(
    "jadhav2021-m3-best-on-simulated",
    [M1, M2, M3],
    lead_of_m3,
    n=total,
    spread="bootstrap over test images within structures, 95 %",
)

# %% [markdown]
# **What this shows.** The differences between M-1, M-2 and M-3 that the source saw on single images, as means over all test
# images with their intervals.
#
# **What it does not.** Thin is not right: filaments of noise-free MUSICAL have a width of their own, and an output can be
# thinner than that. The rule on out-of-focus light compares means alone: where their intervals overlap, the order of the three
# is not settled.

# %% [markdown]
# ## Denoise the frames first?
#
# **The source says** (introduction): denoising the frames and analysing their fluctuations afterwards is unsuitable, as it spoils
# the statistics. No data are given.
#
# **What we do.** The stacks of some mitochondria test pairs are simulated again, to the bit. Their frames are denoised
# one by one, with BM3D under a variance-stabilising transform and with Noise2Void trained on the frames of that stack,
# and MUSICAL runs on the result. The other route is MUSICAL first, then M-3.


# %%
def frames_first(name, **options):
    """Restorer that denoises every frame of the pair's stack and reconstructs it."""

    def restore(judge):
        stack = pairs.recording(judge.pair.parameters, sample=judge.sample).noisy
        frames = [frame.astype(float) for frame in stack.values]
        trained_on = denoiser(name, **options).train(Examples(noisy=frames, camera=Camera()), seed=seed)
        clean = stack.copy(data=np.maximum(np.stack([trained_on.apply(frame) for frame in frames]), 0))
        return pairs.reconstruction(clean, judge.pair.parameters).values

    return restore


OPTIONS = defaultdict(lambda: {"grid": (1.0,)})
OPTIONS["BM3D"] = {"grid": (1.0,), "profile": bm3d_profile}
OPTIONS["Noise2Void"] = {"steps": n2v_steps, "batch": 16, "patch": 24, "features": 16}
ROUTES = {f"{name} of frames": frames_first(name, **OPTIONS[name]) for name in frame_denoisers}
few = of_mitochondria[:route_pairs]
routes = {}
for name, restore in study.track(list(ROUTES.items()), "denoising frames"):
    identity = f"{name} {OPTIONS[name.removesuffix(' of frames')]} {seed} {code}"
    routes[name] = scores(restore, few, cache=bench / f"{name.replace(' ', '-')}.json", identity=identity)
names = [j.name for j in few]
subset = together({label: part.sel(pair=names) for label, part in table.items()} | routes)
subset = Table(subset.assign_coords(method=("run", [*methods, *ROUTES])))


def deficit(measure):
    """M-3 minus the better of the two routes over the frames, paired by image."""
    best = max(ROUTES, key=lambda name: np.nansum(subset.values(name, measure)))
    return subset.difference(M3, best, measure, rng=rng.bootstrap)


judged(
    "jadhav2021-frame-denoising-unsuitable",
    [M3],
    lambda: {"psnr_deficit_db": deficit(PSNR), "dip_deficit": deficit("dip")},
    n=len(few),
    spread=paired,
)

# %%
rows = [name for name in (UNTREATED, M3, *ROUTES) if name in subset.methods]
study.publish_table(
    "methods-frame-denoising",
    {"route": rows}
    | {
        titled(name): [float(subset.means(name, [m]).mean()) for m in rows]
        for name in (PSNR, "ssim", "debris", "lost", "dip", "structure_score")
    },
    caption=f"Denoising frames before MUSICAL against restoring its image, on {len(few)} mitochondria test pairs.",
)

# %% [markdown]
# **What this shows.** What each order of the two steps does to the same stacks.
#
# **What it does not.** Every frame was denoised on its own; a denoiser that looks at many frames at once, as [laine2021]
# discusses, was not tried.

# %% [markdown]
# ## Exercises
#
# 1. Which constant image has the highest PSNR against a noise-free target? Compute it for one pair, and compare with black.
# 2. Rank the 21 methods by *lost* instead of PSNR. Which loss is last, and why?

# %% tags=["solution"]
target = judges[0].pair.clean.astype(float)
best = target.mean()
for level in (0.0, best, 2 * best):
    print(f"constant {level:.5f}: {10 * np.log10(1 / np.mean((target - level) ** 2)):.3f} dB")
print("the mean minimises the squared error; it is so small that black is nearly as good")

# %% tags=["solution"]
if here:
    lost = result.means("lost", here).mean("structure")
    for name in sorted(here, key=lambda m: float(lost.sel(restorer=m))):
        print(f"{name:26}{float(lost.sel(restorer=name)):6.3f}{float(ours.sel(restorer=name).mean()):8.2f} dB")
    of_loss = {loss: [float(lost.sel(restorer=m)) for m in here if m.endswith(f"+ {loss}")] for loss in LOSSES}
    last = max((loss for loss in LOSSES if of_loss[loss]), key=lambda loss: np.mean(of_loss[loss]))
    print(
        f"last: {last}, {np.mean(of_loss[last]):.2f}; where the target is nearly black, a loss may charge little for what "
        "is left out"
    )

# %% [markdown]
# ## Provenance

# %%
study.end()
