"""How far fold changes agree: with DESeq2 gene by gene, by expression, and with a known truth."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .panels import contrast_grid, reach, to_edge
from .style import (
    BLACK,
    GREY,
    LEVELS,
    by_look,
    by_number,
    corner,
    empty_panel,
    few_ticks,
    foot_note,
    key,
    label,
    letters,
    look,
    new_figure,
    number,
    seeds_note,
    signed,
    styled,
)

_PREDICTORS = ("nbvae", "log_ratio", "nbvae_permuted", "published")


def first_run(published: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the first seed's longest run of the as-published model's long table, and its name."""
    if "seed" not in published or published.empty:
        return published, ""
    seed = str(published["seed"].iloc[0])
    table = published[published["seed"].astype(str) == seed]
    if "epochs" not in table:
        return table, f"seed {seed}"
    epochs = table["epochs"].astype(float)
    return table[epochs == epochs.max()], f"seed {seed}, {number(epochs.max())} epochs"


def _compare(
    ax: Axes, reference: pd.DataFrame, other: pd.DataFrame, method: str, limit: float
) -> pd.DataFrame:
    both = reference.merge(other[["gene_id", "log2FoldChange"]], on="gene_id", suffixes=("", "_other"))
    both = both[both["padj"].notna()].dropna(subset=["log2FoldChange", "log2FoldChange_other"])
    x, y = both["log2FoldChange"], both["log2FoldChange_other"]
    ax.axline((0, 0), slope=1, color=BLACK, linewidth=0.7, linestyle="--", zorder=1)
    drawn_x, drawn_y = to_edge(x, -limit, limit)[0], to_edge(y, -limit, limit)[0]
    colour = look(method).colour
    ax.scatter(drawn_x, drawn_y, s=3, color=colour, linewidths=0, alpha=0.35, rasterized=True)
    spread = len(both) > 2 and x.std() > 0 and y.std() > 0
    corner(ax, f"r = {signed(np.corrcoef(x, y)[0, 1])}" if spread else "r not defined")
    corner(ax, f"n = {number(len(both))}", "lower right")
    ax.set(xlim=(-limit * 1.03, limit * 1.03), ylim=(-limit * 1.03, limit * 1.03))
    few_ticks(ax)
    return pd.DataFrame(
        {"gene_id": both["gene_id"], "method": method, "deseq2_log2fc": drawn_x, "log2fc": drawn_y}
    )


@styled
def lfc_scatter(
    tables: Mapping[str, Mapping[str, pd.DataFrame]], *, simulated: bool
) -> tuple[Figure, pd.DataFrame]:
    """Draw each predictor's log2 fold change against DESeq2's, one row a contrast.

    Parameters
    ----------
    tables
        By method (``deseq2``, ``nbvae``, ``log_ratio``, ``nbvae_permuted``, ``published``), by contrast;
        a method may lack contrasts.
    simulated
        Whether the data are simulated.

    Returns
    -------
    figure, table
        One row a point.
    """
    contrasts = list(tables["deseq2"])
    columns = [m for m in _PREDICTORS if tables.get(m)]
    figure, axes = contrast_grid(
        contrasts, columns, title="Fold changes against DESeq2's", panel=(2.35, 2.3), stack=99
    )
    drawn, run = [], ""
    for contrast in contrasts:
        here = {m: tables[m][contrast] for m in columns if contrast in tables[m]}
        if "published" in here:
            here["published"], run = first_run(here["published"])
        reference = tables["deseq2"][contrast]
        limit = reach([t["log2FoldChange"] for t in (reference, *here.values())])
        for method in columns:
            ax = axes[contrast, method]
            if method not in here:
                empty_panel(ax, "published for\nanother contrast")
                continue
            points = _compare(ax, reference, here[method], method, limit)
            drawn.append(points.assign(contrast=contrast))
            ax.set_ylabel(f"log₂ FC, {look(method).title}", fontsize=7)
            ax.set_xlabel("log₂ FC, DESeq2", fontsize=7)
        axes[contrast, columns[0]].set_title(label(contrast, 40), loc="left", fontweight="bold")
    letters([axes[contrast, columns[0]] for contrast in contrasts])
    foot_note(
        figure,
        [
            "n: genes that DESeq2 tested; r: Pearson; dashed: identity",
            "Points on a panel's edge lie beyond it; r is of all points as estimated",
            "Trivial baseline: log₂ ratio of group means of normalised counts; null: permuted labels",
            f"As published: {run}, natural logs converted to log₂" if run else "",
        ],
        simulated=simulated,
    )
    return figure, pd.concat(drawn, ignore_index=True)


def bin_order(bins: pd.Series) -> list[str]:
    """Return the distinct bins such as ``all``, ``0-5``, ``>1000``, all genes first, then by lower end."""

    def lower(name: str) -> tuple[float, str]:
        found = re.search(r"\d+(?:\.\d+)?", name)
        open_end = 0.5 if name.startswith(">") else -0.5 if name.startswith("<") else 0.0
        return (float(found.group()) + open_end if found else -1.0, name)

    return sorted(set(bins) - {""}, key=lower)


@styled
def concordance_bins(
    benchmark: pd.DataFrame, contrasts: list[str], *, simulated: bool, goal: float = 0.95
) -> tuple[Figure, pd.DataFrame]:
    """Draw each method's correlation with DESeq2 by baseMean bin, seeds as points.

    Parameters
    ----------
    benchmark
        The study's tidy benchmark table.
    contrasts
        In the order of the panels.
    simulated
        Whether the data are simulated.
    goal
        Correlation wanted of every bin above a baseMean of 20; dashed.

    Returns
    -------
    figure, table
        One row a point.
    """
    rows = benchmark[(benchmark["benchmark"] == "concordance") & (benchmark["metric"] == "pearson")]
    rows = rows[(rows["bin"] != "") & rows["contrast"].isin(contrasts) & rows["value"].notna()]
    wide = min(3, len(contrasts))
    deep = -(-len(contrasts) // wide)
    figure = new_figure(3.3 * wide + 1.9, 2.7 * deep + 0.8, "Agreement with DESeq2 by expression")
    grid = list(figure.subplots(deep, wide, squeeze=False, sharey=True).flat)
    bins, methods = bin_order(rows["bin"]), by_look(rows["method"])
    for ax in grid[len(contrasts) :]:
        ax.set_axis_off()
    for ax, contrast in zip(grid, contrasts, strict=False):
        ax.set_title(label(contrast, 40), loc="left")
        here = rows[rows["contrast"] == contrast]
        if here.empty:
            empty_panel(ax, "no concordance rows")
            continue
        ax.axhline(0, color=GREY, linewidth=0.6)
        ax.axhline(goal, color=BLACK, linewidth=0.7, linestyle="--")
        for place, method in enumerate(methods):
            some = here[here["method"] == method]
            shift = 0.5 * ((place + 0.5) / len(methods) - 0.5)
            x = some["bin"].map(bins.index).astype(float) + shift
            style = look(method)
            ax.scatter(
                x, some["value"], s=12, color=style.colour, marker=style.marker, linewidths=0.5, zorder=3
            )
            mean = some.groupby(some["bin"].map(bins.index))["value"].mean()
            # All genes together are no bin: the line joins the bins only.
            mean = mean[[i for i in mean.index if bins[i] != "all"]]
            ax.plot(mean.index + shift, mean, color=style.colour, linewidth=0.8, zorder=2)
        if "all" in bins:
            ax.axvline(0.5, color=GREY, linewidth=0.6, linestyle=":")
        sizes = here.groupby("bin")["n"].max()
        ticks = [f"{b}\n{number(sizes[b])}" if sizes.get(b, np.nan) > 0 else b for b in bins]
        ax.set_xticks(range(len(bins)), ticks, fontsize=6.5 if len(bins) < 7 else 5.5)
        ax.set(xlabel="mean of normalised counts; genes below", ylabel="Pearson r with DESeq2")
        ax.yaxis.set_tick_params(labelleft=True)
        ax.set_ylim(min(-0.05, float(rows["value"].min()) * 1.1), 1.04)
    letters(grid[: len(contrasts)])
    styles = [look(m) for m in methods]
    figure.legend(
        [key(s.colour, s.marker, line="-") for s in styles],
        [s.title for s in styles],
        loc="outside right upper",
    )
    foot_note(
        figure,
        [
            f"Points: seeds, lines: their mean; dashed: r = {goal:g}, wanted in every bin above 20",
            "Baselines: log₂ ratio of group means, difference of mean logs; null: permuted labels",
            seeds_note(rows["seed"]),
        ],
        simulated=simulated,
    )
    return figure, rows.reset_index(drop=True)


@styled
def spike_in(table: pd.DataFrame, *, simulated: bool) -> tuple[Figure, pd.DataFrame]:
    """Draw estimated against true log2 ratio of spiked-in transcripts, one panel a method.

    Parameters
    ----------
    table
        gene_id, group, true_lfc, baseMean, method, log2FoldChange, lower, upper.
    simulated
        Whether the data are simulated.

    Returns
    -------
    figure, table
        One row a point; ``x`` is the true ratio moved aside by the rank of baseMean in its group.
    """
    drawn = table.dropna(subset=["true_lfc", "log2FoldChange"]).copy()
    methods, groups = by_look(drawn["method"]), by_number(drawn["group"])
    levels = np.sort(drawn["true_lfc"].unique())
    room = 0.8 * float(np.diff(levels).min()) if len(levels) > 1 else 0.5
    rank = drawn.groupby(["method", "true_lfc"])["baseMean"].rank(pct=True, method="first")
    drawn["x"] = drawn["true_lfc"] + room * (rank - 0.5)
    wide = min(3, max(len(methods), 1))
    deep = -(-len(methods) // wide) or 1
    figure = new_figure(2.9 * wide + 1.2, 2.8 * deep + 0.8, "Spike-ins of known ratio")
    axes = list(figure.subplots(deep, wide, squeeze=False, sharex=True, sharey=True).flat)
    for ax in axes[len(methods) :]:
        ax.set_axis_off()
    if not methods:
        empty_panel(axes[0], "no spike-in was measured")
    for ax, method in zip(axes, methods, strict=False):
        here = drawn[drawn["method"] == method]
        ax.axline((0, 0), slope=1, color=BLACK, linewidth=0.7, linestyle="--", zorder=1)
        for place, group in enumerate(groups):
            some = here[here["group"] == group]
            colour = LEVELS[place % len(LEVELS)]
            known = some.dropna(subset=["lower", "upper"])
            ax.vlines(known["x"], known["lower"], known["upper"], color=colour, linewidth=0.7, alpha=0.5)
            ax.scatter(some["x"], some["log2FoldChange"], s=10, color=colour, linewidths=0, zorder=3)
        for level, some in here.groupby("true_lfc"):
            ax.hlines(
                some["log2FoldChange"].mean(),
                level - room / 2,
                level + room / 2,
                color=BLACK,
                linewidth=1.4,
                zorder=4,
            )
        rmse = float(np.sqrt(((here["log2FoldChange"] - here["true_lfc"]) ** 2).mean()))
        corner(ax, f"RMSE {rmse:.3f}, n = {len(here)}")
        ax.set_title(look(method).title, loc="left")
        ax.set(xlabel="true log₂ ratio", ylabel="estimated log₂ fold change")
        ax.set_xticks(levels, [f"{level:.2f}".rstrip("0").rstrip(".").replace("-", "−") for level in levels])
        ax.tick_params(labelbottom=True, labelleft=True)
    shown = drawn["log2FoldChange"]
    if len(shown):
        low, high = min(shown.min(), levels[0]), max(shown.max(), levels[-1])
        axes[0].set_ylim(low - 0.1 * (high - low) - 0.2, high + 0.15 * (high - low) + 0.2)
    letters(axes[: len(methods)])
    colours = [LEVELS[i % len(LEVELS)] for i in range(len(groups))]
    figure.legend(
        [key(c) for c in colours], [label(g, 16) for g in groups], title="group", loc="outside right upper"
    )
    foot_note(
        figure,
        [
            "Within a ratio, points run from low to high mean count; bars: 95 % intervals, may leave the panel",
            "Black: mean; dashed: identity; n: spike-ins with an estimate",
        ],
        simulated=simulated,
    )
    return figure, drawn.reset_index(drop=True)
