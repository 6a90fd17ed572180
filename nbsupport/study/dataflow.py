"""The dataflow of the study, read from the Snakefile and drawn."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib import rc_context

from nbsupport.publish import publishing
from nbsupport.study import layout

SNAKEFILE = layout.ROOT / "workflow" / "Snakefile"
DIAGRAM = layout.ROOT / "workflow" / "dataflow.svg"

Edge = tuple[str, str]


def declared_edges() -> list[Edge]:
    """Edges of the Snakefile's rule graph, ``(before, after)``; the last rule is ``study``.

    Raises
    ------
    RuntimeError
        If Snakemake cannot read the Snakefile; the message is Snakemake's own.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--rulegraph", "dot", "--forceall"]
    done = subprocess.run(command, cwd=layout.ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"snakemake could not draw {layout.relative(SNAKEFILE)}:\n{done.stderr}")
    return edges_of(done.stdout)


def edges_of(dot: str) -> list[Edge]:
    """Read the edges of a graph in DOT, by the labels of its nodes; the variants of a notebook are one node."""
    labels = dict(re.findall(r'(\d+)\s*\[.*?label\s*=\s*"([^"\\.]+)', dot))
    arrows = re.findall(r"(\d+)\s*->\s*(\d+)", dot)
    return sorted({(labels[before], labels[after]) for before, after in arrows})


def depths(edges: Iterable[Edge]) -> dict[str, int]:
    """Length of the longest way to every node from a node that needs nothing."""
    edges = list(edges)
    nodes = sorted({node for edge in edges for node in edge})
    depth = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for before, after in edges:
            depth[after] = max(depth[after], depth[before] + 1)
    return depth


def draw_dataflow(edges: list[Edge], path: Path) -> None:
    """Draw what goes in, the notebooks in the order that they need each other, and what comes out, as SVG."""
    depth = {node: level for node, level in depths(edges).items() if node != "study"}
    columns = [sorted(node for node in depth if depth[node] == level) for level in range(max(depth.values()) + 1)]
    tallest = max(3, *map(len, columns))
    place = {}
    for column, nodes in enumerate(columns):
        for row, node in enumerate(nodes):
            place[node] = (column + 1.0, (row + 0.5) * tallest / len(nodes))
    inputs = ["notebooks/*.py\nparams/<size>/*.yaml", "nbsupport/", "open data, or\nnamed stand-ins"]
    outputs = ["figures/<size>/\nSVG PNG CSV JSON", "claims with verdicts", "report.html"]
    ends = {0.0: inputs, len(columns) + 1.0: outputs}
    for x, texts in ends.items():
        place |= {text: (x, (row + 0.5) * tallest / len(texts)) for row, text in enumerate(texts)}
    figure, axes = plt.subplots(figsize=(2.4 * (len(columns) + 2), 0.8 * tallest + 0.4))
    axes.set(xlim=(-0.5, len(columns) + 1.5), ylim=(tallest, 0))
    axes.axis("off")
    first, last = columns[0], sorted(set(depth) - {before for before, after in edges if after != "study"})
    arrows = [edge for edge in edges if edge[1] != "study"]
    arrows += [(text, node) for text in inputs for node in first] + [(node, text) for node in last for text in outputs]
    for before, after in arrows:
        (x0, y0), (x1, y1) = place[before], place[after]
        axes.annotate("", (x1 - 0.36, y1), (x0 + 0.36, y0), arrowprops={"arrowstyle": "-|>", "color": "#999999"})
    for node, (x, y) in place.items():
        colour = "#cfe3f1" if node in depth else "#f3f3f3"
        label = node.removeprefix("notebook_")
        axes.text(x, y, label, ha="center", va="center", fontsize=8, bbox={"boxstyle": "round", "facecolor": colour})
    with publishing(path) as temporary, rc_context({"svg.hashsalt": "dataflow"}):
        figure.savefig(temporary, metadata={"Date": None, "Creator": None})
    plt.close(figure)
