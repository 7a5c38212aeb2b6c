"""Which latent units carry signatures, what they are in each class, and in single signatures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .clusters import DIVERGING, cluster_map, tree_of
from .scores import class_name, cycle, first_seeds, model_rows, model_title, span
from .style import (
    BLACK,
    GREY,
    LIGHT,
    by_number,
    corner,
    empty_panel,
    foot_note,
    key,
    letters,
    log_axis,
    look,
    new_figure,
    number,
    seeds_note,
    side_legend,
    styled,
)

NODE = 0.5
_LEAST_KL = 1e-6
_MOST_CLASSES = 7


def _sorted(ax: Axes, units: pd.DataFrame, main: pd.DataFrame, column: str, colour: str) -> pd.DataFrame:
    """Draw a unit's size against its rank: all seeds as lines, the first with its signature nodes marked."""
    for _, some in units.groupby("seed", sort=False):
        values = np.sort(some[column].to_numpy())[::-1]
        ax.plot(np.arange(1, len(values) + 1), values, color=LIGHT, linewidth=0.8, zorder=1)
    ranked = main.sort_values([column, "unit"], ascending=[False, True], kind="stable")
    ranked = ranked.assign(place=np.arange(1, len(ranked) + 1), panel=column, value=ranked[column])
    for node, size in ((False, 2.5), (True, 4.0)):
        some = ranked[ranked["signature_node"] == node]
        ax.plot(
            some["place"],
            some["value"],
            "o",
            color=colour if node else GREY,
            markersize=size,
            zorder=2 + node,
        )
    ax.set_xlabel("latent units, sorted")
    return ranked[["model", "seed", "panel", "unit", "place", "value", "signature_node"]]


def _nodes_by_class(ax: Axes, means: pd.DataFrame, figure: Figure) -> pd.DataFrame:
    if means.empty:
        empty_panel(ax, "no class with\nenough signatures")
        return means.head(0)
    wide = means.pivot_table(index="pcl_id", columns="unit", values="mean").fillna(0.0)
    wide = wide[by_number(wide.columns)]
    reach = float(np.abs(wide.to_numpy()).max()) or 1.0
    image, ordered = cluster_map(ax, wide, reach)
    many = len(ordered) > 40
    ax.set_yticks(range(len(ordered)), [class_name(n) for n in ordered.index], fontsize=5 if many else 6)
    ax.set_xticks(range(ordered.shape[1]), list(ordered.columns), fontsize=6, rotation=90)
    ax.set_xlabel("signature node (number of the latent unit)")
    bar = figure.colorbar(image, ax=ax, shrink=0.5, pad=0.02, aspect=25)
    bar.set_label("mean of z over the class", fontsize=7)
    bar.ax.tick_params(labelsize=6)
    long = means.copy()
    long["row"] = long["pcl_id"].map(list(ordered.index).index)
    long["column"] = long["unit"].map(list(ordered.columns).index)
    return long.assign(panel="classes", value=long["mean"]).sort_values(["row", "column"])


@styled
def signature_nodes(
    units: pd.DataFrame, class_means: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw every VAE's units by the mean of z and by KL, and the classes' means in its signature nodes.

    Parameters
    ----------
    units
        The table ``latent_units``.
    class_means
        The table ``class_nodes``.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        Column ``panel`` is ``mean_abs``, ``kl`` or ``classes``.
    """
    models = model_rows(units)
    means = first_seeds(class_means.dropna(subset=["mean"]))
    rows = {model: means.loc[means["model"] == model, "pcl_id"].nunique() for model, _ in models}
    heights = [max(2.7, 0.6 + (0.11 if rows[model] > 40 else 0.15) * rows[model]) for model, _ in models]
    title = "Latent units that carry signatures"
    figure = (
        new_figure(14.0, sum(heights) + 0.55 * len(heights) + 0.8, title)
        if models
        else new_figure(6, 2.5, title)
    )
    if not models:
        empty_panel(figure.subplots(), "no model has latent units")
    else:
        axes = figure.subplots(
            len(models), 3, squeeze=False, height_ratios=heights, width_ratios=[1.25, 1.25, 3.0]
        )
    drawn, counts = [], []
    for place, (model, some) in enumerate(models):
        main, colour = first_seeds(some), look(model).colour
        left, middle, right = axes[place]
        drawn.append(_sorted(left, some, main, "mean_abs", colour))
        left.axhline(NODE, color=BLACK, linewidth=0.8, linestyle="--", zorder=1)
        left.set(ylabel="mean |mean of z|")
        floored = some.assign(kl=some["kl"].clip(lower=_LEAST_KL))
        drawn.append(_sorted(middle, floored, first_seeds(floored), "kl", colour))
        log_axis(middle, "y")
        middle.set(ylabel="KL divergence from the prior (nats)")
        seed = str(main["seed"].iloc[0])
        left.set_title(model_title(model, seed).replace(", ", "\n"), loc="left", fontweight="bold")
        nodes = some.groupby("seed")["signature_node"].sum()
        corner(left, f"{span(nodes)} of {len(main)}\nunits above {NODE}", "upper right")
        corner(middle, f"{span(some.groupby('seed')['active_kl'].sum())} active by KL", "upper right")
        # Room for the words in the corners.
        left.set_ylim(None, float(left.get_ylim()[1]) * 1.25)
        middle.set_ylim(None, float(middle.get_ylim()[1]) * 6)
        drawn.append(_nodes_by_class(right, means[means["model"] == model], figure))
        counts.append(f"{look(model).title}: {seeds_note(some['seed']).lower() or 'no seed'}")
    if models:
        letters(list(axes.flat))
        samples = [key(BLACK), key(GREY, size=3), key(LIGHT, "", line="-"), key(BLACK, "", line="--")]
        names = ["signature node, first seed", "other unit", "every seed, sorted", f"threshold {NODE}"]
        side_legend(figure, [("a, b", samples, names)])
    foot_note(
        figure,
        [
            "Signature node: mean |mean of z| above 0.5, as published; KL below 1e-6 nats is drawn there",
            "Heat map: first seed, classes and nodes clustered by average linkage of Euclidean distances",
            f"Classes with {span(means['n'].dropna())} signatures" if len(means) else "",
            *counts,
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.concat(drawn, ignore_index=True) if drawn else units.head(0)


def _strip(ax: Axes, classes: list[str], frequent: list[str]) -> None:
    """Colour the signatures' classes at the left of a heat map."""
    beside = ax.inset_axes((-0.05, 0, 0.035, 1))
    for row, name in enumerate(classes):
        if name in frequent:
            colour = cycle(frequent.index(name))
            beside.add_patch(Rectangle((0, row - 0.5), 1, 1, color=colour, linewidth=0))
    beside.set(xlim=(0, 1), ylim=(len(classes) - 0.5, -0.5), xticks=[], yticks=[])
    for spine in beside.spines.values():
        spine.set(visible=True, linewidth=0.4, color=LIGHT)


@styled
def latent_heatmap(sample: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw the mean of z of single signatures in every unit, one panel a VAE.

    Parameters
    ----------
    sample
        The table ``latent_sample``.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        One row a cell, with ``row`` and ``column`` in the panel.
    """
    main = first_seeds(sample.dropna(subset=["value"]))
    models = model_rows(main)
    signatures = main.drop_duplicates("sig_id")
    counts = signatures.loc[signatures["pcl_id"] != "", "pcl_id"].value_counts()
    frequent = sorted(counts.index, key=lambda name: (-counts[name], name))[:_MOST_CLASSES]
    wide = max(1, min(2, len(models)))
    deep = max(1, -(-len(models) // wide))
    figure = new_figure(4.6 * wide + 2.6, 3.6 * deep + 0.9, "Latent means of single signatures")
    axes = list(figure.subplots(deep, wide, squeeze=False).flat)
    drawn = []
    for ax, (model, some) in zip(axes, models, strict=False):
        matrix = some.pivot_table(index="sig_id", columns="unit", values="value", sort=False).fillna(0.0)
        matrix = matrix[by_number(matrix.columns)]
        order, _ = tree_of(matrix.to_numpy())
        matrix = matrix.iloc[order]
        reach = float(np.quantile(np.abs(matrix.to_numpy()), 0.999)) or 1.0
        image = ax.imshow(
            matrix, cmap=DIVERGING, vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest"
        )
        bar = figure.colorbar(image, ax=ax, pad=0.02, aspect=30, extend="both")
        bar.set_label("mean of z", fontsize=7)
        bar.ax.tick_params(labelsize=6)
        known = some.drop_duplicates("sig_id").set_index("sig_id")["pcl_id"]
        _strip(ax, [str(known[s]) for s in matrix.index], frequent)
        step = max(1, -(-matrix.shape[1] // 20))
        ax.set_xticks(range(0, matrix.shape[1], step), list(matrix.columns[::step]), fontsize=6)
        ax.set(yticks=[], xlabel="latent unit")
        ax.set_title(model_title(model, str(some["seed"].iloc[0])), loc="left")
        ax.set_ylabel(f"{number(len(matrix))} signatures", labelpad=18)
        place = {name: k for k, name in enumerate(matrix.index)}
        columns = {name: k for k, name in enumerate(matrix.columns)}
        drawn.append(some.assign(row=some["sig_id"].map(place), column=some["unit"].map(columns)))
    if not models:
        empty_panel(axes[0], "no model has latent units")
    for ax in axes[max(len(models), 1) :]:
        ax.set_axis_off()
    letters(axes[: len(models)])
    others = [key(LIGHT, "s", hollow=True)] if frequent else []
    samples = [*(key(cycle(k), "s") for k in range(len(frequent))), *others]
    names = [*(class_name(name, 26) for name in frequent), *(["other or no class"] if others else [])]
    side_legend(figure, [("class (strip at the left)", samples, names)])
    foot_note(
        figure,
        [
            f"n = {number(len(signatures))} signatures drawn at random, clustered by average linkage"
            if models
            else "",
            "Colours end at the 99.9 % quantile of each panel",
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.concat(drawn, ignore_index=True) if drawn else main
