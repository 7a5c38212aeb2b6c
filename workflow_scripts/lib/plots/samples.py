"""Are the samples what the sheet says? Principal components, depth and the checks' verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .factors import MOST_LEVELS, draw_by_factors, level_colours, room
from .panels import name_point, spread_out
from .style import (
    BLACK,
    GREEN,
    GREY,
    VERMILLION,
    corner,
    empty_panel,
    foot_note,
    label,
    letters,
    new_figure,
    number,
    styled,
)

NUMBERS = ("size_factor", "library_size", "pc1", "pc2", "share1", "share2")
CHECKS = ("check", "factor", "sample", "verdict", "message")
_MOST_VERDICTS = 16
_MOST_NAMED = 6


def _pca(ax: Axes, samples: pd.DataFrame, factor: str, warned: set[str]) -> None:
    shares = [float(samples[f"share{i}"].iloc[0]) for i in (1, 2)]
    x, y = samples["pc1"], samples["pc2"]
    levels = samples[factor].nunique()
    if levels <= MOST_LEVELS:
        handles, names = draw_by_factors(ax, x, y, samples, [factor])
        ax.legend(handles, names, loc="upper left", bbox_to_anchor=(1, 1.02), handletextpad=0.2, borderpad=0)
    else:
        colours = samples[factor].map(level_colours(samples[factor]))
        ax.scatter(x, y, s=26, c=list(colours), linewidths=0.4, edgecolors="white", zorder=3)
        corner(ax, f"{levels} levels", "lower right")
    flagged = samples["sample"].isin(warned)
    ax.scatter(x[flagged], y[flagged], s=70, facecolors="none", edgecolors=BLACK, linewidths=0.9, zorder=4)
    room(ax, x, y)
    ax.set_title(label(factor), loc="left")
    names = [f"PC{i}, {100 * share:.0f} % of variance" for i, share in enumerate(shares, 1)]
    ax.set(xlabel=names[0], ylabel=names[1])


def _depth(ax: Axes, samples: pd.DataFrame) -> None:
    x, y = samples["library_size"] / 1e6, samples["size_factor"]
    slope = float(np.exp((np.log(y) - np.log(x)).median()))
    ends = np.array([0.0, float(x.max()) * 1.05])
    ax.plot(ends, slope * ends, color=GREY, linewidth=0.8, linestyle="--")
    ax.scatter(x, y, s=22, color=BLACK, linewidths=0)
    odd = (np.log(y) - np.log(x) - np.log(slope)).abs()
    named = odd[odd > np.log(1.25)].sort_values(ascending=False, kind="stable").index
    room(ax, x, y)
    low, high = ax.get_ylim()
    chosen = sorted(named[:_MOST_NAMED], key=lambda i: y[i])
    heights = spread_out([(float(y[i]) - low) / (high - low) for i in chosen], 0.065)
    for i, height in zip(chosen, heights, strict=True):
        name_point(ax, label(samples["sample"][i], 18), (x[i], y[i]), (1.02, height), "left")
    ax.set_title("Depth", loc="left")
    ax.set(xlabel="library size (million counts)", ylabel="size factor")


def _verdicts(ax: Axes, sanity: pd.DataFrame, width: float) -> pd.DataFrame:
    ax.set_axis_off()
    ax.set_title("Checks of the sample sheet", loc="left")
    ordered = pd.concat([sanity[sanity["verdict"] != "ok"], sanity[sanity["verdict"] == "ok"]])
    if ordered.empty:
        ax.text(0, 0.9, "no check applies to this dataset", transform=ax.transAxes, color=GREY)
        return ordered
    shown = ordered.head(_MOST_VERDICTS)
    indent = 0.6 / width
    step = 1 / (len(shown) + (len(ordered) > len(shown)))
    for place, row in enumerate(shown.itertuples()):
        good = row.verdict == "ok"
        where: dict[str, Any] = {"transform": ax.transAxes, "va": "center", "fontsize": 7}
        height = 1 - step * (place + 0.5)
        ax.text(
            0,
            height,
            "ok" if good else "warning",
            color=GREEN if good else VERMILLION,
            fontweight="bold",
            **where,
        )
        about = ", ".join(part for part in (row.check, row.factor, row.sample) if part)
        text = f"{about}: {row.message}" if row.message else about
        ax.text(indent, height, label(text, int(width / 0.062)), **where)
    if len(ordered) > len(shown):
        left = ordered.iloc[len(shown) :]
        bad = int((left["verdict"] != "ok").sum())
        text = f"and {len(left)} more, {bad} of them warnings (sanity.tsv)"
        ax.text(indent, step * 0.4, text, transform=ax.transAxes, va="center", fontsize=7, color=GREY)
    return shown


@styled
def sample_sanity(
    samples: pd.DataFrame, sanity: pd.DataFrame, factors: Sequence[str], *, simulated: bool
) -> tuple[Figure, pd.DataFrame]:
    """Draw the first two principal components by every factor, depth, and the verdicts.

    Parameters
    ----------
    samples
        sample, size_factor, library_size, pc1, pc2, share1, share2 and the sheet's factors.
    sanity
        check, factor, sample, value, expected, verdict, message.
    factors
        Columns to colour by; at most six are drawn.
    simulated
        Whether the data are simulated.

    Returns
    -------
    figure, table
        Column ``panel`` is ``samples`` or ``checks``.
    """
    drawn = [f for f in factors if f in samples][:6]
    panels = len(drawn) + 1
    wide = min(3, max(panels, 2))
    deep = -(-panels // wide)
    listed = 0.3 + 0.17 * min(max(len(sanity), 1), _MOST_VERDICTS + 1)
    figure = new_figure(3.5 * wide, 2.6 * deep + listed + 0.8, "Samples against their sheet")
    grid = figure.add_gridspec(deep + 1, wide, height_ratios=[2.6] * deep + [listed])
    warned = set(sanity.loc[sanity["verdict"] != "ok", "sample"]) - {""}
    axes = [figure.add_subplot(grid[i // wide, i % wide]) for i in range(panels)]
    for ax, factor in zip(axes, drawn, strict=False):
        if samples[["pc1", "pc2"]].isna().any(axis=None):
            empty_panel(ax, "no principal components")
        else:
            _pca(ax, samples, factor, warned)
    _depth(axes[-1], samples)
    last = figure.add_subplot(grid[deep, :])
    shown = _verdicts(last, sanity, 3.5 * wide - 1.2)
    letters([*axes, last])
    foot_note(
        figure,
        [
            f"n = {number(len(samples))} samples; principal components of log₂ normalised counts",
            "Black rings: samples with a warning" if warned else "",
            "Dashed: proportional to library size; named: more than 25\u00a0% off, six at most",
        ],
        simulated=simulated,
    )
    columns = ["sample", "library_size", "size_factor", "pc1", "pc2", "share1", "share2", *drawn]
    return figure, pd.concat(
        [samples[columns].assign(panel="samples"), shown.assign(panel="checks")], ignore_index=True
    )
