"""Effect against evidence, and effect against expression: the volcano and the MA plot of both methods."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .panels import contrast_grid, name_point, name_rows, reach, spread_out, to_edge
from .style import (
    BLACK,
    BLUE,
    LIGHT,
    VERMILLION,
    corner,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    log_axis,
    look,
    number,
    styled,
)
from .tables import gene_names

METHODS = ("deseq2", "nbvae")
_COLOURS = {"not called": LIGHT, "down": BLUE, "up": VERMILLION}
_REASONS = {"cooks_outlier": "^", "low_mean": "v", "empty": "s", "": "s"}


def _called(table: pd.DataFrame, padj: float, lfc_cut: float) -> pd.Series:
    sure = table["padj"] < padj
    up, down = sure & (table["log2FoldChange"] > lfc_cut), sure & (table["log2FoldChange"] < -lfc_cut)
    return pd.Series(np.select([up, down], ["up", "down"], "not called"), index=table.index)


def _evidence(padj: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return -log10 of `padj`, and which are zero and drawn at the top."""
    positive = padj[padj > 0]
    smallest = float(positive.min()) if len(positive) else 1e-3
    return -np.log10(padj.clip(lower=smallest)), padj == 0


def _name_genes(ax: Axes, points: pd.DataFrame, top: int) -> pd.Series:
    """Name the `top` genes of each direction inside the panel's sides; return which are named."""
    named = pd.Series(False, index=points.index)
    ceiling = ax.get_ylim()[1]
    for side, where, ha in (("up", 0.985, "right"), ("down", 0.015, "left")):
        best = points[points["called"] == side]
        best = best.assign(size=best["log2FoldChange"].abs())
        best = best.sort_values(["minus_log10_padj", "size", "gene_id"], ascending=[False, False, True])[:top]
        named[best.index] = True
        # From the lowest up, and at one height from the inside out: no line crosses another.
        genes = list(best.sort_values(["minus_log10_padj", "size"]).itertuples())
        heights = spread_out([min(g.minus_log10_padj / ceiling, 1.0) for g in genes], 0.07)
        for gene, height in zip(genes, heights, strict=True):
            point = (gene.log2FoldChange, gene.minus_log10_padj)
            name_point(ax, label(gene.symbol, 12), point, (where, height), ha)
    return named


def _scatter(
    ax: Axes, points: pd.DataFrame, columns: tuple[str, str], marker: str = "o", size: float = 5
) -> None:
    """Draw all points at once, for every call is one more picture in the SVG; called genes come last."""
    ordered = points.assign(last=points["called"] != "not called").sort_values("last", kind="stable")
    colours = [_COLOURS.get(name, BLACK) for name in ordered["called"]]
    x, y = (ordered[column] for column in columns)
    ax.scatter(x, y, s=size, c=colours, marker=marker, linewidths=0, alpha=0.7, rasterized=True)


@styled
def volcano(
    tables: Mapping[str, Mapping[str, pd.DataFrame]],
    *,
    simulated: bool,
    padj: float = 0.05,
    lfc_cut: float = 1.0,
    top: int = 6,
) -> tuple[Figure, pd.DataFrame]:
    """Draw log2 fold change against -log10 of the adjusted p-value or posterior expected FDR.

    Parameters
    ----------
    tables
        By method (``deseq2``, ``nbvae``), by contrast.
    simulated
        Whether the data are simulated.
    padj, lfc_cut
        Thresholds of a call.
    top
        Genes named in each direction of a panel.

    Returns
    -------
    figure, table
        One row a point.
    """
    contrasts = list(tables["deseq2"])
    figure, axes = contrast_grid(
        contrasts, METHODS, title="Effect and evidence: DESeq2 and NB-VAE", panel=(3.6, 2.9)
    )
    drawn = []
    for contrast in contrasts:
        limit = reach([tables[m][contrast]["log2FoldChange"] for m in METHODS], 1.5 * lfc_cut)
        for method in METHODS:
            table, ax = tables[method][contrast], axes[contrast, method]
            tested = table[table["padj"].notna() & table["log2FoldChange"].notna()]
            x, far = to_edge(tested["log2FoldChange"], -limit, limit)
            y, zero = _evidence(tested["padj"])
            points = pd.DataFrame(
                {
                    **{"contrast": contrast, "method": method, "gene_id": tested["gene_id"]},
                    **{"symbol": gene_names(tested), "log2FoldChange": x, "minus_log10_padj": y},
                    **{"called": _called(tested, padj, lfc_cut), "at_edge": far | zero},
                }
            )
            height = max(float(y.max()) * 1.05 if len(y) else 0.0, -1.3 * np.log10(padj))
            for edge, marker, size in ((False, "o", 5.0), (True, "^", 11.0)):
                some = points[points["at_edge"] == edge]
                _scatter(ax, some, ("log2FoldChange", "minus_log10_padj"), marker, size)
            ax.axhline(-np.log10(padj), color=BLACK, linewidth=0.6, linestyle="--")
            for cut in (-lfc_cut, lfc_cut):
                ax.axvline(cut, color=BLACK, linewidth=0.6, linestyle="--")
            # Room at both sides for the names.
            ax.set(xlim=(-limit * 1.75, limit * 1.75), ylim=(-0.02 * height, height))
            points["named"] = _name_genes(ax, points, top)
            ax.set_xlabel("log₂ fold change")
            ax.set_ylabel(
                "−log₁₀ adjusted p-value" if method == "deseq2" else "−log₁₀ posterior expected FDR"
            )
            counts = points["called"].value_counts()
            called = " and ".join(f"{number(counts.get(side, 0))} {side}" for side in ("up", "down"))
            ax.set_title(f"{label(contrast, 40)}\n{look(method).title}: {called}", loc="left")
            drawn.append(points)
    letters(list(axes.values()))
    genes = sorted({len(tables["deseq2"][c]) for c in contrasts})
    foot_note(
        figure,
        [
            f"n = {' or '.join(map(number, genes))} genes",
            f"Dashed: {padj:g} and |log₂ fold change| {lfc_cut:g}; coloured: beyond both",
            "Triangles: beyond the panel's edge, or zero to machine precision",
            "DESeq2: Wald test, Benjamini-Hochberg, genes with padj NA left out",
            "NB-VAE: expected share of false calls when this gene and all better ones are called",
        ],
        simulated=simulated,
    )
    return figure, pd.concat(drawn, ignore_index=True)


@styled
def ma_plot(
    tables: Mapping[str, Mapping[str, pd.DataFrame]],
    *,
    simulated: bool,
    padj: float = 0.05,
    lfc_cut: float = 1.0,
) -> tuple[Figure, pd.DataFrame]:
    """Draw log2 fold change against mean normalised count, the genes DESeq2 gives no padj marked.

    Parameters
    ----------
    tables
        By method (``deseq2``, ``nbvae``), by contrast; DESeq2's may have ``na_reason``.
    simulated
        Whether the data are simulated.
    padj, lfc_cut
        Thresholds of a call.

    Returns
    -------
    figure, table
        One row a point.
    """
    contrasts = list(tables["deseq2"])
    figure, axes = contrast_grid(
        contrasts, METHODS, title="Effect and expression: DESeq2 and NB-VAE", panel=(3.2, 2.6), extra=1.5
    )
    drawn = []
    for contrast in contrasts:
        reference = tables["deseq2"][contrast].set_index("gene_id")
        untested = reference.index[reference["padj"].isna()]
        limit = reach([tables[m][contrast]["log2FoldChange"] for m in METHODS], 1.5)
        for method in METHODS:
            table, ax = tables[method][contrast], axes[contrast, method]
            shown = table[(table["baseMean"] > 0) & table["log2FoldChange"].notna()]
            y, far = to_edge(shown["log2FoldChange"], -limit, limit)
            called = _called(shown, padj, lfc_cut).mask(shown["gene_id"].isin(untested), "NA")
            reason = pd.Series("", index=shown.index)
            if "na_reason" in reference:
                reason = shown["gene_id"].map(reference["na_reason"]).fillna("").astype(str)
            points = pd.DataFrame(
                {
                    **{"contrast": contrast, "method": method, "gene_id": shown["gene_id"]},
                    **{"symbol": gene_names(shown), "baseMean": shown["baseMean"], "log2FoldChange": y},
                    **{"called": called, "na_reason": reason.where(called == "NA", ""), "at_edge": far},
                }
            )
            if points.empty:
                empty_panel(ax, "no gene with counts")
                continue
            missing = points[points["called"] == "NA"]
            columns = ("baseMean", "log2FoldChange")
            _scatter(ax, points[points["called"] != "NA"], columns)
            for why, group in missing.groupby("na_reason"):
                _scatter(ax, group, columns, _REASONS.get(str(why), "s"), 9)
            log_axis(ax, "x")
            ax.axhline(0, color=BLACK, linewidth=0.6)
            ax.set(ylim=(-limit * 1.05, limit * 1.05), xlabel="mean of normalised counts")
            ax.set_ylabel("log₂ fold change")
            corner(ax, f"n = {number(len(points))}, NA: {number(len(missing))}", "upper right")
            drawn.append(points)
    name_rows(axes, METHODS, [look(m).title for m in METHODS])
    letters(list(axes.values()))
    handles = [key(colour) for colour in _COLOURS.values()]
    names = list(_COLOURS)
    for why, text in (
        ("cooks_outlier", "NA: Cook's outlier"),
        ("low_mean", "NA: low mean"),
        ("", "NA: no reason"),
    ):
        if any((d["called"].eq("NA") & d["na_reason"].eq(why)).any() for d in drawn):
            handles.append(key(BLACK, _REASONS[why]))
            names.append(text)
    figure.legend(
        handles, names, loc="outside right upper", title=f"padj < {padj:g},\n|log₂ FC| > {lfc_cut:g}"
    )
    foot_note(
        figure,
        [
            "NA: genes without a DESeq2 padj, the same genes in both panels",
            "Genes without any count are not drawn; points on the upper and lower edge lie beyond it",
            "NB-VAE: mean over all seeds; called by posterior expected FDR",
        ],
        simulated=simulated,
    )
    table = pd.concat(drawn, ignore_index=True) if drawn else pd.DataFrame()
    return figure, table
