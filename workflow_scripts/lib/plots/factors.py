"""Which columns of a sample sheet tell samples apart, and how their levels are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .style import BLACK, LEVELS, MARKERS, by_number, key, label

Entries = tuple[list[Line2D], list[str]]

MOST_LEVELS = 8
# Published labels have colours of their own, so that they are not taken for levels of the design.
PUBLISHED_FIRST = 4


def _follows(samples: pd.DataFrame, factor: str, others: Sequence[str]) -> bool:
    """Whether `factor` is known once `others` are."""
    return bool(others) and samples.groupby(list(others))[factor].nunique().max() == 1


def true_factors(samples: pd.DataFrame, factors: Sequence[str], published: str | None) -> list[str]:
    """Return the factors that make up the design, without what the others already say.

    Parameters
    ----------
    samples
        The sample table.
    factors
        Columns used in designs.
    published
        The factor of the published labels; left out if the other factors determine it.
    """
    kept = [f for f in dict.fromkeys(factors) if f in samples and samples[f].nunique() > 1]
    others = [f for f in kept if f != published]
    if published in kept and _follows(samples, published, others):
        kept = others
    for factor in sorted(kept, key=lambda f: -samples[f].nunique()):
        # A column such as basal_virgin is the crossing of two others.
        parts = [f for f in kept if f != factor and _follows(samples, f, [factor])]
        if len(parts) > 1 and _follows(samples, factor, parts):
            kept.remove(factor)
    return kept


def level_colours(values: pd.Series, first: int = 0) -> dict[str, str]:
    """Return a colour for every level; more than eight run along a colour map, others begin at `first`."""
    levels = by_number(values)
    if len(levels) <= MOST_LEVELS:
        return {level: LEVELS[(first + place) % MOST_LEVELS] for place, level in enumerate(levels)}
    cmap = matplotlib.colormaps["viridis"]
    return {
        level: matplotlib.colors.to_hex(cmap(place / (len(levels) - 1))) for place, level in enumerate(levels)
    }


def draw_by_factors(
    ax: Axes,
    x: pd.Series,
    y: pd.Series,
    samples: pd.DataFrame,
    factors: Sequence[str],
    *,
    size: float = 26,
    first: int = 0,
) -> Entries:
    """Draw samples coloured by the first of `factors` and shaped by the second; return the legend's entries.

    Parameters
    ----------
    ax
        The panel.
    x, y
        Positions, indexed as `samples`.
    samples
        One row a sample.
    factors
        None, one or two columns with few enough levels; what cannot be drawn is left out.
    size
        Of a point.
    first
        Place in the palette of the first level's colour.
    """
    usable = [f for f in factors if samples[f].nunique() <= MOST_LEVELS][:2]
    colours = level_colours(samples[usable[0]], first) if usable else {}
    shapes = dict(zip(by_number(samples[usable[1]]), MARKERS, strict=False)) if len(usable) > 1 else {}
    colour = samples[usable[0]].map(colours) if usable else pd.Series(BLACK, index=samples.index)
    shape = samples[usable[1]].map(shapes) if shapes else pd.Series("o", index=samples.index)
    for marker in dict.fromkeys(shape):
        some = shape == marker
        ax.scatter(
            *(x[some], y[some]),
            **{"s": size, "c": list(colour[some]), "marker": marker, "linewidths": 0.4, "zorder": 3},
            edgecolors="white",
        )
    handles = [key(c) for c in colours.values()] + [key("#555555", m) for m in shapes.values()]
    return handles, [label(level, 20) for level in (*colours, *shapes)]


def room(ax: Axes, x: pd.Series, y: pd.Series) -> None:
    """Set limits with room around the points, also when there is but one place."""
    for name, values in (("x", x), ("y", y)):
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        pad = 0.08 * (high - low) or 1.0
        ax.set(**{f"{name}lim": (low - pad, high + pad)})
