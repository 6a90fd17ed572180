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
# # The denoisers of the review, on one bench
#
# Which denoiser should one use, what does it need, and what does it do to the data? The review [laine2021] names some
# twenty methods and prints no number. Here nineteen denoisers, most of them named there, run on simulated images whose
# truth is known, fourteen of them on one common bench, and five on real pairs as well. Figs. 1 and 3 and Table 1 come
# out again, and 23 of the review's statements are measured.
# As a lesson it takes a few minutes, because the networks are small and briefly trained; the open data sets of the
# last part are replaced by simulated stand-ins where they are not at hand.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
seeds: int = 1  # trainings of every network that shares the U-Net of the bench; N2V2 and RCAN are trained once
structures: list[str] = ["filaments", "tubes"]  # of the bench: filaments, rings, puncta, tubes
exposures: list[float] = [5.0, 20.0, 80.0]  # photons in the brightest pixel, dimmest first
train_fields: int = 12  # fields per structure to learn from, each seen at every exposure
train_pixels: int = 80  # their side
test_fields: int = 3  # fields per structure to judge by
test_pixels: int = 168  # their side; MS-SSIM needs 161
steps: int = 80  # of every training
batch: int = 8  # crops per step
patch: int = 40  # side of a crop, pixels
features: int = 8  # maps at the finest scale of every network; 32 in the sources
learning_rate: float = 4e-3  # of Adam
blind_percent: float = 6.25  # share of blind spots, %; more than the sources', because trainings are short
bm3d_profile: str = "fast"  # "normal" is slower and better
pair_counts: list[int] = [10, 100]  # sizes of the training sets of Noise2Noise, pairs of crops
image_counts: list[int] = [1, 4]  # images that blind-spot methods learn from
image_pixels: int = 256  # their side; 512 in the claim
window: int = 5  # frames that a network sees of a movie
movie_frames: int = 80  # of a calcium movie
label_shares: list[float] = [0.1, 1.0]  # share of annotated fields of nuclei
nuclei_photons: list[float] = [2.0, 5.0, 20.0]  # brightest pixel of the nuclei, most noise first
nuclei_fields: int = 8  # fields of nuclei to learn from, and as many to judge by
samples: int = 100  # drawn by DivNoising
usable_psnr_db: float = 20.0  # from which a frame of a time-lapse is usable: its error is a tenth of its range
real_pixels: int = 160  # side of the crops of real images

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import tifffile
import torch
import xarray as xr
from matplotlib.colors import Normalize
from scipy import ndimage
from scipy.stats import spearmanr
from skimage.registration import phase_cross_correlation

from nbsupport import study
from nbsupport.assess import denoising
from nbsupport.assess.denoising import DETECTORS, Cell, score
from nbsupport.assess.resolution import frc
from nbsupport.assess.statistics import kendall, mean_interval, resampled
from nbsupport.optics import Optics
from nbsupport.restore import networks, tiling
from nbsupport.restore.blind_spot import BlindSpots
from nbsupport.restore.denoisers import Examples, denoiser, kind
from nbsupport.restore.precision import definite
from nbsupport.restore.training import crops, fit, supervised
from nbsupport.restore.variance_stabilisation import estimate_camera
from nbsupport.simulate.calcium import calcium_movie
from nbsupport.simulate.nuclei import nuclei
from nbsupport.simulate.planar import planar, point_spread_kernel
from nbsupport.study import layout

study.begin("30_denoisers", globals())
optics = Optics(numerical_aperture=1.4, wavelength_um=0.6)
camera = DETECTORS["camera"]
middle = exposures[len(exposures) // 2]
learning = {"steps": steps, "batch": batch, "patch": patch, "features": features, "learning_rate": learning_rate}
blind = learning | {"percent": blind_percent}
options = {
    "BM3D": {"profile": bm3d_profile},
    "CARE": learning | {"residual": False, "loss": "L2"},
    "RCAN": learning | {"features": 2 * features, "reduction": 4},
    "Noise2Noise": learning | {"residual": False},
    "Noise2Void": blind,
    "N2V2": blind,
    "structN2V": learning | {"percent": 0.5, "reach": patch // 2},
    "Noise2Self": learning | {"architecture": "noise2void"},
    "PN2V": blind | {"learning_rate": learning_rate / 2},
    "DecoNoising": blind,
    "DivNoising": learning | {"learning_rate": learning_rate / 4},
    "DenoiSeg": blind,
    "DeepCAD": learning | {"batch": 1, "patch": 32, "frames": min(16, movie_frames // 2)},
}


# %%
def learned(name, examples, number=0, **changes):
    """A trained denoiser; an interrupted study takes up the trainings that it has finished."""
    made = denoiser(name, **options.get(name, {}) | changes)
    folder = layout.DATA / "denoisers"
    return denoising.learned(made, examples, seed=number, folder=folder, progress=study.Progress(f"training {name}"))


def lights(kind, count, pixels, purpose):
    """Noise-free images of a structure, brightest pixel 1, from a random stream of their own."""
    rng = study.streams(seed, f"{kind} {purpose}")[f"{kind} {purpose}"]
    return [planar(kind, optics, rng=rng, pixels=pixels) for _ in range(count)]


def record(fields, photons, detector=camera, purpose="exposures", truths=None):
    """Examples of fields at one exposure."""
    rng = study.streams(seed, f"{purpose} {photons:g}")[f"{purpose} {photons:g}"]
    return detector.examples([field.light.values for field in fields], photons, rng=rng, truths=truths)


def interval(first, second):
    """Mean paired difference and its 95 % interval."""
    difference = np.ravel(first) - np.ravel(second)
    return tuple(map(float, mean_interval(difference, rng=np.random.default_rng(seed), resamples=2000)))


def with_intervals(statistic, *counts, values=None):
    """Numbers by name, each with its 95 % interval over what is drawn: test fields, counted last, and what comes before.

    A single field leaves nothing to draw, and the numbers bare. `values` are the numbers themselves where `statistic`
    decides by a quicker rule than they.
    """
    if counts[-1] == 1:
        return values or statistic(*map(np.arange, counts))
    drawn = resampled(statistic, *counts, rng=study.streams(seed, "intervals of claims")["intervals of claims"])
    values = values or {name: found.value for name, found in drawn.items()}
    return {name: (value, min(value, drawn[name].low), max(value, drawn[name].high)) for name, value in values.items()}


def surely_positive(differences, axis=-1):
    """Whether means exceed 0 by 1.96 standard errors: for draws by the thousand, in place of a bootstrap in each."""
    errors = differences.std(axis=axis) / np.sqrt(differences.shape[axis])
    return differences.mean(axis=axis) > 1.96 * errors


def psnrs(restore, examples):
    """PSNR of every restored image, dB, range of its truth."""
    pairs = zip(examples.clean, examples.noisy, strict=True)
    return np.array([score(clean, restore(noisy))["psnr_truth_range_db"] for clean, noisy in pairs])


# %% [markdown]
# ## The images
#
# **The source says** (Box 2): where $s_i$ photons are expected in pixel $i$, a camera returns
# $x_i = a\,\phi(s_i) + \epsilon_i$: the photons that came, $\phi(s_i)$, with their shot noise, times a gain $a$, plus
# Gaussian noise $\epsilon_i$ around an offset.
#
# **What we do.** Thin samples in focus at NA 1.4 and 0.1 µm pixels, each recorded at several exposures by one camera
# (2 ADU per photon, offset 100 ADU, read noise 3 ADU; an ADU is one grey value of the camera). Fields to learn from and
# fields to judge by have nothing in common. One structure at one exposure is a *cell* of the bench.

# %%
fields = {
    kind: {
        "training": lights(kind, train_fields, train_pixels, "training"),
        "test": lights(kind, test_fields, test_pixels, "test"),
    }
    for kind in structures
}
cells = [
    Cell(
        kind, photons, *(record(fields[kind][part], photons, purpose=f"{kind} {part}") for part in ("training", "test"))
    )
    for kind in structures
    for photons in exposures
]
by_exposure = {photons: next(c for c in cells if c.photons == photons) for photons in exposures}


# %%
def as_image(values, pixel_um=0.1):
    """Array with the coordinates of its pixels, µm."""
    axes = {dim: (np.arange(n) + 0.5) * pixel_um for dim, n in zip(("y", "x"), np.shape(values), strict=True)}
    return xr.DataArray(np.asarray(values), coords=axes, dims=("y", "x"))


def show(axes, values, like, title, pixel_um=0.1, **bar):
    """Draw an image on the colour scale of the clean one."""
    low, high = np.percentile(like, [0, 99.8])
    return study.draw_image(axes, as_image(values, pixel_um), title=title, norm=Normalize(low, high), **bar)


def inset(values, side=72):
    """The upper left corner of an image."""
    return np.asarray(values)[:side, :side]


# %%
figure, axes = plt.subplots(
    len(structures), len(exposures) + 1, figsize=(2 * len(exposures) + 2, 2.1 * len(structures))
)
panels = {}
for row, kind_of in zip(np.atleast_2d(axes), structures, strict=True):
    of_kind = [cell for cell in cells if cell.structure == kind_of]
    for axis, cell in zip(row, of_kind, strict=False):
        panels[f"{kind_of}, {cell.photons:g} photons"] = as_image(inset(cell.test.noisy[0]))
        show(axis, inset(cell.test.noisy[0]), inset(cell.test.clean[0]), f"{kind_of}, {cell.photons:g} photons")
    panels[f"{kind_of}, clean"] = as_image(inset(of_kind[-1].test.clean[0]))
    show(row[-1], inset(of_kind[-1].test.clean[0]), inset(of_kind[-1].test.clean[0]), "clean")
study.publish_figure(
    "denoisers-bench",
    figure,
    alt="One row per structure: the same field at growing exposure, from specks to shapes that are plain to see, and "
    "the clean image.",
    caption="Corners of test fields at every exposure (photons in the brightest pixel) and without noise. Scale bars 1 µm.",
    data=panels,
)

# %% [markdown]
# ## Two loops
#
# **The source says** (section 3, Fig. 3): supervised training compares the output with a clean image; self-supervised
# training compares it with pixels of the noisy image that were hidden from the network.
#
# **What we do.** Both loops, written out. They differ in what the network sees, in what its output is compared with,
# and in where.

# %%
shown = denoising.merged([cell.training for cell in cells if cell.structure == structures[0]])
scaled = [
    [(image - n.mean()) / n.std() for image, n in zip(s, shown.noisy, strict=True)] for s in (shown.noisy, shown.clean)
]
pairs = crops(*scaled, size=patch, batch=batch, seed=seed)
blinded = BlindSpots(crops(scaled[0], scaled[0], size=patch, batch=batch, seed=seed), percent=blind_percent, seed=seed)

# %% [markdown]
# Supervised (CARE):

# %%
network = networks.care(2, features=features, seed=seed)
optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
supervised_losses = []
for step in range(min(steps, 20)):
    noisy, clean = pairs.batch(step)
    loss = ((network(noisy) - clean) ** 2).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    supervised_losses.append(loss.item())

# %% [markdown]
# Self-supervised (Noise2Void): no clean image anywhere.

# %%
network = networks.care(2, features=features, seed=seed)
optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
blind_losses = []
for step in range(min(steps, 20)):
    seen, noisy, hidden = blinded.batch(step)
    loss = ((network(seen) - noisy)[hidden] ** 2).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    blind_losses.append(loss.item())

# %%
image = torch.from_numpy(scaled[0][0][None, None]).float().requires_grad_()
network(image)[0, 0, 20, 20].backward()
own = float(image.grad[0, 0, 20, 20])
seen, noisy, hidden = blinded.batch(0)
first, _, y, x = (int(axis[0]) for axis in hidden.nonzero(as_tuple=True))
crop = noisy.clone().requires_grad_()
network(torch.where(hidden, seen, crop))[first, 0, y, x].backward()
leak = study.keep("own_pixel", plain=own, hidden=float(crop.grad[first, 0, y, x]), last=blind_losses[-1])
study.say(
    "How strongly the output at a pixel depends on the value of that very pixel: {plain:.3g} in a plain pass, **{hidden:g}** "
    "where it was hidden. The loss of the blind loop cannot fall to zero: noise that nobody can predict is left in it "
    "({last:.2f} after these few steps).",
    leak,
)

# %% [markdown]
# ## All methods in all cells
#
# **The source says**: supervised training is best where its data fit (section 3); self-supervised results come close "in
# many situations"; deep networks "often" beat classical filters; and which metric one takes "seldom" matters (Box 1).
#
# **What we do.** The U-Net is the same for CARE, Noise2Noise, Noise2Void, Noise2Self and PN2V: that of CARE, with fewer
# maps, kernels of 3 instead of 5 pixels, and without the residual connection; PN2V learns at half the rate. N2V2, Noise2Void
# made against checkerboards, and RCAN, a network with channel attention, bring their own. Each network learns one cell,
# and all but RCAN, which has the absolute one, have the squared error where they compare images.
#
# Classical filters are the Gaussian, the median, non-local means (NLM), total variation (TV), wavelets with thresholds
# of two sorts (BayesShrink and PURE-LET), and block matching (BM3D). All but PURE-LET have one parameter, chosen per
# cell on the training fields with their clean images (never on the test fields); the best one in hindsight is shown
# beside it as *oracle*. Variance stabilisation precedes NLM, TV, BayesShrink and BM3D. PURE-LET is a variant derived
# for this study: decimated Haar bands, averaged over shifts. PN2V and Noise2Void are compared at the three dimmest
# exposures.

# %%
classical = ["Gaussian", "median", "NLM", "TV", "BayesShrink", "PURE-LET", "BM3D"]
same_unet = ["CARE", "Noise2Noise", "Noise2Void", "Noise2Self", "PN2V"]
deep = [*same_unet, "N2V2", "RCAN"]
chosen = {(name, cell.structure, cell.photons): learned(name, cell.training) for name in classical for cell in cells}
taught = {
    (name, cell.structure, cell.photons): [
        learned(name, cell.training, number) for number in range(seeds if name in same_unet else 1)
    ]
    for name in deep
    for cell in cells
}

# %%
restorers = {("input", kind_of): [[lambda noisy: noisy]] for kind_of in structures}
for kind_of in structures:
    restorers |= {(name, kind_of): [[chosen[name, kind_of, p].apply for p in exposures]] for name in classical}
    restorers |= {
        (name, kind_of): [
            list(row) for row in zip(*([t.apply for t in taught[name, kind_of, p]] for p in exposures), strict=True)
        ]
        for name in deep
    }
table = denoising.scores(restorers, cells, track=lambda items: study.track(items, "scoring"))
means = {metric: denoising.cell_means(table, metric) for metric in denoising.METRICS}
psnr = means["psnr_truth_range_db"]

# %%
everyone = classical + deep
study.publish_table(
    "denoisers-scores",
    {
        "method": everyone,
        "taught by": [kind(name).supervision for name in everyone],
        **{
            f"{kind_of}, {photons:g} photons (dB)": [
                float(psnr.sel(denoiser=name, structure=kind_of, photons=photons)) for name in everyone
            ]
            for kind_of in structures
            for photons in exposures
        },
        "SSIM, all cells": [float(means["ssim"].sel(denoiser=name).mean()) for name in everyone],
        "training (s)": [
            float(np.mean([taught[name, c.structure, c.photons][0].seconds for c in cells])) if name in deep else None
            for name in everyone
        ],
    },
    caption=f"PSNR (range of the clean image) of every method in every cell, mean over {test_fields} fields and {seeds} "
    "seed(s); N2V2 and RCAN: one training.",
)


# %%
def oracle_gain(name, cell):
    """PSNR that knowing the truth would add to a filter's choice on the first test field, dB."""
    filtering, clean, noisy = chosen[name, cell.structure, cell.photons], cell.test.clean[0], cell.test.noisy[0]
    images = filtering.oracle(noisy, clean)[0], filtering.apply(noisy)
    best, by_rule = (score(clean, image)["psnr_truth_range_db"] for image in images)
    return best - by_rule


tuned = [name for name in classical if name != "PURE-LET"]
hindsight = {name: [oracle_gain(name, cell) for cell in cells[:: len(exposures)]] for name in tuned}
study.publish_table(
    "denoisers-oracle",
    {
        "filter": tuned,
        "parameters chosen": [
            ", ".join(f"{chosen[n, c.structure, c.photons].parameter:g}" for c in cells) for n in tuned
        ],
        "largest gain of the oracle (dB)": [max(hindsight[name]) for name in tuned],
    },
    caption="Parameter that each filter's rule chose, cell by cell, and what the best one in hindsight would add to the "
    "first test field of the dimmest cells.",
)

# %%
figure, axes = plt.subplots(1, len(structures), figsize=(3.4 * len(structures) + 1.5, 3.2), sharey=True, squeeze=False)
for axis, kind_of in zip(axes[0], structures, strict=True):
    best = psnr.sel(denoiser=classical, structure=kind_of).max("denoiser")
    axis.plot(exposures, psnr.sel(denoiser="input", structure=kind_of), ":", color="0.5", label="input")
    axis.plot(exposures, best, "--", color="0.5", label="best classical")
    for number, name in enumerate(deep):
        line = psnr.sel(denoiser=name, structure=kind_of)
        axis.plot(exposures, line, "os^vDPX"[number], linestyle="-", color=f"C{number}", label=name, markersize=4)
    axis.set(xscale="log", xlabel="photons in the brightest pixel", title=kind_of)
    axis.set_xticks(exposures, [f"{e:g}" for e in exposures])
    axis.minorticks_off()
axes[0, 0].set_ylabel("PSNR (dB, range of the truth)")
axes[0, -1].legend(loc="upper left", bbox_to_anchor=(1, 1))
study.publish_figure(
    "denoisers-psnr",
    figure,
    alt="PSNR against exposure, one panel per structure: all methods rise with light, and nearly all lie well above the input.",
    caption=f"PSNR of the learned methods and of the best classical one in each cell; mean of {test_fields} fields and "
    f"{seeds} seed(s); N2V2 and RCAN: one training.",
    data={
        "photons": exposures,
        **{
            f"{name}: {k}": psnr.sel(denoiser=name, structure=k).values
            for name in ["input", *everyone]
            for k in structures
        },
    },
)

# %%
of_fields = table.transpose("structure", "seed", "image", "metric", "denoiser", "photons").values
n_fields = test_fields * len(structures)
over_bench = f"bootstrap over {seeds} training(s) of the U-Nets and over fields within structures, 95 %"


def of_bench(statistic, values=None):
    """Numbers of all cells with intervals; every structure has fields of its own, seen at all exposures.

    `statistic` takes scores by metric and method, (structure, field, exposure), means over the drawn trainings.
    """

    def of_draw(trainings, *drawn):
        kept = of_fields[np.arange(len(structures))[:, None, None], trainings[:, None], np.array(drawn)[:, None]]
        by_metric = np.moveaxis(kept.mean(axis=1), (2, 3), (0, 1))
        return statistic(
            {
                (metric, str(name)): of_method
                for metric, by_name in zip(denoising.METRICS, by_metric, strict=True)
                for name, of_method in zip(table.denoiser.values, by_name, strict=True)
            }
        )

    return with_intervals(of_draw, seeds, *[test_fields] * len(structures), values=values)


# %%
def first_places(scores):
    """Shares of cells in which the supervised network is first, %."""
    psnr_first, ssim_first = (
        np.argmax([scores[metric, name].mean(axis=1) for name in same_unet], axis=0) == 0
        for metric in ("psnr_truth_range_db", "ssim")
    )
    first = {"both": psnr_first & ssim_first, "psnr": psnr_first, "ssim": ssim_first}
    return {f"first_{which}_percent": 100 * float(cells_won.mean()) for which, cells_won in first.items()}


study.claim("laine2021-supervised-best", measured=of_bench(first_places), spread=over_bench, n=n_fields)


# %%
def small_gaps(scores):
    """Shares of cells in which the self-supervised method that comes closest over all of them comes close, %."""
    of = {name: scores["psnr_truth_range_db", name].mean(axis=1) for name in same_unet}
    closest = min((of["CARE"] - of[name] for name in ("Noise2Void", "Noise2Self", "PN2V")), key=np.mean)
    return {f"gap_below_{limit}_db_percent": 100 * float((closest < limit).mean()) for limit in (1, 2)}


study.claim("laine2021-self-supervised-comparable", measured=of_bench(small_gaps), spread=over_bench, n=n_fields)

# %%
rng = study.streams(seed, "bootstrap").bootstrap
wins = [denoising.best_in_cell(table, metric, deep, classical, rng=rng) for metric in ("psnr_truth_range_db", "ssim")]
by_interval = f"{over_bench}; in a draw, what wins by 1.96 standard errors"


def best(scores, metric, group):
    """Scores of the method of a group with the best mean in each cell, (structure, field, exposure)."""
    candidates = np.array([scores[metric, name] for name in group])
    leaders = candidates.mean(axis=2).argmax(axis=0)[None, :, None]
    return np.take_along_axis(candidates, leaders, axis=0)[0]


def deep_wins(scores):
    """Share of cells in which the best network surely beats the best filter in PSNR and in SSIM, %."""
    in_psnr, in_ssim = (
        surely_positive(best(scores, metric, deep) - best(scores, metric, classical), axis=1)
        for metric in ("psnr_truth_range_db", "ssim")
    )
    return {"deep_wins_percent": 100 * float((in_psnr & in_ssim).mean())}


won = {"deep_wins_percent": 100 * float(np.mean([a.low > 0 and b.low > 0 for a, b in zip(*wins, strict=True)]))}
study.claim("laine2021-dl-beats-classical", measured=of_bench(deep_wins, won), spread=by_interval, n=n_fields)

# %%
values = table.sel(denoiser=["Noise2Void", "PN2V"], metric="psnr_truth_range_db").mean("seed")
levels = [interval(*values.sel(denoiser=["PN2V", "Noise2Void"], photons=photons).values) for photons in exposures[:3]]


def levels_won(scores):
    """Number of exposures, of the three dimmest, at which PN2V surely beats Noise2Void."""
    gained = scores["psnr_truth_range_db", "PN2V"] - scores["psnr_truth_range_db", "Noise2Void"]
    return {"levels_pn2v_wins": int(surely_positive(gained[..., :3].reshape(-1, len(levels)), axis=0).sum())}


won = {"levels_pn2v_wins": sum(low > 0 for _, low, _ in levels)}
study.claim("laine2021-pn2v-improves", measured=of_bench(levels_won, won), spread=by_interval, n=n_fields)

# %%
first, second = np.triu_indices(len(everyone), 1)


def agreement(scores):
    """Mean of Kendall's tau of PSNR with the other metrics, and share of pairs, %, that SSIM orders oppositely."""
    ranked = {
        metric: np.stack([scores[metric, name].mean(axis=1) for name in everyone], axis=-1)
        for metric in denoising.METRICS
    }
    by_psnr = ranked.pop("psnr_truth_range_db")
    orders = [np.sign(by[..., first] - by[..., second]) for by in (by_psnr, ranked["ssim"])]
    return {
        "mean_kendall_tau": float(np.mean([kendall(by_psnr, by) for by in ranked.values()])),
        "ssim_discordant_percent": 100 * float((orders[0] * orders[1] < 0).mean()),
    }


study.claim("laine2021-metrics-agree-in-ranking", measured=of_bench(agreement), spread=over_bench, n=n_fields)

# %% [markdown]
# **What this shows.** The verdicts above, under rules written beforehand, for one network trained for a short time.
# What each needs: a filter a number (chosen here with clean training images; PURE-LET none), and PURE-LET and those with
# variance stabilisation the camera's gain, offset and read noise; CARE and RCAN clean images; Noise2Noise a second
# exposure; the others nothing but the noisy images, and PN2V calibration frames besides.
#
# **What it does not.** Networks of this size and training length are far from their best; the sources train for hours.
# The order of methods that lie close to each other may change with the seed. Intervals above draw trainings, where there
# are several, and fields, of which there are few: they are too short, and speak of these structures and exposures; a
# count that no draw changes has one of no width, and those of ranks may lie to one side of their value, because methods
# that lie close change places more easily in a draw. From here on every network is trained once, but for those that
# compare clean with noisy targets, and intervals are over test data (of speed, over turns): they say nothing of how one
# training differs from the next. Simulated structures in focus are kinder than tissue.

# %% [markdown]
# ## How fast is a trained model?
#
# **The source says** (Fig. 3): prediction is quick.
#
# **What we do.** An image of 192 × 192 pixels goes through a U-Net of the sources' full width (speed does not depend on the
# weights), an RCAN and the classical filters, on this machine. They take turns, five times: what else the machine does slows
# all of them alike, so that ratios within a turn can be trusted where single times cannot.


# %%
speed_image = np.tile(cells[0].test.noisy[0][:96, :96], (2, 2))
timed = {name: chosen[name, structures[0], exposures[0]].apply for name in classical}
full = {"U-Net": networks.care(2), "RCAN": networks.rcan(2, 1, 1, groups=2, blocks=2)}
timed |= {name: (lambda image, n=net: tiling.apply(n, image, precision="auto")) for name, net in full.items()}
speed = denoising.seconds_per_megapixel(timed, speed_image)
quickest = speed.sel(restorer=["NLM", "BM3D"]).min("restorer")
on_gpu = 0.0
if torch.cuda.is_available():
    wide = {"U-Net": lambda image: tiling.apply(full["U-Net"], image, device="cuda")}
    on_gpu = float(quickest.min() / denoising.seconds_per_megapixel(wide, np.tile(speed_image, (5, 5))).min())
study.claim(
    "laine2021-fast-prediction",
    measured={
        "unet_cpu_speedup": mean_interval((quickest / speed.sel(restorer="U-Net")).values, rng=rng),
        "unet_gpu_speedup": on_gpu,
    },
    n=speed.sizes["round"],
    spread="bootstrap over turns, 95 %; none for unet_gpu_speedup: a ratio of shortest times, 0 without a GPU",
)

# %%
middle_speed = speed.median("round")
study.publish_table(
    "denoisers-speed",
    {
        "method": speed.restorer.values,
        "s per megapixel": middle_speed.values,
        "shortest": speed.min("round").values,
        "longest": speed.max("round").values,
        "megapixels per s": (1 / middle_speed).values,
    },
    caption="Time on this machine's processor: median, shortest and longest of five turns on 192 × 192 pixels. U-Net "
    f"with 32 maps, RCAN with 2 × 2 blocks of 32, both in {definite('auto')}; BM3D with its {bm3d_profile} profile.",
)

# %% [markdown]
# **What this shows.** What a trained network costs per image beside the filters.
#
# **What it does not.** The training comes on top; and timings of one machine, perhaps with other work on it, are no law.
# The ratio belongs to the processor: in runs of this cell on two of them it differed fourfold. A `unet_gpu_speedup` of 0
# says that no graphics processor was there to be timed.

# %% [markdown]
# ## Noise that pixels share
#
# **The source says** (section 3, Box 2, section 6): blind-spot networks need noise that is independent between pixels. Stripes
# of a camera stay in the picture; structN2V, whose blind spot is widened along them, removes them. Supervised training makes no
# such assumption.
#
# **What we do.** The same fields with independent noise and with rows that move together, of equal variance; and fields with haze
# from out of focus. Rows are correlated over the whole field, so the widened blind spot reaches half a crop to either
# side. Then three detectors at one input PSNR: a point scanner, an EMCCD and a structured sCMOS.

# %%
plain = fields[structures[0]]
hazy = {
    part: [
        f.assign(light=f.light + 1.5 * ndimage.gaussian_filter(np.roll(f.light.values, 37, 1), 12)) for f in plain[part]
    ]
    for part in plain
}
degraded = {
    "independent noise": (plain, DETECTORS["independent"]),
    "stripes": (plain, DETECTORS["stripes"]),
    "haze": (hazy, camera),
}
sets = {
    name: {
        part: record(of[part], middle, detector, f"{name} {part}", [f.light.values for f in plain[part]])
        for part in ("training", "test")
    }
    for name, (of, detector) in degraded.items()
}
repairs = {
    (name, method): learned(method, sets[name]["training"])
    for name in sets
    for method in ("CARE", "Noise2Void", *(["structN2V"] if name == "stripes" else []))
}
gained = {
    (name, method): psnrs(trained.apply, sets[name]["test"]) - psnrs(np.asarray, sets[name]["test"])
    for (name, method), trained in repairs.items()
}


# %%
def stripes_of(restore):
    """Stripe amplitude of every restored test image, ADU."""
    test = sets["stripes"]["test"]
    return np.array([denoising.stripe_amplitude(restore(n) - c) for n, c in zip(test.noisy, test.clean, strict=True)])


stripes = {"input": stripes_of(np.asarray)}
stripes |= {method: stripes_of(repairs["stripes", method].apply) for method in ("Noise2Void", "structN2V")}
after = {
    (name, method): psnrs(repairs[name, method].apply, sets[name]["test"]) for name, method in repairs if name != "haze"
}


def stripes_left(method, of="input", image=slice(None)):
    """Mean stripe amplitude after a method over that of the input, or of what another method leaves."""
    return float(stripes[method][image].mean() / stripes[of][image].mean())


def harm(image):
    """What stripes do to Noise2Void on the drawn images."""
    penalty = after["independent noise", "Noise2Void"] - after["stripes", "Noise2Void"]
    return {
        "stripe_survival_percent": 100 * stripes_left("Noise2Void", image=image),
        "psnr_penalty_db": float(penalty[image].mean()),
    }


study.claim(
    "laine2021-independence-needed",
    measured=with_intervals(harm, test_fields),
    spread="paired bootstrap over images, 95 %",
    n=test_fields,
)

# %%
residual = with_intervals(
    lambda image: {"stripe_residual_ratio": stripes_left("structN2V", "Noise2Void", image)}, test_fields
)
study.claim(
    "laine2021-structn2v-fixes",
    measured=residual | {"psnr_gain_db": interval(after["stripes", "structN2V"], after["stripes", "Noise2Void"])},
    spread="paired bootstrap over images, 95 %",
    n=test_fields,
)


# %%
def handled(image):
    """What CARE gains, and how many of the hard cases it wins, on the drawn images."""
    gain = {key: float(value[image].mean()) for key, value in gained.items()}
    won = [gain[n, "CARE"] >= 3 and gain[n, "Noise2Void"] < gain[n, "CARE"] / 2 for n in ("stripes", "haze")]
    return {"independent_gain_db": gain["independent noise", "CARE"], "hard_cases_won": sum(won)}


study.claim(
    "laine2021-supervised-handles-any-degradation",
    measured=with_intervals(handled, test_fields),
    spread="bootstrap over images, 95 %",
    n=test_fields,
)

# %%
figure, axes = plt.subplots(len(sets), 4, figsize=(8.4, 6.2))
panels = {}
for row, name in zip(axes, sets, strict=True):
    clean, noisy = (inset(getattr(sets[name]["test"], which)[0]) for which in ("clean", "noisy"))
    last = "structN2V" if name == "stripes" else None
    views = {"noisy": noisy, "Noise2Void": None, "CARE": None, (last or "clean"): clean}
    for axis, method in zip(row, views, strict=True):
        trained = repairs.get((name, method))
        view = views[method] if trained is None else inset(trained.apply(sets[name]["test"].noisy[0]))
        panels[f"{name}: {method}"] = as_image(view)
        show(
            axis,
            view,
            clean if name != "haze" or method in ("CARE", "clean") else noisy,
            method if method != "noisy" else name,
        )
study.publish_figure(
    "denoisers-structured-noise",
    figure,
    alt="Three rows: independent noise, stripes, haze. Noise2Void cleans the first, keeps the stripes of the second and "
    "the haze of the third; CARE removes noise and haze and most of the stripes; structN2V weakens the stripes, and the "
    "filaments along them.",
    caption=f"What is left of three degradations ({middle:g} photons). The last column is the clean image, or structN2V "
    "where there are stripes. The hazy input and its Noise2Void have a colour scale of their own. Scale bars 1 µm.",
    data=panels,
)

# %%
levels_of = [f.light.values for f in plain["test"]]
quality_db = float(np.mean(psnrs(np.asarray, record(plain["test"], middle, DETECTORS["structured sCMOS"], "quality"))))
by_detector = {}
for name in ("point scanner", "EMCCD", "structured sCMOS"):
    photons = denoising.equal_quality(DETECTORS[name], np.concatenate(levels_of), quality_db)
    training, test = (record(plain[part], photons, DETECTORS[name], f"{name} {part}") for part in ("training", "test"))
    by_detector[name] = psnrs(learned("Noise2Void", training).apply, test) - psnrs(np.asarray, test)
study.claim(
    "laine2021-scanner-vs-camera",
    measured={
        "scanner_minus_emccd_db": interval(by_detector["point scanner"], by_detector["EMCCD"]),
        "emccd_minus_scmos_db": interval(by_detector["EMCCD"], by_detector["structured sCMOS"]),
    },
    spread="paired bootstrap over images, 95 %",
    n=test_fields,
)

# %% [markdown]
# **What this shows.** Which degradations a method can see at all: what is shared along a row is, for a blind-spot
# network, signal.
#
# **What it does not.** Sizes of stripes and patterns are chosen here (8 ADU shared by a row; columns 6 and pixels 4 ADU); the
# source gives none. A fixed pattern would be calibrated away in practice.

# %% [markdown]
# ## How much data?
#
# **The source says**: the target of Noise2Noise may be noisy, because the network learns its expectation (section 3);
# self-supervised training works from one image (conclusion); context in time, depth or channels helps and costs (section 4).
#
# **What we do.** CARE and Noise2Noise learn from equally many small pairs, with clean and with noisy targets, under two
# sorts of noise, as often as the networks of the bench: the gap between two trainings is of the size of what is asked, so
# the interval is over trainings as well as images where there are several. Noise2Void and Noise2Self learn from one image
# or from more. One U-Net learns to restore the middle frame of a drifting field from that frame alone, another from a
# window of frames around it.


# %%
def windows(count):
    """Crops of clean light, drawn anywhere in the training fields, as many as asked for."""
    rng = study.streams(seed, "windows").windows
    values = [field.light.values for field in plain["training"]]
    picked = [values[rng.integers(len(values))] for _ in range(count)]
    side = min(patch, 32)
    corners = rng.integers(train_pixels - side + 1, size=(count, 2))
    return [v[y : y + side, x : x + side] for v, (y, x) in zip(picked, corners, strict=True)]


noise_kinds = {"Poisson": replace(camera, camera=replace(camera.camera, read_noise=0.0)), "Poisson-Gaussian": camera}
pair_gaps = {}
for name, count in [(n, c) for n in noise_kinds for c in pair_counts]:
    rng = study.streams(seed, f"pairs {name}")[f"pairs {name}"]
    many = noise_kinds[name].examples(windows(count), middle, rng=rng)
    test = record(plain["test"], middle, noise_kinds[name], f"pairs test {name}")
    with_clean, with_noisy = (
        np.array([psnrs(learned(method, many, number, loss="L2").apply, test) for number in range(seeds)])
        for method in ("CARE", "Noise2Noise")
    )
    pair_gaps[name, count] = with_clean - with_noisy  # (training, image)


# %%
def over_trainings(values):
    """Mean over trainings and images and its 95 % interval over both."""
    rng = np.random.default_rng(seed)
    return tuple(map(float, mean_interval(values, rng=rng, resample="seeds and images", resamples=2000)))


worst = max(noise_kinds, key=lambda name: pair_gaps[name, pair_counts[-1]].mean())
study.claim(
    "laine2021-n2n-expectation",
    measured={
        "gap_largest_set_db": over_trainings(pair_gaps[worst, pair_counts[-1]]),
        "gap_reduction_db": over_trainings(pair_gaps[worst, pair_counts[0]] - pair_gaps[worst, pair_counts[-1]]),
    },
    spread=f"paired bootstrap over {seeds} training(s) and over images, 95 %",
    n=test_fields,
)

# %%
large = record(lights(structures[0], max(image_counts), image_pixels, "large"), middle, purpose="large")
large_test = record(plain["test"], middle, purpose="large test")


def first_images(count):
    """Noisy images alone, the first `count`."""
    return Examples(large.noisy[:count])


single = {
    (name, count): psnrs(learned(name, first_images(count)).apply, large_test) - psnrs(np.asarray, large_test)
    for name in ("Noise2Void", "Noise2Self")
    for count in image_counts
}
weaker = min(("Noise2Void", "Noise2Self"), key=lambda name: single[name, 1].mean())
study.claim(
    "laine2021-single-image-training",
    measured=interval(single[weaker, 1], 0.0),
    spread="bootstrap over images, 95 %",
    n=test_fields,
)


# %%
def drifting(field, number):
    """Movie of a field that drifts steadily, (frame, y, x), light."""
    step_px = np.random.default_rng([seed, number]).uniform(-0.7, 0.7, 2)
    moved = [ndimage.shift(field.light.values, step_px * (t - window // 2), order=1) for t in range(window)]
    return np.array(moved)[:, 4:-4, 4:-4]


movies = {part: [drifting(field, n) for n, field in enumerate(plain[part])] for part in plain}
filmed = {
    part: camera.examples(movies[part], middle, rng=study.streams(seed, f"films {part}")[f"films {part}"])
    for part in movies
}
unit = camera.camera.gain * middle
context, context_seconds = {}, {}
for frames in (1, window):
    part = slice(window // 2 - frames // 2, window // 2 + frames // 2 + 1)
    inputs, targets = (
        [(m[s] - 100) / unit for m in which]
        for which, s in ((filmed["training"].noisy, part), (filmed["training"].clean, window // 2))
    )
    cut = crops(inputs, targets, size=min(patch, train_pixels - 8), batch=batch, seed=seed)
    net = networks.time_unet(frames=frames, time="axis", features=features, seed=seed)
    trained = fit(
        net, supervised(torch.nn.functional.mse_loss), cut, steps=steps, learning_rate=learning_rate, seed=seed
    )
    outputs = [tiling.apply(net, (m[part] - 100) / unit)[0] * unit + 100 for m in filmed["test"].noisy]
    context[frames] = np.array(
        [score(c[window // 2], o)["psnr_truth_range_db"] for c, o in zip(filmed["test"].clean, outputs, strict=True)]
    )
    context_seconds[frames] = trained.seconds
study.claim(
    "laine2021-context-dimensions-help",
    measured={
        "psnr_gain_db": interval(context[window], context[1]),
        "training_time_ratio": context_seconds[window] / context_seconds[1],
    },
    spread="paired bootstrap over images, 95 %; none for training_time_ratio: one training of each",
    n=test_fields,
)

# %%
figure, axes = plt.subplots(1, 3, figsize=(9.2, 2.7))
for name in noise_kinds:
    (line,) = axes[0].plot(pair_counts, [pair_gaps[name, c].mean() for c in pair_counts], "o-", label=name)
    for training in range(seeds):
        each = [pair_gaps[name, c][training].mean() for c in pair_counts]
        axes[0].plot(pair_counts, each, ".", color=line.get_color(), alpha=0.5)
axes[0].axhline(0, color="black", linewidth=0.6)
axes[0].set(xscale="log", xlabel="training pairs", ylabel="PSNR with clean − noisy targets (dB)", title="Noise2Noise")
axes[0].legend()
for name in ("Noise2Void", "Noise2Self"):
    axes[1].plot(image_counts, [single[name, c].mean() for c in image_counts], "o-", label=name)
axes[1].set(
    xscale="log",
    xlabel=f"images of {image_pixels}² pixels",
    ylabel="PSNR gain (dB)",
    title="few images",
    ylim=(0, 1.1 * max(v.mean() for v in single.values())),
)
axes[1].set_xticks(image_counts, [f"{n}" for n in image_counts])
axes[1].minorticks_off()
axes[1].legend()
axes[2].plot([f"{frames} frame(s)" for frames in context], [v.mean() for v in context.values()], "o-")
axes[2].set(ylabel="PSNR (dB)", title="context in time")
axes[2].margins(0.3)
study.publish_figure(
    "denoisers-data",
    figure,
    alt="Left: gap between clean and noisy targets against the number of pairs, a small dot for each training. Middle: "
    "gain of blind-spot methods against the number of images. Right: PSNR with one frame and with a window of frames.",
    caption="How results depend on the data: pairs for Noise2Noise, images for blind-spot methods, frames seen at once. "
    f"{steps} steps each. Small dots on the left: {seeds} training(s).",
    data={
        "pairs": pair_counts,
        **{f"gap {name} (dB)": [pair_gaps[name, c].mean() for c in pair_counts] for name in noise_kinds},
        **{
            f"gap {name}, training {k + 1} (dB)": [pair_gaps[name, c][k].mean() for c in pair_counts]
            for name in noise_kinds
            for k in range(seeds)
        },
        "images": image_counts,
        **{f"gain {n} (dB)": [single[n, c].mean() for c in image_counts] for n in ("Noise2Void", "Noise2Self")},
        "frames": list(context),
        "PSNR (dB)": [v.mean() for v in context.values()],
    },
)

# %% [markdown]
# **What this shows.** What more pairs, more images and more frames add when the number of steps stays the same.
#
# **What it does not.** The number of steps is fixed, so that large sets are not used up. One training more or less moves the
# gap on the left by tenths of a decibel: where each network was trained once, the interval is too short. Depth as context
# was not run; drifting fields are the simplest of movies.

# %% [markdown]
# ## Brightness and ratios
#
# **The source says** (section 5): denoising may change intensities non-linearly; ratios of channels denoised one by one are
# unreliable; denoising them together would retain them better (proposed, not shown).
#
# **What we do.** Two channels of the same field whose ratio is constant in each of 16 squares and known. Every method
# of the bench restores each channel on its own; the error of the ratio of region means is compared with that of the raw
# images. Then one RCAN learns both channels together, and two learn one channel each.


# %%
def ratio_map(size, rng):
    """Ratios from 0.2 to 1 in 4 × 4 squares, and the number of the square of each pixel."""
    squares = np.add.outer(4 * (4 * np.arange(size) // size), 4 * np.arange(size) // size)
    ratios = rng.uniform(0.2, 1.0, 16)
    return ratios, squares


def two_channels(part):
    """Light of two channels (2, y, x) per field, the true ratios, and numbered squares where there is structure."""
    rng = study.streams(seed, f"ratios {part}")[f"ratios {part}"]
    drawn = [(f.light.values, *ratio_map(f.sizes["y"], rng)) for f in plain[part]]
    both = [np.stack([light, light * ratios[squares]]) for light, ratios, squares in drawn]
    return both, [r for _, r, _ in drawn], [np.where(light > 0.2, s + 1, 0) for light, _, s in drawn]


def errors_of(restore, recorded):
    """Relative error of every region's ratio, all fields, when `restore` takes a pair of channels."""
    dark = 100 + 0.1 * unit
    found = [
        denoising.ratio_errors(*restore(n), r, g, dark=dark)[np.isin(np.arange(1, 17), g)]
        for n, r, g in zip(recorded.noisy, true_ratios, regions, strict=True)
    ]
    return np.concatenate(found)


# %%
both, true_ratios, regions = two_channels("test")
recorded = camera.examples(both, middle, rng=study.streams(seed, "channels").channels)
one_by_one = {name: chosen[name, structures[0], middle].apply for name in classical}
one_by_one |= {name: taught[name, structures[0], middle][0].apply for name in deep}
raw_errors = errors_of(np.asarray, recorded)
ratio_errors = {
    name: errors_of(lambda pair, r=restore: [r(channel) for channel in pair], recorded)
    for name, restore in one_by_one.items()
}
worse = {name: interval(error, raw_errors) for name, error in ratio_errors.items()}
excess = np.array([error - raw_errors for error in ratio_errors.values()])  # (method, region)
image_of_region = np.repeat(np.arange(test_fields), [np.unique(numbered[numbered > 0]).size for numbered in regions])


def distorting(image):
    """Share of methods whose error surely exceeds the raw one in the regions of the drawn images, %."""
    drawn = np.concatenate([np.flatnonzero(image_of_region == k) for k in image])
    return {"distorting_methods_percent": 100 * float(surely_positive(excess[:, drawn]).mean())}


share = {"distorting_methods_percent": 100 * float(np.mean([low > 0 for _, low, _ in worse.values()]))}
study.claim(
    "laine2021-intensity-distortion",
    measured=with_intervals(distorting, test_fields, values=share),
    spread="bootstrap over images, 95 %; in a draw, what exceeds 0 by 1.96 standard errors over regions",
    n=test_fields,
)

# %%
bent = {
    name: denoising.response(np.stack(recorded.clean)[:, 0], np.stack([restore(n[0]) for n in recorded.noisy]))
    for name, restore in one_by_one.items()
}
straight = denoising.response(np.stack(recorded.clean)[:, 0], np.stack([n[0] for n in recorded.noisy]))
study.publish_table(
    "denoisers-response",
    {
        "method": ["raw", *bent],
        "median ratio error": [float(np.median(raw_errors)), *(float(np.median(ratio_errors[n])) for n in bent)],
        "slope": [slope for slope, _ in (straight, *bent.values())],
        "curvature": [curvature for _, curvature in (straight, *bent.values())],
    },
    caption=f"Ratio of two channels denoised one by one ({middle:g} photons; {len(raw_errors)} regions), and how the "
    "output follows the true intensity: slope (1 is faithful) and curvature (0 is linear).",
)

# %%
both_training, _, _ = two_channels("training")
pair_rng = study.streams(seed, "channels training")["channels training"]
together = camera.examples(both_training, middle, rng=pair_rng)
apart = [
    replace(together, **{k: [pair[c] for pair in getattr(together, k)] for k in ("noisy", "clean", "again")})
    for c in (0, 1)
]
joint = learned("RCAN", together)
separate = [learned("RCAN", examples) for examples in apart]
joint_errors = errors_of(joint.apply, recorded)
separate_errors = errors_of(
    lambda pair: [r.apply(channel) for r, channel in zip(separate, pair, strict=True)], recorded
)
study.claim(
    "laine2021-joint-channels-retain-ratio",
    measured=interval(100 * separate_errors, 100 * joint_errors),
    spread="paired bootstrap over regions, 95 %",
    n=len(raw_errors),
)

# %% [markdown]
# **What this shows.** Averaging over a region is hard to beat for a ratio: it is unbiased, and no denoiser adds light.
#
# **What it does not.** Regions with known borders are the easiest case for the raw data; ratios pixel by pixel are
# another matter. The methods of the bench learned fields of one brightness: the second channel, up to five times dimmer
# and with edges between its squares, is new to them, so that part of their error may be a mismatch. The RCANs learned
# such channels.

# %% [markdown]
# ## Sharpness
#
# **The source says**: a Gaussian filter pays with blur, learned methods avoid it (introduction); CARE and 3D-RCAN can also
# sharpen, DecoNoising deconvolves with a known point spread function from noisy images alone (section 4).
#
# **What we do.** A chart of isolated points and lines, whose widths are known; learned methods against the Gaussian
# filter that leaves the same noise in the background, or against the widest one where none leaves so little. Then
# networks whose targets are sharp. DecoNoising is compared with the sharp object: by the frequency up to which the two
# correlate (the cutoff of their Fourier ring correlation) and by PSNR.

# %%
charts = {
    "training": lights("points and lines", train_fields, max(train_pixels, 64), "training"),
    "test": lights("points and lines", test_fields, test_pixels, "test"),
}
charted = {part: record(charts[part], middle, purpose=f"charts {part}") for part in charts}


def widths(images):
    """Mean widths of points and of lines of every test chart, px, (chart, 2)."""
    spots = [denoising.spot_width(i, f.attrs["points"]) for i, f in zip(images, charts["test"], strict=True)]
    lines = [denoising.line_width(i, f.attrs["lines"]) for i, f in zip(images, charts["test"], strict=True)]
    return np.column_stack([spots, lines])


def quality(restore):
    """Background noise (ADU) and widths of points and of lines (px) of every restored test chart, (chart, 3)."""
    images = [restore(noisy) for noisy in charted["test"].noisy]
    noise = [denoising.background_sd(i, f.light.values) for i, f in zip(images, charts["test"], strict=True)]
    return np.column_stack([noise, widths(images)])


# %%
sigmas = [0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0]
filtered = np.array([quality(lambda noisy, s=s: ndimage.gaussian_filter(noisy, s)) for s in sigmas])
sharp_widths = widths(charted["test"].clean)
by_network = {name: quality(learned(name, charted["training"]).apply) for name in ("CARE", "Noise2Void")}


def saving(name, chart):
    """By how much, %, a network widens points and lines less than the filter that leaves the same noise; the smaller.

    -100 where no peak stands out.
    """
    noise, *wide = by_network[name][chart].mean(axis=0)
    falling, *widening = filtered[::-1, chart].mean(axis=1).T
    thinnest = sharp_widths[chart].mean(axis=0)
    of_filter = np.array([np.interp(noise, falling, each) for each in widening])
    saved = 100 * np.min(1 - (wide - thinnest) / np.maximum(of_filter - thinnest, 1e-3))
    return float(np.nan_to_num(saved, nan=-100.0))


def blur(chart):
    """Whether the filter trades noise for blur on the drawn charts, and what networks save."""
    steps_of = np.diff(filtered[:, chart].mean(axis=1), axis=0)
    return {
        "filter_trades_noise_for_blur": int((steps_of[:, 0] < 0).all() and (steps_of[:, 1:] > 0).all()),
        "care_blur_saving_percent": saving("CARE", chart),
        "n2v_blur_saving_percent": saving("Noise2Void", chart),
    }


study.claim(
    "laine2021-gaussian-blurs",
    measured=with_intervals(blur, test_fields),
    spread="bootstrap over images, 95 %",
    n=test_fields,
)


# %%
def sharp(field):
    """The object at the resolution of the pixels: each emitter a spot of 0.7 px."""
    return ndimage.gaussian_filter(field["object"].values, 0.7)


sharpening = record(charts["training"], middle, purpose="sharp charts", truths=[sharp(f) for f in charts["training"]])
sharpened = {name: quality(learned(name, sharpening).apply)[:, 1:] for name in ("CARE", "RCAN")}
input_widths = widths(charted["test"].noisy)


def narrowing(chart):
    """By how much, %, points and lines of the drawn charts become narrower; -100 where no peak stands out."""
    drops = {
        name: 100 * np.mean(1 - wide[chart].mean(axis=0) / input_widths[chart].mean(axis=0))
        for name, wide in sharpened.items()
    }
    return {f"{name.lower()}_fwhm_drop_percent": float(np.nan_to_num(d, nan=-100.0)) for name, d in drops.items()}


study.claim(
    "laine2021-rcan-care-restore-resolution",
    measured=with_intervals(narrowing, test_fields),
    spread="bootstrap over images, 95 %",
    n=test_fields,
)

# %%
psf = point_spread_kernel(optics, 0.1)
blurry = {
    part: replace(
        record(plain[part], middle, purpose=f"blurred {part}", truths=[sharp(f) for f in plain[part]]), psf=psf
    )
    for part in plain
}
views = {
    "input": blurry["test"].noisy,
    **{
        name: [learned(name, blurry["training"]).apply(n) for n in blurry["test"].noisy]
        for name in ("Noise2Void", "DecoNoising")
    },
}
cutoffs, sharpness = {}, {}
for name, images in views.items():
    rings = [frc(as_image(c), as_image(i)) for c, i in zip(blurry["test"].clean, images, strict=True)]
    cutoffs[name] = np.array([r.frequency[-1] if np.isnan(r.crossing) else r.crossing for r in rings])
    sharpness[name] = np.array(
        [score(c, i)["psnr_truth_range_db"] for c, i in zip(blurry["test"].clean, images, strict=True)]
    )
study.claim(
    "laine2021-deconoising-deconvolves",
    measured={
        "cutoff_gain_over_n2v_per_um": interval(cutoffs["DecoNoising"], cutoffs["Noise2Void"]),
        "cutoff_gain_over_input_per_um": interval(cutoffs["DecoNoising"], cutoffs["input"]),
        "psnr_gain_over_n2v_db": interval(sharpness["DecoNoising"], sharpness["Noise2Void"]),
        "psnr_gain_over_input_db": interval(sharpness["DecoNoising"], sharpness["input"]),
    },
    spread="paired bootstrap over images, 95 %",
    n=test_fields,
)

# %%
figure = plt.figure(figsize=(9.4, 2.6))
grid = figure.add_gridspec(1, 5, width_ratios=[1.6, 1, 1, 1, 1])
axis = figure.add_subplot(grid[0])
falling, *widening = filtered.mean(axis=1).T
means_of = {name: per_chart.mean(axis=0) for name, per_chart in by_network.items()}
axis.plot(falling, widening[0], "k.-", label="Gaussian, points")
axis.plot(falling, widening[1], "k.:", label="Gaussian, lines")
for name, colour in (("CARE", "C1"), ("Noise2Void", "C2")):
    noise, *wide = means_of[name]
    for width, marker, of in zip(wide, "os", ("points", "lines"), strict=True):
        axis.plot(noise, width, marker, color=colour, label=f"{name}, {of}", markersize=4)
axis.axhline(sharp_widths[:, 0].mean(), color="grey", linewidth=0.8)
axis.set(xlabel="background sd (ADU)", ylabel="FWHM (px)", title="noise against blur")
axis.legend(fontsize=6.5)
sharp_corner = inset(blurry["test"].clean[0])
for place, (name, images) in zip(range(1, 4), views.items(), strict=True):
    show(
        figure.add_subplot(grid[place]),
        inset(images[0]),
        inset(cells[exposures.index(middle)].test.clean[0]),
        name,
    )
show(figure.add_subplot(grid[4]), sharp_corner, sharp_corner, "sharp object")
study.publish_figure(
    "denoisers-sharpness",
    figure,
    alt="Left: width against background noise; the Gaussian filter moves up as the noise falls, networks lie below it. "
    "Right: input, Noise2Void, DecoNoising and the sharp object; DecoNoising has the thinner lines of the two.",
    caption="Left: widths of points and lines against background noise; grey: width of the clean points. Right: "
    "deconvolution by DecoNoising, all but the last on the scale of the blurred image, where it saturates. Scale bars 1 "
    "µm.",
    data={
        "sigma (px)": sigmas,
        "background sd (ADU)": falling,
        "FWHM of points (px)": widening[0],
        "FWHM of lines (px)": widening[1],
        "method": list(by_network),
        "its background sd (ADU)": [q[0] for q in means_of.values()],
        "its FWHM of points (px)": [q[1] for q in means_of.values()],
        "its FWHM of lines (px)": [q[2] for q in means_of.values()],
    },
)

# %% [markdown]
# **What this shows.** How much of the noise a method takes away at how much blur; and that sharp targets, or a known point
# spread function, make a denoiser sharpen.
#
# **What it does not.** A network can empty the background, far from all structure, and leave noise on the structure
# itself, which this comparison does not see. A network that has seen nothing but points and lines restores points and
# lines: the next [notebook](31_structural_priors.ipynb) shows what that means for anything else.

# %% [markdown]
# ## How sure is the network?
#
# **The source says** (section 4): DivNoising draws many images that fit the data; where they differ, the result is
# uncertain.
#
# **What we do.** DivNoising, an autoencoder that is told the noise, learns one cell and draws many images for one test
# crop. At every pixel, the standard deviation of the samples is compared with the error of their mean.

# %%
cell = by_exposure[middle]
diverse = learned("DivNoising", cell.training)
truth, observed = (inset(getattr(cell.test, which)[0], 96) for which in ("clean", "noisy"))
drawn = diverse.samples(observed, samples)
spread, error = drawn.std(axis=0), np.abs(drawn.mean(axis=0) - truth)
study.claim(
    "laine2021-divnoising-uncertainty",
    measured={
        "spread_error_correlation": float(np.nan_to_num(spearmanr(spread.ravel(), error.ravel()).statistic)),
        "sample_variance": float((spread**2).mean() / np.ptp(truth) ** 2),
    },
    spread=f"no interval: {samples} samples of one crop from one network",
    n=1,
)

# %%
cover = study.keep(
    "divnoising_cover",
    share=float((error <= 2 * spread).mean()),
    nominal=0.954,
    spread=float(spread.mean()),
    error=float(error.mean()),
)
figure, axes = plt.subplots(1, 6, figsize=(9.6, 2))
views = {"noisy": observed, "sample 1": drawn[0], "sample 2": drawn[-1], "mean": drawn.mean(axis=0)}
for axis, (title, view) in zip(axes, views.items(), strict=False):
    show(axis, view, truth, title)
for axis, (title, view) in zip(axes[4:], {"spread": spread, "error": error}.items(), strict=True):
    study.draw_image(axis, as_image(view), title=title, norm=Normalize(0, float(np.percentile(error, 99))))
study.publish_figure(
    "denoisers-divnoising",
    figure,
    alt="Noisy crop, two samples, their mean, the spread of the samples and the absolute error of the mean on one scale.",
    caption=f"DivNoising: {samples} samples; spread and error share one scale. Scale bars 1 µm.",
    data={title: as_image(view) for title, view in (views | {"spread": spread, "error": error}).items()},
)
study.say(
    "The error lies within two standard deviations of the samples in **{share:.0%}** of the pixels; for honest error "
    "bars it would be {nominal:.0%}.",
    cover,
)

# %% [markdown]
# **What this shows.** Whether the spread of the samples points to the errors, and whether it is large enough to cover them.
#
# **What it does not.** A share below the nominal one is false confidence, one above it needless doubt; it is an average over
# pixels, most of them background.

# %% [markdown]
# ## Movies
#
# **The source says** (section 4): DeepCAD raises the signal-to-noise ratio of calcium imaging without clean data.
#
# **What we do.** A 3-D U-Net learns to predict the even frames of a simulated movie from the odd ones, and the other way
# round, and then restores that movie. Judged are the PSNR of its frames and the traces of its cells, whose truth is
# known. CARE and RCAN for volumes, with clean frames, learn the same movie for Table 1.

# %%
movie = calcium_movie(rng=study.streams(seed, "calcium").calcium, frames=movie_frames, pixels=48)
film = camera.examples([movie.light.values], middle, rng=study.streams(seed, "film").film)
raw, clean_film = film.noisy[0], film.clean[0]
cad = learned("DeepCAD", film).apply(raw)


def traces(stack):
    """Mean of every cell, weighted by its footprint, (cell, frame)."""
    return np.tensordot(movie.footprints.values, stack, axes=([1, 2], [1, 2]))


def correlations(stack):
    """Correlation of every cell's trace with the noise-free one."""
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(traces(stack), traces(clean_film), strict=True)])


def frame_psnrs(stack):
    """PSNR of every frame, dB, range of the movie."""
    return 10 * np.log10(np.ptp(clean_film) ** 2 / ((stack - clean_film) ** 2).mean(axis=(1, 2)))


study.claim(
    "laine2021-deepcad-calcium",
    measured={
        "trace_correlation_gain": interval(correlations(cad), correlations(raw)),
        "psnr_gain_db": interval(frame_psnrs(cad), frame_psnrs(raw)),
    },
    spread=f"paired bootstrap, 95 %: over cells (traces), over {movie_frames} frames (PSNR)",
    n=movie.sizes["cell"],
)

# %%
volumes = {
    name: learned(name, film, volumes=True, patch=32, batch=2, **({"features": 8} if name == "RCAN" else {}))
    for name in ("CARE", "RCAN")
}
in_3d = {name: float(np.mean(frame_psnrs(trained.apply(raw)))) for name, trained in volumes.items()}
figure, axes = plt.subplots(1, 4, figsize=(9.4, 2.3), gridspec_kw={"width_ratios": [1, 1, 1, 1.8]})
bright = int(clean_film.sum(axis=(1, 2)).argmax())
for axis, (title, stack) in zip(axes, {"noisy": raw, "DeepCAD": cad, "clean": clean_film}.items(), strict=False):
    show(axis, stack[bright], clean_film, title, 2.0, scale_bar_um=20.0)
strongest = int(traces(clean_film).std(axis=1).argmax())
for name, stack, colour in (("noisy", raw, "0.7"), ("DeepCAD", cad, "C1"), ("clean", clean_film, "black")):
    trace = traces(stack)[strongest] / movie.footprints.values[strongest].sum()
    axes[3].plot(trace, color=colour, label=name, linewidth=0.9)
axes[3].set(xlabel="frame", ylabel="mean of a cell (ADU)")
axes[3].legend(fontsize=6.5)
study.publish_figure(
    "denoisers-calcium",
    figure,
    alt="One frame of a calcium movie, noisy, restored by DeepCAD and clean, and the trace of one cell in all three.",
    caption=f"DeepCAD on a simulated calcium movie of {movie_frames} frames: the brightest frame and the trace of the "
    "most active cell. Drawn at 2 µm pixels; scale bars 20 µm.",
    data={
        "frame": np.arange(movie_frames),
        **{n: traces(s)[strongest] for n, s in (("noisy", raw), ("DeepCAD", cad), ("clean", clean_film))},
    },
)

# %% [markdown]
# **What this shows.** Interleaved frames teach a network without any clean one. Cleaner frames are not yet better
# traces: a mean over a cell has averaged most of the noise away before any denoiser comes.
#
# **What it does not.** It learns from the movie that it restores, and the decay of the indicator is slow against the
# frames; faster events than that are smoothed away. Correlation is blind to a trace that is shifted or shrunk: for that,
# look at the right panel.

# %% [markdown]
# ## Does it help the analysis?
#
# **The source says**: denoising eases segmentation, and DenoiSeg needs few annotated images (section 4); but where a Gaussian
# filter does no harm to the analysis, an elaborate denoiser brings little (conclusion).
#
# **What we do.** Nuclei at three exposures, found by Otsu's threshold and a watershed, raw and after denoising; and by
# U-Nets with few or many annotated fields; that of DenoiSeg learns to denoise as well. Scores are Dice, the overlap of
# the masks, and F1, which falls with every nucleus that is missed or made up.

# %%
scenes = {
    part: [
        nuclei(rng=study.streams(seed, f"nuclei {part}", sample=n)[f"nuclei {part}"], pixels=96)
        for n in range(nuclei_fields)
    ]
    for part in ("training", "test")
}
stained = {
    (part, photons): replace(
        record(scenes[part], photons, purpose=f"nuclei {part} exposures"),
        labels=[s.labels.values for s in scenes[part]],
    )
    for part in scenes
    for photons in nuclei_photons
}
all_levels = denoising.merged([stained["training", photons] for photons in nuclei_photons])
restore_nuclei = {
    "none": np.asarray,
    "Noise2Void": learned("Noise2Void", all_levels).apply,
    "CARE": learned("CARE", all_levels).apply,
}


def judged(restore, photons):
    """Dice and counting F1 of every test scene after threshold and watershed, (scene, 2)."""
    test = stained["test", photons]
    found = [denoising.objects(restore(noisy)) for noisy in test.noisy]
    return np.array(
        [[denoising.dice(t, f), denoising.counting_f1(t, f)] for t, f in zip(test.labels, found, strict=True)]
    )


# %%
task = {}
for photons in nuclei_photons:
    smooth = learned("Gaussian", stained["training", photons])
    task |= {(name, photons): judged(r, photons) for name, r in (restore_nuclei | {"Gaussian": smooth.apply}).items()}
combined = {key: 100 * value.mean(axis=1) for key, value in task.items()}
noisiest, moderate = nuclei_photons[0], nuclei_photons[len(nuclei_photons) // 2]
care_gap = {p: combined["CARE", p] - combined["Gaussian", p] for p in nuclei_photons}
study.claim(
    "laine2021-simple-filter-may-do",
    measured={
        "gap_moderate_percent": interval(care_gap[moderate], 0.0),
        "gap_growth_percent": interval(care_gap[noisiest], care_gap[moderate]),
    },
    spread="paired bootstrap over scenes, 95 %",
    n=nuclei_fields,
)


# %%
def annotated(examples, share):
    """The same examples with only the first fields annotated."""
    kept = max(1, round(share * len(examples.labels)))
    return replace(examples, labels=[label if n < kept else None for n, label in enumerate(examples.labels)])


def dice_of(segmenter, images):
    """Dice of every test scene, from a network's classes."""
    found = [segmenter.segment(image).argmax(axis=-1) > 0 for image in images]
    return np.array([denoising.dice(t, f) for t, f in zip(stained["test", noisiest].labels, found, strict=True)])


dim_training, dim_test = stained["training", noisiest], stained["test", noisiest]
few = {
    (alpha, share): dice_of(learned("DenoiSeg", annotated(dim_training, share), alpha=alpha), dim_test.noisy)
    for alpha in (0.5, 0.0)
    for share in label_shares
}
clean_training, clean_test = (
    [restore_nuclei["Noise2Void"](noisy) for noisy in part.noisy] for part in (dim_training, dim_test)
)
on_denoised = dice_of(learned("DenoiSeg", replace(dim_training, noisy=clean_training), alpha=0.0), clean_test)
on_raw = dice_of(learned("DenoiSeg", dim_training, alpha=0.0), dim_test.noisy)
denoised_score = (task["Noise2Void", noisiest][:, 0] + on_denoised) / 2
raw_score = (task["none", noisiest][:, 0] + on_raw) / 2
scarce = [share for share in label_shares if share < 0.2]
study.claim(
    "laine2021-denoising-helps-segmentation",
    measured={
        "dice_gain_low_snr": interval(denoised_score, raw_score),
        "denoiseg_gain_few_labels": interval(
            np.mean([few[0.5, s] for s in scarce], axis=0), np.mean([few[0.0, s] for s in scarce], axis=0)
        ),
    },
    spread="paired bootstrap over scenes, 95 %",
    n=nuclei_fields,
)

# %%
figure, axes = plt.subplots(1, 5, figsize=(9.6, 2.4), gridspec_kw={"width_ratios": [1, 1, 1, 1.5, 1.3]})
scene_truth = stained["test", noisiest].clean[0]
for axis, (title, view) in zip(axes, {"noisy": dim_test.noisy[0], "Noise2Void": clean_test[0]}.items(), strict=False):
    show(axis, view, scene_truth, title, 0.5, scale_bar_um=10)
    axis.contour(
        *[np.arange(96) * 0.5 + 0.25] * 2, denoising.objects(view) > 0, levels=[0.5], colors="cyan", linewidths=0.6
    )
study.draw_image(
    axes[2], as_image(scenes["test"][0].labels.values > 0, 0.5).astype(float), title="true nuclei", scale_bar_um=10
)
for name in ("none", "Gaussian", "Noise2Void", "CARE"):
    axes[3].plot(nuclei_photons, [combined[name, p].mean() for p in nuclei_photons], "o-", label=name, markersize=3)
axes[3].set(xscale="log", xlabel="photons", ylabel="mean of Dice and F1 (%)")
axes[3].set_xticks(nuclei_photons, [f"{p:g}" for p in nuclei_photons])
axes[3].minorticks_off()
axes[3].legend(fontsize=6.5)
for alpha, name in ((0.5, "DenoiSeg"), (0.0, "U-Net")):
    axes[4].plot(
        100 * np.array(label_shares), [few[alpha, s].mean() for s in label_shares], "o-", label=name, markersize=3
    )
axes[4].set(xscale="log", xlabel="annotated fields (%)", ylabel="Dice")
axes[4].set_xticks(100 * np.array(label_shares), [f"{100 * s:g}" for s in label_shares])
axes[4].minorticks_off()
axes[4].legend(fontsize=6.5)
study.publish_figure(
    "denoisers-segmentation",
    figure,
    alt="Noisy nuclei and the same after Noise2Void with the outlines that a threshold finds, the true nuclei, the score against "
    "exposure for four kinds of preparation, and Dice against the share of annotated fields.",
    caption=f"Segmentation of nuclei at {noisiest:g} photons with and without denoising; scores of {nuclei_fields} scenes. "
    "Scale bars 10 µm.",
    data={
        "photons": nuclei_photons,
        **{
            f"score {n} (%)": [combined[n, p].mean() for p in nuclei_photons]
            for n in ("none", "Gaussian", "Noise2Void", "CARE")
        },
        "annotated share": label_shares,
        "Dice DenoiSeg": [few[0.5, s].mean() for s in label_shares],
        "Dice U-Net": [few[0.0, s].mean() for s in label_shares],
    },
)

# %% [markdown]
# **What this shows.** The task decides: threshold and watershed gain much from any smoothing, and from a network hardly
# more than from a Gaussian filter, if not less, where there is some light. Whether a network is worth more where there is
# next to none, the first claim above measures.
#
# **What it does not.** Nuclei with soft texture and one threshold stand for a world of analyses. Networks that segment
# were trained once for each share of annotated fields, so that the ups and downs of their curves are partly chance.

# %% [markdown]
# ## Live imaging under a light budget: Fig. 1
#
# **The source says** (Fig. 1): strong light buys few good frames before the sample is bleached; weak light many noisy
# ones, which a denoiser restores. Panel c shows CARE, 3D-RCAN and Noise2Void at work.
#
# **What we do.** A field bleaches exponentially with the light that it has received. The brightest exposure of the bench,
# or a tenth of it, until the same total dose is spent. A frame is usable while its PSNR (range of its own, bleached
# truth) is above a threshold set before: every bright frame as recorded, every dim frame after CARE. Panel c has 2-D
# networks (RCAN in place of 3D-RCAN).

# %%
bright_photons, lifetime = exposures[-1], 8.0  # photons per frame; bright frames in which the signal falls to 1/e
care = learned("CARE", shown)
live_light = fields[structures[0]]["test"][0].light.values[:96, :96]
live_light = live_light / live_light.max()


def lapse(photons, stride):
    """Every `stride`-th frame of a time-lapse: examples and the share of the dose that was spent before it."""
    spent = np.arange(0, 3.0, stride * photons / bright_photons / lifetime)
    left = np.exp(-spent)
    rng = study.streams(seed, f"lapse {photons:g}")[f"lapse {photons:g}"]
    shots = [camera.examples([live_light], photons * f, rng=rng) for f in left]
    return spent, replace(shots[0], **{k: [getattr(s, k)[0] for s in shots] for k in ("noisy", "clean", "again")})


stride = 10
runs = {"bright": lapse(bright_photons, 1), "dim": lapse(bright_photons / stride, stride)}
quality_of = {
    "bright, as recorded": (runs["bright"][0], psnrs(np.asarray, runs["bright"][1]), 1),
    "bright, CARE": (runs["bright"][0], psnrs(care.apply, runs["bright"][1]), 1),
    "dim, as recorded": (runs["dim"][0], psnrs(np.asarray, runs["dim"][1]), stride),
    "dim, CARE": (runs["dim"][0], psnrs(care.apply, runs["dim"][1]), stride),
}


def usable(name, threshold_db=usable_psnr_db):
    """Frames up to the first one below the threshold."""
    _, values, each = quality_of[name]
    return each * int(np.argmin(np.append(values >= threshold_db, False)))


study.claim(
    "laine2021-low-dose-longer-imaging",
    measured=usable("dim, CARE") / max(1, usable("bright, as recorded")),
    spread="no interval: one series of frames of one field",
    n=1,
)

# %%
varied = [usable_psnr_db + d for d in (-2, -1, 0, 1, 2)]
study.publish_table(
    "denoisers-light-budget",
    {
        "threshold (dB)": varied,
        **{f"usable frames: {name}": [usable(name, t) for t in varied] for name in quality_of},
    },
    caption="Usable frames of one light budget, at the threshold set beforehand (middle row) and at others. All that were "
    f"recorded: {len(runs['bright'][0])} bright or {stride * len(runs['dim'][0])} dim ones.",
)


# %%
tirf_name = "tirf-microtubules-exposure-series"
tirf_files = [study.locate(tirf_name, f"tirf-microtubules-{rate}hz.tif") for rate in (200, 9)]
if None in tirf_files:
    tirf_stand_in = study.stand_in(tirf_name)
    made = record(lights("filaments", 4, max(real_pixels, 64), "stand-in"), 10.0, purpose="stand-in")
    quick, slow = np.stack([made.noisy[0], made.again[0]]), made.clean[0]
else:
    tirf_stand_in = None
    quick, slow = (tifffile.imread(path).astype(float) for path in tirf_files)
    quick = quick.reshape(-1, *quick.shape[-2:])
    slow = slow.reshape(-1, *slow.shape[-2:])[0]
    moved, _, _ = phase_cross_correlation(quick.mean(axis=0), slow, upsample_factor=20)
    slow = ndimage.shift(slow, moved, order=3, mode="nearest")
centre = tuple(slice((n - min(real_pixels, n)) // 2, (n + min(real_pixels, n)) // 2) for n in slow.shape)
quick, slow = quick[(slice(None), *centre)], slow[centre]
tirf_n2v = learned("Noise2Void", Examples(list(quick)))

# %%
low_cell = by_exposure[exposures[0]]
outputs = {
    "noisy": low_cell.test.noisy[0],
    "Noise2Void": taught["Noise2Void", structures[0], exposures[0]][0].apply(low_cell.test.noisy[0]),
    "CARE": taught["CARE", structures[0], exposures[0]][0].apply(low_cell.test.noisy[0]),
    "RCAN": taught["RCAN", structures[0], exposures[0]][0].apply(low_cell.test.noisy[0]),
    "reference": low_cell.test.clean[0],
}
real_views = {
    "200 Hz": quick[0],
    "Noise2Void": tirf_n2v.apply(quick[0]),
    "mean of the movie": quick.mean(axis=0),
    "9 Hz": slow,
}
figure = plt.figure(figsize=(9.6, 6.6))
budget, simulated, measured_row = figure.subfigures(3, 1, height_ratios=[1.2, 1, 1.2])
curve, first_frame, last_frame = budget.subplots(1, 3, width_ratios=[2.6, 1, 1])
for name, (spent, values, _) in quality_of.items():
    colour, style = "C0" if name.startswith("bright") else "C1", "-" if "recorded" in name else "--"
    curve.plot(spent, values, style, color=colour, label=name)
curve.axhline(usable_psnr_db, color="black", linewidth=0.8)
curve.set(xlabel="light spent (doses that bleach to 1/e)", ylabel="PSNR (dB)", title="(a, b) one light budget")
curve.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.28), fontsize=6.5)
for axis, (name, (_, examples)) in zip((first_frame, last_frame), runs.items(), strict=True):
    third = len(examples.noisy) // 3
    show(axis, inset(examples.noisy[third], 64), inset(examples.clean[third], 64), f"{name}, after a third")
for axis, (name, view) in zip(simulated.subplots(1, 5), outputs.items(), strict=True):
    show(axis, inset(view), inset(outputs["reference"]), f"(c) {name}")
tirf_pixel_um = 0.1 if tirf_stand_in else 0.065
for axis, (name, view) in zip(measured_row.subplots(1, 4), real_views.items(), strict=True):
    show(axis, view, view if name == "9 Hz" else real_views["mean of the movie"], name, tirf_pixel_um)
study.publish_figure(
    "laine2021-fig-1",
    figure,
    alt="Top: PSNR against the light spent; all curves fall. Recorded dim frames never reach the threshold; denoised "
    "dim frames start above it and cross it somewhat before recorded bright ones do, but ten of them are had for the "
    "light of one. Middle: noisy crop, Noise2Void, CARE, RCAN and the reference. Bottom: a frame of a movie of "
    f"{'simulated filaments' if tirf_stand_in else 'microtubules'}, the same after Noise2Void, the mean of the movie, "
    f"and {'the noise-free image' if tirf_stand_in else 'a slow exposure'}.",
    caption="(a, b) Bright and ten times dimmer exposures of one bleaching field, black: threshold of usable frames. (c) "
    f"Simulated {structures[0]} at {exposures[0]:g} photons. Scale bars 1 µm. Bottom: TIRF microtubules at two frame "
    "rates"
    + (
        ". In the stand-in, “9 Hz” is the noise-free image."
        if tirf_stand_in
        else " (B. Mandracchia et al. 2020); the slow image was registered to the movie."
    ),
    data={title: as_image(view) for title, view in (outputs | {f"TIRF {k}": v for k, v in real_views.items()}).items()},
    stand_in=tirf_stand_in,
)

# %% [markdown]
# **What this shows.** Frames are bought with light; a denoiser makes each cost less. It does so for bright frames too:
# where bright frames after CARE stay usable until the light is spent, the budget ends their count, not the noise.
#
# **What it does not.** The denoiser was trained on the same structure at exposures of the bench, and the late dim
# frames are darker than anything it learned from; a truth that bleaches keeps its shape here, while living things move.
# One field, one series of frames.

# %% [markdown]
# ## Training, validation, prediction: Fig. 3
#
# **What we do.** The source's diagram with real thumbnails: (a) what each kind of training compares, (b) scores on data
# with truth, (c) prediction on images that were not trained on. The new images are W2S, widefield cells with the mean of
# 400 frames as reference. Their units are unknown and each has its own 8-bit stretch, so every output is first fitted to
# the reference by a straight line; the PSNR has the range of the reference.

# %%
w2s_files = [study.locate("w2s-widefield-pairs", f"w2s-{part}.tif") for part in ("single-frame", "mean-of-400")]
if None in w2s_files:
    w2s_stand_in = study.stand_in("w2s-widefield-pairs")
    made = record(lights("tubes", 12, max(real_pixels, 64), "w2s stand-in"), 20.0, purpose="w2s stand-in")
    w2s = np.stack(made.noisy), np.stack(made.clean)
else:
    w2s_stand_in = None
    w2s = [tifffile.imread(path).astype(float).reshape(12, 2, 512, 512)[:, 0] for path in w2s_files]
w2s = [
    stack[:, 160 : 160 + real_pixels, 160 : 160 + real_pixels] if stack.shape[-1] > real_pixels + 160 else stack
    for stack in w2s
]
# as targets, means get the stretch of the single frames
targets = [denoising.matched(noisy, mean) for noisy, mean in zip(*w2s, strict=True)]
w2s_training = Examples(list(w2s[0][:9]), clean=targets[:9])
w2s_test = Examples(list(w2s[0][9:]), clean=list(w2s[1][9:]))
w2s_trained = {name: learned(name, w2s_training) for name in ("CARE", "Noise2Void", "Noise2Self")}


# %%
def real_scores(restore, examples):
    """Mean PSNR (dB) and SSIM after the best straight line onto the reference."""
    pairs = zip(examples.clean, examples.noisy, strict=True)
    found = [score(clean, denoising.matched(clean, restore(noisy))) for clean, noisy in pairs]
    return [float(np.mean([f[metric] for f in found])) for metric in ("psnr_truth_range_db", "ssim")]


# %%
a_noisy, a_clean = (inset(getattr(by_exposure[middle].training, which)[0], 64) for which in ("noisy", "clean"))
hide_in = crops([a_noisy], [a_noisy], size=a_noisy.shape, batch=1, seed=0, augment=False)
seen_there, _, hidden_there = (part[0, 0].numpy() for part in BlindSpots(hide_in, percent=1.5, seed=0).batch(0))
n2v = taught["Noise2Void", structures[0], middle][0]
rows = {
    "supervised": {"input: noisy": a_noisy, "output of CARE": care.apply(a_noisy), "target: clean": a_clean},
    "self-supervised": {
        "input: pixels hidden": np.where(hidden_there, np.nan, seen_there),
        "output of Noise2Void": n2v.apply(a_noisy),
        "target: those pixels": np.where(hidden_there, a_noisy, np.nan),
    },
}
seconds = denoising.seconds_per_megapixel({n: t.apply for n, t in w2s_trained.items()}, w2s_test.noisy[0]).median(
    "round"
)
predicted = {
    "new noisy image": w2s_test.noisy[0],
    **{name: trained.apply(w2s_test.noisy[0]) for name, trained in w2s_trained.items()},
    "reference": w2s_test.clean[0],
}
figure = plt.figure(figsize=(9.6, 7.2))
top, below = figure.subfigures(2, 1, height_ratios=[2, 1])
schemes, validation = top.subfigures(1, 2, width_ratios=[3, 1.1])
for row, (taught_how, views) in zip(schemes.subplots(2, 3), rows.items(), strict=True):
    for axis, (title, view) in zip(row, views.items(), strict=True):
        axis.set_facecolor("0.6")
        show(axis, view, a_clean, f"(a) {taught_how}" + "\n" + title)
for axis, (name, of_metric) in zip(
    validation.subplots(2, 1), {"PSNR (dB)": psnr, "SSIM": means["ssim"]}.items(), strict=True
):
    bars = ["input", "Noise2Void", "CARE"]
    axis.bar(bars, [float(of_metric.sel(denoiser=n, photons=middle).mean()) for n in bars], color=["0.6", "C2", "C1"])
    axis.set(ylabel=name, title=f"(b) validation, {middle:g} photons")
    axis.tick_params(axis="x", labelsize=7)
for axis, (title, view) in zip(below.subplots(1, 5), predicted.items(), strict=True):
    timing = "\n" + f"{float(seconds.sel(restorer=title)):.2g} s per Mpx" if title in w2s_trained else ""
    show(axis, denoising.matched(w2s_test.clean[0], view), w2s_test.clean[0], f"(c) {title}{timing}")
study.publish_figure(
    "laine2021-fig-3",
    figure,
    alt="Two rows of thumbnails: supervised training compares the output for a noisy input with a clean target, "
    "self-supervised training hides pixels and compares the output with them. Bars of PSNR and SSIM. Below, a new "
    "image, three restorations with their times, and the reference.",
    caption="(a) What the two trainings compare (grey: pixels that are hidden, or that the loss does not read). (b) "
    "Scores on test fields with truth. (c) Prediction on an image that was not trained "
    f"on{'.' if w2s_stand_in else ' (W2S, R. Zhou et al. 2020).'} Scale bars 1 µm where a pixel is 0.1 µm. Times are of "
    f"networks with {features} maps at the finest scale; Noise2Self restores in {w2s_trained['Noise2Self'].width ** 2} "
    "passes, each with other pixels hidden.",
    data={title: as_image(view) for title, view in ({"noisy": a_noisy, "clean": a_clean} | predicted).items()},
    stand_in=w2s_stand_in,
)

# %% [markdown]
# **What this shows.** What each training needs, on thumbnails instead of icons.
#
# **What it does not.** Scale bars assume 0.1 µm pixels for W2S, whose pixel size is not stated.

# %% [markdown]
# ## Real pairs
#
# **What we do.** W2S (12 fields, three kept for the test), FMD (two confocal fields and a widefield one, each a single
# noisy image and the mean of 50) and the TIRF microtubules. Blind-spot methods learn from the noisy images that they
# restore, for W2S from the nine other fields. The Gaussian filter chooses its width by hiding pixels; BM3D takes the
# noise of a camera that is estimated from the noisy images, and is left out where that fails.


# %%
def fmd(name, ending, channel):
    """Noisy and mean image of one FMD pair, or a stand-in and its sentence."""
    paths = [study.locate(name, f"{name.removesuffix('-pair')}-{part}.{ending}") for part in ("noisy", "target")]
    if None in paths:
        own = f"{name} stand-in"  # a random stream for each data set
        made = record(lights("rings", 1, max(real_pixels, 64), own), 20.0, purpose=own)
        return made.noisy[0], made.clean[0], study.stand_in(name)
    read = [tifffile.imread(p) if ending == "tif" else (255 * plt.imread(p)) for p in paths]
    noisy, target = (np.asarray(i, float)[channel] for i in read)
    return noisy[:real_pixels, :real_pixels], target[:real_pixels, :real_pixels], None


sources = {
    "FMD confocal fish": fmd("fmd-confocal-fish-pair", "png", ...),
    "FMD confocal BPAE": fmd("fmd-confocal-bpae-pair", "tif", 0),
    "FMD widefield BPAE": fmd("fmd-widefield-bpae-pair", "png", (..., 0)),
}
real = {name: Examples([noisy], clean=[target]) for name, (noisy, target, _) in sources.items()}
real |= {"W2S": w2s_test, "TIRF microtubules": Examples([quick[0]], clean=[slow])}
learnt_from = {name: Examples(examples.noisy) for name, examples in real.items()} | {
    "W2S": Examples(w2s_training.noisy),
    "TIRF microtubules": Examples(list(quick)),
}


def camera_of(images):
    """Camera estimated from noisy images; where their noise does not grow with the signal, noise of one strength."""
    try:
        return estimate_camera(images)
    except ValueError:
        return None


# %%
rows = {}
for name, examples in real.items():
    known = replace(learnt_from[name], camera=camera_of(learnt_from[name].noisy))
    tried = ["Gaussian", *(["BM3D"] if known.camera else []), "Noise2Void", "Noise2Self"]
    fixed = {"BM3D": {"grid": (1.0,)}}
    rows |= {(name, m): real_scores(learned(m, known, **fixed.get(m, {})).apply, examples) for m in tried}
    rows[name, "input"] = real_scores(np.asarray, examples)
rows["W2S", "CARE"] = real_scores(w2s_trained["CARE"].apply, w2s_test)
stand_ins = [text for *_, text in sources.values() if text] + [text for text in (w2s_stand_in, tirf_stand_in) if text]
study.publish_table(
    "denoisers-real-pairs",
    {
        "data": [name for name, _ in rows],
        "method": [method for _, method in rows],
        "PSNR, fitted, reference range (dB)": [value for value, _ in rows.values()],
        "SSIM, fitted": [value for _, value in rows.values()],
    },
    caption=f"Real pairs, crops of {real_pixels}² pixels. Every output was fitted to the reference by a straight line. "
    "The published means over whole data sets use other images and conventions and are not comparable."
    + (f" **Stand-ins:** {' '.join(stand_ins)}" if stand_ins else ""),
)

# %% [markdown]
# **What this shows.** That the same calls run on files of three laboratories, where these are at hand; rows of stand-ins
# (named below the table) say nothing of real data.
#
# **What it does not.** References that are means of the same frames, 8-bit stretches, a drift between exposures: tenths
# of a decibel mean nothing here. No published number exists for these very images and crops.

# %% [markdown]
# ## The tools: Table 1
#
# **The source** lists seven tools for end users. Two columns are added: what an implementation of the method reaches on
# one common cell of the bench, and how to run it.

# %%
common = by_exposure[middle]
mask_labels = [ndimage.label((c - c.min()) > 0.3 * np.ptp(c))[0] for c in common.training.clean]
extra = {
    "DecoNoising": learned("DecoNoising", replace(common.training, psf=psf)),
    "DenoiSeg": learned("DenoiSeg", replace(common.training, labels=mask_labels)),
}


def reached(name):
    """PSNR (dB) and SSIM on the test fields of the common cell; of DecoNoising after blurring its output again."""
    again = (lambda image: ndimage.convolve(image, psf)) if name == "DecoNoising" else (lambda image: image)
    restore = extra[name] if name in extra else taught[name, structures[0], middle][0]
    found = [score(c, again(restore.apply(n))) for c, n in zip(common.test.clean, common.test.noisy, strict=True)]
    return "{:.1f} / {:.2f}".format(*(np.mean([f[m] for f in found]) for m in ("psnr_truth_range_db", "ssim")))


columns = [
    "tool",
    "training",
    "dimensions",
    "software (T training, P prediction)",
    "guides",
    "remark",
    "licence",
    "reference",
]
tools = """
CARE; supervised; 2D, 3D, channels; Fiji (P), {z}, ImJoy (T, P); {g}; several restoration tasks; free, open; Weigert 2018
Noise2Void; self-supervised; 2D, 3D, channels; Fiji (T, P), {z}, Apeer (P), ImJoy (T, P); {g}; learns from its own input; free, open; Krull 2019
DecoNoising; self-supervised; 2D; {z}; {g}; the same, and deconvolves; free, open; Goncharova 2020
3D-RCAN; supervised; 2D, 3D; Aivia (T, P), {z}; website; extends RCAN, can sharpen; commercial, code open; Chen 2020
Noise2Noise; self-supervised (text: supervised); 2D; Apeer (T, P); website; needs noisy pairs; commercial; Lehtinen 2018
DenoiSeg; partially supervised; 2D; Fiji (T, P), {z}; {g}; also segments, few annotations; free, open; Buchholz 2020
Denoise.AI; supervised; 2D; NIS-Elements (T, P); website; architecture unknown; commercial; unknown
"""
tools = [
    tuple(line.format(g="website, videos, GitHub", z="ZeroCostDL4Mic (T, P)").split("; "))
    for line in tools.strip().splitlines()
]
ours = {"3D-RCAN": "RCAN"}
measured = {
    name: "closed: cannot be run" if name == "Denoise.AI" else reached(ours.get(name, name)) for name, *_ in tools
}
volume_note = {
    "CARE": f"; movie as volume {in_3d['CARE']:.1f} dB",
    "3D-RCAN": f"; movie as volume {in_3d['RCAN']:.1f} dB",
}
study.publish_table(
    "laine2021-table-1",
    {
        **dict(zip(columns, zip(*tools, strict=True), strict=True)),
        "measured here: PSNR (dB) / SSIM": [measured[name] + volume_note.get(name, "") for name, *_ in tools],
        "run it": [
            "—" if n == "Denoise.AI" else f'`denoiser("{ours.get(n, n)}").train(examples).apply(image)`'
            for n, *_ in tools
        ],
    },
    alt="Seven tools with training, dimensions, software, remark, licence and reference, and two added columns: PSNR "
    "and SSIM of an implementation on one common simulated cell, and the call that runs it.",
    caption=f"Table 1 of [laine2021] in our words, spellings corrected; measured on {structures[0]} at {middle:g} "
    f"photons (input {float(psnr.sel(denoiser='input', structure=structures[0], photons=middle)):.1f} dB). DecoNoising "
    "is scored after blurring its output again. 3D-RCAN: a 2-D RCAN. Movie as volume: 3-D networks on the very movie, "
    "with clean frames, that they were trained on. DenoiSeg had masks made from the clean images.",
)

# %% [markdown]
# **What this shows.** Six of the seven rows run here from start to end.
#
# **What it does not.** Denoise.AI is closed: neither its architecture nor its training data are known, so nothing of it
# can be tested without its host software.

# %% [markdown]
# ## Exercises
#
# 1. Train Noise2Void on the striped images with `percent=25`. Does a larger share of blind spots remove the stripes? Say
#    why before you run it.
# 2. Denoise the mean of two exposures with Noise2Noise's network for single exposures. Which assumption is broken?

# %% tags=["solution"]
denser = learned("Noise2Void", sets["stripes"]["training"], percent=25.0)
stripes["denser"] = stripes_of(denser.apply)
print(
    f"stripes left: {stripes_left('denser'):.2f} of the input's with 25 % of blind spots, "
    f"{stripes_left('Noise2Void'):.2f} with the {blind_percent:g} % of above"
)
print("the pixels of a row share their stripe, whoever is hidden; only hiding the row hides the stripe")

# %% tags=["solution"]
summed = replace(common.test, noisy=[(a + b) / 2 for a, b in zip(common.test.noisy, common.test.again, strict=True)])
for title, examples in (("single exposures", common.test), ("mean of two", summed)):
    print(f"{title}: {psnrs(taught['Noise2Noise', structures[0], middle][0].apply, examples).mean():.1f} dB")
print(
    "the network expects the noise of a single exposure; the mean of two has half the variance, which by itself is worth 3 dB"
)

# %% [markdown]
# ## Provenance

# %%
study.end()
