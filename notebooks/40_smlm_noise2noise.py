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
# # Localisation microscopy by Noise2Noise: dense images from few blinks
#
# Localisation microscopy builds its image from single blinks, and a good image needs millions of them. Can a network that
# has never seen a good image learn to draw one from few blinks, just by predicting one random half of the blinks from the
# other? [lefebvre2020] says so. This notebook rebuilds its simulator, its network and its three ways of making training
# pairs, regenerates its three figures and judges its claims; then it asks whether the disagreement of networks tells their
# error, and how much acquisition time is saved. As a lesson it takes a few minutes on a laptop. It uses two open data sets of
# 4 MB and 0.3 MB, and says so where one of them is not at hand.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
density_per_um2: float = 1.0e4  # low density, blinks per µm² of field; "10k" of the source
dense_per_um2: float = 2.0e6  # density of clean images; "2M"
error_um: float = 0.005  # localisation error of training, standard deviation per axis, µm
field_um: float = 2.56  # edge of a scene, µm; 256 pixels of 10 nm in the source
training_images: int = 16  # scenes that the strategies are trained on; 64 in the source
validation_images: int = 12  # fresh scenes that they are judged on; 64 in the source
folds: int = 3  # of the cross-validation of strategies; 4 in the source
seeds: int = 1  # networks per setting where the simulator is in the loop
filters: int = 16  # of every convolution; 48 in the source
steps: int = 140  # training steps; about 7,800 in the source (1M samples)
batch: int = 4  # patches per step; 128 in the source
patch_px: int = 48  # edge of a patch, pixels of 10 nm
learning_rate: float = 2.0e-3  # of Adam, halved four times towards the end; 1e-4 throughout in the source
loss_patches: int = 96  # on which the final losses of a fold are measured
sweep_um: float = 1.28  # edge of the scenes that density and error are swept on, µm
sweep_images: int = 12  # such scenes
densities: list[float] = [300.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 3e5, 1e6]  # of test scenes, blinks per µm²
errors_um: list[float] = [0.0, 0.002, 0.004, 0.005, 0.006, 0.008, 0.01, 0.012, 0.015, 0.02]  # of test scenes, µm
training_errors_um: list[float] = [0.002, 0.005, 0.01]  # of networks with the simulator in the loop, µm
ensemble_images: int = 6  # validation scenes that are also restored mirrored and turned
actin_um: float = 2.56  # edge of a simulated actin acquisition, µm; 20 in the source
actin_density_per_um2: float = 1.9e3  # mean density of the acquisitions
actin_density_sd: float = 350.0  # its standard deviation between acquisitions
acquisitions: int = 10  # of actin that networks learn from
actin_folds: int = 4  # of their cross-validation; 10 in the source
tubulin_folds: int = 3  # parts of the real recording, each left out by one network
tubulin_pixel_um: float = 0.02  # rendering grid of the real localisations, µm
frame_shares: list[float] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0]  # lengths of an acquisition, in those of the source

# %%
import hashlib

import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr
from matplotlib.colors import ListedColormap, Normalize
from scipy import stats
from scipy.ndimage import gaussian_filter, minimum_filter
from skimage.filters import threshold_otsu

from nbsupport import study
from nbsupport.assess.fidelity import psnr, rescale, ssim
from nbsupport.assess.resolution import frc, half_sets
from nbsupport.assess.statistics import equivalence, mean_interval, paired_difference, resampled
from nbsupport.codebase import code_sha256
from nbsupport.reconstruct.localisations import localise, read_picasso, render
from nbsupport.reconstruct.stacks import read_stack
from nbsupport.restore import halves, losses
from nbsupport.restore.networks.noise2noise import localisation_unet
from nbsupport.restore.tiling import apply
from nbsupport.restore.training import crops, fit, halve_at, supervised
from nbsupport.simulate.blinks import KINDS, SceneRules, blinks, expected_counts, point_cloud, scene
from nbsupport.simulate.blinks import density_per_um2 as density_of
from nbsupport.study import layout

study.begin("40_smlm_noise2noise", globals())
rules = SceneRules()
AREA = 0.01**2  # µm² of a pixel of 10 nm
UNIT = density_per_um2 * AREA  # blinks per pixel at the low density: the unit of images that networks see
bootstrap = study.streams(seed, "bootstrap").bootstrap
redraw = study.streams(seed, "intervals of claims")["intervals of claims"]


# %% [markdown]
# ## The simulator
#
# **The source says** ([lefebvre2020], section 2.2): primitives (B-splines, lines, circles, ellipses and rings) with random
# position, size, thickness are painted at 2 nm; blinks are drawn from that image and moved by a Gaussian localisation
# error of 5 nm; every blink goes to the nearest cell of a 10 nm grid. The low density is 10k, the high one 2M blinks/µm².
#
# **What we do.** The ranges of the primitives are unsaid; ours stand in `SceneRules`. Circles and ellipses are filled, for
# a circle that is not would be a ring. All structure blinks alike. The number of blinks is Poisson distributed, and so
# are the counts of all pixels, independently: their mean is the structure, blurred by the error and summed over pixels,
# which `expected_counts` gives exactly. Dense images are drawn from that mean, which has the same law as two million
# single blinks per µm² and costs nothing.


# %%
def drawn(name, count, width_um, like=rules):
    """Scenes of one kind, each from a random stream of its own."""
    numbers = study.track(range(count), f"drawing {name}s")
    return [scene(rng=study.streams(seed, name, sample=i)[name], field_um=width_um, rules=like) for i in numbers]


def rate(of, error=error_um):
    """Expected image of a scene in units of its mean: 1 per pixel on average."""
    return expected_counts(of, density_per_um2=1 / AREA, error_um=error).values


def look(truth, density, rng):
    """One image of a scene with this rate at some density, again with the mean 1."""
    return rng.poisson(truth * density * AREA) / (density * AREA)


def picture(values, pixel_um=0.01):
    """An image with coordinates in µm."""
    y, x = ((np.arange(size) + 0.5) * pixel_um for size in values.shape)
    return xr.DataArray(np.asarray(values, dtype=float), dims=("y", "x"), coords={"y": y, "x": x})


# %%
training = drawn("training scene", training_images, field_um)
validation = drawn("validation scene", validation_images, field_um)
training_rates = [rate(each) for each in study.track(training, "expected images")]
validation_rates = [rate(each) for each in study.track(validation, "expected images")]
first, second = (
    [
        blinks(each, density_per_um2=density_per_um2, error_um=error_um, rng=study.streams(seed, name, sample=i)[name])
        for i, each in enumerate(training)
    ]
    for name in ("first blinks", "second blinks")
)
dense = study.streams(seed, "dense").dense
clean = [look(each, dense_per_um2, dense) for each in training_rates]
truth = [look(each, dense_per_um2, dense) for each in validation_rates]

# %%
checks = study.streams(seed, "dot", "dot blinks", "flat", "split")
dot = SceneRules(kinds=("circle",), radius_um=(0.002, 0.002), per_um2=0.1)
dot_scene = scene(rng=checks.dot, field_um=0.64, rules=dot)
spot = blinks(dot_scene, density_per_um2=1e5, error_um=error_um, rng=checks["dot blinks"])
# the dot has a variance of its own: that of its painted cells of 2 nm, and that of a place within a cell
own_y, own_x = (0.002**2 * (np.var(cells) + 1 / 12) for cells in np.nonzero(dot_scene.structure))
area = field_um**2
measured = {
    "low density (blinks/µm²)": (density_per_um2, np.mean([density_of(cloud) for cloud in first]), len(first)),
    "high density (blinks/µm²)": (
        dense_per_um2,
        np.mean([image.mean() for image in clean]) * dense_per_um2,
        len(clean),
    ),
    "error along y (nm)": (1000 * error_um, 1000 * np.sqrt(float(spot.y.var()) - own_y), spot.sizes["blink"]),
    "error along x (nm)": (1000 * error_um, 1000 * np.sqrt(float(spot.x.var()) - own_x), spot.sizes["blink"]),
}
study.publish_table(
    "smlm-simulator",
    {
        "quantity": list(measured),
        "asked for": [values[0] for values in measured.values()],
        "measured": [float(values[1]) for values in measured.values()],
        "difference (%)": [100 * float(values[1] / values[0] - 1) for values in measured.values()],
        "n": [values[2] for values in measured.values()],
    },
    caption="What the simulator was asked for and what it draws: densities averaged over scenes, errors over blinks.",
)

# %% [markdown]
# **A gap in the source.** Its densities are per µm² in the methods and per field of view in the results. A field of
# 256 × 256 pixels of 10 nm has 6.55 µm²: 10k per µm² are 65,536 blinks, one per pixel on average, and 10k per field are
# one in seven pixels. Nor is it said whether the area is that of the field or of the structure. The same scene under the
# three readings:

# %%
reading = {
    "per µm² of field (ours)": density_per_um2,
    "per field of view": density_per_um2 / area,
    "per µm² of structure": density_per_um2 * training[0].coverage,
}
rng = study.streams(seed, "readings").readings
views = {name: picture(rng.poisson(training_rates[0] * density * AREA)) for name, density in reading.items()}
figure, axes = plt.subplots(1, 3, figsize=(9, 3))
for axis, (name, view) in zip(axes, views.items(), strict=True):
    drawn_image = study.draw_image(
        axis, view, title=f"{name}: {view.mean():.2g} per pixel", norm=Normalize(0, 8), scale_bar_um=0.2 * field_um
    )
figure.colorbar(drawn_image, ax=axes, label="blinks per pixel", shrink=0.8)
study.publish_figure(
    "smlm-density-readings",
    figure,
    alt="One scene rendered at three densities: well filled structures, and scattered single blinks under both other readings.",
    caption=f"Three readings of “{density_per_um2:g} blinks”. Scale bar {200 * field_um:.0f} nm.",
    data=views,
)

# %%
cover = study.keep("scene_coverage", percent=100 * float(np.mean([each.coverage for each in training])))
study.say(
    "**We read densities per µm² of the whole field.** Were 10k meant per field of view, the source's actin data (1.9k/µm²) "
    "would not be five times sparser than its synthetic data, as it says; counted per µm² of structure, they would be so "
    "only if actin were counted in the same way. Structure covers {percent:.0f} % of our scenes.",
    cover,
)

# %% [markdown]
# **What this shows.** The simulator draws what it is asked for.
#
# **What it does not.** Real blinks are no Poisson process: one emitter blinks repeatedly, at one place, and detections fail
# where they crowd. The coverage, and with it how noisy 10k blinks/µm² look, is our choice; PSNR and SSIM depend on it.

# %% [markdown]
# ## Three ways to make pairs
#
# **The source says** (equation 1): find $\operatorname{argmin}_\theta \sum_i L(f_\theta(x_{i,1}), x_{i,2})$ for pairs of
# sparse images with no blink in common. *N2C* pairs a sparse with a dense image. *n2n-fixed* pairs two sparse images,
# rendered once before training. *n2n-dynamic* joins the blinks of those two and makes new pairs at every step: on
# coordinates, a random crop, rotation and flips; 95 % kept; split at random in two; counted on the 10 nm grid. (That the
# union of the subsets is an *element* of the set of blinks, as printed, is a slip: it is a subset.)
#
# **What we do.** The same. Every image of a fixed pair holds 10k/µm², so that the dynamic pool holds 20k and each of its
# halves 9.5k: all strategies then see inputs of nearly one density. The angle is any; the window always lies inside the field.
# N2C and n2n-fixed get random crops alone, since the source names no augmentation for them; a fourth strategy, *N2C,
# augmented*, turns and mirrors like n2n-dynamic. An image counts blinks; dense images are brought to the same mean.

# %%
first_images, second_images = (
    [render(cloud).values.astype(np.float32) for cloud in clouds] for clouds in (first, second)
)
pooled = [xr.concat(pair, dim="blink") for pair in zip(first, second, strict=True)]
clean_targets = [UNIT * image for image in clean]
STRATEGIES = ("N2C", "N2C, augmented", "n2n-fixed", "n2n-dynamic")
TRAINED = dict.fromkeys(STRATEGIES, UNIT) | {"n2n-dynamic": halves.KEPT * UNIT}  # mean count of a training input
shape = {"patch_px": patch_px, "batch": batch}


def pairs_of(strategy, chosen, seed, batch=batch):
    """Batches of one strategy from some of the training scenes."""
    a, b, c, clouds, pool = (
        [s[i] for i in chosen] for s in (first_images, second_images, clean_targets, first, pooled)
    )
    if strategy == "n2n-dynamic":
        return halves.DynamicPairs(pool, patch_px=patch_px, batch=batch, seed=seed, mean_count=1.0)
    if strategy == "N2C, augmented":
        made = {"dense_per_um2": dense_per_um2, "error_um": error_um, "patch_px": patch_px, "batch": batch}
        return halves.AugmentedCleanPairs([training[i] for i in chosen], clouds, seed=seed, **made)
    return crops(a, c if strategy == "N2C" else b, size=patch_px, batch=batch, seed=seed, augment=False)


# %%
width = max(0.64, sweep_um / 2)
count = checks.flat.poisson(density_per_um2 * width**2, size=100)
correlation, moments = [], []
for n in count:
    flat = point_cloud(*checks.flat.uniform(0, width, (2, n)), field_um=((0, width), (0, width)))
    parts = [render(half).values.ravel() for half in halves.split(flat, rng=checks.split)]
    correlation.append(np.corrcoef(*parts)[0, 1] * np.sqrt(parts[0].size))
    moments.append([parts[0].mean(), parts[0].var()])
one, two = halves.split(pooled[0], rng=checks.split)
places = [set(zip(half.y.values.tolist(), half.x.values.tolist(), strict=True)) for half in (one, two, pooled[0])]
partition = study.keep(
    "partition",
    pool=pooled[0].sizes["blink"],
    shared=len(places[0] & places[1]),
    kept=len(places[0] | places[1]),
    foreign=len((places[0] | places[1]) - places[2]),
    mean=float(np.mean(moments, axis=0)[0]),
    variance=float(np.mean(moments, axis=0)[1]),
    expected=0.475 * UNIT,
    correlation=float(np.mean(correlation)),
    correlation_error=float(np.std(correlation) / np.sqrt(len(correlation))),
)
study.say(
    "Of a pool of {pool} blinks the halves hold {kept}, have {shared} in common and none from elsewhere ({foreign}). On flat "
    "scenes at the low density a half has the mean {mean:.4f} (0.95/2 of the density: {expected:.4f}) and the variance "
    "{variance:.4f} blinks per pixel, as a Poisson image must, and the two halves correlate by {correlation:.2f} ± "
    "{correlation_error:.2f} in units of $1/\\sqrt{{\\text{{pixels}}}}$: not at all.",
    partition,
)

# %%
everything = range(training_images)
examples = {name: pairs_of(name, everything, seed=3, batch=2) for name in ("N2C", "n2n-fixed", "n2n-dynamic")}
figure = plt.figure(figsize=(9.5, 5.8))
figure.suptitle(r"$\operatorname{argmin}_\theta\ \sum_i L\,(f_\theta(x_{i,1}),\,x_{i,2})$", fontsize=13)
grid = figure.add_gridspec(3, 6, width_ratios=[1, 1, 1, 1, 0.35, 1.6])
data = {}
for row, (name, pairs) in enumerate(examples.items()):
    for column in range(4):
        step, side = divmod(column, 2)
        view = picture(pairs.batch(step)[side][0, 0].numpy())
        data[f"{name}, step {step + 1}, {('input', 'target')[side]}"] = view
        axes = figure.add_subplot(grid[row, column])
        study.draw_image(axes, view, norm=Normalize(0, 12), scale_bar_um=0.16)
        axes.set_title(f"step {step + 1}, $x_{{{side + 1}}}$" if row == 0 else "")
        axes.set_ylabel(name if column == 0 else "")
axes = figure.add_subplot(grid[:, 5])
bins = np.linspace(-4, 4, 17)
axes.hist(correlation, bins, density=True, alpha=0.6, label="halves, flat scenes")
fine_bins = np.linspace(-4, 4, 161)
axes.plot(fine_bins, stats.norm.pdf(fine_bins), color="black", linewidth=0.8, label="independent images")
axes.set(xlabel=r"correlation $\times\sqrt{\mathrm{pixels}}$", ylabel="density", title="independence")
axes.set_ylim(0, 0.62)
axes.legend(loc="upper left")
study.publish_figure(
    "lefebvre2020-eq-1-pairs",
    figure,
    alt="Equation 1 above three rows of patches: sparse and dense for N2C, two sparse images for n2n-fixed, and for "
    "n2n-dynamic pairs that are turned and newly split at each step. A histogram of the correlation of halves follows the "
    "normal curve of independent images.",
    caption="The objective, and the pairs that each strategy gives the network at two steps (0 to 12 blinks per pixel, scale "
    "bar 160 nm). Right: correlation of the two halves of 100 flat scenes, in standard deviations of independent images.",
    data=data,
)

# %% [markdown]
# **What this shows.** Splitting is a partition, and on scenes that blink anew the halves are independent Poisson images.
#
# **What it does not.** Split the *same* set again and again, and the mean over all splits of a target is the set itself, not
# the structure: given the total $c$ of a pixel, the halves covary by $-0.475^2 c$. A network that could memorise its
# scenes would end at the point cloud. Ours trains too briefly for that, and so cannot show it.

# %% [markdown]
# ## Training, and what it costs here
#
# **The source says**: a U-Net with 48 filters everywhere, 7 × 7 kernels in the initial block, four levels, leaky ReLU, no
# normalisation, linear output; smooth L1; Adam at 1e-4; batches of 128 patches of 64 × 64; one million samples.
#
# **What we do.** The network as written (both convolutions of the initial block 7 × 7: 489,697 weights at 48 filters; the
# wording also allows 397,537, and 439,105 with a bottleneck). A million samples take hours per network on a processor, and
# this notebook trains dozens. So batch and steps are those of the parameters cell, far fewer than the source's; the
# learning rate is higher by a factor of ten or more and is halved four times towards the end. Batches are small
# rather than steps few; this choice is not tested here. Every comparison below is between networks that were all cut short
# alike.

# %%
facts = [rules, density_per_um2, dense_per_um2, field_um, training_images, patch_px, batch, sweep_um, actin_um]
facts += [
    actin_density_per_um2,
    actin_density_sd,
    acquisitions,
    seed,
    code_sha256(layout.NOTEBOOKS / "40_smlm_noise2noise.py"),
]
trainings = layout.DATA / "trainings" / f"40-{hashlib.sha256(repr(facts).encode()).hexdigest()[:12]}"
lower = halve_at([max(1, int(part * steps)) for part in (0.6, 0.75, 0.85, 0.95)])


def trained(name, pairs, *, loss="Huber", draw=0):
    """A network trained on these pairs, or taken up where an interrupted run left it."""
    network = localisation_unet(filters=filters, seed=1000 * seed + draw)
    options = {"steps": steps, "learning_rate": learning_rate, "schedule": lower, "seed": draw}
    folder = trainings / f"{name}-{filters}-{steps}-{learning_rate:g}".replace(", ", "-").replace(" ", "-")
    bar = study.Progress(f"training {name}")
    return fit(network, supervised(losses.loss(loss)), pairs, checkpoint=folder, progress=bar, **options)


def restored(network, image, trained_mean):
    """Rate that a network makes of an image with the mean 1, given the mean count of its training inputs."""
    return apply(network, trained_mean * image, precision="auto") / trained_mean


# %%
weights = {
    "both convolutions of the first block 7 × 7 (ours)": {},
    "first convolution alone": {"both_first": False},
    "first convolution alone, and a bottleneck": {"both_first": False, "bottleneck": True},
}
source_samples, our_samples = 1_000_000, steps * batch
study.publish_table(
    "smlm-network",
    {
        "reading of the wording": list(weights),
        "weights at 48 filters": [
            sum(w.numel() for w in localisation_unet(**options).parameters()) for options in weights.values()
        ],
        f"weights at {filters} filters": [
            sum(w.numel() for w in localisation_unet(filters=filters, **options).parameters())
            for options in weights.values()
        ],
    },
    caption=f"Size of the network under three readings. Trained here: {steps} steps of {batch} patches, {our_samples} samples, "
    f"{100 * our_samples / source_samples:.2g} % of the source's.",
)

# %% [markdown]
# ## Strategies compared
#
# **The source says** (section 3.1, Figs. 1 and 2B): with 64 images of 256 × 256, four folds and 64 further images for
# validation, n2n-fixed gives a lower SSIM than N2C and n2n-dynamic a higher one; PSNR does not differ; the losses vary by
# 0.8 to 2.5 % between folds; dynamic pairs are thought to regularise, so that images come out smoother.
#
# **What we do.** Four strategies, the same folds, the same initial weights per fold. Networks are judged on sparse images of
# the low density against clean ones. **Scale:** every image is divided by its own expected mean, so that 2M and 10k
# blinks/µm² can be compared at all; SSIM and PSNR then take the range of the clean image. Where the source is silent on
# this, its numbers could be anything; the sweep below compares scalings.


# %%
def score(clean_image, image):
    """SSIM, and PSNR in dB, over the range of the clean image."""
    span = float(np.ptp(clean_image))
    return ssim(clean_image, image, data_range=span), psnr(clean_image, image, data_range=span)


def in_fold(k, inside):
    """Scenes that fold k tests on, or trains on."""
    return [i for i in everything if (i % folds == k) == inside]


def final_loss(network, pairs):
    """Loss of a trained network on one large batch."""
    given, target = pairs.batch(0)
    with torch.no_grad():
        return float(losses.loss("Huber")(network(given), target))


# %%
test_rng = study.streams(seed, "test blinks")["test blinks"]
tests = [look(each, density_per_um2, test_rng) for each in validation_rates]
fits = {
    (name, k): trained(f"{name}-fold-{k}", pairs_of(name, in_fold(k, False), seed=k), draw=k)
    for name in STRATEGIES
    for k in range(folds)
}
outputs = {
    name: np.stack(
        [
            [restored(fits[name, k].network, image, TRAINED[name]) for image in tests]
            for k in study.track(range(folds), f"restoring by {name}")
        ]
    )
    for name in STRATEGIES
}
scores = {
    name: np.array([[score(*pair) for pair in zip(truth, fold, strict=True)] for fold in outputs[name]])
    for name in STRATEGIES
}
final = {
    name: np.array(
        [
            [
                final_loss(fits[name, k].network, pairs_of(name, in_fold(k, inside), seed=99, batch=loss_patches))
                for inside in (False, True)
            ]
            for k in range(folds)
        ]
    )
    for name in STRATEGIES
}

# %%
smooth_sigmas = np.array([0.5, 0.7, 1.0, 1.5, 2.0])
by_sigma = [
    np.mean([score(c, gaussian_filter(i / UNIT, s))[0] for c, i in zip(clean, first_images, strict=True)][:8])
    for s in smooth_sigmas
]
smooth_px = float(smooth_sigmas[np.argmax(by_sigma)])
baselines = {
    "sparse input": np.array([score(c, i) for c, i in zip(truth, tests, strict=True)]),
    f"input smoothed by {smooth_px:g} px": np.array(
        [score(c, gaussian_filter(i, smooth_px)) for c, i in zip(truth, tests, strict=True)]
    ),
    "constant 1": np.array([score(c, np.ones_like(c)) for c in truth]),
}
per_image = baselines | {name: values.mean(axis=0) for name, values in scores.items()}
rows = list(per_image)
study.publish_table(
    "smlm-strategies",
    {
        "image": rows,
        "SSIM": [f"{per_image[r][:, 0].mean():.4f} ± {per_image[r][:, 0].std(ddof=1):.4f}" for r in rows],
        "PSNR (dB)": [f"{per_image[r][:, 1].mean():.2f} ± {per_image[r][:, 1].std(ddof=1):.2f}" for r in rows],
        "sd of SSIM over folds": [
            float(scores[r][:, :, 0].mean(axis=1).std(ddof=1)) if r in scores else None for r in rows
        ],
        "training loss": [float(final[r][:, 0].mean()) if r in final else None for r in rows],
        "test loss": [float(final[r][:, 1].mean()) if r in final else None for r in rows],
        "worst sd of losses over folds (%)": [
            float(100 * (final[r].std(axis=0, ddof=1) / final[r].mean(axis=0)).max()) if r in final else None
            for r in rows
        ],
    },
    caption=f"Strategies and baselines on {validation_images} fresh images, mean ± standard deviation over images of the mean "
    f"over {folds} folds. The smoothing was chosen by SSIM on training images. Losses are comparable within a strategy only: N2C "
    "has targets without noise.",
)

# %%
example = 0
palette = ListedColormap(["black", *[f"C{i}" for i in (0, 1, 2, 3, 4)]])
panels = {
    "LD": tests[example],
    "HD": truth[example],
    **{name: outputs[name][0, example] for name in ("N2C", "n2n-fixed", "n2n-dynamic")},
}
names = {"LD": "LD, sparse input", "HD": "HD, dense target", "n2n-fixed": "N2N-fixed", "n2n-dynamic": "N2N-dynamic"}
figure, axes = plt.subplots(2, 3, figsize=(9.5, 6))
study.draw_image(
    axes[0, 0], validation[example].kinds, title="GT", norm=Normalize(0, 5), cmap=palette, scale_bar_um=0.2 * field_um
)
for label, kind in enumerate(KINDS, start=1):
    axes[0, 0].plot([], [], "s", color=palette(label), label=kind)
axes[0, 0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=3, columnspacing=0.8, handletextpad=0.2)
shared = Normalize(0, float(np.percentile(truth[example], 99.9)))
for axis, (name, image) in zip(axes.flat[1:], panels.items(), strict=True):
    shown = study.draw_image(
        axis, picture(image), title=names.get(name, name), norm=shared, scale_bar_um=0.2 * field_um
    )
figure.colorbar(shown, ax=axes, label="rate over its mean", shrink=0.7)
study.publish_figure(
    "lefebvre2020-fig-1",
    figure,
    alt="Six panels of one scene: the true primitives coloured by kind, the grainy sparse input, the smooth dense target, and "
    "three reconstructions by N2C, N2N-fixed and N2N-dynamic, all far smoother than the input.",
    caption=f"One validation scene: truth by primitive, sparse input ({density_per_um2:,.0f}/µm²), dense target "
    f"({dense_per_um2:,.0f}/µm²), and the input restored by networks of fold 0, all on one scale. Scale bar "
    f"{200 * field_um:.0f} nm.",
    data={name: picture(image) for name, image in panels.items()},
)

# %%
N2C, AUGMENTED, FIXED, DYNAMIC = (scores[name] for name in STRATEGIES)
paired = f"paired bootstrap over {validation_images} images, {folds} folds each, 95 %"
study.claim(
    "lefebvre2020-fixed-below-n2c",
    measured=paired_difference(FIXED[:, :, 0], N2C[:, :, 0], rng=bootstrap),
    spread=paired,
    n=validation_images,
)

# %%
study.claim(
    "lefebvre2020-dynamic-above-n2c",
    measured={
        "gain_over_n2c": paired_difference(DYNAMIC[:, :, 0], N2C[:, :, 0], rng=bootstrap),
        "gain_over_augmented": paired_difference(DYNAMIC[:, :, 0], AUGMENTED[:, :, 0], rng=bootstrap),
    },
    spread=paired,
    n=validation_images,
)

# %%
study.claim(
    "lefebvre2020-n2n-close-to-n2c",
    measured={
        "ssim_difference": paired_difference(DYNAMIC[:, :, 0], N2C[:, :, 0], rng=bootstrap),
        "psnr_difference_db": paired_difference(DYNAMIC[:, :, 1], N2C[:, :, 1], rng=bootstrap),
    },
    spread=paired,
    n=validation_images,
)

# %% [markdown]
# The source tests PSNR with Student's test for independent samples. The images are the same for all strategies, so a paired
# test would see more; and not to find a difference is not to find equality, for which there is a test of its own.

# %%
trio = [("N2C", "n2n-fixed"), ("N2C", "n2n-dynamic"), ("n2n-fixed", "n2n-dynamic")]
decibels = {name: scores[name][:, :, 1].mean(axis=0) for name in STRATEGIES}
p_student = {pair: float(stats.ttest_ind(*(decibels[name] for name in pair)).pvalue) for pair in trio}
p_paired = {pair: float(stats.ttest_rel(*(decibels[name] for name in pair)).pvalue) for pair in trio}
alike = {pair: equivalence(*(decibels[name] for name in pair), margin=0.5) for pair in trio}
study.publish_table(
    "smlm-psnr-tests",
    {
        "pair": [f"{a} − {b}" for a, b in trio],
        "difference (dB)": [float((decibels[a] - decibels[b]).mean()) for a, b in trio],
        "p, independent samples (source)": [f"{p_student[pair]:.2g}" for pair in trio],
        "p, paired": [f"{p_paired[pair]:.2g}" for pair in trio],
        "equal within 0.5 dB": ["shown" if alike[pair].shown else "not shown" for pair in trio],
    },
    caption=f"PSNR of three strategies on {validation_images} images (mean over folds): difference tests and an "
    "equivalence test.",
)


# %%
def told_apart(networks, images):
    """Number of pairs that Student's test tells apart; the same image again and again tells none apart."""
    if np.ptp(images) == 0:
        return {"pairs_different": 0}
    drawn = {name: scores[name][np.ix_(networks, images)][:, :, 1].mean(axis=0) for name in STRATEGIES}
    summary = {name: (values.mean(), values.std(ddof=1), values.size) for name, values in drawn.items()}
    p_values = [stats.ttest_ind_from_stats(*summary[a], *summary[b]).pvalue for a, b in trio]
    return {"pairs_different": sum(p < 0.005 for p in p_values)}


study.claim(
    "lefebvre2020-psnr-no-difference",
    measured=resampled(told_apart, folds, validation_images, rng=redraw),
    spread=f"bootstrap over {folds} folds and {validation_images} images, tested anew in each draw, 95 %",
    n=validation_images,
)

# %%
fold_percent = {name: 100 * values.std(axis=0, ddof=1) / values.mean(axis=0) for name, values in final.items()}
source_trio = ("N2C", "n2n-fixed", "n2n-dynamic")
study.claim(
    "lefebvre2020-low-fold-variance",
    measured=max(fold_percent[name].max() for name in source_trio),
    spread="no interval: itself a spread over folds, of which there are too few to draw from",
    n=folds,
)


# %%
def local_variance(image, flat):
    """Variance within a few pixels, inside wide structures, over the squared mean there."""
    variance = gaussian_filter(image**2, 1.5) - gaussian_filter(image, 1.5) ** 2
    return variance[flat].mean() / image[flat].mean() ** 2


def fine_power(image):
    """Share of the power, without the mean, beyond a quarter of a cycle per pixel."""
    power = np.abs(np.fft.fft2(image - image.mean())) ** 2
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(image.shape[0]), np.fft.fftfreq(image.shape[1]), indexing="ij"))
    return power[radius > 0.25].sum() / power.sum()


insides = [minimum_filter(each, 9) > 0.9 * each.max() for each in validation_rates]
wide = [i for i, inside in enumerate(insides) if inside.any()]
rough = {
    name: np.array([[local_variance(fold[i], insides[i]) for i in wide] for fold in outputs[name]])
    for name in source_trio
}
fine = {name: float(np.mean([[fine_power(image) for image in fold] for fold in outputs[name]])) for name in source_trio}
gap = {name: (final[name][:, 1] - final[name][:, 0]) / final[name][:, 0] for name in source_trio}


def smoother(networks, images):
    """n2n-dynamic against the better of the other two, by local variance and by what losses grow in testing."""
    variance = {name: values[np.ix_(networks, images)].mean() for name, values in rough.items()}
    growth = {name: values[networks].mean() for name, values in gap.items()}
    return {
        "variance_ratio": variance["n2n-dynamic"] / min(variance["N2C"], variance["n2n-fixed"]),
        "loss_gap_lead": min(growth["N2C"], growth["n2n-fixed"]) - growth["n2n-dynamic"],
    }


study.claim(
    "lefebvre2020-dynamic-smoother",
    measured=resampled(smoother, folds, len(wide), rng=redraw),
    spread=f"bootstrap over {folds} folds and {len(wide)} images (variance) and over folds (loss), 95 %",
    n=len(wide),
)

# %%
smoothness = study.keep(
    "strategy_smoothness",
    **{f"{name.replace('-', '_')}_variance": float(rough[name].mean()) for name in source_trio},
    **{f"{name.replace('-', '_')}_fine": 100 * fine[name] for name in source_trio},
    clean_fine=100 * float(np.mean([fine_power(image) for image in truth])),
)
study.say(
    "Power beyond a quarter of a cycle per pixel: {N2C_fine:.2f} % (N2C), {n2n_fixed_fine:.2f} % (n2n-fixed), "
    "{n2n_dynamic_fine:.2f} % (n2n-dynamic), {clean_fine:.2f} % in the clean images.",
    smoothness,
)

# %% [markdown]
# **What this shows.** The verdicts above, and what a network gains over plain smoothing:

# %%
smoothed = baselines[f"input smoothed by {smooth_px:g} px"].mean(axis=0)
gains = study.keep(
    "gain_over_smoothing",
    ssim_dynamic=float(DYNAMIC[..., 0].mean() - smoothed[0]),
    psnr_dynamic=float(DYNAMIC[..., 1].mean() - smoothed[1]),
    ssim_n2c=float(N2C[..., 0].mean() - smoothed[0]),
    psnr_n2c=float(N2C[..., 1].mean() - smoothed[1]),
)
study.say(
    "Over the input smoothed by the best Gaussian, n2n-dynamic gains {ssim_dynamic:+.3f} in SSIM and {psnr_dynamic:+.1f} dB, N2C "
    "{ssim_n2c:+.3f} and {psnr_n2c:+.1f} dB; n2n-dynamic has seen no clean image.",
    gains,
)

# %% [markdown]
# **What it does not.** The intervals of differences are over images, with the networks as they are. SSIM varies over folds by
# about as much as strategies differ, or more (table), so that another draw of folds and weights may turn their order.
# Where folds are drawn too, they are few, and they share training scenes. The source's 1M samples are about a thousand
# passes over its 64 images, in which noise could be learnt by heart; ours are a few. Whether the source's N2C was
# augmented is unsaid.

# %% [markdown]
# ## Loss and count scaling
#
# **The source says** (section 2.1): smooth L1 was chosen since it minds outliers less than L2, which it equals near zero.
# How counts were scaled before the loss is unsaid.
#
# **What we do.** L1, L2 and smooth L1 on the same dynamic pairs. Only L2 aims at the mean: smooth L1 leans to the
# median wherever errors exceed 1, and *that* depends on the unit. Ours is the blink, which at the low density is also the
# mean of an image, so raw counts and counts over their mean coincide. To see what the choice does, smooth L1 is also
# trained with counts multiplied by ten (nearly L1) and divided by ten (nearly L2).

# %%
repeats = max(seeds, 3) if folds >= 3 else folds
variants = {
    "smooth L1": ("Huber", 1.0),
    "L2": ("L2", 1.0),
    "L1": ("L1", 1.0),
    "smooth L1, counts × 10": ("Huber", 0.1),
    "smooth L1, counts ÷ 10": ("Huber", 10.0),
}


def loss_network(variant, k):
    """Network of a loss variant, trained on the dynamic pairs of fold k."""
    if variant == "smooth L1":
        return fits["n2n-dynamic", k].network
    loss, scale = variants[variant]
    pairs = halves.DynamicPairs([pooled[i] for i in in_fold(k, False)], seed=k, mean_count=scale, **shape)
    return trained(f"{variant}-fold-{k}".replace("×", "times").replace("÷", "over"), pairs, loss=loss, draw=k).network


loss_scores, loss_bias = {}, {}
bright = [each > 0.9 * each.max() for each in validation_rates]
for variant, (_, scale) in variants.items():
    runs = range(repeats if "counts" not in variant else 1)
    found = np.stack(
        [
            [restored(net, image, TRAINED["n2n-dynamic"] / scale) for image in tests]
            for net in (loss_network(variant, k) for k in runs)
        ]
    )
    loss_scores[variant] = np.array([[score(*pair) for pair in zip(truth, run, strict=True)] for run in found])
    loss_bias[variant] = float(
        np.mean(
            [
                [image[b].mean() / r[b].mean() for image, b, r in zip(run, bright, validation_rates, strict=True)]
                for run in found
            ]
        )
    )

# %%
study.publish_table(
    "smlm-losses",
    {
        "loss": list(variants),
        "networks": [len(loss_scores[v]) for v in variants],
        "SSIM": [float(loss_scores[v][..., 0].mean()) for v in variants],
        "PSNR (dB)": [float(loss_scores[v][..., 1].mean()) for v in variants],
        "output over expected rate, bright structure": [loss_bias[v] for v in variants],
    },
    caption=f"Three losses, and three units for smooth L1, on dynamic pairs; mean over networks and {validation_images} images.",
)
study.claim(
    "lefebvre2020-huber-suits",
    measured={
        "gain_over_l2": paired_difference(
            loss_scores["smooth L1"][:repeats, :, 0], loss_scores["L2"][..., 0], rng=bootstrap
        ),
        "gain_over_l1": paired_difference(
            loss_scores["smooth L1"][:repeats, :, 0], loss_scores["L1"][..., 0], rng=bootstrap
        ),
    },
    spread=f"paired bootstrap over {validation_images} images, {repeats} networks each, 95 %",
    n=validation_images,
)

# %% [markdown]
# **What this shows.** Where errors are mostly below one unit, smooth L1 *is* L2; where they are above, it is L1 and dims what
# is bright and sparse. The choice of the unit is therefore part of the loss, and the source does not state it.
#
# **What it does not.** These data have no outliers: the counts are Poisson. Real ones have emitters that blink without end,
# against which a robust loss may well help. The intervals are over images and leave out that another training moves SSIM
# too (by how much, the table of strategies tells as *sd over folds*); some rows are one network each.

# %% [markdown]
# ## The simulator in the loop: density and localisation error
#
# **The source says** (section 3.1, Fig. 2A): trained on fresh scenes at 5 nm and 10k/µm², SSIM and PSNR rise with the density
# of the test image up to that of training and then stay at 0.8 and 17 to 18 dB; the raw image overtakes the output only
# above 100k, so a tenth of the blinks is enough; SSIM is highest at the localisation error of training, an effect smaller
# than that of density, and the two are called orthogonal.
#
# **What we do.** Every step draws new scenes, and either image of a pair is its own simulation at 10k/µm². Test images are
# divided by their own expected mean, and the network sees them at the scale that it was trained at. The clean image has
# the localisation error of the test image.

# %%
sweep_scenes = drawn("sweep scene", sweep_images, sweep_um)
sweep_rng = study.streams(seed, "sweep blinks", "sweep clean")


def fresh(error, draw):
    """Network trained with the simulator in the loop at some localisation error."""
    source = {"density_per_um2": density_per_um2, "error_um": error, "field_um": sweep_um}
    pairs = halves.FreshPairs(rules, seed=100 + draw, **source, **shape)
    return trained(f"fresh-{1000 * error:g}nm-{draw}", pairs, draw=draw)


loops = {error: [fresh(error, draw) for draw in range(seeds)] for error in training_errors_um}
sweep_rates = {
    error: [rate(each, error) for each in sweep_scenes]
    for error in study.track(sorted({error_um, *errors_um}), "expected images")
}
sweep_truth = {e: [look(r, dense_per_um2, sweep_rng["sweep clean"]) for r in rates] for e, rates in sweep_rates.items()}


# %%
def swept(error, density, network, images):
    """Scores of the raw image and of the output, (image, 2) each."""
    raw = [look(r, density, sweep_rng["sweep blinks"]) for r in sweep_rates[error][:images]]
    pairs = list(zip(sweep_truth[error], raw, strict=False))
    return np.array([score(c, i) for c, i in pairs]), np.array([score(c, restored(network, i, UNIT)) for c, i in pairs])


main = loops[error_um]
by_density = {
    (density, draw): swept(error_um, density, main[draw].network, sweep_images)
    for density, draw in study.track([(d, s) for d in densities for s in range(seeds)], "sweeping the density")
}
raw_curve, out_curve = (
    np.array([np.mean([by_density[d, s][side] for s in range(seeds)], axis=0) for d in densities]) for side in (0, 1)
)

# %%
half_images = max(2, sweep_images // 2)
by_error = {
    (trained_at, e, draw): swept(e, density_per_um2, loops[trained_at][draw].network, half_images)
    for trained_at, e, draw in study.track(
        [(t, e, s) for t in training_errors_um for e in errors_um for s in range(seeds)], "sweeping the error"
    )
}
error_curve = {
    t: np.array([np.mean([by_error[t, e, s][1] for s in range(seeds)], axis=(0, 1)) for e in errors_um])
    for t in training_errors_um
}
raw_error_curve = np.array(
    [np.mean([by_error[t, e, s][0] for t in training_errors_um for s in range(seeds)], axis=(0, 1)) for e in errors_um]
)

# %%
at_training = densities.index(density_per_um2)
paired_sweep = f"paired bootstrap over {sweep_images} images, {seeds} network(s), 95 %"
study.claim(
    "lefebvre2020-dynamic-reconstructs-sparse",
    measured={
        "ssim_gain": paired_difference(out_curve[at_training, :, 0], raw_curve[at_training, :, 0], rng=bootstrap),
        "psnr_gain_db": paired_difference(out_curve[at_training, :, 1], raw_curve[at_training, :, 1], rng=bootstrap),
    },
    spread=paired_sweep,
    n=sweep_images,
)

# %% [markdown]
# Breaks and crossings belong to curves, not to images. For their intervals networks and images are drawn, and the curves
# over density are averaged and read anew.


# %%
by_network = np.array([[by_density[d, s] for s in range(seeds)] for d in densities])
mean_raw, mean_out = raw_curve.mean(axis=1), out_curve.mean(axis=1)
drawn_sweep = f"bootstrap over {seeds} network(s) and {sweep_images} images, 95 %"


def over_sweep(statistic):
    """Numbers that are read from the mean curves of raw image and output, (density, metric), with their intervals."""

    def redrawn(networks, images):
        raw, out = by_network[:, networks][:, :, :, images].mean(axis=(1, 3)).swapaxes(0, 1)
        return statistic(raw, out)

    return resampled(redrawn, seeds, sweep_images, rng=redraw)


# %%
BREAKS = 200  # that are tried


def two_lines(x, y):
    """Break, slope before and slope beyond of two joined straight lines."""
    breaks = np.linspace(x[1], x[-2], BREAKS)
    beyond = np.maximum(x - breaks[:, None], 0)
    design = np.stack([np.ones_like(beyond), np.broadcast_to(x, beyond.shape), beyond], axis=2)
    across = design.swapaxes(1, 2)
    found = np.linalg.solve(across @ design, (across @ y)[..., None])
    best = (((design @ found)[..., 0] - y) ** 2).sum(axis=1).argmin()
    _, before, turn = found[best, :, 0]
    return breaks[best], before, before + turn


def both_lines(out):
    """The two lines through the output's SSIM and those through its PSNR."""
    return {name: two_lines(decade, out[:, i]) for i, name in enumerate(("ssim", "psnr"))}


def plateau_begins(_, out):
    """Breaks over the training density, and how steep the flatter part still is."""
    lines = both_lines(out)
    return {f"{name}_break_ratio": 10 ** values[0] / density_per_um2 for name, values in lines.items()} | {
        "slope_share": max(abs(after) / max(abs(before), 1e-9) for _, before, after in lines.values())
    }


decade = np.log10(densities)
joined = both_lines(mean_out)
step_percent = 100 * ((10 ** (decade[-2] - decade[1])) ** (1 / (BREAKS - 1)) - 1)
study.claim(
    "lefebvre2020-density-plateau",
    measured=over_sweep(plateau_begins),
    spread=f"{drawn_sweep}; breaks are tried in steps of {step_percent:.0f} %",
    n=sweep_images,
)

# %% [markdown]
# The plateau under several scalings: how images are scaled before SSIM and PSNR (by four of the conventions of
# notebook 20), and how test counts are scaled before they enter the network (to the mean of training, or not at all). For
# both metrics the plateau begins at the break of SSIM.

# %%
beyond = [d for d in densities if np.log10(d) >= min(joined["ssim"][0], decade[-1])]
feeds = {"to the training mean": lambda d: UNIT, "raw counts": lambda d: d * AREA}
conventions = ("truth_range", "max_normalised", "percentile", "scale_invariant")
plateau, plateau_scores = {}, {}
for feed, mean in feeds.items():
    found = [
        (
            sweep_truth[error_um][i],
            restored(main[s].network, look(sweep_rates[error_um][i], d, sweep_rng["sweep blinks"]), mean(d)),
        )
        for d, s, i in study.track(
            [(d, s, i) for d in beyond for s in range(seeds) for i in range(half_images)], "plateau"
        )
    ]
    for convention in conventions:
        scaled = [rescale(*pair, convention=convention) for pair in found]
        values = [(ssim(a, b, data_range=r), psnr(a, b, data_range=r)) for a, b, r in scaled]
        plateau[feed, convention] = tuple(float(v) for v in np.mean(values, axis=0))
        plateau_scores[feed, convention] = np.reshape(values, (len(beyond), seeds, half_images, 2)).mean(axis=0)
limits = {key: (0.75 <= s <= 0.85) + (16 <= p <= 19) for key, (s, p) in plateau.items()}
entered = max(plateau, key=lambda key: limits[key])
study.publish_table(
    "smlm-plateau-scalings",
    {
        "counts into the network": [feed for feed, _ in plateau],
        "images before the metric": [convention.replace("_", " ") for _, convention in plateau],
        "SSIM": [values[0] for values in plateau.values()],
        "PSNR (dB)": [values[1] for values in plateau.values()],
        "of the two inside the limits of the rule": [limits[key] for key in plateau],
    },
    caption="Plateau of SSIM and PSNR, averaged over the densities beyond the break of SSIM "
    f"({', '.join(f'{d:g}' for d in beyond)} per µm²), under two ways of feeding the network and four scalings of "
    "images.",
)
study.claim(
    "lefebvre2020-plateau-values",
    measured={
        name: mean_interval(plateau_scores[entered][:, :, i], rng=redraw, resample="seeds and images")
        for i, name in enumerate(("ssim_plateau", "psnr_plateau_db"))
    },
    spread=f"bootstrap over {seeds} network(s) and {half_images} images, densities and scaling as entered, 95 %",
    n=half_images,
)

# %%
named = study.keep(
    "plateau_scaling",
    feed=entered[0],
    convention=entered[1].replace("_", " "),
    inside=limits[entered],
    best=max(limits.values()),
)
study.say(
    "Entered: counts *{feed}*, images scaled as *{convention}*; {inside} of its two values lie in the limits of the rule.",
    named,
)


# %%
def crossing(lead):
    """Density at which the raw image, by its lead over the output, becomes the better one; 0 if it never does."""
    turns = np.flatnonzero((lead[:-1] < 0) & (lead[1:] >= 0))
    return (
        10 ** float(np.interp(0, lead[turns[-1] : turns[-1] + 2], decade[turns[-1] : turns[-1] + 2]))
        if turns.size
        else 0.0
    )


def overtakes(raw, out):
    """Crossings in both metrics over the training density."""
    return {
        f"{name}_crossover_ratio": crossing((raw - out)[:, i]) / density_per_um2
        for i, name in enumerate(("ssim", "psnr"))
    }


study.claim(
    "lefebvre2020-input-overtakes",
    measured=over_sweep(overtakes),
    spread=f"{drawn_sweep}; 0 in a draw whose curves never cross",
    n=sweep_images,
)


# %%
def density_needed(raw, out):
    """Density at which the raw image has the SSIM of the output at the training density, within those swept."""
    return 10 ** float(np.interp(out[at_training, 0], np.maximum.accumulate(raw[:, 0]), decade))


study.claim(
    "lefebvre2020-tenfold-less-data",
    measured=over_sweep(lambda raw, out: {"density_ratio": density_needed(raw, out) / density_per_um2}),
    spread=f"{drawn_sweep}; cut at the ends of the sweep",
    n=sweep_images,
)

# %%
crossings = [crossing((mean_raw - mean_out)[:, i]) for i in (0, 1)]
needed = density_needed(mean_raw, mean_out)
units = study.keep(
    "density_units",
    ssim=crossings[0],
    psnr=crossings[1],
    ssim_field=crossings[0] * area,
    psnr_field=crossings[1] * area,
    needed=needed,
    capped=bool(needed >= densities[-1]),
)
study.say(
    "The curves cross at {ssim:.3g} (SSIM) and {psnr:.3g} (PSNR) blinks/µm², which are {ssim_field:.3g} and "
    "{psnr_field:.3g} per field of {side} × {side} pixels; the source prints 100k per field of 256 × 256. 0 means that "
    "they do not cross. Raw images need {needed:.3g} blinks/µm² for the SSIM that the network reaches at its training "
    "density.",
    units,
    side=round(field_um / 0.01),
)

# %%
nm = 1000 * np.array(errors_um)
peak = {t: float(nm[np.argmax(curve[:, 0])]) for t, curve in error_curve.items()}
by_scene = np.array(
    [[[by_error[t, e, s][1][:, 0] for s in range(seeds)] for e in errors_um] for t in training_errors_um]
)


def optimum(networks, images):
    """How many settings have their peak near the error of training, and how far it is off for the main one."""
    best = nm[by_scene[:, :, networks][..., images].mean(axis=(2, 3)).argmax(axis=1)]
    off = dict(zip(training_errors_um, np.abs(best - 1000 * np.array(training_errors_um)), strict=True))
    return {
        "models_within_2_nm": sum(distance <= 2 + 1e-9 for distance in off.values()),
        "offset_5_nm_model": off[error_um],
    }


study.claim(
    "lefebvre2020-sigma-optimum",
    measured=resampled(optimum, seeds, half_images, rng=redraw),
    spread=f"bootstrap over {seeds} network(s) per error and {half_images} images, on the grid of errors, 95 %",
    n=half_images,
)


# %%
def effects(table):
    """Mean SSIM by error and by density, and what the two leave of every cell."""
    share_of = {"error": table.mean(axis=(1, 2)), "density": table.mean(axis=(0, 2))}
    cells = table.mean(axis=2)
    return share_of, cells - share_of["error"][:, None] - share_of["density"] + cells.mean()


def two_factors(networks, images):
    """How much less the error does than the density, and how much the two do together."""
    table = graded[:, :, networks][..., images].mean(axis=2)
    share_of, interaction = effects(table)
    return {
        "range_ratio": np.ptp(share_of["error"]) / np.ptp(share_of["density"]),
        "interaction_share": (interaction**2).mean() / table.var(),
    }


grid_errors = [errors_um[int(i)] for i in np.linspace(0, len(errors_um) - 1, 5)]
grid_densities = [1e3, 3e3, 1e4, 3e4, 1e5]
grid_images = max(2, sweep_images // 4)
graded = np.array(
    [
        [[swept(e, d, net.network, grid_images)[1][:, 0] for net in main] for d in grid_densities]
        for e in study.track(grid_errors, "grid of error and density")
    ]
)
table = graded.mean(axis=2)
cells = table.mean(axis=2)
share_of, interaction = effects(table)
variances = {
    "error": share_of["error"].var(),
    "density": share_of["density"].var(),
    "interaction": (interaction**2).mean(),
    "all": table.var(),
}
on_grid = resampled(two_factors, seeds, grid_images, rng=redraw)
drawn_grid = f"bootstrap over {seeds} network(s) and {grid_images} images, 95 %"
study.claim("lefebvre2020-sigma-effect-small", measured=on_grid["range_ratio"], spread=drawn_grid, n=grid_images)

# %%
study.claim("lefebvre2020-effects-orthogonal", measured=on_grid["interaction_share"], spread=drawn_grid, n=grid_images)

# %%
f_interaction = (
    (interaction**2).sum() * grid_images / 16 / (((table - cells[:, :, None]) ** 2).sum() / (25 * (grid_images - 1)))
)
parts = study.keep(
    "anova",
    **{name: 100 * float(value / variances["all"]) for name, value in variances.items()},
    p=float(stats.f.sf(f_interaction, 16, 25 * (grid_images - 1))),
    peak_nm={f"{1000 * t:g} nm": peak[t] for t in peak},
)
study.say(
    "Shares of the variance of SSIM: density {density:.1f} %, error {error:.1f} %, their interaction {interaction:.1f} "
    "% (F test of the interaction: p = {p:.2g}). To call two effects orthogonal because one is small, as the source "
    "does, is another statement.",
    parts,
)

# %%
figure, axes = plt.subplots(2, 2, figsize=(9.5, 6.4))
for axis, i, label in ((axes[0, 0], 0, "SSIM"), (axes[1, 0], 1, "PSNR (dB)")):
    for curve, name, colour in ((out_curve, "reconstruction", "C0"), (raw_curve, "input", "C1")):
        middle, spread = curve[:, :, i].mean(axis=1), curve[:, :, i].std(axis=1)
        axis.plot(densities, middle, ".-", color=colour, label=name)
        axis.fill_between(densities, middle - spread, middle + spread, color=colour, alpha=0.2, linewidth=0)
    axis.axvline(density_per_um2, color="black", linewidth=0.8, linestyle="--", label="training")
    axis.set(xscale="log", xlabel="blinks per µm²", ylabel=label)
axes[0, 0].set_title(f"A: over density, error {1000 * error_um:g} nm")
axes[0, 0].legend()
for colour, (t, curve) in zip(("C2", "C0", "C3"), error_curve.items(), strict=False):
    axes[0, 1].plot(nm, curve[:, 0], ".-", color=colour, label=f"trained at {1000 * t:g} nm")
    axes[0, 1].axvline(1000 * t, color=colour, linewidth=0.8, linestyle="--")
axes[0, 1].plot(nm, raw_error_curve[:, 0], ".-", color="C1", label="input")
axes[0, 1].set(xlabel="localisation error (nm)", ylabel="SSIM", title=f"A: over error, {density_per_um2:g}/µm²")
axes[0, 1].legend(loc="lower left", frameon=True, framealpha=1, edgecolor="none")
boxes = axes[1, 1].boxplot([scores[name][:, :, 0].mean(axis=0) for name in STRATEGIES], widths=0.6, patch_artist=True)
for box, name in zip(boxes["boxes"], STRATEGIES, strict=True):
    box.set(facecolor="0.9" if name == "N2C, augmented" else "C9", alpha=0.6)
axes[1, 1].set_xticks(range(1, 5), ["N2C", "N2C,\naugmented", "N2N-\nfixed", "N2N-\ndynamic"])
axes[1, 1].set(ylabel="SSIM", title=f"B: strategies, {validation_images} images")
study.publish_figure(
    "lefebvre2020-fig-2",
    figure,
    alt="Left: SSIM and PSNR of reconstruction and raw input over the density of the test image, the training density marked. "
    "Upper right: SSIM over the localisation error for networks trained at three errors, and of the input. Lower right: "
    "boxes of SSIM for four training strategies.",
    caption=f"A: SSIM and PSNR over blink density, and SSIM over localisation error ({sweep_images} and {half_images} "
    f"scenes; bands are one standard deviation over scenes; {seeds} network(s) per training error; dashed: training). B: "
    f"SSIM by strategy on {validation_images} fresh images, mean over {folds} folds; grey is our control.",
    data={
        "density_per_um2": densities,
        **{
            f"{name}_{metric}": curve[:, :, i].mean(axis=1)
            for name, curve in (("output", out_curve), ("input", raw_curve))
            for i, metric in enumerate(("ssim", "psnr_db"))
        },
        "error_nm": nm,
        **{f"ssim_trained_at_{1000 * t:g}_nm": curve[:, 0] for t, curve in error_curve.items()},
        "ssim_input_over_error": raw_error_curve[:, 0],
        **{
            f"ssim_{name.replace(', ', '_').replace('-', '_')}": scores[name][:, :, 0].mean(axis=0)
            for name in STRATEGIES
        },
    },
)

# %% [markdown]
# **What this shows.** How the network carries over to densities and errors that it has not seen, under one stated scaling.
#
# **What it does not.** The crossing that is entered is the last one: if the curves also meet at the lowest densities, that does
# not count. The F test takes the images of all cells as independent, though every cell shows the same scenes.
# With the clean image drawn at the error of the test image, a smaller error is also a sharper target.
# The levels of SSIM and PSNR depend on the scaling by more than strategies differ, and presumably on how empty a scene is, which
# is not varied here. The table says whether any scaling comes within the rule's limits around the source's values.

# %% [markdown]
# ## Sparse filaments: folds, deviation, ensembles
#
# **The source says** (section 3.2, Fig. 3): ten peptide-PAINT acquisitions of actin in *Drosophila* eggs, (1.9 ± 0.35)·10³
# blinks/µm², ten-fold cross-validation; on one more image the reconstructions stray from their average by less than 10 % of
# the mean intensity, in texture rather than in filaments; the loss curves are noisier for the lower density; averaging
# several outputs should help.
#
# **What we do.** The coordinates of the source are not public. A **stand-in**: simulated filaments, thin B-splines, at that
# density and spread. Beside it a real recording: microtubules (not actin) that blink in the open movie
# `tubulin-storm-movie`, localised here by fitting.

# %%
filaments = SceneRules(
    kinds=("B-spline",),
    per_um2=1.5,
    length_um=(1.5, 4.0),
    thickness_um=(0.007, 0.02),
    control_points=(5, 8),
    turn_rad=0.35,
)
actin = drawn("actin acquisition", acquisitions + 1, actin_um, filaments)
actin_rng = study.streams(seed, "actin density", "actin blinks")
actin_densities = np.maximum(
    actin_rng["actin density"].normal(actin_density_per_um2, actin_density_sd, acquisitions + 1), 500
)
clouds = [
    blinks(each, density_per_um2=d, error_um=error_um, rng=actin_rng["actin blinks"])
    for each, d in zip(actin, actin_densities, strict=True)
]
ACTIN_MEAN = halves.KEPT / 2 * np.mean([density_of(cloud) for cloud in clouds[:-1]]) * AREA


def actin_network(k):
    """Network that has not seen every actin_folds-th acquisition."""
    kept = [cloud for i, cloud in enumerate(clouds[:-1]) if i % actin_folds != k]
    return trained(f"actin-{k}", halves.DynamicPairs(kept, seed=200 + k, mean_count=1.0, **shape), draw=k).network


actin_networks = [actin_network(k) for k in range(actin_folds)]
held_out = render(clouds[-1]).values / (density_of(clouds[-1]) * AREA)
actin_outputs = np.stack([restored(network, held_out, ACTIN_MEAN) for network in actin_networks])
actin_mean = actin_outputs.mean(axis=0)
away = np.abs(actin_outputs - actin_mean)
actin_deviation = away.mean(axis=0)


# %%
def over_networks(statistic):
    """Numbers of the actin networks with their intervals; two stray alike from their mean and get none."""
    everyone = np.arange(actin_folds)
    return resampled(statistic, actin_folds, rng=redraw) if actin_folds > 2 else statistic(everyone)


drawn_networks = (
    f"bootstrap over {actin_folds} networks about the mean of all, on one image, 95 %"
    if actin_folds > 2
    else "no interval: two networks stray alike from their mean"
)
actin_stand_in = "simulated filaments (thin B-splines at the source's density); the source's coordinates are not public"
strays = away.mean(axis=(1, 2)) / actin_mean.mean()
study.claim(
    "lefebvre2020-actin-deviation",
    measured=over_networks(lambda networks: {"deviation_share": strays[networks].mean()}),
    spread=drawn_networks,
    n=actin_folds,
    stand_in=actin_stand_in,
)

# %%
actin_rate = rate(actin[-1])
on = actin_rate > 0.25 * actin_rate.max()
off = gaussian_filter(actin_rate, 2) < 0.01 * actin_rate.max()
found = [image > threshold_otsu(image) for image in actin_outputs]
dice = np.array([[2 * (a & b).sum() / (a.sum() + b.sum()) for b in found] for a in found])
ground = np.maximum(np.abs(gaussian_filter(actin_mean, 2)), 1e-3)
strays_on, strays_off = ((away / ground)[:, where].mean(axis=1) for where in (on, off))


def texture(networks):
    """Overlap of different networks, 1 if all are the same, and their relative deviation on and off filaments."""
    different = networks[:, None] != networks
    return {
        "filament_dice": dice[np.ix_(networks, networks)][different].mean() if different.any() else 1.0,
        "deviation_on": strays_on[networks].mean(),
        "deviation_off": strays_off[networks].mean(),
    }


study.claim(
    "lefebvre2020-deviation-is-texture",
    measured=over_networks(texture),
    spread=drawn_networks,
    n=actin_folds,
    stand_in=actin_stand_in,
)

# %% [markdown]
# **Do sparse data make rougher loss curves?** The same scenes, thinned so that each half of a pair is about as dense as a whole
# acquisition of actin, train networks with the same schedule. An "epoch" is a sixteenth of the training; the trend is a
# parabola over the second half.


# %%
def scatter(fitted):
    """Relative standard deviation of the epoch loss about its trend, in the second half of a training."""
    epochs = (
        fitted.history.loss[: steps // 16 * 16].reshape(16, -1).mean(axis=1)[8:] if steps >= 16 else fitted.history.loss
    )
    at = np.arange(len(epochs))
    trend = np.polyval(np.polyfit(at, epochs, 2), at)
    return float((epochs - trend).std(ddof=3) / epochs.mean())


thin = study.streams(seed, "thinning").thinning
sparse = [halves.split(pool, rng=thin, kept=2 * actin_density_per_um2 / density_per_um2)[0] for pool in pooled]
sparse_fits = [
    trained(
        f"sparse-fold-{k}",
        halves.DynamicPairs([sparse[i] for i in in_fold(k, False)], seed=k, mean_count=1.0, **shape),
        draw=k,
    )
    for k in range(repeats)
]
scatters = np.array([[scatter(sparse_fits[k]), scatter(fits["n2n-dynamic", k])] for k in range(repeats)])
study.claim(
    "lefebvre2020-sparser-data-noisier-loss",
    measured=resampled(
        lambda pairs: {"scatter_ratio": scatters[pairs, 0].mean() / scatters[pairs, 1].mean()}, repeats, rng=redraw
    ),
    spread=f"bootstrap over {repeats} pairs of trainings, 95 % (too narrow with so few)",
    n=repeats,
)

# %% [markdown]
# **Does averaging help?** Outputs of n2n-dynamic on validation scenes, averaged over folds, over the eight mirrored and
# turned versions of the input, and over both.


# %%
def eight(network, image, trained_mean):
    """Outputs for the eight mirrored and turned versions of an image, turned back."""
    versions = [(turns, mirror) for turns in range(4) for mirror in (False, True)]
    seen = [np.rot90(image[:, ::-1] if mirror else image, turns) for turns, mirror in versions]
    made = [
        np.rot90(restored(network, np.ascontiguousarray(i), trained_mean), -turns)
        for i, (turns, _) in zip(seen, versions, strict=True)
    ]
    return np.stack([image[:, ::-1] if mirror else image for image, (_, mirror) in zip(made, versions, strict=True)])


mean_dynamic = TRAINED["n2n-dynamic"]
many = np.stack(
    [
        [eight(fits["n2n-dynamic", k].network, image, mean_dynamic) for k in range(folds)]
        for image in study.track(tests[:ensemble_images], "ensembles")
    ]
)
single = np.array([[[score(c, i) for i in fold] for fold in image] for c, image in zip(truth, many, strict=False)])
averages = {
    "folds": many.mean(axis=1)[:, :1],
    "mirrored and turned": many.mean(axis=2),
    "both": many.mean(axis=(1, 2))[:, None],
}
ensemble = {
    name: np.array([np.mean([score(c, i) for i in images], axis=0) for c, images in zip(truth, found, strict=False)])
    for name, found in averages.items()
}
study.publish_table(
    "smlm-self-ensembling",
    {
        "averaged over": ["nothing", *ensemble],
        "outputs in the average": [1, folds, 8, 8 * folds],
        "SSIM": [float(single[..., 0].mean()), *(float(values[:, 0].mean()) for values in ensemble.values())],
        "PSNR (dB)": [float(single[..., 1].mean()), *(float(values[:, 1].mean()) for values in ensemble.values())],
    },
    caption=f"Averages of outputs of n2n-dynamic on {ensemble_images} validation scenes.",
)
study.claim(
    "lefebvre2020-self-ensembling-helps",
    measured={
        "ssim_gain": paired_difference(ensemble["both"][:, 0], single[..., 0].mean(axis=(1, 2)), rng=bootstrap),
        "psnr_gain_db": paired_difference(ensemble["both"][:, 1], single[..., 1].mean(axis=(1, 2)), rng=bootstrap),
    },
    spread=f"paired bootstrap over {ensemble_images} images, 95 %",
    n=ensemble_images,
)

# %% [markdown]
# **Real localisations.** Spots are found in every frame by a band-pass, and an elliptical Gaussian is fitted to each by
# maximum likelihood. Emitters that overlap mostly fail the fit and are dropped. An emitter that is on for several frames
# gives several localisations, which must not end up in both halves: pairs are split by blocks of ten frames, not by
# single blinks. Every network leaves out one part of the recording.

# %%
movie_path = study.locate("tubulin-storm-movie", "fluctuation/tubulin-storm-movie.tif")
if movie_path is None:
    tubulin_stand_in = study.stand_in("tubulin-storm-movie")
    simulated = scene(rng=study.streams(seed, "tubulin").tubulin, field_um=4.55 - 0.01, rules=filaments)
    cloud = blinks(
        simulated, density_per_um2=240.0, error_um=0.013, rng=study.streams(seed, "tubulin blinks")["tubulin blinks"]
    )
    tubulin = cloud.assign(
        frame=("blink", np.sort(study.streams(seed, "frames").frames.integers(400, size=cloud.sizes["blink"])))
    )
else:
    tubulin_stand_in = None
    movie = (read_stack(movie_path, pixel_um=0.065).astype(float) - 99).clip(0) * 0.6  # offset and gain of the registry
    movie.attrs["units"] = "photons"
    tubulin = localise(movie, sigma_um=0.13, threshold=2.5)


# %%
def tubulin_network(k):
    """Network that has not seen one part of the frames."""
    part = tubulin.frame.values * tubulin_folds // (int(tubulin.frame.max()) + 1)
    kept = tubulin.isel(blink=part != k)
    pairs = halves.DynamicPairs(
        [kept], seed=300 + k, mean_count=1.0, pixel_um=tubulin_pixel_um, block_frames=10, **shape
    )
    return trained(f"tubulin-{k}", pairs, draw=k).network


tubulin_image = render(tubulin, pixel_um=tubulin_pixel_um)
tubulin_half = halves.KEPT / 2 * (1 - 1 / tubulin_folds) * density_of(tubulin) * tubulin_pixel_um**2
tubulin_input = tubulin_image.values / (density_of(tubulin) * tubulin_pixel_um**2)
tubulin_outputs = np.stack([restored(tubulin_network(k), tubulin_input, tubulin_half) for k in range(tubulin_folds)])
tubulin_mean = tubulin_outputs.mean(axis=0)
tubulin_deviation = np.abs(tubulin_outputs - tubulin_mean).mean(axis=0)

# %%
fitted = study.keep(
    "tubulin_localisations",
    count=tubulin.sizes["blink"],
    density=float(density_of(tubulin)),
    precision=1000 * float(tubulin.uncertainty_um.median()) if "uncertainty_um" in tubulin else 13.0,
    deviation=100 * float(tubulin_deviation.mean() / tubulin_mean.mean()),
    actin=100 * float(actin_deviation.mean() / actin_mean.mean()),
)
study.say(
    "{count} localisations, {density:.0f} per µm²; {which} {precision:.0f} nm. The "
    "networks stray from their mean by {deviation:.0f} % of the mean intensity, on simulated filaments by {actin:.0f} %.",
    fitted,
    which="localisation error of the simulation" if tubulin_stand_in else "median bound of the precision",
)

# %%
figure, axes = plt.subplots(2, 3, figsize=(10, 6.4))
rows = [
    ("simulated filaments", [picture(image) for image in (held_out, actin_mean, actin_deviation)], 0.2 * actin_um),
    (
        "stand-in for tubulin" if tubulin_stand_in else "real microtubules",
        [tubulin_image.copy(data=i) for i in (tubulin_input, tubulin_mean, tubulin_deviation)],
        1.0,
    ),
]
for row, (kind, images, bar) in enumerate(rows):
    for axis, letter, image in zip(axes[row], "ABC", images, strict=True):
        title = {"A": f"A: {kind}", "B": "B: mean of networks", "C": "C: mean absolute deviation"}[letter]
        shown = study.draw_image(
            axis, image, title=title, norm=Normalize(0, max(float(np.percentile(image, 99.7)), 1e-6)), scale_bar_um=bar
        )
        figure.colorbar(shown, ax=axis, shrink=0.8, label="rate over its mean")
study.publish_figure(
    "lefebvre2020-fig-3",
    figure,
    alt="Two rows of three maps: sparse localisations of filaments, the mean of the reconstructions, and the deviation "
    "of single networks from it. The upper mean shows continuous filaments; the lower one, from far fewer "
    "localisations, is thicker and may be broken into beads; the deviation follows them at a lower level.",
    caption="Sparse input (A), mean reconstruction (B) and mean absolute deviation from it (C). Above: simulated "
    f"filaments at {actin_densities[-1]:.0f}/µm², {actin_folds} networks, scale bar {200 * actin_um:.0f} nm. Below: "
    f"{'simulated microtubules, a stand-in for those of a real movie' if tubulin_stand_in else 'microtubules localised from a real movie'}, "
    f"{tubulin_folds} networks, {1000 * tubulin_pixel_um:.0f} nm pixels, scale bar 1 µm. Each map has its own scale, cut "
    "at its 99.7th percentile."
    + ("" if tubulin_stand_in else " Movie: M. Ovesný, P. Křížek, Z. Švindrych, G. M. Hagen, 3denseSTORM, GPL-3.0."),
    data={f"{kind}: {letter}": image for kind, images, _ in rows for letter, image in zip("ABC", images, strict=True)},
    stand_in=f"{actin_stand_in}." + (f" {tubulin_stand_in}" if tubulin_stand_in else ""),
)

# %% [markdown]
# Tables of other programs load into the same form. A real table of *picasso* (EGF receptors, DNA-PAINT; receptors form no
# filaments and stand in for nothing here):

# %%
table_path = study.locate("egfr-dna-paint-molecules", "localisation/egfr-dna-paint-molecules.hdf5")
notes_path = study.locate("egfr-dna-paint-molecules", "localisation/egfr-dna-paint-molecules.yaml")
if table_path is None or notes_path is None:
    receptors = None
    print("the table of egfr-dna-paint-molecules is not at hand")
else:
    receptors = read_picasso(table_path)
    print(f"{receptors.sizes['blink']} molecules; columns {', '.join(map(str, receptors.data_vars))}")

# %% [markdown]
# **What this shows.** How far networks of different folds agree, as judged above; and, where the movie is at hand, that the
# whole chain from frames of a real microscope to the reconstruction runs.
#
# **What it does not.** Our filaments blink independently and have no repeated localisations, no background and no drift;
# the source's cells have. The deviation is judged *relative* to the local mean, which between filaments is close to zero:
# there it is large almost by arithmetic, and in absolute terms networks stray most on the filaments (C). The recording in
# the lower row, real or stood in for, is restored from all its localisations, of which each network has seen all but one
# part; its truth is not used. The intervals are over networks that share most of their acquisitions, on one image; another
# image may move the numbers further. Agreement is not accuracy, as follows.

# %% [markdown]
# ## Beyond the source: does disagreement tell the error?
#
# With known truth, the deviation map of Fig. 3C can be put to the test: is the output wrong where folds disagree, and by as
# much?

# %%
middle = outputs["n2n-dynamic"].mean(axis=0)
spread = outputs["n2n-dynamic"].std(axis=0, ddof=1)
wrong = np.abs(middle - np.stack(validation_rates))
ranks = [float(stats.spearmanr(s.ravel(), w.ravel()).statistic) for s, w in zip(spread, wrong, strict=True)]
edges = np.quantile(spread, np.linspace(0, 1, 21))
bin_of = np.clip(np.digitize(spread, edges) - 1, 0, 19)
calibration = np.array(
    [[spread[bin_of == b].mean(), np.sqrt((wrong[bin_of == b] ** 2).mean())] for b in range(20) if (bin_of == b).any()]
)
single_error = np.sqrt(((outputs["n2n-dynamic"] - np.stack(validation_rates)) ** 2).mean(axis=(0, 2, 3)))
error_map = study.keep(
    "fold_spread_as_error_map",
    rank=float(np.mean(ranks)),
    low=float(mean_interval(ranks, rng=bootstrap).low),
    high=float(mean_interval(ranks, rng=bootstrap).high),
    ratio=float(np.sqrt((wrong**2).mean()) / np.sqrt((spread**2).mean())),
    common=100 * float((wrong**2).mean() / (single_error**2).mean()),
)
figure, axes = plt.subplots(1, 3, figsize=(11, 3))
shared = Normalize(0, float(np.percentile(wrong[example], 99.5)))
for axis, (title, image) in zip(
    axes, {"spread of folds": spread[example], "true error of the mean": wrong[example]}.items(), strict=False
):
    shown = study.draw_image(axis, picture(image), title=title, norm=shared, scale_bar_um=0.2 * field_um)
    figure.colorbar(shown, ax=axis, shrink=0.8, label="rate over its mean")
axes[2].plot(*calibration.T, ".-", label="bins of equal size")
axes[2].axline((0, 0), slope=1, color="black", linewidth=0.8, label="error equals spread")
axes[2].set(xlabel="spread of folds", ylabel="root mean square error", title="calibration", xscale="log", yscale="log")
axes[2].legend()
study.publish_figure(
    "smlm-fold-spread",
    figure,
    alt="Spread of folds, true error of their mean, both brightest at the edges of structures, and a curve of error over spread "
    "without order over the lowest spreads, that then rises and stays above the line of equality.",
    caption=f"Standard deviation over {folds} folds of n2n-dynamic, error of their mean against the expected image (same "
    "scale, units of the mean rate), and error over spread in twenty bins of all validation pixels. Scale bar "
    f"{200 * field_um:.0f} nm.",
    data={"spread": calibration[:, 0], "rms_error": calibration[:, 1]},
)

# %%
study.say(
    "Spread ranks the pixels by their error (Spearman {rank:.2f}, 95 % interval {low:.2f} to {high:.2f} over images), "
    "but the error is {ratio:.1f} times the spread: {common:.0f} % of the mean squared error of a single network "
    "survives the average over folds, mostly because it is common to all of them. **A deviation map shows where to be "
    "careful, not how careful.**",
    error_map,
)

# %% [markdown]
# ## Beyond the source: how much acquisition time is saved?
#
# Blinks come with frames, so density is time. The resolution of raw images follows from the Fourier ring correlation of two
# halves (threshold 1/7). Two outputs of one network share what the network believes, and their correlation says nothing.
# With the truth at hand both can be compared with it instead: where the correlation with the expected image falls
# below 1/2, which for halves of a noisy image corresponds to 1/7. Nothing finer than two pixels, 20 nm, can be told.


# %%
def agreement_um(expected, image):
    """Scale down to which an image agrees with the expected one, µm."""
    ring = frc(picture(expected), picture(image))
    below = np.flatnonzero((ring.curve < 0.5) & (ring.frequency > 1))
    return 1 / ring.frequency[below[0]] if below.size else 2 * 0.01


def raw_resolution_um(cloud):
    """Scale down to which halves of a raw image agree, µm: two pixels if always, the whole field if never."""
    ring = frc(*(render(half) for half in halves.split(cloud, rng=time_rng.halves, kept=1.0)))
    always = (ring.curve >= ring.threshold).all()
    return ring.resolution if np.isfinite(ring.resolution) else 2 * 0.01 if always else actin_um


time_rng = study.streams(seed, "frames", "halves")
durations = {}
for share in study.track(frame_shares, "varying the number of frames"):
    density = share * actin_density_per_um2
    cloud = blinks(actin[-1], density_per_um2=density, error_um=error_um, rng=time_rng.frames)
    raw = render(cloud).values / (density * AREA)
    made = [restored(network, raw, ACTIN_MEAN) for network in actin_networks]
    durations[share] = [
        1000 * raw_resolution_um(cloud),
        1000 * agreement_um(actin_rate, raw),
        [1000 * agreement_um(actin_rate, i) for i in made],
    ]
half_split, raw_agrees = (np.array([values[i] for values in durations.values()]) for i in (0, 1))
net_agrees = np.array([values[2] for values in durations.values()])

# %%
figure, axis = plt.subplots(figsize=(5.6, 3.4))
axis.plot(frame_shares, half_split, ".--", color="C1", label="raw, halves against each other (1/7)")
axis.plot(frame_shares, raw_agrees, ".-", color="C1", label="raw against truth (1/2)")
axis.errorbar(
    frame_shares,
    net_agrees.mean(axis=1),
    net_agrees.std(axis=1),
    fmt=".-",
    color="C0",
    label="reconstruction against truth (1/2)",
)
axis.set(xscale="log", yscale="log", xlabel="frames, in those of the source", ylabel="resolution (nm)")
axis.set_xticks(frame_shares, [f"{share:g}" for share in frame_shares])
axis.minorticks_off()
coarsest = max(half_split.max(), raw_agrees.max(), net_agrees.max())
ticks = [nanometres for nanometres in (20, 30, 50, 100, 200, 500) if nanometres <= 1.5 * coarsest]
axis.set_yticks(ticks, [f"{nanometres}" for nanometres in ticks])
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
study.publish_figure(
    "smlm-acquisition-time",
    figure,
    alt="Resolution against number of frames: raw images by two measures and reconstructions; the reconstruction lies "
    "below the raw image where there are few frames.",
    caption=f"Resolution over the length of the acquisition, simulated filaments ({actin_density_per_um2:g} blinks/µm² "
    f"at 1); reconstructions are mean and standard deviation over {actin_folds} networks. 20 nm, two pixels, is the "
    "finest scale that can be told.",
    data={
        "frames": frame_shares,
        "raw_half_split_nm": half_split,
        "raw_truth_nm": raw_agrees,
        "output_truth_nm": net_agrees.mean(axis=1),
    },
)

# %%
log_raw = np.minimum.accumulate(np.log(raw_agrees))
own = frame_shares.index(1.0)
equal = float(np.exp(np.interp(-np.log(net_agrees[own].mean()), -log_raw, np.log(frame_shares))))
resolved = float(net_agrees[own].mean())
short = np.array(frame_shares)[raw_agrees > resolved]  # acquisitions whose raw image is coarser
at_floor = resolved <= raw_agrees.min() and short.size > 0
saved = study.keep(
    "acquisition_time",
    network=resolved,
    raw=float(raw_agrees[own]),
    ratio=float(short.max()) if at_floor else equal,
    bound="more than " if at_floor else "",
)
study.say(
    "At the source's density the reconstruction agrees with the truth down to {network:.0f} nm, the raw image down to "
    "{raw:.0f} nm. A raw image needs {bound}{ratio:.1f} times the frames for the same; nothing finer than 20 nm can be "
    "told.",
    saved,
)

# %%
order = np.argsort(tubulin.frame.values, kind="stable")
recorded = tubulin.isel(blink=order)
chosen = half_sets(recorded.sizes["blink"], rng=time_rng.halves, blocks=20)
real = frc(*(render(recorded.isel(blink=part), pixel_um=tubulin_pixel_um) for part in (chosen, ~chosen)))
real_resolution = study.keep(
    "tubulin_resolution", nm=1000 * float(real.resolution) if np.isfinite(real.resolution) else float("nan")
)
study.say(
    "{which}, split by blocks of time, have a resolution of {nm:.0f} nm by the correlation of two halves (1/7).",
    real_resolution,
    which="The simulated localisations that stand in for the real movie"
    if tubulin_stand_in
    else "The localisations of the real movie",
)

# %% [markdown]
# **What this shows.** What the prior of a trained network is worth in frames, by a measure that the network cannot flatter.
#
# **What it does not.** This is one simulated acquisition; the error bars are over networks. Agreement in Fourier rings is
# dominated by what most of the image holds. A gap in a filament that the network bridges wrongly hardly counts here, and
# would mislead whoever looks for gaps.

# %% [markdown]
# ## The numbers that the source gives in its text

# %%
plateau_sd = out_curve[[densities.index(d) for d in beyond]].mean(axis=0).std(axis=0, ddof=1)
text_rows = [
    (
        "variation of losses over folds (%)",
        "0.8 to 2.5",
        f"{min(fold_percent[n].min() for n in source_trio):.1f} to {max(fold_percent[n].max() for n in source_trio):.1f}",
        f"{folds} folds × 3 strategies × 2 losses",
        "",
    ),
    *(
        (
            f"PSNR, {a} against {b}",
            "not different (α = 0.005)",
            f"{(decibels[a] - decibels[b]).mean():+.2f} ± {(decibels[a] - decibels[b]).std(ddof=1):.2f} dB",
            f"{validation_images} images",
            f"{p_student[a, b]:.2g}",
        )
        for a, b in trio
    ),
    (
        "SSIM at the plateau",
        "0.8",
        f"{plateau['to the training mean', 'truth_range'][0]:.3f} ± {plateau_sd[0]:.3f}",
        f"{len(beyond)} densities × {half_images} images (± over {sweep_images})",
        "",
    ),
    (
        "PSNR at the plateau (dB)",
        "17 to 18",
        f"{plateau['to the training mean', 'truth_range'][1]:.1f} ± {plateau_sd[1]:.1f}",
        f"{len(beyond)} densities × {half_images} images (± over {sweep_images})",
        "",
    ),
    (
        "deviation on actin (%)",
        "below 10",
        f"{fitted['actin']:.1f} ± "
        f"{100 * float((np.abs(actin_outputs - actin_mean).mean(axis=(1, 2)) / actin_mean.mean()).std(ddof=1)):.1f}",
        f"{actin_folds} networks (stand-in)",
        "",
    ),
]
study.publish_table(
    "lefebvre2020-text-numbers",
    dict(zip(("quantity", "source", "here", "repeats", "p (Student)"), zip(*text_rows, strict=True), strict=True)),
    caption="Numbers that stand only in the text of the source, beside ours; ± is a standard deviation over images, for "
    "actin over networks. Plateau: every image over its own mean, range of the clean image. **Stand-in** for actin: "
    f"{actin_stand_in}.",
)

# %% [markdown]
# ## Exercises
#
# 1. Let a tenth of the blinks be in *both* halves. What have input and target in common where the structure is flat, and what
#    would a network learn from it?
# 2. A pixel of one half is bright. Is the same pixel of the other half more or less likely to be bright, once you know how many
#    blinks of the whole cloud lie in that pixel? Show it by splitting one cloud many times.

# %% tags=["solution"]
both = study.streams(seed, "exercise").exercise
counts, others = (render(half).values.ravel() for half in halves.split(flat, rng=both))
leaked = others + both.binomial(counts.astype(int), 0.1)
for title, target in (("disjoint halves", others), ("a tenth in both", leaked)):
    print(f"{title}: correlation of input and target {np.corrcoef(counts, target)[0, 1]:+.3f}")
print(
    "where the structure is flat, disjoint halves share nothing; what they share now is noise, and a network will copy it"
)

# %% tags=["solution"]
pool = pooled[0]
rows, columns = (np.floor(pool[axis].values / 0.01).astype(int) for axis in ("y", "x"))
cell = rows * 10_000 + columns
here = cell == np.bincount(cell - cell.min()).argmax() + cell.min()
half = round(halves.KEPT / 2 * here.size)
orders = [both.permutation(here.size) for _ in range(200)]
one_half, other_half = ([here[order[part]].sum() for order in orders] for part in (slice(half), slice(half, 2 * half)))
print(
    f"brightest pixel, {here.sum()} blinks: correlation of the halves' counts {np.corrcoef(one_half, other_half)[0, 1]:.2f}"
)
print("given the total, what one half has the other lacks; only over scenes that blink anew are they independent")

# %% [markdown]
# ## Provenance

# %%
study.end()
