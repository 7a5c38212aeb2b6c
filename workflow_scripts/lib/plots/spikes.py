"""Fold changes against a known truth: spiked-in transcripts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .style import (
    BLACK,
    LEVELS,
    by_look,
    by_number,
    corner,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    look,
    new_figure,
    styled,
)

TEXT = ("gene_id", "group", "method")
NUMBERS = ("true_lfc", "baseMean", "log2FoldChange", "lower", "upper")


@styled
def spike_in(table: pd.DataFrame, *, simulated: bool) -> tuple[Figure, pd.DataFrame]:
    """Draw estimated against true log2 ratio of spiked-in transcripts, one panel a method.

    Parameters
    ----------
    table
        gene_id, group, true_lfc, baseMean, method, log2FoldChange, lower, upper.
    simulated
        Whether the data are simulated.

    Returns
    -------
    figure, table
        One row a point; ``x`` is the true ratio moved aside by the rank of baseMean in its group.
    """
    drawn = table.dropna(subset=["true_lfc", "log2FoldChange"]).copy()
    methods, groups = by_look(drawn["method"]), by_number(drawn["group"])
    levels = np.sort(drawn["true_lfc"].unique())
    room = 0.8 * float(np.diff(levels).min()) if len(levels) > 1 else 0.5
    rank = drawn.groupby(["method", "true_lfc"])["baseMean"].rank(pct=True, method="first")
    drawn["x"] = drawn["true_lfc"] + room * (rank - 0.5)
    wide = min(3, max(len(methods), 1))
    deep = -(-len(methods) // wide) or 1
    figure = new_figure(2.9 * wide + 1.2, 2.8 * deep + 0.8, "Spike-ins of known ratio")
    axes = list(figure.subplots(deep, wide, squeeze=False, sharex=True, sharey=True).flat)
    for ax in axes[len(methods) :]:
        ax.set_axis_off()
    if not methods:
        empty_panel(axes[0], "no spike-in was measured")
    for ax, method in zip(axes, methods, strict=False):
        here = drawn[drawn["method"] == method]
        ax.axline((0, 0), slope=1, color=BLACK, linewidth=0.7, linestyle="--", zorder=1)
        for place, group in enumerate(groups):
            some = here[here["group"] == group]
            colour = LEVELS[place % len(LEVELS)]
            known = some.dropna(subset=["lower", "upper"])
            ax.vlines(known["x"], known["lower"], known["upper"], color=colour, linewidth=0.7, alpha=0.5)
            ax.scatter(some["x"], some["log2FoldChange"], s=10, color=colour, linewidths=0, zorder=3)
        for level, some in here.groupby("true_lfc"):
            ax.hlines(
                some["log2FoldChange"].mean(),
                level - room / 2,
                level + room / 2,
                color=BLACK,
                linewidth=1.4,
                zorder=4,
            )
        rmse = float(np.sqrt(((here["log2FoldChange"] - here["true_lfc"]) ** 2).mean()))
        corner(ax, f"RMSE {rmse:.3f}, n = {len(here)}")
        ax.set_title(look(method).title, loc="left")
        ax.set(xlabel="true log₂ ratio", ylabel="estimated log₂ fold change")
        ax.set_xticks(levels, [f"{level:.2f}".rstrip("0").rstrip(".").replace("-", "−") for level in levels])
        ax.tick_params(labelbottom=True, labelleft=True)
    shown = drawn["log2FoldChange"]
    if len(shown):
        low, high = min(shown.min(), levels[0]), max(shown.max(), levels[-1])
        axes[0].set_ylim(low - 0.1 * (high - low) - 0.2, high + 0.15 * (high - low) + 0.2)
    letters(axes[: len(methods)])
    colours = [LEVELS[i % len(LEVELS)] for i in range(len(groups))]
    figure.legend(
        [key(c) for c in colours], [label(g, 16) for g in groups], title="group", loc="outside right upper"
    )
    foot_note(
        figure,
        [
            "Within a ratio, points run from low to high mean count; bars: 95 % intervals",
            "Black: mean; dashed: identity; n: spike-ins with an estimate",
        ],
        simulated=simulated,
    )
    return figure, drawn.reset_index(drop=True)
