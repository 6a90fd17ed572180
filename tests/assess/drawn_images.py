"""Images drawn by hand on a field around (0, 0), and the samples they show."""

import numpy as np
import xarray as xr

from nbsupport.simulate.structures import Curve, Filament, Sample

PIXEL_UM = 0.02
ROOMY = ((-2.5, 2.5), (-2.5, 2.5), (-0.5, 0.5))


def blank(pixel_um=PIXEL_UM, field_um=4.0):
    n = round(field_um / pixel_um)
    centres = (np.arange(n) - (n - 1) / 2) * pixel_um
    return xr.DataArray(np.zeros((n, n)), dims=("y", "x"), coords={"y": centres, "x": centres})


def strand(y_um=0.0, z_um=0.0, half_um=1.5):
    return Filament(Curve([[-half_um, y_um, z_um], [half_um, y_um, z_um]]))


def sample_of(*things):
    line = [thing.centre_line for thing in things]
    return Sample("test", np.concatenate(line), np.repeat(np.arange(len(line)), [len(p) for p in line]), things, ROOMY)


def disc(image, x_um, y_um, radius_um):
    return (image.x - x_um) ** 2 + (image.y - y_um) ** 2 <= radius_um**2


def drawn(sample, sigma_um=0.03, pixel_um=PIXEL_UM):
    """Lines of unit peak through the centre lines, each at one y, Gaussian across."""
    image = blank(pixel_um)
    for line in sample.centre_lines():
        across = np.exp(-0.5 * ((image.y - line[0, 1]) / sigma_um) ** 2)
        image = image + across * ((image.x >= line[0, 0]) & (image.x <= line[-1, 0]))
    return image.transpose("y", "x")
