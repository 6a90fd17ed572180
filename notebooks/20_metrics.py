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
# # Metrics that tell the truth: which number sees which artefact
#
# Two of the five sources end by asking for better metrics, and a third ([hughes2024]) by warning that the common ones can
# improve while the image gets less faithful. This notebook takes the metrics at hand to the test. Clean
# images of simulated actin are spoilt in eight ways, each of known severity: blur, debris, broken filaments, false
# filaments, a warp of the intensity scale, a shift, ringing and noise. Eighteen metrics then score them. A metric that
# does not rise or fall with the severity is blind to that artefact. First comes a warning about the best known of them:
# "the PSNR" is not one number. As a lesson it takes a few minutes on a laptop and needs no data.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
samples: int = 8  # simulated actin samples
levels: int = 4  # severities above zero, per artefact
pixel_um: float = 0.025  # pixel of the images, µm
fwhm_um: float = 0.08  # resolution of the clean images: width of one emitter, µm
nuisance: float = 0.5  # largest severity of the blur and the noise that every image has besides its artefact
equal_psnr_db: float = 26.0  # PSNR at which eight artefacts are compared, dB (range of the truth)
blind_below: float = 0.5  # Kendall's tau with severity that a metric must exceed to count as seeing an artefact

# %%
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import Normalize
from scipy.ndimage import gaussian_filter
from scipy.optimize import brentq

from nbsupport import study
from nbsupport.assess import artefacts, fidelity, resolution, statistics
from nbsupport.assess.artefacts import PLANTED, clean_scene, plant
from nbsupport.simulate.structures import actin

study.begin("20_metrics", globals())
kinds = list(PLANTED)
structure = [study.streams(seed, "structure", sample=i).structure for i in range(samples)]
scenes = [clean_scene(actin(rng=rng), pixel_um=pixel_um, fwhm_um=fwhm_um) for rng in structure]
scene = scenes[0]
bright = Normalize(0, float(np.quantile(scene.image, 0.998)))


# %% [markdown]
# ## One pair of images, many PSNRs
#
# **The sources say.** They share the name of the PSNR, not its range: [laine2021] (Box 1) takes that of the clean
# image; [jadhav2021] divides both images by their maxima (the range is not stated; 1 is the natural reading);
# [hughes2024] turns them into 16-bit integers and takes 65536. Software around them adds percentile normalisation, with
# or without a least-squares fit, a scale-invariant form, and clamping to 8 bit.
#
# **What we do.** One clean image in camera counts, two estimates of it. *Smooth* is the noisy image behind a Gaussian
# filter: right brightness, wrong sharpness. *Dim* is as sharp as the truth, but its gain and offset are wrong.

# %%
rng = study.streams(seed, "camera", "network")
counts = 20 + 180 * scene.image
smooth = counts.copy(data=gaussian_filter(rng.camera.poisson(counts).astype(float), 0.04 / pixel_um))
dim = 0.75 * counts + 12 + rng.network.normal(0, 2, counts.shape)
conventions = {
    name: fidelity.psnr_by_convention(counts, image) for name, image in {"smooth": smooth, "dim": dim}.items()
}
labels = [name.removeprefix("psnr_").removesuffix("_db").replace("_", " ") for name in conventions["smooth"]]
study.publish_table(
    "metrics-psnr-conventions",
    {"convention": labels, **{f"{name} (dB)": list(values.values()) for name, values in conventions.items()}},
    caption="PSNR of two estimates of one image in counts, under eight conventions.",
)

# %%
figure, axes = plt.subplots(1, 4, figsize=(9.6, 2.7), width_ratios=[1, 1, 1, 1.5])
for axis, (name, image) in zip(axes, {"truth": counts, "smooth": smooth, "dim": dim}.items(), strict=False):
    drawn = study.draw_image(axis, image, title=name, norm=Normalize(0, 200))
figure.colorbar(drawn, ax=axes[2], label="counts")
for (name, values), height, marker in zip(conventions.items(), (-0.12, 0.12), "os", strict=True):
    axes[3].plot(list(values.values()), np.arange(len(values)) + height, marker, label=name)
axes[3].set(yticks=np.arange(len(labels)), yticklabels=labels, xlabel="PSNR (dB)")
axes[3].invert_yaxis()
axes[3].legend(loc="best")
study.publish_figure(
    "metrics-psnr-conventions-map",
    figure,
    alt="A clean image of filaments, a smoothed and a dimmed estimate, and the PSNR of both under eight conventions. The "
    "values spread over tens of decibels, and the better of the two depends on the convention.",
    caption="One truth, two estimates, eight conventions of the PSNR. Scale bars 1 µm.",
    data={
        "convention": labels,
        **{f"{name}_psnr_db": list(values.values()) for name, values in conventions.items()},
    },
)

# %%
gain = np.array([conventions["smooth"][key] - conventions["dim"][key] for key in conventions["smooth"]])
counted = study.keep(
    "metrics_psnr_conventions",
    smooth_wins=int((gain > 0).sum()),
    all=len(gain),
    low=min(conventions["smooth"].values()),
    high=max(conventions["smooth"].values()),
)
study.say(
    "The PSNR of *smooth* lies anywhere between **{low:.1f} and {high:.1f} dB**. It beats *dim* under {smooth_wins} of {all} "
    "conventions and loses under the others.",
    counted,
)

# %% [markdown]
# **What this shows.** A PSNR without its convention says nothing, not even which of two images is better. Every PSNR of
# this study therefore carries its convention in its name.
#
# **What it does not.** None of the conventions is wrong. Those that fit gain and offset forgive an error that does not
# matter for shape and does for photometry.

# %% [markdown]
# ## Eight artefacts of known severity
#
# Severity 1 means: blur by 80 nm (standard deviation), specks that hold 40 % of the light, 60 % of every filament erased,
# false filaments with a third of the true length, the squared image, 80 nm of shift, ripples of 250 nm period amplified
# fivefold, and Poisson noise at 10 photons in the brightest pixel.

# %%
shown = {kind: plant(kind, scene, 0.6, rng=study.streams(seed, kind, sample=0)[kind]) for kind in kinds}
figure, axes = plt.subplots(3, 3, figsize=(6.6, 6.4))
for axis, (name, image) in zip(axes.flat, {"truth": scene.image, **shown}.items(), strict=True):
    drawn = study.draw_image(axis, image, title=name, norm=bright)
figure.colorbar(drawn, ax=axes, shrink=0.5, label="intensity / maximum of the truth")
study.publish_figure(
    "metrics-artefacts",
    figure,
    alt="A clean image of actin filaments and the same image with each of eight artefacts at a severity of 0.6.",
    caption="The clean image and eight artefacts at severity 0.6. Saturated at the 99.8th percentile of the truth. "
    "Scale bars 1 µm.",
    data={"truth": scene.image, **shown},
)

# %% [markdown]
# ## The same PSNR, eight different failures
#
# The severity of each artefact is now chosen such that the PSNR (range of the truth) is the same for all.


# %%
def at_equal_psnr(kind):
    """Severity of an artefact that gives the wanted PSNR, or 1 if none does."""

    def excess(severity):
        image = plant(kind, scene, severity, rng=study.streams(seed, kind, sample=0)[kind])
        return fidelity.psnr_db(scene.image, image, convention="truth_range") - equal_psnr_db

    return brentq(excess, 0.01, 1, xtol=1e-4) if excess(1) < 0 else 1.0


severity = {kind: at_equal_psnr(kind) for kind in kinds}
alike = {kind: plant(kind, scene, s, rng=study.streams(seed, kind, sample=0)[kind]) for kind, s in severity.items()}
judged = {
    "severity": list(severity.values()),
    "PSNR (dB)": [fidelity.psnr_db(scene.image, image, convention="truth_range") for image in alike.values()],
    "SSIM": [fidelity.ssim(scene.image, image, data_range=1.0) for image in alike.values()],
    "debris": [artefacts.debris(scene.sample, image) for image in alike.values()],
    "continuity": [artefacts.continuity(scene.sample, image) for image in alike.values()],
    "hallucinated pieces": [
        artefacts.hallucination(scene.sample, image, resolution_um=fwhm_um).count for image in alike.values()
    ],
}

# %%
figure, axes = plt.subplots(2, 4, figsize=(9.6, 5.6))
for axis, (kind, image), psnr_db, ssim, debris in zip(
    axes.flat, alike.items(), judged["PSNR (dB)"], judged["SSIM"], judged["debris"], strict=True
):
    text = f"{kind}\n{psnr_db:.1f} dB, SSIM {ssim:.3f}, debris {debris:.2f}"
    drawn = study.draw_image(axis, image, title=text, norm=bright)
figure.colorbar(drawn, ax=axes, shrink=0.5, label="intensity / maximum of the truth")
study.publish_figure(
    "metrics-equal-psnr",
    figure,
    alt="Eight images of the same filaments with the same PSNR: one blurred, one full of specks, one in pieces, "
    "one with false filaments, one with warped brightness, one shifted, one with ripples, one noisy.",
    caption=f"Eight artefacts at a PSNR of {equal_psnr_db:g} dB (range of the truth). Saturated at the 99.8th "
    "percentile of the truth. Scale bars 1 µm.",
    data=alike,
)
study.publish_table(
    "metrics-equal-psnr-scores",
    {"artefact": kinds, **judged},
    caption="The images at equal PSNR, as other metrics see them (SSIM with data range 1).",
)

# %%
equal = study.keep(
    "metrics_equal_psnr",
    ssim_low=min(judged["SSIM"]),
    ssim_high=max(judged["SSIM"]),
    worst=kinds[int(np.argmin(judged["SSIM"]))],
    best=kinds[int(np.argmax(judged["SSIM"]))],
)
study.say(
    "At one PSNR, SSIM runs from {ssim_low:.3f} ({worst}) to {ssim_high:.3f} ({best}). Neither says *what* is wrong: an image "
    "in which structure was invented and one that is merely a little displaced can get the same mark.",
    equal,
)

# %% [markdown]
# **What this shows.** A single number adds up errors that a biologist would never add up.
#
# **What it does not.** How bad each failure is depends on the question asked of the image; equal PSNR is a choice of
# exchange rate, not a law.

# %% [markdown]
# ## The blindness matrix
#
# **What we do.** Every sample is spoilt by every artefact at rising severities, from none to 1. Each image also gets a blur and a
# noise of its own, of random severity, since no two restorations differ in one respect alone: a metric that moves less with the
# artefact than with these does not see it. For each sample, metric and artefact we take Kendall's τ between severity and
# score, counted so that +1 means that worse images always score worse. The mean over samples has a bootstrap interval (95
# %).
#
# The metrics differ in what they need: the true image; a wide-field image of the same field (simulated with 280 nm
# width and noise of its own); the geometry of the sample, known only in a simulation; or nothing.
#
# Those that are less known: **mean FRC** is the mean Fourier ring correlation with the truth. **SQUIRREL** blurs the
# image until it explains the wide-field image as well as it can; RSE is the error that remains, RSP the correlation.
# **Decorrelation** reads a resolution from the spectrum of the image alone. From the geometry: **debris**, the share of
# light farther than 100 nm from every emitter; **halo**, the light 50 to 150 nm beside the structure against that of the
# truth; **missing**, the share of the structure that is dark; **hallucination**, the share of light in connected pieces
# farther than the resolution from every emitter; **continuity**, the share of the length of filaments without a gap;
# **ringing**, the standard deviation where there is no structure over the mean signal where there is.

# %%
truth, wide_field, geometry, nothing = "true image", "wide-field image", "geometry", "nothing"
MORE_IS_WORSE, LESS_IS_WORSE = 1, -1
METRICS = {
    "PSNR, truth range": (truth, LESS_IS_WORSE, lambda s, i, w: fidelity.psnr_db(s.image, i, convention="truth_range")),
    "PSNR, scale-invariant": (
        truth,
        LESS_IS_WORSE,
        lambda s, i, w: fidelity.psnr_db(s.image, i, convention="scale_invariant"),
    ),
    "MAE": (truth, MORE_IS_WORSE, lambda s, i, w: fidelity.mae(s.image, i)),
    "SSIM": (truth, LESS_IS_WORSE, lambda s, i, w: fidelity.ssim(s.image, i, data_range=1.0)),
    "MS-SSIM": (truth, LESS_IS_WORSE, lambda s, i, w: fidelity.ms_ssim(s.image, i, data_range=1.0)),
    "MS-SSIM, exponents 1": (
        truth,
        LESS_IS_WORSE,
        lambda s, i, w: fidelity.ms_ssim(s.image, i, data_range=1.0, exponents="ones"),
    ),
    "MicroSSIM": (truth, LESS_IS_WORSE, lambda s, i, w: fidelity.micro_ssim(s.image, i).mean),
    "Pearson": (truth, LESS_IS_WORSE, lambda s, i, w: fidelity.pearson(s.image, i)),
    "mean FRC": (truth, LESS_IS_WORSE, lambda s, i, w: resolution.mean_frc(s.image, i)),
    "SQUIRREL RSE": (wide_field, MORE_IS_WORSE, lambda s, i, w: artefacts.squirrel(w, i).rse),
    "SQUIRREL RSP": (wide_field, LESS_IS_WORSE, lambda s, i, w: artefacts.squirrel(w, i).rsp),
    "decorrelation": (nothing, LESS_IS_WORSE, lambda s, i, w: resolution.decorrelation(i).cutoff),
    "debris": (geometry, MORE_IS_WORSE, lambda s, i, w: artefacts.debris(s.sample, i)),
    "halo": (geometry, MORE_IS_WORSE, lambda s, i, w: artefacts.halo(s.sample, i, noise_free=s.image)),
    "missing": (geometry, MORE_IS_WORSE, lambda s, i, w: artefacts.missing(s.sample, i)),
    "hallucination": (
        geometry,
        MORE_IS_WORSE,
        lambda s, i, w: artefacts.hallucination(s.sample, i, resolution_um=fwhm_um).share,
    ),
    "continuity": (geometry, LESS_IS_WORSE, lambda s, i, w: artefacts.continuity(s.sample, i)),
    "ringing": (geometry, MORE_IS_WORSE, lambda s, i, w: artefacts.ringing(s.sample, i)),
}
names = list(METRICS)
severities = np.linspace(0, 1, levels + 1)


# %%
def spoilt(index, kind, level):
    """Image of a sample with an artefact, and with blur and noise of its own."""
    artefact = study.streams(seed, kind, sample=index)[kind]
    rng = study.streams(seed, f"besides {kind} {level}", sample=index)[f"besides {kind} {level}"]
    image = plant(kind, scenes[index], severities[level], rng=artefact)
    for besides in ("blur", "noise"):
        image = plant(besides, scenes[index]._replace(image=image), nuisance * rng.random(), rng=rng)
    return image


def wide(index):
    """Wide-field image of a sample, 280 nm wide, 1000 photons in its brightest pixel."""
    rng = study.streams(seed, "wide field", sample=index)["wide field"]
    image = gaussian_filter(scenes[index].image.values, 0.28 / 2.355 / pixel_um)
    return scenes[index].image.copy(data=rng.poisson(1000 * image / image.max()) / 1000)


cells = [(i, kind, level) for i in range(samples) for kind in kinds for level in range(levels + 1)]
references = [wide(i) for i in range(samples)]
rows = []
for i, kind, level in study.track(cells, "scoring spoilt images"):
    image = spoilt(i, kind, level)
    rows.append([score(scenes[i], image, references[i]) for _, _, score in METRICS.values()])
scores = xr.DataArray(
    np.reshape(rows, (samples, len(kinds), levels + 1, len(names))),
    dims=("sample", "artefact", "severity", "metric"),
    coords={"artefact": kinds, "severity": severities, "metric": names},
)

# %%
sign = xr.DataArray([METRICS[name][1] for name in names], dims="metric", coords={"metric": names})
ordered = (sign * scores).transpose("metric", "artefact", "sample", "severity")
tau = statistics.kendall(severities, ordered.values)
draw = study.streams(seed, "bootstrap").bootstrap
intervals = {
    (name, kind): statistics.mean_interval(tau[m, a], rng=draw)
    for m, name in enumerate(names)
    for a, kind in enumerate(kinds)
}
study.publish_table(
    "metrics-blindness",
    {
        "metric": names,
        "needs": [METRICS[name][0] for name in names],
        **{
            kind: [f"{i.value:.2f} [{i.low:.2f}, {i.high:.2f}]" for i in (intervals[name, kind] for name in names)]
            for kind in kinds
        },
    },
    caption=f"Kendall's τ between severity and badness by each metric: mean of {samples} samples with bootstrap interval "
    "(95 %). 1: worse images always score worse; 0: blind; below 0: the metric praises the artefact.",
)


# %%
def draw_matrix(axes, chosen):
    """Colour and number the mean τ of some metrics for every artefact; bold where the interval clears the limit."""
    mean = np.array([[intervals[name, kind].value for kind in kinds] for name in chosen])
    drawn = axes.imshow(mean, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(mean):
        weight = "bold" if intervals[chosen[row], kinds[column]].low > blind_below else "normal"
        axes.text(
            column,
            row,
            f"{value:.2f}",
            ha="center",
            va="center",
            weight=weight,
            color="white" if abs(value) > 0.6 else "black",
        )
    axes.set(xticks=range(len(kinds)), yticks=range(len(chosen)), yticklabels=chosen)
    axes.set_xticklabels(kinds, rotation=30, ha="right")
    return drawn


figure, axes = plt.subplots(figsize=(7.6, 6.4))
drawn = draw_matrix(axes, names)
for first in (9, 11, 12):
    axes.axhline(first - 0.5, color="black", linewidth=1)
figure.colorbar(drawn, ax=axes, shrink=0.6, label="Kendall's τ with severity")
study.publish_figure(
    "metrics-blindness-map",
    figure,
    alt="Matrix of metrics against artefacts, coloured by how well the metric orders the severity of the artefact. The "
    "two scores of SQUIRREL against a wide-field image see nearly all artefacts; metrics against the true image range "
    "from seeing half of them or more to seeing none; decorrelation sees blur, and measures from the geometry each see "
    "some.",
    caption=f"The blindness matrix: mean Kendall's τ with severity over {samples} samples; bold where the 95 % interval "
    f"lies above {blind_below:g}. Lines part metrics that need the true image, a wide-field image, nothing, and the geometry.",
    data={
        "metric": np.repeat(names, len(kinds)),
        "artefact": np.tile(kinds, len(names)),
        "tau": [i.value for i in intervals.values()],
        "low": [i.low for i in intervals.values()],
        "high": [i.high for i in intervals.values()],
    },
)

# %%
sees = {name: [kind for kind in kinds if intervals[name, kind].low > blind_below] for name in names}
seen = study.keep(
    "metrics_blindness",
    artefacts=len(kinds),
    psnr=len(sees["PSNR, truth range"]),
    ssim=len(sees["SSIM"]),
    rse=len(sees["SQUIRREL RSE"]),
    decorrelation=len(sees["decorrelation"]),
    everything=", ".join(name for name in names if len(sees[name]) == len(kinds)) or "no metric",
    nothing=", ".join(name for name in names if not sees[name]) or "no metric",
    praise="; ".join(f"{name} praises {kind}" for (name, kind), i in intervals.items() if i.high < 0) or "none",
)
study.say(
    "Of {artefacts} artefacts, PSNR (range of the truth) sees {psnr}, SSIM {ssim}, the resolution-scaled error of SQUIRREL "
    "{rse} and decorrelation analysis {decorrelation}. All are seen by **{everything}**, none by **{nothing}**. Worse than blind "
    "(the whole interval below 0): {praise}.",
    seen,
)

# %% [markdown]
# MicroSSIM fits one factor to the estimate before it compares. On an image that is mostly dark, the best factor can be one
# that turns noise, and with it the structure, black:

# %%
both = {}
for blur in (0.0, 1.0):
    image = plant("blur", scene, blur, rng=study.streams(seed, "micro").micro)
    noisy = plant("noise", scene._replace(image=image), 0.4, rng=study.streams(seed, "micro").micro)
    both[blur] = fidelity.micro_ssim(scene.image, noisy)
study.say(
    "With noise of severity 0.4, MicroSSIM is {sharp.mean:.2f} for the sharp image (factor {sharp.factor:.3f}) and "
    "{blurred.mean:.2f} after a blur of severity 1 (factor {blurred.factor:.3f}).",
    sharp=both[0.0],
    blurred=both[1.0],
)

# %% [markdown]
# **What this shows.** Noticing *that* something is wrong is one thing, naming it another: a row of high values means a
# metric that answers to everything. A wide-field image only knows what survives blurring, and an estimate of resolution from
# one image sees blur and little else. Two pairs order the images alike, RSE and RSP of SQUIRREL, and Pearson and the
# scale-invariant PSNR: where one of a pair is recommended below, the other would do as well. And a name is no promise: the
# measure called *ringing* hardly answers to the artefact of that name.
#
# **What it does not.** Only versions of one image are compared here, with one artefact at a time besides blur and noise.
# A metric that orders severities within an artefact may still weigh artefacts against each other in a way nobody wants
# (see the images at equal PSNR). Artefacts of real networks are correlated with the structure. SQUIRREL has it easy: its
# wide-field image is perfectly registered and nearly free of noise; registering it first, as one does with real data,
# would hide the shift.

# %% [markdown]
# ## Do PSNR and SSIM seldom rank differently?
#
# **The source says** ([laine2021], Box 1) that other metrics, such as SSIM, seldom rank methods differently from PSNR.
#
# **What we do.** Of each sample, all spoilt images are ranked by PSNR (range of the truth) and by SSIM (range 1). We count the
# pairs that the two order oppositely: pairs of one artefact at two severities, and pairs of two different artefacts. The
# claim itself, about denoisers, is measured in the notebook on denoisers.

# %%
pair = ordered.sel(metric=["PSNR, truth range", "SSIM"]).isel(severity=slice(1, None))
pair = pair.transpose("metric", "sample", "artefact", "severity").values.reshape(2, samples, -1)
i, j = np.triu_indices(pair.shape[2], 1)
opposite = np.prod(np.sign(pair[:, :, i] - pair[:, :, j]), axis=0) < 0
alike_kind = i // levels == j // levels
shares = {
    "same artefact": statistics.mean_interval(opposite[:, alike_kind].mean(axis=1), rng=draw),
    "different artefacts": statistics.mean_interval(opposite[:, ~alike_kind].mean(axis=1), rng=draw),
}
agreement = statistics.mean_interval(statistics.kendall(*pair), rng=draw)

# %%
figure, axes = plt.subplots(figsize=(5.4, 3.6))
for number, kind in enumerate(kinds):
    line = scores.sel(artefact=kind).isel(severity=slice(1, None)).mean("sample")
    style = {"marker": "osD^v<>P"[number], "markersize": 4, "linestyle": ("-", "--")[number // 7]}
    axes.plot(line.sel(metric="PSNR, truth range"), line.sel(metric="SSIM"), label=kind, **style)
axes.set(xlabel="PSNR, truth range (dB)", ylabel="SSIM")
figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
study.publish_figure(
    "metrics-psnr-ssim",
    figure,
    alt="SSIM against PSNR along rising severity of eight artefacts. PSNR falls by several decibels along every curve, while "
    "SSIM often wanders up and down, and at one PSNR the SSIM of different artefacts differs widely.",
    caption=f"SSIM against PSNR along rising severity, which is mostly to the left (mean of {samples} samples); every "
    "image has a blur and a noise of its own besides.",
    data={
        "artefact": np.repeat(kinds, levels),
        "severity": np.tile(severities[1:], len(kinds)),
        **{
            name: scores.sel(metric=name).isel(severity=slice(1, None)).mean("sample").values.ravel()
            for name in ("PSNR, truth range", "SSIM")
        },
    },
)

# %%
discord = study.keep(
    "metrics_psnr_against_ssim",
    tau=agreement.value,
    tau_low=agreement.low,
    tau_high=agreement.high,
    **{f"{name.split()[0]}_{end}": 100 * getattr(i, end) for name, i in shares.items() for end in i._fields},
)
study.say(
    "Over all spoilt images of a sample, Kendall's τ between PSNR and SSIM is **{tau:.2f} [{tau_low:.2f}, "
    "{tau_high:.2f}]**. They order oppositely {same_value:.1f} % [{same_low:.1f}, {same_high:.1f}] of the pairs with "
    "one artefact at two severities, and **{different_value:.1f} % [{different_low:.1f}, {different_high:.1f}]** of the "
    "pairs with two different artefacts.",
    discord,
)

# %% [markdown]
# **What this shows.** On sparse images whose artefacts come with different noise, the two disagree often, even about two
# severities of one artefact: SSIM with range 1 looks at the noise of the dark background, which fills most of its windows,
# and PSNR at the few bright pixels.
#
# **What it does not.** These are planted artefacts, not denoisers; a set of similar denoisers may well agree more.
# jadhav2021 Fig. 4, where the two metrics disagree about two trained networks, needs those networks and comes with them.

# %% [markdown]
# ## What to report
#
# **What we do.** For each artefact we look for its witness: the metric whose τ for this artefact, at the lower end of its
# interval, lies highest above its mean absolute τ for all others, among the metrics that see it (all, where none does). A
# metric that reacts to everything is a poor witness. Then we ask, for each kind of data, which smallest set of metrics
# sees as much as all of them together.


# %%
def contrast(name, kind):
    """How much better a metric orders one artefact than the others, on average."""
    others = [abs(intervals[name, other].value) for other in kinds if other != kind]
    return intervals[name, kind].low - np.mean(others)


def strength(chosen):
    """Sum over artefacts of the best lower end that a set of metrics offers."""
    return sum(max((intervals[name, kind].low for name in chosen), default=0.0) for kind in kinds)


def smallest_set(allowed):
    """Smallest and, of these, strongest set of metrics that sees whatever all the allowed ones see."""
    most = {kind for name in allowed for kind in sees[name]}
    by_size = (list(combinations(allowed, size)) for size in range(len(allowed) + 1))
    complete = ([s for s in sets if {k for name in s for k in sees[name]} == most] for sets in by_size)
    return max(next(sets for sets in complete if sets), key=strength)


seeing = {kind: [name for name in names if kind in sees[name]] or names for kind in kinds}
witness = {kind: max(seeing[kind], key=lambda name, kind=kind: contrast(name, kind)) for kind in kinds}
DATA = {
    "real data, wide-field image at hand": (nothing, wide_field),
    "real pairs with a true image": (nothing, wide_field, truth),
    "simulation with known geometry": (nothing, wide_field, truth, geometry),
}
enough = {data: smallest_set([n for n in names if METRICS[n][0] in needs]) for data, needs in DATA.items()}
unseen = {data: [kind for kind in kinds if not any(kind in sees[n] for n in enough[data])] for data in DATA}
study.publish_table(
    "metrics-recommendation",
    {
        "data": list(DATA),
        "smallest sufficient set": [", ".join(chosen) or "none" for chosen in enough.values()],
        "unseen even so": [", ".join(kinds_left) or "none" for kinds_left in unseen.values()],
    },
    caption="For each kind of data, the smallest set of metrics that sees whatever any of those available sees.",
)
study.publish_table(
    "metrics-witnesses",
    {
        "artefact": kinds,
        "witness": list(witness.values()),
        "its τ": [str(intervals[witness[kind], kind]) for kind in kinds],
        "its mean absolute τ for the others": [
            float(np.mean([abs(intervals[witness[kind], other].value) for other in kinds if other != kind]))
            for kind in kinds
        ],
    },
    caption="For each artefact the metric that singles it out best.",
)

# %%
chosen = list(dict.fromkeys(["PSNR, truth range", "SSIM", *sum(enough.values(), ()), *witness.values()]))
figure = plt.figure(figsize=(8.3, 9.4))
upper, lower = figure.subfigures(2, 1, height_ratios=[1, 1.35])
for position, (name, image) in enumerate({"truth": scene.image, **shown}.items(), start=1):
    title = name if name == "truth" else f"{name}\nwitness: {witness[name]}"
    study.draw_image(upper.add_subplot(2, 5, position), image, title=title, norm=bright)
axes = lower.add_subplot()
lower.colorbar(draw_matrix(axes, chosen), ax=axes, shrink=0.6, label="Kendall's τ with severity")
axes.set_title("\n".join(f"{data}: {' + '.join(found) or 'none'}" for data, found in enough.items()), loc="left")
study.publish_figure(
    "metrics-on-one-page",
    figure,
    alt="Above, a clean image and eight artefacts, each with the metric that singles it out. Below, the rows of the blindness "
    "matrix for PSNR, SSIM, and the metrics recommended, under the smallest sufficient sets for three kinds of data.",
    caption="The recommendation on one page: artefacts at severity 0.6 with their witnesses (above), smallest "
    "sufficient sets for three kinds of data, and how PSNR, SSIM and the recommended metrics order severities (below; "
    f"bold where the 95 % interval lies above {blind_below:g}). Images are saturated at the 99.8th percentile of the "
    "truth. Scale bars 1 µm.",
    data={"artefact": kinds, "witness": list(witness.values())},
)

# %%
advice = study.keep(
    "metrics_recommendation",
    witnesses="; ".join(f"{name} for {kind}" for kind, name in witness.items()),
    **{
        key: " + ".join(found) or "none" for key, found in zip(("real", "pairs", "known"), enough.values(), strict=True)
    },
    real_unseen=", ".join(next(iter(unseen.values()))) or "nothing",
)
study.say(
    "**Recommendation.**\n\n1. On real data report **{real}** together; unseen by them: {real_unseen}.\n2. With a true "
    "image, report **{pairs}**; with the geometry of a simulation, **{known}**. A PSNR or SSIM that a table must have "
    "for comparison states its convention and stands beside its value for the untreated image.\n3. Say *what* is wrong "
    "by witnesses: {witnesses}.",
    advice,
)

# %% [markdown]
# **What this shows.** No single metric suffices. One that notices most artefacts cannot tell them apart; the matrix says
# which answers to what.
#
# **What it does not.** That two numbers suffice on real data holds for a wide-field image as good as ours, registered and
# bright. A witness whose mean τ for the other artefacts is high accuses the wrong one easily. The matrix is for thin
# filaments at one resolution; membranes have their own measures (`dip`), stacks with depth theirs (`out_of_focus_ratio`).
# jadhav2021 Fig. 4 and the ranking of its 21 methods by these measures need trained networks and follow in the notebooks
# on artefact removal.

# %% [markdown]
# ## Exercises
#
# 1. Multiply an image by 0.5. Which metrics of the list change, and which should?
# 2. Plant a ninth artefact of your own, for example a vignette that darkens the corners. Which metrics follow its severity?

# %% tags=["solution"]
halved = 0.5 * spoilt(0, "noise", 1)
for name, (_, _, score) in METRICS.items():
    before, after = (score(scene, image, references[0]) for image in (2 * halved, halved))
    print(f"{name:24}{before:10.4f}{after:10.4f}{'' if np.isclose(before, after, rtol=1e-3) else '   changed'}")
print("those that compare brightness should say that it is wrong; those of shape should not move")
print("SSIM with its fixed range, and MAE, may even improve, since the noise of the background is halved too")

# %% tags=["solution"]
corner = (scene.image.x**2 + scene.image.y**2).transpose("y", "x") / 12.5
for name, (_, _, score) in METRICS.items():
    series = np.array([score(scene, scene.image * (1 - s * corner), references[0]) for s in severities])
    steps = np.diff(series)
    follows = "follows" if (steps > 0).all() or (steps < 0).all() else "does not follow"
    print(f"{name:24}{follows:17}", " ".join(f"{value:8.3f}" for value in series))

# %% [markdown]
# ## Provenance

# %%
study.end()
