"""Signatures generated for a class, and the classes of the real ones nearest to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .scores import class_name, first_seeds, ink_on, model_rows, model_title, name_rows_of, rows_note, shifts
from .style import (
    BLACK,
    BLUE,
    GREY,
    LIGHT,
    by_look,
    empty_panel,
    foot_note,
    key,
    letters,
    look,
    new_figure,
    seeds_note,
    side_legend,
    styled,
)

_SHADES = ("#BDBDBD", "#DADADA")
_OTHER = "other"
_NAMED = 0.16


def _shares(ax: Axes, rows: pd.DataFrame, classes: Sequence[str], methods: Sequence[str]) -> None:
    place = {name: len(classes) - 1 - k for k, name in enumerate(classes)}
    base = rows.drop_duplicates("pcl_id")
    y = base["pcl_id"].map(place)
    ax.vlines(base["base_rate"], y - 0.42, y + 0.42, color=BLACK, linewidth=1.1, zorder=4)
    for method, shift in zip(methods, shifts(len(methods), 0.27), strict=True):
        some = (
            rows[rows["method"] == method].groupby("pcl_id", sort=False)["share"].agg(["mean", "min", "max"])
        )
        height = np.array([place[name] + shift for name in some.index], dtype=float)
        style = look(method)
        ax.hlines(height, some["min"], some["max"], color=style.colour, linewidth=0.9, alpha=0.7)
        ax.plot(some["mean"], height, style.marker, color=style.colour, markersize=3.5, zorder=3)
    ax.set_xlim(-0.03, 1.03)


def _neighbours(ax: Axes, rows: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Draw the shares as stacked bars: the wanted class first, other classes by share, the rest last."""
    parts = []
    for k, name in enumerate(classes):
        some = rows[rows["pcl_id"] == name].copy()
        if some.empty:
            continue
        some["rank"] = np.select([some["neighbour"] == name, some["neighbour"] == _OTHER], [0, 2], 1)
        some = some.sort_values(["rank", "share", "neighbour"], ascending=[True, False, True], kind="stable")
        start, shade = 0.0, 0
        for row in some.itertuples():
            colour = BLUE if row.rank == 0 else "white" if row.rank == 2 else _SHADES[shade % 2]
            shade += row.rank == 1
            y = len(classes) - 1 - k
            ax.barh(y, row.share, left=start, height=0.8, color=colour, edgecolor=GREY, linewidth=0.3)
            if row.share >= _NAMED and row.rank != 2:
                text = f"{row.share:.0%}" if row.rank == 0 else class_name(row.neighbour, int(50 * row.share))
                look_of: dict[str, Any] = {
                    "ha": "center",
                    "va": "center",
                    "fontsize": 4.5,
                    "color": ink_on(colour),
                }
                ax.text(start + row.share / 2, y, text, **look_of)
            start += row.share
        parts.append(some.drop(columns="rank"))
    ax.set_xlim(0, 1)
    return pd.concat(parts) if parts else rows.head(0)


def _drawn_method(model: str, rows: pd.DataFrame) -> str:
    """Return the method whose neighbours are drawn: the published one for the published models."""
    wanted = (
        ("pattern", "posterior") if "published" in model or "weights" in model else ("posterior", "pattern")
    )
    there = set(rows["method"])
    return next((m for m in wanted if m in there), "")


@styled
def class_generation(
    shares: pd.DataFrame, neighbours: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw the share of generated signatures that lie beside their class, and whose classes the others meet.

    Parameters
    ----------
    shares
        The table ``class_generation``.
    neighbours
        The table ``class_neighbours``.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        Column ``panel`` is ``share`` or ``neighbours``.
    """
    shares = shares.dropna(subset=["share"])
    methods = by_look(shares["method"])
    # Real signatures, the ceiling, belong to no model and are drawn beside each.
    ceiling = shares[shares["model"] == "real"]
    models = model_rows(shares[shares["model"] != "real"])
    base = shares.groupby("pcl_id")["base_rate"].mean()
    classes = sorted(base.index, key=lambda name: (-base[name], name))
    columns = max(len(models), 1)
    row = 0.17 if len(classes) > 30 else 0.22
    high = max(row * len(classes), 1.6)
    figure = new_figure(2.5 * columns + 4.4, 2 * high + 2.4, "Signatures generated for a class")
    axes = figure.subplots(2, columns, squeeze=False)
    names = [class_name(name) for name in classes]
    size = 5.5 if len(classes) > 30 else 6.5
    drawn = [shares.assign(panel="share")]
    main = first_seeds(neighbours)
    for place, (model, some) in enumerate(models):
        top, bottom = axes[:, place]
        _shares(top, pd.concat([some, ceiling]), classes, methods)
        top.set_title(look(model).title, loc="left")
        top.set_xlabel("share with a nearest\nneighbour of the class")
        name_rows_of(top, names if place == 0 else [""] * len(names), size)
        own = main[main["model"] == model]
        method = _drawn_method(model, own)
        if not method:
            empty_panel(bottom, "no neighbours")
            continue
        drawn.append(_neighbours(bottom, own[own["method"] == method], classes).assign(panel="neighbours"))
        name_rows_of(bottom, names if place == 0 else [""] * len(names), size)
        bottom.set_title(f"{model_title(model, str(own['seed'].iloc[0]))}\n{look(method).title}", loc="left")
        bottom.set_xlabel("share of nearest neighbours")
    if not models:
        for ax in axes.flat:
            empty_panel(ax, "no class was generated")
    letters(list(axes.flat) if models else [])
    side_legend(
        figure,
        [
            (
                "share of the class",
                [*(key(look(m).colour, look(m).marker) for m in methods), key(BLACK, "|", size=7)],
                [*(f"{look(m).title}{' (ceiling)' if m == 'real' else ''}" for m in methods), "base rate"],
            ),
            (
                "nearest neighbours",
                [key(BLUE, "s"), key(_SHADES[0], "s"), key(LIGHT, "s", hollow=True)],
                ["the wanted class", "other classes", "classes below 5 %"],
            ),
        ],
    )
    foot_note(
        figure,
        [
            "Neighbours: nearest signatures of held-out compounds; points: mean of the seeds, lines: their range",
            "Base rate: share of the class among them; classes sorted by it",
            rows_note(shares, [("n_generated", "generated a class"), ("n_reference", "held-out signatures")]),
            seeds_note(shares["seed"]),
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.concat(drawn, ignore_index=True)
