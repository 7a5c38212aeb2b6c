"""Spots on the tissue: circles in data units, sections side by side, colours of domains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import Normalize, to_hex, to_rgb, to_rgba_array
from matplotlib.transforms import Bbox
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from .style import LEVELS, LIGHT, by_number, number

UNLABELLED = LIGHT
_SMOOTH = 2000
"""From so many spots on circles are too small for smooth edges, which would make the SVG several times larger."""


def of_sections(spots: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the spots of each section by name; all under ``""`` if the table knows none."""
    if "section" not in spots or not (spots["section"] != "").any():
        return [("", spots)] if len(spots) else []
    return [(name, spots[spots["section"] == name]) for name in by_number(spots["section"])]


def spot_width(places: np.ndarray) -> float:
    """Return the diameter of a spot's circle, in units of `places` [spots x 2]: neighbours of a lattice touch.

    At irregular places, where the nearest neighbour may be very near, it is four fifths of the mean spacing.
    """
    distinct = np.unique(places, axis=0)
    if len(distinct) < 2:
        return 1.0
    nearest = np.median(cKDTree(distinct).query(distinct, k=2)[0][:, 1])
    area = float(np.prod(np.maximum(np.ptp(distinct, axis=0), nearest)))
    return float(max(nearest, 0.8 * (area / len(distinct)) ** 0.5))


def draw_spots(
    ax: Axes,
    spots: pd.DataFrame,
    *,
    values: pd.Series | None = None,
    colours: Sequence[str] | None = None,
    cmap: str = "viridis",
    norm: Normalize | None = None,
) -> EllipseCollection:
    """Draw spots on the tissue, y downwards as in the image, as a picture inside the SVG.

    Parameters
    ----------
    ax
        The panel; its ticks are taken away.
    spots
        With ``x`` and ``y``.
    values
        Numbers to colour by; NaN is light grey.
    colours
        Colours in place of `values`.
    cmap, norm
        Of `values`.
    """
    places = spots[["x", "y"]].to_numpy(float)
    width = spot_width(places)
    # A little overlap leaves no moiré of gaps between small circles.
    size = np.full(len(spots), 1.1 * width)
    style: dict[str, Any] = {"antialiaseds": len(spots) < _SMOOTH}
    if colours is not None:
        names, which = np.unique(np.asarray(colours), return_inverse=True)
        style["facecolors"] = to_rgba_array([str(name) for name in names])[which]
    circles = EllipseCollection(
        size, size, np.zeros(len(spots)), units="xy", offsets=places, offset_transform=ax.transData,
        linewidths=0, edgecolors="none", rasterized=True, **style,
    )  # fmt: skip
    if values is not None:
        circles.set_array(np.ma.masked_invalid(values.to_numpy(float)))
        circles.set_cmap(colormaps[cmap].with_extremes(bad=LIGHT))
        circles.set_norm(norm or Normalize())
    ax.add_collection(circles)
    frame_spots(ax, places, width)
    return circles


def frame_spots(ax: Axes, places: np.ndarray, width: float) -> None:
    """Fit a panel to `places` [spots x 2], both axes alike, y downwards, without ticks."""
    low, high = places.min(axis=0) - width, places.max(axis=0) + width
    ax.update_datalim(Bbox([low, high]))
    ax.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), xticks=[], yticks=[])
    ax.set_aspect("equal")
    for spine in ax.spines.values():
        spine.set_visible(False)


def scale_bar(ax: Axes) -> None:
    """Draw a bar of a round length below the spots, in the units of the source's coordinates."""
    low, high = sorted(ax.get_xlim())
    most = (high - low) / 3
    power = 10.0 ** np.floor(np.log10(most))
    length = float(max(step * power for step in (1, 2, 5) if step * power <= most))
    text = number(length) if length >= 1 else f"{length:g}"
    ax.plot(
        [0.02, 0.02 + length / (high - low)], [-0.02, -0.02], color="black", linewidth=1.2,
        transform=ax.transAxes, clip_on=False, solid_capstyle="butt",
    )  # fmt: skip
    ax.text(0.02, -0.035, f"{text} units", transform=ax.transAxes, ha="left", va="top", fontsize=6)


def domain_colours(count: int) -> list[str]:
    """Return a colour for each of `count` domains: the palette, then lighter and darker shades of it."""
    shades: list[tuple[str, ...]] = [LEVELS]
    for target, weight in ((1.0, 0.55), (0.0, 0.45), (1.0, 0.8)):
        mixed = [(1 - weight) * np.array(to_rgb(colour)) + weight * target for colour in LEVELS]
        shades.append(tuple(to_hex((float(r), float(g), float(b))) for r, g, b in mixed))
    every = [colour for group in shades for colour in group]
    return [every[k % len(every)] for k in range(count)]


def matched(reference: pd.Series, found: pd.Series, labels: Sequence[str] = ()) -> dict[str, int]:
    """Return for each domain of `found` the place of the label that it is drawn as.

    Domains have no names: each takes the label with which it shares most spots, one label a domain, such that the
    shared spots are most in all; domains beyond the labels come after them.

    Parameters
    ----------
    reference
        Labels, ``""`` where there is none.
    found
        Domains of the same spots, as text.
    labels
        All labels in their order; by default those of `reference`, sorted.
    """
    labels = list(labels) or by_number(name for name in reference if name)
    domains = by_number(name for name in found if name)
    known = (reference != "") & (found != "")
    table = pd.crosstab(found[known], reference[known]).reindex(index=domains, columns=labels, fill_value=0)
    rows, columns = linear_sum_assignment(-table.to_numpy(float)) if table.size else ((), ())
    places = {domains[row]: int(column) for row, column in zip(rows, columns, strict=True)}
    later = [name for name in domains if name not in places]
    return places | {name: len(labels) + k for k, name in enumerate(later)}
