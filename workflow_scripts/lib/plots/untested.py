"""What a generative model says of the genes that DESeq2 leaves without an adjusted p-value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .panels import contrast_grid, reach, to_edge
from .style import (
    BLUE,
    GREY,
    LIGHT,
    ORANGE,
    VERMILLION,
    corner,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    number,
    styled,
)
from .tables import gene_names

_COLUMNS = ("distribution", "genes")
_BINS = 50
_REASONS = {"cooks_outlier": "outlier", "low_mean": "low mean", "empty": "no counts"}


def _histogram(ax: Axes, groups: Mapping[str, pd.Series], limit: float) -> pd.DataFrame:
    edges = np.linspace(-limit, limit, _BINS + 1)
    drawn = []
    for (name, values), colour in zip(groups.items(), (GREY, ORANGE), strict=True):
        inside = to_edge(values.dropna(), -limit, limit)[0]
        counts, _ = np.histogram(inside, edges)
        share = counts / max(len(inside), 1)
        if len(inside):
            ax.stairs(
                share, edges, color=colour, fill=name == "tested", alpha=0.6 if name == "tested" else 1.0
            )
        rows = {
            "group": name,
            "bin_left": edges[:-1],
            "bin_right": edges[1:],
            "share": share,
            "count": counts,
        }
        drawn.append(pd.DataFrame(rows))
    text = "\n".join(f"{name}: {number(len(values))}" for name, values in groups.items())
    corner(ax, text, "upper right")
    ax.set(xlabel="log₂ fold change, NB-VAE", ylabel="share of genes", xlim=(-limit, limit))
    return pd.concat(drawn, ignore_index=True)


def _bars(ax: Axes, genes: pd.DataFrame, total: int) -> None:
    if genes.empty:
        empty_panel(ax, "every gene has an adjusted p-value")
        return
    y = np.arange(len(genes))[::-1]
    ax.axvline(0, color=LIGHT, linewidth=0.8, zorder=0)
    ax.hlines(y, genes["lower"], genes["upper"], color=VERMILLION, linewidth=2.2, alpha=0.45)
    ax.plot(genes["nbvae"], y, "D", color=VERMILLION, markersize=3.5)
    ax.plot(genes["deseq2"], y, "o", color=BLUE, markersize=4.5, markerfacecolor="none")
    names = [
        f"{label(s, 14)}{f' ({r})' if r else ''}"
        for s, r in zip(genes["symbol"], genes["reason"], strict=True)
    ]
    ax.set_yticks(y, names, fontsize=6)
    ax.set_ylim(-0.7, len(genes) - 0.3)
    ax.set_xlabel("log₂ fold change")
    if total > len(genes):
        ax.set_title(f"{len(genes)} of {number(total)} NA genes", loc="right", fontsize=7)


@styled
def tested_vs_na(
    deseq2: Mapping[str, pd.DataFrame], nbvae: Mapping[str, pd.DataFrame], *, simulated: bool, most: int = 16
) -> tuple[Figure, pd.DataFrame]:
    """Draw the NB-VAE's fold changes of tested and NA genes, and single NA genes with their intervals.

    Parameters
    ----------
    deseq2, nbvae
        Tables by contrast; the NB-VAE's with ``lfc_lower`` and ``lfc_upper``.
    simulated
        Whether the data are simulated.
    most
        NA genes drawn one by one: outliers first, then by mean count.

    Returns
    -------
    figure, table
        Column ``panel`` is ``distribution`` or ``genes``.
    """
    contrasts = list(deseq2)
    figure, axes = contrast_grid(
        contrasts, _COLUMNS, title="Genes without an adjusted p-value", panel=(3.3, 2.7), extra=1.4
    )
    drawn = []
    for contrast in contrasts:
        table = deseq2[contrast]
        reason = table["na_reason"].fillna("") if "na_reason" in table else pd.Series("", index=table.index)
        base = pd.DataFrame(
            {
                **{"gene_id": table["gene_id"], "symbol": gene_names(table), "baseMean": table["baseMean"]},
                **{"deseq2": table["log2FoldChange"], "na": table["padj"].isna()},
                "reason": reason.map(lambda r: _REASONS.get(r, r)),
            }
        )
        ours = nbvae[contrast][["gene_id", "log2FoldChange", "lfc_lower", "lfc_upper"]]
        ours.columns = pd.Index(["gene_id", "nbvae", "lower", "upper"])
        both = base.merge(ours, on="gene_id", how="left")
        groups = {"tested": both.loc[~both["na"], "nbvae"], "NA": both.loc[both["na"], "nbvae"]}
        left, right = (axes[contrast, column] for column in _COLUMNS)
        bins = _histogram(left, groups, reach([both["nbvae"]]))
        left.set_title(label(contrast, 40), loc="left", fontweight="bold")
        missing = both[both["na"] & both["nbvae"].notna()].copy()
        missing["first"] = missing["reason"] == "outlier"
        shown = missing.sort_values(["first", "baseMean", "gene_id"], ascending=[False, False, True]).head(
            most
        )
        shown = shown.sort_values("nbvae", ascending=False, kind="stable").drop(columns=["na", "first"])
        _bars(right, shown, len(missing))
        drawn.append(bins.assign(contrast=contrast, panel="distribution"))
        drawn.append(shown.assign(contrast=contrast, panel="genes"))
    letters([axes[contrast, c] for contrast in contrasts for c in _COLUMNS])
    handles = [
        *(key(GREY, "s"), key(ORANGE, "", line="-")),
        *(key(VERMILLION, "D"), key(VERMILLION, "", line="-"), key(BLUE, hollow=True)),
    ]
    names = ["tested genes", "NA genes", "NB-VAE", "95 % interval", "DESeq2"]
    figure.legend(handles, names, loc="outside right upper")
    foot_note(
        figure,
        [
            "NA: genes without a DESeq2 padj; shares add to 1 in each of the two groups",
            "Intervals: posterior, all seeds pooled; outermost bins hold what lies beyond",
            f"Single genes: Cook's outliers first, then the highest mean counts, {most} at most",
        ],
        simulated=simulated,
    )
    return figure, pd.concat(drawn, ignore_index=True)
