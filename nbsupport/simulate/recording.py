"""One recording of one sample: the same emitters and photons with and without noise."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from nbsupport.optics import Optics
from nbsupport.simulate.acquisition import acquire
from nbsupport.simulate.camera import poisson, to_expected
from nbsupport.simulate.photokinetics import blink
from nbsupport.simulate.structures import Sample


def record(
    sample: Sample,
    optics: Optics,
    *,
    rng: Mapping[str, np.random.Generator],
    pixel_um: float,
    frames: int = 200,
    tau_on: float = 2.0,
    tau_off: float = 10.0,
    signal_to_background: float = 3.0,
    background: float = 100.0,
    field_um: float = 5.0,
    focal_depth_um: float = 0.5,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Record a blinking sample twice, as the microscope forms it and as the camera counts it.

    Parameters
    ----------
    sample : Sample
        Emitters, µm.
    optics : Optics
    rng : mapping
        Generators ``"photokinetics"`` and ``"noise"``.
    pixel_um, field_um, focal_depth_um : float
        As in `acquire`, µm.
    frames : int
    tau_on, tau_off : float
        Mean dwell times, frames.
    signal_to_background, background : float
        As in `to_expected`.
    progress : callable, optional
        Called with the finished fraction.

    Returns
    -------
    Dataset
        ``noise_free`` (frame, y, x), photons for one photon per frame of on-time, and ``noisy``, photons counted when
        the brightest expected value is `background` × `signal_to_background`.

    References
    ----------
    jadhav2021, section 2.1, A2 to A4. The photon rate cancels, because the noise engine scales the stack to [0, 1].
    """
    on_time = blink(len(sample.emitters_um), frames, tau_on, tau_off, rng=rng["photokinetics"])
    noise_free = acquire(
        sample.emitters_um,
        on_time,
        optics,
        pixel_um=pixel_um,
        field_um=field_um,
        focal_depth_um=focal_depth_um,
        progress=progress,
    )
    expected = to_expected(noise_free, background=background, signal_to_background=signal_to_background)
    attrs = {
        "tau_on": tau_on,
        "tau_off": tau_off,
        "signal_to_background": signal_to_background,
        "background": background,
    }
    return xr.Dataset({"noise_free": noise_free, "noisy": poisson(expected, rng=rng["noise"])}, attrs=attrs)
