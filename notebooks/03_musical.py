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
# # MUSICAL: super-resolution from fluctuations, and what noise does to it
#
# How can a video of blinking emitters show detail below the diffraction limit, and what goes wrong when the video is
# noisy? This notebook builds the multiple signal classification algorithm [agarwal2016] up from one window of a video,
# regenerates Fig. 1 of [jadhav2021] (noisy and noise-free MUSICAL of mitochondria and vesicles), and runs the same code
# on a real mitochondrion. As a lesson it takes a few minutes; the last part uses an open video of 0.3 MB and says so
# when it has to fall back on a simulated stand-in.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
numerical_aperture: float = 1.42  # of the simulated objective
wavelength_um: float = 0.66  # emission wavelength of the simulation, µm
pixel_um: float = 0.08  # camera pixel in the sample, µm
frames: int = 200  # frames of a simulated video
mitochondrion_count: int = 3  # in the sample of Fig. 1; the source draws 1 to 4
vesicle_count: int = 15  # in the sample of Fig. 1; the source draws 10 to 30
tau_on: float = 2.0  # mean on-time of an emitter, frames
tau_off: float = 10.0  # mean off-time, frames
signal_to_background: float = 3.0  # brightest expected pixel over the background
background: float = 100.0  # expected counts of a pixel without signal
threshold: float | str = -1.0  # log10 of the singular value that ends the signal subspace, or "soft"
alpha: float = 4.0  # contrast exponent of the indicator
subpixels: int = 10  # test points per pixel and axis
coarse: int = 5  # the same for the parts that vary settings over many images
thresholds: list[float] = [-1.5, -1.0, -0.5]  # log10 thresholds that are tried
soft_orders: list[float] = [2.0, 8.0]  # orders q of the soft surrogate that are tried
on_times: list[int] = [1, 5]  # mean on-times of the resolution chart, frames
off_times: list[int] = [1, 5, 20]  # mean off-times of the resolution chart, frames
repeats: int = 2  # videos of the resolution chart per setting

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import Normalize
from scipy.stats import spearmanr

from nbsupport import study
from nbsupport.assess.artefacts import smallest_resolved_spacing
from nbsupport.assess.statistics import resampled
from nbsupport.optics import Optics
from nbsupport.reconstruct.eigenimages import SoftThreshold
from nbsupport.reconstruct.musical import musical, signal_dimension, singular_values, test_vectors, window_size
from nbsupport.reconstruct.stacks import read_stack
from nbsupport.simulate.recording import record
from nbsupport.simulate.structures import line_pairs, mitochondria, vesicles

study.begin("03_musical", globals())
optics = Optics(numerical_aperture=numerical_aperture, wavelength_um=wavelength_um)
blinking = {"frames": frames, "tau_on": tau_on, "tau_off": tau_off}
camera = {"signal_to_background": signal_to_background, "background": background}
settings = {"threshold": threshold, "alpha": alpha, "subpixels": subpixels}

# %% [markdown]
# ## Two samples, each recorded twice
#
# **The source says** ([jadhav2021], Fig. 1): mitochondria (a–d) and vesicles (e–h), 200 frames, with noise at a
# signal-to-background ratio of 3 and without. Aperture, pixel size and dwell times of the figure are not stated.
#
# **What we do.** One sample of each, drawn by the [simulator](02_simulator.ipynb). The noisy and the noise-free video
# share every emitter and every blink; the noise-free one has no background.

# %%
samples, videos = {}, {}
for kind, make, count in (("mitochondria", mitochondria, mitochondrion_count), ("vesicles", vesicles, vesicle_count)):
    rng = study.streams(seed, f"{kind} structure", "photokinetics", "noise")
    samples[kind] = make(rng=rng[f"{kind} structure"], count=count)
    videos[kind] = record(
        samples[kind],
        optics,
        rng=rng,
        pixel_um=pixel_um,
        progress=study.Progress(f"recording {kind}"),
        **blinking,
        **camera,
    )

# %% [markdown]
# ## One window: eigenimages and singular values
#
# MUSICAL looks at the video through a small window, about as wide as the Airy disc, and asks which images the fluctuations
# in it are made of. Each frame of the window becomes one column of a matrix $A$ (divided by the maximum of the whole
# video, weighted by a Gaussian), and its singular value decomposition
#
# $$A = U\,\Sigma\,V^\top$$
#
# gives orthogonal *eigenimages* (the columns of $U$) in the order of how strongly they occur (the singular values in
# $\Sigma$). Those above a threshold $\sigma_0$, and by the convention of MUSICAL the first one below it, span the *signal
# subspace*; the rest is noise.


# %%
def eigenimages(stack, row, column, size):
    """Eigenimages and singular values of the weighted window around one pixel."""
    half = size // 2
    offsets = np.arange(size) - half
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * half))
    window = stack.values[:, row - half : row + half + 1, column - half : column + half + 1] / stack.values.max()
    return np.linalg.svd((window * weights).reshape(len(window), -1).T, full_matrices=True)[:2]


size = window_size(optics, pixel_um)
inside = videos["mitochondria"].noise_free.mean("frame").values[size:-size, size:-size]
row, column = (int(i) + size for i in np.unravel_index(inside.argmax(), inside.shape))
U, sigma = {}, {}
for name in ("noise_free", "noisy"):
    U[name], sigma[name] = eigenimages(videos["mitochondria"][name], row, column, size)

# %%
level = -1.0 if threshold == "soft" else threshold
figure = plt.figure(figsize=(9, 3.4))
grid = figure.add_gridspec(2, 8, width_ratios=[1] * 5 + [0.3, 1.5, 1.5])
for i, name in enumerate(("noise_free", "noisy")):
    for j, k in enumerate((0, 1, 2, 3, 20)):
        axes = figure.add_subplot(grid[i, j])
        image = U[name][:, k].reshape(size, size) * np.sign(U[name][:, k].sum())
        axes.imshow(image, cmap="PuOr", vmin=-0.5, vmax=0.5)
        axes.set(xticks=[], yticks=[], title=f"{name.replace('_', '-')} {k + 1}")
axes = figure.add_subplot(grid[:, 6:])
for name, values in sigma.items():
    axes.semilogy(np.arange(1, len(values) + 1), values, ".-", label=name.replace("_", "-"))
axes.axhline(10**level, color="black", linewidth=0.8, linestyle="--", label=f"threshold $10^{{{level:g}}}$")
axes.set(xlabel="index", ylabel="singular value", title="spectrum of one window", ylim=(1e-6, None))
axes.legend()
study.publish_figure(
    "musical-eigenimages",
    figure,
    alt="Eigenimages 1 to 4 and 21 of one window. Without noise the first four are smooth and the 21st is finely "
    "chequered; with noise only the first is smooth and the 21st is salt and pepper. The noise-free singular values "
    "fall over many decades, the noisy ones fall slowly and mostly stay above the threshold.",
    caption=f"Eigenimages of one window of {size} × {size} pixels on a mitochondrion, with and without noise, and their "
    "singular values. Colour: −0.5 (orange) to 0.5 (purple).",
    data={"index": np.arange(1, size**2 + 1), **{f"singular_value_{name}": values for name, values in sigma.items()}},
)

# %%
dims = {name: int((values >= 10**level).sum() + 1) for name, values in sigma.items()}
fall = study.keep(
    "window_spectrum",
    pixels=size**2,
    clean=dims["noise_free"],
    noisy=dims["noisy"],
    decades=float(np.log10(sigma["noise_free"][0] / sigma["noise_free"][20])),
    flat=float(sigma["noisy"][20] / sigma["noisy"][size**2 - 1]),
)
study.say(
    "Of {pixels} possible eigenimages, {clean} count as signal without noise and {noisy} with it. The first 21 noise-free "
    "singular values fall by {decades:.1f} decades; with noise, values 21 to {pixels} lie within a factor of {flat:.1f} of "
    "each other.",
    fall,
)

# %% [markdown]
# **What this shows.** The microscope can only make smooth images, so the noise-free fluctuations live in few dimensions.
# Noise fills all of them, and lifts the floor on which a threshold must be found.

# %% [markdown]
# ## Test points and the indicator
#
# An emitter at a test point would give the window the image $g$. Where an emitter really is, $g$ lies in the signal
# subspace; elsewhere it does not. With the squared projections $P_S = \sum_{i \le m}(u_i\cdot g)^2$ and
# $P_N = \lVert g\rVert^2 - P_S$, the indicator is
#
# $$f = (P_S/P_N)^{\alpha/2},$$
#
# evaluated on a grid much finer than the pixels. MUSICAL averages the maps of all windows that cover a point.


# %%
def window_indicator(name):
    """PS, PN and f of one window, on the fine grid."""
    half, offsets = size // 2, np.arange(size) - size // 2
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * half)).ravel()
    vectors = test_vectors(optics, pixel_um, size, subpixels).numpy()
    vectors = vectors / vectors.max() * weights[:, None]
    signal = ((U[name][:, : dims[name]].T @ vectors) ** 2).sum(axis=0)
    noise = np.maximum((vectors**2).sum(axis=0) - signal, 1e-12 * (vectors**2).sum(axis=0))
    return {"PS": signal, "PN": noise, "f": (signal / noise) ** (alpha / 2)}


fine = (np.arange(size * subpixels) + 0.5) / subpixels * pixel_um
indicator = {
    f"{name.replace('_', '-')}: {key}": xr.DataArray(
        values.reshape(len(fine), -1), dims=("y", "x"), coords={"y": fine, "x": fine}
    )
    for name in ("noise_free", "noisy")
    for key, values in window_indicator(name).items()
}
figure, axes = plt.subplots(2, 3, figsize=(6.4, 4.2))
for axis, (title, image) in zip(axes.flat, indicator.items(), strict=True):
    scale = study.decades([image], 4) if title.endswith("f") else None
    drawn = study.draw_image(axis, image, title=title, norm=scale, scale_bar_um=0.2)
    figure.colorbar(drawn, ax=axis, shrink=0.8)
study.publish_figure(
    "musical-indicator",
    figure,
    alt="Projection on the signal subspace, on the noise subspace, and the indicator over one window, without noise and "
    "with noise. Without noise the indicator has a few narrow maxima on a ridge; with noise one broad blob with less detail.",
    caption="Signal and noise projections of the test points of one window and their ratio (logarithmic). Scale bar 200 nm.",
    data=indicator,
)

# %% [markdown]
# ## The whole image: Fig. 1 of the source
#
# **The source says**: compared with the noise-free image, MUSICAL of the noisy video shows debris in the background and
# membranes that can no longer be told apart (mitochondria), edges that are less sharp (yellow arrows) and structures out
# of focus that the noise-free image suppresses (red arrows; vesicles).
#
# **What we do.** The source's settings (α 4, ten test points per pixel and axis) with a hard threshold: the equations of
# its "automatic soft threshold" are not openly available. Every image is divided by its own maximum, as the source does
# for training. Arrows come from the known geometry: red at the centre of the vesicle farthest from focus, yellow at the
# edge of the largest one near it.

# %%
nanoscopy = {
    (kind, name): musical(videos[kind][name], optics, progress=study.Progress(f"MUSICAL of {kind}"), **settings)
    for kind in samples
    for name in ("noisy", "noise_free")
}
normalised = {key: image / image.max() for key, image in nanoscopy.items()}

# %%
inner = [v for v in samples["vesicles"].objects if np.abs(v.centre[:2]).max() < 2.0 and v.radius_um > 0.1]
defocused = max(inner, key=lambda v: abs(v.centre[2]))
focused = max(inner, key=lambda v: v.radius_um - 10 * max(0.0, abs(v.centre[2]) - 0.15))
arrows = {"red": defocused.centre[:2], "gold": focused.centre[:2] + [focused.radius_um, 0]}


# %%
def figure_one(norms, title):
    """Draw the eight panels of Fig. 1 with one colour scale per column of MUSICAL images."""
    figure = plt.figure(figsize=(9.5, 4.6))
    for row, (kind, sample) in enumerate(samples.items()):
        points = figure.add_subplot(2, 4, 4 * row + 1, projection="3d")
        emitters(points, sample, f"({'ae'[row]}) {kind}")
        images = [videos[kind].noisy.mean("frame"), normalised[kind, "noisy"], normalised[kind, "noise_free"]]
        for column, (image, name) in enumerate(
            zip(images, ("Diff. Lim.", "MUSICAL, noisy", "MUSICAL, noise-free"), strict=True)
        ):
            axes = figure.add_subplot(2, 4, 4 * row + column + 2)
            norm = None if column == 0 else norms[column - 1]
            drawn = study.draw_image(axes, image, title=f"({'bcdfgh'[3 * row + column]}) {name}", norm=norm)
            figure.colorbar(drawn, ax=axes, shrink=0.8, label="mean counts" if column == 0 else title)
            if kind == "vesicles" and column:
                point_at(axes)
    return figure


def emitters(axes, sample, title):
    """Draw the emitters of a sample in 3-D, coloured by depth, with a scale bar of 500 nm."""
    x, y, z = sample.emitters_um.T
    axes.scatter(x, y, z, s=0.2, c=z, cmap="viridis", vmin=-0.5, vmax=0.5, rasterized=True)
    axes.plot([1.9, 2.4], [2.6, 2.6], [-0.5, -0.5], color="black", linewidth=2.5)
    axes.set(
        xlim=(-2.5, 2.5),
        ylim=(2.5, -2.5),
        zlim=(-0.5, 0.5),
        xticklabels=[],
        yticklabels=[],
        zticklabels=[],
        title=title,
    )
    axes.set_box_aspect((5, 5, 1), zoom=1.2)


def point_at(axes):
    """Draw the arrows of the vesicle row."""
    for colour, (x, y) in arrows.items():
        axes.annotate(
            "",
            xy=(x, y),
            xytext=(x + 0.5, y - 0.5),
            arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.5},
        )


ordered = [[normalised[kind, name] for kind in samples] for name in ("noisy", "noise_free")]
numbers = {f"{kind}: {name}": image for (kind, name), image in normalised.items()}
numbers |= {f"{kind}: mean frame": videos[kind].noisy.mean("frame") for kind in samples}
study.publish_figure(
    "jadhav2021-fig-1",
    figure_one([study.decades(images, count) for images, count in zip(ordered, (3, 5), strict=True)], "f / max f"),
    alt="Mitochondria above, vesicles below: emitters in 3-D, mean frame, MUSICAL with noise and without. Without noise the "
    "two membranes of a tube and the rims of vesicles are thin separate lines on black. With noise they are broken and merge, "
    "and the vesicles lie among specks.",
    caption="Noisy (SBR 3) and noise-free MUSICAL of simulated mitochondria (a–d) and vesicles (e–h), each divided by "
    "its maximum, on logarithmic scales (three decades with noise, five without). Scale bars 500 nm in 3-D, 1 µm in "
    "images. Colour in 3-D: depth, −0.5 (dark) to 0.5 µm (bright). Red arrow: the vesicle farthest from focus; yellow: "
    f"edge of a large one in focus. Hard threshold $\\sigma_0 = 10^{{{level:g}}}$ in place of the source's unpublished "
    "soft one.",
    data=numbers,
)

# %% [markdown]
# The same images on linear colour scales, saturated at the 99th percentile:

# %%
linear = [Normalize(0, np.percentile(np.concatenate([i.values.ravel() for i in images]), 99)) for images in ordered]
study.publish_figure(
    "jadhav2021-fig-1-linear",
    figure_one(linear, "f / max f"),
    alt="The panels of Fig. 1 on linear colour scales. A few bright spots carry most of each image, more so without noise.",
    caption="Fig. 1 on linear colour scales, saturated at the 99th percentile of each column.",
    data=numbers,
)

# %%
sparse = {name: float((normalised["mitochondria", name] > 0.01).mean()) for name in ("noisy", "noise_free")}
span = {
    name: float(np.log10(nanoscopy["mitochondria", name].max() / nanoscopy["mitochondria", name].median()))
    for name in sparse
}
zero_db = {name: float(-10 * np.log10((normalised["mitochondria", name] ** 2).mean())) for name in sparse}
zero = study.keep(
    "musical_dynamic_range",
    clean_share=100 * sparse["noise_free"],
    clean_span=span["noise_free"],
    noisy_span=span["noisy"],
    zero_psnr_db=zero_db["noise_free"],
)
study.say(
    "The maximum of the noise-free image lies {clean_span:.1f} decades above its median (with noise {noisy_span:.1f}), "
    "and only {clean_share:.2f} % of its pixels exceed a hundredth of the maximum. A network that returned nothing but "
    "**black would score {zero_psnr_db:.1f} dB** against it (PSNR, range 1); the methods of the source score 35 to 40 "
    "dB. The notebooks on artefact removal come back to this.",
    zero,
)

# %% [markdown]
# **What this shows.** Most of what the source describes is there. Without noise the two membranes of a mitochondrion
# are separate lines; with noise they merge into a spotted band. The rims of vesicles break up, and on the logarithmic
# scale specks fill their background (that of the mitochondria stays below the three decades shown). All this comes from
# the camera, since emitters, blinking and optics are the same in both videos: from shot noise, and from the constant
# background under it, which the noise-free video lacks. Structures out of focus that come back with noise are not
# there: the vesicle farthest from focus (red arrow) is lost with noise and faint without. The dark frame around the
# noisy vesicles comes from the zeros with which the video is padded at its border.
#
# **What it does not.** One sample of each kind is an example, not a measurement; the claim is measured over many pairs in
# the notebook on training pairs. How strong the effects look depends on the colour scale (compare the two figures) and on
# the threshold, which the source sets by a method that we do not have.

# %% [markdown]
# ## How many dimensions are signal, and where
#
# The threshold decides window by window. Its map shows what the algorithm takes for structure.

# %%
maps = {
    name.replace("_", "-"): signal_dimension(singular_values(videos["mitochondria"][name], optics), level)
    for name in ("noisy", "noise_free")
}
figure, axes = plt.subplots(1, 2, figsize=(6, 2.6))
shared = Normalize(0, max(float(m.max()) for m in maps.values()))
for axis, (name, m) in zip(axes, maps.items(), strict=True):
    drawn = study.draw_image(axis, m, title=name, norm=shared, cmap="viridis")
figure.colorbar(drawn, ax=axes, label="dimension of the signal subspace")
study.publish_figure(
    "musical-signal-dimension",
    figure,
    alt="Maps of the dimension of the signal subspace. Without noise it follows the mitochondria; with noise it is larger "
    "and spreads over the background.",
    caption=f"Dimension of the signal subspace in every window, threshold $10^{{{level:g}}}$. Scale bars 1 µm.",
    data=maps,
)

# %% [markdown]
# ## What the settings do
#
# **The source says**: α is 4, there are ten test points per pixel, and the threshold is found automatically by a soft
# scheme whose citation is left empty and whose equations [acuna2020] are not openly available.
#
# **What we do.** The hard threshold at several levels, and a surrogate of our own, S(q), in which an eigenimage of singular
# value σ counts as signal with weight $\sigma^q/(\sigma^q+\sigma_0^q)$. It is not the published soft MUSICAL. Every image is
# compared, on a logarithmic scale, with the hard one at $10^{-1}$; beside it stands the PSNR that an all-black image scores
# against the noise-free one, because that is what the choice does to the numbers of the source.

# %%
mitochondrial = videos["mitochondria"]
schemes = {"hard": None} | {f"S({q:g})": q for q in soft_orders}
baseline = {name: musical(mitochondrial[name], optics, subpixels=coarse) for name in ("noisy", "noise_free")}


def at_threshold(name, level, order):
    """MUSICAL with a hard threshold, or with the soft surrogate of some order."""
    chosen = level if order is None else SoftThreshold(order=order, log10_sigma0=level)
    return musical(mitochondrial[name], optics, threshold=chosen, subpixels=coarse)


def log_correlation(a, b):
    """Correlation of two images after taking logarithms, each clipped nine decades below its maximum."""
    logs = [np.log10(np.maximum(image / image.max(), 1e-9)).values.ravel() for image in (a, b)]
    return float(np.corrcoef(*logs)[0, 1])


sensitivity = []
for scheme, tried in study.track([(s, t) for s in schemes for t in thresholds], "varying the threshold"):
    noisy_image, clean_image = (at_threshold(name, tried, schemes[scheme]) for name in ("noisy", "noise_free"))
    black = float(-10 * np.log10(((clean_image / clean_image.max()) ** 2).mean()))
    sensitivity.append(
        (
            scheme,
            tried,
            log_correlation(noisy_image, baseline["noisy"]),
            log_correlation(clean_image, baseline["noise_free"]),
            black,
        )
    )

# %%
columns = [
    "scheme",
    "log10 σ0",
    "noisy: log correlation to hard −1",
    "noise-free: log correlation",
    "all-black PSNR (dB)",
]
study.publish_table(
    "musical-threshold-sensitivity",
    dict(zip(columns, zip(*sensitivity, strict=True), strict=True)),
    caption="How the threshold changes the MUSICAL images of the mitochondria, and the score of an all-black image.",
)

# %%
hard = [row for row in sensitivity if row[0] == "hard"]
soft = [row for row in sensitivity if row[0] != "hard"]
spread = study.keep(
    "threshold_sensitivity",
    hard_low=min(row[2] for row in hard),
    soft_low=min(row[2] for row in soft),
    psnr_low=min(row[4] for row in sensitivity),
    psnr_high=max(row[4] for row in sensitivity),
)
study.say(
    "Noisy images made with other hard thresholds correlate with the standard one down to {hard_low:.2f}, with soft ones down to "
    "{soft_low:.2f}. An all-black image scores between {psnr_low:.1f} and {psnr_high:.1f} dB, depending on the threshold "
    "alone: **a PSNR in decibels means little here unless the threshold is stated.**",
    spread,
)

# %%
exponents = {
    a: musical(mitochondrial.noisy, optics, threshold=threshold, alpha=a, subpixels=coarse) for a in (2.0, 4.0, 8.0)
}
figure, axes = plt.subplots(1, 3, figsize=(8, 2.6))
for axis, (a, view) in zip(axes, exponents.items(), strict=True):
    drawn = study.draw_image(axis, view / view.max(), title=f"α = {a:g}", norm=Normalize(0, 0.3))
figure.colorbar(drawn, ax=axes, label="f / max f, cut at 0.3")
study.publish_figure(
    "musical-alpha",
    figure,
    alt="Noisy MUSICAL of mitochondria with α of 2, 4 and 8 on one linear colour scale: the larger α, the fewer and the brighter "
    "the spots that carry the image.",
    caption="The contrast exponent on one linear colour scale. It changes no ranking of points within a window, only "
    "their contrast. Scale bars 1 µm.",
    data={f"alpha {a:g}": view for a, view in exponents.items()},
)

# %%
usual_px = window_size(optics, pixel_um)
by_window = []
for window_px in study.track([usual_px + 2 * k for k in (-1, 0, 1, 2) if usual_px + 2 * k >= 3], "varying the window"):
    pair = {
        name: musical(mitochondrial[name], optics, threshold=threshold, window_px=window_px, subpixels=coarse)
        for name in baseline
    }
    clean_image = pair["noise_free"] / pair["noise_free"].max()
    logs = [log_correlation(pair[name], baseline[name]) for name in ("noisy", "noise_free")]
    by_window.append((window_px, *logs, float(-10 * np.log10((clean_image**2).mean()))))
columns = ["window (pixels)", f"noisy: log correlation to {usual_px}", "noise-free: log correlation", columns[-1]]
study.publish_table(
    "musical-window-sensitivity",
    dict(zip(columns, zip(*by_window, strict=True), strict=True)),
    caption=f"How the window changes the MUSICAL images of the mitochondria. The Airy disc gives {usual_px} pixels.",
)

# %%
others = [row for row in by_window if row[0] != usual_px]
window_spread = study.keep(
    "window_sensitivity",
    usual_px=usual_px,
    noisy_low=min(row[1] for row in others),
    clean_low=min(row[2] for row in others),
    psnr_low=min(row[3] for row in by_window),
    psnr_high=max(row[3] for row in by_window),
)
study.say(
    "Windows two or four pixels from the Airy disc's {usual_px} give noisy images whose logarithms correlate with the usual "
    "one down to {noisy_low:.2f}, and noise-free ones down to {clean_low:.2f}; the all-black image scores between "
    "{psnr_low:.1f} and {psnr_high:.1f} dB. A larger window holds more singular values above the same threshold, so that "
    "window and threshold are not two independent settings.",
    window_spread,
)

# %% [markdown]
# ### Turn the knobs
#
# A part of the mitochondria, large enough to show both walls of a tube and small enough to be computed while one waits. What
# belongs to the sample, and what to the settings?

# %%
part = {"y": slice(max(0, row - 12), row + 12), "x": slice(max(0, column - 12), column + 12)}


def look(video, log10_threshold, contrast, first_frames):
    """Mean frame of the part, its MUSICAL image, and where the algorithm sees how many dimensions of signal."""
    stack = mitochondrial[video].isel(part | {"frame": slice(first_frames)})
    within = {"threshold": log10_threshold, "edges": "interior"}
    image = musical(stack, optics, alpha=contrast, subpixels=coarse, **within)
    dimension = signal_dimension(singular_values(stack, optics, edges="interior"), log10_threshold)
    return {"mean frame": stack.mean("frame"), "MUSICAL": image / image.max(), "dimension of the signal": dimension}


def show(mean, image, dimension):
    """Draw a look, the MUSICAL image on a linear and on a logarithmic scale."""
    figure, axes = plt.subplots(1, 4, figsize=(10, 2.2), sharex=True, sharey=True)
    images = {"mean frame": mean, "MUSICAL, linear": image, "logarithmic": image, "dimension of the signal": dimension}
    norms = (None, study.percentile_limits(image, 0, 99), study.decades([image], 4), None)
    for axis, (title, view), norm in zip(axes, images.items(), norms, strict=True):
        drawn = study.draw_image(axis, view, title=title, norm=norm, scale_bar_um=0.5)
        figure.colorbar(drawn, ax=axis, shrink=0.8)
    return figure


# %%
start = {"video": "noisy", "log10_threshold": level, "contrast": alpha, "first_frames": frames}
first_look = look(**start)
study.publish_figure(
    "musical-knobs",
    show(*first_look.values()),
    alt="Part of a mitochondrion: its mean frame, a blurred band; MUSICAL on a linear scale, a few bright spots and "
    "fainter broken ridges; on a logarithmic scale, a bright, spotted band in a dim haze; and the number of dimensions "
    "taken for signal, largest along the band.",
    caption=f"A part of the noisy mitochondria, threshold $10^{{{level:g}}}$, α {alpha:g}, {frames} frames. Linear to the 99th "
    "percentile, logarithmic over four decades. Dimensions are those of the windows that lie inside the part. Scale bars 500 nm.",
    data=first_look,
)

# %%
if study.interactive():
    import ipywidgets

    whole = {"continuous_update": False}
    controls = {
        "video": list(baseline),
        "log10_threshold": ipywidgets.FloatSlider(level, min=min(-3, level), max=max(0.5, level), step=0.05, **whole),
        "contrast": ipywidgets.FloatSlider(alpha, min=0.5, max=max(10, alpha), step=0.5, **whole),
        "first_frames": ipywidgets.IntSlider(frames, min=min(10, frames), max=frames, step=10, **whole),
    }

    @ipywidgets.interact(**controls)
    def redraw(**knobs):
        """Reconstruct and draw again."""
        figure = show(*look(**knobs).values())
        display(figure)
        plt.close(figure)
else:
    print("Open this notebook in JupyterLab to move the sliders.")

# %% [markdown]
# **What this shows.** The threshold decides what counts as structure and α how strongly it stands out. Both are part of
# the image, and an image that is shown without them cannot be judged.
#
# **What it does not.** Which threshold is right. On a video without a known truth nothing above would tell.

# %% [markdown]
# ## How close may two lines be?
#
# **The source says**: videos with $(\tau_\mathrm{on}, \tau_\mathrm{off}) = (5, 1)$ leave fluctuation methods little to gain,
# (1, 20) suits them; and MUSICAL is advised from SBR 3 upwards.
#
# **What we do.** A chart of parallel lines, labelled like actin, at six spacings. Two lines count as told apart when
# the profile falls by 26.5 % midway between them (Rayleigh's dip). The limit is the spacing from which on all wider
# ones are resolved. Noise must not pass as resolution: a few bright specks make deep valleys anywhere, and whoever
# searches for peaks and valleys finds them. So the profile is the median along the lines, it is read at the known
# places and nowhere else, and a limit counts only where the chart stands out, its lines at least twice as bright as the
# ground midway between pairs. Where it does not, or the limit is not reached, it counts as one step beyond the widest
# spacing. Over dwell times the threshold is $10^{-1}$; over SBR it is tuned, on other videos than the one it is judged
# on.

# %%
spacings = np.array([0.06, 0.1, 0.14, 0.18, 0.22, 0.27]) * wavelength_um / 0.66
diffraction_um = 0.61 * wavelength_um / numerical_aperture
centres = [
    np.mean([line.centre_line[0, 1] for line in pair])
    for pair in zip(*[iter(line_pairs(spacings, rng=np.random.default_rng(0)).objects)] * 2, strict=True)
]
on_lines = xr.DataArray([centres - spacings / 2, centres + spacings / 2], dims=("side", "pair"))
between_pairs = (np.array(centres[1:]) + centres[:-1]) / 2


def chart(repeat, dwell, sbr):
    """One noisy and noise-free video of the line chart."""
    rng = study.streams(seed, "chart", "photokinetics", "noise", sample=repeat)
    sample = line_pairs(spacings, rng=rng.chart)
    return record(
        sample,
        optics,
        rng=rng,
        pixel_um=pixel_um,
        frames=frames,
        tau_on=dwell[0],
        tau_off=dwell[1],
        signal_to_background=sbr,
        background=background,
    )


def limit(stack, level=-1.0):
    """Smallest resolved spacing of one video, µm, and the dip at every spacing."""
    image = musical(stack, optics, threshold=level, subpixels=coarse)
    profile = image.sel(x=slice(-1.8, 1.8)).median("x")
    lines, middle, ground = (profile.interp(y=at).values for at in (on_lines, centres, between_pairs))
    dips = np.clip(1 - middle / lines.mean(axis=0), 0, 1)
    resolved_um = smallest_resolved_spacing(spacings, dips) if lines.mean() > 2 * ground.mean() else np.inf
    return min(resolved_um, spacings[-1] + np.diff(spacings)[-1]), dips


# %%
dwell_pairs = [(on, off) for on in on_times for off in off_times]
resolved = {}
for dwell, repeat in study.track([(d, r) for d in dwell_pairs for r in range(repeats)], "varying the dwell times"):
    video = chart(repeat, dwell, signal_to_background)
    for name in ("noisy", "noise_free"):
        resolved[dwell, repeat, name] = limit(video[name])
duty = {dwell: dwell[0] / sum(dwell) for dwell in dwell_pairs}
limits = {
    name: np.array([[resolved[d, r, name][0] for r in range(repeats)] for d in dwell_pairs])
    for name in ("noisy", "noise_free")
}

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3))
for name, marker in (("noisy", "o"), ("noise_free", "s")):
    axes[0].plot(list(duty.values()), 1000 * limits[name].mean(axis=1), marker, label=name.replace("_", "-"))
axes[0].axhline(1000 * diffraction_um, color="black", linewidth=0.8, linestyle="--", label="0.61 λ/NA")
headroom = 1.3 * 1000 * max(diffraction_um, *(limits[name].mean(axis=1).max() for name in limits))  # for the legend
axes[0].set(
    xlabel="duty cycle",
    ylabel="smallest resolved spacing (nm)",
    ylim=(0, headroom),
    title=f"SBR {signal_to_background:g}",
)
axes[0].legend(loc="upper center", ncols=3, handlelength=1.5, columnspacing=1.2, frameon=True)
for dwell, style in (((1, 20), "-"), ((5, 1), "--")):
    for name, colour in (("noisy", "C0"), ("noise_free", "C1")):
        dips = np.mean([resolved[dwell, r, name][1] for r in range(repeats)], axis=0)
        axes[1].plot(1000 * spacings, dips, style, color=colour, marker=".", label=f"{dwell}, {name.replace('_', '-')}")
axes[1].axhline(0.265, color="black", linewidth=0.8, linestyle=":")
axes[1].set(xlabel="spacing of the lines (nm)", ylabel="dip of the median profile", ylim=(0, 1.05))
axes[1].legend(loc="upper left", bbox_to_anchor=(1, 1))
study.publish_figure(
    "musical-resolution-dwell",
    figure,
    alt="Left: smallest resolved line spacing against duty cycle, with and without noise, and the diffraction limit. Right: "
    "dip between the lines against their spacing for dwell times (1, 20) and (5, 1).",
    caption=f"Resolution of line pairs over dwell times, mean of {repeats} videos each. Dotted: Rayleigh's dip. "
    f"{1000 * spacings[0]:.0f} nm is the closest spacing on the chart: limits there are upper bounds.",
    data={
        "tau_on": [d[0] for d in dwell_pairs],
        "tau_off": [d[1] for d in dwell_pairs],
        "duty_cycle": list(duty.values()),
        **{f"limit_{name}_um": limits[name].mean(axis=1) for name in limits},
        "spacing_um": spacings,
    },
)


# %%
def dwelling(drawn):
    """Limit at (5, 1) over that at (1, 20), and Spearman correlation with duty cycle, of means over drawn videos."""
    mean = dict(zip(dwell_pairs, limits["noisy"][:, drawn].mean(axis=1), strict=True))
    level = np.ptp(list(mean.values())) == 0  # no order at all
    return {
        "spacing_ratio": mean[5, 1] / mean[1, 20],
        "spacing_trend": 0.0 if level else spearmanr(list(duty.values()), list(mean.values())).statistic,
    }


draws = study.streams(seed, "bootstrap").bootstrap
dwelt = resampled(dwelling, repeats, rng=draws, resamples=2000)
if repeats == 1:
    dwelt["spacing_ratio"] = dwelt["spacing_ratio"].value  # the trend keeps its ends, which the rule asks for
study.claim(
    "jadhav2021-duty-cycle-difficulty", measured=dwelt, spread="bootstrap over videos of every setting, 95 %", n=repeats
)

# %%
sbr_levels = [1.5, 2.0, 3.0, 4.0, 6.0, 10.0]
reached = np.zeros((len(sbr_levels), len(thresholds), repeats))
for i, repeat in study.track(list(np.ndindex(len(sbr_levels), repeats)), "varying the background"):
    noisy_chart = chart(repeat, (tau_on, tau_off), sbr_levels[i]).noisy
    reached[i, :, repeat] = [limit(noisy_chart, level)[0] for level in thresholds]


def tuned_limit(at_level, video, drawn):
    """Limit of one video at the threshold that does best on the other ones that are drawn.

    Where no other one is, all others count; where there is only one video, it is tuned on itself.
    """
    others = drawn[drawn != video]
    if not others.size:
        others = np.delete(np.arange(repeats), video) if repeats > 1 else drawn
    return at_level[at_level[:, others].mean(axis=1).argmin(), video]


def tuned_limits(at_level, drawn):
    """Limits of drawn videos over the diffraction limit."""
    return np.array([tuned_limit(at_level, video, drawn) for video in drawn]) / diffraction_um


by_sbr = np.array([tuned_limits(level, np.arange(repeats)) for level in reached])
deviation = by_sbr.std(axis=1, ddof=1) if repeats > 1 else np.zeros(len(sbr_levels))
figure, axes = plt.subplots(figsize=(4.5, 2.8))
axes.errorbar(sbr_levels, by_sbr.mean(axis=1), deviation, fmt="o-")
axes.axhline(0.8, color="black", linewidth=0.8, linestyle=":", label="0.8 of the diffraction limit")
axes.set(xlabel="signal-to-background ratio", ylabel="limit / (0.61 λ/NA)", ylim=(0, None), xscale="log")
axes.set_xticks(sbr_levels, [f"{s:g}" for s in sbr_levels])
axes.minorticks_off()
axes.legend()
study.publish_figure(
    "musical-resolution-sbr",
    figure,
    alt="Smallest resolved line spacing over the diffraction limit against signal-to-background ratio: it falls "
    "throughout and lies below the mark at 0.8 from a ratio of 2 on.",
    caption=f"Resolution of line pairs over the signal-to-background ratio at dwell times ({tau_on:g}, {tau_off:g}), "
    f"hard threshold tuned at each on the other videos; mean and standard deviation of {repeats} videos.",
    data={"sbr": sbr_levels, "limit_over_diffraction": by_sbr.mean(axis=1), "sd": deviation},
)


# %%
def mean_limits(drawn):
    """Mean limits over drawn videos at the three ratios of the rule."""
    judged = (2.0, 3.0, 4.0)
    return {f"spacing_sbr_{sbr:g}": tuned_limits(reached[sbr_levels.index(sbr)], drawn).mean() for sbr in judged}


study.claim(
    "jadhav2021-sbr3-limit",
    measured=resampled(mean_limits, repeats, rng=draws) if repeats > 1 else mean_limits(np.arange(1)),
    spread="95 % bootstrap over videos, tuned anew in each draw" if repeats > 1 else "no interval: one video",
    n=repeats,
)

# %% [markdown]
# **What this shows.** With noise, the larger the share of time that emitters are on, the farther apart two lines must be.
# Without noise nearly every setting resolves the closest pair on the chart, so the noise-free limit is no guide to what a
# camera can deliver. Over SBR the limit falls steadily: at 2 it is already below 0.8 of the diffraction limit, and
# nothing special happens at 3.
#
# **What it does not.** A chart of straight lines in focus is kinder than a cell, and knowing where its lines are is what
# makes a threshold tunable at all: on real data nobody can. The dip of mitochondria, which the claims also name, is not in
# their rules and is left to the notebook on training pairs. The window is always the Airy disc of the nominal aperture.
# Intervals draw from few videos and are too short: two videos give no more than the range between them. A correlation of
# ranks that no draw changes has an interval of no width.

# %% [markdown]
# ## A real mitochondrion
#
# **What we do.** The tutorial video of the reference implementation of MUSICAL (100 frames of a mitochondrion in a
# cardiomyoblast; NA 1.4, 80 nm pixels, emission at 510 nm) goes through the same function. With the real file no
# simulation is involved, and nothing is fitted.

# %%
real = "musical-cardiomyoblast-mitochondrion"
path = study.locate(real, "fluctuation/musical-cardiomyoblast-mitochondrion.tif")
real_optics = Optics(numerical_aperture=1.4, wavelength_um=0.51)
if path is None:
    stand_in = study.stand_in(real)
    rng = study.streams(seed, "stand-in structure", "photokinetics", "noise")
    alike = mitochondria(rng=rng["stand-in structure"], count=1)
    stack = record(alike, real_optics, rng=rng, pixel_um=0.08, frames=100, **camera).noisy
else:
    stand_in = None
    stack = read_stack(path, pixel_um=0.08)

# %%
image = musical(stack, real_optics, progress=study.Progress("MUSICAL of the real video"), **settings)
across = float(stack.mean("frame").mean("y").idxmax())
cut = [(float(stack.y[2]), across), (float(stack.y[-3]), across)]
lines = {"mean frame": study.line_profile(stack.mean("frame"), *cut), "MUSICAL": study.line_profile(image, *cut)}
figure, axes = plt.subplots(2, 2, figsize=(7.2, 4.6))
views = [
    (stack.mean("frame"), "mean of the video (ADU)", None),
    (
        image / image.max(),
        "MUSICAL, linear, to the 99th percentile",
        study.percentile_limits(image / image.max(), 0, 99),
    ),
    (image / image.max(), "MUSICAL, logarithmic", study.decades([image / image.max()], 8)),
]
for axis, (view, title, norm) in zip(axes.flat, views, strict=False):
    drawn = study.draw_image(axis, view, title=title, norm=norm, scale_bar_um=0.5)
    axis.plot(*zip(*[point[::-1] for point in cut], strict=True), color="white", linewidth=0.6, linestyle=":")
    figure.colorbar(drawn, ax=axis, shrink=0.8)
for name, line in lines.items():
    axes[1, 1].plot(line.distance_um, (line - line.min()) / (line.max() - line.min()), label=name)
axes[1, 1].set(xlabel="distance along the dotted line (µm)", ylabel="scaled to [0, 1]", title="profile")
axes[1, 1].legend()
study.publish_figure(
    "musical-real-mitochondrion",
    figure,
    alt="Mean of the video, MUSICAL on linear and logarithmic colour scales, and a profile across: the mean frame shows "
    "one broad band, MUSICAL narrower spots and ridges within it, and a few points tens of thousands of times above its "
    "99th percentile.",
    caption=f"MUSICAL of {'a simulated' if stand_in else 'a real'} mitochondrion (NA 1.4, 80 nm pixels, 510 nm, "
    f"{stack.sizes['frame']} "
    "frames). Scale bar 500 nm." + ("" if stand_in else " Data: K. Agarwal and S. Acuña, MusiJ."),
    data={"mean frame": stack.mean("frame"), "MUSICAL": image},
    stand_in=stand_in,
)

# %% [markdown]
# **What this shows.** The same function runs on frames as a camera gives them and finds structure within what the mean frame
# shows as one band.
#
# **What it does not.** There is no truth here: neither the camera nor the cell's state is known, the video is known
# to fluctuate little more than shot noise does (`params/data.yaml`), and ridges may be artefacts of just the kind that
# Fig. 1 shows. Nothing in this image says which. Where the caption names a stand-in, nothing has been learnt about a real
# cell.

# %% [markdown]
# ## Exercises
#
# 1. Multiply the noisy video by 7, or shuffle its frames. Predict what happens to the image before you run it.
# 2. Set one pixel of one frame of the noisy video to a hundred times the maximum (a cosmic ray). What does the image show,
#    and which step of the algorithm is to blame?

# %% tags=["solution"]
noisy = videos["mitochondria"].noisy
crop = noisy.isel(y=slice(0, 20), x=slice(0, 20))
reference = musical(crop, optics, **settings)
shuffled = crop.isel(frame=study.streams(seed, "shuffle").shuffle.permutation(frames))
for name, changed in (("times 7", 7 * crop), ("shuffled", shuffled)):
    difference = float(np.abs(musical(changed, optics, **settings) / reference - 1).max())
    print(f"{name}: largest relative difference {difference:.1e}")

# %% tags=["solution"]
struck = crop.astype(float).copy()
struck[0, 10, 10] = 100 * float(noisy.max())
dimension = {
    name: int(signal_dimension(singular_values(v, optics), level)[3, 3])
    for name, v in (("before", crop), ("after", struck))
}
print("dimension of the signal subspace far from the pixel:", dimension)
print("the division by the global maximum: one hot pixel rescales every singular value against a fixed threshold")

# %% [markdown]
# ## Provenance

# %%
study.end()
