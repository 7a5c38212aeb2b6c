"""Gene sets of the up and the down genes of both methods, in one dot plot with the same cut-offs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from .style import (
    BLACK,
    GREY,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    look,
    new_figure,
    number,
    side_legend,
    styled,
)

TEXT = ("method", "collection", "analysis", "term", "name")
NUMBERS = ("overlap", "selected", "gene_ratio", "pvalue", "padj")
_METHODS = ("deseq2", "nbvae")
_SIGN = {"ora_up": 1.0, "ora_down": -1.0}
_CMAP = "viridis_r"


def _area(overlap: Any, largest: float) -> Any:
    return 8 + 62 * overlap / largest


def _terms(table: pd.DataFrame, padj: float, top: int) -> list[str]:
    """Return the union of the best `top` terms of every method and direction, the most enriched first."""
    called = table[table["padj"] < padj]
    if "representative" in called:
        called = called[called["term"] == called["representative"]]
    called = called.sort_values(["padj", "pvalue", "term"])
    best = called.groupby(["method", "analysis"], sort=False).head(top)
    order = best.assign(place=best["analysis"].map(_SIGN) * best["gene_ratio"])
    return list(order.groupby("term")["place"].mean().sort_values(kind="stable").index)


def _dots(
    ax: Axes, rows: pd.DataFrame, terms: list[str], scale: tuple[float, Normalize], padj: float
) -> None:
    largest, norm = scale
    y = rows["term"].map(terms.index)
    x = rows["analysis"].map(_SIGN) * rows["gene_ratio"]
    ax.axvline(0, color=BLACK, linewidth=0.6)
    ax.grid(axis="y", color="#EEEEEE", linewidth=0.6)
    ax.set_axisbelow(True)
    passed = rows["padj"] < padj
    ax.scatter(
        x[~passed],
        y[~passed],
        s=_area(rows["overlap"][~passed], largest),
        facecolors="none",
        edgecolors=GREY,
        linewidths=0.6,
    )
    colours = matplotlib.colormaps[_CMAP](norm(-np.log10(rows["padj"][passed].clip(lower=1e-300))))
    ax.scatter(x[passed], y[passed], s=_area(rows["overlap"][passed], largest), c=colours, linewidths=0)
    selected = rows.groupby("analysis")["selected"].max()
    parts = [f"{number(selected[a])} {a[4:]}" for a in ("ora_down", "ora_up") if a in selected]
    ax.text(0.5, 1.0, "   ".join(parts), transform=ax.transAxes, ha="center", va="bottom", fontsize=7)


@styled
def enrichment(
    tables: Mapping[str, pd.DataFrame], collection: str, *, simulated: bool, padj: float = 0.05, top: int = 10
) -> tuple[Figure, pd.DataFrame]:
    """Draw over-represented terms: gene ratio, count and FDR, up to the right and down to the left.

    Parameters
    ----------
    tables
        By contrast: method, collection, analysis, term, name, overlap, selected, gene_ratio, pvalue, padj.
    collection
        ``GO_BP`` or ``KEGG``.
    simulated
        Whether the data are simulated.
    padj
        FDR below which a term is filled, the same for both methods.
    top
        Terms of every method and direction, whose union the rows are; half as many from three contrasts on.

    Returns
    -------
    figure, table
        One row a dot.
    """
    contrasts = list(tables)
    top = top if len(contrasts) < 3 else max(top // 2, 1)
    kept, terms = {}, {}
    for contrast, table in tables.items():
        rows = table[(table["collection"] == collection) & table["method"].isin(_METHODS)]
        rows = rows[rows["analysis"].isin(_SIGN)].dropna(subset=["padj", "gene_ratio"])
        terms[contrast] = _terms(rows, padj, top)
        kept[contrast] = rows[rows["term"].isin(terms[contrast]) & (rows["overlap"] > 0)]
    everything = pd.concat([rows.assign(contrast=c) for c, rows in kept.items()], ignore_index=True)
    largest = max(float(everything["overlap"].max()), 1.0) if len(everything) else 1.0
    passed = everything.loc[everything["padj"] < padj, "padj"].clip(lower=1e-300)
    low, high = -np.log10(padj), max(float(-np.log10(passed.min())), 2.0) if len(passed) else 2.0
    norm = Normalize(low, high)
    beside = 1 if len(contrasts) < 3 else 2
    deep = -(-len(contrasts) // beside)
    heights = [
        max(len(terms[c]) for c in contrasts[i * beside : (i + 1) * beside]) * 0.165 + 0.95
        for i in range(deep)
    ]
    title = f"Over-represented terms, {label(collection.replace('_', ' '))}"
    figure = new_figure(6.9 * beside + 1.0, max(sum(heights) + 0.7, 3.4), title)
    grid = figure.add_gridspec(deep, 2 * beside, height_ratios=heights)
    firsts = []
    for place, contrast in enumerate(contrasts):
        row, start = place // beside, place % beside * 2
        axes = [figure.add_subplot(grid[row, start + i]) for i in (0, 1)]
        firsts.append(axes[0])
        names = dict(zip(kept[contrast]["term"], kept[contrast]["name"], strict=True))
        edge = float(kept[contrast]["gene_ratio"].max()) * 1.25 if terms[contrast] else 1.0
        for ax, method in zip(axes, _METHODS, strict=True):
            ax.set_title(f"{label(contrast, 30)}\n{look(method).title}\n", loc="left")
            if not terms[contrast]:
                empty_panel(ax, f"no term below FDR {padj:g}")
                continue
            _dots(
                ax, kept[contrast][kept[contrast]["method"] == method], terms[contrast], (largest, norm), padj
            )
            ax.set(xlim=(-edge, edge), ylim=(-0.8, len(terms[contrast]) - 0.2))
            ax.xaxis.set_major_locator(MaxNLocator(5))
            ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{abs(v):g}"))
            ax.set_xlabel("← down    gene ratio    up →")
            shown = [label(names.get(t) or t, 44) for t in terms[contrast]] if method == "deseq2" else []
            ax.set_yticks(range(len(terms[contrast])), shown or [""] * len(terms[contrast]), fontsize=6.5)
    letters(firsts)
    counts = sorted({max(1, round(largest * part)) for part in (0.2, 0.6, 1.0)})
    sizes = [key(BLACK, size=float(np.sqrt(_area(c, largest)))) for c in counts]
    powers = [v for v in MaxNLocator(4, integer=True).tick_values(low, high) if low <= v <= high]
    shades = [key(matplotlib.colors.to_hex(matplotlib.colormaps[_CMAP](norm(v)))) for v in powers]
    side_legend(
        figure,
        [
            ("genes in term", sizes, [str(c) for c in counts]),
            (
                "−log₁₀ FDR",
                [*shades, key(GREY, hollow=True)],
                [*(f"{v:g}" for v in powers), f"FDR ≥ {padj:g}"],
            ),
        ],
    )
    foot_note(
        figure,
        [
            f"Rows: {top} best terms of each method and direction below FDR {padj:g}, near-copies left out",
            "Hypergeometric test, tested genes as background, Benjamini-Hochberg, same cut-offs for both",
            "Above the panels: genes called down and up; gene ratio: share of them in the term",
        ],
        simulated=simulated,
    )
    columns = [
        "contrast",
        "method",
        "collection",
        "analysis",
        "term",
        "name",
        "overlap",
        "selected",
        "gene_ratio",
    ]
    return figure, everything[[*columns, "padj"]]
