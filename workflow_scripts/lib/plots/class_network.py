"""Classes of perturbagens by their codes: a heat map of distances, and the graph of nearest neighbours."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from .clusters import draw_tree, tree_of
from .layout import Box, pack_components
from .scores import class_name, cycle, span
from .style import (
    BLACK,
    GREY,
    LIGHT,
    VERMILLION,
    empty_panel,
    foot_note,
    key,
    look,
    new_figure,
    number,
    side_legend,
    styled,
)

# Width of a letter and height of a line of the labels, inches at 5.5 points.
_LETTER, _LINE = 0.056, 0.088
# Between two labels, so that an arrow can be seen.
_GAP = 0.3
_WRAP, _WIDE = 17, 11.5


@styled
def network_heatmap(
    distances: pd.DataFrame, model: str, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw the correlation distances between the classes' codes, ordered by average linkage.

    Parameters
    ----------
    distances
        Shape [classes x classes], indexed by class both ways.
    model
        Whose codes.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        pcl_id, other, distance, with ``row`` and ``column`` in the heat map; the diagonal is left out.
    """
    count = len(distances)
    side = max(3.2, 0.125 * count)
    figure = new_figure(side + 3.6, side + 2.9, f"Distances between classes: {look(model).title}")
    ax = figure.subplots()
    table = pd.DataFrame(columns=["pcl_id", "other", "distance", "row", "column"])
    if count < 2:
        empty_panel(ax, "fewer than two classes")
    else:
        order, tree = tree_of(distances.to_numpy(), distances=True)
        values = distances.iloc[order, order]
        names = [str(name) for name in values.index]
        shown = np.ma.masked_array(values.to_numpy(), np.eye(count, dtype=bool))
        image = ax.imshow(shown, cmap="cividis", interpolation="nearest")
        ax.set_facecolor(LIGHT)
        draw_tree(ax, tree, "top", 0.1)
        size = 5.5 if count > 30 else 6.5
        ax.set_xticks(range(count), [class_name(n) for n in names], rotation=90, fontsize=size)
        ax.set_yticks(range(count), [class_name(n) for n in names], fontsize=size)
        ax.tick_params(length=0)
        bar = figure.colorbar(image, ax=ax, shrink=0.4, pad=0.02, aspect=25)
        bar.set_label("distance of two codes (1 − Pearson correlation)")
        rows, columns = np.nonzero(~np.eye(count, dtype=bool))
        table = pd.DataFrame(
            {
                **{"pcl_id": np.array(names)[rows], "other": np.array(names)[columns]},
                **{"distance": values.to_numpy()[rows, columns], "row": rows, "column": columns},
            }
        )
    foot_note(
        figure,
        [
            f"n = {number(count)} classes; order and tree: average linkage of the distances",
            "The diagonal, 0, is grey",
            f"Distances {span(table['distance'].astype(float), '.2f')}" if len(table) else "",
            note,
        ],
        simulated=simulated,
    )
    return figure, table


def _text(name: str, signatures: float) -> str:
    lines = textwrap.wrap(class_name(name, 60), _WRAP)
    return "\n".join([*lines, f"n = {number(signatures)}"] if np.isfinite(signatures) else lines)


def _box(text: str) -> Box:
    lines = text.split("\n")
    return Box(max(map(len, lines)) * _LETTER + _GAP, len(lines) * _LINE + _GAP)


class _Frames(Artist):
    """Sets the labels' frames before the arrows are drawn, which end at them."""

    def __init__(self, labels: Iterable[Text]) -> None:
        super().__init__()
        self.set_zorder(1)
        self.labels = list(labels)

    def draw(self, renderer: RendererBase) -> None:
        """Draw nothing."""
        for text in self.labels:
            text.update_bbox_position_size(renderer)


def _arrows(ax: Axes, edges: pd.DataFrame, labels: dict[str, Text]) -> None:
    """Draw an arrow from each neighbour to its class; two classes that are each other's share one with two heads."""
    low, high = float(edges["weight"].min()), float(edges["weight"].max())
    for edge in edges.itertuples():
        if edge.mutual and str(edge.source) > str(edge.target):
            continue
        width = 0.6 + 1.8 * ((edge.weight - low) / (high - low) if high > low else 0.5)
        style: dict[str, Any] = {
            "arrowstyle": "<|-|>" if edge.mutual else "-|>",
            "mutation_scale": 6,
            "color": VERMILLION if edge.mutual else GREY,
            "linewidth": width,
            "shrinkA": 1,
            "shrinkB": 1,
        }
        ends = labels[str(edge.source)], labels[str(edge.target)]
        arrow = FancyArrowPatch(*(end.get_position() for end in ends), zorder=2, **style)
        frames: list[Any] = [end.get_bbox_patch() for end in ends]
        arrow.set_patchA(frames[0])
        arrow.set_patchB(frames[1])
        ax.add_patch(arrow)


@styled
def network_graph(
    edges: pd.DataFrame, nodes: pd.DataFrame, model: str, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw every class with its nearest neighbour, connected classes together.

    Parameters
    ----------
    edges
        target, source (its nearest neighbour), distance, weight (correlation), mutual.
    nodes
        pcl_id, norm, signatures (may be missing).
    model
        Whose codes.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `edges`, with the component and the places of both ends.
    """
    graph = nx.Graph()
    graph.add_nodes_from(sorted({*edges["source"], *edges["target"]}))
    graph.add_edges_from(sorted(zip(edges["source"], edges["target"], strict=True)))
    parts = sorted(nx.connected_components(graph), key=lambda part: (-len(part), min(part)))
    known = nodes.set_index("pcl_id")["signatures"].reindex(list(graph))
    texts = {name: _text(name, known[name]) for name in graph}
    places, size = pack_components(graph, parts, {name: _box(text) for name, text in texts.items()}, _WIDE)
    width, height = max(size[0], 4.0), max(size[1], 2.0)
    figure = new_figure(width + 2.0, height + 1.0, f"Nearest classes: {look(model).title}")
    ax = figure.subplots()
    ax.set_axis_off()
    table = edges.copy()
    if edges.empty:
        empty_panel(ax, "fewer than two classes")
    else:
        ax.set(xlim=(-0.05, width + 0.05), ylim=(-0.05, height + 0.05), aspect="equal")
        component = {name: k for k, part in enumerate(parts) for name in part}
        labels = {}
        for name, text in texts.items():
            style: dict[str, Any] = {
                "ha": "center",
                "va": "center",
                "fontsize": 5.5,
                "linespacing": 1.05,
                "zorder": 3,
            }
            box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": cycle(component[name])}
            labels[name] = ax.text(*places[name], text, bbox=box, **style)
        ax.add_artist(_Frames(labels.values()))
        _arrows(ax, edges, labels)
        table["component"] = table["target"].map(component) + 1
        for end in ("target", "source"):
            for k, axis in enumerate("xy"):
                table[f"{end}_{axis}"] = [round(places[name][k], 4) for name in table[end]]
    samples = [key(VERMILLION, "", line="-"), key(GREY, "", line="-"), key(BLACK, "s", hollow=True)]
    names = ["nearest to each other", "from the nearest class\nto the class", "class; frame: component"]
    side_legend(figure, [("", samples, names)])
    sized = len(nodes) and nodes["signatures"].notna().any()
    mutual = int(edges["mutual"].sum()) // 2
    foot_note(
        figure,
        [
            f"n = {number(len(graph))} classes in {number(len(parts))} component{'s' if len(parts) != 1 else ''}, "
            f"{number(mutual)} pairs nearest to each other; components of the same colour are not related",
            f"Width: correlation of the codes, {span(edges['weight'], '.2f')}" if len(edges) else "",
            "n in a frame: signatures of the class" if sized else "",
            "Distances in the picture mean nothing beyond the arrows",
            note,
        ],
        simulated=simulated,
    )
    return figure, table
