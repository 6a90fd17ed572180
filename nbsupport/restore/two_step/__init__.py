"""Two-step denoising of structured illumination: a network for the frames, a reconstruction, a network for its result.

- `exposure`: a bright acquisition, and a dim one of the same sample
- `planar`, `volumetric`: the simulated microscopes and their samples
- `acquisitions`: what is kept of one sample, and the stores of many
- `scaling`: how frames and reconstructions are scaled before and after each stage
- `training`: networks, crops that keep the order of the phases, the loop
- `stages`: a dim acquisition taken through the chain
- `chains`: the trainings of a study, each done once
- `seams`, `stripes`: what tiles and networks do to images and to the pattern
"""

from .acquisitions import Acquisition, acquire, load, open_store, simulate
from .chains import Chain, Chains, Fields
from .exposure import Exposure
from .planar import ANATOMY, PER_UM2, PlanarProtocol
from .scaling import INPUT, after_reconstruction, before_reconstruction
from .seams import seam_ratio
from .stages import NORMALISATIONS, refined, restored_frames, second_pair, stages
from .stripes import PatternError, pattern_error
from .training import AUGMENTATIONS, FreelyTurned, Recipe, share_blocks, train
from .volumetric import VolumeProtocol

__all__ = [
    "ANATOMY",
    "AUGMENTATIONS",
    "INPUT",
    "NORMALISATIONS",
    "PER_UM2",
    "Acquisition",
    "Chain",
    "Chains",
    "Exposure",
    "Fields",
    "FreelyTurned",
    "PatternError",
    "PlanarProtocol",
    "Recipe",
    "VolumeProtocol",
    "acquire",
    "after_reconstruction",
    "before_reconstruction",
    "load",
    "open_store",
    "pattern_error",
    "refined",
    "restored_frames",
    "seam_ratio",
    "second_pair",
    "share_blocks",
    "simulate",
    "stages",
    "train",
]
