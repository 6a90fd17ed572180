"""The study room: parameters, runs, published figures and tables, claims, provenance.

It knows nothing about microscopy. A notebook writes ``from nbsupport import study`` and uses the names below, each of
which is imported when it is first used: the runner, the command line and the workflow have modules of their own and
need no plotting library to start.
"""

from typing import TYPE_CHECKING

import lazy_loader

from nbsupport.seeds import streams

# ruff: noqa: F401 (`nbsupport.codebase` and editors read here what the table below imports)
if TYPE_CHECKING:
    from nbsupport.study.claims import claim
    from nbsupport.study.data import locate, stand_in
    from nbsupport.study.figures import publish_figure, publish_table
    from nbsupport.study.panels import decades, draw_image, line_profile, percentile_limits
    from nbsupport.study.progress import Progress, track
    from nbsupport.study.provenance import end
    from nbsupport.study.results import keep, result, say
    from nbsupport.study.session import begin, interactive
    from nbsupport.study.verdict import Estimate

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "claims": ["claim"],
        "data": ["locate", "stand_in"],
        "figures": ["publish_figure", "publish_table"],
        "panels": ["decades", "draw_image", "line_profile", "percentile_limits"],
        "progress": ["Progress", "track"],
        "provenance": ["end"],
        "results": ["keep", "result", "say"],
        "session": ["begin", "interactive"],
        "verdict": ["Estimate"],
    },
)
__all__ += [streams.__name__]
