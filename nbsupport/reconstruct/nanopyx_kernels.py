"""Compiled kernels of nanopyx, without what the package does on the side."""

import atexit
import contextlib
import io
import os
import tempfile
import warnings
from functools import lru_cache
from types import SimpleNamespace
from unittest import mock


@lru_cache(maxsize=1)
def nanopyx_kernels() -> SimpleNamespace:
    """Load the kernels that SRRF and eSRRF are made of.

    Importing nanopyx prints, warns that OpenCL and numba are missing, and makes two folders in the home folder; its
    public functions print their run times and keep a record of them there, which also decides the implementation.
    The import is therefore silenced and given a temporary home, and the kernels are called directly, without an engine.

    Returns
    -------
    SimpleNamespace
        ``magnify``, ``radiality``, ``roberts_cross`` and ``convergence`` take an unused engine (None), then float32
        frames (frame, y, x); ``macro_pixel_corrector`` takes the frames alone.

    References
    ----------
    nanopyx 2.1.5.
    """
    # the package imports matplotlib, whose own folders must not land in the temporary home
    import matplotlib

    matplotlib.get_cachedir()
    home = tempfile.TemporaryDirectory(prefix="nanopyx-")
    atexit.register(home.cleanup)
    with (
        mock.patch.dict(os.environ, {"HOME": home.name, "USERPROFILE": home.name}),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", message=".*OpenCL", category=UserWarning)
        warnings.filterwarnings("ignore", message="Numba is not installed", category=UserWarning)
        from nanopyx.core.transform._le_interpolation_catmull_rom import ShiftAndMagnify
        from nanopyx.core.transform._le_radial_gradient_convergence import RadialGradientConvergence
        from nanopyx.core.transform._le_radiality import Radiality
        from nanopyx.core.transform._le_roberts_cross_gradients import GradientRobertsCross
        from nanopyx.core.transform.mpcorrector import macro_pixel_corrector
    # frames are shared out among threads here, which waits less than the package's threads do on a busy machine;
    # of radiality it has no other form
    return SimpleNamespace(
        magnify=ShiftAndMagnify._run_unthreaded,
        radiality=Radiality._run_threaded,
        roberts_cross=GradientRobertsCross._run_unthreaded,
        convergence=RadialGradientConvergence._run_unthreaded,
        macro_pixel_corrector=macro_pixel_corrector,
    )
