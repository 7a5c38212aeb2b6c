"""Did the models learn? Loss curves, and held-out likelihood beside the gene-mean model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import (
    BLACK,
    GREY,
    PURPLE,
    by_look,
    by_number,
    corner,
    empty_panel,
    foot_note,
    key,
    letters,
    look,
    new_figure,
    number,
    seeds_note,
    styled,
)

_NAMES = {"loss": "-", "validation": "--"}
_MILLION = 1e6


def _published(ax: Axes, history: pd.DataFrame, marks: Sequence[int]) -> pd.DataFrame:
    rows = history[history["name"] == "loss"].dropna(subset=["value"])
    seeds = list(dict.fromkeys(rows["seed"]))
    for place, seed in enumerate(seeds):
        some = rows[rows["seed"] == seed].sort_values("epoch")
        colour, width, order = (PURPLE, 1.4, 3) if place == 0 else (GREY, 0.7, 2)
        ax.plot(some["epoch"], some["value"] / _MILLION, color=colour, linewidth=width, zorder=order)
    main = rows[rows["seed"] == seeds[0]].set_index("epoch")["value"]
    for mark in marks:
        if main.index.max() < mark:
            continue
        value = float(main[main.index <= mark].iloc[-1]) / _MILLION
        ax.axvline(mark, color=BLACK, linewidth=0.6, linestyle=":")
        offset: dict[str, Any] = {
            "textcoords": "offset points",
            "xytext": (-5, -4),
            "ha": "right",
            "va": "top",
            "fontsize": 7,
        }
        ax.annotate(f"{mark:,} epochs\n{value:.3f}", (mark, value), **offset)
        ax.plot(mark, value, marker="o", markersize=4, color=PURPLE, zorder=4)
    # The first epochs are a hundred times higher; they would flatten all that follows.
    late = rows[rows["epoch"] >= min(50, rows["epoch"].max() / 4)]["value"] / _MILLION
    span = float(late.max() - late.min()) or 1.0
    ax.set_ylim(float(late.min()) - 0.25 * span, float(late.max()) + 0.12 * span)
    ax.set(xlabel="epoch", ylabel="loss (million nats)")
    corner(ax, f"starts at {main.iloc[0] / _MILLION:.3g} million", "upper right")
    return rows


def _own(ax: Axes, history: pd.DataFrame, model: str) -> pd.DataFrame:
    rows = history[history["name"].isin(_NAMES)].dropna(subset=["value"])
    best = []
    for _, some in rows.groupby("seed", sort=False):
        for name, line in _NAMES.items():
            curve = some[some["name"] == name].sort_values("epoch")
            colour = GREY if name == "loss" else look(model).colour
            ax.plot(curve["epoch"], curve["value"], color=colour, linestyle=line, linewidth=0.9)
        held_out = some[some["name"] == "validation"]
        if len(held_out):
            chosen = held_out.loc[held_out["value"].idxmin()]
            ax.plot(chosen["epoch"], chosen["value"], "o", markersize=4, color=BLACK, zorder=4)
            best.append(chosen.name)
    late = rows[rows["epoch"] >= 0.1 * rows["epoch"].max()]["value"]
    low, high = float(rows["value"].min()), float(late.quantile(0.98))
    span = (high - low) or 1.0
    ax.set_ylim(low - 0.08 * span, high + 0.35 * span)
    ax.set(xlabel="epoch", ylabel="nats per count")
    return rows.assign(chosen=rows.index.isin(best))


@styled
def loss_curves(
    histories: Mapping[str, pd.DataFrame], *, simulated: bool, marks: Sequence[int] = (800, 1600)
) -> tuple[Figure, pd.DataFrame]:
    """Draw the losses of all models over training.

    Parameters
    ----------
    histories
        By model: seed, epoch, name (``loss``, ``validation``), value. The first seed of ``published`` is
        its main one.
    simulated
        Whether the data are simulated.
    marks
        Epochs marked in the published model's curve.

    Returns
    -------
    figure, table
        One row a point of a curve; ``chosen`` where training kept the weights.
    """
    models = by_look(histories)
    wide = min(2, len(models))
    deep = -(-len(models) // wide)
    figure = new_figure(3.8 * wide + 1.6, 2.5 * deep + 0.8, "Training")
    axes = list(figure.subplots(deep, wide, squeeze=False).flat)
    drawn = []
    for ax, model in zip(axes, models, strict=False):
        ax.set_title(look(model).title, loc="left")
        history = histories[model]
        if not history["name"].isin(_NAMES).any():
            empty_panel(ax, "no training history:\npretrained weights")
            continue
        rows = _published(ax, history, marks) if model == "published" else _own(ax, history, model)
        drawn.append(rows.assign(model=model))
    for ax in axes[len(models) :]:
        ax.set_axis_off()
    letters(axes[: len(models)])
    handles = [key(GREY, "", line="-"), key(BLACK, "", line="--"), key(BLACK)]
    names = ["training loss", "held-out loss\n(model's colour)", "epoch kept"]
    if "published" in models:
        handles += [key(PURPLE, "", line="-"), key(GREY, "", line="-", size=3)]
        names += ["published, first seed", "published, other seeds"]
    figure.legend(handles, names, loc="outside right upper")
    seeds = {m: seeds_note(histories[m]["seed"]) for m in models}
    foot_note(
        figure,
        [
            "Ours: negative ELBO, and negative log-likelihood of counts held out by thinning; a line a seed",
            "As published: sum over all samples and genes" if "published" in models else "",
            "The first epochs may lie above the panel",
            *(f"{look(m).title}: {s[0].lower()}{s[1:]}" for m, s in seeds.items() if s),
        ],
        simulated=simulated,
    )
    table = pd.concat(drawn, ignore_index=True) if drawn else pd.DataFrame(columns=["model", "seed", "epoch"])
    return figure, table


@styled
def held_out(benchmark: pd.DataFrame, *, simulated: bool) -> tuple[Figure, pd.DataFrame]:
    """Draw the held-out negative log-likelihood per count of every model and seed.

    Parameters
    ----------
    benchmark
        The study's tidy benchmark table; ``gene_mean`` is the model to beat.
    simulated
        Whether the data are simulated.

    Returns
    -------
    figure, table
        One row a point.
    """
    rows = benchmark[(benchmark["benchmark"] == "held_out") & (benchmark["metric"] == "nats_per_count")]
    rows = rows.dropna(subset=["value"]).reset_index(drop=True)
    floor = rows.loc[rows["method"] == "gene_mean", "value"].mean()
    means = rows.groupby("method")["value"].mean()
    models = [str(m) for m in means.sort_values(ascending=False, kind="stable").index]
    figure = new_figure(6.2, 1.5 + 0.42 * max(len(models), 2), "Held-out counts")
    ax = figure.subplots()
    if not models:
        empty_panel(ax, "no held-out score")
    for place, model in enumerate(models):
        some = rows[rows["method"] == model].sort_values("seed", key=lambda s: s.map(by_number(s).index))
        shift = np.linspace(-0.18, 0.18, len(some)) if len(some) > 1 else np.zeros(1)
        style = look(model)
        marker = "o" if model == "gene_mean" else style.marker
        ax.scatter(
            some["value"], place + shift, s=20, color=style.colour, marker=marker, linewidths=0, zorder=3
        )
        ax.vlines(means[model], place - 0.3, place + 0.3, color=BLACK, linewidth=1.4, zorder=4)
        gain = (
            ""
            if np.isnan(floor) or model == "gene_mean"
            else f"{means[model] - floor:+.3g}".replace("-", "−")
        )
        ax.text(1.01, place, gain, transform=ax.get_yaxis_transform(), va="center", fontsize=7)
    if models:
        ax.set_yticks(range(len(models)), [look(m).title for m in models])
        ax.set_ylim(-0.6, len(models) - 0.4)
        ax.set_xlabel("held-out negative log-likelihood (nats per count; lower is better)")
    if not np.isnan(floor):
        ax.axvline(floor, color=BLACK, linewidth=0.8, linestyle="--")
    foot_note(
        figure,
        [
            "Points: seeds; bars: their mean; dashed: gene-mean NB, to be beaten; right: mean minus it",
            f"n = {number(rows['n'].max())} samples" if rows["n"].notna().any() else "",
            seeds_note(rows["seed"]),
        ],
        simulated=simulated,
    )
    return figure, rows
