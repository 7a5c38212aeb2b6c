"""Molecules and expression changes: how well either is made from the other, and molecules for knock-downs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .looks import BLACK, BLUE, GREY, LIGHT, VERMILLION, Look
from .paired_images import MODELS
from .scores import level_line, name_rows_of, shifts, whisker
from .steady import new_figure
from .style import by_number, foot_note, key, label, letters, seeds_note, side_legend, styled

FEWEST = 10
"""Test molecules below which a bootstrap over them says nothing."""
BASELINES = {
    "zero": Look("no change", LIGHT, "s"),
    "train_mean": Look("mean of training changes", BLACK, "s"),
    "group_mean": Look("... of the same line and time", BLACK, "D"),
    "nearest_molecules": Look("15 nearest molecules", "#505050", "^"),
    "kernel_ridge": Look("ridge on fingerprints", "#707070", "h"),
    "replicates": Look("replicates' ceiling", BLUE, "*"),
    "prior": Look("pretrained model's prior", GREY, "s"),
    "random_training": Look("random training molecules", LIGHT, "o"),
    "similar_change": Look("training molecules of like change", BLACK, "^"),
    "nearest_training": Look("nearest training molecule, ceiling", BLUE, "*"),
}
METHODS = {**MODELS, **BASELINES}
EXPRESSION = {
    "rmse": "RMSE of a change",
    "pearson": "correlation over genes",
    "gain_over_mean": "RMSE less than the training mean's",
    "gain": "RMSE gained by the molecule",
}
GENERATION = {
    "valid": "valid, of all draws",
    "unique": "unique, of valid",
    "novel": "not in training, of distinct",
    "tanimoto": "similarity to the true molecule",
    "tanimoto_gain": "... beyond that to another one",
    "gain": "nats a token gained by the change",
}
"""Metrics drawn, and what their axes say."""


def ordered(names: Sequence[str]) -> list[str]:
    """Return distinct methods in the order of `METHODS`."""
    distinct = list(dict.fromkeys(names))
    return [n for n in METHODS if n in distinct] + sorted(n for n in distinct if n not in METHODS)


def method_look(name: str) -> Look:
    """Return how a method is called and drawn."""
    return METHODS.get(name) or Look(label(name), BLACK, "o")


def _score_rows(ax: Axes, scores: pd.DataFrame, metric: str, names: Sequence[str], named: bool) -> None:
    """A row a method, a point a seed with its interval over molecules."""
    name_rows_of(ax, [method_look(name).title if named else "" for name in names])
    for place, name in enumerate(names):
        some = scores[(scores["method"] == name) & (scores["metric"] == metric)]
        look, y = method_look(name), len(names) - 1 - place
        for shift, (_, row) in zip(
            shifts(len(some))[: len(some)], some.sort_values("seed").iterrows(), strict=True
        ):
            whisker(ax, row["value"], y + shift, (row["low"], row["high"]), look.colour, look.marker)


def _score_panels(
    scores: pd.DataFrame, metrics: dict[str, str], title: str, columns: int
) -> tuple[Figure, list[Axes]]:
    names = ordered(list(scores["method"]))
    rows = -(-len(metrics) // columns)
    figure = new_figure(3.1 * columns + 1.6, rows * (0.24 * len(names) + 0.9) + 0.8, title)
    axes = list(np.atleast_1d(figure.subplots(rows, columns)).ravel())
    for place, (ax, (metric, words)) in enumerate(zip(axes, metrics.items(), strict=False)):
        _score_rows(ax, scores, metric, names, named=place % columns == 0)
        ax.set_xlabel(words)
        ax.xaxis.set_major_locator(MaxNLocator(4))
    for ax in axes[len(metrics) :]:
        ax.set_axis_off()
    letters(axes[: len(metrics)])
    return figure, axes


@styled
def expression_prediction(
    scores: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw how near predicted expression changes come to measured ones, beside what any model has to beat.

    Parameters
    ----------
    scores
        method, kind, seed, metric, value, low, high, molecules; of models and baselines.
    simulated
        Whether the wells are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        The scores drawn, the verdict against the training mean first.
    """
    figure, axes = _score_panels(scores, EXPRESSION, "Expression changes predicted from molecules", 2)
    mean = scores[(scores["method"] == "train_mean") & (scores["metric"] == "rmse")]["value"]
    if len(mean):
        level_line(axes[0], float(mean.iloc[0]))
    for ax in axes[2:4]:
        level_line(ax, 0.0, BLACK, ":")
    verdict = expression_verdict(scores)
    models = scores[scores["kind"] == "model"]
    foot_note(
        figure,
        [
            verdict,
            f"Test pairs; means over {int(scores['molecules'].max())} molecules with 95 % intervals",
            "Dashed: the training mean",
            seeds_note(by_number(models["seed"].astype(str))),
            note,
        ],
        simulated=simulated,
    )
    shown = scores[scores["metric"].isin([*EXPRESSION, "l2", "recall", "r2", "gene_pearson"])]
    first = {"method": verdict, "kind": "verdict", "seed": "", "metric": "rmse"}
    return figure, pd.DataFrame([first, *shown.to_dict("records")], columns=list(scores.columns))


def expression_verdict(scores: pd.DataFrame) -> str:
    """Say which methods beat the training mean in RMSE, the whole interval of every seed, or that none does."""
    gains = scores[scores["metric"] == "gain_over_mean"]
    if gains.empty:
        return "No training mean to compare with"
    if gains["molecules"].max() < FEWEST:
        return f"Too few test molecules to say what beats the training mean ({int(gains['molecules'].max())})"
    worst = gains[~gains["method"].isin(["train_mean", "group_mean"])].groupby("method")["low"].min()
    better = [method_look(name).title for name in ordered(list(worst.index)) if worst[name] > 0]
    return (
        f"Nearer than the training mean: {', '.join(better)}" if better else "Nothing beats the training mean"
    )


def generation_verdict(scores: pd.DataFrame) -> str:
    """Say for which models the true molecule is likelier given its own change, the whole interval of every seed."""
    gains = scores[(scores["kind"] == "model") & (scores["metric"] == "gain")]
    if gains.empty or gains["molecules"].max() < FEWEST:
        return "Too few test molecules to tell a conditional signal"
    worst = gains.groupby("method")["low"].min()
    shown = [method_look(name).title for name in ordered(list(worst.index)) if worst[name] > 0]
    return f"Conditional signal: {', '.join(shown)}" if shown else "No model shows a conditional signal"


@styled
def molecule_generation(
    scores: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw what is generated for expression changes: validity, variety, and how near it comes to the true molecule.

    Parameters
    ----------
    scores
        method, kind, seed, metric, value, low, high, molecules; of models and baselines.
    simulated
        Whether the wells are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        All scores.
    """
    figure, axes = _score_panels(scores, GENERATION, "Molecules generated for expression changes", 3)
    for ax in axes[:3]:
        ax.set_xlim(-0.03, 1.03)
    for ax in axes[4:6]:
        level_line(ax, 0.0, BLACK, ":")
    models = scores[scores["kind"] == "model"]
    foot_note(
        figure,
        [
            generation_verdict(scores),
            f"Test pairs of {int(scores['molecules'].max())} molecules; bars are 95 % intervals over molecules",
            seeds_note(by_number(models["seed"].astype(str))),
            note,
        ],
        simulated=simulated,
    )
    return figure, scores


@styled
def ligand_enrichment(
    scores: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw how like known ligands the molecules are that were generated for a protein's knock-down.

    Parameters
    ----------
    scores
        target, method, kind, condition (``knock-down`` or ``other`` of models), seed, metric, value, low, high.
    simulated
        Whether the wells are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        The scores.
    """
    targets = list(dict.fromkeys(scores["target"]))
    names = ordered(list(scores["method"]))
    figure = new_figure(
        2.3 * len(targets) + 3.2, 0.3 * len(names) + 1.6, "Molecules for knock-downs, beside known ligands"
    )
    axes = list(np.atleast_1d(figure.subplots(1, len(targets), sharex=True)))
    for ax, target in zip(axes, targets, strict=True):
        name_rows_of(ax, [method_look(name).title if ax is axes[0] else "" for name in names])
        ax.set_title(target, loc="left")
        ax.set_xlabel("similarity to the nearest ligand")
        own = scores[(scores["target"] == target) & (scores["metric"] == "nearest_ligand")]
        for place, name in enumerate(names):
            some = own[own["method"] == name].sort_values(["seed", "condition"])
            look, y = method_look(name), len(names) - 1 - place
            for shift, (_, row) in zip(shifts(len(some), 0.32)[: len(some)], some.iterrows(), strict=True):
                other = row["condition"] == "other"
                whisker(
                    ax, row["value"], y + shift, (row["low"], row["high"]), GREY if other else look.colour, look.marker,
                    hollow=other,
                )  # fmt: skip
    letters(axes)
    side_legend(
        figure,
        [
            (
                "given",
                [key(VERMILLION, "D"), key(GREY, "D", hollow=True)],
                ["the knock-down", "training changes"],
            )
        ],
    )
    models = scores[scores["kind"] == "model"]
    gaps = knock_down_gains(scores)
    better = [f"{label(t)}: {method_look(m).title}" for (t, m), row in gaps.iterrows() if row["clear"]]
    foot_note(
        figure,
        [
            "Clearly nearer than under other conditions: " + "; ".join(better) if better
            else "Nowhere clearly nearer than the same model under other conditions",
            "Mean Tanimoto similarity (Morgan, radius 2) of distinct valid molecules",
            "Bars are 95 % intervals, of hollow points the range over other conditions",
            seeds_note(by_number(models["seed"].astype(str))),
            note,
        ],
        simulated=simulated,
    )  # fmt: skip
    return figure, scores


def knock_down_gains(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean gain over other conditions of each target and model; clear if above all of these with every seed."""
    own = scores[(scores["kind"] == "model") & (scores["metric"] == "nearest_ligand")]
    sides = [
        own[own["condition"] == name].set_index(["target", "method", "seed"])
        for name in ("knock-down", "other")
    ]
    both = sides[0].join(sides[1], rsuffix="_other")
    both["gain"], both["clear"] = both["value"] - both["value_other"], both["value"] > both["high_other"]
    return both.groupby(level=["target", "method"], sort=False).agg({"gain": "mean", "clear": "all"})
