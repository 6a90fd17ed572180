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
# # Two-step denoising of structured illumination: does it hold?
#
# A dim acquisition is denoised frame by frame, reconstructed, and the reconstruction is denoised once more. [hughes2024]
# reports that this gains 3.8 dB on microtubules, that the second step lowers SSIM, and that one pair of networks for two
# structures harms both. This notebook trains the chain on simulated fields whose geometry is known, measures every one of
# those statements, and then asks what the source could not: whether the images are *true*. It needs nothing from other
# notebooks and takes a few minutes as a lesson, most of it training; it can be killed and started again.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
field_px: int = 80  # side of a raw frame; the source has 512
train_fields: int = 16  # per structure; the source's 61
validation_fields: int = 2  # per structure; the source's 15
test_fields: int = 10  # per structure; the source's 20
mean_photons: float = 60.0  # expected from the sample per pixel of a bright frame
factor: float = 20.0  # how much less light a dim frame has
groups: int = 2  # residual groups of the main network; the source has 5
blocks: int = 2  # blocks per group; the source has 3
features: int = 24  # maps inside the network; the source has 32
steps: int = 200  # training steps of each network
batch: int = 4  # crops per step; the source has 64
patch: int = 40  # side of a crop; the source has 128
learning_rate: float = 5e-3  # highest of a cycle; the source has 1e-4 throughout
small_groups: int = 2  # groups of the network of the ablations
small_blocks: int = 2  # its blocks per group
small_features: int = 24  # its maps
small_steps: int = 160  # its training steps
small_learning_rate: float = 5e-3  # highest of its cycle
training_seeds: list[int] = [0]  # of the ablations; the claims ask for three
exposures: list[float] = [6.0, 60.0, 600.0]  # mean photons of bright frames from which dim ones are drawn
offsets: list[float] = [0.0, 100.0, 400.0]  # of the camera, ADU, whose grey values are taken for counts
precision: str = "auto"  # in which networks compute: "bf16", "float32", or "auto", the quicker one
device: str = "cpu"  # "cpu" or "cuda"

# %%
from dataclasses import replace
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import Normalize
from scipy import stats
from scipy.ndimage import gaussian_filter

from nbsupport import study
from nbsupport.assess import stages as scoring
from nbsupport.assess.artefacts import distance_to_structure, pattern_peak, ringing
from nbsupport.assess.resolution import frc
from nbsupport.assess.skeletons import distortion
from nbsupport.assess.stages import StageScores, scored
from nbsupport.assess.statistics import Interval, bootstrap, mean_interval, over_seeds, paired_difference, resampled
from nbsupport.codebase import code_sha256
from nbsupport.optics import Optics
from nbsupport.reconstruct import sim
from nbsupport.restore import two_step
from nbsupport.restore.two_step import Chain, Chains, Exposure, Fields, PlanarProtocol, Recipe
from nbsupport.study import layout

study.begin("62_sim_two_step_2d", globals())
names = {"microtubules": "microtubules", "endoplasmic_reticulum": "endoplasmic reticulum"}
lines_um = {"microtubules": 0.561, "endoplasmic_reticulum": 0.488}
mt, er = names
shape = {"groups": groups, "blocks": blocks, "features": features}
common = {"batch": batch, "patch": patch, "learning_rate": learning_rate, "precision": precision, "device": device}
main = Recipe(**shape, steps=steps, **common)
small = Recipe(
    **(common | {"learning_rate": small_learning_rate}),
    groups=small_groups,
    blocks=small_blocks,
    features=small_features,
    steps=small_steps,
)
folder = layout.DATA / "two-step" / code_sha256(Path(two_step.__file__))[:12]
stated = shape == {"groups": 5, "blocks": 3, "features": 32}
size_note = f"Network of {groups} groups of {blocks} blocks with {features} maps, {steps} steps" + (
    "." if stated else "; **reduced**: the source's has 5 groups of 3 blocks with 32 maps."
)
small_note = (
    f"Network of {small_groups} × {small_blocks} blocks with {small_features} maps, {small_steps} steps (**reduced**)."
)
stand_in = "simulated filaments and reticular networks for the source's cells, which are not public."
judged_on = f"{stand_in} {size_note} Ablations: {small_note}"
rng = study.streams(seed, "bootstrap", "claims")

# %% [markdown]
# ## The fields
#
# **The source says** ([hughes2024], section 2.2, Table 1): two-beam frames of endoplasmic reticulum (488 nm) and microtubules
# (561 nm), NA 1.1, pixels of 107 nm, three directions and three phases. A dim frame is made of a bright one by a Poisson draw
# around every value divided by 20. Of every structure, 61 fields train, 15 validate and 20 test.
#
# **What we do.** The cells are not public. We draw both structures ourselves, with equal mean counts. The stripes have the
# microscope's directions and its period of 375 nm, and start at a random phase in every field. The pattern is found in the bright
# frames of each field and used for all its reconstructions; what becomes of it when it is sought in restored frames is a
# section of its own.


# %%
def protocol(structure, **exposure):
    """Microscope and sample of one structure."""
    light = Exposure(**({"mean_photons": mean_photons, "factor": factor} | exposure))
    return PlanarProtocol(
        structure=structure, seed=seed, field_px=field_px, wavelength_um=lines_um[structure], exposure=light
    )


counts = {"train": train_fields, "validation": validation_fields, "test": test_fields}
fields = {
    kind: Fields.of(folder, kind, protocol(kind), progress=study.Progress(f"fields of {names[kind]}"), **counts)
    for kind in names
}
chains = Chains(fields, folder / "trainings", progress=study.Progress)
test = {kind: fields[kind].parts["test"] for kind in names}
found = [one.found for kind in names for part in fields[kind].parts.values() for one in part]
pattern_fits = study.keep("two_step_pattern_fits", fields=len(found), found=int(np.sum(found)))

# %%
study.say(
    "In **{found} of {fields}** fields the pattern is found in the bright frames; elsewhere the true one stands in.",
    pattern_fits,
)

# %% [markdown]
# ## Both steps on microtubules
#
# **The source says** (sections 2.3, 2.4, 3.1): both networks are residual channel attention networks (RCAN) of 5 groups of 3
# blocks, the first with nine channels in and out, the second with one, trained on the same fields by the mean absolute error.
# Images are scaled by their 2nd and 99.9th percentiles; crops are mirrored and turned by multiples of 90°. Before the
# reconstruction the darkest tenth and the brightest thousandth are clipped, after it negative values, and the image is divided
# by its maximum. Its program adds a block's input to the block's output in the *last* block of a group only, which its text does
# not say; the network was published with such a skip in every block. We train both, and call the first one the source's.
#
# **What we do.** The same, on our fields, but for three things. The learning rate rises and falls once, because there is time
# for hundreds of steps and not for hundreds of epochs. The second network's target is scaled by the percentiles of its input:
# only then is its answer, put back on that scale, what the target was. And answers are put back, where the source's program
# cuts them at 0 and 1 before it writes them, unless an option makes it stretch them to that range (nobody says which was
# used); what the cut would change is said below the gains.


# %%
def measured(chain, kind, **options):
    """Scores of all test fields of a structure, and the images."""
    images = chains.stages(chain, kind, **options)
    return StageScores.of(images), images


single = Chain((mt,), main, seed=seed)
scores_mt, images_mt = measured(single, mt)
sets = {"single": "microtubules alone", "mixed": "mixed, microtubules", "mixed ER": "mixed, ER"}
published = {name: scoring.stated(layout.PARAMS / "hughes2024-means.csv", one) for name, one in sets.items()}


# %%
def region(image, share=0.4, place=(0.3, 0.3)):
    """A square part of an image, given by shares of its side."""
    side, rows = int(share * image.shape[0]), image.shape[0]
    first = [int(p * (rows - side)) for p in place]
    return image[first[0] : first[0] + side, first[1] : first[1] + side]


def halved(one, images):
    """Widefield on one side of the diagonal and the bright reconstruction on the other."""
    wide = two_step.after_reconstruction(sim.widefield(two_step.before_reconstruction(one.high)))
    below = np.tri(*wide.shape, dtype=bool)
    return wide.copy(data=np.where(below, images["high"].values, wide.values))


def five_panels(one, images, title):
    """The figure of one field: halves above, an enlarged region at every stage below."""
    figure, axes = plt.subplots(1, 5, figsize=(11, 2.6), width_ratios=[1.25, 1, 1, 1, 1])
    study.draw_image(axes[0], halved(one, images), title=title, cmap="gray", scale_bar_um=2.0)
    for axis, (stage, image) in zip(axes[1:], images.items(), strict=True):
        study.draw_image(axis, region(image), title=stage, norm=Normalize(0, 45000), cmap="gray", scale_bar_um=1.0)
    return figure


def at_stages(images):
    """Enlarged regions as data of a figure."""
    return {stage: region(image) for stage, image in images.items()}


study.publish_figure(
    "hughes2024-fig-5",
    five_panels(test[mt][0], images_mt[0], "widefield / high light"),
    alt="A field of microtubules, widefield above the diagonal and reconstructed below it, and one region enlarged four times: "
    "the bright reconstruction, the dim one with a rippled background, and the two restored ones.",
    caption="One test field: widefield (upper right) against the bright reconstruction (lower left), and a region of the bright, "
    f"the dim, and the restored reconstructions, on one scale. Scale bars 2 µm and 1 µm. {size_note}",
    data=at_stages(images_mt[0]),
    stand_in=stand_in,
)


# %%
def interval(values):
    """Mean over images with its 95 % bootstrap interval."""
    return mean_interval(values, rng=rng.bootstrap)


def mean_ratio(*pairs):
    """Ratio of two means over the same images, averaged over several such pairs, with its 95 % bootstrap interval."""

    def statistic(*samples):
        means = [values.mean(axis=-1) for values in samples]
        return np.mean([above / below for above, below in zip(means[::2], means[1::2], strict=True)], axis=0)

    return bootstrap(statistic, *(values for pair in pairs for values in pair), rng=rng.claims)


n_mt, n_er = len(test[mt]), len(test[er])
over_mt, over_er = ({"spread": "bootstrap over images, 95 %", "n": n, "stand_in": judged_on} for n in (n_mt, n_er))

# %%
ripples = {
    stage: np.array(
        [
            ringing(fields[mt].protocol.sample(one.number), images[stage])
            for one, images in zip(test[mt], images_mt, strict=True)
        ]
    )
    for stage in images_mt[0]
}
er_ripples = {
    stage: np.array(
        [
            ringing(
                fields[er].protocol.sample(one.number), two_step.after_reconstruction(getattr(one, f"{stage}_image"))
            )
            for one in test[er]
        ]
    )
    for stage in ("low", "high")
}
# fields of one number share the phases of the stripes: those of both structures are drawn together
study.claim(
    "hughes2024-low-snr-ringing",
    measured=mean_ratio(*((one["low"], one["high"]) for one in (ripples, er_ripples))),
    spread="bootstrap over images, 95 %; those of one number in both structures drawn together",
    n=n_mt + n_er,
    stand_in=judged_on,
)

# %%
study.claim(
    "hughes2024-mt-ringing-removed",
    measured={f"step{step}_over_high": mean_ratio((ripples[f"step {step}"], ripples["high"])) for step in (1, 2)},
    **over_mt,
)

# %% [markdown]
# `ringing` is the deviation in empty regions over the mean signal. Beside the rule, relative to the dim reconstruction:

# %%
study.say(
    "after step 1 **{one:.2f}**, after step 2 **{two:.2f}** of the ripples of the dim reconstruction are left.",
    study.keep(
        "two_step_ripples_left",
        one=float(ripples["step 1"].mean() / ripples["low"].mean()),
        two=float(ripples["step 2"].mean() / ripples["low"].mean()),
    ),
)

# %% [markdown]
# ### Image by image
#
# **The source says** (Fig. 6): over 20 fields PSNR rises by 3.8 dB on average after both steps, most of it after the first;
# SSIM rises by 0.09, and falls by 0.05 from the first step to the second.


# %%
def publish_gains(name, scores, published_changes, what, count):
    """Publish values joined over the stages, and histograms of their changes."""
    figure, axes = plt.subplots(3, 2, figsize=(7, 6.4))
    scoring.draw(axes, scores, published_changes)
    axes[0, 0].set_title(what)
    study.publish_figure(
        name,
        figure,
        alt="Above, PSNR and SSIM of every test image joined by lines over low light, step 1 and step 2. Below, "
        "histograms of the changes after one and after two steps, with a black line at the mean and a dashed one at the "
        "published mean.",
        caption=f"{what[0].upper()}{what[1:]}: {count} test fields against their bright reconstructions. Black: mean; "
        f"dashed: mean that the source's own tables give. {size_note}",
        data=scores.columns(),
        stand_in=stand_in,
    )


publish_gains("hughes2024-fig-6", scores_mt, published["single"], "microtubules, trained on them alone", len(test[mt]))

# %%
scores_cut, _ = measured(single, mt, cut=True)
cut_change = {m: interval(scores_cut.change(m, "step 2", "step 1")) for m in ("psnr_db", "ssim")}
kept_change = {m: interval(scores_mt.change(m, "step 2", "step 1")) for m in ("psnr_db", "ssim")}
study.say(
    "Cut at 0 and 1, as the source's program writes it by default, the second network's image changes PSNR by "
    "**{cut_db:+.2f} dB** and SSIM by {cut_ssim:+.3f} against step 1; put back on its scale, by {kept_db:+.2f} dB and "
    "{kept_ssim:+.3f}. Mostly the brightest thousandth is cut, and images are divided by their maximum.",
    study.keep(
        "two_step_cut",
        cut_db=cut_change["psnr_db"].value,
        cut_ssim=cut_change["ssim"].value,
        kept_db=kept_change["psnr_db"].value,
        kept_ssim=kept_change["ssim"].value,
    ),
)

# %%
psnr_two, psnr_one = (scores_mt.change("psnr_db", stage) for stage in ("step 2", "step 1"))
without_gain = int(np.sum(psnr_two <= 0))
share_without = stats.binomtest(without_gain, n_mt).proportion_ci()
study.claim(
    "hughes2024-mt-two-step-psnr",
    measured={
        "psnr_gain_db": interval(psnr_two),
        "images_without_gain": Interval(without_gain, n_mt * share_without.low, n_mt * share_without.high),
    },
    **over_mt | {"spread": "95 %: bootstrap over images (gain), exact binomial (images without gain)"},
)

# %%
study.claim(
    "hughes2024-mt-two-step-ssim",
    measured=interval(scores_mt.change("ssim", "step 2")),
    **over_mt,
)

# %%
study.claim(
    "hughes2024-mt-step1-dominates",
    measured={"step1_gain_db": interval(psnr_one), "two_step_gain_db": interval(psnr_two)},
    **over_mt,
)

# %%
study.claim(
    "hughes2024-mt-step2-lowers-ssim",
    measured=interval(scores_mt.change("ssim", "step 2", "step 1")),
    **over_mt,
)


# %%
def deviation(values):
    """Standard deviation over images with its 95 % bootstrap interval."""
    return bootstrap(lambda drawn: drawn.std(axis=-1, ddof=1), values, rng=rng.claims)


variances = psnr_one.var(ddof=1), psnr_two.var(ddof=1)
tail = stats.f.sf(variances[0] / variances[1], n_mt - 1, n_mt - 1)
study.claim(
    "hughes2024-mt-step1-more-consistent",
    measured={
        "sd_step1_db": deviation(psnr_one),
        "sd_two_step_db": deviation(psnr_two),
        "f_test_p": float(2 * min(tail, 1 - tail)),
    },
    **over_mt | {"spread": "bootstrap over images, 95 %; none for f_test_p, which speaks of other images by itself"},
)


# %%
def crops_figure(rows, places):
    """Regions of several fields at every stage, scored."""
    figure, axes = plt.subplots(len(rows), 4, figsize=(7.4, 2.1 * len(rows)), squeeze=False)
    for line, (images, place) in enumerate(zip(rows, places, strict=True)):
        cuts = {stage: region(image, 0.3, place) for stage, image in images.items()}
        for axis, (stage, cut) in zip(axes[line], cuts.items(), strict=True):
            values = "" if stage == "high" else "{psnr_db:.1f} dB / {ssim:.3f}".format(**scored(cuts["high"], cut))
            study.draw_image(axis, cut, title=stage if line == 0 else "", norm=Normalize(0, 45000), cmap="gray")
            axis.set_xlabel(values)
    return figure


places = [(0.3, 0.3), (0.6, 0.4), (0.2, 0.7), (0.5, 0.5), (0.8, 0.2)]
five = [images_mt[i % len(images_mt)] for i in range(5)]
study.publish_figure(
    "hughes2024-fig-12",
    crops_figure(five, places),
    alt="Five regions of microtubules in rows: bright reconstruction, dim one, after step 1 and after step 2, with PSNR and SSIM "
    "of the region under all but the bright one.",
    caption="Five regions, networks trained on microtubules alone; below each its own PSNR and SSIM (the source's five: "
    f"low light 27–31 dB, step 1 29–34 dB, step 2 27–33 dB). Scale bars 1 µm. {size_note}",
    data={
        f"row {i}: {stage}": region(image, 0.3, places[i])
        for i, images in enumerate(five)
        for stage, image in images.items()
    },
    stand_in=stand_in,
)

# %% [markdown]
# **What this shows.** How much a network adds to a dim acquisition when it has seen nothing but the structure at hand, and
# where the gain is made.
#
# **What it does not.** The reference is a bright *reconstruction*, with its own noise and filters. Against the object itself
# the picture may differ; that is the section *Are the images true?* The filaments are ours, and so is the light.

# %% [markdown]
# ## Both structures at once
#
# **The source says** (section 3.1, Figs. 7–9): trained on both structures, the chain harms endoplasmic reticulum in both
# metrics at both steps. The first network replaces ripples by a regular pattern; the second removes it, and fine texture with
# it. Microtubules gain less than before: 2.6 dB and 0.03.
#
# **What we do.** The same two networks on both structures together, with as many steps as before; once with the source's
# skips and once with a skip round every block.

# %%
mixed = Chain((mt, er), main, seed=seed)
scores_er, images_er = measured(mixed, er)
scores_mixed, images_mixed = measured(mixed, mt)
every = replace(main, block_skip="every")
scores_er_every, _ = measured(replace(mixed, recipe=every), er)
scores_mt_every, _ = measured(replace(single, recipe=every), mt)
study.publish_figure(
    "hughes2024-fig-7",
    five_panels(test[er][0], images_er[0], "widefield / high light"),
    alt="A field of endoplasmic reticulum, widefield and reconstructed, and one region enlarged: bright, dim, after step 1 and "
    "after step 2. The dim one is grainy; the restored ones are smoother.",
    caption="One test field of endoplasmic reticulum through networks trained on both structures; panels as for microtubules. "
    f"Scale bars 2 µm and 1 µm. {size_note}",
    data=at_stages(images_er[0]),
    stand_in=stand_in,
)

# %%
publish_gains("hughes2024-fig-8", scores_mixed, published["mixed"], "microtubules, trained on both", n_mt)
publish_gains("hughes2024-fig-9", scores_er, published["mixed ER"], "endoplasmic reticulum, trained on both", n_er)

# %%
both_five = [(images_er, 0), (images_mixed, 0), (images_er, 1), (images_mixed, 1), (images_mixed, 2)]
five = [images[i % len(images)] for images, i in both_five]
study.publish_figure(
    "hughes2024-fig-13",
    crops_figure(five, places),
    alt="Five regions in rows, the first and the third of endoplasmic reticulum, the others of microtubules: bright, dim, after "
    "step 1 and after step 2, with PSNR and SSIM under all but the bright one.",
    caption="Five regions, networks trained on both structures: rows 1 and 3 endoplasmic reticulum, the others microtubules "
    f"(the source's second reticulum: SSIM 0.96, 0.91, 0.42). Scale bars 1 µm. {size_note}",
    data={
        f"row {i}: {stage}": region(image, 0.3, places[i])
        for i, images in enumerate(five)
        for stage, image in images.items()
    },
    stand_in=stand_in,
)


# %%
def changes(scores):
    """The four changes against low light, each over images."""
    return [scores.change(metric, stage) for metric in ("psnr_db", "ssim") for stage in ("step 1", "step 2")]


def surely_below(values):
    """Whether the 95 % interval of a mean over images (..., image) lies below 0, from its standard error."""
    return values.mean(axis=-1) + 1.96 * values.std(axis=-1) / np.sqrt(values.shape[-1]) < 0


def recounted(counts, count, *sizes):
    """Counts as they are, with 95 % bootstrap intervals of what `count` makes of the indices that are drawn."""
    others = resampled(count, *sizes, rng=rng.claims)
    return {k: Interval(v, min(v, others[k].low), max(v, others[k].high)) for k, v in counts.items()}


def counted(falls):
    """In how many changes both networks, and either, fall, from decisions (network, change)."""
    return {"falls_in_both_networks": falls.all(axis=0).sum(), "falls_in_either_network": falls.any(axis=0).sum()}


nested = "intervals inside a draw from standard errors"
er_changes = np.array([changes(scores) for scores in (scores_er, scores_er_every)])
falls = np.array([[interval(change).high < 0 for change in network] for network in er_changes])
study.claim(
    "hughes2024-er-both-steps-worse",
    measured=recounted(counted(falls), lambda images: counted(surely_below(er_changes[..., images])), n_er),
    **over_er | {"spread": f"bootstrap over images, 95 %; {nested}"},
)

# %%
study.claim(
    "hughes2024-er-psnr-loss",
    measured={
        "psnr_change_db": interval(scores_er.change("psnr_db", "step 2")),
        "ssim_change": interval(scores_er.change("ssim", "step 2")),
    },
    **over_er,
)


# %%
def empty_part(one):
    """Where a field of reticulum holds nothing, smooth in outline."""
    distance = distance_to_structure(fields[er].protocol.sample(one.number), one.truth, up_to_um=0.3)
    return distance.copy(data=gaussian_filter((distance.values > 0.2).astype(float), 2.0))


def peak(one, image):
    """Mean peak of the residual at the stripes' wave vectors and their sums, in empty regions."""
    vectors = one.true_pattern.wave_vector_per_um[:, ::-1]
    scale = float((image * one.truth).sum() / (one.truth**2).sum())
    return float(pattern_peak(one.truth * scale, image, vectors, where=empty_part(one)).mean())


peaks = {
    stage: np.array([peak(one, images[stage]) for one, images in zip(test[er], images_er, strict=True)])
    for stage in images_er[0]
}
study.claim(
    "hughes2024-er-new-pattern",
    measured=mean_ratio((peaks["step 1"], peaks["low"])),
    **over_er,
)


# %%
def fine_correlation(one, image):
    """Mean ring correlation with the object over the outer half of the passband."""
    curve = frc(one.truth, image)
    reach = fields[er].protocol.optics.cutoff_per_um + 1 / fields[er].protocol.period_um
    return float(curve.correlation[(curve.frequency > reach / 2) & (curve.frequency <= reach)].mean())


fine = {
    stage: np.array([fine_correlation(one, images[stage]) for one, images in zip(test[er], images_er, strict=True)])
    for stage in images_er[0]
}
study.claim(
    "hughes2024-er-step2-loses-texture",
    measured={
        "pattern_step2_over_step1": mean_ratio((peaks["step 2"], peaks["step 1"])),
        "frc_change": paired_difference(fine["step 2"], fine["low"], rng=rng.bootstrap),
    },
    **over_er,
)


# %%
def unpaired(first, second):
    """Difference of two means of different fields, which are drawn apart, with a bootstrap interval."""
    drawn = resampled(
        lambda a, b: {"difference": first[a].mean() - second[b].mean()}, len(first), len(second), rng=rng.bootstrap
    )
    return drawn["difference"]


study.claim(
    "hughes2024-er-raw-better-than-mt",
    measured={
        "psnr_er_minus_mt_db": unpaired(scores_er.of_stage("psnr_db", "low"), scores_mt.of_stage("psnr_db", "low")),
        "ssim_er_minus_mt": unpaired(scores_er.of_stage("ssim", "low"), scores_mt.of_stage("ssim", "low")),
    },
    **over_er,
)

# %%
study.claim(
    "hughes2024-mixed-er-ssim-below-mt-only",
    measured={
        f"step{step}_gap": unpaired(
            scores_er.of_stage("ssim", f"step {step}"), scores_mt.of_stage("ssim", f"step {step}")
        )
        for step in (1, 2)
    },
    **over_er,
)

# %%
study.claim(
    "hughes2024-mixed-mt-gain",
    measured={
        "psnr_gain_db": interval(scores_mixed.change("psnr_db", "step 2")),
        "ssim_gain": interval(scores_mixed.change("ssim", "step 2")),
        "psnr_mixed_minus_single_db": paired_difference(
            scores_mixed.change("psnr_db", "step 2"), psnr_two, rng=rng.bootstrap
        ),
        "ssim_mixed_minus_single": paired_difference(
            scores_mixed.change("ssim", "step 2"), scores_mt.change("ssim", "step 2"), rng=rng.bootstrap
        ),
    },
    **over_mt,
)

# %% [markdown]
# ### Skips, and all means side by side
#
# "last" is the network of the source's program, "every" the one of its text. The published columns are means and standard
# deviations over the source's 20 test images of each structure, from its own per-image tables.

# %%
runs = [
    ("single", "last", scores_mt),
    ("mixed", "last", scores_mixed),
    ("mixed ER", "last", scores_er),
    ("single", "every", scores_mt_every),
    ("mixed ER", "every", scores_er_every),
]
rows = [
    (name, skip, stage, metric, scores.of_stage(metric, stage), published[name][metric])
    for name, skip, scores in runs
    for stage in scoring.COLOURS
    for metric in scoring.METRICS
]
study.publish_table(
    "sim-two-step-2d-means",
    {
        "set": [sets[row[0]] for row in rows],
        "skip": [row[1] for row in rows],
        "stage": [row[2] for row in rows],
        "metric": [row[3] for row in rows],
        "n": [row[4].size for row in rows],
        "mean": [f"{row[4].mean():.3f}" for row in rows],
        "sd over images": [f"{row[4].std(ddof=1):.3f}" for row in rows],
        "published mean, n = 20": [row[5]["mean"][row[2]] for row in rows],
        "published sd": [row[5]["sd"][row[2]] for row in rows],
    },
    caption=f"Means and standard deviations over test fields at every stage, ours and the source's. {size_note} One training "
    "each; PSNR and SSIM with a range of 65536 after division by the maximum.",
)
planar_means = study.keep(
    "two_step_2d",
    **{
        f"{sets[name]}: {stage} {metric}": [float(v.mean()), float(v.std(ddof=1)), v.size]
        for name, skip, stage, metric, v, _ in rows
        if skip == "last"
    },
    changes_2d={
        metric: scores_mt.change(metric, "step 2").tolist()
        for metric in ("psnr_db", "psnr_truth_range_db", "ssim", "ssim_truth_range")
    },
    improved_psnr=float(np.mean(psnr_two > 0)),
    improved_ssim=float(np.mean(scores_mt.change("ssim", "step 2") > 0)),
    network=size_note,
)

# %% [markdown]
# **What this shows.** Whether a second structure in the training data hurts the first one, at one training per chain.
#
# **What it does not.** The source's reticulum agreed better with its reference than its microtubules did (37.8
# against 27.5 dB before any network); ours has the same mean light, spread over more structure, and starts lower. A
# network that makes a nearly noise-free image worse is a different event from one that improves a noisy one.

# %% [markdown]
# ## Is it the diversity?
#
# **The source says** (sections 3.1, 4): a more varied training set degrades both structures. But its mixed networks were also
# trained for other numbers of epochs (first step 245 against 500) on twice as many fields.
#
# **What we do.** Single and mixed networks from every training seed; once with equal numbers of updates, and once as in the
# source, where an epoch of the mixed set is twice as long: its first network has 0.98 times the updates of the single one (taken
# as equal here) and its second twice as many. [Notebook 64](64_sim_transfer.ipynb) goes on with more structures and capacity.


# %%
@cache
def table_of(chain, kind):
    """Scores of one chain on one structure."""
    return StageScores.of(chains.stages(chain, kind))


def over_training(kinds, kind, **changed):
    """The four changes against low light, (change, seed, image)."""
    made = [table_of(Chain(kinds, small, seed=s, **changed), kind) for s in training_seeds]
    return np.stack([changes(scores) for scores in made], axis=1)


longer = replace(small, steps=2 * small_steps)
METRICS = ("PSNR (dB), step 1", "PSNR (dB), step 2", "SSIM, step 1", "SSIM, step 2")
diversity, gaps, on_both, reticulum_on_both = {}, {}, {}, {}
alone = over_training((mt,), mt)
for label, changed in (("equal_updates", {}), ("source_epochs", {"second": longer})):
    filament, reticular = (over_training((mt, er), kind, **changed) for kind in (mt, er))
    on_both[label], reticulum_on_both[label] = filament, reticular
    gaps[label] = [paired_difference(a, b, rng=rng.bootstrap) for a, b in zip(filament, alone, strict=True)]
    diversity |= {
        f"mt_falls_{label}": sum(gap.high < 0 for gap in gaps[label]),
        f"er_gains_{label}": int((reticular.mean(axis=(1, 2)) > 0).sum()),
    }
study.publish_table(
    "sim-two-step-diversity",
    {
        "gain over low light": METRICS,
        "equal updates": [str(g) for g in gaps["equal_updates"]],
        "the source's epochs": [str(g) for g in gaps["source_epochs"]],
    },
    caption="Microtubules: gain with mixed training minus gain with microtubules alone, mean and 95 % interval over "
    f"{n_mt} fields within {len(training_seeds)} seed(s). {small_note}",
)


# %%
def diversity_among(seeds, images):
    """The counts of falls and gains among some trainings and images."""
    counts = {}
    for label, filament in on_both.items():
        lost = (filament - alone)[:, seeds][..., images].mean(axis=1)
        gained = reticulum_on_both[label][:, seeds][..., images].mean(axis=(1, 2))
        counts |= {f"mt_falls_{label}": surely_below(lost).sum(), f"er_gains_{label}": (gained > 0).sum()}
    return counts


units = "training seeds and images" if len(training_seeds) > 1 else "images of one training"
over_trainings = {
    "spread": f"bootstrap over {units}, 95 %; {nested}",
    "n": n_mt * len(training_seeds),
    "stand_in": judged_on,
}
study.claim(
    "hughes2024-diversity-degrades",
    measured=recounted(diversity, diversity_among, len(training_seeds), n_mt),
    **over_trainings,
)

# %%
study.say(
    "Both steps together gain **{alone:.2f} dB** on microtubules when trained on them alone and, with as many updates, "
    "**{mixed:.2f} dB** "
    "when trained on both, over {seeds} training seed(s). " + small_note,
    study.keep(
        "two_step_diversity",
        alone=float(alone[1].mean()),
        mixed=float(on_both["equal_updates"][1].mean()),
        seeds=len(training_seeds),
    ),
)

# %% [markdown]
# **What this shows.** With equal light, updates and capacity, what a second structure costs or brings. It also doubles the number
# of fields and halves the updates that each structure gets; these are not told apart from diversity.
#
# **What it does not.** A count of intervals below 0 depends on the number of fields; the intervals themselves are
# printed. After step 1 both columns show the same networks; their intervals differ by the draws of the bootstrap.

# %% [markdown]
# ## What the second network learns from
#
# **The source says**, not in its text but in the tables of its earlier networks: two second networks behind one first one differ
# only in their data folder. Trained on plain reconstructions, SSIM rises from 0.789 to 0.838; trained on reconstructions
# clipped at zero and divided by their maximum it falls to 0.681. One block was used in all places of those networks.
#
# **What we do.** The pair again, for an ordinary and for such a weight-shared network, from every training seed. The final
# networks of the source learned from clipped data.

# %%
ablation = {}
for label, recipe in (("ordinary", small), ("weight-shared", replace(small, shared=True))):
    for normalisation in two_step.NORMALISATIONS:
        made = [table_of(Chain((mt,), recipe, seed=s, normalisation=normalisation), mt) for s in training_seeds]
        ablation[label, normalisation] = made
change = {key: np.stack([s.change("ssim", "step 2", "step 1") for s in made]) for key, made in ablation.items()}
between = {sort: {} for sort in (*two_step.NORMALISATIONS, "plain − clipped")}
for label in ("ordinary", "weight-shared"):
    own = {sort: change[label, sort] for sort in two_step.NORMALISATIONS}
    own["plain − clipped"] = own["plain"] - own["clipped"]
    for sort, values in own.items():
        between[sort][label] = mean_interval(values, rng=rng.bootstrap)
signs = [between["plain"][label].low > 0 and between["clipped"][label].high < 0 for label in between["plain"]]
differences = [gap.low > 0 for gap in between["plain − clipped"].values()]


def networks_among(seeds, images):
    """The counts of networks among some trainings and images."""
    means = {key: values[seeds][:, images].mean(axis=0) for key, values in change.items()}
    pairs = [[means[label, sort] for sort in ("plain", "clipped")] for label in between["plain"]]
    return {
        "networks_with_sign_change": sum(surely_below(-plain) & surely_below(clipped) for plain, clipped in pairs),
        "networks_with_difference": sum(surely_below(clipped - plain) for plain, clipped in pairs),
    }


study.claim(
    "hughes2024-step2-normalisation-explains-ssim",
    measured=recounted(
        {"networks_with_sign_change": sum(signs), "networks_with_difference": sum(differences)},
        networks_among,
        len(training_seeds),
        n_mt,
    ),
    **over_trainings,
)

# %%
EARLIER = {
    ("weight-shared", "plain"): ("27.54 → 28.14 → 30.17", "0.728 → 0.789 → 0.838"),
    ("weight-shared", "clipped"): ("27.54 → 28.14 → 28.95", "0.728 → 0.789 → 0.681"),
}


def path_of(made, metric):
    """Means over seeds and images at the three stages, as text."""
    digits = 2 if metric == "psnr_db" else 3
    return " → ".join(f"{np.mean([s.of_stage(metric, stage) for s in made]):.{digits}f}" for stage in scoring.COLOURS)


spreads = {
    key: over_seeds([s.change("ssim", "step 2", "step 1").mean() for s in made]) for key, made in ablation.items()
}
study.publish_table(
    "hughes2024-csv-earlier-runs",
    {
        "network": [label for label, _ in ablation],
        "step 2 learns from": [sort for _, sort in ablation],
        "PSNR (dB)": [path_of(made, "psnr_db") for made in ablation.values()],
        "SSIM": [path_of(made, "ssim") for made in ablation.values()],
        "SSIM, step 2 − step 1, over seeds": [str(spreads[key]) for key in ablation],
        "plain − clipped, 95 %": [str(between["plain − clipped"][label]) for label, _ in ablation],
        "published PSNR": [EARLIER.get(key, ("—", "—"))[0] for key in ablation],
        "published SSIM": [EARLIER.get(key, ("—", "—"))[1] for key in ablation],
    },
    caption=f"Microtubules: second networks trained on plain and on clipped reconstructions; mean over {n_mt} fields and "
    f"{len(training_seeds)} seed(s). {small_note} The published networks learned from both structures, once each.",
)

# %% [markdown]
# **What this shows.** Whether the fall of SSIM belongs to the method or to a scaling of its training data. The
# source's tables suggest that plain − clipped is positive; where it is negative here, our networks say the contrary.
#
# **What it does not.** What the source's folders held is read from their names.

# %% [markdown]
# ## What the first network does to the stripes
#
# **The source says** (section 4): the first network changes the stripes slightly, and with the errors of the fit this explains
# the patterns that follow it. **What we do.** Fit the pattern in bright, dim and restored frames of known pattern, and
# reconstruct the restored frames with their own fit, with that of the bright frames, and with the truth.


# %%
def found_in(frames):
    """Pattern of frames, whatever its quality."""
    return fields[er].protocol.estimated(frames, check=False)


def errors_of(pattern_of, which):
    """Errors of the pattern in every test field of reticulum, (field, 3)."""
    extent = (fields[er].protocol.field_um,) * 2
    return np.array([two_step.pattern_error(pattern_of(one), one.true_pattern, field_um=extent) for one in which])


first_network = chains.first(mixed).network
restored = {
    one.number: two_step.restored_frames(first_network, one.low, precision=precision, device=device) for one in test[er]
}
sources = {
    "high": lambda one: found_in(one.high),
    "low": lambda one: found_in(one.low),
    "restored": lambda one: found_in(restored[one.number]),
}
fit_errors = {name: errors_of(pattern_of, test[er]) for name, pattern_of in sources.items()}
rebuilt = {
    "own fit": [
        fields[er].protocol.reconstructed(restored[one.number], found_in(restored[one.number])) for one in test[er]
    ],
    "bright fit": [fields[er].protocol.reconstructed(restored[one.number], one.pattern) for one in test[er]],
    "truth": [fields[er].protocol.reconstructed(restored[one.number], one.true_pattern) for one in test[er]],
}
rebuilt = {name: [two_step.after_reconstruction(image) for image in images] for name, images in rebuilt.items()}
rebuilt_peaks = {
    name: np.array([peak(one, i) for one, i in zip(test[er], images, strict=True)]) for name, images in rebuilt.items()
}
rebuilt_scores = {
    name: [scored(images["high"], image) for images, image in zip(images_er, made, strict=True)]
    for name, made in rebuilt.items()
}
peak_left = mean_ratio((rebuilt_peaks["truth"], rebuilt_peaks["own fit"]))
study.claim(
    "hughes2024-step1-disturbs-pattern-estimation",
    measured={
        "phase_error_excess_rad": paired_difference(
            fit_errors["restored"][:, 1], fit_errors["high"][:, 1], rng=rng.bootstrap
        ),
        "modulation_error_excess": paired_difference(
            fit_errors["restored"][:, 2], fit_errors["high"][:, 2], rng=rng.bootstrap
        ),
        "peak_drop_true_parameters": Interval(1 - peak_left.value, 1 - peak_left.high, 1 - peak_left.low),
    },
    **over_er,
)

# %%
study.publish_table(
    "sim-two-step-pattern",
    {
        "restored frames reconstructed with": list(rebuilt),
        "pattern peak": [f"{values.mean():.2f} ± {values.std(ddof=1):.2f}" for values in rebuilt_peaks.values()],
        "PSNR (dB)": [f"{np.mean([s['psnr_db'] for s in one]):.2f}" for one in rebuilt_scores.values()],
        "SSIM": [f"{np.mean([s['ssim'] for s in one]):.3f}" for one in rebuilt_scores.values()],
    },
    caption=f"Does a pattern that is found once, in bright frames, remove the new artefacts of the first step? {n_er} "
    "fields of endoplasmic reticulum (mean; peak ± standard deviation), networks trained on both structures; white "
    "noise has a peak of 1.44.",
)
figure, axes = plt.subplots(1, 3, figsize=(8, 2.6))
for axis, column, label in zip(axes, range(3), ("wave vector (1/µm)", "phase (rad)", "modulation"), strict=True):
    axis.boxplot([values[:, column] for values in fit_errors.values()], tick_labels=list(fit_errors))
    axis.set(ylabel=f"error of {label}", yscale="log")
study.publish_figure(
    "sim-two-step-pattern-errors",
    figure,
    alt="Errors of the fitted wave vector, phase and modulation in bright, dim and restored frames as boxes on a logarithmic "
    "axis.",
    caption=f"Errors of the pattern that is found in bright, dim and restored frames of {n_er} fields.",
    data={
        f"{name}: {what}": values[:, i]
        for name, values in fit_errors.items()
        for i, what in enumerate(("vector", "phase", "modulation"))
    },
)

# %% [markdown]
# **What this shows.** Which of the two is to blame for a new pattern: the frames themselves, or the fit in them. If the pattern
# of bright frames is at hand, there is no reason to seek it in restored ones. The modulation that is fitted in restored
# frames lies far below the true one (the next section prints it): with the noise the first network takes much of the
# stripes away.
#
# **What it does not.** Our stripes are perfect sines with one depth everywhere.

# %% [markdown]
# ## Turning the frames
#
# **The source says** (section 2.3): quarter turns and mirror images interpolate nothing and so leave the stripes intact.
# **What we do.** The first network with quarter turns, with free rotation, and with neither, on crops of one size: as wide as
# can be turned freely inside a field. A quarter turn keeps the stripes but not their directions: the network sees stripes along
# lines that its microscope never makes.

# %%
turnable = min(small.patch, int(field_px / np.sqrt(2)))
augmented = {name: replace(small, augmentation=name, patch=turnable) for name in two_step.AUGMENTATIONS}


def after_turning(chain):
    """Modulation of the frames that a first network restores, and PSNR after them, (measure, image)."""
    network = chains.first(chain).network
    frames = [two_step.restored_frames(network, one.low, precision=precision, device=device) for one in test[mt]]
    fits = [fields[mt].protocol.estimated(one, check=False).modulation_fitted.mean() for one in frames]
    scores = StageScores.of(chains.stages(chain, mt, steps=1))
    return np.stack([np.clip(fits, 0, 2), scores.of_stage("psnr_db", "step 1")])


turned = {
    name: np.stack([after_turning(Chain((mt,), recipe, seed=s)) for s in training_seeds], axis=1)
    for name, recipe in augmented.items()
}
lead = [
    paired_difference(quarter, free, rng=rng.bootstrap, resample="seeds and images")
    for quarter, free in zip(turned["quarter turns"], turned["free rotation"], strict=True)
]
study.claim(
    "hughes2024-augmentation-preserves-pattern",
    measured=dict(zip(("modulation_difference", "psnr_difference_db"), lead, strict=True)),
    **over_trainings | {"spread": f"bootstrap over {units}, 95 %"},
)

# %%
direction = np.degrees(test[mt][0].true_pattern.angle_rad) % 180
seen = sorted({round(float(a), 1) for d in direction for a in (d, (d + 90) % 180, (180 - d) % 180, (90 - d) % 180)})
study.publish_table(
    "sim-two-step-augmentation",
    {
        "augmentation": list(turned),
        "modulation of restored frames (0.8 in the sample)": [f"{m.mean():.3f}" for m, _ in turned.values()],
        "PSNR after step 1 (dB)": [f"{db.mean():.2f}" for _, db in turned.values()],
        "each training (dB)": [", ".join(f"{one.mean():.2f}" for one in db) for _, db in turned.values()],
    },
    caption=f"First networks with three kinds of augmentation, means over {n_mt} test fields and {len(training_seeds)} "
    f"training(s). The stripes of the microscope have the directions {', '.join(f'{d:.1f}' for d in direction)} degrees; "
    f"with quarter turns and mirrors a network sees {len(seen)}: {seen}. {small_note}",
)

# %% [markdown]
# **What this shows.** What free rotation, quarter turns and no turns make of the stripes and of PSNR.
#
# **What it does not.** Trainings with few steps differ from seed to seed (last column): an interval over the images of one
# training is too short for the lead of one kind of augmentation, and one over three trainings still rests on three.

# %% [markdown]
# ## Is a draw a dim exposure?
#
# **The source says** (sections 2.2, 4): low light is drawn around bright frames, which saves the second acquisition. **What we
# do.** Draw from frames of photon counts, from camera frames converted to photons by offset and gain, and from grey values as
# they are, and compare with exposures at a twentieth of the light. Theory: a draw around counts has 1/20 more variance.

# %%
camera = {"gain": 2.0, "offset": 100.0, "read_noise": 3.0}
repeats = 24  # dim exposures of one field


def deviations(**exposure):
    """Squared deviations of repeated frames, drawn and exposed, (kind, repeat), whose means are their variances."""
    light = fields[mt].protocol.light(fields[mt].protocol.object(0), np.random.default_rng(seed))
    made = []
    for kind in ("drawn", "dim"):
        one = Exposure(factor=factor, kind=kind, **exposure)
        frames = [one.frames(light, rng=study.streams(seed, kind, sample=i)[kind])[1].values for i in range(repeats)]
        apart = (np.stack(frames) - np.mean(frames, axis=0)) ** 2
        made.append(apart.reshape(repeats, -1).mean(axis=1) * repeats / (repeats - 1))
    return np.array(made)


def excess(drawn, dim):
    """Relative excess of the variance of drawn over exposed dim frames."""
    return float(drawn.mean() / dim.mean() - 1)


squares = {
    unit: [deviations(mean_photons=mean, **used) for mean in exposures]
    for unit, used in (("photons", {}), ("converted", camera))
}
photon_excess, converted_excess = ([excess(*one) for one in own] for own in squares.values())
grey_excess = {
    offset: excess(*deviations(mean_photons=mean_photons, converted=False, **(camera | {"offset": offset})))
    for offset in offsets
}


# %%
def dim_set(**exposure):
    """Fields of the same samples with another kind of exposure."""
    return Fields.of(folder, mt, protocol(mt, **exposure), **counts)


kinds = {
    "photons": {"drawn": {}, "dim": {"kind": "dim"}},
    "converted": {"drawn": camera, "dim": {"kind": "dim", **camera}},
}


def after_first_step(own, tested, **start):
    """PSNR of the test fields after the first of their own networks."""
    network = own.first(Chain((mt,), small, **start)).network
    images = [two_step.stages(one, tested.protocol, network, precision=precision) for one in tested.parts["test"]]
    return StageScores.of(images).of_stage("psnr_db", "step 1")


cross = {}
for unit, pair in kinds.items():
    sets = {kind: dim_set(**exposure) for kind, exposure in pair.items()}
    tested = sets["dim"]
    for kind, one in sets.items():
        own = Chains({mt: one}, folder / "trainings", progress=study.Progress)
        cross[unit, kind] = np.stack([after_first_step(own, tested, seed=s) for s in training_seeds])


def gap_among(seeds, images):
    """Distance of the mean PSNR of networks that learned from drawn and from dim frames, without its sign."""
    apart = {unit: cross[unit, "drawn"] - cross[unit, "dim"] for unit in kinds}
    return {unit: abs(one[seeds][:, images].mean()) for unit, one in apart.items()}


gap = resampled(gap_among, len(training_seeds), n_mt, rng=rng.claims)


def largest_among(drawn, dim):
    """The largest excess over exposures among some of the repeated frames of either kind."""
    return {unit: max((excess(one[0, drawn], one[1, dim]) for one in own), key=abs) for unit, own in squares.items()}


largest = resampled(largest_among, repeats, repeats, rng=rng.claims)
study.claim(
    "hughes2024-thinning-as-low-dose",
    measured={f"variance_excess_{unit}": largest[unit] for unit in kinds}
    | {f"psnr_gap_{unit}_db": gap[unit] for unit in kinds},
    **over_trainings
    | {
        "spread": f"bootstrap, 95 %: over {repeats} drawn and {repeats} dim frames of one field (excess); over {units} "
        "(gap, without its sign, so that its interval cannot hold 0)"
    },
)

# %%
figure, axes = plt.subplots(1, 2, figsize=(7.4, 2.7))
axes[0].semilogx(exposures, photon_excess, "o-", label="counts")
axes[0].semilogx(exposures, converted_excess, "s--", label="camera, converted")
axes[0].axhline(1 / factor, color="black", linewidth=0.8, linestyle=":", label="theory")
axes[0].set(xlabel="mean photons of a bright frame", ylabel="excess of the variance")
axes[0].legend()
axes[1].plot(offsets, list(grey_excess.values()), "o-", color="C2")
axes[1].set(xlabel="offset of the camera (ADU)", ylabel="excess of the variance", title="grey values taken for counts")
study.publish_figure(
    "sim-two-step-thinning",
    figure,
    alt="Left: excess of the variance of drawn over exposed dim frames against light, near the theoretical 0.05 for counts. "
    "Right: the excess against the offset of the camera when grey values are taken for counts.",
    caption="Dim frames drawn around bright ones against dim exposures. Left: from counts, and from camera frames converted to "
    "photons (gain 2, offset 100 ADU, read noise 3 ADU). Right: from grey values as they are, as the source draws.",
    data={
        "mean_photons": exposures,
        "excess_counts": photon_excess,
        "excess_converted": converted_excess,
        "offset_adu": offsets,
        "excess_grey": list(grey_excess.values()),
    },
)

# %%
study.say(
    "For photon counts the draw has the variance of a dim exposure but for a twentieth; the networks trained on the two "
    "differ by **{gap:.2f} dB** [{gap_low:.2f}, {gap_high:.2f}] on dim exposures. Of camera frames, even converted to "
    "photons, the drawn ones have up to {lacking:.0%} too little variance; that meets the rule, which forbids too much "
    "alone.",
    study.keep(
        "two_step_thinning",
        gap=gap["photons"].value,
        gap_low=gap["photons"].low,
        gap_high=gap["photons"].high,
        lacking=max(0.0, -largest["converted"].value),
    ),
)

# %% [markdown]
# **What this shows.** From camera frames the read noise of the dim exposure is missing: the drawn frames are too clean, the more
# the dimmer they are. An offset that is taken for counts adds noise where there is none.
#
# **What it does not.** A dim exposure of a living cell would also have bleached and moved less. The difference between two
# networks holds the chance of their trainings too, which the interval counts only where they were trained from several seeds.

# %% [markdown]
# ## Tiles
#
# **The source says** (section 3.1): tiles that overlap by 32 pixels and are averaged leave no borders. **What we do.**
# The second network on whole test fields (six at most), in one pass and by tiles, with overlaps of 0, 16 and 32 pixels. The
# tiles follow each other at one distance, so that all their joints lie in one place and only the overlap differs.

# %%
second_network = chains.second(single).network
apart = 64 if 2 * field_px > 96 else 32
seams = {
    overlap: [
        two_step.seam_ratio(second_network, images["step 1"].values[None], tile=apart + overlap, overlap=overlap)
        for images in images_mt[:6]
    ]
    for overlap in (0, 16, 32)
}
study.claim(
    "hughes2024-tiling-no-seams",
    measured={f"seam_ratio_{overlap}": mean_interval(ratios, rng=rng.claims) for overlap, ratios in seams.items()},
    **over_mt | {"n": min(6, n_mt)},
)

# %% [markdown]
# **What this shows.** A border would be seen where one tile passes into the next: along the line where two tiles touch, or in
# the whole band in which they are blended. Channel attention averages over a tile, so even inside tiles the result differs from
# one pass; the ratio asks whether that band differs more.
#
# **What it does not.** Our overlap throws away its outer quarter and blends over the rest, which the source's does not.

# %% [markdown]
# ## Are the images true?
#
# **The source** could show distortions by eye only. **What we do.** The centre lines of our filaments are known. At every point
# of every line the brightest place across it is where an image has the line: how far it moved, how much of the lines is lost, and
# how much of the image's own skeleton lies beside all of them, at every stage and in both chains.

# %%
truth_lines = {one.number: [line for line in fields[mt].protocol.sample(one.number).centre_lines()] for one in test[mt]}


def bent(one, image):
    """Distortion of one field's lines."""
    half = fields[mt].protocol.field_um / 2 - 0.3
    inside = [line[np.all(np.abs(line[:, :2]) < half, axis=1)] for line in truth_lines[one.number]]
    return distortion([line for line in inside if len(line) > 5], image, reach_um=0.12)


sets = {"trained on microtubules": images_mt, "trained on both": images_mixed}
bends = {
    (label, stage): np.array([bent(one, images[stage]) for one, images in zip(test[mt], made, strict=True)])
    for label, made in sets.items()
    for stage in made[0]
}
quantities = ("shift_um", "lost", "invented")
rows = [
    (label, stage, *(f"{np.nanmean(values[:, i]):.3f} ± {np.nanstd(values[:, i], ddof=1):.3f}" for i in range(3)))
    for (label, stage), values in bends.items()
]
study.publish_table(
    "sim-two-step-distortion",
    dict(
        zip(
            ("chain", "stage", "displacement (µm)", "lost share", "invented share"),
            zip(*rows, strict=True),
            strict=True,
        )
    ),
    caption=f"Lines of {n_mt} fields of microtubules against their true course, mean ± standard deviation over fields: median "
    "displacement, share of their length that is not shown, share of the image's skeleton beyond 120 nm of any line. The bright "
    f"reconstruction is what a chain learns to imitate. {size_note}",
)

# %%
places_px = {stage: region(image, 0.4, (0.4, 0.4)) for stage, image in images_mt[0].items()}
figure, axes = plt.subplots(1, 4, figsize=(9, 2.6))
for axis, (stage, image) in zip(axes, places_px.items(), strict=True):
    study.draw_image(axis, image, title=stage, norm=Normalize(0, 45000), cmap="gray")
    for line in truth_lines[test[mt][0].number]:
        near = (line[:, 0] > image.x[0].item()) & (line[:, 0] < image.x[-1].item())
        near &= (line[:, 1] > image.y[0].item()) & (line[:, 1] < image.y[-1].item())
        axis.plot(
            np.where(near, line[:, 0], np.nan), np.where(near, line[:, 1], np.nan), color="#D55E00", linewidth=0.6
        )
study.publish_figure(
    "sim-two-step-true-lines",
    figure,
    alt="One region of microtubules at the four stages with the true centre lines drawn over it in red. Lines without light "
    "under them are lost, light without a line is invented.",
    caption="True centre lines (red) over one region at every stage. Scale bars 1 µm.",
    data=places_px,
    stand_in=stand_in,
)

# %% [markdown]
# **What this shows.** A gain in PSNR against a bright reconstruction, set beside what happens to the lines themselves.
#
# **What it does not.** Where filaments cross, "the brightest place" may be the neighbour's; this is the same at all stages.

# %% [markdown]
# ## Real frames in real low light
#
# **What we do.** The fifteen frames of one field of microtubules in normal and in low light that
# [notebook 60](60_sim_formation.ipynb) reconstructs. Three beams and other pixels need a first network of their own: 15 channels,
# trained on simulated filaments under that microscope (NA 1.27, 600 nm, stripes of 490 nm and half of it, as assumed there). The
# pattern is found in the normal-light frames. The frames are averaged over two by two pixels, and what we take for the camera's
# dark level is subtracted: 110 grey values in normal, 95 in low light. Where the files are not at hand, simulated frames stand
# in for them.

# %%
dataset = "sim-microtubules-15frame"
paths = {light: study.locate(dataset, f"15frame-{light}-light.tif") for light in ("normal", "low")}
real_stand_in = None if all(paths.values()) else study.stand_in(dataset)
real_protocol = PlanarProtocol(
    seed=seed,
    field_px=field_px,
    pixel_um=0.06,
    numerical_aperture=1.27,
    wavelength_um=0.6,
    period_um=0.49,
    modulation=(0.8, 0.6),
    phases=5,
    first_angle_rad=0.24,
    wiener=0.1,
    exposure=Exposure(mean_photons=800.0, background_photons=40.0, factor=60.0, kind="dim"),
)
real_counts = {"train": max(2, train_fields // 2), "validation": validation_fields, "test": 2}
real_fields = Fields.of(folder, "fifteen-frames", real_protocol, **real_counts)
real_chains = Chains({mt: real_fields}, folder / "trainings", progress=study.Progress)
real_network = real_chains.first(Chain((mt,), small, seed=seed)).network
if real_stand_in is None:
    raw = {light: sim.read_raw(path, pixel_um=0.03, phases=5).coarsen(y=2, x=2).mean() for light, path in paths.items()}
    dark = {"normal": 110.0, "low": 95.0}
    raw = {light: (frames - dark[light]).clip(min=0) for light, frames in raw.items()}
    lens = Optics(numerical_aperture=1.27, wavelength_um=0.6)
    real_pattern = sim.estimate(raw["normal"], lens, credible=(0.3, 1.4))
else:
    standing = real_fields.parts["test"][0]
    raw, real_pattern = {"normal": standing.high, "low": standing.low}, standing.pattern
raw["restored"] = two_step.restored_frames(real_network, raw["low"], precision=precision, device=device)
real_images = {
    light: two_step.after_reconstruction(real_protocol.reconstructed(frames, real_pattern))
    for light, frames in raw.items()
}


# %%
def inner(image):
    """Without the faded border."""
    return image[24:-24, 24:-24]


bar_um = 1.0 if min(real_images["normal"].shape) > 128 else 0.25


agreement = {
    light: scored(inner(real_images["normal"]), inner(image))
    | {
        "correlation": float(
            np.corrcoef(inner(real_images["normal"]).values.ravel(), inner(image).values.ravel())[0, 1]
        )
    }
    for light, image in real_images.items()
    if light != "normal"
}
figure, axes = plt.subplots(2, 3, figsize=(8, 5.4))
for column, (light, image) in enumerate(real_images.items()):
    frame = raw[light][0, 0]
    study.draw_image(
        axes[0, column], frame, title=f"{light}: a frame", norm=study.percentile_limits(frame, 1, 99.8), cmap="gray"
    )
    study.draw_image(
        axes[1, column],
        inner(image),
        title=f"{light}: reconstruction",
        norm=study.percentile_limits(inner(image), 10, 99.7),
        cmap="gray",
        scale_bar_um=bar_um,
    )
study.publish_figure(
    "sim-two-step-real",
    figure,
    alt="Above, a raw frame in normal light, in low light, and in low light after the first network; below, their "
    "reconstructions.",
    caption=f"{'Simulated' if real_stand_in else 'Real'} low-light frames through a first network that has seen "
    "simulated filaments only. Above: one of 15 frames; below: reconstructions with the pattern of the normal-light "
    f"frames, each on its own scale. Scale bars 1 µm above and {bar_um:g} µm below. "
    f"{small_note}{'' if real_stand_in else ' Data: L. Jin, B. Liu, F. Zhao et al. (2020).'}",
    data={f"{light}: reconstruction": image for light, image in real_images.items()},
    stand_in=real_stand_in,
)

# %%
study.say(
    "Against the normal-light reconstruction the low-light one has a correlation of **{low:.2f}** ({low_db:.1f} dB), "
    "the restored one **{restored:.2f}** ({restored_db:.1f} dB).",
    study.keep(
        "two_step_real",
        low=agreement["low"]["correlation"],
        low_db=agreement["low"]["psnr_db"],
        restored=agreement["restored"]["correlation"],
        restored_db=agreement["restored"]["psnr_db"],
    ),
)

# %% [markdown]
# **What this shows.** With the real frames: whether a network trained on simulations helps where nothing was simulated, with
# noise that neighbours share (the frames were enlarged before publication), out-of-focus light and an unknown camera. With a
# stand-in: only what the network does to frames of its own kind.
#
# **What it does not.** One field is no test set, and the real one has no truth.

# %% [markdown]
# ## Exercises
#
# 1. Restore the frames of a field whose stripes have another period than the network has seen. What happens to the modulation?
# 2. Which fields gain most from the second step: those that agreed least before, or those that were densest?

# %% tags=["solution"]
other = replace(fields[mt].protocol, period_um=0.45)
one = two_step.acquire(other, 0)
trained_network = chains.first(single).network
for whose, stripes, shot in (("own period", fields[mt].protocol, test[mt][0]), ("another", other, one)):
    answer = two_step.restored_frames(trained_network, shot.low, precision=precision, device=device)
    for sort, frames in (("bright", shot.high), ("restored", answer)):
        fitted = stripes.estimated(frames, check=False).modulation_fitted.mean()
        print(f"{whose}, {sort}: modulation {fitted:.3f}")

# %% tags=["solution"]
second_gain = scores_mt.change("psnr_db", "step 2", "step 1")
density = [float((one.truth > 0).mean()) for one in test[mt]]
print(
    "with PSNR at low light:", np.round(stats.spearmanr(scores_mt.of_stage("psnr_db", "low"), second_gain).statistic, 2)
)
print("with density:", np.round(stats.spearmanr(density, second_gain).statistic, 2))

# %% [markdown]
# ## Provenance

# %%
study.end()
