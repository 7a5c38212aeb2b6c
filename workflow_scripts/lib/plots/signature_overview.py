"""The signatures themselves: what the filters leave, cell lines, and the plane of two principal components."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from .scores import class_name, cycle, name_rows_of
from .style import (
    LIGHT,
    SKY,
    empty_panel,
    few_ticks,
    foot_note,
    key,
    label,
    letters,
    log_axis,
    new_figure,
    number,
    styled,
)

_MOST, _MOST_LINES = 7, 30
_COLOURINGS = {"pert_type": "type of perturbagen", "cell_id": "cell line", "pcl_id": "class of perturbagens"}
_TYPES = {
    "trt_cp": "compound",
    "trt_sh": "knock-down",
    "trt_sh.cgs": "knock-down, consensus",
    "ctl_vehicle": "vehicle",
}


def _frequent(values: pd.Series) -> list[str]:
    counts = values[values != ""].value_counts()
    return sorted(counts.index, key=lambda name: (-counts[name], name))[:_MOST]


def _coloured(ax: Axes, points: pd.DataFrame, column: str) -> None:
    shown = _frequent(points[column])
    rest = points[~points[column].isin(shown)]
    ax.scatter(rest["pc1"], rest["pc2"], s=3, color=LIGHT, linewidths=0, rasterized=True)
    # The rarest is drawn last, on top.
    for place, name in enumerate(shown):
        some = points[points[column] == name]
        ax.scatter(
            some["pc1"], some["pc2"], s=4, color=cycle(place), linewidths=0, alpha=0.7, rasterized=True
        )
    naming = {"pcl_id": lambda n: class_name(n, 24), "pert_type": lambda n: _TYPES.get(n, label(n, 20))}
    name_of = naming.get(column, lambda n: label(n, 16))
    handles = [key(cycle(k), "o", size=4) for k in range(len(shown))]
    names = [f"{name_of(n)} ({number((points[column] == n).sum())})" for n in shown]
    if len(rest):
        handles.append(key(LIGHT, "o", size=4))
        names.append(f"{'none or other' if column == 'pcl_id' else 'other'} ({number(len(rest))})")
    ax.legend(handles, names, loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.1, fontsize=6)


@styled
def expression_pca(points: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw the signatures in the plane of their first two principal components, density and colours.

    Parameters
    ----------
    points
        The table ``expression_points``.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `points`.
    """
    figure = new_figure(11.4, 6.8, "Signatures in two principal components")
    axes = list(figure.subplots(2, 2).flat)
    if points.empty:
        for ax in axes:
            empty_panel(ax, "no signature")
    else:
        shares = points[["share1", "share2"]].iloc[0]
        binned = axes[0].hexbin(
            points["pc1"], points["pc2"], gridsize=45, bins="log", cmap="cividis", mincnt=1, linewidths=0.1
        )
        bar = figure.colorbar(binned, ax=axes[0], shrink=0.7, pad=0.02)
        bar.set_label("signatures in a hexagon", fontsize=7)
        log_axis(bar.ax, "y")
        axes[0].set_title("density", loc="left")
        for ax, (column, title) in zip(axes[1:], _COLOURINGS.items(), strict=True):
            ax.set_title(title, loc="left")
            if (points[column] == "").all():
                empty_panel(ax, f"no {title} is known")
                continue
            _coloured(ax, points, column)
        for ax in axes:
            ax.set(xlabel=f"PC1 ({shares['share1']:.1%} of variance)")
            ax.set(ylabel=f"PC2 ({shares['share2']:.1%} of variance)")
            few_ticks(ax)
    letters(axes)
    names, sources = points["pert_iname"].nunique(), points["source"].nunique()
    kinds = "source" if sources == 1 else "sources"
    foot_note(
        figure,
        [
            f"n = {number(len(points))} signatures of {number(names)} perturbagens, {number(sources)} {kinds}",
            f"Coloured: the {_MOST} most frequent, their number of signatures in brackets",
            note,
        ],
        simulated=simulated,
    )
    return figure, points


def _steps(ax: Axes, rows: pd.DataFrame, largest: float) -> None:
    y = np.arange(len(rows))[::-1]
    ax.barh(y, rows["signatures"], color=[LIGHT] * (len(rows) - 1) + [SKY], height=0.62)
    for place, row in zip(y, rows.itertuples(), strict=True):
        # A source may not say what a step leaves of cell lines or names.
        known = [
            (row.signatures, "signatures"),
            (row.perturbagens, "perturbagens"),
            (row.cell_lines, "cell lines"),
        ]
        text = ", ".join(f"{number(value)} {what}" for value, what in known if np.isfinite(value))
        ax.text(0.01 * largest, place, text, va="center", fontsize=5.5)
    name_rows_of(ax, [label(step, 40) for step in rows["step"]], 6.5)
    ax.set(xlim=(0, 1.03 * largest), xlabel="signatures")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    ax.set_title(label(rows["source"].iloc[0], 60), loc="left")


def _lines(ax: Axes, lines: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    total = lines.groupby("cell_id")["signatures"].sum()
    order = sorted(total.index, key=lambda name: (-total[name], name))
    shown = order[:_MOST_LINES]
    table = lines.groupby(["cell_id", "pert_type"], as_index=False)["signatures"].sum()
    table = table[table["cell_id"].isin(shown)]
    start = pd.Series(0.0, index=shown)
    kinds = sorted(table["pert_type"].unique())
    for place, kind in enumerate(kinds):
        values = (
            table[table["pert_type"] == kind].set_index("cell_id")["signatures"].reindex(shown).fillna(0.0)
        )
        ax.barh(np.arange(len(shown))[::-1], values, left=start, color=cycle(place), height=0.7, label=kind)
        start += values
    name_rows_of(ax, [label(name, 18) for name in shown], 6)
    handles = [key(cycle(k), "s") for k in range(len(kinds))]
    ax.legend(
        handles,
        [_TYPES.get(kind, label(kind, 20)) for kind in kinds],
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
    )
    ax.set_xlabel("signatures")
    rest = len(order) - len(shown)
    ax.set_title(f"cell lines{f', {rest} smaller ones left out' if rest else ''}", loc="left")
    return table, len(order)


@styled
def dataset_overview(
    counts: pd.DataFrame, lines: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw what each filter leaves, and the signatures of each cell line.

    Parameters
    ----------
    counts
        source, step, signatures, perturbagens, names, cell_lines, in the order of the steps.
    lines
        source, cell_id, pert_type, signatures, perturbagens.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        Column ``panel`` is ``steps`` or ``cell_lines``.
    """
    counts = counts.dropna(subset=["signatures"])
    sources = list(dict.fromkeys(counts["source"]))
    heights = [0.7 + 0.26 * (counts["source"] == source).sum() for source in sources] or [2.0]
    shown = min(lines["cell_id"].nunique(), _MOST_LINES)
    high = max(sum(heights) + 0.3 * len(heights), 1.2 + 0.17 * shown)
    figure = new_figure(11.2, high + 0.9, "Signatures and cell lines")
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=[1.25, 1.0])
    right = figure.add_subplot(grid[:, 1])
    axes = [figure.add_subplot(grid[k, 0]) for k in range(len(heights))]
    drawn = [counts.assign(panel="steps")]
    largest = float(counts["signatures"].max()) if len(counts) else 1.0
    for ax, source in zip(axes, sources, strict=False):
        _steps(ax, counts[counts["source"] == source], largest)
    if not sources:
        empty_panel(axes[0], "no source")
    known = 0
    if lines.empty:
        empty_panel(right, "no cell line")
    else:
        table, known = _lines(right, lines)
        drawn.append(table.assign(panel="cell_lines"))
    letters([*axes, right])
    foot_note(
        figure,
        [
            "Left: a source's steps from top to bottom, the blue one is what the study uses",
            f"n = {number(lines['signatures'].sum())} signatures in {number(known)} cell lines"
            if known
            else "",
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.concat(drawn, ignore_index=True)
