"""Molecules and expression changes: what the pairs are, how SMILES are pretrained and models trained."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .looks import BLACK, BLUE, GREEN, GREY, ORANGE, SKY, VERMILLION
from .pair_scores import method_look, ordered
from .scores import level_line, name_rows_of, shifts, span
from .steady import new_figure
from .style import by_number, empty_panel, foot_note, key, letters, seeds_note, side_legend, styled


@styled
def pairs_overview(
    splits: pd.DataFrame, noise: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw what a data set of pairs has: molecules by part of every split, and how well changes repeat.

    Parameters
    ----------
    splits
        split, part, pairs, molecules, shared_scaffolds.
    noise
        cell_id, time_h, pairs, replicate_pearson, random_pearson, sd.
    simulated
        Whether the wells are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        Both tables one below the other.
    """
    figure = new_figure(9.8, 3.4, "Pairs of a molecule and an expression change")
    left, right = figure.subplots(1, 2)
    colours = {"train": BLACK, "valid": SKY, "test": VERMILLION}
    kinds = list(dict.fromkeys(splits["split"]))
    name_rows_of(left, kinds)
    for place, kind in enumerate(kinds):
        start = 0.0
        for part, colour in colours.items():
            row = splits[(splits["split"] == kind) & (splits["part"] == part)].iloc[0]
            left.barh(len(kinds) - 1 - place, row["molecules"], 0.6, start, color=colour)
            start += float(row["molecules"])
            if part == "test" and kind != "cell" and row["shared_scaffolds"] > 0:
                left.annotate(
                    f"{int(row['shared_scaffolds'])} scaffolds of training", (start, len(kinds) - 1 - place),
                    xytext=(3, 0), textcoords="offset points", va="center", fontsize=6.5,
                )  # fmt: skip
    left.set_xlabel("molecules")
    left.set_xlim(0, 1.75 * splits.groupby("split")["molecules"].sum().max())
    groups = noise.sort_values("pairs", ascending=False).head(12)
    names = [
        f"{row['cell_id']}" + (f", {row['time_h']:g} h" if np.isfinite(row["time_h"]) else "")
        for _, row in groups.iterrows()
    ]
    name_rows_of(right, names)
    for place, (_, row) in enumerate(groups.iterrows()):
        y = len(groups) - 1 - place
        right.plot(row["replicate_pearson"], y, "D", color=VERMILLION, markersize=5)
        right.plot(row["random_pearson"], y, "o", color=GREY, markersize=5)
    level_line(right, 0.0, BLACK, ":")
    right.set_xlabel("correlation of two wells' changes")
    letters([left, right])
    side_legend(
        figure,
        [
            ("a, part", [key(colour, "s") for colour in colours.values()], list(colours)),
            ("b", [key(VERMILLION, "D"), key(GREY)], ["same molecule and dose", "different molecules"]),
        ],
    )
    foot_note(
        figure,
        [
            f"{int(noise['pairs'].sum()):,} pairs; sd of a change {span(noise['sd'], '.2f')}",
            f"{len(noise)} groups of cell line and time"
            + (", the 12 largest drawn" if len(noise) > 12 else ""),
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.concat([splits, noise], ignore_index=True)


@styled
def smiles_pretraining(history: pd.DataFrame, scores: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw how the autoencoder of SMILES was pretrained, and what its prior generates.

    Parameters
    ----------
    history
        epoch, name (``validation``, ``validation/reconstruction``), value.
    scores
        sampling (``held out`` or a temperature), metric, value.

    Returns
    -------
    figure, table
        sampling, metric, value; the curves as sampling ``epoch K``.
    """
    figure = new_figure(9.6, 3.2, "Autoencoder of SMILES, pretrained on MOSES")
    left, right = figure.subplots(1, 2)
    curves = {
        "validation": ("bound, divergence included", VERMILLION),
        "validation/reconstruction": ("reconstruction", BLUE),
    }
    for name, (_, colour) in curves.items():
        some = history[history["name"] == name]
        left.plot(some["epoch"], some["value"], "o-", color=colour, markersize=3.5, linewidth=1.1)
    held = dict(scores.loc[scores["sampling"] == "held out", ["metric", "value"]].itertuples(index=False))
    bigram = float(held["bigram_nats_per_token"])
    left.axhline(bigram, color=BLACK, linewidth=0.8, linestyle="--")
    left.set(xlabel="epoch", ylabel="nats a held-out token", ylim=(0, 1.1 * bigram))
    left.xaxis.get_major_locator().set_params(integer=True)
    metrics = {
        "valid": "valid",
        "unique": "unique",
        "novel": "novel",
        "internal_diversity": "internal diversity",
    }
    name_rows_of(right, list(metrics.values()))
    drawn = [name for name in dict.fromkeys(scores["sampling"]) if name != "held out"]
    colours = [VERMILLION, ORANGE, GREEN, SKY]
    for place, metric in enumerate(metrics):
        for shift, name, colour in zip(shifts(len(drawn), 0.2), drawn, colours, strict=False):
            value = scores[(scores["sampling"] == name) & (scores["metric"] == metric)]["value"]
            right.plot(
                value, [len(metrics) - 1 - place + shift] * len(value), "D", color=colour, markersize=4.5
            )
    right.set(xlim=(0, 1.03), xlabel="share of molecules drawn from the prior")
    letters([left, right])
    side_legend(
        figure,
        [
            ("a", [*(key(c, "o", line="-") for _, c in curves.values()), key(BLACK, "", line="--")],
             [*(text for text, _ in curves.values()), "token before alone (bigram)"]),
            ("b", [key(c, "D") for _, c in zip(drawn, colours, strict=False)], drawn),
        ],
    )  # fmt: skip
    foot_note(
        figure,
        [f"{held['rebuilt']:.1%} of held-out molecules rebuilt exactly", "Definitions of MOSES"],
        simulated=False,
    )
    points = history[history["name"].isin(curves)]
    rows = points.assign(sampling="epoch " + points["epoch"].astype(int).astype(str), metric=points["name"])
    return figure, pd.concat([scores, rows[["sampling", "metric", "value"]]], ignore_index=True)


@styled
def pair_training(histories: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw the validation score of every model in both directions while it trains.

    Parameters
    ----------
    histories
        direction, model, seed, epoch, value.
    simulated
        Whether the wells are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `histories`.
    """
    figure = new_figure(9.8, 3.3, "Training")
    words = {
        "to_molecule": "nats a token of the true molecule",
        "to_expression": "mean squared error of the change",
    }
    axes = list(figure.subplots(1, 2))
    for ax, (direction, said) in zip(axes, words.items(), strict=True):
        some = histories[histories["direction"] == direction]
        for (model, _), one in some.groupby(["model", "seed"], sort=False):
            ax.plot(one["epoch"], one["value"], color=method_look(model).colour, linewidth=1.1)
        if some.empty:
            empty_panel(ax, "no training history")
        ax.set(xlabel="epoch", ylabel=said)
    letters(axes)
    names = ordered(list(histories["model"]))
    side_legend(
        figure,
        [
            (
                "model",
                [key(method_look(n).colour, "", line="-") for n in names],
                [method_look(n).title for n in names],
            )
        ],
    )
    foot_note(
        figure,
        ["Validation pairs; a curve a seed", seeds_note(by_number(histories["seed"].astype(str))), note],
        simulated=simulated,
    )
    return figure, histories
