"""Generated beside real signatures: where they lie, and scores with their floor, baseline and null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import gaussian_kde

from .scores import first_seeds, level_line, model_rows, model_title, name_rows_of, rows_note, shifts
from .style import (
    BLACK,
    by_look,
    empty_panel,
    few_ticks,
    foot_note,
    key,
    letters,
    look,
    new_figure,
    number,
    seeds_note,
    side_legend,
    styled,
)

METRICS = {
    "classifier_auc": ("AUC of a classifier, real or generated", 0.5),
    "mmd": ("maximum mean discrepancy", 0.0),
    "wasserstein": ("Wasserstein distance per gene (z units)", 0.0),
    "correlation_error": ("error of the genes' correlations", 0.0),
    "precision": ("precision: generated near real", 1.0),
    "recall": ("recall: real near generated", 1.0),
}
_REFERENCES = {
    "real": "real, another half (floor)",
    "gaussian": "Gaussian (baseline)",
    "shuffled": "shuffled (null)",
}
_LINES = {"real": "-", "gaussian": "--", "shuffled": "-."}
_MASS = (0.95, 0.75, 0.5, 0.25)
_FEW, _MOST, _GRID = 10, 1500, 70


def mass_levels(density: np.ndarray, shares: Sequence[float] = _MASS) -> np.ndarray:
    """Return the heights [shares] above which a density on a regular grid holds these shares of its mass, ascending."""
    ranked = np.sort(density.ravel())[::-1]
    held = np.cumsum(ranked) / ranked.sum()
    places = np.searchsorted(held, sorted(shares, reverse=True)).clip(max=len(ranked) - 1)
    return np.unique(ranked[places])


def _contours(
    ax: Axes, x: np.ndarray, y: np.ndarray, limits: tuple[float, float, float, float], colour: str
) -> None:
    step = max(1, len(x) // _MOST)
    x, y = x[::step], y[::step]
    if len(x) < _FEW or np.linalg.matrix_rank(np.cov(x, y)) < 2:
        return
    across, up = np.meshgrid(np.linspace(*limits[:2], _GRID), np.linspace(*limits[2:], _GRID))
    density = gaussian_kde(np.vstack([x, y]))(np.vstack([across.ravel(), up.ravel()])).reshape(across.shape)
    levels = mass_levels(density)
    ax.contour(across, up, density, levels=levels, colors=colour, linewidths=0.9)


def _limits(values: pd.Series) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad


def _maps(scatter: Axes, contours: Axes, points: pd.DataFrame) -> None:
    limits = (*_limits(points["pc1"]), *_limits(points["pc2"]))
    for sample in ("real", "generated"):
        some = points[points["sample"] == sample]
        colour = look(sample).colour
        x, y = some["pc1"].to_numpy(), some["pc2"].to_numpy()
        scatter.scatter(x, y, s=4, color=colour, alpha=0.4, linewidths=0, rasterized=True)
        _contours(contours, x, y, limits, colour)
    shares = points[["share1", "share2"]].iloc[0]
    for ax in (scatter, contours):
        ax.set(xlim=limits[:2], ylim=limits[2:], xlabel=f"PC1 ({shares['share1']:.0%})")
        ax.set_ylabel(f"PC2 ({shares['share2']:.0%})")
        few_ticks(ax, 4)


def _scores(ax: Axes, rows: pd.DataFrame, models: Sequence[str], best: float) -> None:
    samples = by_look(rows.loc[~rows["model"].isin(_REFERENCES), "sample"])
    for name in _REFERENCES:
        level_line(
            ax, float(rows.loc[rows["model"] == name, "value"].mean()), look(name).colour, _LINES[name]
        )
    for model, some in model_rows(rows[rows["model"].isin(models)]):
        y = len(models) - 1 - models.index(model)
        for sample, shift in zip(samples, shifts(len(samples), 0.2), strict=True):
            own, style = some[some["sample"] == sample], look(sample)
            look_of: dict[str, Any] = {
                "marker": style.marker,
                "markersize": 4,
                "linestyle": "none",
                "alpha": 0.85,
            }
            ax.plot(own["value"], np.full(len(own), y + shift), color=style.colour, **look_of)
    level_line(ax, best, BLACK, ":")


@styled
def generated_vs_real(
    scores: pd.DataFrame, points: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw generated and real signatures in the plane of two principal components, and how far apart they are.

    Parameters
    ----------
    scores
        The table ``generated``; the models ``real``, ``gaussian`` and ``shuffled`` are what the others stand beside.
    points
        The table ``generated_points``.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        Column ``panel`` is ``points`` or the score's name.
    """
    scores = scores.dropna(subset=["value"])
    points = first_seeds(points)
    mapped = model_rows(points)
    scored = [name for name in by_look(scores["model"]) if name not in _REFERENCES]
    deep = max(1, -(-len(mapped) // 2))
    high = 0.9 + 0.42 * max(len(scored), 2)
    figure = new_figure(12.2, 2.6 * deep + 2 * high + 1.0, "Generated and real signatures")
    grid = figure.add_gridspec(deep + 2, 12, height_ratios=[2.6] * deep + [high] * 2)
    axes = []
    for place, (model, some) in enumerate(mapped):
        start = 6 * (place % 2)
        pair = [figure.add_subplot(grid[place // 2, start + 3 * k : start + 3 * k + 3]) for k in (0, 1)]
        _maps(pair[0], pair[1], some)
        pair[0].set_title(model_title(model, str(some["seed"].iloc[0])), loc="left")
        pair[1].set_title("density", loc="left")
        axes += pair
    if not mapped:
        empty_panel(figure.add_subplot(grid[0, :]), "no model has generated signatures")
    for place, (metric, (title, best)) in enumerate(METRICS.items()):
        ax = figure.add_subplot(grid[deep + place // 3, 4 * (place % 3) : 4 * (place % 3) + 4])
        rows = scores[scores["metric"] == metric]
        if rows.empty:
            empty_panel(ax, f"no score: {title}")
            continue
        _scores(ax, rows, scored, best)
        name_rows_of(ax, [look(m).title if place % 3 == 0 else "" for m in scored])
        ax.set_xlabel(title)
        axes.append(ax)
    letters(axes)
    samples = by_look(["generated", *scores.loc[scores["model"].isin(scored), "sample"]])
    references = [name for name in _REFERENCES if name in set(scores["model"])]
    side_legend(
        figure,
        [
            ("maps", [key(look(s).colour) for s in ("real", "generated")], ["real", "generated"]),
            (
                "scores",
                [key(look(s).colour, look(s).marker) for s in samples],
                [look(s).title for s in samples],
            ),
            (
                "beside them",
                [*(key(look(n).colour, "", line=_LINES[n]) for n in references), key(BLACK, "", line=":")],
                [*(_REFERENCES[n] for n in references), "best possible score"],
            ),
        ],
    )
    each = points.groupby(["model", "sample"]).size() if len(points) else pd.Series(dtype=int)
    foot_note(
        figure,
        [
            "Components fitted on real and generated together; contours hold 25, 50, 75 and 95 % of a kernel density",
            f"Maps: {number(each.max())} signatures of each kind, first seed" if len(each) else "",
            rows_note(scores, [("n", "signatures in each score")]),
            "Gaussian: of the training signatures; shuffled: each gene on its own; points are seeds",
            seeds_note(scores["seed"]),
            note,
        ],
        simulated=simulated,
    )
    table = pd.concat(
        [points.assign(panel="points"), scores.assign(panel=scores["metric"])], ignore_index=True
    )
    return figure, table
