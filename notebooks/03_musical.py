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
# on a real mitochondrion. It takes about a minute on a laptop; the last part uses an open video of 0.3 MB and says so
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

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import Normalize

from nbsupport import study
from nbsupport.optics import Optics
from nbsupport.reconstruct.musical import musical, signal_dimension, singular_values, test_vectors, window_size
from nbsupport.reconstruct.stacks import read_stack
from nbsupport.simulate.recording import record
from nbsupport.simulate.structures import mitochondria, vesicles

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
# share every emitter and every photon.

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
# $\Sigma$). Those above a threshold $\sigma_0$ span the *signal subspace*; the rest is noise.


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
    alt="Eigenimages 1 to 4 and 21 of one window. Without noise all are smooth; with noise the first few are smooth and "
    "the 21st is salt and pepper. The noise-free singular values fall over many decades, the noisy ones fall slowly and "
    "mostly stay above the threshold.",
    caption=f"Eigenimages of one window of {size} × {size} pixels on a mitochondrion, with and without noise, and their "
    "singular values.",
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
    "with noise. The indicator is high along the membrane without noise and patchy with noise.",
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
    """Draw the eight panels of Fig. 1 with one grey scale per column of MUSICAL images."""
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
    "two membranes of a tube and the rims of vesicles are thin separate lines on black. With noise they are broken, merge, "
    "and lie among specks.",
    caption="Noisy (SBR 3) and noise-free MUSICAL of simulated mitochondria (a–d) and vesicles (e–h), each divided by its "
    "maximum, on logarithmic scales (three decades with noise, five without). Scale bars 500 nm in 3-D, 1 µm in images. Red "
    "arrow: the vesicle farthest from focus; yellow: edge of a large one in focus. Hard threshold "
    f"$\\sigma_0 = 10^{{{level:g}}}$ in place of the source's unpublished soft one.",
    data=numbers,
)

# %% [markdown]
# The same images on linear grey scales, saturated at the 99th percentile:

# %%
linear = [Normalize(0, np.percentile(np.concatenate([i.values.ravel() for i in images]), 99)) for images in ordered]
study.publish_figure(
    "jadhav2021-fig-1-linear",
    figure_one(linear, "f / max f"),
    alt="The panels of Fig. 1 on linear grey scales. A few bright spots carry most of each image, more so without noise.",
    caption="Fig. 1 on linear grey scales, saturated at the 99th percentile of each column.",
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
    "The maximum of the noise-free image lies {clean_span:.1f} decades above its median (with noise {noisy_span:.1f}), and "
    "only {clean_share:.2f} % of its pixels exceed a hundredth of the maximum. A network that returned nothing but **black "
    "would score {zero_psnr_db:.1f} dB** against it (PSNR, range 1); the methods of the source score 35 to 40 dB. The notebooks on "
    "artefact removal come back to this.",
    zero,
)

# %% [markdown]
# **What this shows.** Two of the three effects that the source describes are there. Without noise the two membranes of a
# mitochondrion are separate lines; with noise they merge into a spotted band. The rims of vesicles break up, and on the
# logarithmic scale specks fill the background. All this comes from noise alone, since nothing else differs between the two
# videos. The third effect, structures out of focus that come back with noise, this sample does not show: the vesicle
# farthest from focus (red arrow) is lost with noise and faint without. The dark frame around the noisy vesicles comes from
# the zeros with which the video is padded at its border.
#
# **What it does not.** One sample of each kind is an example, not a measurement; the claim is measured over many pairs in
# the notebook on training pairs. How strong the effects look depends on the grey scale (compare the two figures) and on
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
    caption=f"Dimension of the signal subspace in every window, threshold $10^{{{level:g}}}$.",
    data=maps,
)

# %% [markdown]
# ## A real mitochondrion
#
# **What we do.** The tutorial video of the reference implementation of MUSICAL (100 frames of a mitochondrion in a
# cardiomyoblast; NA 1.4, 80 nm pixels, emission at 510 nm) goes through the same function. No simulation is involved and
# nothing is fitted.

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
    alt="Mean of the video, MUSICAL on linear and logarithmic grey scales, and a profile across: the mean frame shows one "
    "broad band, MUSICAL narrower spots and ridges within it, and a few points tens of thousands of times above its 99th percentile.",
    caption=f"MUSICAL of {'a simulated' if stand_in else 'a real'} mitochondrion (NA 1.4, 80 nm pixels, 510 nm, {stack.sizes['frame']} "
    "frames). Scale bar 500 nm. Data: K. Agarwal and S. Acuña, MusiJ.",
    data={"mean frame": stack.mean("frame"), "MUSICAL": image},
    stand_in=stand_in,
)

# %% [markdown]
# **What this shows.** The same function runs on frames from a real microscope and finds structure within what the mean frame
# shows as one band.
#
# **What it does not.** There is no truth here: neither the camera nor the cell's state is known, the video is known
# to fluctuate little more than shot noise does (`params/data.yaml`), and ridges may be artefacts of just the kind that Fig. 1 shows. Nothing in this image
# says which.

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
