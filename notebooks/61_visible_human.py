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
# # The Visible Human under a microscope: volumes, raw frames, reconstructions
#
# To train networks for 3-D structured illumination one needs volumes, and volumes of cells are rare. [hughes2024] takes a
# human body instead: photographs of its slices, cut into blocks, every voxel declared to be 50 nm wide. This notebook cuts
# the blocks (Fig. 3), sends them through the microscope and the reconstruction (Fig. 4), measures what is gained along and
# across the axis, and asks how fair the stand-ins are: ours for the body, and the body for a cell. The photographs are not
# needed; a tomography and one slice of the same project, or a procedural phantom, take their place. It takes a minute or two.

# %% tags=["parameters"]
seed: int = 0  # root of every random stream
photographs_folder: str | None = None  # holds NLM photographs 2000.tif to 2127.tif; without it, tomography or phantom
voxel_um: float = 0.05  # what a voxel of anatomy is taken for, µm
block_px: int = 192  # lateral side of the blocks that are shown, voxels; the source has 256
block_slices: int = 64  # their depth; half of it is imaged, 32 planes as in the source
measured_px: int = 128  # lateral side of the blocks in which resolution is measured
measured_planes: int = 72  # focal planes of these
defocus_slices: int = 16  # slices of these above and below the focal planes
measured_blocks: int = 2  # blocks of each kind in which resolution is measured
dim_blocks: int = 3  # blocks of each kind that are imaged in low light
low_light_factor: float = 20.0  # how much less light a dim exposure has
texture_sections: int = 8  # sections of each kind whose texture is compared

# %%
import warnings
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr

from nbsupport import study
from nbsupport.assess.fidelity import psnr, ssim
from nbsupport.assess.resolution import volume_correlation, volume_cutoffs
from nbsupport.assess.statistics import mean_interval, paired_difference
from nbsupport.reconstruct import sim
from nbsupport.simulate.illumination import HUGHES_2024, Pattern, focal_series, thinned
from nbsupport.simulate.structures import microtubules
from nbsupport.simulate.volumes import (
    HUGHES_2024_GRID,
    CropGrid,
    anatomy_phantom,
    grey,
    radial_power,
    read_ct,
    read_photograph,
    read_photographs,
    texture,
    tissue,
)

study.begin("61_visible_human", globals())
settings = sim.TABLE_1["3-D"]
lens = HUGHES_2024.optics

# %% [markdown]
# ## From photographs to blocks
#
# **The source says** (section 2.2 and Fig. 3): 384 photographs of the female body, number 2000 to 2383, are cut into squares
# of 256 × 256 pixels, 60 of them to a photograph in 5 rows and 12 columns, "designed to produce 60 image volumes that mostly
# overlap with the biological subject matter". 128 photographs deep, that makes 180 blocks of 128 × 256 × 256 voxels. Colour
# becomes grey as the mean of the three channels.
#
# **What we do.** Where the corner of the grid lies is not said, so we lay the grid where it covers most of the body. We have
# one photograph of another series of the same body, with half as many pixels across; on it the squares have 128 pixels. Where
# the photograph is not at hand, a section of a phantom takes its place.

# %%
slice_path = study.locate("visible-human-female-slice")
slice_stand_in = None if slice_path else study.stand_in("visible-human-female-slice")
if slice_path:
    photograph = read_photograph(slice_path, voxel_um=voxel_um)
    body, section = tissue(photograph), grey(photograph)
    body[900:] = False  # a card and a grey scale lie there
    drawn_photograph = photograph.values
else:
    rng = study.streams(seed, "body")["body"]
    section = anatomy_phantom((4, 900, 1800), rng=rng, body=True, voxel_um=voxel_um)[2]
    rows, columns = (np.linspace(-1, 1, size) for size in section.shape)
    body = xr.DataArray(np.hypot(rows[:, None], columns) < 1, dims=("y", "x"), coords=section.coords)
    drawn_photograph = np.repeat(section.values[..., None], 3, axis=-1)
grid = replace(HUGHES_2024_GRID, side_px=128).placed_on(body)
covered = np.array([float(body[cell].mean()) for cell in grid.cells])

# %%
contrast = np.array([float(section[cell].std()) for cell in grid.cells])
chosen = np.argsort(contrast)[[20, 40, 58]].tolist()
figure = plt.figure(figsize=(8, 4.4))
layout = figure.add_gridspec(3, 4)
axis = figure.add_subplot(layout[:, :3])
height, width = section.shape
axis.imshow(drawn_photograph[::3, ::3], extent=(0, width, height, 0), interpolation="nearest")
for number, (rows, columns) in enumerate(grid.cells):
    edge = {"edgecolor": "white", "linewidth": 2} if number in chosen else {"edgecolor": "#D55E00", "linewidth": 0.7}
    axis.add_patch(
        plt.Rectangle((columns.start, rows.start), 128, 128, fill=False, **edge, zorder=2 + (number in chosen))
    )
axis.set(xticks=[], yticks=[], title=f"{grid.rows} × {grid.columns} squares")
for line, number in enumerate(chosen):
    axis = figure.add_subplot(layout[line, 3])
    study.draw_image(axis, section[grid.cells[number]], cmap="gray", norm=plt.Normalize(0, 0.9))
    axis.set_title(f"square {number + 1} of {len(grid.cells)}")
study.publish_figure(
    "hughes2024-fig-3",
    figure,
    alt="An oval section of a phantom, without arms, under a mesh of 5 by 12 squares that covers most of it. Three squares "
    "are shown enlarged in grey."
    if slice_stand_in
    else "A slice through chest and both arms under a mesh of 5 by 12 squares, which reaches from one arm to the other. Three "
    "squares are shown enlarged in grey: fat at the wall of the chest, breastbone with cartilage, and an arm.",
    caption=f"The crop grid of the source over one {'section of a phantom' if slice_stand_in else 'photograph'}, laid "
    f"where it covers most of the body ({covered.mean():.0%} of its area). Followed through 128 photographs, every square "
    "becomes a block; three depth ranges make 180. Right: the squares with a white rim, in grey; scale bars 1 µm once a "
    "pixel is taken for 50 nm."
    + ("" if slice_stand_in else " Photograph: U.S. National Library of Medicine, Visible Human Project."),
    data={f"square {number + 1}": section[grid.cells[number]] for number in chosen},
    stand_in=slice_stand_in,
)

# %%
counts = study.keep(
    "visible_human_grid",
    cells=len(grid.cells),
    blocks=len(HUGHES_2024_GRID.cells) * (384 // HUGHES_2024_GRID.slices),
    covered=float(covered.mean()),
    empty=int((covered < 0.5).sum()),
    height_px=HUGHES_2024_GRID.shape_px[0],
    width_px=HUGHES_2024_GRID.shape_px[1],
)
study.say(
    "{cells} squares cover {height_px} × {width_px} pixels of a photograph of 3061 × 4096; through 384 photographs they make "
    "**{blocks} blocks**. On our section {covered:.0%} of the squares' area is body, and {empty} squares hold less than half.",
    counts,
)

# %% [markdown]
# **What this shows.** In the real photograph five by twelve squares are just what reaches from arm to arm, so that the
# source's grid can only have lain about here.
#
# **What it does not.** The real photograph is slice 2305 of the video series, not 2192 of the film; which of its pixels is
# which of the source's is not known. Some squares of the real photograph hold little but frozen gel: blocks with nothing in
# them are part of the data.

# %% [markdown]
# ## Blocks of three kinds
#
# **What we do.** Volumes that need no download of half a gigabyte: a tomography of a head from the same project, and a
# phantom. In the phantom four tissues (fat in lobules, fibrous muscle, dark gland, sponge) fill the volume, each where its
# own smooth random field is the highest; membranes lie between them and vessels run through. If you have the photographs,
# name their folder in the parameters; they are then used in place of the tomography.

# %%
ct_path = study.locate("visible-human-ct-head", ".tif")
deep = max(2 * block_slices, measured_planes + 2 * defocus_slices)
if photographs_folder:
    kind, volume_stand_in = "photographs", None
    centre = {name: slice(start, start + 512) for name, start in (("rows", 1275), ("columns", 1792))}
    anatomy = read_photographs(photographs_folder, count=128, **centre, voxel_um=voxel_um)
elif ct_path:
    kind, volume_stand_in = "tomography", "a tomography of a head for the source's colour photographs of a trunk."
    # the first slices show the table; the head fills the middle of all others
    anatomy = read_ct(ct_path, voxel_um=voxel_um)[25:, 120:392, 116:388]
else:
    kind, volume_stand_in = "second phantom", study.stand_in("visible-human-ct-head")
    rng = study.streams(seed, "in place of tomography")["in place of tomography"]
    anatomy = anatomy_phantom((deep, 256, 256), rng=rng, voxel_um=voxel_um)


def phantom(name, shape):
    """Phantom with a random stream of its own."""
    return anatomy_phantom(shape, rng=study.streams(seed, name)[name], voxel_um=voxel_um)


def squares(side_px, slices, count):
    """Blocks of the anatomy, evenly chosen among all that the grid of two by two cuts."""
    filled = anatomy.max("z") > 0.15
    blocks = list(CropGrid(rows=2, columns=2, side_px=side_px, slices=slices).placed_on(filled).blocks(anatomy))
    return [blocks[i] for i in np.unique(np.linspace(0, len(blocks) - 1, count).astype(int))]


def cells_of(count):
    """Planes of microtubules, about as dense as in the notebook on image formation."""
    box_um = ((-6.4, 6.4), (-6.4, 6.4), (-0.1, 0.1))
    names = [f"cell {number}" for number in range(count)]
    return [microtubules(rng=study.streams(seed, n)[n], count=27, box_um=box_um).render(voxel_um, 12.8) for n in names]


# %%
photo = "photograph (stand-in)" if slice_stand_in else "photograph"
sections = {
    photo: [section[rows, columns] for rows, columns in CropGrid(2, 4, 256, 1).placed_on(body).cells],
    kind: list(anatomy[np.linspace(5, len(anatomy) - 5, texture_sections).astype(int), :256, :256]),
    "phantom": [phantom(f"section {i}", (3, 256, 256))[1] for i in range(texture_sections)],
    "microtubules": cells_of(texture_sections),
}
cutoff = settings["optics"].cutoff_per_um
measures = {name: [texture(one, cutoff_per_um=cutoff) for one in group] for name, group in sections.items()}
figure = plt.figure(figsize=(10, 6))
layout = figure.add_gridspec(2, 4)
for column, (name, group) in enumerate(sections.items()):
    one = group[len(group) // 2]
    axis = figure.add_subplot(layout[0, column])
    study.draw_image(axis, one, title=name, cmap="gray", norm=study.percentile_limits(one, 0, 99.8))
spectra = {}
axis = figure.add_subplot(layout[1, :2])
for name, group in sections.items():
    pairs = [radial_power(one) for one in group]
    spectra[name] = np.median([power for _, power in pairs], axis=0)
    axis.loglog(pairs[0][0], spectra[name], label=name)
reach = cutoff + 2 * np.hypot(*HUGHES_2024.wave_vector_per_um[0])
for x, label in ((cutoff, "lens"), (reach, "SIM")):
    axis.axvline(x, color="black", linewidth=0.8, linestyle=":")
    axis.annotate(label, (0.96 * x, 0.9), xycoords=("data", "axes fraction"), ha="right", fontsize=8)
axis.set(xlabel="frequency (1/µm)", ylabel="power / white noise")
axis.legend(fontsize=8)
axis = figure.add_subplot(layout[1, 2:])
for number, group in enumerate(measures.values()):
    axis.plot(
        [one["slope"] for one in group], [one["beyond_cutoff"] for one in group], "o", color=f"C{number}", markersize=4
    )
axis.set(xlabel="slope of the power spectrum", ylabel="share beyond the lens", yscale="log")
study.publish_figure(
    "visible-human-textures",
    figure,
    alt=f"A section of each kind: {photo}, {kind}, phantom and microtubules. The spectra of {photo}, {kind} and phantom "
    "fall steeply side by side; that of microtubules falls slowly and lies some seven to twenty-five times higher at "
    "the limit of the lens.",
    caption="Four kinds of objects on voxels of 50 nm. Below, left: power spectra, median over sections; dotted: what the lens "
    "passes and what the reconstruction can hold. Right: slope of the spectrum and share of the variance beyond the "
    "lens, one point per section, colours as left. Scale bars 1 µm.",
    data={"frequency_per_um": pairs[0][0], **spectra},
    stand_in=slice_stand_in,
)


# %%
def middle(name, measure):
    """Median over sections, with the extremes."""
    values = [one[measure] for one in measures[name]]
    return f"{np.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def along_to_across(volume):
    """Mean change from voxel to voxel along the axis over that across it."""
    along, across = (float(np.abs(volume.diff(dim)).mean()) for dim in ("z", "x"))
    return along / across


axial_change = {kind: along_to_across(anatomy), "phantom": along_to_across(phantom("depth", (64, 128, 128)))}
study.publish_table(
    "visible-human-texture-table",
    {
        "object": list(measures),
        "sections": [len(group) for group in measures.values()],
        "slope": [middle(name, "slope") for name in measures],
        "share beyond the lens": [middle(name, "beyond_cutoff") for name in measures],
        "edges (excess kurtosis)": [middle(name, "edges") for name in measures],
        "contrast": [middle(name, "contrast") for name in measures],
        "change along / across the axis": [axial_change.get(name) for name in measures],
    },
    caption="Texture of the objects: median over sections, and the extremes. Slope: exponent of the power spectrum. Edges: 0 for "
    "Gaussian differences of neighbours. Contrast: standard deviation over mean.",
)

# %%
fair = study.keep(
    "visible_human_textures",
    **{
        f"{measure}_{label}": float(np.median([one[measure] for one in measures[name]]))
        for label, name in (
            ("photograph", photo),
            ("volume", kind),
            ("phantom", "phantom"),
            ("cell", "microtubules"),
        )
        for measure in ("slope", "beyond_cutoff")
    },
    times=float(
        np.median([one["beyond_cutoff"] for one in measures["microtubules"]])
        / np.median([one["beyond_cutoff"] for one in measures[photo]])
    ),
)
study.say(
    "The spectrum falls with the exponent {slope_photograph:.1f} in the {photo}, {slope_volume:.1f} in the {kind}, "
    "{slope_phantom:.1f} in the phantom and {slope_cell:.1f} in microtubules. Of the variance of the {photo} "
    "{beyond_cutoff_photograph:.1%} lie beyond what the lens passes, of the phantom's {beyond_cutoff_phantom:.1%}, of the "
    "microtubules' {beyond_cutoff_cell:.0%}: **{times:.0f} times** the share of the {photo}.",
    fair,
    photo=photo,
    kind=kind,
)

# %% [markdown]
# **What this shows.** Against the real photograph (a stand-in for it is the phantom itself and proves nothing) the phantom is
# fair in the two numbers that matter to a microscope, how detail is spread over sizes and how much of it the lens loses.
# Neither is much like filaments in a cell: anatomy fills its volume with grey and keeps almost all its variance within the
# reach of the lens, so that there is little that superresolution could add. The source expects "a reasonable approximation to
# the kinds image features one might expect"; it holds for edges and tubes, not for the balance of fine and coarse detail.
#
# **What it does not.** The phantom's few numbers were set with the photograph in view, so that the agreement is no
# discovery. The film of the source is finer than our photograph by a factor of about two; how its spectrum goes on there is not
# known. Filaments are drawn emitter by emitter, and what is sparse is fine. The body's slices are 0.33 mm apart,
# about twice the width of a pixel of the source's film and as much as that of one of our photograph; tomography and phantom are
# treated as cubes.

# %% [markdown]
# ## Through the microscope
#
# **The source says** (section 2.2): from each block two acquisitions are made, 64 slices each, by moving the focal plane
# through the upper 32 of them; three directions, five phases. Every plane is reconstructed by itself with the settings of
# Table 1.
#
# **What we do.** One block of each kind, without noise. The pattern is fitted as the source's program would, and beside that
# known.

# %%
middle_px = CropGrid(rows=1, columns=1, side_px=block_px, slices=2 * block_slices)
whole = next(middle_px.placed_on(anatomy.max("z") > 0.15).blocks(anatomy))
shown = {kind: whole[block_slices:], "phantom": phantom("shown", (block_slices, block_px, block_px))}
series = {name: focal_series(sample) for name, sample in study.track(shown.items(), "focal series")}


def fitted(frames):
    """What the parameter estimation finds, whether it believes it or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sim.SimWarning)
        return sim.estimate(frames, settings["optics"], otf_damping=0.15, check=False)


def known(frames):
    """The true wave vectors and phases, with the modulation that the source's program takes when it finds none."""
    true = Pattern.of(frames)
    return replace(true, modulation=np.full_like(true.modulation, 0.65))


def reconstructed(frames):
    """Plane by plane, with the settings of the source and the known pattern."""
    filters = settings["filters"]
    return sim.reconstruct(frames, settings["optics"], parameters=known(frames), dtype=torch.float32, **filters)


fits = {name: fitted(frames[:, :, ::8]) for name, frames in series.items()}
images = {name: reconstructed(frames) for name, frames in series.items()}
flat = {name: sim.widefield(frames) for name, frames in series.items()}


# %%
def vector_errors_px(name):
    """Errors of the fitted wave vectors, pixels of the raw spectrum, finest order."""
    error = fits[name].wave_vector_per_um - Pattern.of(series[name]).wave_vector_per_um
    return 2 * np.hypot(*error.T) * block_px * voxel_um


errors = {name: vector_errors_px(name) for name in fits}
study.publish_table(
    "visible-human-pattern-fit",
    {
        "block": list(fits),
        "vector errors (px)": [", ".join(f"{one:.2f}" for one in errors[name]) for name in fits],
        "least significance": [float(fit.significance.min()) for fit in fits.values()],
        "modulation of order 1": [float(fit.modulation_fitted[:, 0].mean()) for fit in fits.values()],
        "modulation of order 2": [float(fit.modulation_fitted[:, 1].mean()) for fit in fits.values()],
        "replaced": [f"{fit.replaced.sum()} of {fit.replaced.size}" for fit in fits.values()],
    },
    caption="The pattern as fitted in noise-free frames of every eighth plane. Significance: agreement of the bands in "
    "standard deviations of chance; 5 are asked for, which wrong wave vectors reach here too. In the focal plane the "
    "modulations are 1.33 and 0.67; a fit outside 0.4 to 1.1 is replaced by 0.65.",
)

# %%
depth = block_slices // 4
edge_px = 12  # a border of this width is faded out by the reconstruction, and dark since nothing lies beyond the block


def inside(volume):
    """A volume on the raw or the fine grid without its border."""
    margin = edge_px * volume.sizes["x"] // block_px
    return volume.isel(y=slice(margin, -margin), x=slice(margin, -margin))


figure, axes = plt.subplots(2, 5, figsize=(11, 5))
pieces = {}
for axis_row, (name, frames) in zip(axes, series.items(), strict=True):
    plane = inside(frames.isel(z=depth))
    stripes = plane[0, 0] - plane[0].mean("phase")
    parts = {
        "object": inside(shown[name].sel(z=plane.z)),
        "one of 15 frames": plane[0, 0],
        "minus the mean of phases": stripes,
        "widefield": inside(flat[name].isel(z=depth)),
        "reconstruction": inside(images[name].isel(z=depth)),
    }
    for axis, (title, image) in zip(axis_row, parts.items(), strict=True):
        pieces[f"{name}: {title}"] = image
        study.draw_image(axis, image, title=f"{name}\n{title}", norm=study.percentile_limits(image, 0.5, 99.7))
study.publish_figure(
    "visible-human-formation",
    figure,
    alt=f"For the {kind} and the phantom: the object in one plane, one raw frame, its difference to the mean of five phases, the "
    "widefield image and the reconstruction. Diagonal stripes cross the raw frame; they are brightest on bright tissue. "
    "Widefield is hazy; the reconstruction shows the outlines of the object again.",
    caption="From a block to a reconstruction, without noise: object, one raw frame, its stripes, mean of all frames, "
    "reconstruction plane by plane. Each panel on its own scale (0.5th to 99.7th percentile), without the border of 12 voxels; "
    "scale bars 1 µm.",
    data=pieces,
    stand_in=volume_stand_in,
)


# %%
def split(first, second):
    """Two images in one, divided along the rising diagonal; each over its own 99.8th percentile."""
    first, second = (image.clip(min=0) / np.percentile(image, 99.8) for image in (first, second))
    down, right = (np.linspace(0, 1, size) for size in first.shape)
    return second.where(down[:, None] + right > 1, first)


views = {}
for name in images:
    pair = [inside(volume[name]) for volume in (flat, images)]
    row = int(pair[1].isel(z=depth)[edge_px:-edge_px].std("x").values.argmax()) + edge_px
    lateral = split(*(volume.isel(z=depth) for volume in pair))
    axial = split(*(volume.isel(y=row, drop=True).rename(z="y") for volume in pair))
    views[name] = lateral, axial, float(pair[0].y[row])
figure, axes = plt.subplots(2, 2, figsize=(8.4, 6.2), gridspec_kw={"height_ratios": (5, 1.1)})
for (above, below), (name, (lateral, axial, row_um)) in zip(axes.T, views.items(), strict=True):
    study.draw_image(above, lateral, title=name, cmap="gray", norm=plt.Normalize(0, 1))
    left, width = float(lateral.x[0]), float(lateral.x[-1] - lateral.x[0])
    above.add_patch(plt.Rectangle((left, row_um - 0.1), width, 0.2, fill=False, edgecolor="red", linewidth=0.8))
    study.draw_image(below, axial, title="x–z at the red line", cmap="gray", norm=plt.Normalize(0, 1))
study.publish_figure(
    "hughes2024-fig-4",
    figure,
    alt=f"A plane of the {kind} and of the phantom, each divided along its diagonal: widefield above left, blurred and hazy; "
    "reconstruction below right, with crisp edges. Below each an axial section divided in the same way.",
    caption="Synthetic 3-D acquisitions without noise, divided along the diagonal: upper left widefield, lower right "
    "reconstruction, each over its own 99.8th percentile, negative values drawn as 0. Above: plane at a quarter of the "
    "block; below: axial section at the red line. Scale bars 1 µm.",
    data={
        f"{name}: {part}": image
        for name, view in views.items()
        for part, image in zip(("x–y", "x–z"), view, strict=False)
    },
    stand_in=volume_stand_in,
)

# %%
found = {name: error < 0.5 for name, error in errors.items()}
depths = np.concatenate([fits[name].modulation_fitted[good] for name, good in found.items()])
fit_result = study.keep(
    "visible_human_fit",
    found=int(sum(good.sum() for good in found.values())),
    angles=int(sum(good.size for good in found.values())),
    replaced=int(sum(fit.replaced.sum() for fit in fits.values())),
    all=int(sum(fit.replaced.size for fit in fits.values())),
    deepest=float(depths.max(initial=0.0)),
)
study.say(
    "**{found} of {angles}** wave vectors are found to half a pixel, with modulations of {deepest:.2f} at most, where the "
    "focal plane has 1.33 and 0.67; {replaced} of {all} modulations are out of bounds and replaced.",
    fit_result,
)

# %% [markdown]
# **What this shows.** The whole way runs on any volume, but the pattern is hard to find. The fit can fail even without noise
# (table), in the tomography, where it is at hand, more than in the phantom. Much of the light comes from out of focus and
# carries other stripes or none, and an object with little fine detail has little by which its bands could be matched; a high
# significance is then no proof that a wave vector is right. What is out of bounds falls back to one number, and many of the
# source's 180 blocks may have been reconstructed with it.
#
# **What it does not.** With the fallback the weights of the bands are wrong by a common factor, and coarse and fine detail
# appear in a proportion that is not that of the object. Which of its fits fell back, the source does not say.

# %% [markdown]
# ## How much detail is gained, across and along the axis?
#
# **The source says** (section 2.2 and Fig. 4): the reconstruction of a 3-D acquisition shows lateral and axial detail that
# widefield hides.
#
# **What we do.** The spectra of image and object, both windowed, are correlated over rings of lateral frequency, at each
# axial frequency by itself. The cutoff across the axis is where this correlation, at axial frequency 0, falls below
# 1/7; the cutoff along the axis is where its mean over the rings within the reach of the lens does. Light outside of the
# focal planes is part of the acquisition. For comparison, the same frames reconstructed as one volume, which the source
# does not do.


# %%
def on_raw_grid(volume):
    """Every second pixel of a reconstruction: those that lie on the raw grid."""
    return volume.isel({axis: slice(None, None, 2) for axis in ("y", "x")})


def as_volume(frames):
    """All planes together, with the axial part of the pattern."""
    depth_um = -HUGHES_2024.stage_um * lens.n_sample / lens.n_immersion
    place = {"focal_depth_um": depth_um, "stage_um": HUGHES_2024.stage_um, "window_um": 1.6}
    axial_per_um = HUGHES_2024.axial_per_um
    return sim.reconstruct_volume(
        frames, lens, parameters=Pattern.of(frames), axial_per_um=axial_per_um, wiener=0.01, **place
    )


# %%
measured_depth = measured_planes + 2 * defocus_slices
focal = range(defocus_slices, defocus_slices + measured_planes)
measured = {
    kind: squares(measured_px, measured_depth, measured_blocks),
    "phantom": [phantom(f"measured {i}", (measured_depth, *2 * (measured_px,))) for i in range(measured_blocks)],
}
maps, cutoffs = {}, []
for name, sample in study.track([(name, one) for name, group in measured.items() for one in group], "resolution"):
    frames = focal_series(sample, focal_planes=focal)
    results = {"widefield": frames.mean(("angle", "phase")), "planes": on_raw_grid(reconstructed(frames))}
    if (name, "volume") not in maps:
        results["volume"] = on_raw_grid(as_volume(frames))
    for method, image in results.items():
        found = volume_correlation(sample[list(focal)], image)
        maps.setdefault((name, method), found)
        cutoffs.append((name, method, *volume_cutoffs(found, lateral_limit_per_um=cutoff)))

# %%
wave = lens.n_sample / lens.wavelength_um
pupil = wave * lens.numerical_aperture / lens.n_sample
stripes = float(np.hypot(*HUGHES_2024.wave_vector_per_um[0]))


def axial_limit(across):
    """Highest axial frequency of the lens at a lateral one; below 0 where there is none."""
    inside = np.abs(across) <= 2 * pupil
    rise = np.sqrt(np.where(inside, wave**2 - (np.abs(across) - pupil) ** 2, 0)) - np.sqrt(wave**2 - pupil**2)
    return np.where(inside, rise, -1.0)


lateral = np.linspace(0, 10, 400)
shifts = [(0, 0.0), (stripes, HUGHES_2024.axial_per_um), (2 * stripes, 0.0)]
limit = {"widefield": axial_limit(lateral)}
limit["planes"] = limit["volume"] = np.max(
    [axial_limit(lateral - at) + up * (axial_limit(lateral - at) >= 0) for at, up in shifts], axis=0
)
labels = {"widefield": "widefield", "planes": "plane by plane", "volume": "as a volume"}
figure, axes = plt.subplots(2, 3, figsize=(10, 4.6), sharex=True, sharey=True)
for axis, ((name, method), found) in zip(axes.flat, maps.items(), strict=True):
    half = [float(found[axis][1]) / 2 for axis in ("across", "along")]
    extent = (-half[0], float(found.across[-1]) + half[0], -half[1], float(found.along[-1]) + half[1])
    picture = axis.imshow(found, origin="lower", extent=extent, vmin=0, vmax=1, aspect="auto", cmap="viridis")
    axis.plot(lateral, limit[method], color="white", linestyle="--", linewidth=1)
    axis.set(title=f"{name}: {labels[method]}", ylim=(0, 4), xlim=(0, 10))
for axis in axes[1]:
    axis.set_xlabel("lateral frequency (1/µm)")
for axis in axes[:, 0]:
    axis.set_ylabel("axial (1/µm)")
figure.colorbar(picture, ax=axes, label="correlation with the object")
study.publish_figure(
    "visible-human-agreement",
    figure,
    alt="Maps of the correlation with the object over lateral and axial frequency. Widefield agrees within a low arch that "
    "touches the lateral axis at 0 and 4.8 per µm: the cone of axial frequencies is missing. Plane by plane the agreement "
    "reaches to 8.5 per µm and fills the cone, with a dent; as a volume it fills the outline evenly.",
    caption="Correlation with the object over lateral and axial frequency, noise-free, one block of each kind. Dashed: the "
    "frequencies that the bands hold along a wave vector of the pattern.",
    data={f"{name}: {method}": found for (name, method), found in maps.items()},
    stand_in=volume_stand_in,
)

# %%
axial_reach = float(axial_limit(np.array([pupil]))[0])
theory = {"widefield": (cutoff, axial_reach), "reconstruction": (reach, axial_reach + HUGHES_2024.axial_per_um)}
colours = {"widefield": "C0", "planes": "C1", "volume": "C2"}
figure, axis = plt.subplots(figsize=(6.4, 4))
for name, method, across, along in cutoffs:
    axis.plot(across, along, "o" if name == kind else "s", color=colours[method], mfc="none" if name == kind else None)
for method, (across, along) in theory.items():
    axis.plot(across, along, "k+", markersize=12)
    beside = {"xytext": (10, 0), "va": "center"} if method == "widefield" else {"xytext": (0, 8), "ha": "center"}
    axis.annotate(method, (across, along), textcoords="offset points", fontsize=8, **beside)
for method, label in labels.items():
    axis.plot([], [], "s", color=colours[method], label=label)
axis.plot([], [], "o", color="grey", mfc="none", label=kind)
axis.plot([], [], "s", color="grey", label="phantom")
axis.set(xlabel="cutoff in planes (1/µm)", ylabel="cutoff along the axis (1/µm)", xlim=(axis.get_xlim()[0] - 0.2, None))
axis.legend(bbox_to_anchor=(1.02, 1), loc="upper left")
study.publish_figure(
    "visible-human-cutoffs",
    figure,
    alt="Cutoff along the axis over cutoff in planes, one point per block. Widefield lies at the lower left, reconstruction "
    "plane by plane far to the right and somewhat higher, reconstruction as a volume as far to the right and somewhat lower.",
    caption="Where the correlation with the object falls below 1/7, noise-free, one point per block (open circles: "
    f"{kind}, squares: phantom). Crosses: the frequencies at which the bands end.",
    data={
        "object": [row[0] for row in cutoffs],
        "method": [row[1] for row in cutoffs],
        "across_per_um": [row[2] for row in cutoffs],
        "along_per_um": [row[3] for row in cutoffs],
    },
    stand_in=volume_stand_in,
)


# %%
def of(method, column, names=(kind, "phantom")):
    """Cutoffs of one method, block by block."""
    return np.array([row[column] for row in cutoffs if row[1] == method and row[0] in names])


rng = study.streams(seed, "bootstrap")["bootstrap"]
study.claim(
    "hughes2024-axial-detail-in-reconstruction",
    measured={
        "lateral_cutoff_gain": tuple(paired_difference(of("planes", 2), of("widefield", 2), rng=rng)),
        "axial_cutoff_gain": tuple(paired_difference(of("planes", 3), of("widefield", 3), rng=rng)),
    },
    spread="paired bootstrap over blocks, 95 %",
    n=len(of("planes", 2)),
    stand_in={
        "photographs": "blocks of photographs and, beside them, of a procedural phantom.",
        "tomography": "blocks of a tomography and of a procedural phantom for the source's photographs.",
        "second phantom": "blocks of two procedural phantoms for the source's photographs.",
    }[kind],
)

# %%
gain = study.keep(
    "visible_human_gain",
    **{
        f"{method}_{direction}": float(of(method, column).mean())
        for method in labels
        for direction, column in (("across", 2), ("along", 3))
    },
    gain_volume=float((of("planes", 3, [kind]) - of("widefield", 3, [kind])).mean()),
    gain_phantom=float((of("planes", 3, ["phantom"]) - of("widefield", 3, ["phantom"])).mean()),
)
study.say(
    "Across the axis widefield agrees with the object up to {widefield_across:.1f}/µm and the reconstruction plane by "
    "plane up to **{planes_across:.1f}/µm**; along the axis up to {widefield_along:.2f}/µm and "
    "**{planes_along:.2f}/µm**, and as a volume up to {volume_along:.2f}/µm (one block of each kind). The axial gain is "
    "{gain_volume:+.2f}/µm in the " + kind + " and {gain_phantom:+.2f}/µm in the phantom.",
    gain,
)

# %% [markdown]
# **What this shows.** How far detail reaches follows the bands across the axis. Along it, in widefield and plane by
# plane, in most blocks agreement lasts beyond their end; in the tomography, where it is at hand, more than in the phantom;
# why is not settled here.
# Widefield has nothing in a cone around the axis, which is why flat layers vanish in it. The side bands fill the cone
# even when planes are reconstructed one by one, since only light in focus carries the stripes: planes by themselves
# are not blind along the axis.
#
# **What it does not.** The cutoff says where agreement ends, without noise, and nothing about how strong the fine
# detail is in the image. Plane by plane the map has a dent where bands overlap; treated as a volume it has none. All
# blocks of a kind come from one body or one recipe: the intervals say nothing about other specimens.

# %% [markdown]
# ## Low light
#
# **The source says** (section 2.2): a grey value $N$ of the 16-bit frames becomes a Poisson draw of mean $N/20$. Its
# program has scaled the frames of every plane to their own maximum before. On 36 test blocks the reconstructions of such frames
# agree with those of the bright ones to 25.75 dB (sd 5.95) and a structural similarity of 0.739.
#
# **What we do.** The same on every fourth plane of blocks of both kinds: frames scaled plane by plane, drawn, stretched
# from the 10th to the 99.9th percentile, reconstructed, clipped at 0 and divided by the maximum, as the source does on
# the way. And once more with one scale for the whole series, the way light is lost in a microscope: planes with less
# light then lose more.


# %%
def frames_16_bit(frames, per_plane):
    """Grey values as the source stores them."""
    top = frames.max([d for d in frames.dims if d != "z"] if per_plane else None)
    return (frames / top * 65535).round()


def stretched(frames):
    """From the 10th to the 99.9th percentile, clipped."""
    low, high = np.percentile(frames, [10, 99.9])
    return ((frames - low) / (high - low)).clip(0, 1).assign_attrs(frames.attrs)


def finished(frames):
    """Reconstruction after the source's steps before and after it."""
    with warnings.catch_warnings():  # that the stretch saturates the brightest pixels, which is what it is for
        warnings.simplefilter("ignore", sim.SimWarning)
        image = reconstructed(stretched(frames)).clip(min=0)
    return image / float(image.max())


# %%
dim_depth = 2 * defocus_slices + 32
dim = {
    kind: squares(measured_px, dim_depth, dim_blocks),
    "phantom": [phantom(f"dim {i}", (dim_depth, *2 * (measured_px,))) for i in range(dim_blocks)],
}
scores, shots = [], {}
for name, number in study.track([(name, i) for name, group in dim.items() for i in range(len(group))], "low light"):
    frames = focal_series(dim[name][number], focal_planes=range(1, dim_depth // 2 + 1, 4))
    for per_plane in (True, False):
        bright = frames_16_bit(frames, per_plane).assign_attrs(frames.attrs)
        drawn_as = "a second phantom" if name == "second phantom" else name  # a stream's name decides what it draws
        stream = study.streams(seed, f"{drawn_as} {number} {per_plane}")[f"{drawn_as} {number} {per_plane}"]
        pair = finished(bright), finished(thinned(bright, factor=low_light_factor, rng=stream))
        scores.append((name, per_plane, psnr(*pair, data_range=1.0), ssim(*pair, data_range=1.0)))
        shots[name, per_plane] = pair

# %%
figure = plt.figure(figsize=(11, 5.4))
layout = figure.add_gridspec(2, 5, width_ratios=(1, 1, 1, 0.15, 1.1))
pieces = {}
for line, name in enumerate(dim):
    bright, scaled = shots[name, True]
    parts = {"bright": bright, "dim, planes scaled": scaled, "dim, one scale": shots[name, False][1]}
    for column, (title, image) in enumerate(parts.items()):
        pieces[f"{name}: {title}"] = plane = image.isel(z=-1)
        norm = study.percentile_limits(plane, 1, 99.7)
        study.draw_image(figure.add_subplot(layout[line, column]), plane, title=f"{name}\n{title}", norm=norm)
published = {"PSNR (dB)": (2, 25.75, 5.95), "structural similarity": (3, 0.739, None)}
short = {"photographs": "photogr.", "tomography": "tomogr.", "second phantom": "2nd ph.", "phantom": "phantom"}
for line, (title, (column, mean, sd)) in enumerate(published.items()):
    axis = figure.add_subplot(layout[line, 4])
    for place, (name, per_plane) in enumerate([(name, flag) for name in dim for flag in (True, False)]):
        values = [row[column] for row in scores if row[:2] == (name, per_plane)]
        axis.plot(np.full(len(values), place), values, "o" if per_plane else "s", color=f"C{place // 2}")
    axis.axhline(mean, color="black", linewidth=0.8, linestyle="--")
    if sd:
        axis.axhspan(mean - sd, mean + sd, color="0.9", zorder=0)
    ticks = [f"{short[name]}\n{way}" for name in dim for way in ("planes", "one")]
    axis.set(title=title, xticks=range(4), xlim=(-0.5, 3.5))
    axis.set_xticklabels(ticks, fontsize=7)
study.publish_figure(
    "visible-human-low-light",
    figure,
    alt=f"Reconstruction of bright and of dim frames of the {kind} and of the phantom; the dim ones are grainier, "
    "much alike with either scaling. Beside: PSNR and similarity per block, with the published mean.",
    caption=f"Light reduced {low_light_factor:.0f} times by Poisson draws around 16-bit grey values: the frames of every plane "
    "scaled to their own maximum, as in the source, or all planes by one number. Right: dim against bright reconstruction "
    "(range 1 after division by the maximum), one point per block; dashed: the source's mean over 36 blocks, grey: its "
    "standard deviation. Scale bars 1 µm.",
    data=pieces,
    stand_in=volume_stand_in,
)


# %%
def mean_of(name, per_plane, column):
    """Mean over blocks."""
    return float(np.mean([row[column] for row in scores if row[:2] == (name, per_plane)]))


rng = study.streams(seed, "bootstrap low light")["bootstrap low light"]
all_scaled = np.array([row[2:] for row in scores if row[1]])
light = study.keep(
    "visible_human_low_light",
    **{
        f"{measure}_{label}_{way}": mean_of(name, flag, column)
        for label, name in (("volume", kind), ("phantom", "phantom"))
        for way, flag in (("planes", True), ("one", False))
        for measure, column in (("psnr", 2), ("ssim", 3))
    },
    psnr=list(mean_interval(all_scaled[:, 0], rng=rng)),
    ssim=list(mean_interval(all_scaled[:, 1], rng=rng)),
    n=len(all_scaled),
)
study.say(
    "Scaled plane by plane, dim and bright reconstructions agree to {psnr_volume_planes:.1f} dB in the "
    + kind
    + " and {psnr_phantom_planes:.1f} dB in the phantom (similarity {ssim_volume_planes:.2f} and {ssim_phantom_planes:.2f}); "
    "together {psnr[0]:.1f} dB [{psnr[1]:.1f}, {psnr[2]:.1f}] over {n} blocks, where the source has 25.75. With one scale for "
    "all planes {psnr_volume_one:.1f} and {psnr_phantom_one:.1f} dB.",
    light,
)

# %% [markdown]
# **What this shows.** What noise does to a reconstruction depends much on the object: at the same factor the tomography,
# where it is at hand, keeps several decibels more than the phantom, and the standard deviation of the source's own 36 blocks
# is 6 dB. Scaling every plane hands the same light to dark planes as to bright ones, which no exposure does. And the
# stretch to the 99.9th percentile saturates pixels, of which our own reconstruction would warn: the brightest structures
# lose their stripes before they are reconstructed.
#
# **What it does not.** The agreement is with the reconstruction of bright frames, not with the object, and its range is
# that of the brightest voxel.

# %% [markdown]
# ## Exercises
#
# 1. How many blocks would a grid of squares of 128 pixels give, and how many of them would be gel?
# 2. The stripes are faint because most light is out of focus. Set the voxels beyond 0.5 µm from the focal plane to 0:
#    what does the fit find now?

# %% tags=["solution"]
fine = replace(HUGHES_2024_GRID, rows=10, columns=24, side_px=64).placed_on(body)
shares = np.array([float(body[cell].mean()) for cell in fine.cells])
print(len(fine.cells) * 3, "blocks;", int((shares < 0.5).sum()), "of", len(fine.cells), "squares are mostly gel")

# %% tags=["solution"]
thin_plane = block_slices // 4
near = np.abs(np.arange(block_slices) - thin_plane) * voxel_um <= 0.5
thin = shown["phantom"].where(xr.DataArray(near, dims="z"), 0)
fit = fitted(focal_series(thin, focal_planes=[thin_plane]))
print("modulations in a thin layer:", np.round(fit.modulation_fitted.mean(axis=0), 2))

# %% [markdown]
# ## Provenance

# %%
study.end()
