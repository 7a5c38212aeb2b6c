"""How much of held-out signatures, and of planted programmes, the latent units keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from .panels import to_edge
from .scores import level_line, model_rows, name_rows_of, rows_note, shifts, whisker
from .style import (
    BLACK,
    GREEN,
    GREY,
    LIGHT,
    by_look,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    look,
    new_figure,
    seeds_note,
    side_legend,
    signed,
    styled,
)

_BASELINES = ("zero", "mean")
_LOWEST = -0.5


def _at_units(ax: Axes, models: pd.DataFrame, curve: pd.DataFrame, low: float) -> None:
    if len(curve):
        ax.fill_between(curve["units"], curve["lower"], curve["upper"], color=LIGHT, linewidth=0, zorder=1)
        ax.plot(curve["units"], curve["explained_variance"], color=BLACK, marker=".", markersize=4, zorder=2)
    for model, some in model_rows(models):
        style = look(model)
        height, _ = to_edge(some["explained_variance"], low, 1.0)
        ax.hlines(height, some["active"], some["units"], color=style.colour, linewidth=0.5, alpha=0.6)
        inside = some[(some["upper"] > low)]
        lower, upper = inside["lower"].clip(low), inside["upper"].clip(low)
        ax.vlines(inside["active"], lower, upper, color=style.colour, linewidth=1.0, alpha=0.7)
        look_of: dict[str, Any] = {
            "color": style.colour,
            "marker": style.marker,
            "markersize": 5,
            "linestyle": "none",
        }
        ax.plot(some["units"], height, markerfacecolor="white", zorder=3, **look_of)
        ax.plot(some["active"], height, zorder=4, **look_of)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}" if v >= 1 else ""))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set(xlabel="latent units", ylabel="explained variance, held-out compounds")


def _pca_at(curve: pd.DataFrame, units: pd.Series) -> np.ndarray:
    """Explained variance of PCA with as many components, between the computed k along log k."""
    if curve.empty:
        return np.full(len(units), np.nan)
    found = np.interp(np.log(units.clip(lower=1)), np.log(curve["units"]), curve["explained_variance"])
    beyond = (units > curve["units"].max()) | (units < curve["units"].min())
    return np.where(beyond | units.isna(), np.nan, found)


def _rows(ax: Axes, models: pd.DataFrame, low: float) -> None:
    groups = model_rows(models)
    for place, (model, some) in enumerate(groups):
        style, y = look(model), len(groups) - 1 - place
        ax.vlines(
            some["pca_at_units"], y - 0.32, y + 0.32, color=GREY, linewidth=1.2, linestyle=":", zorder=1
        )
        ax.vlines(some["pca_at_active"], y - 0.32, y + 0.32, color=BLACK, linewidth=1.2, zorder=1)
        for shift, row in zip(shifts(len(some)), some.itertuples(), strict=True):
            value = max(row.explained_variance, low)
            interval = (max(row.lower, low), max(row.upper, low))
            whisker(ax, value, y + shift, interval, style.colour, style.marker)
    names = [
        f"{look(m).title}\n{'/'.join(f'{v:.0f}' for v in sorted(set(s['active'].dropna())))} of "
        f"{'/'.join(f'{v:.0f}' for v in sorted(set(s['units'].dropna())))} active"
        for m, s in groups
    ]
    name_rows_of(ax, names)
    ax.set_xlabel("explained variance, held-out compounds")


@styled
def reconstruction(scores: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw the explained variance of held-out compounds beside PCA with as many units.

    Parameters
    ----------
    scores
        model, seed, units, active, explained_variance, lower, upper, n, compounds; baselines ``zero``, ``mean`` and
        ``pca`` and ``pca_by_line`` at several numbers of components.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `scores`, with PCA's explained variance at each model's latent size and at its active units.
    """
    scores = scores.dropna(subset=["explained_variance"]).reset_index(drop=True)
    curve = scores[scores["model"] == "pca"].sort_values("units")
    by_line = scores[scores["model"] == "pca_by_line"].sort_values("units")
    own = ~scores["model"].isin(["pca", "pca_by_line", *_BASELINES])
    for column in ("units", "active"):
        scores.loc[own, f"pca_at_{column}"] = _pca_at(curve, scores.loc[own, column])
    models = scores[own]
    deep = 0.5 * max(models["model"].nunique(), 4)
    figure = new_figure(9.4, 1.6 + deep, "Reconstruction of held-out compounds")
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1.0])
    worst = float(np.nanmin([0.0, scores["explained_variance"].min(), scores["lower"].min()]))
    low = max(_LOWEST, worst)
    if scores.empty:
        empty_panel(left, "no score")
    else:
        _at_units(left, models, curve, low)
        left.plot(
            by_line["units"],
            by_line["explained_variance"],
            color=GREEN,
            linewidth=1,
            linestyle="-.",
            zorder=1,
        )
        left.set_ylim(low - 0.05, None)
    if models.empty:
        empty_panel(right, "no model was scored")
    else:
        _rows(right, models, low)
        right.set_xlim(low - 0.05, None)
    for name in _BASELINES:
        value = float(scores.loc[scores["model"] == name, "explained_variance"].mean())
        if np.isfinite(value):
            left.axhline(
                value, color=GREY, linewidth=0.8, linestyle="--" if name == "mean" else ":", zorder=0
            )
            level_line(right, value, GREY, "--" if name == "mean" else ":")
    letters([left, right])
    drawn = by_look(models["model"])
    baselines = [n for n in _BASELINES if n in set(scores["model"])]
    side_legend(
        figure,
        [
            ("model", [key(look(m).colour, look(m).marker) for m in drawn], [look(m).title for m in drawn]),
            ("a", [key(GREY), key(GREY, hollow=True)], ["at active units", "at latent size"]),
            (
                "b: PCA",
                [key(BLACK, "", line="-"), key(GREY, "", line=":")],
                ["at active units", "at latent size"],
            ),
            (
                "baseline",
                [
                    key(BLACK, ".", line="-"),
                    key(GREEN, "", line="-."),
                    *(key(GREY, "", line="--" if n == "mean" else ":") for n in baselines),
                ],
                ["PCA", look("pca_by_line").title, *(look(n).title for n in baselines)],
            ),
        ],
    )
    foot_note(
        figure,
        [
            "Explained variance: 1 − squared error / squared signal; points: seeds; bars: 95 %, over compounds",
            "PCA between two computed numbers of components is interpolated",
            f"Scores below {signed(_LOWEST, 1)} are drawn at the edge" if worst < _LOWEST else "",
            rows_note(scores, [("n", "held-out signatures"), ("compounds", "held-out compounds")]),
            seeds_note(models["seed"]),
            note,
        ],
        simulated=simulated,
    )
    return figure, scores


@styled
def programmes(scores: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw how well each planted programme can be read from the active units.

    Parameters
    ----------
    scores
        model, seed, programme, r2 (held-out), n.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        One row a point.
    """
    scores = scores.dropna(subset=["r2"]).reset_index(drop=True)
    order = scores.groupby("programme")["r2"].mean().sort_values(ascending=False, kind="stable").index
    names = [str(name) for name in order]
    models = model_rows(scores)
    figure = new_figure(7.4, 1.5 + 0.3 * max(len(names), 4), "Planted programmes")
    ax = figure.subplots()
    if not names:
        empty_panel(ax, "no planted programme")
    else:
        offsets = shifts(len(models), 0.3)
        for (model, some), shift in zip(models, offsets, strict=True):
            style = look(model)
            y = len(names) - 1 - some["programme"].map(names.index) + shift
            x = some["r2"].clip(lower=-0.1)
            ax.plot(
                x, y, color=style.colour, marker=style.marker, markersize=3.5, linestyle="none", alpha=0.85
            )
        name_rows_of(ax, [label(name, 30) for name in names])
        level_line(ax, 0.8)
        ax.set(
            xlabel="held-out R² of the programme's activity, from latent units and cell line",
            xlim=(-0.13, 1.03),
        )
    side_legend(
        figure,
        [
            (
                "",
                [key(look(m).colour, look(m).marker) for m, _ in models],
                [look(m).title for m, _ in models],
            ),
            ("line", [key(BLACK, "", line="--")], ["0.8: recovered"]),
        ],
    )
    foot_note(
        figure,
        [
            "Each point is a seed of a model; R² below −0.1 is drawn there",
            f"{len(names)} programmes" if names else "",
            rows_note(scores, [("n", "held-out signatures")]),
            seeds_note(scores["seed"]),
            note,
        ],
        simulated=simulated,
    )
    return figure, scores
