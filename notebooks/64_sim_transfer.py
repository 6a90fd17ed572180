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
# # Structured illumination: can synthetic anatomy spare acquisitions, and can one network serve many structures?
#
# [hughes2024] ends with a proposal and a warning. The proposal: let the network learn from synthetic anatomy first, and adapt it
# to the sample at hand with a few acquisitions. The warning: a chain trained on a varied set restores none of it well. This
# notebook measures both: the gain against the number of acquisitions, from random and from pre-trained weights, and one network
# for six structures against six networks for one each. It needs nothing from other notebooks and takes a few minutes as a lesson.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
training_seeds: list[int] = [0]  # every network is trained once with each
field_px: int = 72  # side of a raw frame
mean_photons: float = 60.0  # expected from the sample per pixel of a bright frame
factor: float = 20.0  # how much less light a dim frame has
train_fields: int = 24  # of filaments; the source's 61
validation_fields: int = 2  # per structure
test_fields: int = 6  # per structure
anatomy_fields: int = 24  # sections of anatomy that teach before
images: list[int] = [1, 3, 8, 24]  # fields of filaments to learn from; the last is all
kind_fields: int = 8  # training fields of every structure, for the networks of many
groups: int = 2  # residual groups; the source has 5
blocks: int = 2  # blocks per group; the source has 3
features: int = 24  # maps inside the network; the source has 32
steps: int = 250  # training steps of every network, and of every adaptation
pretraining_steps: int = 400  # on anatomy
large_features: int = 40  # maps of the large network of many structures
large_steps: int = 450  # its training steps
large_rate: float = 2e-3  # its learning rate; at that of the small ones it blew up
batch: int = 4  # crops per step
patch: int = 40  # side of a crop
learning_rate: float = 5e-3  # highest of a cycle
adaptation_rate: float = 2.5e-3  # the same when weights are adapted
precision: str = "auto"  # in which networks compute: "bf16", "float32", or "auto", the quicker one
device: str = "cpu"  # "cpu" or "cuda"

# %%
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import CenteredNorm, Normalize

from nbsupport import study
from nbsupport.assess.stages import StageScores
from nbsupport.assess.statistics import mean_interval, paired_difference, resampled
from nbsupport.assess.steadiness import loss_rise
from nbsupport.codebase import code_sha256
from nbsupport.restore import two_step
from nbsupport.restore.fine_tuned import StartingPoint
from nbsupport.restore.two_step import ANATOMY, Chain, Chains, Exposure, Fields, PlanarProtocol, Recipe
from nbsupport.study import layout

study.begin("64_sim_transfer", globals())
kinds = ("microtubules", "endoplasmic_reticulum", "actin", "mitochondria", "vesicles", "lysosomes")
target = "microtubules"
common = {"batch": batch, "patch": patch, "precision": precision, "device": device, "groups": groups, "blocks": blocks}
recipe = Recipe(features=features, steps=steps, learning_rate=learning_rate, **common)
stated = (groups, blocks, features) == (5, 3, 32)
reduced = "" if stated else " (**reduced**: the source's has 5 × 3 with 32)"
note = f"First network of {groups} × {blocks} blocks with {features} maps{reduced}, {steps} steps."
folder = layout.DATA / "two-step" / code_sha256(Path(two_step.__file__))[:12]
rng = study.streams(seed, "bootstrap", "intervals of claims")

# %% [markdown]
# ## Samples
#
# **The source says** ([hughes2024], section 4): most training data could be made in the computer from the Visible Human; only the
# adaptation would need the microscope. **What we do.** Sections of a procedural body stand in for the Visible Human, under the
# two-beam microscope of [notebook 62](62_sim_two_step_2d.ipynb); and six structures of a cell, all with the same mean light.


# %%
def protocol(kind):
    """The microscope over one structure."""
    exposure = Exposure(mean_photons=mean_photons, factor=factor)
    return PlanarProtocol(structure=kind, seed=seed, field_px=field_px, exposure=exposure)


def counts(kind):
    """Fields of every part."""
    train = {target: max(train_fields, kind_fields), ANATOMY: anatomy_fields}.get(kind, kind_fields)
    return {"train": train, "validation": validation_fields, "test": test_fields}


everything = (*kinds, ANATOMY)
fields = {kind: Fields.of(folder, kind, protocol(kind), **counts(kind)) for kind in study.track(everything, "fields")}
chains = Chains(fields, folder / "trainings", progress=study.Progress)
figure, axes = plt.subplots(2, len(everything), figsize=(12, 3.6))
shown = {}
for column, kind in enumerate(everything):
    one = fields[kind].parts["test"][0]
    views = {"dim frame": one.low[0, 0], "bright reconstruction": two_step.after_reconstruction(one.high_image)}
    for axis, (title, image) in zip(axes[:, column], views.items(), strict=True):
        name = kind.replace("_", " ").replace("endoplasmic reticulum", "reticulum")
        study.draw_image(
            axis,
            image,
            title=name if title == "dim frame" else "",
            norm=study.percentile_limits(image, 1, 99.7),
            cmap="gray",
            scale_bar_um=2.0,
        )
        shown[f"{kind}: {title}"] = image
study.publish_figure(
    "sim-transfer-samples",
    figure,
    alt="Seven columns: microtubules, reticulum, actin, mitochondria, vesicles, lysosomes and a section of anatomy. Above a dim "
    "frame with visible noise, below the bright reconstruction.",
    caption="One dim frame of nine (above) and the bright reconstruction (below) of every structure. Scale bars 2 µm.",
    data=shown,
    stand_in="a procedural body for the Visible Human, simulated structures for cells.",
)

# %% [markdown]
# ## What pre-training saves
#
# **What we do.** The first network learns from few to all fields of filaments, once from random weights and once from
# weights that have learnt sections of anatomy; the number of steps of adaptation is the same, so that the second one has
# had those of its pre-training in addition. The gain is that of the reconstruction after the first step, in PSNR against
# the bright one. *Needed* is the least number of fields with which the gain comes within 0.3 dB of the best of the two
# that have seen all, even if more fields give less again; weights that never come so near are counted as needing all
# fields.


# %%
@cache
def taught_before(draw):
    """Weights that have learnt sections of anatomy."""
    made = chains.first(Chain((ANATOMY,), replace(recipe, steps=pretraining_steps), seed=draw))
    return StartingPoint(made.network)


def gain(chain, kind=target):
    """Change of PSNR from low light to step 1, (image,)."""
    return StageScores.of(chains.stages(chain, kind, steps=1)).change("psnr_db", "step 1")


def learner(count, start, draw):
    """Chain that learns from so many fields of filaments."""
    if start == "random":
        return Chain((target,), recipe, seed=draw, limit=count)
    adapted = replace(recipe, learning_rate=adaptation_rate)
    return Chain((target,), adapted, seed=draw, limit=count, start=taught_before(draw))


starts = ("random", "anatomy")
curve = {
    (start, count): np.stack([gain(learner(count, start, draw)) for draw in training_seeds])
    for start, count in study.track(list(product(starts, images)), "learning curves")
}
untouched = np.stack(
    [gain(Chain((ANATOMY,), replace(recipe, steps=pretraining_steps), seed=draw)) for draw in training_seeds]
)


def near_the_best(seeds, places):
    """Gain of the better one with all fields, and what each start needs (None: more than all), for drawn test fields."""
    means = {key: gains[seeds[:, None], places].mean() for key, gains in curve.items()}
    best = max(means[start, images[-1]] for start in starts)
    return best, {start: next((n for n in images if means[start, n] >= best - 0.3), None) for start in starts}


def saving(seeds, places):
    """Fields needed from random weights over fields needed from pre-trained ones, for drawn seeds and test fields."""
    _, needed = near_the_best(seeds, places)
    from_random, from_anatomy = (needed[start] or images[-1] for start in starts)
    return {"image_saving": from_random / from_anatomy}


every = np.arange(len(training_seeds)), np.arange(test_fields)
best, needed = near_the_best(*every)

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 3))
for start, colour in zip(starts, ("C0", "C1"), strict=True):
    spans = [mean_interval(curve[start, n], rng=rng.bootstrap) for n in images]
    middle = np.array([s.value for s in spans])
    axes[0].errorbar(
        images,
        middle,
        [middle - [s.low for s in spans], [s.high for s in spans] - middle],
        marker="o",
        capsize=3,
        color=colour,
        label=f"from {start} weights",
    )
axes[0].axhline(
    best - 0.3, color="black", linewidth=0.8, linestyle=":", label="0.3 dB below the better one with all fields"
)
axes[0].axhline(untouched.mean(), color="#666666", linewidth=0.8, linestyle="--", label="anatomy alone")
axes[0].set(
    xscale="log", xticks=images, xticklabels=images, xlabel="fields of filaments", ylabel="gain after step 1 (dB)"
)
axes[0].minorticks_off()
axes[0].legend()
differences = [paired_difference(curve["anatomy", n], curve["random", n], rng=rng.bootstrap) for n in images]
axes[1].axhline(0, color="#999999", linewidth=0.8)
for place, d in enumerate(differences):
    axes[1].plot([place, place], [d.low, d.high], color="C2")
    axes[1].plot(place, d.value, "o", color="C2")
axes[1].set(xticks=range(len(images)), xticklabels=images, xlabel="fields of filaments", ylabel="anatomy − random (dB)")
study.publish_figure(
    "sim-transfer-curve",
    figure,
    alt="Left: gain in PSNR after the first step against the number of fields of filaments, from random and from pre-trained "
    "weights, with the gain of a network that has seen anatomy alone as a dashed line. Right: the difference of the two.",
    caption=f"Learning from few fields. {note} Pre-training: {pretraining_steps} steps on {anatomy_fields} sections of anatomy. "
    f"Bars: 95 % intervals over {test_fields} test fields, {len(training_seeds)} training seed(s).",
    data={
        "fields": images,
        **{f"{start}_gain_db": [float(curve[start, n].mean()) for n in images] for start in starts},
        "anatomy_minus_random_db": [d.value for d in differences],
    },
    stand_in="a procedural body for the Visible Human.",
)

# %%
saved, spread = saving(*every), "no interval: one test field"
if test_fields > 1:
    saved = resampled(saving, *map(len, every), rng=rng["intervals of claims"])
    spread = f"95 % bootstrap over {len(training_seeds)} training(s) and over test fields"
study.claim(
    "hughes2024-vh-pretraining-proposal",
    measured=saved,
    spread=spread,
    n=test_fields,
    stand_in="sections of a procedural body for volumes of the Visible Human, simulated filaments for cells",
)

# %%
study.say(
    "Within 0.3 dB of the better one with all fields, or above: **{random}** fields from random weights, **{anatomy}** "
    "from pre-trained ones. Without a single field of filaments the pre-trained network changes PSNR by **{alone:+.2f} "
    "dB**; with all of them the curves end at {all_random:+.2f} dB (random) and {all_anatomy:+.2f} dB (pre-trained).",
    study.keep(
        "sim_transfer_curve",
        random=str(needed["random"] or f"more than {images[-1]}"),
        anatomy=str(needed["anatomy"] or f"more than {images[-1]}"),
        alone=float(untouched.mean()),
        best=float(best),
        all_random=float(curve["random", images[-1]].mean()),
        all_anatomy=float(curve["anatomy", images[-1]].mean()),
    ),
)

# %% [markdown]
# **What this shows.** Whether weights learnt elsewhere are worth acquisitions. The microscope is the same in both; still, weights
# that have seen anatomy alone harm filaments, so what was learnt pays only after adaptation.
#
# **What it does not.** The acquisitions of a real microscope differ from its simulation in more than the sample. With a fixed
# number of steps, more fields mean fewer looks at each; samples of pre-training are not told from its additional steps; and the
# second network is not part of this section. The interval of the saving draws test fields, not those that are learnt from.
# Acquisitions that choose among the checkpoints of a training are not counted either; both starts have the same ones.
# Where the curve from random weights does not rise with the fields, steps are short rather than acquisitions, and the saving
# says little about them.

# %% [markdown]
# ## One network for many structures
#
# **The source says** (sections 3.1, 4): "the method is not suited to application to a diverse image dataset", since two
# structures together degraded both. **What we do.** Six specialists, each trained on one structure; a *generalist* of the same
# size and number of steps, trained on all six; and a larger one, trained longer and at a lower rate, since at that of
# the small ones it blew up. Each is tested on every structure. What no network has seen are sections of anatomy.

# %%
large = Recipe(features=large_features, steps=large_steps, learning_rate=large_rate, **common)
models = {kind: Chain((kind,), recipe, limit=kind_fields) for kind in kinds}
models |= {"all": Chain(kinds, recipe, limit=kind_fields), "all, large": Chain(kinds, large, limit=kind_fields)}
table = {
    (model, kind): np.stack([gain(replace(chain, seed=draw), kind) for draw in training_seeds])
    for model, chain in study.track(list(models.items()), "networks of many structures")
    for kind in everything
}
matrix = np.array([[table[model, kind].mean() for kind in everything] for model in models])

# %%
labels = [kind.replace("_", " ").replace("endoplasmic ", "") for kind in everything]
rows = [model.replace("_", " ").replace("endoplasmic ", "") for model in models]
figure, axis = plt.subplots(figsize=(6.6, 4.2))
drawn = axis.imshow(matrix, cmap="PuOr_r", norm=CenteredNorm(0))
for (row, column), value in np.ndenumerate(matrix):
    strong = abs(value) > 0.6 * np.abs(matrix).max()
    axis.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=8, color="white" if strong else "black")
axis.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
axis.set_yticks(range(len(rows)), rows)
axis.set(xlabel="tested on", ylabel="trained on")
axis.spines[:].set_visible(False)
figure.colorbar(drawn, label="gain after step 1 (dB)", shrink=0.8)
study.publish_figure(
    "sim-transfer-many",
    figure,
    alt="A matrix of gains: rows are what a network was trained on, six structures, all of them, and all of them with a larger "
    "network; columns what it is tested on, with sections of anatomy last.",
    caption=f"Gain in PSNR after the first step, mean over {test_fields} fields and {len(training_seeds)} seed(s). {note} "
    f"{kind_fields} training fields per structure. Large: {large_features} maps, {large_steps} steps, learning "
    f"rate {large_rate:g} in place of {learning_rate:g}.",
    data={"trained on": rows, **{label: matrix[:, i] for i, label in enumerate(labels)}},
)

# %%
rows = [
    (model, kind, paired_difference(table[model, kind], table[kind, kind], rng=rng.bootstrap))
    for model in ("all", "all, large")
    for kind in kinds
]
study.publish_table(
    "sim-transfer-diversity",
    {
        "network": [model for model, _, _ in rows],
        "structure": [kind.replace("_", " ") for _, kind, _ in rows],
        "own network (dB)": [f"{table[kind, kind].mean():.2f}" for _, kind, _ in rows],
        "network of all (dB)": [f"{table[model, kind].mean():.2f}" for model, kind, _ in rows],
        "difference (dB)": [f"{d.value:+.2f} [{d.low:+.2f}, {d.high:+.2f}]" for _, _, d in rows],
    },
    caption="One network for six structures against one network for each, gain after the first step; 95 % intervals of the "
    "paired difference over test fields within seeds.",
)
worse = {model: sum(d.high < 0 for m, _, d in rows if m == model) for model in ("all", "all, large")}
better = {model: sum(d.low > 0 for m, _, d in rows if m == model) for model in ("all", "all, large")}
study.say(
    "Of six structures the generalist of equal size is worse on **{equal_worse}** and better on {equal_better}, the "
    "larger one worse on **{large_worse}** and better on {large_better}. On anatomy, which none has seen, the larger "
    "one gains {unseen:.2f} dB and the specialists {special:.2f} dB on average.",
    study.keep(
        "sim_transfer_diversity",
        equal_worse=worse["all"],
        equal_better=better["all"],
        large_worse=worse["all, large"],
        large_better=better["all, large"],
        unseen=float(table["all, large", ANATOMY].mean()),
        special=float(np.mean([table[kind, ANATOMY].mean() for kind in kinds])),
    ),
)

# %%
rises = [loss_rise(training.history.loss) for training in chains.fits]
study.say(
    "**{blown}** of the {trained} trainings up to here blew up (a later tenth with a mean loss above that of the first); the "
    "worst had {worst:.2f} times the loss of its first tenth.",
    study.keep(
        "sim_transfer_steadiness", blown=sum(rise > 1 for rise in rises), trained=len(rises), worst=float(max(rises))
    ),
)

# %%
unlike = min(kinds, key=lambda kind: table[target, kind].mean() - table[kind, kind].mean())
own, other = (float(table[model, unlike].mean()) for model in (unlike, target))
one = fields[unlike].parts["test"][0]
views = {
    label: chains.stages(models[model], unlike, steps=1, limit=1)[0]["step 1"]
    for label, model in (
        ("trained on it", unlike),
        (f"trained on {target}", target),
        ("trained on all, large", "all, large"),
    )
}
pictures = {
    "high": two_step.after_reconstruction(one.high_image),
    "low": two_step.after_reconstruction(one.low_image),
    **views,
}
figure, axes = plt.subplots(1, len(pictures), figsize=(12, 2.7))
for axis, (title, image) in zip(axes, pictures.items(), strict=True):
    side = image.shape[0] // 2
    study.draw_image(
        axis, image[side // 2 : -side // 2, side // 2 : -side // 2], title=title, norm=Normalize(0, 45000), cmap="gray"
    )
study.publish_figure(
    "sim-transfer-unlike",
    figure,
    alt="One structure: bright and dim reconstruction, and the dim one restored by a network that was trained on the structure, "
    "by one that was trained on microtubules, and by the large network of all.",
    caption="The structure for which a network trained on microtubules falls farthest behind its own: "
    f"{unlike.replace('_', ' ')} (gain {own:.1f} dB with its own, {other:.1f} dB with that of microtubules). Scale bars 1 µm.",
    data=pictures,
)

# %% [markdown]
# **What this shows.** Whether the source's warning is about diversity as such, or about one network size and one budget.
#
# **What it does not.** Six simulated structures under one microscope and one light level are less varied than a laboratory's
# archive. The larger network has more maps, more steps and a lower rate, and the specialists have none of these: a difference
# between them has no single cause.

# %% [markdown]
# ## Exercises
#
# 1. Adapt the pre-trained network with a tenth of the learning rate. Which helps it more, all fields or twice the steps?
# 2. Which two structures would you put together? Look for it in the matrix before you train.

# %% tags=["solution"]
for count, times in ((images[0], 1), (images[-1], 1), (images[0], 2)):
    slower = replace(recipe, learning_rate=adaptation_rate / 10, steps=times * steps)
    slow = replace(learner(count, "anatomy", training_seeds[0]), recipe=slower)
    usual = curve["anatomy", count].mean()
    print(f"{count} field(s), {times * steps} steps: {gain(slow).mean():.2f} dB; usual rate and steps {usual:.2f} dB")

# %% tags=["solution"]
pairs = [(i, j) for i, j in product(range(len(kinds)), repeat=2) if i < j]
pair = max(pairs, key=lambda p: matrix[p] + matrix[p[::-1]])
print("largest sum of the gains from each other's network:", kinds[pair[0]], "and", kinds[pair[1]])

# %% [markdown]
# ## Provenance

# %%
study.end()
