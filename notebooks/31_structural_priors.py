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
# # Structural priors: a network draws what it was trained on
#
# A denoiser that has learnt from filaments is shown something else. What does it draw? This notebook regenerates Fig. 4 of
# [laine2021] with structures whose geometry is known, so that what is invented can be counted. It then trains a network
# under every one of a dozen conditions and tests it under all of them, asks whether pictures like photographs can teach
# microscopy, and measures what pre-training saves. Everything is simulated; as a lesson it takes a few minutes on a laptop.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
training_seeds: list[int] = [0]  # every network is trained once with each
photons: list[float] = [8.0, 40.0]  # expected in the brightest pixel
apertures: list[float] = [0.7, 1.2]  # numerical apertures
wavelength_um: float = 0.66  # emission wavelength, µm
pixel_um: float = 0.1  # camera pixel in the sample, µm
pixels: int = 64  # per side of a field
training_fields: int = 12  # of every structure, for each network of the matrix
test_fields: int = 4  # of every structure
steps: int = 150  # of training a supervised network
blind_spot_steps: int = 200  # of training Noise2Void, which learns from a few pixels of a crop only
pretraining_steps: int = 300  # of the network on which another one builds
features: int = 8  # maps at the finest scale of the U-Net
patch: int = 32  # pixels per side of a training crop
batch: int = 8  # crops per step
learning_rate: float = 2e-3  # of Adam
gaussian_sd: list[float] = [5.0, 75.0]  # of the noise on photographs, grey values of 255; drawn evenly for each
task_images: list[int] = [1, 10, 100]  # training images of the task, after pre-training and without

# %%
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import CenteredNorm, Normalize

from nbsupport import study
from nbsupport.assess.artefacts import distance_to_structure, false_structure, hallucination, intensity_at, missing
from nbsupport.assess.denoising import DETECTORS, learned, merged
from nbsupport.assess.fidelity import psnr_db
from nbsupport.assess.statistics import bootstrap, over_seeds, paired_difference, resampled
from nbsupport.codebase import code_sha256
from nbsupport.optics import Optics
from nbsupport.restore.denoisers import Examples, denoiser
from nbsupport.restore.fine_tuned import FineTuned, StartingPoint
from nbsupport.simulate.photographs import dead_leaves
from nbsupport.simulate.planar import planar
from nbsupport.simulate.structures import curved_lines
from nbsupport.study import layout

study.begin("31_structural_priors", globals())
structures = ("filaments", "rings", "puncta")
optics = {aperture: Optics(numerical_aperture=aperture, wavelength_um=wavelength_um) for aperture in apertures}
camera = DETECTORS["camera"]
network = {"features": features, "patch": patch, "batch": batch, "learning_rate": learning_rate}
folder = layout.DATA / "trainings" / f"31-{code_sha256(layout.NOTEBOOKS / '31_structural_priors.py')[:12]}"

# %% [markdown]
# ## Three structures, and the conditions under which they are recorded
#
# **The source says** ([laine2021], sections 3 and 5): a network is a *structural prior*. It knows what its training data
# look like and restores what is most plausible by that knowledge, so training and test data should come from the same
# conditions. Which structures, noise and optics its Fig. 4 shows is not stated; the figure is reprinted from elsewhere.
#
# **What we do.** Curved lines, rings (slices of vesicles) and puncta (balls smaller than the resolution), all in focus. A
# *condition* is a structure, a number of photons in the brightest pixel, and a numerical aperture. The camera (gain 2, offset
# 100 ADU, read noise 3 ADU) and a background of a tenth of the peak are the same throughout. Training and test fields have
# nothing in common; a field looks the same under every condition but for blur and noise.


# %%
def field(kind, aperture, number):
    """Draw one field of a structure: the object and its noise-free image."""
    rng = study.streams(seed, kind, sample=number)[kind]
    return planar(kind, optics[aperture], rng=rng, pixels=pixels, pixel_um=pixel_um)


def label(condition):
    """Words for a condition."""
    kind, peak, aperture = condition
    return f"{kind}, {peak:g} ph, NA {aperture:g}"


def recorded(condition, part):
    """Exposures of the test or the training fields under one condition."""
    kind, peak, aperture = condition
    lights = [f.light.values for f in fields[kind, aperture][parts[part]]]
    name = f"{label(condition)} {part}"
    return camera.examples(lights, peak, rng=study.streams(seed, name)[name])


parts = {"test": slice(test_fields), "training": slice(test_fields, None)}
fields = {
    (kind, aperture): [field(kind, aperture, number) for number in range(test_fields + training_fields)]
    for kind, aperture in study.track(list(product(structures, apertures)), "drawing fields")
}
conditions = list(product(structures, photons, apertures))
training, test = ({c: recorded(c, part) for c in conditions} for part in ("training", "test"))
dim, sharp = min(photons), max(apertures)


# %%
def as_light(values, peak):
    """Camera values on the scale of the noise-free image: background 0, brightest pixel 1."""
    share = (np.asarray(values) - camera.camera.offset) / (camera.camera.gain * peak)
    return (share - 0.1) / 0.9


def picture(kind, number, values, aperture=sharp):
    """Pixel values of a test field as an image with coordinates."""
    return fields[kind, aperture][number].light.copy(data=values)


figure, axes = plt.subplots(
    len(structures),
    1 + len(photons) * len(apertures),
    figsize=(2 + 1.9 * len(photons) * len(apertures), 5.6),
    squeeze=False,
)
drawn = {}
for row, kind in enumerate(structures):
    panels = {"object": (fields[kind, sharp][0].object > 0).astype(float)}
    for aperture, peak in product(apertures, photons):
        values = as_light(test[kind, peak, aperture].noisy[0], peak)
        panels[f"NA {aperture:g}, {peak:g} photons"] = picture(kind, 0, values, aperture)
    for axis, (name, image) in zip(axes[row], panels.items(), strict=True):
        norm = Normalize(0, 1) if name == "object" else Normalize(-0.3, 1.3)
        study.draw_image(axis, image, title="" if row else name, norm=norm)
        drawn[f"{kind}: {name}"] = image
    axes[row, 0].set_ylabel(kind)
study.publish_figure(
    "structural-priors-conditions",
    figure,
    alt="Three rows: filaments, rings, puncta. From left to right the object and its recordings at low and high aperture with "
    "few and many photons. With few photons the structures are hard to see.",
    caption="One test field of every structure and its recording under every condition. Scale bars 1 µm; recordings on the scale "
    "of the noise-free image, from −0.3 to 1.3.",
    data=drawn,
)

# %% [markdown]
# ## One network for each condition
#
# **What we do.** The U-Net of CARE with kernels of 3 instead of 5 pixels, supervised, on the training fields of each
# condition. Nothing but the data differ. The loss is the squared error, which [laine2021] names and PSNR rewards; CARE's own
# publication takes the absolute one [weigert2018], with which the comparison is made once more below. Beside it stands
# Noise2Void, which is trained on the noisy test images themselves and needs no other. Its network is the same: neither adds
# its input to its output (CARE's own does), so that the two differ in what teaches them alone. Its blind spots are denser
# than usual (one pixel of every 4 × 4), because a short training would see too few of them otherwise.


# %%
def trained(method, examples, draw, count, **options):
    """Train a denoiser, or take it up where an interrupted run has left it."""
    made = denoiser(method, steps=count, **network, **options)
    return learned(made, examples, seed=draw, folder=folder)


def taught(examples, draw, count=steps, loss="L2"):
    """Train CARE on pairs."""
    return trained("CARE", examples, draw, count, loss=loss, residual=False)


runs = list(product(conditions, training_seeds))
care = {(c, d): taught(training[c], d) for c, d in study.track(runs, "training CARE")}
blind = {
    (c, d): trained("Noise2Void", test[c], d, blind_spot_steps, percent=6.25)
    for c, d in study.track(runs, "training Noise2Void")
}


# %%
def quality(restorer, examples):
    """PSNR of every restored image, dB, with the range of the clean one."""
    pairs = zip(examples.clean, examples.noisy, strict=True)
    return [psnr_db(clean, restorer.apply(noisy), convention="truth_range") for clean, noisy in pairs]


names = [label(c) for c in conditions]
matrix = xr.DataArray(
    [
        [[quality(care[row, d], test[column]) for d in training_seeds] for column in conditions]
        for row in study.track(conditions, "testing every network everywhere")
    ],
    coords={"trained": names, "tested": names},
    dims=("trained", "tested", "seed", "image"),
)
own = xr.DataArray(
    [[quality(blind[c, d], test[c]) for d in training_seeds] for c in conditions],
    coords={"tested": names},
    dims=("tested", "seed", "image"),
)

# %% [markdown]
# ## Fig. 4: the right network and the wrong one
#
# **The source says**: a network that is shown a clearly different class of structures produces patterns of its training class
# that are not in the data.
#
# **What we do.** Few photons, the high aperture. Each structure is restored by the network that was trained on it and by one
# that was trained on another. The thin outlines mark where light really is (15 % of the peak of the noise-free image; puncta
# dimmer than that have none).

# %%
others = {"puncta": "filaments", "rings": "filaments", "filaments": "puncta"}
shown = {}
for kind, other in others.items():
    seen = test[kind, dim, sharp].noisy[0]
    shown[kind] = {"truth": fields[kind, sharp][0].light, "noisy input": picture(kind, 0, as_light(seen, dim))}
    for role, source in (("matched", kind), ("mismatched", other)):
        restored = care[(source, dim, sharp), training_seeds[0]].apply(seen)
        shown[kind][f"{role}\n(trained on {source})"] = picture(kind, 0, as_light(restored, dim))

figure, axes = plt.subplots(3, 5, figsize=(11, 7))
bright, signed = Normalize(0, 0.8), CenteredNorm(halfrange=0.2)
for row, (kind, images) in enumerate(shown.items()):
    *_, right, wrong = images.values()
    for axis, (name, image) in zip(axes[row], images.items(), strict=False):
        drawn = study.draw_image(axis, image, title=name, norm=Normalize(-0.5, 1.5) if "noisy" in name else bright)
    for axis in axes[row, 2:4]:
        outline = images["truth"]
        axis.contour(outline.x, outline.y, outline, levels=[0.15], colors="deepskyblue", linewidths=0.5)
    difference = study.draw_image(
        axes[row, 4], wrong - right, title="mismatched\n− matched", norm=signed, cmap="managua_r"
    )
    axes[row, 0].set_ylabel(f"{kind} tested")
figure.colorbar(drawn, ax=axes[:, :4], label="brightness (peak of the noise-free image = 1)", shrink=0.6, pad=0.01)
figure.colorbar(difference, ax=axes[:, 4], label="difference", shrink=0.6)
study.publish_figure(
    "laine2021-fig-4",
    figure,
    alt="Rows: puncta, rings and filaments under test. Columns: truth, noisy input, output of the network trained on that "
    "structure, output of a network trained on another, and their difference. The mismatched network draws faint short "
    "threads between puncta, changes rings hardly at all, and leaves filaments patchy on a raised background.",
    caption=f"Structural priors at {dim:g} photons in the brightest pixel, NA {sharp:g}. Outlines: 15 % of the peak of "
    "the noise-free image. The noisy input is drawn from −0.5 to 1.5. Scale bars 1 µm.",
    data={
        f"{kind}: {name}".replace("\n", " "): image for kind, images in shown.items() for name, image in images.items()
    },
    stand_in="simulated filaments, rings and puncta in place of the reprinted figure, whose data are not described.",
)

# %% [markdown]
# ### What was invented, in numbers
#
# Puncta hold no filament, so what a detector of filaments finds there is false, and so are spots in filaments. Rings are curved
# lines and answer to both detectors even without noise (row "noise-free image"): their rows are to be read against that
# one. The detector is a set of grey-value openings (notebook on metrics). Three more measures know the geometry: pieces
# of structure that lie farther than the resolution from all emitters, their share of the light, and the share of the true
# structure that is missing. Finally the mean brightness along curves, drawn like the filaments of the training data,
# where they run through empty space.

# %%
resolution_um = 0.61 * wavelength_um / sharp
present = {("filaments", "filament"), ("puncta", "spot")}


def response(kind, image, detector):
    """Detector response where the truth has no structure of that sort, thousandths of the peak; None if it has."""
    if (kind, detector) in present:
        return None
    return 1000 * false_structure(np.empty((0, 2)), image, width_um=optics[sharp].airy_fwhm_um, detector=detector)


def along_absent_curves(mask, image):
    """Mean brightness along random curves where they are more than 0.3 µm away from all structure, thousandths."""
    reach = (-0.48 * pixels * pixel_um, 0.48 * pixels * pixel_um)
    curves = curved_lines(rng=np.random.default_rng(seed), count=60, box_um=(reach, reach, (0, 0))).centre_lines()
    points = np.concatenate(curves)[::10]
    empty = intensity_at(distance_to_structure(mask, image), points) > 0.3
    return 1000 * float(intensity_at(image, points[empty]).mean())


def measures(kind, number, image):
    """All measures of one restored test field."""
    mask = fields[kind, sharp][number].object > 0
    pieces = hallucination(mask, image, resolution_um=resolution_um)
    responses = [response(kind, image, detector) for detector in ("filament", "spot")]
    return [*responses, pieces.count, 100 * pieces.share, 100 * missing(mask, image), along_absent_curves(mask, image)]


# %%
restored = {
    (kind, source, d): [
        picture(kind, number, as_light(care[(source, dim, sharp), d].apply(noisy), dim))
        for number, noisy in enumerate(test[kind, dim, sharp].noisy)
    ]
    for kind, source, d in product(structures, structures, training_seeds)
}
clean = {kind: [fields[kind, sharp][number].light for number in range(test_fields)] for kind in structures}
rows = [(kind, source) for kind in structures for source in (*structures, "none: noise-free image")]
found = {}
for kind, source in study.track(rows, "measuring what was invented"):
    given = [clean[kind]] if source.startswith("none") else [restored[kind, source, d] for d in training_seeds]
    found[kind, source] = [[measures(kind, n, image) for n, image in enumerate(images)] for images in given]
columns = [
    "false filaments (‰)",
    "false spots (‰)",
    "invented pieces per field",
    "their share of the light (%)",
    "missing structure (%)",
    "along absent curves (‰)",
]


def average(values):
    """Mean over seeds and images, rounded; None where the measure does not apply."""
    flat = [value for images in values for value in images]
    return None if flat[0] is None else round(float(np.mean(flat)), 2)


numbers = {
    name: [average([[image[i] for image in images] for images in found[row]]) for row in rows]
    for i, name in enumerate(columns)
}
numbers["PSNR (dB)"] = [
    round(float(matrix.sel(trained=label((source, dim, sharp)), tested=label((kind, dim, sharp))).mean()), 2)
    if source in structures
    else None
    for kind, source in rows
]
study.publish_table(
    "structural-priors-measures",
    {"tested on": [kind for kind, _ in rows], "trained on": [source for _, source in rows], **numbers},
    caption=f"What networks invent and lose at {dim:g} photons, NA {sharp:g}; means over {test_fields} fields and "
    f"{len(training_seeds)} training(s). Brightness in thousandths of the peak of the noise-free image. PSNR with the "
    "range of the clean image. A dash marks a detector of what the truth does hold.",
)


# %%
def false_filaments(source):
    """Response of the filament detector on puncta, by image, mean over trainings."""
    return np.mean([[image[0] for image in images] for images in found["puncta", source]], axis=0)


draws = study.streams(seed, "ratio", "deficit", "photographs", "false structure", "intervals of claims")
ratio = bootstrap(
    lambda wrong, right: wrong.mean(-1) / right.mean(-1),
    false_filaments("filaments"),
    false_filaments("puncta"),
    rng=draws.ratio,
)
on_puncta = matrix.sel(tested=label(("puncta", dim, sharp)))
deficit = paired_difference(
    *(on_puncta.sel(trained=label((kind, dim, sharp))).values for kind in ("puncta", "filaments")), rng=draws.deficit
)
study.claim(
    "laine2021-structural-prior-hallucination",
    measured={"false_structure_ratio": ratio, "psnr_deficit_db": deficit},
    spread=f"bootstrap over images, 95 %; {len(training_seeds)} training(s)",
    n=test_fields,
    stand_in="simulated filaments and puncta",
)

# %%
fig4 = study.keep(
    "structural_prior",
    ratio=ratio.value,
    deficit=deficit.value,
    floor=float(np.mean(false_filaments("none: noise-free image"))),
    matched=float(np.mean(false_filaments("puncta"))),
    mismatched=float(np.mean(false_filaments("filaments"))),
    ratios=[
        float(np.mean([i[0] for i in w]) / np.mean([i[0] for i in r]))
        for w, r in zip(found["puncta", "filaments"], found["puncta", "puncta"], strict=True)
    ],
)
study.say(
    "On puncta, the network trained on filaments draws {ratio:.1f} times the false filaments of the one trained on puncta "
    "({mismatched:.1f} against {matched:.1f} thousandths of the peak; the noise-free image itself gives {floor:.1f}) and stays "
    "{deficit:.1f} dB behind it. Ratio of the single trainings: {spread}.",
    fig4,
    spread=over_seeds(fig4["ratios"]),
)


# %%
def effect(loss):
    """Ratio of false filaments, and PSNR deficit in dB, on puncta, mismatched against matched, with one loss."""
    seen, made = test["puncta", dim, sharp], {}
    for kind in ("filaments", "puncta"):
        nets = [taught(training[kind, dim, sharp], d, loss=loss) for d in training_seeds]
        views = [picture("puncta", n, as_light(net.apply(i), dim)) for net in nets for n, i in enumerate(seen.noisy)]
        made[kind] = [
            np.mean([response("puncta", v, "filament") for v in views]),
            np.mean([quality(n, seen) for n in nets]),
        ]
    return made["filaments"][0] / made["puncta"][0], made["puncta"][1] - made["filaments"][1]


other_loss = study.keep("structural_prior_l1", **dict(zip(("ratio", "deficit"), map(float, effect("L1")), strict=True)))
study.say(
    "With the absolute error as loss the ratio is {ratio:.1f} and the deficit {deficit:.1f} dB: the choice of the loss "
    "{matters}.",
    other_loss,
    matters="would change the verdict"
    if (other_loss["ratio"] >= 2, other_loss["deficit"] >= 2) != (fig4["ratio"] >= 2, fig4["deficit"] >= 2)
    else "does not change the verdict",
)

# %% [markdown]
# **What this shows.** Noise alone does not tell a network what to draw: what it puts into the noise between the
# structures follows its training data. On puncta the network of filaments draws faint threads through empty space; on
# rings it does no visible harm. The network of puncta makes filaments patchy and raises the background, which is what
# its share of the light and its brightness along absent curves measure. To invent least is not to be right everywhere:
# on puncta the matched network also leaves out the most of what is there, dim puncta above all.
#
# **What it does not.** Networks and trainings are small. How much is invented was measured at few photons only. The
# detector answers to puncta as well, even without noise (row “none: noise-free image”), so that even the right network
# has some; the ratio is to be read against that floor, not against nothing. A network that draws nothing at all would
# answer least.
# With the absolute error as loss a short training on puncta can end there, because most pixels of puncta are dark and
# the empty image is then a good guess: the matched network falls behind the mismatched one (a negative deficit), and
# its ratio means little.

# %% [markdown]
# ## Trained on row, tested on column
#
# **The source says** (sections 3 and 5): performance is best when training and test data come from the same conditions, and
# self-supervised methods have an advantage there because they are trained on the very data to be denoised.
#
# **What we do.** Every network of the section above on the test fields of every condition; the last row is Noise2Void, trained
# on each column itself. Shown is the difference to the matched network.

# %%
mean = matrix.mean(("seed", "image"))
matched = xr.DataArray(np.diag(mean), coords={"tested": names}, dims="tested")
gain_over_matched = mean - matched
rows_shown = np.vstack([gain_over_matched.values, (own.mean(("seed", "image")) - matched).values])
figure, axis = plt.subplots(figsize=(0.55 * len(names) + 3.2, 0.4 * len(names) + 3))
drawn = axis.imshow(rows_shown, cmap="PuOr", norm=CenteredNorm(halfrange=6))
for (y, x), value in np.ndenumerate(rows_shown):
    axis.text(
        x,
        y,
        f"{round(value, 1) + 0:.1f}",
        ha="center",
        va="center",
        fontsize=6,
        color="black" if abs(value) < 4 else "white",
    )
axis.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7)
axis.set_yticks(range(len(names) + 1), [*names, "Noise2Void on the test images"], fontsize=7)
axis.set(xlabel="tested on", ylabel="trained on")
axis.grid(visible=False)
figure.colorbar(drawn, label="PSNR minus that of the matched network (dB)", shrink=0.8, extend="both")
study.publish_figure(
    "structural-priors-matrix",
    figure,
    alt="Heat map of PSNR differences: one row per training condition and one for Noise2Void, one column per test condition. The "
    "diagonal is zero; almost everything off it is negative, most where structure or noise differ.",
    caption="PSNR of every network under every condition, minus that of the network trained for it. Conditions: structure, "
    f"photons in the brightest pixel, numerical aperture. Means over {test_fields} fields and {len(training_seeds)} training(s).",
    data={
        "trained_on": [name for name in [*names, "Noise2Void"] for _ in names],
        "tested_on": names * (len(names) + 1),
        "psnr_truth_range_db": np.vstack([mean.values, own.mean(("seed", "image")).values]).ravel(),
        "difference_db": rows_shown.ravel(),
    },
)

# %%
over_fields = f"95 % bootstrap over {len(training_seeds)} training(s) and over test fields"
if test_fields == 1:
    over_fields = "no interval: one field of each structure"


def of_fields(statistic, kinds):
    """Numbers of a claim for trainings and fields of so many structures, with intervals; bare with one field of each."""
    sizes = (len(training_seeds), *[test_fields] * kinds)
    if test_fields == 1:
        return statistic(*map(np.arange, sizes))
    return resampled(statistic, *sizes, rng=draws["intervals of claims"])


off = ~np.eye(len(names), dtype=bool)
scores = np.concatenate([matrix.values, own.values[None]])


def standing(seeds, *images):
    """Whether the matched network is best, by column, and Noise2Void ahead, by mismatched cell, for fields of each kind."""
    drawn = dict(zip(structures, images, strict=True))
    columns = [
        scores[:, column, seeds[:, None], drawn[kind]].mean((-2, -1)) for column, (kind, *_) in enumerate(conditions)
    ]
    *supervised, self_supervised = np.stack(columns, axis=1)
    return np.argmax(supervised, axis=0) == np.arange(len(names)), (self_supervised > supervised)[off]


def shares(seeds, *images):
    """Share of columns in which the matched network is best, and of cells in which Noise2Void is ahead, %."""
    best, wins = standing(seeds, *images)
    return {"diagonal_best_percent": 100 * best.mean(), "n2v_wins_percent": 100 * wins.mean() if wins.size else 0.0}


best, wins = standing(np.arange(len(training_seeds)), *[np.arange(test_fields)] * len(structures))
study.claim(
    "laine2021-matched-training-optimal",
    measured=of_fields(shares, len(structures)),
    spread=over_fields,
    n=len(structures) * test_fields,
)


# %%
def cost(*differing):
    """Mean loss where exactly these parts of the condition differ, dB; 0 where no two conditions differ so."""
    wanted = {("structure", "photons", "aperture").index(name) for name in differing}
    pairs = list(product(range(len(names)), repeat=2))
    differ = [{i for i in range(3) if conditions[r][i] != conditions[c][i]} for r, c in pairs]
    chosen = [float(-gain_over_matched[r, c]) for (r, c), d in zip(pairs, differ, strict=True) if d == wanted]
    return float(np.mean(chosen)) if chosen else 0.0


same_structure = np.array([r[0] == c[0] for r in conditions for c in conditions]).reshape(off.shape)
costs = study.keep(
    "mismatch_costs",
    structure=cost("structure"),
    photons=cost("photons"),
    aperture=cost("aperture"),
    everything=cost("structure", "photons", "aperture"),
    best=int(best.sum()),
    columns=len(names),
    wins=100 * float(wins.mean()) if wins.size else 0.0,
    wins_structure=100 * float((own.mean(("seed", "image")).values > mean.values)[~same_structure].mean()),
    gap=float((matched - own.mean(("seed", "image"))).mean()),
)
study.say(
    "The matched network is best in {best} of {columns} columns. Another structure alone costs {structure:.1f} dB on "
    "average, another number of photons {photons:.1f} dB, another aperture {aperture:.1f} dB, all three "
    "{everything:.1f} dB. Noise2Void, trained on {n} small images, stays {gap:.1f} dB behind the matched network and "
    "beats {wins:.0f} % of the mismatched ones ({wins_structure:.0f} % of those of another structure).",
    costs,
    n=test_fields,
)

# %% [markdown]
# **What this shows.** The price of a mismatch, part by part, so that structure, noise and optics can be compared; and how
# clean images of the wrong sort compare with noisy ones of the right sort. The mean over structures hides a divide:
# filaments and rings, both made of lines, stand in for each other at almost no cost, and puncta stand apart.
#
# **What it does not.** How Noise2Void and CARE compare depends on how much each is given: here a few small test images and a
# short training for one, some more clean fields for the other. PSNR also does not ask what was invented: a mismatched network
# that wins in decibels may still draw threads.

# %% [markdown]
# ## Photographs
#
# **The source says** (section 4): denoisers that were trained on photographs should not be used on microscopy images, because
# structures and noise are of another nature.
#
# **What we do.** One network learns pictures with the statistics of photographs (opaque discs of all sizes that hide each other
# [lee2001]) under Gaussian noise, another one micrographs of all conditions with the noise of the camera. Both see equally many
# images. Both are tested on the micrographs.

# %%
photographs = []
for number in study.track(range(training_fields * len(conditions)), "drawing photographs"):
    rng = study.streams(seed, "leaves", "gaussian", sample=number)
    photograph = 255 * dead_leaves(pixels, rng=rng.leaves)
    spread = rng.gaussian.uniform(*gaussian_sd)
    photographs.append((photograph, photograph + rng.gaussian.normal(0, spread, photograph.shape)))
pictures = Examples([noisy for _, noisy in photographs], clean=[photograph for photograph, _ in photographs])
sources = {"micrographs": merged([training[c] for c in conditions]), "photographs": pictures}
general = {
    (name, d): taught(examples, d, 2 * steps)
    for (name, examples), d in study.track(list(product(sources.items(), training_seeds)), "training on photographs")
}
taught_by = xr.DataArray(
    [[[quality(general[name, d], test[c]) for c in conditions] for d in training_seeds] for name in sources],
    coords={"source": list(sources), "tested": names},
    dims=("source", "seed", "tested", "image"),
)

# %%
figure = plt.figure(figsize=(11, 4.6))
grid = figure.add_gridspec(2, 6, width_ratios=[1, 1, 1, 1, 0.9, 1.5])
views = {}
for row, (kind, peak) in enumerate((("rings", dim), ("filaments", max(photons)))):
    noisy = test[kind, peak, sharp].noisy[0]
    views[kind] = {"truth": fields[kind, sharp][0].light, "noisy input": picture(kind, 0, as_light(noisy, peak))}
    for name in sources:
        values = as_light(general[name, training_seeds[0]].apply(noisy), peak)
        views[kind][f"trained on\n{name}"] = picture(kind, 0, values)
    for column, (name, image) in enumerate(views[kind].items()):
        axis = figure.add_subplot(grid[row, column])
        drawn = study.draw_image(axis, image, title=name, norm=Normalize(-0.5, 1.5) if "noisy" in name else bright)
        axis.set_ylabel(f"{kind}, {peak:g} photons" if column == 0 else "")
axis = figure.add_subplot(grid[:, 5])
for name, marker in (("micrographs", "o"), ("photographs", "s")):
    axis.plot(taught_by.sel(source=name).mean(("seed", "image")), range(len(names)), marker, label=name)
axis.set_yticks(range(len(names)), names, fontsize=7)
axis.invert_yaxis()
axis.set(xlabel="PSNR (dB)")
axis.legend(title="trained on")
study.publish_figure(
    "structural-priors-photographs",
    figure,
    alt="Left: truth, noisy input and the outputs of the networks trained on micrographs and on photographs, for rings and for "
    "filaments. Right: PSNR of both networks under every condition; that of micrographs lies further right (higher PSNR).",
    caption="A network taught by photograph-like pictures with Gaussian noise beside one taught by micrographs, both on "
    "micrographs. Noisy inputs are drawn from −0.5 to 1.5, the others from 0 to 0.8. Scale bars 1 µm.",
    data={
        "condition": names,
        **{f"psnr_trained_on_{name}_db": taught_by.sel(source=name).mean(("seed", "image")) for name in sources},
    },
)

# %%
# a field looks the same under all conditions but for blur and noise: it counts once
of_kind = [taught_by[:, :, [c[0] == kind for c in conditions]].mean("tested") for kind in structures]
of_field = xr.concat(of_kind, "image").transpose("source", "seed", "image")
gap = paired_difference(*(of_field.sel(source=name).values for name in sources), rng=draws.photographs)
study.claim(
    "laine2021-photo-tools-unsuitable",
    measured=gap,
    spread=f"paired bootstrap over fields, 95 %; {len(training_seeds)} training(s)",
    n=of_field.sizes["image"],
    stand_in="dead-leaves pictures in place of photographs",
)

# %%
threads = {
    name: float(
        np.mean(
            [
                response("puncta", picture("puncta", n, as_light(general[name, d].apply(noisy), dim)), "filament")
                for d in training_seeds
                for n, noisy in enumerate(test["puncta", dim, sharp].noisy)
            ]
        )
    )
    for name in sources
}
by_condition = taught_by.mean(("seed", "image"))
gaps = by_condition.sel(source="micrographs") - by_condition.sel(source="photographs")
photo = study.keep(
    "photographs",
    gap=gap.value,
    least=float(gaps.min()),
    most=float(gaps.max()),
    threads_micrographs=threads["micrographs"],
    threads_photographs=threads["photographs"],
)
study.say(
    "Photographs cost {gap:.1f} dB on average over all conditions, from {least:.1f} to {most:.1f} dB. On dim puncta the "
    "response of the filament detector is {threads_photographs:.1f} thousandths of the peak after photographs and "
    "{threads_micrographs:.1f} after micrographs.",
    photo,
)

# %% [markdown]
# **What this shows.** What a network learns from piecewise constant pictures with sharp edges does not suit images that a
# microscope has blurred and a camera has counted.
#
# **What it does not.** Tools for photographs are far larger, trained on millions of real pictures; dead leaves share only
# their edges and their scales. Structure and noise are exchanged together here, so that the shares of the two are not
# told apart; the second exercise does it.

# %% [markdown]
# ## Pre-training
#
# **The source says** (conclusion, citing [wang2021]): transfer learning is expected to lower both the data that a training
# needs and the artefacts.
#
# **What we do.** The task is rings at few photons. One network starts from random weights, the other from a network
# that was trained on filaments and puncta under all conditions, and never saw a ring. Both are trained for equally many
# steps on one image of the task or on more. *Images needed* are the fewest with which the mean PSNR comes within 0.1 dB
# of what random weights reach with all images. *False structure* is the response of both detectors, filament and spot,
# farther than 0.3 µm from all true structure; the claim takes its mean over the sizes of the training set.

# %%
generic_data = merged([training[c] for c in conditions if c[0] != "rings"])
generic = {d: taught(generic_data, d, pretraining_steps) for d in study.track(training_seeds, "pre-training")}
pool = [field("rings", sharp, 1000 + number).light.values for number in range(max(task_images))]
task = camera.examples(pool, dim, rng=study.streams(seed, "task")["task"])


def adapted(start, count, draw):
    """Network trained on the first images of the task, from random or from pre-trained weights."""
    some = Examples(task.noisy[:count], clean=task.clean[:count])
    if start == "random":
        return taught(some, draw)
    made = FineTuned(steps=steps, loss="L2", residual=False, start=StartingPoint(generic[draw].network), **network)
    return learned(made, some, seed=draw, folder=folder)


starts = ("random", "pre-trained")
plans = list(product(starts, task_images, training_seeds))
adapted_networks = {plan: adapted(*plan) for plan in study.track(plans, "training on the task")}


# %%
def emptiness(restorer):
    """False structure of every test field of the task, thousandths of the peak."""
    images = [picture("rings", n, as_light(restorer.apply(noisy), dim)) for n, noisy in enumerate(on_task.noisy)]
    where = [fields["rings", sharp][n].object > 0 for n in range(test_fields)]
    width = {"width_um": optics[sharp].airy_fwhm_um, "clear_um": 0.3}
    both = [
        [false_structure(m, i, detector=d, **width) for d in ("filament", "spot")]
        for m, i in zip(where, images, strict=True)
    ]
    return 1000 * np.sum(both, axis=1)


on_task = test["rings", dim, sharp]
measured = xr.DataArray(
    [
        [
            [
                [quality(adapted_networks[s, n, d], on_task), emptiness(adapted_networks[s, n, d])]
                for d in training_seeds
            ]
            for n in task_images
        ]
        for s in study.track(starts, "testing on the task")
    ],
    coords={"start": list(starts), "images": task_images, "metric": ["psnr", "false"]},
    dims=("start", "images", "seed", "metric", "image"),
)
untouched = {
    "psnr": np.mean([quality(generic[d], on_task) for d in training_seeds]),
    "false": np.mean([emptiness(generic[d]) for d in training_seeds]),
}

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 3))
for axis, metric, unit in zip(axes, ("psnr", "false"), ("PSNR (dB)", "false structure (‰ of the peak)"), strict=True):
    for start, colour in zip(starts, ("C0", "C1"), strict=True):
        values = measured.sel(start=start, metric=metric).mean("image")
        axis.plot(task_images, values.mean("seed"), "o-", color=colour, label=f"from {start} weights")
        for single in values.transpose("seed", "images").values:
            axis.plot(task_images, single, ".", color=colour, alpha=0.5)
    axis.axhline(untouched[metric], color="C1", linestyle=":", label="pre-trained, no image of the task")
    axis.set(xscale="log", xlabel="training images of the task", ylabel=unit)
    axis.set_xticks(task_images, [f"{n}" for n in task_images])
    axis.minorticks_off()
axes[0].legend(fontsize=7)
study.publish_figure(
    "structural-priors-pretraining",
    figure,
    alt="PSNR and false structure on rings against the number of training images of the task, from random and from pre-trained "
    "weights, with the pre-trained network that saw no image of the task as a dotted line.",
    caption=f"Pre-training on filaments and puncta, then rings at {dim:g} photons. Lines: means over "
    f"{len(training_seeds)} training(s), which the dots show.",
    data={
        "training_images": task_images,
        **{
            f"{metric}_{start}": measured.sel(start=start, metric=metric).mean(("seed", "image"))
            for metric, start in product(("psnr", "false"), starts)
        },
    },
)

# %%
psnr = measured.sel(metric="psnr")


def needed(seeds, images):
    """The common PSNR, and by start the smallest training set that reaches it; the largest one if none does."""
    means = psnr.values[..., seeds[:, None], images].mean((-2, -1))
    curves = {start: dict(zip(task_images, curve, strict=True)) for start, curve in zip(starts, means, strict=True)}
    common = curves["random"][max(task_images)] - 0.1
    return common, {
        start: min((n for n in task_images if curve[n] >= common), default=max(task_images))
        for start, curve in curves.items()
    }


def saving(seeds, images):
    """Images needed from random weights over those needed after pre-training."""
    _, least = needed(seeds, images)
    return {"data_saving_factor": least["random"] / least["pre-trained"]}


curves = psnr.mean(("seed", "image"))
common, least = needed(np.arange(len(training_seeds)), np.arange(test_fields))
by_image = measured.sel(metric="false").mean("images")
drop = paired_difference(*(by_image.sel(start=s).values for s in starts), rng=draws["false structure"])
study.claim(
    "laine2021-transfer-learning",
    measured={**of_fields(saving, 1), "false_structure_drop": drop},
    spread=f"data_saving_factor: {over_fields}; false_structure_drop: paired bootstrap over images, 95 %; "
    f"{len(training_seeds)} training(s)",
    n=test_fields,
)

# %%
transfer = study.keep(
    "transfer",
    common=float(common),
    random=least["random"],
    pretrained=least["pre-trained"],
    drop=drop.value,
    one=float(
        curves.sel(start="pre-trained", images=min(task_images)) - curves.sel(start="random", images=min(task_images))
    ),
    fewest=min(task_images),
    untouched=float(untouched["psnr"]),
)
study.say(
    "{common:.1f} dB need {random} image(s) of the task from random weights and {pretrained} after pre-training. With "
    "{fewest} image(s) pre-training is worth {one:.1f} dB. Without any, the pre-trained network reaches {untouched:.1f} "
    "dB. Pre-training lowers false structure by {drop:.1f} thousandths of the peak.",
    transfer,
)

# %% [markdown]
# **What this shows.** What pre-training is worth with few images of the task and with many; it need not be most where
# images are fewest.
# Where a pre-trained point in the panel of PSNR lies below the dotted line, so few images have made the network worse.
#
# **What it does not.** Both networks are trained for the same number of steps, short ones. Part of what pre-training saves may
# therefore be time and not data; longer trainings were not tried. The interval of the saving draws
# test fields, not the images that are learnt from. The generic data share noise and optics with the task, which is kinder
# than a public data set from another microscope (the notebook on transfer learning goes there).

# %% [markdown]
# ## Exercises
#
# 1. What does the network of filaments draw into an image that holds nothing but background? Predict first, then compare it with
#    the network of puncta.
# 2. Teach photographs with the noise of the camera instead of Gaussian noise. Which share of the gap to micrographs was
#    the noise?
# 3. Train on filaments *and* puncta. Does the network still draw threads between puncta?

# %% tags=["solution"]
nothing = camera.examples([np.zeros((pixels, pixels))] * 3, dim, rng=np.random.default_rng(seed)).noisy
for kind in ("filaments", "puncta"):
    made = [
        picture(kind, 0, as_light(care[(kind, dim, sharp), training_seeds[0]].apply(image), dim)) for image in nothing
    ]
    print(
        f"{kind}: {np.mean([response('rings', image, 'filament') for image in made]):.2f} thousandths of false filaments"
    )

# %% tags=["solution"]
share = [photograph / 255 for photograph, _ in photographs]
counted = merged(
    [camera.examples(share[i :: len(photons)], peak, rng=np.random.default_rng(i)) for i, peak in enumerate(photons)]
)
other_noise = taught(counted, training_seeds[0], 2 * steps)
score = np.mean([quality(other_noise, test[c]) for c in conditions])
mean_of = {name: float(taught_by.sel(source=name).mean()) for name in sources}
print("PSNR, mean over conditions:", {name: round(value, 2) for name, value in mean_of.items()})
print(f"photographs with the noise of the camera: {score:.2f}")
print(f"share of the noise: {(score - mean_of['photographs']) / (mean_of['micrographs'] - mean_of['photographs']):.0%}")

# %% tags=["solution"]
both = merged([training[kind, dim, sharp] for kind in ("filaments", "puncta")])
mixed = taught(both, training_seeds[0])
made = [
    picture("puncta", n, as_light(mixed.apply(noisy), dim)) for n, noisy in enumerate(test["puncta", dim, sharp].noisy)
]
print(
    f"trained on both: {np.mean([response('puncta', image, 'filament') for image in made]):.2f} thousandths of false filaments"
)
print(f"trained on puncta: {fig4['matched']:.2f}; trained on filaments: {fig4['mismatched']:.2f}")

# %% [markdown]
# ## Provenance

# %%
study.end()
