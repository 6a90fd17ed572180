"""The study room: parameters, runs, published figures and tables, claims, provenance.

It knows nothing about microscopy. A notebook writes ``from nbsupport import study`` and uses the names below; the
runner and the command line have their own modules.
"""

from nbsupport.seeds import streams
from nbsupport.study.claims import claim
from nbsupport.study.data import locate, stand_in
from nbsupport.study.figures import publish_figure, publish_table
from nbsupport.study.panels import decades, draw_image, line_profile, percentile_limits
from nbsupport.study.progress import Progress, track
from nbsupport.study.provenance import end
from nbsupport.study.results import keep, result, say
from nbsupport.study.session import begin, interactive
from nbsupport.study.verdict import Estimate

__all__ = [
    "Estimate",
    "Progress",
    "begin",
    "claim",
    "decades",
    "draw_image",
    "end",
    "interactive",
    "keep",
    "line_profile",
    "locate",
    "percentile_limits",
    "publish_figure",
    "publish_table",
    "result",
    "say",
    "stand_in",
    "streams",
    "track",
]
