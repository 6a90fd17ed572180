"""Draw a network from the stages that its data really pass."""

from collections.abc import Sequence
from math import log2

from matplotlib.axes import Axes

from nbsupport.restore.networks.anatomy import Stage

COLOURS = ("#cfe3f1", "#f6dcc6", "#d9ecd0", "#e8d9ee", "#f3f3f3")


def draw_stages(axes: Axes, stages: Sequence[Stage]) -> None:
    """Draw stages from left to right, coarser ones further down, and an arrow from each to every one that it feeds.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Emptied of ticks and frame. About 0.75 inch per stage and 0.7 inch per scale keep the text inside the boxes.
    stages : sequence of Stage
        From `stages`. A box says the name, the output (features and pixels) and the number of trainable parameters;
        stages of one kind (``encoder``, ``decoder``) share a colour.

    Raises
    ------
    ValueError
        If there are no stages.
    """
    if not stages:
        raise ValueError("stages is empty; pass what stages(network, size) returns")
    finest = max(stage.works_at[-1] for stage in stages)
    place = {stage.name: (column, log2(finest / stage.works_at[-1])) for column, stage in enumerate(stages)}
    deepest = max(y for _, y in place.values())
    axes.set(xlim=(-0.7, len(stages) - 0.3), ylim=(deepest + 0.5, -0.5))
    axes.axis("off")
    kinds = list(dict.fromkeys(stage.name.split()[0] for stage in stages))
    boxes = {}
    for stage in stages:
        colour = COLOURS[min(kinds.index(stage.name.split()[0]), len(COLOURS) - 1)]
        box = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": "0.4", "linewidth": 0.6}
        text = axes.text(*place[stage.name], _label(stage), ha="center", va="center", fontsize=6, bbox=box, zorder=3)
        boxes[stage.name] = text.get_bbox_patch()
    for stage in stages:
        for source in stage.inputs:
            ends = place[source], place[stage.name]
            style = _arrow(*ends, set(place.values()))
            axes.annotate(
                "", ends[1], ends[0], arrowprops=style | {"patchA": boxes[source], "patchB": boxes[stage.name]}
            )


def _label(stage: Stage) -> str:
    features, *pixels = stage.shape
    size = f"{pixels[0]}²" if len(pixels) == 2 and pixels[0] == pixels[1] else " × ".join(map(str, pixels))
    count = stage.parameters
    said = f"{count / 1e6:.1f} M" if count >= 1e6 else f"{count / 1e3:.0f} k" if count >= 1e3 else str(count)
    return f"{stage.name}\n{features} × {size}\n{said}"


def _arrow(start: tuple[float, float], end: tuple[float, float], taken: set[tuple[float, float]]) -> dict:
    """Look of an arrow: dark to the next stage, pale over a distance, bent where a box stands in its way."""
    near = end[0] - start[0] == 1
    in_the_way = any(y == start[1] == end[1] and start[0] < x < end[0] for x, y in taken)
    bend = -0.3 if in_the_way else 0.0
    colour = "0.25" if near else "0.6"
    return {"arrowstyle": "-|>", "color": colour, "linewidth": 0.9, "connectionstyle": f"arc3,rad={bend}"}
