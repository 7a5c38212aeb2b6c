"""Heat maps in the order of an average-linkage clustering, with its trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from scipy.cluster.hierarchy import dendrogram, linkage
from scipy.spatial.distance import squareform

from .scores import ink_on
from .style import GREY, signed

DIVERGING = "RdBu_r"
_NUMBERS = (30, 16)


def tree_of(values: np.ndarray, *, distances: bool = False) -> tuple[list[int], np.ndarray | None]:
    """Return the leaves' order and the linkage of the rows of `values`; fewer than three have no tree.

    Parameters
    ----------
    values
        Shape [rows x columns], Euclidean distances are taken; with `distances`, they are the distances.
    distances
        Whether `values` is square and symmetric with a zero diagonal.
    """
    if len(values) < 3:
        return list(range(len(values))), None
    given = squareform(np.maximum((values + values.T) / 2, 0.0), checks=False) if distances else values
    merged = linkage(given, method="average")
    return [int(k) for k in dendrogram(merged, no_plot=True)["leaves"]], merged


def draw_tree(ax: Axes, merged: np.ndarray | None, side: str, size: float) -> None:
    """Draw a tree, scipy's linkage [merges x 4], at ``top`` or ``right`` of a heat map, `size` of its side."""
    if merged is None:
        return
    top = side == "top"
    beside = ax.inset_axes((0, 1.005, 1, size) if top else (1.005, 0, size, 1))
    drawn: Any = dendrogram(merged, no_plot=True)
    for where, height in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        # scipy puts leaf k at 5 + 10 k.
        place = (np.asarray(where) - 5) / 10
        beside.plot(*((place, height) if top else (height, place)), color=GREY, linewidth=0.6)
    leaves = len(drawn["leaves"])
    if top:
        beside.set(xlim=(-0.5, leaves - 0.5), ylim=(0, None))
    else:
        beside.set(ylim=(leaves - 0.5, -0.5), xlim=(0, None))
    beside.set_axis_off()


def cluster_map(ax: Axes, values: pd.DataFrame, reach: float) -> tuple[AxesImage, pd.DataFrame]:
    """Draw a matrix with both sides clustered, its numbers if there are few; return image and ordered matrix.

    Parameters
    ----------
    ax
        The panel.
    values
        Shape [rows x columns], no missing values.
    reach
        Colours run from -`reach` to `reach`.
    """
    rows, row_tree = tree_of(values.to_numpy())
    columns, column_tree = tree_of(values.to_numpy().T)
    ordered = values.iloc[rows, columns]
    image = ax.imshow(
        ordered, cmap=DIVERGING, vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest"
    )
    draw_tree(ax, row_tree, "right", 0.12)
    draw_tree(ax, column_tree, "top", 0.1)
    if len(rows) <= _NUMBERS[0] and len(columns) <= _NUMBERS[1]:
        for (row, column), value in np.ndenumerate(ordered.to_numpy()):
            colour = ink_on(image.to_rgba(value)[:3])
            ax.text(
                column,
                row,
                signed(round(value, 1) + 0.0, 1),
                ha="center",
                va="center",
                fontsize=5,
                color=colour,
            )
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0)
    return image, ordered
