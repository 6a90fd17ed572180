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
# # timeUnet: does a denoiser need the neighbouring frames?
#
# [wang2021] began with supervised networks and a movie: one that restores each frame by itself (CARE), and one that sees eleven
# frames at once (timeUnet). This notebook regenerates its Supplementary Figs. 1 to 4 on simulated movies of mitochondria
# that divide and fuse, so that what a denoiser connects by mistake can be counted. It then asks what becomes of networks
# that meet brighter or dimmer images than they learnt from. It needs no data and takes a few minutes as a lesson.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
training_seeds: list[int] = [0]  # every network is trained once with each
peaks: list[float] = [3.0, 10.0, 100.0]  # peak signal, photons in the brightest pixel
aperture: float = 1.4  # numerical aperture
wavelength_um: float = 0.6  # emission wavelength, µm
pixel_um: float = 0.1  # camera pixel in the sample, µm
pixels: int = 64  # per side of a frame
movie_frames: int = 16  # of every movie
training_movies: int = 8
test_movies: int = 4
test_frames: int = 3  # of each test movie, evenly spaced
window: int = 11  # frames that timeUnet sees at once
steps: int = 200  # of training a supervised network
self_supervised_steps: int = 180  # of training Noise2Self
features: int = 8  # maps at the finest scale
patch: int = 32  # pixels per side of a training crop
batch: int = 4  # crops per step
learning_rate: float = 4e-3  # of Adam, highest of a cycle where a network is supervised

# %%
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import Normalize

from nbsupport import study
from nbsupport.assess.connections import Connections, connections
from nbsupport.assess.denoising import learned
from nbsupport.assess.fidelity import mae, mse, ssim
from nbsupport.assess.statistics import Interval, mean_interval, resampled
from nbsupport.codebase import code_sha256
from nbsupport.optics import Optics
from nbsupport.restore import networks
from nbsupport.restore.denoisers import Examples, denoiser
from nbsupport.restore.normalisation import Normalisation
from nbsupport.restore.transfer import MovieDenoiser, chip, noisy
from nbsupport.simulate.mitochondria_motion import mitochondria_movie
from nbsupport.study import layout

study.begin("51_time_unet", globals())
optics = Optics(numerical_aperture=aperture, wavelength_um=wavelength_um)
rng = study.streams(seed, "chip", "statistics")
sensor = chip(pixels, rng=rng.chip)
folder = layout.DATA / "trainings" / f"51-{code_sha256(layout.NOTEBOOKS / '51_time_unet.py')[:12]}"
stand_in = "simulated movies of mitochondria in place of confocal ones"
few = stand_in
if len(peaks) < 6 or len(training_seeds) < 3:
    few += (
        f"; {len(peaks)} levels and {len(training_seeds)} training(s) per network; the measure laid down asks for six and "
        "three"
    )

# %% [markdown]
# ## Movies with known connections
#
# **The source says** ([wang2021], results 1): confocal movies of mitochondria with a high signal-to-noise ratio were scaled to a
# desired peak and given Poisson and calibrated sCMOS noise. Dye, frame rate and number of movies are not stated.
#
# **What we do.** Each mitochondrion is a bent tube, 0.4 µm wide, that drifts, turns and sways. One place of it may be
# cut: never, always, from some moment on (fission) or up to some moment (fusion). The width of that gap, 1 to 4 pixels,
# is known in every frame. The noisy movie is calibrated: offset taken off, gain divided out, pixel by pixel.


# %%
def movie(part, number):
    """Draw one movie."""
    name = f"{part} movie"
    draws = study.streams(seed, name, sample=number)[name]
    return mitochondria_movie(
        optics, rng=draws, frames=movie_frames, pixels=pixels, pixel_um=pixel_um, count=4, step_um=0.05
    )


def recorded(part, peak):
    """Movies of a part at a peak signal, in photons."""
    name = f"{part} noise at {peak:g}"
    draws = study.streams(seed, name)[name]
    lights = [m.light.values for m in movies[part]]
    return Examples(
        [noisy(light, peak, sensor, rng=draws) for light in lights], clean=[peak * light for light in lights]
    )


counts = {"training": training_movies, "test": test_movies}
movies = {part: [movie(part, n) for n in study.track(range(count), f"{part} movies")] for part, count in counts.items()}
training, test = ({peak: recorded(part, peak) for peak in peaks} for part in ("training", "test"))
looked_at = np.linspace(2, movie_frames - 3, test_frames).round().astype(int)

# %%
shown = movies["test"][0]
at = np.linspace(0, movie_frames - 1, 4).round().astype(int)
figure, axes = plt.subplots(2, 4, figsize=(9, 4.3))
for column, t in enumerate(at):
    clean = study.draw_image(axes[0, column], shown.light[t], title=f"frame {t + 1}", norm=Normalize(0, 1))
    grainy = shown.light[t].copy(data=test[peaks[1]].noisy[0][t] / peaks[1])
    study.draw_image(axes[1, column], grainy, norm=Normalize(0, 1))
    for pair in range(shown.sizes["pair"]):
        colour = "lime" if shown.connected[pair, t] else "deepskyblue"
        axes[0, column].plot(*shown.anchors.values[pair, t][:, ::-1].T, ".-", color=colour, markersize=3, linewidth=0.8)
axes[0, 0].set_ylabel("truth")
axes[1, 0].set_ylabel(f"{peaks[1]:g} photons")
figure.colorbar(clean, ax=axes, label="share of the peak", shrink=0.7)
study.publish_figure(
    "time-unet-movies",
    figure,
    alt="Four frames of a movie of bent tubes, without noise and with it. Lines across the place where each may be cut "
    "are green where it is one and blue where it is two.",
    caption="A test movie. Lines join the two parts of each mitochondrion: green where they are connected, blue where a "
    "gap parts them. Scale bars 1 µm.",
    data={f"truth, frame {t + 1}": shown.light[t] for t in at},
)

# %% [markdown]
# ## Supplementary Fig. 1: the network
#
# **The source says**: timeUnet is CARE's U-Net with time as a further dimension; eleven frames go in and one comes out.
# Its details stand in a note that is not at hand.
#
# **What we do.** Kernels of 3 × 3 × 3, pooling in y and x only, and the maps of the middle frame lead to the output. The
# drawing is made from what the module computes.

# %%
drawn_network = networks.time_unet(frames=window, features=32)
parts = networks.stages(drawn_network, (window, 64, 64))
figure, axis = plt.subplots(figsize=(0.85 * len(parts) + 1, 3.2))
networks.draw_stages(axis, parts)
study.publish_figure(
    "wang2021-supp-fig-1",
    figure,
    alt=f"Boxes from left to right: encoders, middle, decoders and head of a U-Net. Maps keep {window} frames up to the "
    "head, which returns one.",
    caption=f"timeUnet with {sum(p.numel() for p in drawn_network.parameters()):,} weights, drawn from the module: name, "
    f"maps × size and weights of every stage. The networks trained here have {features} maps at the finest scale instead "
    "of 32.",
    data={"stage": [p.name for p in parts], "weights": [p.parameters for p in parts]},
)

# %% [markdown]
# ## One pair of networks for each level
#
# **What we do.** CARE and timeUnet are trained at every peak signal, on the same crops, for the same number of steps,
# with the absolute error and one cycle of the learning rate; every network then restores the test movies of every level.
# Noise2Self learns from the noisy test frames themselves. Errors are measured on images scaled to a peak of 1.


# %%
def supervised(architecture, peak, draw, kind="mean and deviation"):
    """Train CARE or timeUnet at one level, or take up a finished training."""
    made = MovieDenoiser(
        architecture=architecture, frames=window, normalisation=Normalisation(kind), steps=steps, batch=batch,
        patch=patch, features=features, learning_rate=learning_rate,
    )  # fmt: skip
    return learned(made, training[peak], seed=draw, folder=folder)


def blind(peak, draw):
    """Train Noise2Self on the test frames of one level."""
    frames = [m[t] for m in test[peak].noisy for t in looked_at]
    made = denoiser(
        "Noise2Self", steps=self_supervised_steps, batch=2 * batch, patch=pixels, features=features,
        learning_rate=learning_rate, precision="float32",
    )  # fmt: skip
    return learned(made, Examples(frames), seed=draw, folder=folder)


models = ("CARE", "timeUnet")
plans = list(product(models, peaks, training_seeds))
trained = {plan: supervised(*plan) for plan in study.track(plans, "training CARE and timeUnet")}
selves = {plan: blind(*plan) for plan in study.track(list(product(peaks, training_seeds)), "training Noise2Self")}


# %%
def restored(made, peak):
    """Test frames restored by a network, on the scale of the truth."""
    return np.array([f for m in test[peak].noisy for f in made.restored_frames(m, looked_at)]) / peak


def restored_blind(made, peak):
    """Test frames restored by Noise2Self, on the scale of the truth."""
    return np.array([made.apply(m[t]) for m in test[peak].noisy for t in looked_at]) / peak


def scores(images):
    """MAE, MSE and SSIM of every test frame, (metric, frame)."""
    pairs = list(zip(truth, images, strict=True))
    return [[f(a, b) for a, b in pairs] for f in (mae, mse, lambda a, b: ssim(a, b, data_range=1.0))]


metrics = ["mae", "mse", "ssim"]
truth = np.array([m.light.values[t] for m in movies["test"] for t in looked_at])
outputs = {
    (model, p, q, d): restored(trained[model, p, d], q)
    for model, p, q, d in study.track(list(product(models, peaks, peaks, training_seeds)), "testing")
}
outputs |= {("Noise2Self", q, q, d): restored_blind(selves[q, d], q) for q, d in product(peaks, training_seeds)}
matrix = xr.DataArray(
    [
        [[[scores(outputs[model, p, q, d]) for d in training_seeds] for q in peaks]
         for p in peaks]
        for model in study.track(models, "measuring")
    ],
    coords={"model": list(models), "trained": peaks, "tested": peaks, "metric": metrics},
    dims=("model", "trained", "tested", "seed", "metric", "frame"),
)  # fmt: skip
own = xr.DataArray(
    [[scores(outputs["Noise2Self", q, q, d]) for d in training_seeds] for q in peaks],
    coords={"tested": peaks, "metric": metrics},
    dims=("tested", "seed", "metric", "frame"),
)
raw = xr.DataArray(
    [scores([m[t] / q for m in test[q].noisy for t in looked_at]) for q in peaks],
    coords={"tested": peaks, "metric": metrics},
    dims=("tested", "metric", "frame"),
)
matched = xr.concat([matrix.sel(trained=p, tested=p, drop=True) for p in peaks], xr.Variable("tested", peaks))


# %%
def level_axis(axis, metric):
    """Peak signal on a logarithmic axis with a tick at every level."""
    axis.set(xscale="log", xlabel="peak signal (photons)", ylabel={"mae": "MAE (peak = 1)", "ssim": "SSIM"}[metric])
    axis.minorticks_off()
    axis.set_xticks(peaks, [f"{p:g}" for p in peaks])


def lead(first, second, metric):
    """By how much the first is better, (…, seed, frame)."""
    sign = 1 if metric == "ssim" else -1
    return sign * (first - second).sel(metric=metric).transpose(..., "seed", "frame").values


def ahead(first, second, metric):
    """By how much the first is better, with its interval."""
    return mean_interval(lead(first, second, metric), rng=rng.statistics, resample="seeds and images")


def levels_won(first, second, metric):
    """Share of levels at which the first is surely better, %."""
    won = [ahead(first.sel(tested=p), second.sel(tested=p), metric).low > 0 for p in peaks]
    return 100 * float(np.mean(won))


# %%
draws = study.streams(seed, "intervals of claims")["intervals of claims"]
over_movies = f"95 % bootstrap over {len(training_seeds)} training(s) and over movies"
surely = f'{over_movies}; within a draw, "surely" is by 1.96 standard errors over trainings and frames'
if test_movies == 1:
    over_movies = surely = "no interval: one test movie"


def of_movies(statistic, exact=None):
    """Numbers of a claim with their intervals, or bare with one movie; `exact` where the statistic is a quicker rule."""
    sizes = (len(training_seeds), test_movies)
    values = exact or statistic(*map(np.arange, sizes))
    if test_movies == 1:
        return values
    drawn = resampled(statistic, *sizes, rng=draws)
    return {name: Interval(x, min(x, drawn[name].low), max(x, drawn[name].high)) for name, x in values.items()}


def frames_of(drawn):
    """Indices of all test frames of movies."""
    return (test_frames * drawn[:, None] + np.arange(test_frames)).ravel()


def mean_of(scores, seeds, drawn):
    """Mean of scores (…, seed, metric, frame) over trainings and all frames of movies."""
    return scores.values[..., seeds, :, :][..., frames_of(drawn)].mean((-3, -1))


def surely_above(differences, seeds, drawn):
    """Whether differences (…, seed, frame) are surely above 0: a rule like that of `ahead` without draws of its own."""
    chosen = differences[..., seeds[:, None], frames_of(drawn)]
    over_seeds, over_frames = chosen.mean(-1), chosen.mean(-2)
    variance = over_seeds.var(-1) / over_seeds.shape[-1] + over_frames.var(-1) / over_frames.shape[-1]
    return chosen.mean((-2, -1)) > 1.96 * np.sqrt(variance)


# %% [markdown]
# ## Supplementary Fig. 2: what time is good for
#
# **The source says**: with neighbouring frames, mitochondria stay apart that CARE connects.
#
# **What we do.** Background is taken off. The two parts of a pair count as connected where both lie in one piece of what
# is brighter than half of the dimmer of them. Pairs are judged that the noise-free image shows as they truly are. A
# *false merge* is a pair apart that the restored image connects; a *false split* is one that it tears.


# %%
def as_signal(image):
    """Image with coordinates, background taken off."""
    return shown.light[0].copy(data=image - 0.05)


def counted(images):
    """False merges and splits in every test movie, over its frames."""
    totals = [nothing] * test_movies
    frames = [(m, t) for m in movies["test"] for t in looked_at]
    for n, ((m, t), image, clean) in enumerate(zip(frames, images, truth, strict=True)):
        known = (as_signal(clean), m.anchors.values[:, t], m.connected.values[:, t])
        totals[n // test_frames] += connections(as_signal(image), *known)
    return totals


nothing = Connections(0, 0, 0, 0)
by_movie = {
    (model, p): [counted(outputs[model, p, p, d]) for d in training_seeds]
    for model, p in product((*models, "Noise2Self"), peaks)
}
joins = {key: sum((c for totals in of_seeds for c in totals), nothing) for key, of_seeds in by_movie.items()}
pooled = {name: sum((joins[name, p] for p in peaks), nothing) for name in (*models, "Noise2Self")}
study.publish_table(
    "time-unet-connections",
    {
        "network": [name for name, _ in joins],
        "peak (photons)": [p for _, p in joins],
        "pairs apart": [c.apart for c in joins.values()],
        "false merges": [c.merged for c in joins.values()],
        "pairs connected": [c.whole for c in joins.values()],
        "false splits": [c.split for c in joins.values()],
    },
    caption="Connections in the restored test frames, networks trained at the level at which they are tested, all "
    "trainings together.",
)

# %%
frames = [(m, t) for m in movies["test"] for t in looked_at]
first = training_seeds[0]


def false_joins(n, p):
    """False merges of CARE less those of timeUnet in one frame."""
    m, t = frames[n]
    known = (as_signal(truth[n]), m.anchors.values[:, t], m.connected.values[:, t])
    return np.subtract(*(connections(as_signal(outputs[model, p, p, first][n]), *known).merged for model in models))


levels = peaks[:: max(1, len(peaks) // 3)][:3]
figure, axes = plt.subplots(len(levels), 4, figsize=(9, 2.35 * len(levels)), squeeze=False)
drawn = {}
for row, p in enumerate(levels):
    n = max(range(len(frames)), key=lambda n: false_joins(n, p))
    m, t = frames[n]
    noisy_frame = test[p].noisy[n // test_frames][t] / p
    panels = {"noisy": noisy_frame, "truth": truth[n], **{x: outputs[x, p, p, first][n] for x in models}}
    for axis, (name, image) in zip(axes[row], panels.items(), strict=True):
        drawn[f"{p:g} photons: {name}"] = shown.light[0].copy(data=image)
        bar = study.draw_image(axis, drawn[f"{p:g} photons: {name}"], title="" if row else name, norm=Normalize(0, 1))
        for points in m.anchors.values[:, t][~m.connected.values[:, t]]:
            axis.plot(*points.mean(axis=0)[::-1], "o", mfc="none", mec="deepskyblue", markersize=11, mew=0.8)
    axes[row, 0].set_ylabel(f"{p:g} photons")
figure.colorbar(bar, ax=axes, label="share of the peak", shrink=0.6)
study.publish_figure(
    "wang2021-supp-fig-2",
    figure,
    alt="Rows of rising peak signal. Columns: noisy frame, truth, CARE, timeUnet. Circles mark gaps between the two "
    "parts of a mitochondrion.",
    caption="Mitochondria restored frame by frame (CARE) and from eleven frames (timeUnet), each trained at the level "
    "shown. Circles: gaps that are really there. Each row shows the test frame in which the false merges of CARE exceed "
    "those of timeUnet most, or the first of several. Scale bars 1 µm.",
    data=drawn,
    stand_in=stand_in + ".",
)

# %%
rates = {name: pooled[name].merge_rate for name in pooled}
merged = {x: np.sum([[[c.merged for c in totals] for totals in by_movie[x, p]] for p in peaks], axis=0) for x in models}


def merge_ratio(seeds, drawn):
    """False merges of timeUnet over those of CARE, of the same pairs; 1 where CARE makes none."""
    of_care, of_time = (int(merged[x][seeds[:, None], drawn].sum()) for x in models)
    return {"merge_rate_ratio": of_time / of_care if of_care else 1.0}


study.claim(
    "wang2021-temporal-context-separates-mitochondria",
    measured=of_movies(merge_ratio) if pooled["CARE"].merged else 1.0,
    spread=over_movies if pooled["CARE"].merged else "no interval: CARE makes no false merge",
    n=test_movies,
    stand_in=stand_in,
)

# %%
merges = study.keep(
    "time_unet_merges",
    care=100 * rates["CARE"],
    time=100 * rates["timeUnet"],
    own=100 * rates["Noise2Self"],
    care_split=100 * pooled["CARE"].split_rate,
    time_split=100 * pooled["timeUnet"].split_rate,
)
study.say(
    "CARE connects {care:.0f} % of the pairs that are apart, timeUnet {time:.0f} %, Noise2Self {own:.0f} %. CARE tears "
    "{care_split:.0f} % of those that are one, timeUnet {time_split:.0f} %.",
    merges,
)

# %% [markdown]
# **What this shows.** Both errors, counted against the truth over all levels: the splits tell whether a network that
# joins less simply tears more.
#
# **What it does not.** False merges are few, and the same pairs return in several frames and at every level: the ratio of
# such counts may well turn with other movies, and its interval rests on those at hand. Other thresholds than a half move
# both numbers. Motion here is slow, about half a pixel per frame; where mitochondria move by their own width from frame to
# frame, neighbouring frames help less.

# %% [markdown]
# ## Supplementary Fig. 3: error over peak signal
#
# **The source says**: timeUnet has the lower MAE and the higher SSIM at every level tested.

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 3))
lines = {"input": raw.expand_dims("seed"), **{x: matched.sel(model=x) for x in models}, "Noise2Self": own}
styles = dict(zip(lines, ("0.6", "C1", "C0", "C2"), strict=True))
for axis, metric in zip(axes, ("mae", "ssim"), strict=True):
    for name, values in lines.items():
        of_seed = values.sel(metric=metric).mean("frame").transpose("tested", "seed")
        axis.plot(peaks, of_seed.mean("seed"), "-", color=styles[name], label=name)
        axis.plot(peaks, of_seed, ".", color=styles[name], alpha=0.5)
    level_axis(axis, metric)
axes[0].set_yscale("log")  # or the input would press the networks together
axes[1].legend(fontsize=7)
study.publish_figure(
    "wang2021-supp-fig-3",
    figure,
    alt="MAE falls and SSIM rises with the peak signal, for the noisy input, CARE, timeUnet and Noise2Self.",
    caption="MAE and SSIM over peak signal, networks trained at the level of the test. Lines: means over "
    f"{len(training_seeds)} training(s), which the dots show.",
    data={
        "peak_photons": peaks,
        **{f"{m}_{x}": v.sel(metric=m).mean(("seed", "frame")) for x, v in lines.items() for m in ("mae", "ssim")},
    },
    stand_in=stand_in + ".",
)

# %%
care, time = (matched.sel(model=x, drop=True) for x in models)
won = {metric: levels_won(time, care, metric) for metric in ("mae", "ssim")}
leads = {metric: lead(time, care, metric) for metric in won}
won = of_movies(
    lambda seeds, drawn: {m: 100 * surely_above(values, seeds, drawn).mean() for m, values in leads.items()}, won
)
for metric, share in won.items():
    claimed = study.claim(f"wang2021-timeunet-{metric}", measured=share, spread=surely, n=test_movies, stand_in=few)
    display(claimed)

# %% [markdown]
# **What this shows.** What ten more frames are worth at each level, with the same number of steps for both networks.
#
# **What it does not.** A step of timeUnet costs many times one of CARE. What the comparison would be at equal
# time is not measured. The intervals that decide who is ahead at a level take all test frames as independent, but those of
# one movie resemble each other: they are too short. That of the share of levels draws whole movies.

# %% [markdown]
# ## Supplementary Fig. 4: the wrong level
#
# **The source says**: any difference between the levels of training and test lowers the quality of both networks, and
# raising the level of the test images makes the result *quantitatively worse*; Noise2Self is more consistent, but behind
# at the matched level. Of panel b it says nothing; we show SSIM there.
#
# **What we do.** Every network on every level. For the second statement, two ways to scale what goes into a network: by
# mean and standard deviation, or by percentiles (2 and 99.8 %), each used in training as well.

# %%
low, top = peaks[min(1, len(peaks) - 2)], peaks[-1]
kinds = ("mean and deviation", "percentiles")
other = {
    (x, d): supervised(x, low, d, "percentiles")
    for x, d in study.track(list(product(models, training_seeds)), "percentiles")
}
scaled = {
    (x, "percentiles", q, d): scores(restored(other[x, d], q))
    for x, q, d in product(models, (low, top), training_seeds)
}
scaled |= {
    (x, kinds[0], q, d): matrix.sel(model=x, trained=low, tested=q).values[number]
    for x, q, (number, d) in product(models, (low, top), enumerate(training_seeds))
}
rises = np.array([
    np.subtract(*([scaled[x, kind, q, d][metrics.index("mae")] for d in training_seeds] for q in (top, low)))
    for x, kind in product(models, kinds)
])  # fmt: skip
worse = {
    case: mean_interval(rise, rng=rng.statistics, resample="seeds and images")
    for case, rise in zip(product(models, kinds), rises, strict=True)
}

# %%
figure, axes = plt.subplots(1, 4, figsize=(12.5, 3), width_ratios=[1, 1, 1.1, 1.1])
for axis, x in zip(axes[:2], models, strict=True):
    of_model = matrix.sel(model=x, metric="mae").mean(("seed", "frame"))
    relative = 100 * (of_model / np.diag(of_model) - 1)
    bar = axis.imshow(relative, cmap="viridis", norm=Normalize(0, 100), origin="lower")
    axis.set(title=f"(a) {x}: MAE above matched", xlabel="test peak (photons)", ylabel="training peak (photons)")
    axis.set_xticks(range(len(peaks)), [f"{p:g}" for p in peaks])
    axis.set_yticks(range(len(peaks)), [f"{p:g}" for p in peaks])
figure.colorbar(bar, ax=axes[:2], label="%", extend="both")
for axis, metric, letter in zip(axes[2:], ("ssim", "mae"), "bc", strict=True):
    for x, style in (("CARE", "s-"), ("timeUnet", "o-")):
        values = matrix.sel(model=x, trained=low, metric=metric).mean(("seed", "frame"))
        axis.plot(peaks, values, style, color=styles[x], label=f"{x}, trained at {low:g}")
        axis.plot(peaks, matched.sel(model=x, metric=metric).mean(("seed", "frame")), ":", color=styles[x])
    axis.plot(
        peaks, own.sel(metric=metric).mean(("seed", "frame")), "^-", color=styles["Noise2Self"], label="Noise2Self"
    )
    axis.axvline(low, color="0.8", zorder=0)
    level_axis(axis, metric)
    axis.set_title(f"({letter})")
axes[3].legend(fontsize=6)
study.publish_figure(
    "wang2021-supp-fig-4",
    figure,
    alt="Two matrices of training against test level, then SSIM and MAE over the test level for networks trained at one "
    "low level, for matched ones and for Noise2Self.",
    caption="(a) MAE relative to the network of the test level (in every column the matched network has 0 %; colours "
    f"end at 0 and 100 %). (b, c) Networks trained at {low:g} photons (vertical line), matched networks (dotted) and "
    "Noise2Self. The source does not describe its panel b.",
    data={
        "trained_peak": [p for p in peaks for _ in peaks],
        "tested_peak": [q for _ in peaks for q in peaks],
        **{
            f"{m}_{x}": matrix.sel(model=x, metric=m).mean(("seed", "frame")).values.ravel()
            for x, m in product(models, ("mae", "ssim"))
        },
    },
    stand_in=stand_in + ".",
)


# %%
def matched_is_best(seeds, drawn):
    """Whether no network of another level has a smaller MAE or a larger SSIM, (model, tested)."""
    error, _, likeness = np.moveaxis(mean_of(matrix, seeds, drawn), -1, 0)
    return (error.argmin(axis=1) == np.arange(len(peaks))) & (likeness.argmax(axis=1) == np.arange(len(peaks)))


columns = matched_is_best(np.arange(len(training_seeds)), np.arange(test_movies))
study.claim(
    "wang2021-snr-mismatch-degrades",
    measured=of_movies(
        lambda seeds, drawn: {"columns_matched_best_percent": 100 * matched_is_best(seeds, drawn).mean()}
    ),
    spread=over_movies,
    n=test_movies,
    stand_in=stand_in,
)

# %%
study.claim(
    "wang2021-higher-test-snr-worse",
    measured=of_movies(
        lambda seeds, drawn: {"cases_worse": surely_above(rises, seeds, drawn).sum()},
        {"cases_worse": sum(interval.low > 0 for interval in worse.values())},
    ),
    spread=surely,
    n=test_movies,
    stand_in=stand_in,
)

# %%
change = {
    key: np.mean([np.subtract(*(scaled[*key, q, d] for q in (top, low))).mean(axis=-1) for d in training_seeds], axis=0)
    for key in worse
}
study.publish_table(
    "time-unet-higher-snr",
    {
        "network": [x for x, _ in worse],
        "input scaled by": [kind for _, kind in worse],
        "MAE at the top level − MAE at the training level": [str(interval) for interval in worse.values()],
        **{
            f"the same in {metric.upper()}": [float(values[metrics.index(metric)]) for values in change.values()]
            for metric in ("mse", "ssim")
        },
    },
    caption=f"Networks trained at {low:g} photons, tested at {top:g}, on images scaled to one peak. MAE and MSE below 0, "
    "or SSIM above 0: cleaner input gives the better result.",
)

# %%
rising = {"tested": [p for p in peaks if p >= low], "metric": ["mae", "ssim"]}
of_low, of_own = matrix.sel(trained=low, **rising), own.sel(rising)


def steadiness(seeds, drawn):
    """Which models are monotone (MAE never rises, SSIM never falls from level to level), and the ratio of their spans."""
    curves = np.stack([*mean_of(of_low, seeds, drawn), mean_of(of_own, seeds, drawn)])
    *supervised, self_supervised = (np.diff(curves, axis=1) * [1, -1] <= 0).all((1, 2))
    *spans, own_span = np.ptp(curves, axis=1)
    return {
        "n2s_monotone": int(self_supervised),
        "supervised_monotone": int(sum(supervised)),
        "range_ratio": float(np.max(own_span / np.maximum(np.min(spans, axis=0), 1e-12))),
    }


study.claim(
    "wang2021-n2s-consistent",
    measured=of_movies(steadiness),
    spread=over_movies,
    n=test_movies,
    stand_in=stand_in,
)


# %%
def both_ahead(metric):
    """Share of levels at which CARE and timeUnet are surely ahead of Noise2Self, %."""
    won = [all(ahead(matched.sel(model=x, tested=p), own.sel(tested=p), metric).low > 0 for x in models) for p in peaks]
    return 100 * float(np.mean(won))


leads = {m: np.array([lead(matched.sel(model=x), own, m) for x in models]) for m in ("ssim", "mae")}
study.claim(
    "wang2021-supervised-better-when-matched",
    measured=of_movies(
        lambda seeds, drawn: {
            f"{m}_levels_percent": 100 * surely_above(values, seeds, drawn).all(axis=0).mean()
            for m, values in leads.items()
        },
        {f"{m}_levels_percent": both_ahead(m) for m in leads},
    ),
    spread=surely,
    n=test_movies,
    stand_in=stand_in,
)

# %%
care_low = of_low.sel(model="CARE", metric="mae").mean(("seed", "frame"))
mismatch = study.keep(
    "time_unet_mismatch",
    low=low,
    top=top,
    at_low=float(care_low.sel(tested=low)),
    at_top=float(care_low.sel(tested=top)),
    own_top=float(of_own.sel(metric="mae", tested=top).mean()),
    best=100 * float(np.mean(columns)),
)
study.say(
    "CARE trained at {low:g} photons has an MAE of {at_low:.3f} there and of {at_top:.3f} at {top:g} photons, where "
    "Noise2Self reaches {own_top:.3f}. In {best:.0f} % of the columns the matched network is best in both measures.",
    mismatch,
)

# %% [markdown]
# **What this shows.** A network that learnt to smooth keeps smoothing when there is nothing left to smooth; whether its
# error really *rises* with cleaner input, and for which scaling, stands in the table.
#
# **What it does not.** Noise2Self is trained on the very frames that it restores, at every level anew, and the supervised
# networks are not: it is adapted and they are fixed. The comparison is therefore not one of two kinds of supervision
# alone. All networks are small and trained for a few hundred steps; whether long training would change their order is not
# tested. The retraining of [notebook 50](50_transfer_learning.ipynb) is the answer of the source to this.

# %% [markdown]
# ## Exercises
#
# 1. Is it time or is it the number of frames? Hand timeUnet eleven copies of one frame and compare.
# 2. The window may also enter as eleven channels of a 2-D network. How much is lost?

# %% tags=["solution"]
p = peaks[min(1, len(peaks) - 1)]
of_window = trained["timeUnet", p, first]
copies = [of_window.restored_frames(np.repeat(m[t][None], window, axis=0), [window // 2])[0] / p
          for m in test[p].noisy for t in looked_at]  # fmt: skip
print("MAE with neighbours:", np.mean(scores(outputs["timeUnet", p, p, first])[0]).round(4))
print("MAE with eleven copies of one frame:", np.mean(scores(copies)[0]).round(4))

# %% tags=["solution"]
channels = MovieDenoiser(
    architecture="timeUnet", frames=window, time="channels", steps=steps, batch=batch, patch=patch, features=features,
    learning_rate=learning_rate,
)  # fmt: skip
flat = learned(channels, training[p], seed=first, folder=folder)
print("MAE with frames as channels:", np.mean(scores(restored(flat, p))[0]).round(4))

# %% [markdown]
# ## Provenance

# %%
study.end()
