"""Networks of the sources, one constructor per family; every one draws its weights from a seed of its own."""

from nbsupport.restore.networks.anatomy import Layer, Stage, layers, stages
from nbsupport.restore.networks.diagram import draw_stages
from nbsupport.restore.networks.encoders import artefact_remover, is_dead
from nbsupport.restore.networks.noise2noise import localisation_unet
from nbsupport.restore.networks.noise2self import noise2self
from nbsupport.restore.networks.rcan import rcan
from nbsupport.restore.networks.unets import care, time_unet

__all__ = [
    "Layer",
    "Stage",
    "artefact_remover",
    "care",
    "draw_stages",
    "is_dead",
    "layers",
    "localisation_unet",
    "noise2self",
    "rcan",
    "stages",
    "time_unet",
]
