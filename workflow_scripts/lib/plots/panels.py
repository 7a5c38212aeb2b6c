"""Grids of panels, and points that lie beyond a panel's edge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import label, new_figure


def contrast_grid(
    contrasts: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    panel: tuple[float, float] = (3.1, 2.7),
    extra: float = 0.0,
    stack: int = 3,
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Return a figure with one panel a contrast and column.

    Parameters
    ----------
    contrasts
        One a row; beyond `stack` of them two stand beside each other.
    columns
        Names of the panels of a contrast.
    title
        Of the figure.
    panel
        Width and height of a panel, inches.
    extra
        Further width of the figure, for a legend.
    stack
        Number of contrasts up to which each has a row of its own.
    """
    beside = 1 if len(contrasts) <= stack else 2
    rows, wide = -(-len(contrasts) // beside), beside * len(columns)
    figure = new_figure(panel[0] * wide + extra, panel[1] * rows + 0.7, title)
    grid = figure.subplots(rows, wide, squeeze=False)
    axes = {}
    for place, contrast in enumerate(contrasts):
        row, start = place // beside, place % beside * len(columns)
        for offset, column in enumerate(columns):
            axes[contrast, column] = grid[row, start + offset]
    for ax in grid.flat:
        if ax not in axes.values():
            ax.set_axis_off()
    return figure, axes


def name_rows(axes: dict[tuple[str, str], Axes], columns: Sequence[str], titles: Sequence[str]) -> None:
    """Title every panel with its contrast and its column's title."""
    for (contrast, column), ax in axes.items():
        ax.set_title(f"{label(contrast, 30)}\n{titles[list(columns).index(column)]}", loc="left")


def reach(values: Sequence[np.ndarray | pd.Series], least: float = 1.0) -> float:
    """Return a symmetric axis limit that all but the 0.1 % most extreme of all `values`, of any shape, are within."""
    pooled = np.abs(np.concatenate([np.asarray(v, dtype=float) for v in values] or [np.zeros(1)]))
    pooled = pooled[np.isfinite(pooled)]
    if not len(pooled):
        return least
    # A few genes without counts in one group have estimates of 20 and more, which would flatten the rest.
    return max(least, min(float(pooled.max()) * 1.05, float(np.quantile(pooled, 0.999)) * 1.25))


def to_edge(values: pd.Series, low: float, high: float) -> tuple[pd.Series, pd.Series]:
    """Move values beyond the limits onto them; return where to draw, and which were moved."""
    drawn = values.clip(low, high)
    return drawn, (drawn != values) & values.notna()


def spread_out(heights: Sequence[float], gap: float, ceiling: float = 0.97) -> list[float]:
    """Move ascending `heights` within 0 to `ceiling` apart, so that each is `gap` above the one before."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else max(height, 0.0))
    for place in range(len(placed) - 1, -1, -1):
        placed[place] = min(placed[place], ceiling)
        ceiling = placed[place] - gap
    return placed


def name_point(ax: Axes, text: str, point: tuple[float, float], where: tuple[float, float], ha: str) -> None:
    """Write `text` at `where`, in fractions of the panel, with a thin line from its inner end to `point`."""
    inner = (1.0 if ha == "left" and where[0] < 0.5 else 0.0, 0.5)
    line = {"linewidth": 0.4, "color": "#777777", "shrinkA": 0, "shrinkB": 1}
    ax.annotate(
        text,
        point,
        xytext=where,
        textcoords="axes fraction",
        ha=ha,
        va="center",
        fontsize=6.5,
        annotation_clip=False,
        arrowprops={"arrowstyle": "-", "relpos": inner, **line},
    )
