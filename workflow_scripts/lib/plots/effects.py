"""How far fold changes agree with DESeq2's, gene by gene and by expression."""

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
    by_look,
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
            # Rows without a seed are of all seeds pooled.
            pooled = some[some["seed"] == ""] if (some["seed"] == "").any() else some
            mean = pooled.groupby(pooled["bin"].map(bins.index))["value"].mean()
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
            f"Points: seeds; lines: seeds pooled, or their mean; dashed: r = {goal:g}, wanted above 20",
            "Baselines: log₂ ratio of group means, difference of mean logs; null: permuted labels",
            seeds_note(rows["seed"]),
        ],
        simulated=simulated,
    )
    return figure, rows.reset_index(drop=True)
