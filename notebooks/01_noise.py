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
# # Noise: what a camera adds to an image
#
# What is noise, what is not, and what can be said about it before any denoising begins? This notebook simulates the image
# formation that [laine2021] describes in its section 2, regenerates its Fig. 2 and draws the figures that its Boxes 1 and 2
# put into words: why the mean squared error prefers the worse of two recordings, and what a camera's noise obeys. Then
# two real cameras are asked the same questions. As a lesson it takes about a minute. The parts on real cameras use 6 MB of
# open data and say so when they have to fall back on simulated stand-ins.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
numerical_aperture: float = 1.4  # of the objective
wavelength_um: float = 0.66  # emission wavelength, µm
pixel_um: float = 0.08  # camera pixel in the sample, µm
background: float = 10.0  # expected photons of a pixel without signal
signal_to_background: float = 20.0  # brightest expected pixel over the background
gain: float = 2.2  # of the simulated camera, ADU per photon
offset: float = 100.0  # ADU
read_noise: float = 3.5  # standard deviation without light, ADU (1.6 photons)
exposures: int = 1000  # of the gradient from 1 to 10,000 photons; the measurement asks for 1000 or more
flat_frames: int = 200  # frames of every flat field, 64 x 64 pixels each
repeats: int = 50  # noisy frames per exposure time in the comparison of MSE and PSNR
averaged: int = 4096  # most exposures that are averaged, a power of 2

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import scipy.io
import xarray as xr
from matplotlib.colors import CenteredNorm
from scipy import ndimage, optimize, stats

from nbsupport import study
from nbsupport.assess.fidelity import mse, psnr
from nbsupport.assess.statistics import resampled
from nbsupport.optics import Optics
from nbsupport.reconstruct.stacks import read_stack
from nbsupport.simulate import camera
from nbsupport.simulate.acquisition import acquire
from nbsupport.simulate.structures import microtubules, mitochondria

study.begin("01_noise", globals())
optics = Optics(numerical_aperture=numerical_aperture, wavelength_um=wavelength_um)
detector = {"gain": gain, "offset": offset, "read_noise": read_noise}
rng = study.streams(
    seed, "structure", "noise", "illumination", "gradient", "flat", "em", "exposure", "average", "lines", "bootstrap"
)

# %% [markdown]
# ## From the object to the frame
#
# **The source says** ([laine2021], section 2.1 and Fig. 2): noise is the difference between the light that reaches a pixel
# and the value that is measured. Limited resolution, uneven light, stray light and other faults also make an image worse,
# but are not noise. The light itself fluctuates (shot noise), and the detector adds its own fluctuation. Only the image
# with both can be measured. Nothing is said about the structure, the optics or the numbers behind the figure.
#
# **What we do.** Mitochondria from the [simulator](02_simulator.ipynb), labelled three times as densely as there,
# imaged by its microscope and counted by a camera whose gain, offset and read noise are those of a present-day sCMOS. A
# measured value is
#
# $$x_i = a\,\varphi(s_i) + \varepsilon_i,\qquad \varphi(s_i)\sim\mathrm{Poisson}(s_i),\qquad
# \varepsilon_i\sim\mathcal N(o, \sigma^2),$$
#
# with $s_i$ photons expected, a gain $a$ in analogue-to-digital units (ADU) per photon, an offset $o$ and read noise
# $\sigma$ (Box 2).

# %%
sample = mitochondria(rng=rng.structure, count=4, density_per_um2=1500)
always_on = np.ones((len(sample.emitters_um), 1))
light = acquire(sample.emitters_um, always_on, optics, pixel_um=pixel_um, field_um=5.0).isel(frame=0, drop=True)
expected = camera.to_expected(light, background=background, signal_to_background=signal_to_background)
chain = {
    "object": sample.render(pixel_um).assign_attrs(units="emitters"),
    "diffraction-limited": expected,
    "with shot noise": camera.poisson(expected, rng=rng.noise),
    "measured frame": camera.poisson_gaussian(expected, **detector, rng=rng.noise),
}


# %% [markdown]
# What else may spoil the image, before the camera does? We let the field darken towards its corners (vignetting, leaving 25 %
# there), light it by the speckle of a laser (grains of 0.8 µm, two patterns averaged), and add a ghost: a displaced and
# blurred copy with 40 % of the light. All three are then recorded by the same camera.

# %%
spoilt = {
    "noise only": expected,
    "vignetting": camera.vignetting(expected, corner=0.25),
    "speckled illumination": camera.speckled_illumination(expected, grain_um=0.8, patterns=2, rng=rng.illumination),
    "ghost image": camera.ghost(expected, shift_um=(0.6, 0.9), fraction=0.4, blur_um=0.1),
}
frames = {name: camera.poisson_gaussian(image, **detector, rng=rng.noise) for name, image in spoilt.items()}

# %%
busy = int(np.abs(expected.diff("x")).sum("x").argmax("y"))
line_um = float(expected.y[busy])
profiles = {name: image.isel(y=[busy]) for name, image in chain.items()}
figure = plt.figure(figsize=(10.5, 7.4))
grid = figure.add_gridspec(3, 4, height_ratios=[1, 1, 0.8])
shared = plt.Normalize(offset, float(frames["ghost image"].max()))
for column, (name, frame) in enumerate(frames.items()):
    axes = figure.add_subplot(grid[0, column])
    drawn = study.draw_image(axes, frame, title=f"a  {name.removesuffix('d illumination')}", norm=shared)
    figure.colorbar(drawn, ax=axes, shrink=0.8, label="ADU", extend="max")
for column, (name, image) in enumerate(chain.items()):
    axes = figure.add_subplot(grid[1, column])
    drawn = study.draw_image(axes, image, title=f"b  {name}")
    figure.colorbar(drawn, ax=axes, shrink=0.8, label=image.attrs["units"])
    axes.axhline(line_um, color="red", linestyle="--", linewidth=0.9)
for column, (name, profile) in enumerate(profiles.items()):
    axes = figure.add_subplot(grid[2, column])
    axes.plot(profile.x, profile[0], drawstyle="steps-mid", linewidth=0.9)
    axes.set(title=f"c  {name}", xlabel="x (µm)", ylabel=profile.attrs["units"], ylim=(0, None))
    if column in (1, 2):
        s, sd = expected[busy], np.sqrt(expected[busy])
        axes.fill_between(s.x, s - sd, s + sd, color="C1", alpha=0.4, label="± SD", linewidth=0)
        axes.set(ylim=(0, 1.4 * float(s.max())))
        axes.legend(loc="upper right", handlelength=1)
study.publish_figure(
    "laine2021-fig-2",
    figure,
    alt="Row a: mitochondria with noise only, darker towards the corners, lit in bright grains, and doubled by a faint "
    "displaced copy. Row b: emitters on thin walls, their blurred image, the same with shot noise, and the measured frame. "
    "Row c: profiles along a dashed line; sharp peaks at the walls become smooth bumps, then noisy ones, and the band of "
    "the shot noise is widest at the bumps.",
    caption=f"Image corruptions and the formation of an image. (a) The same structure recorded with noise only, with "
    f"vignetting, under speckled illumination (its brightest grains saturate the scale) and with a ghost image. "
    f"(b) The object, its image at NA {numerical_aperture:g}, "
    "that image with shot noise, and with shot and detector noise. (c) Profiles along the dashed red lines; the band is one "
    "standard deviation of the shot noise to either side. Scale bars 1 µm.",
    data={f"a {name}": frame for name, frame in frames.items()}
    | {f"b {name}": image for name, image in chain.items()}
    | {f"c {name}": profile for name, profile in profiles.items()},
)

# %% [markdown]
# How is noise told from the three faults? By a second exposure: noise comes out differently, everything else repeats
# itself.

# %%
again = {name: camera.poisson_gaussian(image, **detector, rng=rng.noise) for name, image in spoilt.items()}
clean = gain * expected + offset
repeated = {
    name: np.corrcoef((frames[name] - clean).values.ravel(), (again[name] - clean).values.ravel())[0, 1]
    for name in spoilt
}
faults = study.keep("repeated_error", **{name.replace(" ", "_"): value for name, value in repeated.items()})
study.say(
    "Correlation between the errors of two exposures: {noise_only:.2f} with noise only, {vignetting:.2f} with vignetting, "
    "{speckled_illumination:.2f} under speckle, {ghost_image:.2f} with a ghost.",
    faults,
)

# %% [markdown]
# **What this shows.** Diffraction takes the detail, shot noise follows the signal, detector noise lies over everything.
# Averaging exposures would remove the noise and nothing else.
#
# **What it does not.** The source's own structure and strengths are not known; ours were chosen so that each fault is seen.

# %% [markdown]
# ## Box 2: the noise of one pixel
#
# ### Shot noise
#
# **The source says**: the photons counted follow a Poisson distribution around $s_i$ with standard deviation $\sqrt{s_i}$.
# Bright pixels are noisier in absolute terms, and less noisy relative to their signal.
#
# **What we do.** A gradient from 1 to 10,000 photons is exposed many times, by a detector without noise of its own and by three
# that add 1, 3 and 10 photons (standard deviation). The power law is fitted column by column, so that its uncertainty comes
# from independent pixels.

# %%
levels, columns = np.geomspace(1, 1e4, 41), 50
gradient = xr.DataArray(
    np.broadcast_to(levels[:, None], (exposures, len(levels), columns)),
    dims=("frame", "y", "x"),
    attrs={"units": "photons"},
)
added = (0.0, 1.0, 3.0, 10.0)
measured = {
    sd: camera.poisson_gaussian(gradient, read_noise=sd, rng=rng.gradient) for sd in study.track(added, "exposing")
}
mean = {sd: counts.mean("frame") for sd, counts in measured.items()}
spread = {sd: counts.std("frame", ddof=1) for sd, counts in measured.items()}


# %%
def confidence(values):
    """Mean of independent values with its 95 % interval (normal)."""
    centre, half = np.mean(values), 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return centre, centre - half, centre + half


laws = np.polynomial.polynomial.polyfit(np.log(levels), np.log(spread[0.0].values), 1)
power = {"sd_exponent": confidence(laws[1]), "sd_prefactor": confidence(np.exp(laws[0]))}
study.claim(
    "laine2021-shot-noise-sqrt",
    measured=power,
    n=columns,
    spread="95 % over independent columns of pixels",
)


# %%
def snr_over(sd, chosen):
    """Signal-to-noise ratio of every level, from some of the columns."""
    return mean[sd].values[:, chosen].mean(axis=1) / np.sqrt((spread[sd].values[:, chosen] ** 2).mean(axis=1))


def rises(chosen):
    """Whether that ratio rises from every level to the next."""
    shot_only, *with_detector = (int((np.diff(snr_over(sd, chosen)) > 0).all()) for sd in added)
    return {"snr_rises_shot_only": shot_only, "snr_rises_with_detector": min(with_detector)}


snr = {sd: snr_over(sd, slice(None)) for sd in added}
study.claim(
    "laine2021-relative-noise-falls",
    measured=resampled(rises, columns, rng=rng.bootstrap),
    n=columns,
    spread="95 % bootstrap over columns of pixels",
)

# %% [markdown]
# ### Detector noise, and the photon transfer curve
#
# **The source says**: the detector's noise is often Gaussian, centred on a constant offset, and has the same spread at every
# light level. For electron-multiplying cameras (EMCCD) this is inaccurate, and an *excess noise* that depends on the signal
# must be added.
#
# **What we do.** If the model holds, the variance of a pixel is a straight line over its mean,
#
# $$\operatorname{var}[x_i] = a\,(\operatorname{E}[x_i] - o) + \sigma^2,$$
#
# the *photon transfer curve*: its slope is the gain and its intercept the variance of the detector, both in the camera's own
# units and without knowing the light. We draw it for a uniform detector, for one whose read noise and offset differ from
# pixel to pixel as on an sCMOS chip, and for an EMCCD. The variance is taken from differences of neighbouring frames.

# %%
side = 64
maps = {
    "gain": gain * rng.flat.normal(1, 0.01, (side, side)),
    "offset": rng.flat.normal(offset, 2, (side, side)),
    "variance": read_noise**2 * rng.flat.lognormal(0, 0.5, (side, side)),
}


def flat(photons, frames=flat_frames):
    """Flat field: every pixel of every frame expects the same number of photons."""
    return xr.DataArray(
        np.full((frames, side, side), float(photons)), dims=("frame", "y", "x"), attrs={"units": "photons"}
    )


def transfer(expose, dark, photons):
    """Photon transfer points of flat fields at several light levels."""
    return xr.concat([camera.transfer_points(expose(flat(s)), offset=dark) for s in photons], "level")


steps = (0, 3, 10, 30, 100, 300)
points = {
    "uniform": transfer(lambda s: camera.poisson_gaussian(s, **detector, rng=rng.flat), offset, steps),
    "sCMOS": transfer(lambda s: camera.scmos(s, **maps, rng=rng.flat), maps["offset"], steps),
}
lines = {name: camera.fit_photon_transfer(found) for name, found in points.items()}

# %%
set_variance = {"uniform": read_noise**2, "sCMOS": maps["variance"].mean()}
deviation = {name: 100 * (lines[name].read_variance / set_variance[name] - 1) for name in lines}
worst = max(deviation, key=lambda name: abs(deviation[name]))
half = 100 * 1.96 * lines[worst].read_variance_sd / set_variance[worst]
error = abs(deviation[worst])
study.claim(
    "laine2021-detector-noise-uniform",
    measured=(error, max(0.0, error - half), error + half),
    n=len(steps) * flat_frames * side**2,
    spread="95 %, standard error of the weighted fit",
)

# %%
dark = {
    "uniform": camera.poisson_gaussian(flat(0, 20), **detector, rng=rng.flat).values.ravel(),
    "sCMOS": camera.scmos(flat(0, 20), **maps, rng=rng.flat).values.ravel(),
}
distance = {name: stats.kstest(stats.zscore(values), "norm").statistic for name, values in dark.items()}
shape = study.keep("dark_values", uniform=distance["uniform"], scmos=distance["sCMOS"], gain=lines["sCMOS"].gain)
study.say(
    "The Kolmogorov–Smirnov distance of dark values from a Gaussian is {uniform:.4f} for the uniform detector. All pixels of "
    "the sCMOS chip taken together are no Gaussian ({scmos:.3f}): each is one, with an offset and a width of its own. The "
    "fitted gain of the chip is {gain:.3f} ADU per photon.",
    shape,
)

# %% [markdown]
# (Of so many truly Gaussian values, 95 samples in 100 would stay below a distance of 0.003.)
#
# The EMCCD. Every electron is multiplied by a random factor of mean 300 on its way through the register, so that the variance of
# the output is $2a^2s$ instead of $a^2s$. In photon units the slope is 2. The mean alone does not betray this: with a
# gain of $2a$ the additive model would draw the same line. What tells them apart is light of known strength, or the shape
# of the distribution. Given both, which model makes unseen frames more probable? Each model's read noise is fitted on
# half of the frames by maximum likelihood; the other half is scored.

# %%
em = {"em_gain": 300.0, "offset": offset, "read_noise": 30.0}
em_levels = (0.5, 1, 2, 5, 10, 20, 50)
em_frames = {s: camera.emccd(flat(s, flat_frames), **em, rng=rng.em) for s in em_levels}
em_points = xr.concat([camera.transfer_points(counts, offset=offset) for counts in em_frames.values()], "level")
em_line = camera.fit_photon_transfer(em_points)
slope = np.array([em_line.gain, em_line.gain - 1.96 * em_line.gain_sd, em_line.gain + 1.96 * em_line.gain_sd])


# %%
def scores(sd, excess, half):
    """Log-likelihood of every value in one half of the frames (in photons, a part of the field)."""
    chosen = {s: (counts[half::2, :16, :16].values.ravel() - offset) / em["em_gain"] for s, counts in em_frames.items()}
    return np.concatenate([camera.log_likelihood(x, s, read_noise=sd, excess=excess) for s, x in chosen.items()])


def fitted(excess):
    """Read noise (photons) of highest likelihood on the even frames."""
    search = {"bounds": (0.03, 20.0), "method": "bounded", "options": {"xatol": 1e-3}}
    return float(optimize.minimize_scalar(lambda sd: -scores(sd, excess, 0).mean(), **search).x)


em_sd = {excess: fitted(excess) for excess in (False, True)}
gained = scores(em_sd[True], True, 1) - scores(em_sd[False], False, 1)
study.claim(
    "laine2021-emccd-excess-noise",
    measured={"variance_slope_ratio": tuple(slope / em["em_gain"]), "heldout_gain_nats": confidence(gained)},
    n=len(gained),
    spread="95 %: standard error of the fit; paired over held-out values",
)

# %% [markdown]
# ### Averages converge
#
# **The source says**: noise is centred on the signal. Averaged over many acquisitions, a pixel tends to its true value (once the
# offset is taken off). Noise2Noise rests on this.
#
# **What we do.** The mitochondria are exposed 1 to 4096 times. Every exposure is corrected for offset and gain, and the
# average is compared with the truth. Beside it, an sCMOS chip that is corrected by one offset for all pixels instead of
# its map.

# %%
counts = 2 ** np.arange(int(np.log2(averaged)) + 1)
patch = expected.isel(y=slice(0, 40), x=slice(0, 40)).expand_dims(frame=64)
chip = {
    "gain": np.full((40, 40), gain),
    "offset": rng.average.normal(offset, 2, (40, 40)),
    "variance": np.full((40, 40), read_noise**2),
}
detectors = {
    "offset known": lambda s: camera.poisson_gaussian(s, **detector, rng=rng.average),
    "one offset for all pixels": lambda s: camera.scmos(s, **chip, rng=rng.average),
}


def averages(expose):
    """Average of the first N corrected exposures less the truth, (N, y, x), for every N."""
    blocks = [expose(patch).values for _ in range(max(1, averaged // 64))]
    running = np.cumsum((np.concatenate(blocks) - offset) / gain, axis=0)
    return running[counts - 1] / counts[:, None, None] - patch[0].values


errors = {name: averages(expose) for name, expose in detectors.items()}
rms = {name: np.sqrt((error**2).mean(axis=(1, 2))) for name, error in errors.items()}

# %%
groups = errors["offset known"].reshape(len(counts), 16, -1)
slopes = np.polyfit(np.log(counts), np.log(np.sqrt((groups**2).mean(axis=2))), 1)[0]
overall = np.polyfit(np.log(counts), np.log(rms["offset known"]), 1)[0]
bias = 100 * errors["offset known"][-1].mean() / patch[0].mean().item()
bias_half = 100 * 1.96 * errors["offset known"][-1].std() / 40 / patch[0].mean().item()
_, low, high = confidence(slopes - slopes.mean() + overall)
study.claim(
    "laine2021-average-converges",
    measured={
        "rms_slope": (overall, low, high),
        "bias_percent": (abs(bias), max(0.0, abs(bias) - bias_half), abs(bias) + bias_half),
    },
    n=40 * 40,
    spread="95 %: over 16 groups of pixels; standard error over pixels",
)

# %% [markdown]
# ### Pixels are independent, or not
#
# **The source says**: given the signal, the noise of one pixel does not influence its neighbours,
# $p(x|s)=\prod_i p(x_i|s_i)$. Self-supervised denoising lives on it. *Structured* noise, such as the stripes of some CMOS
# cameras, breaks it.
#
# **What we do.** We correlate the noise of a pixel with that of its neighbours, in differences of successive frames: for the
# camera above, for one whose rows share a part of the noise, for one whose noise is smoothed over neighbours, and for a
# real sCMOS camera (TIRF microscopy of microtubules, 20 frames).

# %%
tirf = "tirf-microtubules-exposure-series"
tirf_paths = [study.locate(tirf, f"denoising/tirf-microtubules{name}") for name in ("-200hz.tif", "-offset.mat")]
if None in tirf_paths:
    tirf_stand_in = study.stand_in(tirf)
    standing = study.streams(seed, "tirf stand-in")["tirf stand-in"]
    cell = microtubules(rng=standing)
    dim = acquire(cell.emitters_um, np.ones((len(cell.emitters_um), 1)), optics, pixel_um=0.065, field_um=5.0)
    dim = camera.to_expected(dim.isel(frame=[0] * 20), background=1, signal_to_background=20)
    tirf_offset = np.round(standing.normal(95, 2, dim.shape[1:]))
    ones = np.ones(dim.shape[1:])
    tirf_frames = camera.scmos(dim, gain=2.2 * ones, offset=tirf_offset, variance=6 * ones, rng=standing)
else:
    tirf_stand_in = None
    tirf_frames = read_stack(tirf_paths[0], pixel_um=0.065).astype(float)
    tirf_offset = scipy.io.loadmat(tirf_paths[1])["offset"].astype(float)

# %%
still = expected.expand_dims(frame=200)
plain = camera.poisson_gaussian(still, **detector, rng=rng.lines)
recorded = {
    "independent": plain,
    "rows share noise": camera.line_noise(plain, row_sd=8.0, rng=rng.lines),
    "smoothed noise": camera.correlated_noise(plain, sd=15.0, length_px=1.5, rng=rng.lines),
    "real sCMOS" if tirf_stand_in is None else "stand-in": tirf_frames,
}
correlation = {name: camera.pixel_correlation(taken, reach=6) for name, taken in recorded.items()}

# %% [markdown]
# All of Box 2 in one figure:

# %%
figure, axes = plt.subplots(2, 3, figsize=(10, 5.8))
for sd in added:
    label = "shot noise alone" if sd == 0 else f"and detector noise of {sd:g}"
    axes[0, 0].loglog(levels, spread[sd].mean("x"), ".", markersize=3, label=label)
    axes[0, 1].loglog(levels, snr[sd], ".-", markersize=3, linewidth=0.7, label=label)
axes[0, 0].plot(levels, np.sqrt(levels), color="black", linewidth=0.8, label="$\\sqrt{s}$")
axes[0, 0].set(title="noise grows with the signal", xlabel="mean (photons)", ylabel="SD (photons)")
axes[0, 1].set(title="and falls relative to it", xlabel="mean (photons)", ylabel="mean / SD")
for name, marker in (("uniform", "o"), ("sCMOS", "x")):
    label = f"{name}: slope {lines[name].gain:.3f},\nintercept {lines[name].read_variance:.2f} (set {set_variance[name]:.2f})"
    bars = {"fmt": marker, "markersize": 4, "label": label}
    axes[0, 2].errorbar(points[name]["mean"], points[name]["variance"], 1.96 * points[name]["standard_error"], **bars)
axes[0, 2].axline((0, read_noise**2), slope=gain, color="black", linewidth=0.8, label=f"as set, slope {gain:g}")
axes[0, 2].set(title="photon transfer", xlabel="mean − offset (ADU)", ylabel="variance (ADU²)")
brightest_shown = 40  # photons
beyond = [s for s in steps if s > brightest_shown]
axes[0, 2].set(xlim=(-5, brightest_shown * gain), ylim=(0, 60 * gain**2))
photons = em_points["mean"] / em["em_gain"]
axes[1, 0].loglog(photons, em_points["variance"] / em["em_gain"] ** 2, "o", markersize=4, label="EMCCD")
axes[1, 0].plot(photons, 2 * photons, color="C0", linewidth=0.8, label="slope 2")
axes[1, 0].plot(photons, photons, color="black", linewidth=0.8, label="shot noise, slope 1")
axes[1, 0].set(title="excess noise", xlabel="mean (photons)", ylabel="variance (photons²)")
for name, error in rms.items():
    axes[1, 1].loglog(counts, error, ".-", label=name)
axes[1, 1].plot(counts, rms["offset known"][0] / np.sqrt(counts), color="black", linewidth=0.8, label="$N^{-1/2}$")
axes[1, 1].set(title="averages converge", xlabel="exposures averaged", ylabel="RMS error (photons)")
for name, found in correlation.items():
    axes[1, 2].plot(found.x_lag[7:], found.sel(y_lag=0)[7:], ".-", label=name)
axes[1, 2].axhline(0, color="black", linewidth=0.8)
axes[1, 2].set(title="correlation of noise along a row", xlabel="distance (pixels)", ylabel="correlation")
for axis in axes.flat:
    axis.legend(fontsize=7)
study.publish_figure(
    "laine2021-box-2",
    figure,
    alt="Six panels. Standard deviation rises as the root of the mean, with a floor where detector noise is added. The ratio of "
    "mean to standard deviation rises throughout. Variance over mean is a straight line for a uniform and for an sCMOS "
    "detector. The EMCCD's variance is twice the mean. The error of an average falls as one over the root of the number, "
    "or levels off where the offsets of single pixels are unknown. Noise correlates between pixels only where it is structured.",
    caption="The noise model and its consequences. Above: spread of the values, signal-to-noise ratio, photon transfer curve. "
    "Below: excess noise of an EMCCD, error of averaged exposures, correlation of the noise between neighbours in a row. "
    f"The photon transfer panel ends at {brightest_shown} photons; the levels of {' and '.join(map(str, beyond))} photons, also "
    "fitted, lie outside it. "
    + ("Real sCMOS: TIRF microscopy, 200 Hz, B. Mandracchia et al., ACsN." if tirf_stand_in is None else ""),
    data={"level_photons": levels}
    | {f"sd_with_{sd:g}": spread[sd].mean("x").values for sd in added}
    | {f"snr_with_{sd:g}": snr[sd] for sd in added}
    | {f"{name}_{key}_adu": found[key].values for name, found in points.items() for key in ("mean", "variance")}
    | {"em_mean_photons": photons.values, "em_variance_photons2": em_points["variance"].values / em["em_gain"] ** 2}
    | {"exposures": counts}
    | {f"rms_{name}": error for name, error in rms.items()}
    | {"lag_px": np.arange(7)}
    | {f"correlation_{name}": found.sel(y_lag=0).values[6:] for name, found in correlation.items()},
    stand_in=tirf_stand_in,
)

# %%
neighbour = {name: float(found.sel(y_lag=0, x_lag=1)) for name, found in correlation.items()}
real = list(neighbour)[-1]
structured = study.keep(
    "pixel_independence",
    independent=neighbour["independent"],
    rows=neighbour["rows share noise"],
    smooth=neighbour["smoothed noise"],
    real=neighbour[real],
    real_error=1.96 * correlation[real].attrs["standard_error"],
    floor=rms["one offset for all pixels"][-1],
)
study.say(
    "Correlation of direct neighbours in a row: {independent:.3f} for the independent camera, {rows:.2f} where rows "
    f"share noise, {{smooth:.2f}} where noise is smoothed, and {{real:.3f}} ± {{real_error:.3f}} for the {real} camera. "
    "Averages corrected by one offset stop improving at {floor:.2f} photons: what repeats itself in every frame is not "
    "centred, and no average removes it.",
    structured,
)

# %% [markdown]
# **What this shows.** The model of Box 2 does what the box says, each part of it measured. Its assumptions are
# independent of each other: an EMCCD keeps its pixels independent and breaks the additive model; stripes add a variance
# that does not depend on the light, as the model allows, and break independence; an unknown offset map breaks neither and
# spoils the average.
#
# **What it does not.** A simulated detector cannot fail a test of the model that made it: for the first five panels "reproduced"
# means that the statements follow from the model and that simulation and estimators are right. Only the real camera could
# have disagreed, where its files are at hand.

# %% [markdown]
# ## Box 1: the paradox of the absolute error
#
# **The source says**: of a dim and a bright recording of one sample, each compared with its own noise-free image, the mean
# squared error (MSE) prefers the dim one. The peak signal-to-noise ratio relates the error to the range
# $R(s)=\max s-\min s$ of the clean image,
#
# $$\mathrm{PSNR}(x,s) = 10\log_{10}\frac{R(s)^2}{\mathrm{MSE}(x,s)},$$
#
# and prefers the bright one.
#
# **What we do.** The mitochondria at relative exposures of 1, 2, 5, 10, 50 and 100 (50 photons at the brightest pixel of the
# dimmest), the same camera for all. PSNR is computed with the range of the clean image, and again with the constants 255
# and 65535 that programs often assume.

# %%
factors = np.array([1, 2, 5, 10, 50, 100])
dimmest = expected * (50 / expected.max())
ranges = {"truth": None, "255": 255.0, "65535": 65535.0}
scored = {"mse": np.empty((repeats, 6))} | {name: np.empty((repeats, 6)) for name in ranges}
for column, factor in study.track(list(enumerate(factors)), "scoring exposures"):
    s = dimmest * factor
    truth = gain * s + offset
    ranges["truth"] = (truth.max() - truth.min()).item()
    for row in range(repeats):
        x = camera.poisson_gaussian(s.assign_attrs(units="photons"), **detector, rng=rng.exposure)
        scored["mse"][row, column] = mse(truth, x)
        for name, data_range in ranges.items():
            scored[name][row, column] = psnr(truth, x, data_range=data_range)

# %%
average = {name: values.mean(axis=0) for name, values in scored.items()}
shot_limited = gain**2 * dimmest.mean().item() * factors > read_noise**2
limited_steps = shot_limited[:-1] & shot_limited[1:]


def changes(name, chosen):
    """Change of a mean score from every exposure to the next, over some of the noisy frames."""
    return np.diff(scored[name][chosen].mean(axis=0))


def mse_steps(chosen):
    """Over how many steps the MSE rises, and whether it does over all that are shot-limited."""
    rising = changes("mse", chosen) > 0
    everywhere = limited_steps.any() and rising[limited_steps].all()
    return {"mse_rising_steps": int(rising.sum()), "mse_rises_shot_limited": int(everywhere)}


study.claim(
    "laine2021-mse-paradox",
    measured=resampled(mse_steps, repeats, rng=rng.bootstrap),
    n=repeats,
    spread="95 % bootstrap over noisy frames",
)


# %%
def psnr_steps(chosen):
    """Over how many steps PSNR rises with the range of the clean image, and falls with the constant ones."""
    return {
        "psnr_rising_steps": int((changes("truth", chosen) > 0).sum()),
        "fixed_range_falling_steps": int(sum((changes(name, chosen) < 0).sum() for name in ("255", "65535"))),
    }


decades = np.polyfit(np.log10(factors[shot_limited]), scored["truth"][:, shot_limited].T, 1)[0]
study.claim(
    "laine2021-psnr-resolves-paradox",
    measured=resampled(psnr_steps, repeats, rng=rng.bootstrap) | {"psnr_slope_db_per_decade": confidence(decades)},
    n=repeats,
    spread="95 % over noisy frames: normal for the slope, bootstrap for the steps",
)

# %%
figure, axes = plt.subplots(1, 5, figsize=(11, 2.6), width_ratios=[1, 1, 1.3, 1.3, 1.3])
for axis, factor in zip(axes, (factors[0], factors[-1]), strict=False):
    s = (dimmest * factor).assign_attrs(units="photons")
    x = camera.poisson_gaussian(s, **detector, rng=rng.exposure)
    drawn = study.draw_image(axis, x, title=f"exposure {factor}")
    figure.colorbar(drawn, ax=axis, shrink=0.7, label="ADU")
axes[2].loglog(factors, average["mse"], "o-", label="measured")
theory = gain**2 * dimmest.mean().item() * factors + read_noise**2
axes[2].plot(factors, theory, color="black", linewidth=0.8, label="$a^2\\bar s + \\sigma^2$")
axes[2].set(title="MSE (lower is better)", xlabel="relative exposure", ylabel="ADU²")
axes[2].legend()
axes[3].semilogx(factors, average["truth"], "o-", color="C2")
axes[3].set(title="PSNR, range of the clean image", xlabel="relative exposure", ylabel="dB")
axes[4].semilogx(factors, average["255"], "o-", label="range 255")
axes[4].semilogx(factors, average["65535"], "s-", label="range 65535")
axes[4].set(title="PSNR, constant range", xlabel="relative exposure", ylabel="dB")
axes[4].legend()
study.publish_figure(
    "laine2021-box-1",
    figure,
    alt="A dim, grainy and a bright, smooth recording of one sample. The mean squared error rises with exposure. The PSNR with "
    "the range of the clean image rises by ten decibels per decade; with a constant range it falls.",
    caption="The paradox of the absolute error: a dim and a bright recording, MSE, PSNR with the range of the clean "
    f"image, and PSNR with a constant range, over exposure. Means of {repeats} frames; their 95 % intervals are smaller "
    "than the markers. Scale bars 1 µm.",
    data={"exposure": factors, "mse_adu2": average["mse"], "mse_theory_adu2": theory}
    | {f"psnr_range_{name}_db": average[name] for name in ranges},
)

# %%
paradox = study.keep(
    "exposure_paradox",
    mse_ratio=average["mse"][-1] / average["mse"][0],
    gained=average["truth"][-1] - average["truth"][0],
    lost=average["255"][0] - average["255"][-1],
)
study.say(
    "From exposure 1 to 100 the MSE grows {mse_ratio:.0f}-fold. With the range of the clean image, PSNR rises by "
    "{gained:.1f} dB; with a constant range it falls by {lost:.1f} dB. **The same pair of images, two opposite "
    "verdicts**: which range was taken is part of the number.",
    paradox,
)

# %% [markdown]
# ### Turn the knobs
#
# One frame, the noise in it, and a row of both with the standard deviation that the model of Box 2 predicts. Which knob
# changes the picture, and which only the numbers?


# %%
def one_frame(photons, background, gain, read_noise):
    """A frame with so many photons at the brightest pixel, its mean and the predicted standard deviation, in ADU."""
    s = (background + photons * light / light.max()).assign_attrs(units="photons")
    knobs = {"gain": gain, "offset": offset, "read_noise": read_noise}
    frame = camera.poisson_gaussian(s, **knobs, rng=study.streams(seed, "knobs").knobs)
    return {"frame": frame, "mean": gain * s + offset, "sd": np.sqrt(gain**2 * s + read_noise**2)}


def show_frame(frame, mean, sd):
    """Draw a frame, its noise, and one row of it."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 2.5), width_ratios=[1, 1, 1.7])
    around_zero = {"norm": CenteredNorm(halfrange=2 * float(sd.max())), "cmap": "vanimo"}
    views = {"frame": (frame, {}), "noise alone": (frame - mean, around_zero)}
    for axis, (title, (image, drawing)) in zip(axes, views.items(), strict=False):
        drawn = study.draw_image(axis, image, title=title, **drawing)
        figure.colorbar(drawn, ax=axis, shrink=0.8, label="ADU", extend="both" if drawing else "neither")
    axes[0].axhline(line_um, color="red", linestyle="--", linewidth=0.9)
    show_row(axes[2], *(image.isel(y=busy) for image in (frame, mean, sd)))
    axes[2].set_title(f"MSE {mse(mean, frame):.3g} ADU², PSNR {truth_range_psnr(mean, frame):.1f} dB")
    return figure


def show_row(axis, frame, mean, sd):
    """Draw a row of a frame over its mean and the band of one standard deviation."""
    axis.fill_between(mean.x, mean - sd, mean + sd, color="C1", alpha=0.4, label="mean ± SD", linewidth=0)
    axis.plot(frame.x, frame, drawstyle="steps-mid", linewidth=0.9, label="frame")
    axis.set(xlabel="x (µm)", ylabel="ADU", ylim=(None, float(1.4 * frame.max() - 0.4 * frame.min())))
    axis.legend(loc="upper left", ncols=2)


def truth_range_psnr(mean, frame):
    """PSNR with the range of the clean frame."""
    return psnr(mean, frame, data_range=float(mean.max() - mean.min()))


# %%
start = {"photons": 50.0, "background": background, "gain": gain, "read_noise": read_noise}
first_look = one_frame(**start)
study.publish_figure(
    "noise-knobs",
    show_frame(**first_look),
    alt="A grainy frame of mitochondria, the grain alone, and one row of the frame, which scatters about its mean mostly within "
    "a band of one standard deviation that is wider where the signal is brighter. A dashed line marks the row.",
    caption="A frame with 50 photons at the brightest pixel over the background, its noise, and the row of the dashed red line. "
    "PSNR is that with the range of the clean frame. Scale bars 1 µm.",
    data=first_look,
)

# %%
if study.interactive():
    import ipywidgets

    slider, whole = ipywidgets.FloatSlider, {"continuous_update": False}
    controls = {
        "photons": ipywidgets.FloatLogSlider(value=start["photons"], base=10, min=0, max=4, step=0.1, **whole),
        "background": slider(background, min=0, max=max(100, background), step=1, **whole),
        "gain": slider(gain, min=min(0.2, gain), max=max(5, gain), step=0.1, **whole),
        "read_noise": slider(read_noise, min=0, max=max(30, read_noise), step=0.5, **whole),
    }

    @ipywidgets.interact(**controls)
    def redraw(**knobs):
        """Expose and draw again."""
        figure = show_frame(**one_frame(**knobs))
        display(figure)
        plt.close(figure)
else:
    print("Open this notebook in JupyterLab to move the sliders.")

# %% [markdown]
# **What this shows.** The paradox and its solution, as the source describes them. A PSNR with a constant range *is* an
# MSE on another scale and inherits its paradox. Of the knobs, photons, background and read noise change the picture;
# the gain hardly more than the numbers, as long as shot noise dominates.
#
# **What it does not.** Whether PSNR ranks images by their artefacts is another question, put in the notebook on
# metrics. The slope of 10 dB per decade needs shot noise to dominate; exercise 2 leaves that regime.

# %% [markdown]
# ## Two real cameras
#
# **What we do.** The photon transfer curve asks a camera for its gain and read noise. First the TIRF frames of above (Hamamatsu
# C11440-22C; its software states 0.5 photoelectrons per ADU, which we read as a gain of 2 ADU per photon), with the offset
# map that comes with them. Then blinking molecules on another sCMOS camera that comes with maps of offset, variance and
# gain. There the variance map is subtracted, so that the line should pass through zero. Pixels that molecules light up are
# left out, since blinking adds a variance of its own. As a control, frames simulated with the same maps go through the
# same analysis.

# %%
storm = "scmos-storm-sample"
storm_paths = [study.locate(storm, f"fluctuation/scmos-storm-{name}") for name in ("sample.dax", "calibration.npy")]
centres = (np.arange(256) + 0.5) * 0.16
on_chip = {"dims": ("frame", "y", "x"), "coords": {"y": centres, "x": centres}}
storm_rng = study.streams(seed, "storm maps", "storm frames", "storm control")


def blinking(chip, rng):
    """Ten frames of spots that blink on a smooth glow, recorded by a chip with these maps."""
    spots = ndimage.gaussian_filter(600.0 * (rng.random((10, 256, 256)) < 2e-4), (0, 1, 1))
    glow = xr.DataArray(spots + np.linspace(4, 10, 256), **on_chip, attrs={"units": "photons"})
    return camera.scmos(glow, **chip, rng=rng)


if None in storm_paths:
    storm_stand_in = study.stand_in(storm)
    draw, shape = storm_rng["storm maps"], (256, 256)
    variance = np.minimum(5.73 * draw.lognormal(0, 0.4, shape), 1962)
    storm_maps = {"gain": draw.normal(2.11, 0.1, shape), "offset": draw.normal(90.4, 0.8, shape), "variance": variance}
    storm_frames = blinking(storm_maps, storm_rng["storm frames"])
else:
    storm_stand_in = None
    values = np.fromfile(storm_paths[0], ">u2").reshape(-1, 256, 256)[:10].astype(float)
    storm_frames = xr.DataArray(values, **on_chip, attrs={"units": "ADU"})
    with warnings.catch_warnings(action="ignore"):  # the file is of a numpy so old that reading it warns
        stored = np.load(storm_paths[1]).transpose(0, 2, 1)  # x and y are exchanged in the file
    storm_maps = dict(zip(("offset", "variance", "gain"), stored, strict=True))
control = blinking(storm_maps, storm_rng["storm control"])


# %%
def quiet_points(frames):
    """Photon transfer points of the pixels around which nothing blinks and whose own read noise is not extreme."""
    change = np.ptp(ndimage.gaussian_filter(frames.values, (0, 1.5, 1.5)), axis=0)
    calm = (ndimage.maximum_filter(change, 9) < np.quantile(change, 0.9)) & (storm_maps["variance"] < 20)
    known = {"offset": storm_maps["offset"], "read_variance": storm_maps["variance"]}
    return camera.transfer_points(frames, **known, bins=10, inside=calm)


real_points = {
    "TIRF": camera.transfer_points(tirf_frames, offset=tirf_offset, bins=20),
    "STORM": quiet_points(storm_frames),
    "control": quiet_points(control),
}
real_lines = {name: camera.fit_photon_transfer(found) for name, found in real_points.items()}

# %%
figure, axes = plt.subplots(2, 3, figsize=(10, 5.6))
for row, (name, taken, bar_um) in enumerate((("TIRF", tirf_frames, 2.0), ("STORM", storm_frames, 5.0))):
    view = taken.mean("frame")
    limits = study.percentile_limits(view, 0.5, 99.8)
    drawn = study.draw_image(axes[row, 0], view, title=f"{name}: mean frame (ADU)", norm=limits, scale_bar_um=bar_um)
    figure.colorbar(drawn, ax=axes[row, 0], shrink=0.8)
    found, line = real_points[name], real_lines[name]
    axes[row, 1].errorbar(found["mean"], found["variance"], 1.96 * found["standard_error"], fmt=".", label="measured")
    span = np.array([min(0.0, found["mean"].min().item()), found["mean"].max().item()])
    axes[row, 1].plot(span, line.variance(span), label=f"fit, slope {line.gain:.2f} ± {1.96 * line.gain_sd:.2f}")
axes[0, 1].plot([0, 30], [0, 60], color="black", linestyle="--", linewidth=0.8, label="stated gain, no read noise")
axes[0, 1].set(title="TIRF: photon transfer", xlabel="mean − offset map (ADU)", ylabel="variance (ADU²)")
low = np.array([0.0, real_points["STORM"]["mean"].max().item()])
axes[1, 1].plot(
    real_points["control"]["mean"], real_points["control"]["variance"], "x", label="simulated from the maps"
)
median_gain = np.median(storm_maps["gain"])
axes[1, 1].plot(low, median_gain * low, color="black", linestyle="--", linewidth=0.8, label="as the maps say")
axes[1, 1].set(
    title="STORM: photon transfer", xlabel="mean − offset map (ADU)", ylabel="variance − variance map (ADU²)"
)
axes[1, 1].set_ylim(bottom=-60)
neighbours = correlation[real].copy()
neighbours.loc[{"y_lag": 0, "x_lag": 0}] = np.nan
limit = float(np.nanmax(np.abs(neighbours)))
shown = axes[0, 2].imshow(neighbours, cmap="PuOr", vmin=-limit, vmax=limit, extent=(-6.5, 6.5, 6.5, -6.5))
axes[0, 2].set(title="TIRF: correlation of noise", xlabel="distance along a row (pixels)", ylabel="along a column")
axes[0, 2].set(xticks=range(-6, 7, 3), yticks=range(-6, 7, 3))
figure.colorbar(shown, ax=axes[0, 2], shrink=0.8)
edges = np.geomspace(storm_maps["variance"].min(), 2000, 80)
axes[1, 2].stairs(np.histogram(storm_maps["variance"], edges)[0], edges, fill=True)
axes[1, 2].set(
    title="STORM: read noise over the chip", xlabel="variance (ADU²)", ylabel="pixels", xscale="log", yscale="log"
)
for axis in axes[:, 1]:
    axis.legend(loc="lower right")
sources = [text for text in (tirf_stand_in, storm_stand_in) if text]
owners = {"B. Mandracchia et al., ACsN": tirf_stand_in, "Zhuang lab, storm-analysis": storm_stand_in}
credits = [owner for owner, missing in owners.items() if not missing]
study.publish_figure(
    "noise-real-cameras",
    figure,
    alt=(
        "Above: microtubules; variance over mean on a straight line that is steeper than the stated gain; no pattern in the "
        "map of noise correlations. "
        if tirf_stand_in
        else "Above: microtubules; variance over mean on a nearly straight line that is steeper than the stated gain; a faint "
        "horizontal streak in the map of noise correlations. "
    )
    + (
        "Below: bright spots on a glow; variance over mean on the line that the maps predict; a narrow histogram of read "
        "variances."
        if storm_stand_in
        else "Below: bright spots; variance over mean on a line parallel to the one the calibration maps predict but some "
        "ten units to its right; a histogram of read variances with a long tail."
    ),
    caption=f"Photon transfer of {'stand-ins for ' if tirf_stand_in and storm_stand_in else ''}two real sCMOS cameras (95 "
    "% intervals). Above: TIRF of microtubules, 200 Hz, and the correlation of its noise between pixels (the centre, 1, "
    "is left out). Below: STORM frames, and the calibrated read "
    "variance of all pixels. Scale bars 2 and 5 µm." + (f" Data: {'; '.join(credits)}." if credits else ""),
    data={
        f"{name.lower()}_{key}_adu": found[key].values
        for name, found in real_points.items()
        for key in ("mean", "variance", "standard_error")
    },
    stand_in=" ".join(sources) or None,
)

# %%
rows = (tirf_frames[1::2].values - tirf_frames[::2].values).mean(axis=2)
found = study.keep(
    "real_cameras",
    tirf_gain=real_lines["TIRF"].gain,
    tirf_gain_half=1.96 * real_lines["TIRF"].gain_sd,
    tirf_variance=real_lines["TIRF"].read_variance,
    tirf_variance_half=1.96 * real_lines["TIRF"].read_variance_sd,
    tirf_chi2=real_lines["TIRF"].reduced_chi2,
    row_excess=rows.var() * tirf_frames.sizes["x"] / (tirf_frames[1::2].values - tirf_frames[::2].values).var(),
    storm_gain=real_lines["STORM"].gain,
    storm_gain_half=1.96 * real_lines["STORM"].gain_sd,
    storm_map_gain=median_gain,
    storm_shift=-real_lines["STORM"].read_variance / real_lines["STORM"].gain,
    control_gain=real_lines["control"].gain,
    control_gain_half=1.96 * real_lines["control"].gain_sd,
    control_shift=-real_lines["control"].read_variance / real_lines["control"].gain,
)
study.say(
    "**TIRF**: gain {tirf_gain:.2f} ± {tirf_gain_half:.2f} ADU per photon (stated: 2), read variance "
    "{tirf_variance:.1f} ± {tirf_variance_half:.1f} ADU²; the reduced χ² of the points about the line is "
    "{tirf_chi2:.0f} (1: they scatter as their errors allow). Row means vary {row_excess:.1f} times as much as "
    "independent pixels would allow. **STORM**: gain {storm_gain:.2f} ± {storm_gain_half:.2f} (median of the map: "
    "{storm_map_gain:.2f}); the line meets zero variance {storm_shift:+.1f} ADU from the offset map. In frames "
    "simulated with the same maps, where the offset is right by construction, the same analysis finds a gain of "
    "{control_gain:.2f} ± {control_gain_half:.2f} and {control_shift:+.1f} ADU.",
    found,
)

# %% [markdown]
# **What this shows.** With the real files (a stand-in obeys the model by construction; its rows share no noise and its offset is
# right): real cameras nearly obey the model, and where they do not, the curve says so. The variance of the TIRF frames
# grows faster than the stated gain allows, and their rows share some noise: pixels are *almost* independent. The STORM
# frames have nearly the slope that the maps predict, but far too little noise for their brightness: as if the true offset
# lay some ten ADU above the map's. The control says how much of it the analysis makes by itself: leaving out blinking
# pixels is not perfect, and may tilt the line a little. A localisation that trusted the map would count photons that are
# not there.
#
# **What it does not.** Photon transfer cannot separate an error in the offset from one in the read noise, since only
# $\sigma^2 - a\,o$ enters the line; dark frames would. The offset map of the TIRF camera holds whole numbers, its gain map
# is relative and was not used, and the structure may move between frames. Both sets are short (20 and 10 frames), and
# neither camera's light level is known. Where the caption names a stand-in, nothing has been measured of the camera it
# stands for.

# %% [markdown]
# ## Exercises
#
# 1. The same light can be spent on one exposure or on sixteen that are 16 times shorter and then added. Which is noisier, and
#    from how many photons on does it hardly matter? Work it out, then simulate.
# 2. Let the dimmest exposure of Box 1 be 1000 times dimmer. What happens to MSE and to the slope of the PSNR, and why?

# %% tags=["solution"]
for s in (1, 10, 100, 1000):
    once = camera.poisson_gaussian(flat(s, 16), **detector, rng=rng.flat).values
    parts = (
        camera.poisson_gaussian(flat(s / 16, 256), **detector, rng=rng.flat)
        .values.reshape(16, 16, side, side)
        .sum(axis=1)
    )
    ratio, theory = (parts.var() / once.var(), (gain**2 * s + 16 * read_noise**2) / (gain**2 * s + read_noise**2))
    print(f"{s:5d} photons: variance of the sum over that of one exposure {ratio:.2f}, worked out {theory:.2f}")
print(
    "shot noise adds up to the same either way; read noise is paid sixteen times, and adds less than a tenth above 149 "
    "σ²/a² photons:",
    round(149 * read_noise**2 / gain**2),
)

# %% tags=["solution"]
dimmer = np.geomspace(0.001, 0.1, 5)
decibels, mean_squares = [], []
for factor in dimmer:
    s = (dimmest * factor).assign_attrs(units="photons").expand_dims(frame=repeats)
    truth, x = gain * s + offset, camera.poisson_gaussian(s, **detector, rng=rng.exposure)
    mean_squares.append(mse(truth, x))
    decibels.append(psnr(truth, x, data_range=(truth.max() - truth.min()).item()))
print("MSE (ADU²), falling to the read variance as the light fades:", np.round(mean_squares, 2))
print("slope in dB per decade from step to step:", np.round(np.diff(decibels) / np.diff(np.log10(dimmer)), 1))
print("where the error no longer depends on the light, the squared range alone counts: 20 dB per decade")

# %% [markdown]
# ## Provenance

# %%
study.end()
