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
# # Training one artefact remover
#
# Can a network learn to turn the MUSICAL image of a noisy video into the image that the same video would have given without
# noise? [jadhav2021] compares 21 methods: three networks, each trained with seven losses. This notebook trains *one* of them;
# its parameters say which, and the study runs it once for every method and seed. It needs the pairs of
# [notebook 10](10_training_pairs.ipynb), takes about a minute as a lesson, survives being killed (start it again), and
# leaves a restorer in `data/restorers`: weights, and a card that says what they are good for.
# [Notebook 12](12_methods_table.ipynb) compares the methods.

# %% tags=["parameters"]
seed: int = 0  # of the first weights, the crops and their order
architecture: str = "U-Net"  # "U-Net" or "FPN"
encoder: str = "R-50"  # residual encoder of 34 or 50 layers, "R-34" or "R-50"
loss: str = "L1"  # "L2", "L1", "SSIM", "MS-SSIM", "VGG", "MS-SSIM+L1" or "SSIM+L1"
beta: float | None = None  # weight in a sum of losses; None takes the source's
swapped: bool = False  # read the sum the other way round
vgg_weights: str = "random"  # of the perceptual loss: "random", "simulated" or "imagenet"
vgg_seed: int = 0  # of random VGG-16 weights
vgg_reading: str = "relu"  # its layers counted from 1 ("relu") or from 0 ("max-pool")
vgg_layers: list[int] = [4, 9, 16, 23]  # its layers that are compared
vgg_file: str = ""  # a file of VGG-16 weights; empty: made here ("simulated") or torchvision's own ("imagenet")
vgg_steps: int = 400  # training steps of the "simulated" VGG-16, if it has to be made
encoder_file: str = ""  # torchvision weights that the encoder starts from; empty: random
normalised: bool = True  # divide images and outputs by their maximum, as the source does; False: the ablation
leak: float = 0.01  # share of the gradient that passes the last ReLU where it cuts, while training; 0 in the source
steps: int = 45  # training steps; the source has 60 epochs
learning_rate: float = 1e-3  # of Adam, as in the source
batch: int = 4  # crops per step
crop: int = 96  # edge of a crop, px
bright: float = 0.1  # every crop shows a pixel at least this bright in the noise-free image of maximum 1
per_image: int = 64  # places at which each training image is cropped
every: int = 15  # steps between validations
validation_batches: int = 4  # batches of crops of validation images
examples: int = 6  # whole validation images that are restored in the end
trained: str = "class"  # name of the data set (data/pairs) and of the folder of restorers (data/restorers)
method: str = ""  # name of the run; empty: made of network, loss and what departs from the source's method
precision: str = "auto"  # in which the network computes: "bf16", "float32", or "auto", the quicker one
device: str = "cpu"  # "cpu" or "cuda"

# %%
import hashlib
import json
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr
from matplotlib.colors import Normalize

from nbsupport import study
from nbsupport.assess.benchmark import LEAK, RANDOM_WEIGHTS, Judge, Run
from nbsupport.assess.fidelity import psnr, ssim
from nbsupport.publish import write_json
from nbsupport.restore import cards, losses, networks, pairs, tiling
from nbsupport.restore.limits import Limits
from nbsupport.restore.normalisation import Normalisation
from nbsupport.restore.precision import computing, definite
from nbsupport.restore.pretraining import pretrain
from nbsupport.restore.training import crops, fit, supervised
from nbsupport.study import layout, session

study.begin("11_train_artefact_removal", globals())
departures = {
    "unscaled": not normalised,
    "pretrained": encoder_file,
    "swapped": swapped,
    f"beta-{100 * (beta or 0):.0f}": beta is not None,
    vgg_weights: vgg_weights != "random",
    f"weights-seed-{vgg_seed}": vgg_seed,
    vgg_reading: vgg_reading != "relu",
    f"layers-{'-'.join(map(str, vgg_layers))}": vgg_layers != [4, 9, 16, 23],
    f"leak-{leak:g}": leak != LEAK,
}
words = [architecture.replace("-", ""), encoder.replace("-", ""), *loss.split("+")]
method = method or "-".join(words + [word for word, departs in departures.items() if departs]).lower()
name = f"{method}-seed-{seed}"
data, folder = layout.DATA / "pairs" / trained, layout.DATA / "restorers" / trained / name
rng = study.streams(seed, "places", "validation places")

# %% [markdown]
# ## What it learns from
#
# **The source says** ([jadhav2021], sections 2.1 and 2.3): 2250 pairs of all three structures together, every image divided by
# its maximum. Nothing is said of crops, batches or augmentation, nor of a validation part.
#
# **What we do.** The training pairs of all structures in one heap. Crops are drawn around bright pixels of the noise-free
# image, turned and mirrored at random. Most of a MUSICAL image is black, and a crop without structure would teach nothing.
# The network gives every image the maximum 1, so each crop is divided by its own maximum before the network sees it, and the
# target likewise. About a fifth of what is not test (in whole pairs) serves for validation: it chooses the weights, and no test
# pair is touched here.

# %%
parts = {
    part: [p for structure in pairs.STRUCTURES for p in pairs.load(data, structure, part)]
    for part in ("train", "validation")
}
smallest = min(min(p.clean.shape) for pool in parts.values() for p in pool)
crop = min(crop, smallest)


def scaled(pair):
    """Noisy and noise-free image of a pair, as the network gets them."""
    if normalised:
        return pair.noisy, pair.clean
    return pair.noisy * pair.parameters["noisy_maximum"], pair.clean * pair.parameters["clean_maximum"]


def places(pair, rng):
    """Areas of random crops that hold a bright pixel of the noise-free image."""
    ys, xs = np.nonzero(pair.clean >= bright)
    chosen = rng.integers(len(ys), size=per_image)
    corners = [
        np.clip(centres[chosen] - rng.integers(crop, size=per_image), 0, edge - crop)
        for centres, edge in zip((ys, xs), pair.clean.shape, strict=True)
    ]
    return [(slice(y, y + crop), slice(x, x + crop)) for y, x in zip(*corners, strict=True)]


def cropped(pool, rng):
    """Batches of crops of some pairs."""
    pictures = [(scaled(pair), places(pair, rng)) for pair in pool]
    views = [[image[area] for image in both] for both, areas in pictures for area in areas]
    noisy, clean = zip(*views, strict=True)
    return crops(noisy, clean, size=crop, batch=batch, seed=seed, own_maximum=normalised)


training = cropped(parts["train"], rng["places"])
validation = cropped(parts["validation"], rng["validation places"])

# %%
noisy, clean = (tensor[:, 0].numpy() for tensor in training.batch(0))
shown = min(4, batch)
figure, axes = plt.subplots(2, shown, figsize=(1.7 * shown + 1.2, 3.6), squeeze=False)
views = {}
for title, images, row in (("noisy", noisy, axes[0]), ("noise-free", clean, axes[1])):
    for k, axis in enumerate(row):
        drawn = axis.imshow(images[k] / images[k].max(), norm=Normalize(0, 1), cmap="inferno")
        axis.set_title(f"{title} {k + 1}")
        axis.axis("off")
        views[f"{title} {k + 1}"] = xr.DataArray(
            images[k] / images[k].max(), dims=("y", "x"), coords={"y": np.arange(crop), "x": np.arange(crop)}
        )
figure.colorbar(drawn, ax=axes, shrink=0.8, label="f / max f")
study.publish_figure(
    f"artefact-removal-{name}-crops",
    figure,
    alt="Pairs of crops: above, MUSICAL of noisy videos, where the structure is broader and may lie on a haze; below, of the "
    "same videos without noise, on black.",
    caption=f"Crops of the first training step, {crop} × {crop} px. There is no scale bar: crops come from images of several "
    "pixel sizes, and the network is not told which.",
    data=views,
)

# %% [markdown]
# ## The network and its loss
#
# **The source says** (section 2.3): a U-Net or a feature pyramid network on a residual encoder, closed by a ReLU and the
# division by the maximum; Adam with a learning rate of 0.001.
#
# **What we do.** The same, with the public implementation of notebook 12, and random weights to start from unless a file is
# given. One addition: a ReLU that cuts everywhere passes no gradient, so a network whose outputs are black for every
# image stays black, and a black image is not far from a sparse one. While training, 1 % of the gradient therefore passes
# where the ReLU cuts; no output depends on it, and all 21 methods have it. [Notebook 12](12_methods_table.ipynb) counts
# the black outputs of runs without it: a few need not be the end of a training. The loss calls itself by its full name,
# since several of the seven can be read in more than one way:

# %%
options = {}
if loss == "VGG":
    file = vgg_file
    if vgg_weights == "simulated" and not file:
        shelf = layout.DATA / "vgg16" / trained
        file = shelf / pretrain(shelf, steps=vgg_steps, progress=study.Progress("training VGG-16")).file
    options = {"weights": vgg_weights, "seed": vgg_seed, "reading": vgg_reading, "layers": vgg_layers}
    options |= {"path": file} if file else {}
elif "+" in loss:
    options = {"swapped": swapped} | ({} if beta is None else {"beta": beta})
compare = losses.loss(loss, **options).to(device)
arguments = {"architecture": architecture, "encoder": encoder, "head": "max" if normalised else "relu"}
arguments |= {"leak": leak, "seed": seed}
network = networks.artefact_remover(**arguments, weights=encoder_file or None)
about = study.keep(
    f"artefact_removal_{name}_setup",
    method=method,
    loss=compare.description,
    millions=sum(p.numel() for p in network.parameters()) / 1e6,
    train=len(parts["train"]),
    validation=len(parts["validation"]),
)
study.say(
    "{network} with {millions:.1f} million parameters; loss: {loss}; {train} training and {validation} validation pairs.",
    about,
    network=f"{architecture} {encoder}",
)

# %% [markdown]
# ## Training
#
# Beside the loss of the network stand two that need no training: the loss of the noisy crop itself, and that of a **black**
# image. A network is worth something only below both. Validation sees fixed crops of the validation pairs; an output that
# is constant counts as one more unit of loss, because a black image must not be chosen for its low loss.

# %%
objective = supervised(compare)
fixed = [tuple(tensor.to(device) for tensor in validation.batch(k)) for k in range(validation_batches)]


def validate(network):
    """Mean loss over the validation crops, plus the share of constant outputs."""
    with computing(precision, torch.device(device)):
        outputs = [network(noisy) for noisy, _ in fixed]
    dead = torch.cat([networks.is_dead(output) for output in outputs]).float().mean()
    return float(dead) + float(
        np.mean([compare(out, clean).item() for out, (_, clean) in zip(outputs, fixed, strict=True)])
    )


def untrained(answer):
    """Loss on the validation crops of something that needs no network."""
    with torch.no_grad():
        return float(np.mean([compare(answer(noisy), clean).item() for noisy, clean in fixed]))


lines = {"untreated": untrained(lambda noisy: noisy), "black": untrained(torch.zeros_like)}
made_of = [session.current().parameters, [p.parameters["emitters_sha256"] for pool in parts.values() for p in pool]]
mark = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]
trained_network = fit(
    network,
    objective,
    training,
    steps=steps,
    learning_rate=learning_rate,
    validate=validate,
    every=every,
    checkpoint=folder / f"checkpoint-{mark}",
    precision=precision,
    device=device,
    seed=seed,
    on_divergence="stop",
    progress=study.Progress(f"training {name}"),
)
history = trained_network.history
validated = np.isfinite(history.validation)

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.2))
axes.plot(history.steps, history.loss, ".", color="0.6", markersize=3, label="training crops")
axes.plot(history.steps[validated], history.validation[validated], "o-", label="validation crops")
for (label, value), style in zip(lines.items(), (":", "--"), strict=True):
    axes.axhline(value, color="black", linewidth=0.8, linestyle=style, label=f"{label} image")
axes.axvline(trained_network.best_step, color="C1", linewidth=0.8, label="weights that are kept")
axes.set(
    xlabel="training step",
    ylabel=f"loss ({loss})",
    yscale="log",
    title=f"{architecture} {encoder} + {loss}, seed {seed}",
)
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
study.publish_figure(
    f"artefact-removal-{name}-learning",
    figure,
    alt="Loss against training step: grey dots for training crops, a line for validation crops, and level lines for the "
    "untreated and the black image.",
    caption=f"Learning curve of {architecture} {encoder} with the loss {loss}, one run. The level lines are what no network is "
    "needed for, on the same validation crops.",
    data={
        "step": history.steps,
        "training_loss": history.loss,
        "validation_loss": history.validation,
        **{f"{label}_loss": np.full(len(history.steps), value) for label, value in lines.items()},
    },
)

# %%
best = history.validation[trained_network.best_step - 1] if trained_network.best_step else np.nan
curve = study.keep(
    f"artefact_removal_{name}_training",
    steps_done=len(history.steps),
    best_step=trained_network.best_step,
    best=float(best),
    untreated=lines["untreated"],
    black=lines["black"],
    diverged=trained_network.diverged or 0,
    dead=int(network.head.dead_outputs),
)
study.say(
    "After {best_step} of {steps_done} steps the validation loss is **{best:.4g}**; the untreated image has {untreated:.4g}, the "
    "black one {black:.4g}. While training, {dead} outputs were black{end}",
    curve,
    end="."
    if not trained_network.diverged
    else f"; at step {trained_network.diverged} the loss was no longer a number.",
)

# %% [markdown]
# **What this shows.** Whether the loss falls below both level lines: that is the least that "it has learnt something" can mean.
#
# **What it does not.** The losses of two methods have different units and must not be compared; that takes the measures of
# notebook 12. The source trains for 60 epochs on 2250 pairs; the number of steps here is a small part of that, and a curve
# that still falls at its end says so. One run says nothing about the spread over seeds.

# %% [markdown]
# ## Whole images
#
# The network has only seen crops. Now it gets validation images of full size, each divided by its maximum, as it will in use.


# %%
def restored(pair):
    """Output for a whole noisy image, divided by its maximum."""
    output = tiling.apply(trained_network.network, scaled(pair)[0], precision=precision, device=device)
    return output / (output.max() or 1.0)


by_structure = [[p for p in parts["validation"] if p.structure == structure] for structure in pairs.STRUCTURES]
each = max(1, examples // len(by_structure))
chosen = [p for pool in by_structure for p in pool[:: -(-len(pool) // each)]]
outputs = [restored(pair) for pair in study.track(chosen, "restoring validation images")]


def measured(measure):
    """A measure of the untreated, the black and the restored image of every chosen pair, (pair, 3)."""
    candidates = [(p.noisy, np.zeros_like(p.clean), output) for p, output in zip(chosen, outputs, strict=True)]
    return np.array(
        [[measure(p.clean, c, data_range=1.0) for c in three] for p, three in zip(chosen, candidates, strict=True)]
    )


scores = {"PSNR (dB)": measured(psnr), "SSIM": measured(ssim)}
study.publish_table(
    f"artefact-removal-{name}-validation",
    {
        "structure": [p.structure for p in chosen],
        "pixel (nm)": [f"{1000 * p.pixel_um:g}" for p in chosen],
        **{
            f"{measure}, {kind}": values[:, column].round(3).tolist()
            for measure, values in scores.items()
            for column, kind in enumerate(("untreated", "black", "restored"))
        },
    },
    caption=f"Whole validation images through {architecture} {encoder} + {loss} (range 1, every image divided by its maximum). "
    "These images have chosen the weights; the test pairs of notebook 12 have not.",
)

# %%
figure, axes = plt.subplots(len(by_structure), 3, figsize=(7.6, 2.1 * len(by_structure)), squeeze=False)
bar_um = round(float(np.ptp(chosen[0].image(chosen[0].clean).x.values)) / 5, 1)
drawn_data = {}
for row, structure in zip(axes, pairs.STRUCTURES, strict=True):
    k = next(k for k, p in enumerate(chosen) if p.structure == structure)
    three = {"noisy": chosen[k].noisy, "restored": outputs[k], "noise-free": chosen[k].clean}
    for axis, (title, values) in zip(row, three.items(), strict=True):
        image = chosen[k].image(values)
        scale = Normalize(0, 0.5)
        drawn = study.draw_image(
            axis,
            image,
            title=f"{structure}, {title}",
            norm=scale,
            scale_bar_um=bar_um,
        )
        drawn_data[f"{structure}: {title}"] = image
figure.colorbar(drawn, ax=axes, shrink=0.6, label="f / max f, cut at 0.5")
study.publish_figure(
    f"artefact-removal-{name}-examples",
    figure,
    alt="For actin, vesicles and mitochondria: the noisy MUSICAL image, the output of the network and the noise-free image.",
    caption=f"One whole validation image of each structure through {architecture} {encoder} + {loss}. Scale bars "
    f"{bar_um:g} µm.",
    data=drawn_data,
)

# %%
dead = float(np.mean([not np.ptp(output) > 0 for output in outputs]))
psnr_db, similarity = (values.mean(axis=0) for values in scores.values())
summary = study.keep(
    f"artefact_removal_{name}_validation",
    images=len(chosen),
    untreated_psnr_db=float(psnr_db[0]),
    black_psnr_db=float(psnr_db[1]),
    restored_psnr_db=float(psnr_db[2]),
    restored_ssim=float(similarity[2]),
    untreated_ssim=float(similarity[0]),
    dead_share=dead,
)
study.say(
    "Over {images} validation images the mean PSNR is {untreated_psnr_db:.1f} dB untreated, {black_psnr_db:.1f} dB black and "
    "**{restored_psnr_db:.1f} dB restored**; the mean SSIM goes from {untreated_ssim:.2f} to {restored_ssim:.2f}.",
    summary,
)

# %% [markdown]
# **What this shows.** What this network does to images of full size that it has not been fitted to.
#
# **What it does not.** Validation images were there when the weights were chosen, so these numbers flatter a little. A PSNR on
# images that are mostly black rewards blackness; notebook 12 measures what it cannot see.

# %% [markdown]
# ## The restorer
#
# Weights and card go to `data/restorers`. The card holds what the network was trained on and for which images; the command
# `nbsupport restore image.tif --model CARD -o restored.tif` refuses others. The learning curve lies beside it.

# %%
start = RANDOM_WEIGHTS
if encoder_file:
    start = f"weights with sha256 {hashlib.sha256(Path(encoder_file).read_bytes()).hexdigest()}"
stores = pairs.stores_in(data)
fine_um = [p.fine_um for p in parts["train"]]
card = cards.Card(
    constructor="artefact_remover",
    arguments=arguments,
    training={
        "method": method,
        "loss": loss,
        "loss_options": {key: value for key, value in options.items() if key != "path"},
        "loss_description": compare.description,
        "encoder_starts_from": start,
        **{key: session.current().parameters[key] for key in ("steps", "learning_rate", "batch", "bright")},
        "precision": definite(precision, device),
        "crop": crop,
        "best_step": trained_network.best_step,
        "seconds": round(trained_network.seconds, 1),
        "pairs": {"name": trained, "train": len(parts["train"]), "validation": len(parts["validation"])},
        "pairs_sha256": {store.path.stem: store.parameters_sha256[:12] for store in stores},
    },
    normalisation=Normalisation("maximum" if normalised else "none"),
    limits=Limits(
        pixel_um=(min(fine_um), max(fine_um)),
        numerical_aperture=tuple(stores[0].attrs["protocol"]["numerical_aperture"]),
        values=(0.0, None),
    ),
    quality={f"validation_{key}": value for key, value in summary.items()},
)
cards.save(card, trained_network.network, folder)
write_json(
    folder / "results.json",
    {
        "method": method,
        "seed": seed,
        **curve,
        **summary,
        "steps": history.steps.tolist(),
        "loss": history.loss.tolist(),
        "validation": [value if np.isfinite(value) else None for value in history.validation.tolist()],
    },
)
for left in folder.glob("checkpoint-*"):
    shutil.rmtree(left)
again = cards.load(folder)
whole = again.restore(scaled(chosen[0])[0], precision=precision)
print(
    f"{layout.relative(folder)}: read back, largest difference {np.abs(whole / (whole.max() or 1) - outputs[0]).max():.1e}"
)

# %% [markdown]
# ## The test pairs
#
# Last, the test pairs, which nothing above has seen. Nothing is chosen by what they say, and nothing is concluded here: the
# scores are kept beside the card, and [notebook 12](12_methods_table.ipynb) compares those of all methods.

# %%
judges = [Judge(pair) for structure in pairs.STRUCTURES for pair in pairs.load(data, structure, "test")]
test = Run(folder, cards.read(folder / cards.CARD)).scores(
    judges, precision=precision, progress=study.Progress(f"measuring {name} on the test pairs")
)
print(f"{test.pair.size} test pairs measured in {len(test)} ways")

# %% [markdown]
# ## Exercises
#
# 1. On crops as sparse as these, a black image can have a small loss. Before you look: for which of the seven losses is black
#    better than the untreated image?
# 2. With the plain ReLU of the source, a network whose output is black everywhere cannot learn any more. Why? Find the argument
#    of `artefact_remover` that changes it, and show the gradient with and without.

# %% tags=["solution"]
for label in losses.TABLE:
    each = losses.loss(label)
    pool = [(noisy.cpu(), clean.cpu()) for noisy, clean in fixed]
    with torch.no_grad():
        black = float(np.mean([float(each(torch.zeros_like(clean), clean)) for _, clean in pool]))
        untreated = float(np.mean([float(each(noisy, clean)) for noisy, clean in pool]))
    print(
        f"{label:>11}: black {black:8.4g}, untreated {untreated:8.4g} -> {'black' if black < untreated else 'untreated'}"
    )

# %% tags=["solution"]
for leak in (0.0, 0.1):
    remover = networks.artefact_remover("U-Net", "R-34", leak=leak)
    torch.nn.init.constant_(remover.body.segmentation_head[0].bias, -1e4)
    remover(fixed[0][0].cpu()).sum().backward()
    print(f"leak {leak}: gradient of the last bias {remover.body.segmentation_head[0].bias.grad.item():.3g}")
print("a ReLU has no slope where it cuts; if it cuts everywhere, nothing reaches the weights")

# %% [markdown]
# ## Provenance

# %%
study.end()
