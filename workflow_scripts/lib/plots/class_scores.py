"""How well classes of perturbagens are told: by classifiers of any representation, and by the nearest code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .scores import level_line, model_rows, name_rows_of, rows_note, shifts, whisker
from .style import (
    BLACK,
    GREY,
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
    styled,
)

_SPLITS = {
    "signature": "split by signature\n(as published)",
    "compound": "split by compound\n",
    "held_out": "compounds that nothing\nhas been trained on",
    "cell_line": "split by cell line\n",
}
_SCORES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"}
_CODE_METRICS = {
    "top1": "nearest code is the class (top 1)",
    "top5": "among the five nearest (top 5)",
    "explained": "explained variance",
    "perplexity": "codes in use (perplexity)",
}
_PREPARATIONS = {"clipped": "clipped at ±10", "robust_z": "robust z", "as_is": "as is"}
_EXPLAINED = {"explained_with_label": "its class's code", "explained_nearest": "nearest code"}


def _long(scores: pd.DataFrame) -> pd.DataFrame:
    """One row a drawn score."""
    keep = ["representation", "features", "classifier", "split", "labels", "n", "units", "classes"]
    parts = []
    for metric in _SCORES:
        prefix = metric.removesuffix("_accuracy")
        ends = {end: scores[f"{prefix}_{end}"] for end in ("lower", "upper")}
        parts.append(scores[keep].assign(metric=metric, value=scores[metric], **ends))
    return pd.concat(parts, ignore_index=True).dropna(subset=["value"])


def _prediction(
    ax: Axes,
    rows: pd.DataFrame,
    representations: Sequence[str],
    classifiers: Sequence[str],
    names: Sequence[str],
) -> None:
    place = {name: len(representations) - 1 - k for k, name in enumerate(representations)}
    offset = dict(zip(classifiers, shifts(len(classifiers), 0.3), strict=True))
    for row in rows[rows["classifier"] != "majority"].itertuples():
        y = place[row.representation] + offset[row.classifier]
        style = look(str(row.classifier))
        if row.labels == "permuted":
            ax.plot(row.value, y, "x", color=GREY, markersize=3, markeredgewidth=0.8, zorder=2)
        else:
            whisker(ax, row.value, y, (row.lower, row.upper), style.colour, style.marker, size=4)
    level_line(ax, float(rows.loc[rows["classifier"] == "majority", "value"].mean()))
    name_rows_of(ax, names)
    ax.set_xlim(0, min(1.0, float(np.nanmax([rows["value"].max(), rows["upper"].max(), 0.1])) * 1.06))


@styled
def class_prediction(scores: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw the accuracy of every classifier from every representation, a column a split.

    Parameters
    ----------
    scores
        The table ``classification``.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        One row a drawn score.
    """
    rows = _long(scores)
    splits = [s for s in _SPLITS if s in set(rows["split"])] + sorted(set(rows["split"]) - set(_SPLITS))
    told = rows[rows["classifier"] != "majority"]
    representations, classifiers = by_look(told["representation"]), by_look(told["classifier"])
    columns = max(len(splits), 1)
    high = max(0.13 * len(representations) * max(len(classifiers), 2), 1.4)
    figure = new_figure(2.6 * columns + 3.6, 2 * (high + 0.75) + 0.9, "Prediction of perturbagen classes")
    axes = figure.subplots(2, columns, squeeze=False)
    names = []
    for name in representations:
        features = told.loc[told["representation"] == name, "features"].dropna()
        size = f" ({features.iloc[0]:,.0f})" if len(features) and name != "raw" else ""
        names.append(f"{look(name).title}{size}")
    for line, (metric, title) in enumerate(_SCORES.items()):
        for column, split in enumerate(splits or [""]):
            ax = axes[line, column]
            some = rows[(rows["split"] == split) & (rows["metric"] == metric)]
            if some.empty:
                empty_panel(ax, "no class was predicted")
                continue
            _prediction(ax, some, representations, classifiers, names if column == 0 else [""] * len(names))
            known = some.iloc[0]
            size = f"n = {known['n']:,.0f}, {known['classes']:.0f} classes"
            ax.set_title(f"{_SPLITS.get(split, split)}\n{size}" if line == 0 else "", loc="left")
            ax.set_xlabel(title)
    letters(list(axes.flat))
    side_legend(
        figure,
        [
            ("classifier", [key(look(c).colour, look(c).marker) for c in classifiers],
             [look(c).title for c in classifiers]),
            ("null", [key(BLACK, "", line="--"), key(GREY, "x", size=4)], [look("majority").title, "permuted labels"]),
        ],
    )  # fmt: skip
    foot_note(
        figure,
        [
            "In brackets: number of features; bars: 95 %, bootstrap over the split's units",
            rows_note(rows, [("n", "signatures"), ("units", "compounds"), ("classes", "classes")]),
            note,
        ],
        simulated=simulated,
    )
    return figure, rows


def _code_rows(scores: pd.DataFrame) -> list[tuple[str, str]]:
    """Models with each of their preparations, one a row."""
    wanted = [p for p in _PREPARATIONS if p in set(scores["preparation"])]
    wanted += sorted(set(scores["preparation"]) - set(wanted))
    pairs = set(zip(scores["model"], scores["preparation"], strict=True))
    return [(m, p) for m in by_look(scores["model"]) for p in wanted if (m, p) in pairs]


def _codes(ax: Axes, rows: pd.DataFrame, order: Sequence[tuple[str, str]], names: Sequence[str]) -> None:
    for place, (model, preparation) in enumerate(order):
        some = rows[(rows["model"] == model) & (rows["preparation"] == preparation)]
        for (labels, metric), group in some.groupby(["labels", "metric"], sort=False):
            own = model_rows(group)[0][1]
            null, given = labels == "permuted", metric == "explained_with_label"
            for shift, row in zip(shifts(len(own)), own.itertuples(), strict=True):
                y = len(order) - 1 - place + shift
                style = look(model)
                colour, marker = (GREY, "X") if null else (style.colour, style.marker)
                whisker(ax, row.value, y, (row.lower, row.upper), colour, marker, hollow=given, size=4.5)
    name_rows_of(ax, names)


@styled
def code_assignment(scores: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw how well an S-VQ-VAE finds the class of held-out compounds without their label.

    Parameters
    ----------
    scores
        The table ``codes``.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        One row a point.
    """
    rows = scores.dropna(subset=["value"]).reset_index(drop=True)
    rows["panel"] = rows["metric"].where(~rows["metric"].isin(_EXPLAINED), "explained")
    # What a label given at random explains is no question here.
    rows = rows[
        rows["panel"].isin(_CODE_METRICS)
        & ~((rows["labels"] == "permuted") & (rows["panel"] == "perplexity"))
    ]
    order = _code_rows(rows)
    figure = new_figure(10.2, 2 * (0.36 * max(len(order), 3) + 0.6) + 0.9, "Classes by the nearest code")
    axes = figure.subplots(2, 2)
    names = [f"{look(m).title}\n{_PREPARATIONS.get(p, label(p))}" for m, p in order]
    for place, (ax, (metric, title)) in enumerate(zip(axes.flat, _CODE_METRICS.items(), strict=True)):
        some = rows[rows["panel"] == metric]
        if some.empty:
            empty_panel(ax, f"no score: {title}")
            continue
        _codes(ax, some, order, names if place % 2 == 0 else [""] * len(names))
        ax.set_xlabel(title)
        if metric != "explained":
            ax.set_xlim(0, 1.06 * float(np.nanmax([some["value"].max(), some["upper"].max()])) or 1.0)
        else:
            level_line(ax, 0.0, GREY, ":")
    letters(list(axes.flat))
    models = by_look(rows["model"])
    side_legend(
        figure,
        [
            ("model", [key(look(m).colour, look(m).marker) for m in models], [look(m).title for m in models]),
            ("null", [key(GREY, "X")], ["permuted labels"]),
            ("decoded from (c)", [key(GREY, hollow=True), key(GREY)], list(_EXPLAINED.values())),
        ],
    )
    foot_note(
        figure,
        [
            "Models trained here: held-out compounds; published weights: all drugs of a class that has a code; "
            "points: seeds; bars: 95 %, bootstrap over compounds, of permuted labels their range",
            rows_note(rows, [("n", "signatures"), ("compounds", "compounds")]),
            seeds_note(rows["seed"]),
            note,
        ],
        simulated=simulated,
    )
    return figure, rows.reset_index(drop=True)
