"""How near a drug's signatures lie to those of its targets' knock-downs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .panels import name_point, spread_out
from .scores import level_line, name_rows_of, rows_note, shifts, span, whisker
from .style import (
    BLACK,
    GREY,
    VERMILLION,
    by_look,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    log_axis,
    look,
    new_figure,
    number,
    side_legend,
    styled,
)

_METRICS = {
    "auroc": ("AUROC of the\ntargets' knock-downs", 0.5),
    "first_rank_over_null": ("first-hit rank /\nits expectation", 1.0),
    "reciprocal_rank": ("mean reciprocal rank", np.nan),
    "recall_at_10": ("recall among\nthe 10 nearest", np.nan),
}
_CELLS = {"matched": "same cell line", "any": "any cell line"}


def _scores(ax: Axes, rows: pd.DataFrame, order: Sequence[str], chance: float) -> None:
    null = rows[rows["representation"] == "permuted"]
    for cells, shift in zip(_CELLS, shifts(len(_CELLS), 0.16), strict=True):
        for row in rows[rows["cells"] == cells].itertuples():
            style = look(str(row.representation))
            y = len(order) - 1 - order.index(str(row.representation)) + shift
            whisker(
                ax, row.value, y, (row.lower, row.upper), style.colour, style.marker, hollow=cells == "any"
            )
        if np.isnan(chance):
            level_line(ax, float(null.loc[null["cells"] == cells, "value"].mean()), GREY, ":")
    level_line(ax, chance)


def _drugs(ax: Axes, rows: pd.DataFrame, title: str) -> pd.DataFrame:
    """Draw each drug's mean first-hit rank against that of a random order, and name the published ones."""
    drawn = rows.assign(x=rows["null_rank"] + 1, y=rows["mean_first_rank"] + 1)
    low = min(1.0, float(drawn[["x", "y"]].min().min()) * 0.9)
    high = float(drawn[["x", "y"]].max().max()) * 1.4
    ax.plot([low, high], [low, high], color=BLACK, linewidth=0.8, linestyle="--", zorder=1)
    for cells, hollow in (("any", True), ("matched", False)):
        some = drawn[(drawn["cells"] == cells) & ~drawn["of_pabon"]]
        face = "none" if hollow else GREY
        ax.scatter(some["x"], some["y"], s=9, facecolors=face, edgecolors=GREY, linewidths=0.6, zorder=2)
        some = drawn[(drawn["cells"] == cells) & drawn["of_pabon"]]
        face = "white" if hollow else VERMILLION
        ax.scatter(
            some["x"], some["y"], s=16, facecolors=face, edgecolors=VERMILLION, linewidths=0.8, zorder=3
        )
    for axis in "xy":
        log_axis(ax, axis)
    ax.set(xlim=(low, high), ylim=(low, high))
    ax.set_title(title, loc="left")
    ax.set(xlabel="expected rank, random order (+ 1)", ylabel="mean first-hit rank (+ 1)")
    # Names stand at the right, each once: beside its point in matched cell lines, or else in any.
    named = drawn[drawn["of_pabon"]].sort_values("cells", ascending=False, kind="stable")
    named = named.drop_duplicates("drug").sort_values(["y", "drug"])
    if len(named):
        heights = np.log(named["y"] / low) / np.log(high / low)
        gap = min(0.062, 0.97 / len(named))
        for row, height in zip(named.itertuples(), spread_out(list(heights), gap), strict=True):
            name_point(ax, label(row.drug, 20), (row.x, row.y), (1.04, height), "left")
    return drawn


@styled
def drug_targets(
    scores: pd.DataFrame, drugs: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw how near the knock-downs of their targets drugs lie, by representation and drug by drug.

    Parameters
    ----------
    scores
        The table ``targets``.
    drugs
        The table ``target_drugs``.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        Column ``panel`` is ``scores`` or ``drugs``.
    """
    scores = scores[scores["metric"].isin(_METRICS)].dropna(subset=["value"])
    drugs = drugs.dropna(subset=["mean_first_rank", "null_rank"])
    order = by_look([*scores["representation"], *drugs["representation"]])
    shown = [name for name in by_look(drugs["representation"]) if name != "permuted"]
    deep = max(1, -(-len(shown) // 2))
    high = 0.8 + 0.3 * max(len(order), 3)
    figure = new_figure(12.4, high + 3.2 * deep + 1.0, "Drugs and the knock-downs of their targets")
    outer = figure.add_gridspec(2, 1, height_ratios=[high, 3.2 * deep])
    # Grids of their own: the names beside the lower panels take no room from the upper ones.
    above, below = outer[0].subgridspec(1, 4), outer[1].subgridspec(deep, 2)
    axes = []
    for place, (metric, (title, chance)) in enumerate(_METRICS.items()):
        ax = figure.add_subplot(above[0, place])
        rows = scores[scores["metric"] == metric]
        if rows.empty:
            empty_panel(ax, f"no score:\n{title}")
            continue
        _scores(ax, rows, order, chance)
        name_rows_of(ax, [look(n).title if place == 0 else "" for n in order])
        ax.set_xlabel(title)
        ax.xaxis.set_major_locator(MaxNLocator(3))
        axes.append(ax)
    drawn = [scores.assign(panel="scores")]
    for place, name in enumerate(shown):
        ax = figure.add_subplot(below[place // 2, place % 2])
        drawn.append(
            _drugs(ax, drugs[drugs["representation"] == name], look(name).title).assign(panel="drugs")
        )
        axes.append(ax)
    if not shown:
        empty_panel(figure.add_subplot(below[0, :]), "no drug has a knock-down of one of its targets")
    letters(axes)
    side_legend(
        figure,
        [
            ("knock-downs in", [key(GREY), key(GREY, hollow=True)], list(_CELLS.values())),
            (
                "chance",
                [key(BLACK, "", line="--"), key(GREY, "", line=":")],
                ["expected", "permuted targets"],
            ),
            (
                "drug",
                [key(VERMILLION), key(GREY, size=3)],
                ["in the published table\n(Pabon et al.)", "further"],
            ),
        ],
    )
    each = drugs.drop_duplicates(["drug", "cells"])
    foot_note(
        figure,
        [
            "Rank: knock-downs of a target's gene among all, by likeness to a drug's signature, from 0; "
            "below the dashed line is better than a random order",
            "Bars: 95 %, bootstrap over drugs",
            rows_note(scores, [("drugs", "drugs")]),
            f"{span(each['n_signatures'])} signatures a drug, {span(each['items'])} knock-downs"
            if len(each)
            else "",
            f"{number(each.loc[each['of_pabon'], 'drug'].nunique())} drugs of the published table"
            if len(each)
            else "",
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.concat(drawn, ignore_index=True)
