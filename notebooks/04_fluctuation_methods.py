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
# # Fluctuation methods side by side: MUSICAL, SOFI, bSOFI, SRRF, eSRRF, ESI
#
# Six ways to turn one video of blinking emitters into one sharper image: what does each resolve, does it keep brightness,
# and what does it invent? All of them see the same simulated videos, whose truth is known, and then two real ones. The
# notebook also makes the SOFI, bSOFI and SRRF images that [jadhav2021] hands to its network in Fig. 7. As a lesson it takes a few
# minutes on a laptop; the last part uses two open videos (4.3 MB) and says so when it has to fall back on simulated ones.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
numerical_aperture: float = 1.42  # of the simulated objective
wavelength_um: float = 0.66  # emission wavelength of the simulation, µm
pixel_um: float = 0.08  # camera pixel in the sample, µm
frames: int = 200  # frames of a simulated video
tau_on: float = 2.0  # mean on-time of an emitter, frames
tau_off: float = 10.0  # mean off-time, frames
signal_to_background: float = 3.0  # brightest expected pixel over the background
background: float = 100.0  # expected counts of a pixel without signal
magnification: int = 3  # fine pixels per pixel and axis for MUSICAL, SRRF and eSRRF
ring_radius_px: float = 2.0  # radius of the gradient ring of SRRF, pixels
convergence_radius_px: float = 1.5  # width of the distance weight of eSRRF, pixels
partial_stacks: int = 10  # parts that ESI cuts a video into
separations_um: list[float] = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4]  # of two emitters, µm
repeats: int = 2  # videos per separation, and videos of emitters of graded brightness
real_frames: int = 100  # frames used of the real tubulin video, which has 400
tubulin_numerical_aperture: float = 1.4  # not stated with the data: a usual oil objective is assumed
tubulin_wavelength_um: float = 0.67  # not stated with the data: emission of a far-red dye is assumed, µm

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import Normalize

from nbsupport import study
from nbsupport.assess.artefacts import debris
from nbsupport.assess.resolution import decorrelation, frc, half_sets
from nbsupport.optics import Optics
from nbsupport.reconstruct.esi import esi
from nbsupport.reconstruct.musical import musical
from nbsupport.reconstruct.sofi import bsofi, cross_cumulant, cumulant
from nbsupport.reconstruct.srrf import esrrf, srrf
from nbsupport.reconstruct.stacks import read_stack
from nbsupport.simulate.acquisition import acquire
from nbsupport.simulate.camera import poisson, to_expected
from nbsupport.simulate.photokinetics import blink
from nbsupport.simulate.recording import record
from nbsupport.simulate.structures import Sample, microtubules, mitochondria, vesicles

study.begin("04_fluctuation_methods", globals())
optics = Optics(numerical_aperture=numerical_aperture, wavelength_um=wavelength_um)
blinking = {"frames": frames, "tau_on": tau_on, "tau_off": tau_off}
camera = {"signal_to_background": signal_to_background, "background": background}

# %% [markdown]
# ## The methods
#
# Each looks at the same fluctuations in its own way.
#
# | method | what it computes | unit of its image |
# |---|---|---|
# | **MUSICAL** [agarwal2016] | which test points have an image that lies in the signal subspace of a window | ratio to the power α/2 |
# | **SOFI** of order $n$ | cross-cumulants $\kappa_n$ of neighbouring pixels; the point spread function enters to the power $n$ and narrows by $\sqrt n$ | counts to the power $n$ |
# | **bSOFI** [girsault2016] | cumulants of orders 3 and 4, deconvolved, brought to the power $1/n$, merged by the on-ratio, which orders 2 to 4 give | 1 |
# | **SRRF** | how well the gradients on a ring point at its centre, in every frame, times the intensity; mean over time | 1 |
# | **eSRRF** | the same with all gradients around a point, weighted by distance | 1 |
# | **ESI** | cross-entropy of the intensities of two neighbours times their joint moment of order 4 in each | 1 |
#
# For $N$ emitters of brightness $\varepsilon$ that are on with probability $p$, the cumulants are
# $\kappa_2 = N\varepsilon^2 p(1-p)$, $\kappa_3 = N\varepsilon^3 p(1-p)(1-2p)$ and
# $\kappa_4 = N\varepsilon^4 p(1-p)(1-6p+6p^2)$.
#
# **The source says** ([jadhav2021], Fig. 7): SOFI of order 2, bSOFI, and SRRF with a ring radius of 2. It leaves the variant
# of SOFI, the point spread function of bSOFI, the magnification and the step over time of SRRF open.
#
# **What we do.** Zero-lag cross-cumulants of distinct pixels, their sub-lattices brought to one mean; for bSOFI the width
# of the Airy pattern and five Richardson–Lucy iterations; SRRF as a mean over time. Odd orders and order 4 can be
# negative, and noise makes order 2 so, too: we show and measure absolute values.

# %%
METHODS = {
    "MUSICAL": lambda stack, optics: musical(stack, optics, subpixels=magnification),
    "SOFI 2": lambda stack, optics: np.abs(cross_cumulant(stack, 2)),
    "SOFI 3": lambda stack, optics: np.abs(cross_cumulant(stack, 3)),
    "SOFI 4": lambda stack, optics: np.abs(cross_cumulant(stack, 4)),
    "bSOFI": bsofi,
    "SRRF": lambda stack, optics: srrf(stack, magnification=magnification, ring_radius_px=ring_radius_px),
    "eSRRF": lambda stack, optics: esrrf(stack, magnification=magnification, radius_px=convergence_radius_px),
    "ESI": lambda stack, optics: esi(stack, partial_stacks=partial_stacks),
}
colours = dict(zip(METHODS, plt.get_cmap("viridis")(np.linspace(0, 0.95, len(METHODS))), strict=True))
dashes = dict(zip(METHODS, ["-", "--", "-.", ":"] * 2, strict=True))
marks = dict(zip(METHODS, "os^vDPX*", strict=True))


# %%
def reconstruct(stack, optics):
    """Mean frame and image of every method."""
    return {"mean frame": stack.mean("frame"), **{name: make(stack, optics) for name, make in METHODS.items()}}


def draw(axes, image, title, scale_bar_um=1.0):
    """Draw an image over its 99.5th percentile, from 0 to 1; the mean frame from its minimum."""
    low = float(image.min()) if title == "mean frame" else 0.0
    scaled = (image - low) / (float(np.percentile(image, 99.5)) - low)
    return study.draw_image(axes, scaled, title=title, norm=Normalize(0, 1), scale_bar_um=scale_bar_um)


# %% [markdown]
# The first call of SRRF loads the package that computes it; that is no part of the method's time, so we make it on a small
# corner now.

# %%
rng = study.streams(seed, "structure", "photokinetics", "noise")
sample = vesicles(rng=rng["structure"])
video = record(
    sample, optics, rng=rng, pixel_um=pixel_um, progress=study.Progress("recording vesicles"), **blinking, **camera
)
warm_up = reconstruct(video.noisy.isel(y=slice(0, 16), x=slice(0, 16)), optics)

# %% [markdown]
# ## One sample, one video
#
# Vesicles, as in Fig. 7 of the source, recorded with noise at a signal-to-background ratio of 3 and without. Both videos
# share every emitter and every blink; the noise-free one has no background.

# %%
seconds, noisy = {}, {"mean frame": video.noisy.mean("frame")}
for name, make in study.track(METHODS.items(), "methods, noisy video", total=len(METHODS)):
    start = time.perf_counter()
    noisy[name] = make(video.noisy, optics)
    seconds[name] = time.perf_counter() - start
noise_free = reconstruct(video.noise_free, optics)
truth = sample.render(pixel_um / magnification)

# %%
figure, axes = plt.subplots(4, 5, figsize=(9.5, 7.8))
for rows, images in ((axes[:2], noisy), (axes[2:], noise_free)):
    label = "noisy" if images is noisy else "noise-free"
    for axis, (name, image) in zip(rows.flat, images.items(), strict=False):
        drawn = draw(axis, image, name)
    draw(rows.flat[-1], truth, "emitters (truth)")
    rows[0, 0].set_ylabel(label)
    rows[1, 0].set_ylabel(label)
figure.colorbar(drawn, ax=axes, shrink=0.5, label="value / 99.5th percentile")
study.publish_figure(
    "fluctuation-methods",
    figure,
    alt="Mean frame, images of eight methods and the true emitters, for the noisy video above and the noise-free video "
    "below. With noise the images by SOFI and bSOFI are grainy; MUSICAL breaks the rims; SRRF stays smooth, eSRRF has "
    "smooth rings on a raised, mottled ground. Without noise MUSICAL draws thin rims, SOFI 2 soft rings, and the higher "
    "orders beads.",
    caption=f"One video of vesicles ({frames} frames, SBR {signal_to_background:g}) through every method, with noise (upper "
    "two rows) and without (lower two). Each image is divided by its own 99.5th percentile and saturated there; scale bars "
    "1 µm.",
    data={f"{name}, noisy": image for name, image in noisy.items()}
    | {f"{name}, noise-free": image for name, image in noise_free.items()},
)

# %% [markdown]
# ## The inputs of Fig. 7
#
# **The source says**: a network trained on MUSICAL images also cleans images by SOFI, bSOFI and SRRF of the same noisy
# vesicles. Those images are its input; the network comes in a later notebook.

# %%
chosen = ["SOFI 2", "bSOFI", "SRRF"]
figure, axes = plt.subplots(2, 3, figsize=(7.4, 4.9))
for row, (label, images) in zip(axes, (("noisy", noisy), ("noise-free", noise_free)), strict=True):
    for axis, name in zip(row, chosen, strict=True):
        drawn = draw(axis, images[name], f"{name}, {label}", scale_bar_um=0.5)
figure.colorbar(drawn, ax=axes, shrink=0.7, label="value / 99.5th percentile")
study.publish_figure(
    "fluctuation-fig-7-inputs",
    figure,
    alt="SOFI of order 2, bSOFI and SRRF of the noisy vesicle video above, of the noise-free video below. Noise makes SOFI "
    "grainy and fills the rings of bSOFI with specks; SRRF keeps smooth rings with and without noise.",
    caption="What the network of jadhav2021, Fig. 7 is given: SOFI (order 2), bSOFI and SRRF (ring radius "
    f"{ring_radius_px:g} pixels, magnification {magnification}) of noisy vesicles, and the same methods without noise. "
    "Scale bars 500 nm.",
    data={f"{name}, noisy": noisy[name] for name in chosen}
    | {f"{name}, noise-free": noise_free[name] for name in chosen},
)

# %% [markdown]
# **What this shows.** The three inputs suffer differently. Cross-cumulants of distinct pixels contain no shot noise on
# average, but their scatter over a few hundred frames is as large as the fluctuations of densely labelled membranes; bSOFI
# inherits it from orders 3 and 4. SRRF works frame by frame and averages last: its image is smooth, and close to a
# sharpened mean frame. The beads of the noise-free higher orders are not emitters either: they are the scatter of cumulants
# of many overlapping emitters over a finite time.
#
# **What it does not.** The variants behind Fig. 7 are not stated. Another flattening, width or step over time changes these
# images.

# %% [markdown]
# ## Two emitters
#
# Two emitters in focus, at random orientation, in videos of their own. The *dip* is 1 − (value midway) / (mean of the values
# at both emitters), the background being taken off the mean frame alone. The Rayleigh criterion, an Airy disc on the first
# dark ring of another, corresponds to a dip of 0.265; its distance is 0.61 λ/NA.


# %%
def pair(separation_um, rng):
    """Two emitters in focus around the centre, at a random orientation, as a sample."""
    angle = rng["orientation"].uniform(0, np.pi)
    half = separation_um / 2 * np.array([np.cos(angle), np.sin(angle), 0.0])
    return Sample("two emitters", np.stack([half, -half]), np.zeros(2, dtype=int), ())


def dip(image, emitters_um):
    """1 − value midway over the mean of the values at two emitters."""
    points = xr.DataArray([*emitters_um, emitters_um.mean(axis=0)], dims=("point", "axis"))
    first, second, middle = image.interp(x=points[:, 0], y=points[:, 1], method="linear").values
    return 1 - middle / ((first + second) / 2)


# %%
dips = {name: np.empty((len(separations_um), repeats)) for name in ["mean frame", *METHODS]}
for i, separation in enumerate(study.track(separations_um, "two emitters")):
    for j in range(repeats):
        rng = study.streams(seed, *(f"pair {i} {j} {name}" for name in ("orientation", "photokinetics", "noise")))
        rng = {name.split()[-1]: stream for name, stream in rng.items()}
        two = pair(separation, rng)
        seen = record(two, optics, rng=rng, pixel_um=pixel_um, field_um=20 * pixel_um, **blinking, **camera)
        for name, image in reconstruct(seen.noisy, optics).items():
            level = background if name == "mean frame" else 0.0
            dips[name][i, j] = dip(image - level, two.emitters_um)

# %%
rayleigh_um = 0.61 * wavelength_um / numerical_aperture
figure, axes = plt.subplots(figsize=(6.4, 3.6))
for name in METHODS:
    axes.plot(
        separations_um, dips[name].mean(axis=1), dashes[name], marker=marks[name], color=colours[name], label=name
    )
axes.plot(separations_um, dips["mean frame"].mean(axis=1), color="black", linewidth=2, label="mean frame")
axes.axhline(0.265, color="gray", linewidth=0.8)
axes.axvline(rayleigh_um, color="gray", linewidth=0.8)
axes.set(xlabel="separation of two emitters (µm)", ylabel="dip between them", ylim=(-0.6, 1.05))
axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
study.publish_figure(
    "fluctuation-two-emitters",
    figure,
    alt="Dip between two emitters against their separation for every method. MUSICAL is deep from the smallest separations "
    "on; SOFI rises the sooner the higher its order, ESI about with order 3, bSOFI, SRRF and eSRRF about with order 2; the mean "
    "frame rises last, beyond the Rayleigh distance.",
    caption=f"Dip between two emitters against their separation, mean of {repeats} videos each. Horizontal line: the dip of "
    "the Rayleigh criterion; vertical line: its distance. Dips below −0.6 lie outside the axes.",
    data={"separation_um": separations_um} | {f"dip {name}": values.mean(axis=1) for name, values in dips.items()},
)


# %%
def resolved_from(values):
    """Smallest separation from which on the mean dip stays above that of Rayleigh; NaN if it never does."""
    above = values.mean(axis=1) > 0.265
    last_below = np.flatnonzero(~above)
    first = last_below[-1] + 1 if last_below.size else 0
    return separations_um[first] if first < len(separations_um) else float("nan")


limits = {name: resolved_from(values) for name, values in dips.items()}

# %% [markdown]
# **What this shows.** A little below the Rayleigh distance the mean frame shows one spot and every method two; from
# about half of it downwards only MUSICAL still tells: two emitters span few dimensions of a window. Where the dip of
# SOFI is there at all, it grows with the order.
#
# **What it does not.** Two emitters in the dark are the easiest sample. A dip says nothing about whether the peaks stand in
# the right places, and a method that breaks every line into dots makes deep dips everywhere.

# %% [markdown]
# ## Linearity in brightness
#
# Six emitters, far from each other, of brightness 1 to 6. All six blink alike, so that nothing but their brightness
# differs. A linear image shows them as 1 to 6; the exponent is the slope of
# the response against brightness on logarithmic axes. For SOFI of order $n$ theory says $n$; bSOFI takes the root of
# that and should give 1.

# %%
brightness = np.arange(1.0, 7.0)
places = np.array([(x, y, 0.0) for y in (-0.55, 0.55) for x in (-1.1, 0.0, 1.1)])


def graded(rng):
    """Noisy video of the six emitters."""
    photons = blink(1, **blinking, rng=rng["photokinetics"]) * brightness[:, None]
    expected = to_expected(acquire(places, photons, optics, pixel_um=pixel_um, field_um=3.6), **camera)
    return poisson(expected, rng=rng["noise"])


def response(image, place):
    """Largest value within 100 nm of an emitter, above the median of the image."""
    x, y = place[:2]
    near = (image.x - x) ** 2 + (image.y - y) ** 2 < 0.1**2
    return float(image.where(near).max() - image.median())


# %%
responses = {name: np.empty((repeats, len(brightness))) for name in ["mean frame", *METHODS]}
for j in study.track(range(repeats), "graded brightness"):
    rng = study.streams(seed, f"graded {j} photokinetics", f"graded {j} noise")
    rng = {name.split()[-1]: stream for name, stream in rng.items()}
    for name, image in reconstruct(graded(rng), optics).items():
        responses[name][j] = [response(image, place) for place in places]

# %%
floor = 1e-6  # a dim emitter may lie below the median of the image


def relative(name):
    """Mean response over the videos, relative to the largest."""
    mean = responses[name].mean(axis=0)
    return mean / mean.max()


exponents = {
    name: [float(np.polyfit(np.log(brightness), np.log(np.maximum(row / row.max(), floor)), 1)[0]) for row in values]
    for name, values in responses.items()
}
figure, axes = plt.subplots(figsize=(6.4, 3.6))
for name in METHODS:
    axes.loglog(
        brightness,
        np.maximum(relative(name), floor),
        dashes[name],
        marker=marks[name],
        color=colours[name],
        label=name,
    )
axes.loglog(brightness, np.maximum(relative("mean frame"), floor), color="black", linewidth=2, label="mean frame")
axes.set(xlabel="brightness of the emitter (relative)", ylabel="response / largest", ylim=(1e-3, 2))
axes.set_xticks(brightness, [f"{value:g}" for value in brightness])
axes.minorticks_off()
axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
study.publish_figure(
    "fluctuation-linearity",
    figure,
    alt="Response against brightness of six emitters on logarithmic axes. The mean frame has slope one, and SRRF and "
    "eSRRF nearly so; SOFI 2 and 3 have slopes near their order, SOFI 4 a flatter one at the dimmest emitter; bSOFI "
    "keeps to the mean frame until it loses the dimmest emitter; ESI drops all but the brightest.",
    caption=f"Response to six isolated emitters of graded brightness, mean of {repeats} videos, relative to the largest. A "
    "straight line of slope 1 is a faithful image. Responses below 1e-3 lie outside the axes.",
    data={"brightness": brightness} | {f"response {name}": relative(name) for name in responses},
)

# %% [markdown]
# **What this shows.** SOFI raises brightness to its order: by theory an emitter half as bright as another shows a sixteenth of
# its value in order 4. Orders 2 and 3 measure so; the exponent of order 4 comes out lower and differs between videos, since the
# dimmest emitter drowns in the scatter of the cumulant. What looks empty may only be dim. The root in bSOFI undoes this,
# but its cuts (the mean of the image, and n % of the maximum) take the dimmest emitters away. The indicator of MUSICAL
# says how well an emitter is told from noise, not how bright it is.
#
# **What it does not.** A power law fits only the methods that keep every emitter. Where some are lost (bSOFI, ESI) the
# exponent says little more than that: a response below the median of the image counts as a millionth of the largest.
# The emitters are isolated; a denser label changes the response of the methods that compare neighbours.

# %% [markdown]
# ## Resolution without truth, artefacts with it, and time
#
# *Fourier ring correlation* (FRC) compares images of two halves of the video, cut into blocks of time; *decorrelation*
# reads a single image. *Debris* is the share of an image's light that lies more than 100 nm from every emitter; blur
# alone makes some, as in the mean frame.

# %%
first = half_sets(frames, rng=study.streams(seed, "halves").halves, blocks=10)
halves = [reconstruct(video.noisy.isel(frame=np.flatnonzero(half)), optics) for half in (first, ~first)]
rings = {name: frc(halves[0][name], halves[1][name]).resolution for name in noisy}
single = {name: decorrelation(image).resolution if min(image.shape) >= 64 else None for name, image in noisy.items()}
level = {name: image - background if name == "mean frame" else image for name, image in noisy.items()}
spilled = {name: debris(sample, image) for name, image in level.items()}
spilled_noise_free = {name: debris(sample, image) for name, image in noise_free.items()}


# %%
def finite(value, digits):
    """A rounded number, or None where there is none."""
    return round(float(value), digits) if value is not None and np.isfinite(value) else None


def two_digits(value):
    """A number with two significant digits, or None where there is none."""
    return None if value is None else float(f"{value:.2g}")


def nanometres(value_um):
    """A length in words."""
    return f"{1000 * value_um:.0f} nm" if np.isfinite(value_um) else "no crossing"


names = ["mean frame", *METHODS]
study.publish_table(
    "fluctuation-comparison",
    {
        "method": names,
        "resolved from (µm)": [finite(limits[name], 2) for name in names],
        "FRC (µm)": [finite(rings[name], 3) for name in names],
        "decorrelation (µm)": [finite(single[name], 3) for name in names],
        "brightness exponent": [finite(np.mean(exponents[name]), 2) for name in names],
        "its spread (sd)": [finite(np.std(exponents[name], ddof=1), 2) if repeats > 1 else None for name in names],
        "debris, noisy": [finite(spilled[name], 2) for name in names],
        "debris, noise-free": [finite(spilled_noise_free[name], 2) for name in names],
        "time (s)": [two_digits(seconds.get(name)) for name in names],
    },
    caption=f"Every method on the same videos. Two emitters and brightness: {repeats} videos each; FRC (halves of "
    f"{frames // 2} frames, threshold 1/7), decorrelation, debris and time: the one noisy video of vesicles, "
    f"{video.sizes['x']} × {video.sizes['y']} pixels, {frames} frames, without the time to load packages. No value: no "
    "crossing below the Nyquist frequency, fewer than 64 pixels for decorrelation, or, for the mean frame, nothing to "
    "time.",
)

# %%
told = study.keep(
    "fluctuation_methods",
    quickest=min(seconds, key=seconds.get),
    slowest=max(seconds, key=seconds.get),
    ratio=max(seconds.values()) / min(seconds.values()),
    exponent_sofi_2=float(np.mean(exponents["SOFI 2"])),
    exponent_sofi_4=float(np.mean(exponents["SOFI 4"])),
    exponent_bsofi=float(np.mean(exponents["bSOFI"])),
    exponent_musical=float(np.mean(exponents["MUSICAL"])),
    frc_srrf=nanometres(rings["SRRF"]),
    frc_mean=nanometres(rings["mean frame"]),
    debris_srrf=spilled["SRRF"],
    debris_srrf_noise_free=spilled_noise_free["SRRF"],
)
study.say(
    "The brightness exponents are {exponent_sofi_2:.1f} for SOFI 2, {exponent_sofi_4:.1f} for SOFI 4, {exponent_bsofi:.1f} for "
    "bSOFI and {exponent_musical:.1f} for MUSICAL. FRC puts SRRF at {frc_srrf} and the mean frame at {frc_mean}; "
    "yet {debris_srrf:.0%} of the light in the SRRF image lies off the structure ({debris_srrf_noise_free:.0%} without noise). "
    "{slowest} takes {ratio:.0f} times as long as {quickest}.",
    told,
)

# %% [markdown]
# **What this shows.** A resolution read from images alone can be better than anything that was resolved: a method that sharpens
# both halves of a video alike makes them agree at high frequencies, whatever is there. Noise puts light where nothing is
# in every method but the mean frame.
#
# **What it does not.** One sample and one noise level. The times are those of these implementations on this machine, not of
# the methods.

# %% [markdown]
# ## Real videos
#
# **What we do.** The same functions on microtubules that blink at high density (65 nm pixels, astigmatic lens) and on the
# mitochondrion of the [notebook on MUSICAL](03_musical.ipynb). Aperture and wavelength of the microtubules are not stated
# with the data; MUSICAL and bSOFI need them, and we take those of the parameters cell. The offset of their camera (99)
# is taken off; that of the other is unknown and stays.

# %%
tubulin_optics = Optics(numerical_aperture=tubulin_numerical_aperture, wavelength_um=tubulin_wavelength_um)
path = study.locate("tubulin-storm-movie", "fluctuation/tubulin-storm-movie.tif")
if path is None:
    tubulin_stand_in = study.stand_in("tubulin-storm-movie")
    rng = study.streams(seed, "tubulin structure", "photokinetics", "noise")
    alike = microtubules(rng=rng["tubulin structure"])
    settings = {"pixel_um": 0.065, "field_um": 70 * 0.065, **blinking, **camera} | {"frames": real_frames}
    tubulin = record(alike, tubulin_optics, rng=rng, **settings).noisy - background
else:
    tubulin_stand_in = None
    tubulin = read_stack(path, pixel_um=0.065).isel(frame=slice(0, real_frames)) - 99.0
tubulin_images = reconstruct(tubulin, tubulin_optics)

# %%
mitochondrion_optics = Optics(numerical_aperture=1.4, wavelength_um=0.51)
real = "musical-cardiomyoblast-mitochondrion"
path = study.locate(real, "fluctuation/musical-cardiomyoblast-mitochondrion.tif")
if path is None:
    mitochondrion_stand_in = study.stand_in(real)
    rng = study.streams(seed, "stand-in structure", "photokinetics", "noise")
    alike = mitochondria(rng=rng["stand-in structure"], count=1)
    settings = {"pixel_um": 0.08, **blinking, **camera} | {"frames": 100}
    mitochondrion = record(alike, mitochondrion_optics, rng=rng, **settings).noisy
else:
    mitochondrion_stand_in = None
    mitochondrion = read_stack(path, pixel_um=0.08)
mitochondrion_images = reconstruct(mitochondrion, mitochondrion_optics)


# %%
def gallery(images, scale_bar_um, height):
    """Draw mean frame and all methods on three rows."""
    figure, axes = plt.subplots(3, 3, figsize=(7.4, height))
    for axis, (name, image) in zip(axes.flat, images.items(), strict=True):
        drawn = draw(axis, image, name, scale_bar_um=scale_bar_um)
    figure.colorbar(drawn, ax=axes, shrink=0.5, label="value / 99.5th percentile")
    return figure


study.publish_figure(
    "fluctuation-real-tubulin",
    gallery(tubulin_images, 1.0, 6.6),
    alt="Mean frame and eight methods on blinking microtubules. "
    + (
        "MUSICAL, SOFI 2, bSOFI and SRRF show thinner filaments than the mean frame does; SOFI 3, SOFI 4 and ESI break them "
        "into beads; eSRRF stays close to the mean frame."
        if tubulin_stand_in
        else "MUSICAL, SOFI 2 and SRRF show crossing filaments thinner than the mean frame does; SOFI 4 and ESI keep only the "
        "brightest spots, SOFI 3 and bSOFI break filaments into beads; eSRRF adds a mottled background."
    ),
    caption=f"{'Simulated' if tubulin_stand_in else 'Real'} microtubules, {tubulin.sizes['frame']} frames of 65 nm pixels, NA "
    f"{tubulin_numerical_aperture:g} and {1000 * tubulin_wavelength_um:.0f} nm assumed. Scale bar 1 µm."
    + ("" if tubulin_stand_in else " Data: M. Ovesný et al., 3denseSTORM."),
    data=tubulin_images,
    stand_in=tubulin_stand_in,
)
study.publish_figure(
    "fluctuation-real-mitochondrion",
    gallery(mitochondrion_images, 0.5, 5.0),
    alt="Mean frame and eight methods on one mitochondrion. "
    + (
        "Every method follows the band of the mean frame: SOFI 2 and bSOFI fill it; MUSICAL, SOFI 3 and SOFI 4 show it as dots, "
        "SRRF and ESI as a row of blobs, eSRRF on a raised ground."
        if mitochondrion_stand_in
        else "SRRF and eSRRF draw one thin line along its middle, MUSICAL dots within it; the cumulants fill its whole width "
        "with grain, most at its edges in order 2."
    ),
    caption=f"{'A simulated' if mitochondrion_stand_in else 'A real'} mitochondrion, {mitochondrion.sizes['frame']} "
    "frames of 80 nm pixels, NA 1.4, "
    "510 nm. Scale bar 500 nm." + ("" if mitochondrion_stand_in else " Data: K. Agarwal and S. Acuña, MusiJ."),
    data=mitochondrion_images,
    stand_in=mitochondrion_stand_in,
)

# %% [markdown]
# **What this shows.** In the real videos: where molecules blink strongly (microtubules), MUSICAL, SOFI 2 and SRRF agree
# on the course of the brightest filaments. Where the video fluctuates little more than shot noise does (mitochondrion),
# cumulants have little to work on, and the methods contradict each other: one line along the middle, or a filled band.
#
# **What it does not.** There is no truth. Agreement of methods that share their assumptions proves little. Where a caption
# names a stand-in, nothing here has been seen of real data.

# %% [markdown]
# ## Exercises
#
# 1. The auto-cumulant of order 2 of a pixel without any emitter is not 0. Predict its value for the noisy video before you
#    compute it, and name two ways to be rid of it.
# 2. Multiply a video by 3. By what factors do the cumulants of orders 2, 3 and 4 grow, and what happens to bSOFI?

# %% tags=["solution"]
light = video.noise_free.mean("frame")
dark = light < light.quantile(0.1)
noise_only = {
    "auto, lag 0": cumulant(video.noisy, 2),
    "auto, lag 1": cumulant(video.noisy, 2, lags=(0, 1)),
    "cross": cross_cumulant(video.noisy, 2).interp(y=video.y, x=video.x),
}
for name, image in noise_only.items():
    print(f"{name}: {float(image.where(dark).median()):.2f} in {int(dark.sum())} dark pixels")
print(
    f"expected at lag 0: the variance of shot noise, {background:g}; gone at a lag of one frame, or between two pixels"
)

# %% tags=["solution"]
corner = video.noisy.isel(y=slice(0, 20), x=slice(0, 20))
for order in (2, 3, 4):
    factor = float(np.abs(cross_cumulant(3 * corner, order)).sum() / np.abs(cross_cumulant(corner, order)).sum())
    print(f"order {order}: {factor:.6g}, expected {3**order}")
print(
    f"bSOFI changes by {float(np.abs(bsofi(3 * corner, optics) - bsofi(corner, optics)).max()):.1e}: it is divided by its maximum"
)

# %% [markdown]
# ## Provenance

# %%
study.end()
