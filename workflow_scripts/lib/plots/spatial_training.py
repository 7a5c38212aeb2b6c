"""How the model of spots learned, and what time and memory grow with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .spatial_rows import count_of, log_ticks
from .steady import new_figure
from .style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILLION,
    Look,
    by_number,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    seeds_note,
    side_legend,
    styled,
)

_CURVES = {
    "loss": ("loss", "nats per spot", BLACK),
    "validation": ("held-out counts", "nats per UMI", VERMILLION),
    "expression": ("expression", "nats per spot", BLUE),
    "divergence": ("divergence from the prior", "nats per spot", ORANGE),
    "edges": ("edges of the graph", "nats per pair", GREEN),
}
_SCALING = {
    "gmm_vgae": Look("GMM-VGAE, sparse", VERMILLION, "D"),
    "dense_as_published": Look("as published, dense", PURPLE, "P"),
}


def _draw_curves(ax: Axes, histories: pd.DataFrame, name: str) -> None:
    for _, some in histories.groupby("seed", sort=False):
        curve = some.dropna(subset=[name]).sort_values("epoch")
        ax.plot(curve["epoch"], curve[name], color=_CURVES[name][2], linewidth=0.9)
    # The first epochs are many times higher and would flatten all that follows.
    late = histories.loc[histories["epoch"] >= 0.05 * histories["epoch"].max(), name].dropna().astype(float)
    if len(late):
        low, high = float(late.min()), float(late.max())
        pad = 0.08 * (high - low) or 1.0
        ax.set_ylim(low - pad, high + pad)


@styled
def training_curves(
    histories: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw the loss of every seed, what it says of held-out counts, and the parts of the loss.

    Parameters
    ----------
    histories
        model, seed, epoch, loss, expression, divergence, edges, validation; NaN where nothing was recorded.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        model, seed, epoch, name, value, and ``chosen`` where the validation loss is lowest.
    """
    figure = new_figure(14.0, 3.1, "Training")
    axes = list(figure.subplots(1, len(_CURVES)))
    histories = histories.assign(epoch=histories["epoch"].astype(float), seed=histories["seed"].astype(str))
    seeds = by_number(histories["seed"])
    chosen = set()
    for ax, (name, (title, unit, _)) in zip(axes, _CURVES.items(), strict=True):
        if histories[name].isna().all():
            empty_panel(ax, "no training history:\npretrained weights" if histories.empty else f"no {title}")
            continue
        _draw_curves(ax, histories, name)
        ax.set_title(title, loc="left")
        ax.set(xlabel="epoch", ylabel=unit)
    for seed, held in histories.dropna(subset=["validation"]).groupby("seed"):
        best = held.loc[held["validation"].astype(float).idxmin()]
        axes[1].plot(best["epoch"], best["validation"], "o", color=VERMILLION, markersize=4, zorder=4)
        chosen.add((seed, best["epoch"], "validation"))
    letters(axes)
    side_legend(figure, [("b", [key(VERMILLION, "o")], ["lowest: weights kept"])] if chosen else [])
    last = histories.groupby("seed")["epoch"].max()
    foot_note(
        figure,
        [
            "A curve a seed; held-out counts: UMIs left out of training, without the terms of the data alone",
            count_of(last, "epochs"),
            "The axes fit the epochs after the first twentieth",
            seeds_note(seeds),
            note,
        ],
        simulated=simulated,
    )
    long = histories.melt(["model", "seed", "epoch"], list(_CURVES), "name", "value").dropna(subset=["value"])
    flags = [place in chosen for place in zip(long["seed"], long["epoch"], long["name"], strict=True)]
    return figure, long.assign(chosen=flags)


def slope(x: pd.Series, y: pd.Series) -> float:
    """Return the exponent b of y ~ x^b by least squares on logarithms; NaN for fewer than two different x."""
    known = (x > 0) & (y > 0)
    if x[known].nunique() < 2:
        return float("nan")
    return float(np.polyfit(np.log(x[known].to_numpy(float)), np.log(y[known].to_numpy(float)), 1)[0])


def whole_runs(measured: pd.DataFrame) -> pd.DataFrame:
    """Return one row a model and size: a run's stages are parts of its epoch, its time and its peak."""
    sizes = measured.groupby(["model", "spots"], sort=False, as_index=False)
    found = sizes[["genes", "seconds", "peak_mb", "seconds_per_epoch"]].max()
    return found.assign(stage="")


@styled
def scaling(measured: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw time and memory against the number of spots, sparse and as published, with the exponents.

    Parameters
    ----------
    measured
        model, stage, spots, genes, seconds, peak_mb, seconds_per_epoch.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `measured` with ``exponent_time`` and ``exponent_memory`` of the model and stage.
    """
    figure = new_figure(9.8, 3.6, "Time and memory by number of spots")
    axes = list(figure.subplots(1, 2))
    columns = {"seconds_per_epoch": "seconds per epoch", "peak_mb": "peak memory (MB)"}
    groups = [g for _, g in measured.groupby(["model", "stage"], sort=False)]
    table = measured.assign(exponent_time=np.nan, exponent_memory=np.nan)
    samples, names = [], []
    lines = ("-", "--", ":", "-.")
    stages = list(dict.fromkeys(measured["stage"]))
    for some in groups:
        model, stage = str(some["model"].iloc[0]), str(some["stage"].iloc[0])
        style = _SCALING.get(model) or Look(label(model), BLACK, "o")
        line = lines[stages.index(stage) % len(lines)]
        found = []
        for ax, column in zip(axes, columns, strict=True):
            known = some.dropna(subset=[column]).sort_values("spots")
            drawn: dict[str, Any] = {
                "color": style.colour,
                "marker": style.marker,
                "markersize": 4,
                "linestyle": line,
            }
            ax.plot(known["spots"], known[column], **drawn)
            found.append(slope(known["spots"], known[column]))
        table.loc[some.index, ["exponent_time", "exponent_memory"]] = found
        texts = ["–" if np.isnan(value) else f"{value:.2f}" for value in found]
        samples.append(key(style.colour, style.marker, line=line, size=4))
        # One stage for all needs no words.
        where = f", {label(stage, 18)}" if len(stages) > 1 and stage else ""
        names.append(f"{style.title}{where}\n  exponents: {texts[0]}, {texts[1]}")
    for ax, (column, title) in zip(axes, columns.items(), strict=True):
        if measured[column].notna().any():
            log_ticks(ax, "x")
            log_ticks(ax, "y")
            ax.set(xlabel="spots", ylabel=title)
        else:
            empty_panel(ax, "nothing was measured")
    letters(axes)
    side_legend(figure, [("model", samples, names)])
    foot_note(
        figure,
        [
            count_of(measured["genes"], "genes"),
            "Exponents: of time and of memory, by least squares on logarithms; 1 is linear, 2 quadratic",
            "Memory: peak of the process, which at few spots is that of the libraries",
            note,
        ],
        simulated=simulated,
    )
    return figure, table
