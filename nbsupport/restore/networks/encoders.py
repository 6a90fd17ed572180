"""Artefact removers: U-Net and feature pyramid network on residual encoders, with an output in [0, 1]."""

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from nbsupport.restore.networks.initialisation import seeded
from nbsupport.restore.networks.padding import crop_to, pad_to_multiple, require_axes

ARCHITECTURES = {"U-Net": "Unet", "FPN": "FPN"}
ENCODERS = {"R-34": "resnet34", "R-50": "resnet50"}
HEADS = ("max", "relu")

STRIDE = 32
"""Both families halve the image five times, and the pyramid refuses sizes that this does not divide."""

FLOOR = 1e-8
"""Maximum up to which an output counts as black and is not divided."""


class Head(nn.Module):
    """ReLU, and division of every image by its own maximum unless told otherwise; options as in `artefact_remover`."""

    def __init__(self, kind: str, leak: float):
        super().__init__()
        self.kind, self.leak = kind, leak
        self.register_buffer("dead_outputs", torch.zeros((), dtype=torch.long), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 1, y, x), any values -> (batch, 1, y, x), float32, non-negative; in [0, 1] where divided."""
        images = images.float()
        positive = images.relu()
        if self.training and self.leak:
            negative = images.clamp(max=0)
            positive = positive + self.leak * (negative - negative.detach())  # adds 0, but has a slope
        maximum = positive.amax(dim=(1, 2, 3), keepdim=True)
        dead = maximum <= FLOOR
        if self.training:
            self.dead_outputs += dead.sum()
        if self.kind == "relu":
            return positive
        # A black image stays black; divided by FLOOR, the gradient that a leak lets through would be 10^8 times itself.
        return positive / maximum.where(~dead, 1.0)


class ArtefactRemover(nn.Module):
    """One of the autoencoders of jadhav2021; make it with `artefact_remover`.

    Attributes
    ----------
    body : nn.Module
        Encoder, decoder and linear output of segmentation-models-pytorch.
    head : Head
        Its buffer ``dead_outputs`` counts the black images that came out while training (not kept in a state dict).
    stage_modules : dict
        Names of the modules of every stage, in the order of the data; `stages` reads it.
    """

    def __init__(self, architecture: str, body: nn.Module, head: str, leak: float):
        super().__init__()
        self.body = body
        self.head = Head(head, leak)
        encoder = {"encoder 1": ("conv1", "bn1", "relu"), "encoder 2": ("maxpool", "layer1")}
        encoder |= {f"encoder {n + 1}": (f"layer{n}",) for n in (2, 3, 4)}
        self.stage_modules = {
            stage: tuple(f"body.encoder.{name}" for name in names) for stage, names in encoder.items()
        }
        self.stage_modules |= _pyramid_stages() if architecture == "FPN" else _unet_stages()
        self.stage_modules["head"] = ("body.segmentation_head", "head")

    def forward(self, images: Tensor) -> Tensor:
        """Remove artefacts: (batch, 1, y, x) of any size, divided by the image maximum -> the same shape."""
        require_axes(images, ("batch", "channel", "y", "x"), 1, "artefact_remover")
        padded = pad_to_multiple(images, (STRIDE, STRIDE), "constant")
        return self.head(crop_to(self.body(padded), images.shape[-2:]))


def artefact_remover(
    architecture: str,
    encoder: str,
    *,
    weights: Path | str | None = None,
    head: str = "max",
    leak: float = 0.0,
    seed: int = 0,
) -> ArtefactRemover:
    """Build one of the four autoencoders of jadhav2021.

    Parameters
    ----------
    architecture : str
        ``"U-Net"`` or ``"FPN"``.
    encoder : str
        ``"R-34"`` or ``"R-50"``: residual network with 34 or 50 layers.
    weights : path, optional
        State dict of a torchvision ResNet of the same depth. Its first kernel is summed over the three colours, which
        is what a grey image in all of them would see. Without it the encoder starts from random weights.
    head : str
        ``"max"`` divides every output by its maximum, as the source does; ``"relu"`` leaves that out (ablation).
    leak : float, 0 to 1
        Share of the gradient that passes the last ReLU where it cuts, while training. With 0, as in the source, an
        output that has become black has no gradient and stays black. No output depends on it.
    seed : int
        Of the random weights.

    Returns
    -------
    ArtefactRemover
        (batch, 1, y, x) of any size -> (batch, 1, y, x), float32, in [0, 1] with head ``"max"``. An output without a
        positive pixel stays black; see `is_dead`.

    Raises
    ------
    ValueError
        If a name is unknown, `leak` is no share, or the file holds no weights of that encoder.
    FileNotFoundError
        If there is no such file.

    References
    ----------
    jadhav2021, section 2.3. The source names neither an implementation nor pre-training; this one (widths,
    normalisation, upsampling) is that of segmentation-models-pytorch.
    """
    for name, value, known in (("architecture", architecture, ARCHITECTURES), ("encoder", encoder, ENCODERS)):
        if value not in known:
            raise ValueError(f"{name}={value!r} is unknown; give one of {', '.join(known)}")
    if head not in HEADS:
        raise ValueError(f"head={head!r} is unknown; give one of {', '.join(HEADS)}")
    if not 0 <= leak <= 1:
        raise ValueError(f"leak={leak!r} must be a share from 0 to 1")
    channels = 1 if weights is None else 3
    import segmentation_models_pytorch  # three seconds, which nothing but this function should cost

    build = getattr(segmentation_models_pytorch, ARCHITECTURES[architecture])
    with seeded(seed):
        body = build(ENCODERS[encoder], encoder_weights=None, in_channels=channels, classes=1)
    if weights is not None:
        _load_encoder(body.encoder, Path(weights), encoder)
        body.encoder.set_in_channels(1, pretrained=True)
    return ArtefactRemover(architecture, body, head, leak)


def is_dead(outputs: Tensor) -> Tensor:
    """Say of every output whether the network has failed on it: a constant image, black included, or one with NaN.

    Parameters
    ----------
    outputs : Tensor, (batch, ...)

    Returns
    -------
    Tensor, (batch,), bool
    """
    flat = outputs.flatten(1)
    return ~(torch.isfinite(flat).all(dim=1) & (flat.amax(dim=1) > flat.amin(dim=1)))


def _load_encoder(module: nn.Module, path: Path, encoder: str) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"weights={str(path)!r} is no file; give a torchvision {ENCODERS[encoder]} state dict")
    try:
        module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, KeyError, AttributeError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"weights={path.name!r} holds no state dict of a torchvision {ENCODERS[encoder]} ({encoder}): "
            f"{str(error).splitlines()[0]}"
        ) from None


def _unet_stages() -> dict[str, tuple[str, ...]]:
    return {f"decoder {5 - n}": (f"body.decoder.blocks.{n}",) for n in range(5)}


def _pyramid_stages() -> dict[str, tuple[str, ...]]:
    lateral = {f"lateral {level}": (f"body.decoder.p{level}",) for level in (5, 4, 3, 2)}
    branches = {f"branch {5 - n}": (f"body.decoder.seg_blocks.{n}",) for n in range(4)}
    return lateral | branches | {"merge": ("body.decoder.merge", "body.decoder.dropout")}
