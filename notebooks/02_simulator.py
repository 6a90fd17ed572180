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
# # The raw-data simulator: from emitters to camera frames
#
# How does one get a noisy microscopy video and, of the very same blinking emitters, its noise-free twin? A camera
# cannot record that pair, so [jadhav2021] simulates it. This notebook rebuilds the simulator in its four steps, checks
# labelling against the stated densities, blinking and noise against closed forms, looks at how the point spread function
# depends on aperture and depth, and ends with the workflow drawn from real intermediate images (Fig. 2 of the source). It
# needs no data and takes about a minute on a laptop.

# %% [markdown]
# The **parameters** below are those of one microscope and one video. Change them here, or rerun the notebook in a batch
# with `papermill` or `nbsupport run`.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
numerical_aperture: float = 1.42  # of the objective; the source draws it between 1.2 and 1.49
wavelength_um: float = 0.66  # emission wavelength, µm
pixel_um: float = 0.08  # camera pixel in the sample, µm; the source uses 0.065, 0.08, 0.108 and 0.12
frames: int = 200  # frames of a video
signal_to_background: float = 3.0  # brightest expected pixel over the background
background: float = 100.0  # expected counts of a pixel without signal
dwell_emitters: int = 4000  # emitters whose dwell times are measured, per pair of dwell times
subpixels: int = 10  # MUSICAL test points per pixel and axis, for the workflow figure

# %%
import matplotlib.pyplot as plt
import numpy as np

from nbsupport import study
from nbsupport.optics import Optics, best_focus_um, gibson_lanni, gibson_lanni_intensity
from nbsupport.reconstruct.musical import musical
from nbsupport.simulate.camera import poisson, to_expected
from nbsupport.simulate.photokinetics import blink, on_time_autocovariance, on_time_mean, switching_times
from nbsupport.simulate.recording import record
from nbsupport.simulate.structures import KINDS

study.begin("02_simulator", globals())
optics = Optics(numerical_aperture=numerical_aperture, wavelength_um=wavelength_um)
rng = study.streams(seed, "structure", "photokinetics", "dwell", "noise")

# %% [markdown]
# ## A1. Structures
#
# **The source says** ([jadhav2021], section 2.1): a sample holds one kind of structure in a box of
# 5 × 5 × 1 µm around the focal plane. Actin filaments are smooth curves through 3 to 6 control points, at most 5 µm
# long, with 100 emitters per µm. Mitochondria are tubes of 150 nm radius around such curves, with 500 emitters per µm²
# of membrane. Vesicles are spheres of 25 to 500 nm radius with 2000 emitters per µm². Per image there are 3–10, 1–4 and
# 10–30 of them.
#
# **What we do.** We draw one sample of each. Emitters are placed uniformly in arc length or in area, also where a tube
# bends, and their number is Poisson distributed. The geometry stays with the sample as its truth.

# %%
samples = {kind: KINDS[kind](rng=rng.structure) for kind in ("actin", "mitochondria", "vesicles")}

# %%
figure = plt.figure(figsize=(9, 3.2))
for column, (kind, sample) in enumerate(samples.items(), start=1):
    axes = figure.add_subplot(1, 3, column, projection="3d")
    x, y, z = sample.emitters_um.T
    axes.scatter(x, y, z, s=0.3, c=z, cmap="viridis", vmin=-0.5, vmax=0.5, rasterized=True)
    axes.set(title=f"{kind}: {len(sample.objects)} objects, {len(x)} emitters", xlabel="x (µm)", ylabel="y (µm)")
    axes.set(xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), zlim=(-0.5, 0.5), zticks=[-0.5, 0.5])
    axes.set_box_aspect((5, 5, 1), zoom=1.25)
study.publish_figure(
    "simulator-structures",
    figure,
    alt="Three boxes with emitters drawn as dots coloured by depth: thin curved filaments, bent tubes, and hollow spheres.",
    caption="Emitters of one simulated sample of actin filaments, mitochondria and vesicles, coloured by depth, from "
    "−0.5 (dark) to 0.5 µm (bright), the vertical axis.",
    data={f"{kind}_{axis}_um": s.emitters_um[::20, i] for kind, s in samples.items() for i, axis in enumerate("xyz")},
)

# %% [markdown]
# Is the labelling as dense as stated? Emitters outside the box are dropped, so we draw in a larger box and count only on
# objects whose geometry stays clear of its walls.


# %%
def clear_of_walls(thing, wall=20.0, reach=0.5):
    """Whether an object, known by its centre line or centre, lies wholly inside the box of half-width `wall`."""
    return np.abs(getattr(thing, "centre_line", getattr(thing, "centre", None))).max() < wall - reach


density, stated = {}, {"actin": 100.0, "mitochondria": 500.0, "vesicles": 2000.0}
for kind in stated:
    emitters, measure = 0, 0.0
    for _ in range(20):
        sample = KINDS[kind](rng=rng.structure, box_um=((-20, 20), (-20, 20), (-20, 20)))
        whole = [i for i, thing in enumerate(sample.objects) if clear_of_walls(thing)]
        emitters += int(np.isin(sample.owner, whole).sum())
        measure += sum(sample.objects[i].measure for i in whole)
    density[kind] = (emitters / measure, np.sqrt(emitters) / measure)

# %%
study.publish_table(
    "simulator-densities",
    {
        "structure": list(stated),
        "stated (1/µm or 1/µm²)": list(stated.values()),
        "measured": [density[kind][0] for kind in stated],
        "95 % interval, ±": [1.96 * density[kind][1] for kind in stated],
    },
    caption="Emitter density on whole objects of 20 samples of each structure.",
)

# %%
deviation = {kind: abs(density[kind][0] - stated[kind]) / density[kind][1] for kind in stated}
labelling = study.keep(
    "labelling_density", worst=max(deviation.values()), inside=sum(d < 1.96 for d in deviation.values())
)
study.say(
    "**What this shows.** {inside} of the 3 densities agree with the stated ones within their 95 % counting interval; the "
    "farthest is {worst:.1f} standard errors off.",
    labelling,
)

# %% [markdown]
# **What it does not.** The source leaves open how control points are drawn, how a structure that reaches out of the box
# is treated, and whether tubes are closed at their ends. We walk control points inside the box, redraw curves that bend
# more sharply than the tube's radius allows, drop emitters outside the box, and leave tubes open. None of this is
# visible in the numbers above.

# %% [markdown]
# ## A2. Photokinetics
#
# **The source says**: an emitter is either *on*, and then emits at a constant rate, or *off*. The time it spends in each
# state is exponentially distributed with means $\tau_\mathrm{on}$ and $\tau_\mathrm{off}$, whole numbers from 1 to 5 and
# 1 to 20. (5, 1) is the hardest case for methods that live on fluctuations, (1, 20) an easy one. All emitters of a
# sample are alike.
#
# **What we do.** Dwell times are taken in frames, the unit being unsaid. A frame integrates over its exposure, so it can
# hold a fraction of an on-period; nothing is rounded. With $p=\tau_\mathrm{on}/(\tau_\mathrm{on}+\tau_\mathrm{off})$ and
# $1/\tau_c = 1/\tau_\mathrm{on} + 1/\tau_\mathrm{off}$, the on-time per frame has mean $p$ and variance
#
# $$p(1-p)\,2\tau_c^2\left(\tfrac{1}{\tau_c} - 1 + e^{-1/\tau_c}\right),$$
#
# which we compare with what the simulator draws, for all 100 pairs of dwell times.

# %%
pairs = [(tau_on, tau_off) for tau_on in range(1, 6) for tau_off in range(1, 21)]
measured = {}
for tau_on, tau_off in study.track(pairs, "drawing traces"):
    trace = blink(dwell_emitters // 20, frames, tau_on, tau_off, rng=rng.photokinetics)
    measured[tau_on, tau_off] = (trace.mean(), trace.var(), trace.mean(axis=1).std() / np.sqrt(len(trace)))
duty = np.array([on_time_mean(*pair) for pair in pairs])
share = np.array([measured[pair][0] for pair in pairs])
share_error = np.array([measured[pair][2] for pair in pairs])


# %%
def dwell_times(tau_on, tau_off):
    """On- and off-times of many emitters that are watched long enough for every dwell to end."""
    starts_on, times = switching_times(dwell_emitters, 200.0, tau_on, tau_off, rng=rng.dwell)
    lengths = np.diff(times[:, :12], axis=1)
    first_is_on = ~starts_on
    return lengths[first_is_on][:, ::2].ravel(), lengths[first_is_on][:, 1::2].ravel()


# %%
examples = {(5, 1): "dense (5, 1)", (1, 20): "sparse (1, 20)"}
dwells = {pair: dwell_times(*pair) for pair in examples}
traces = {pair: blink(1, 100, *pair, rng=rng.photokinetics)[0] for pair in examples}
figure, axes = plt.subplots(2, 3, figsize=(9, 4.2), width_ratios=[2, 1.2, 1.2])
for row, (pair, name) in enumerate(examples.items()):
    axes[row, 0].fill_between(np.arange(100), traces[pair], step="mid", alpha=0.6)
    axes[row, 0].set(title=f"one emitter, {name}", xlabel="frame", ylabel="on-time (frames)", ylim=(0, 1.05))
    for times, tau, colour, state in zip(dwells[pair], pair, ("C0", "C1"), ("on", "off"), strict=True):
        grid = np.linspace(0, 5 * tau, 40)
        axes[row, 1].stairs(
            np.histogram(times, grid, density=True)[0], grid, color=colour, label=f"{state}, mean {times.mean():.2f}"
        )
        axes[row, 1].plot(grid, np.exp(-grid / tau) / tau, color=colour, linewidth=0.8, linestyle="--")
    axes[row, 1].set(title=f"dwell times, {name}", xlabel="frames", ylabel="density", yscale="log")
    axes[row, 1].legend()
axes[0, 2].errorbar(duty, share, 1.96 * share_error, fmt=".", markersize=3, linewidth=0.6)
axes[0, 2].axline((0, 0), slope=1, color="black", linewidth=0.8)
axes[0, 2].set(title="share of on-time", xlabel="τon/(τon+τoff)", ylabel="measured")
variance = np.array([[on_time_autocovariance(*pair, 0), measured[pair][1]] for pair in pairs])
axes[1, 2].plot(*variance.T, ".", markersize=3)
axes[1, 2].axline((0, 0), slope=1, color="black", linewidth=0.8)
axes[1, 2].set(title="variance per frame", xlabel="closed form", ylabel="measured")
study.publish_figure(
    "jadhav2021-eq-photokinetics",
    figure,
    alt="Left: blinking traces, mostly on at (5, 1), rare short bursts at (1, 20). Middle: on and off dwell times fall "
    "along straight exponential lines. Right: measured share of on-time and variance per frame lie on the identity line "
    "for all 100 pairs of dwell times.",
    caption="Two-state photokinetics. Traces of one emitter; dwell times with their exponential laws (dashed); share of "
    "on-time (with 95 % intervals) and variance per frame against their closed forms for every integer pair.",
    data={
        "tau_on": [pair[0] for pair in pairs],
        "tau_off": [pair[1] for pair in pairs],
        "duty_cycle": duty,
        "measured_share": share,
        "share_standard_error": share_error,
        "variance_closed_form": variance[:, 0],
        "variance_measured": variance[:, 1],
    },
)

# %%
off = np.abs(share - duty) / share_error
blinking = study.keep("photokinetics", pairs=len(pairs), inside=int((off < 1.96).sum()), worst=float(off.max()))
study.say(
    "Of {pairs} pairs, {inside} shares of on-time lie within their own 95 % interval (about 95 are expected); the "
    "farthest is {worst:.1f} standard errors off.",
    blinking,
)

# %% [markdown]
# **What this shows.** Dwell times are exponential, and mean and variance per frame follow the closed forms over the whole
# grid of the source.
#
# **What it does not.** Real dyes have more states than two, bleach, and differ from each other; the source leaves all
# three out, and so do we here (`blink` can bleach).

# %% [markdown]
# ## A3. The microscope
#
# **The source says**: the image of an emitter is the Gibson–Lanni point spread function [gibson1992], computed with a
# fast method [li2017], for a sample in water behind a coverslip of 170 µm.
#
# **What we do.** We integrate the pupil directly,
#
# $$h(r) = \left|\int_0^a J_0(k\,\mathrm{NA}\,\rho r)\,e^{ik\,\mathrm{OPD}(\rho)}\,\rho\,\mathrm d\rho\right|^2,$$
#
# with $a=\min(\mathrm{NA}, n)/\mathrm{NA}$ over all refractive indices $n$ on the way: light beyond the critical angle of
# water never reaches the objective. The focal plane is put 0.5 µm into the sample, because the source lets structures
# reach 0.5 µm to either side of it, and the stage stays at the best focus of that depth.

# %%
depths = np.array([-0.5, -0.25, 0.0, 0.25, 0.5])
radius = np.linspace(0, 0.8, 161)
stage = best_focus_um(optics, 0.5)
apertures = {na: Optics(numerical_aperture=na, wavelength_um=wavelength_um) for na in (1.2, 1.3, 1.4, 1.49)}
peak = gibson_lanni_intensity(optics, 0.0, stage, 0.5)
profiles = {z: gibson_lanni_intensity(optics, radius, stage, 0.5 + z) / peak for z in depths}
figure, axes = plt.subplots(1, 2, figsize=(7, 2.8))
for z, profile in profiles.items():
    axes[0].plot(radius, profile, label=f"z = {z:+.2f} µm")
axes[0].set(title=f"over depth, NA {numerical_aperture}", xlabel="r (µm)", ylabel="intensity (in-focus peak 1)")
focus = {na: gibson_lanni(o, radius, best_focus_um(o, 0.5), 0.5) for na, o in apertures.items()}
for na, profile in focus.items():
    axes[1].plot(radius, profile, label=f"NA {na}")
axes[1].set(title="in focus, over the aperture", xlabel="r (µm)", xlim=(0, 0.5))
for axis in axes:
    axis.legend()
study.publish_figure(
    "simulator-psf",
    figure,
    alt="Left: the point spread function is highest in focus and lower and broader half a micrometre away on either "
    "side. Right: profiles for numerical apertures 1.2 to 1.49; those above 1.33 coincide.",
    caption="Gibson–Lanni point spread function in water behind a coverslip: over depth, and in focus over the aperture.",
    data={"r_um": radius}
    | {f"z_{z:+.2f}_um": p for z, p in profiles.items()}
    | {f"in_focus_na_{na}": p for na, p in focus.items()},
)

# %%
widths = {na: 2 * np.interp(-0.5, -profile, radius) * 1000 for na, profile in focus.items()}
optical = study.keep("psf_width", na_120=widths[1.2], na_140=widths[1.4], na_149=widths[1.49])
study.say(
    "The full width at half maximum is {na_120:.0f} nm at NA 1.2, {na_140:.0f} nm at NA 1.4 and {na_149:.0f} nm at NA "
    "1.49: **above the refractive index of water the aperture no longer matters**. About half of the range from which "
    "the source draws NA gives one and the same in-focus image.",
    optical,
)

# %% [markdown]
# **What this shows.** Depth blurs and dims, as it must; and the sampled aperture is a narrower range of microscopes than it
# looks. The source states NA up to 1.49 and water, and does not mention the consequence.
#
# **What it does not.** The model is scalar; at these apertures a vectorial one is wider. Which focal depth the
# source used is unsaid.

# %% [markdown]
# ## A4. Noise
#
# **The source says**: the noise-free video is scaled to $[0, 1]$ and called $I$; a pixel then expects
# $b(\mathrm{SBR}-1)I+b$ counts, and the camera draws from a Poisson distribution. With $b=100$ and SBR 3 the expected
# counts run from 100 to 300. (The source writes SNR in the formula and signal-to-background in the text; the latter is
# meant.)
#
# **What we do.** The same, for the mitochondria above with dwell times of 2 and 10 frames, and with one scale for the
# whole video. Scaling each frame by itself would give every pixel the fluctuation of the brightest one, a fluctuation
# that belongs to no emitter (exercise 2). For a Poisson camera the variance of a pixel equals its mean; 400 exposures
# of one frame show it.

# %%
video = record(
    samples["mitochondria"],
    optics,
    rng=rng,
    pixel_um=pixel_um,
    frames=frames,
    signal_to_background=signal_to_background,
    background=background,
    progress=study.Progress("forming the image"),
)
expected = to_expected(video.noise_free, background=background, signal_to_background=signal_to_background)
bright = int(np.argmax(video.noise_free.max(("y", "x")).values))
exposures = poisson(expected.isel(frame=[bright] * 400).drop_vars("frame"), rng=rng.noise)

# %%
mean, spread = exposures.mean("frame").values.ravel(), exposures.var("frame", ddof=1).values.ravel()
bins = np.linspace(background, background * signal_to_background, 21)
level = np.digitize(mean, bins)
binned = [
    (mean[level == k].mean(), spread[level == k].mean(), (level == k).sum())
    for k in range(1, 21)
    if (level == k).sum() > 2
]
binned = np.array(binned)
panels = {
    "scaled to [0, 1]": video.noise_free.isel(frame=bright) / video.noise_free.max(),
    "expected counts": expected.isel(frame=bright),
    "camera": video.noisy.isel(frame=bright),
}
limits = {False: (0, 1), True: (0.7 * background, 1.1 * signal_to_background * background)}
figure, axes = plt.subplots(1, 4, figsize=(10, 2.6), width_ratios=[1, 1, 1, 1.2])
for axis, (title, image) in zip(axes, panels.items(), strict=False):
    drawn = study.draw_image(axis, image, title=title, norm=plt.Normalize(*limits[bool(image.max() > 1)]))
    figure.colorbar(drawn, ax=axis, shrink=0.8)
error = 1.96 * binned[:, 1] * np.sqrt(2 / 399 / binned[:, 2])
axes[3].errorbar(binned[:, 0], binned[:, 1], error, fmt=".", label="measured")
axes[3].axline((background, background), slope=1, color="black", linewidth=0.8, label="variance = mean")
axes[3].set(title="400 exposures", xlabel="mean (counts)", ylabel="variance (counts²)")
axes[3].legend()
study.publish_figure(
    "jadhav2021-eq-noise",
    figure,
    alt="One frame of mitochondria scaled to the unit interval, as expected counts from 100 to 300, and as noisy camera "
    "counts. The measured variance of 400 exposures follows the identity line of variance against mean.",
    caption=f"The noise engine at SBR {signal_to_background:g}, b = {background:g}: one frame in its three states, and the "
    "variance of 400 exposures of it over their mean (95 % intervals). Scale bars 1 µm.",
    data={"mean_counts": binned[:, 0], "variance_counts2": binned[:, 1], "pixels": binned[:, 2]},
)

# %%
slope = float(np.polyfit(mean, spread, 1)[0])
ratio = float((spread / mean).mean())
ratio_error = float(1.96 * np.sqrt(2 / 399 / mean.size))
noise = study.keep("camera_noise", slope=slope, ratio=ratio, ratio_error=ratio_error, top=float(expected.max()))
study.say("Variance over mean is {ratio:.3f} ± {ratio_error:.3f}; the brightest pixel expects {top:.0f} counts.", noise)

# %% [markdown]
# **What this shows.** The camera is a Poisson camera, and the ratio of the brightest pixel to the background is the stated one.
#
# **What it does not.** There is no read noise, no gain and no offset: the source calls the background electronic and then
# draws it as if it were light. Cameras with those properties are in `nbsupport.simulate.camera` and in the notebook on
# noise.

# %% [markdown]
# ## Turn the knobs
#
# What makes a video easy or hard for a method that lives on fluctuations? Below, three actin filaments at the values of the
# parameters cell and dwell times of 2 and 10 frames. In JupyterLab, sliders under the figure record the same filaments
# anew. All random streams start over at every move, so that what changes is due to the slider.

# %%
filaments = KINDS["actin"](rng=study.streams(seed, "slider structure")["slider structure"], count=3)


def take(numerical_aperture, pixel_um, signal_to_background, tau_on, tau_off, frames):
    """Record the filaments with these values."""
    knobs = {"pixel_um": pixel_um, "frames": frames, "tau_on": tau_on, "tau_off": tau_off}
    light = {"signal_to_background": signal_to_background, "background": background}
    microscope = Optics(numerical_aperture=numerical_aperture, wavelength_um=wavelength_um)
    video = record(filaments, microscope, rng=study.streams(seed, "photokinetics", "noise"), **knobs, **light)
    return {"noise-free": to_expected(video.noise_free, **light), "noisy": video.noisy}


def views(twins):
    """The images that are drawn of a pair of videos."""
    images = {"mean, noisy": twins["noisy"].mean("frame"), "one frame, noisy": twins["noisy"][0]}
    return images | {f"fluctuation, {name}": video.std("frame") for name, video in twins.items()}


def show(twins):
    """Draw the images, the two fluctuations on one scale, and the brightest pixel over time."""
    images = views(twins)
    figure, axes = plt.subplots(1, 5, figsize=(10, 2.2), width_ratios=[1, 1, 1, 1, 1.3])
    shared = plt.Normalize(0, max(float(images[f"fluctuation, {name}"].max()) for name in twins))
    for axis, (title, image) in zip(axes, images.items(), strict=False):
        drawn = study.draw_image(axis, image, title=title, norm=shared if "fluctuation" in title else None)
        if title != "fluctuation, noise-free":
            figure.colorbar(drawn, ax=axes[2:4] if "fluctuation" in title else axis, shrink=0.8)
    trace(axes[4], twins)
    return figure


def trace(axis, twins):
    """Draw the first 60 frames of the brightest pixel."""
    row, column = np.unravel_index(int(twins["noisy"].mean("frame").values.argmax()), twins["noisy"].shape[1:])
    for name, video in twins.items():
        axis.plot(video[:60, row, column], label=name, linewidth=0.8)
    axis.set(title="brightest pixel", xlabel="frame", ylabel="counts")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))


# %%
start = {
    "numerical_aperture": numerical_aperture,
    "pixel_um": pixel_um,
    "signal_to_background": signal_to_background,
    "tau_on": 2,
    "tau_off": 10,
    "frames": frames,
}
first_look = take(**start)
study.publish_figure(
    "simulator-knobs",
    show(first_look),
    alt="Three filaments: their mean frame, one frame in which they are grainy and their dim parts are lost, and the "
    "standard deviation over time, which without noise shows the filaments alone and with noise lifts the whole field. "
    "The trace of the brightest pixel rises and falls in both twins alike.",
    caption=f"Three actin filaments at NA {numerical_aperture}, pixels of {1000 * pixel_um:g} nm, SBR "
    f"{signal_to_background:g}, $\\tau_\\mathrm{{on}}=2$, $\\tau_\\mathrm{{off}}=10$, {frames} frames. All values in "
    "counts. Scale bars 1 µm.",
    data=views(first_look),
)

# %%
if study.interactive():
    import ipywidgets

    slider, choice = ipywidgets.FloatSlider, ipywidgets.SelectionSlider
    whole = {"continuous_update": False}
    controls = {
        "numerical_aperture": slider(numerical_aperture, min=1.2, max=1.49, step=0.01, **whole),
        "pixel_um": choice(options=sorted({0.065, 0.08, 0.108, 0.12, pixel_um}), value=pixel_um, **whole),
        "signal_to_background": slider(signal_to_background, min=1.1, max=20, step=0.1, **whole),
        "tau_on": ipywidgets.IntSlider(2, min=1, max=5, **whole),
        "tau_off": ipywidgets.IntSlider(10, min=1, max=20, **whole),
        "frames": ipywidgets.IntSlider(frames, min=20, max=max(200, frames), step=10, **whole),
    }

    @ipywidgets.interact(**controls)
    def redraw(**knobs):
        """Record and draw again."""
        figure = show(take(**knobs))
        display(figure)
        plt.close(figure)
else:
    print("Open this notebook in JupyterLab to move the sliders.")

# %% [markdown]
# **What this shows.** With noise, the standard deviation over time is lifted everywhere by the shot noise of the background:
# the fluctuation of the emitters must be found on top of it. Dense blinking (5, 1) makes it smaller, more signal larger.
#
# **What it does not.** A picture for one random draw is no measurement; the notebooks that follow measure.

# %% [markdown]
# ## The workflow of the source, with real intermediate images
#
# Fig. 2 of [jadhav2021] is a diagram of three blocks: **A** simulates, **B** runs MUSICAL on both members of a pair, **C**
# trains an auto-encoder to turn the noisy image into the noise-free one. Below, every picture in A and B was computed in
# this notebook; C is drawn as a box until the notebooks on artefact removal fill it.

# %%
settings = {"subpixels": subpixels, "progress": study.Progress("MUSICAL")}
nanoscopy = {name: musical(video[name], optics, **settings) for name in ("noise_free", "noisy")}
truth = samples["mitochondria"].render(pixel_um / 2)


# %%
def place(figure, box, image, title, norm=None):
    """Put an image with its title at a box (left, bottom, width, height) of the diagram."""
    axes = figure.add_axes(box)
    study.draw_image(axes, image, title=title, norm=norm or study.percentile_limits(image, 0, 99.8))


def arrow(figure, start, end):
    """Draw an arrow between two points of the diagram."""
    axes = figure.axes[0]
    axes.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": "#444444"})


figure = plt.figure(figsize=(10, 4.6))
figure.set_layout_engine("none")
canvas = figure.add_axes((0, 0, 1, 1))
canvas.set(xlim=(0, 1), ylim=(0, 1))
canvas.axis("off")
for left, right, name in (
    (0.005, 0.525, "A  simulator"),
    (0.535, 0.705, "B  MUSICAL"),
    (0.715, 0.995, "C  auto-encoder"),
):
    canvas.add_patch(plt.Rectangle((left, 0.02), right - left, 0.96, fill=False, edgecolor="#999999", linestyle="--"))
    canvas.text(left + 0.01, 0.93, name, fontweight="bold")
for start, end in (
    ((0.135, 0.5), (0.155, 0.5)),
    ((0.275, 0.5), (0.295, 0.5)),
    ((0.405, 0.6), (0.425, 0.7)),
    ((0.405, 0.4), (0.425, 0.3)),
    ((0.53, 0.7), (0.565, 0.7)),
    ((0.53, 0.3), (0.565, 0.3)),
    ((0.69, 0.3), (0.73, 0.46)),
    ((0.695, 0.7), (0.86, 0.66)),
    ((0.845, 0.46), (0.885, 0.46)),
    ((0.925, 0.53), (0.925, 0.6)),
):
    arrow(figure, start, end)
place(figure, (0.015, 0.36, 0.12, 0.28), truth, "A1 emitters")
trace_axes = figure.add_axes((0.175, 0.42, 0.1, 0.16))
trace_axes.fill_between(np.arange(60), traces[1, 20][:60], step="mid")
trace_axes.set(title="A2 blinking", xticks=[], yticks=[])
place(figure, (0.295, 0.36, 0.12, 0.28), video.noise_free.isel(frame=bright), "A3 microscope")
place(figure, (0.425, 0.58, 0.095, 0.24), video.noise_free.isel(frame=bright), "noise-free")
place(figure, (0.425, 0.16, 0.095, 0.24), video.noisy.isel(frame=bright), "A4 noise")
place(
    figure, (0.57, 0.56, 0.12, 0.28), nanoscopy["noise_free"], "noise-free", study.decades([nanoscopy["noise_free"]], 5)
)
place(figure, (0.57, 0.14, 0.12, 0.28), nanoscopy["noisy"], "noisy", study.decades([nanoscopy["noisy"]], 2))
canvas.add_patch(
    plt.Polygon([(0.735, 0.3), (0.735, 0.62), (0.78, 0.52), (0.78, 0.4)], facecolor="#cfe3f1", edgecolor="#444444")
)
canvas.add_patch(
    plt.Polygon([(0.835, 0.3), (0.835, 0.62), (0.79, 0.52), (0.79, 0.4)], facecolor="#cfe3f1", edgecolor="#444444")
)
canvas.text(0.785, 0.24, "encoder  *  decoder", ha="center")
canvas.text(0.925, 0.46, "restored\nimage", ha="center", va="center", bbox={"boxstyle": "round", "facecolor": "white"})
canvas.text(0.925, 0.65, "loss against the\nnoise-free image", ha="center", va="center", fontsize=8)
study.publish_figure(
    "jadhav2021-fig-2",
    figure,
    alt="Diagram in three blocks joined by arrows. A: simulated emitters, a blinking trace, the microscope image, and its "
    "noise-free and noisy frames. B: the MUSICAL images of both. C: an encoder and a decoder that turn the noisy "
    "MUSICAL image into a restored one, compared with the noise-free image by the loss.",
    caption="The approach of the source, drawn from this notebook's own sample: A simulates a pair of videos, B turns "
    "both into MUSICAL images (logarithmic colour scales, five decades without noise, two with), C learns to map one "
    "onto the other. The blinking trace is that of an emitter with mean times of 1 frame on and 20 off; * marks the "
    "latent space. Scale bars 1 µm.",
    data={
        "A1 emitters": truth,
        "A3 frame": video.noise_free.isel(frame=bright),
        "A4 frame": video.noisy.isel(frame=bright),
        "B noise-free": nanoscopy["noise_free"],
        "B noisy": nanoscopy["noisy"],
    },
)

# %% [markdown]
# **What this shows.** A pair of videos that differ in noise and background alone gives two MUSICAL images that differ in
# much more than noise. How much more is the subject of the [notebook on MUSICAL](03_musical.ipynb).
#
# **What it does not.** Block C is a drawing here; nothing has been learned yet.

# %% [markdown]
# ## Exercises
#
# 1. How many frames of (1, 20) blinking does it take until an emitter has been on at least once with probability 0.95?
#    Work it out, then check it with `blink`.
# 2. Scale every frame to $[0, 1]$ by itself instead of the whole video. What happens to the variance of a pixel over time?

# %% tags=["solution"]
never_on = [float((blink(20_000, n, 1, 20, rng=rng.dwell).max(axis=1) == 0).mean()) for n in (20, 40, 57, 60, 80)]
print("share of emitters never on after 20, 40, 57, 60, 80 frames:", np.round(never_on, 3))
print(
    "worked out: off at the start (20/21) and for n frames, so 20/21 exp(-n/20) = 0.05 gives n =",
    round(20 * np.log(20 / 21 / 0.05), 1),
)

# %% tags=["solution"]
per_frame = video.noise_free / video.noise_free.max(("y", "x"))
whole = video.noise_free / video.noise_free.max()
contrast = [float((stack.var("frame") / stack.mean("frame") ** 2).median()) for stack in (whole, per_frame)]
print("relative variance over time, whole video scaled and each frame scaled:", np.round(contrast, 4))
print("dividing by a maximum that fluctuates adds one fluctuation that all pixels share")

# %% [markdown]
# ## Provenance

# %%
study.end()
