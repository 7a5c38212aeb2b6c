"""Marker genes by layer or domain, measured and imputed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .scores import ink_on
from .spatial_tables import gene_titles
from .steady import new_figure
from .style import (
    BLACK,
    VERMILLION,
    by_number,
    empty_panel,
    foot_note,
    key,
    label,
    number,
    side_legend,
    styled,
)

_KINDS = {"raw": ("measured", "#A0A0A0", "low"), "imputed": ("imputed", VERMILLION, "high")}
_FEWEST = 3
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def _summary(violins: pd.DataFrame) -> pd.DataFrame:
    """Quantiles, mean and number of spots of each gene, label and kind."""
    long = violins.melt(["gene", "symbol", "label"], ["raw", "imputed"], "kind", "value").dropna(
        subset=["value"]
    )
    groups = long.groupby(["gene", "symbol", "label", "kind"], sort=False)["value"]
    table = (
        groups.quantile(list(_QUANTILES)).unstack().set_axis([f"q{100 * q:.0f}" for q in _QUANTILES], axis=1)
    )
    return table.assign(mean=groups.mean(), n=groups.size()).reset_index()


def _halves(ax: Axes, rows: pd.DataFrame, labels: list[str]) -> None:
    for kind, (_, colour, side) in _KINDS.items():
        for place, name in enumerate(labels):
            values = rows.loc[rows["label"] == name, kind].dropna().to_numpy(float)
            if len(values) < _FEWEST:
                continue
            shift = -0.1 if side == "low" else 0.1
            ax.hlines(
                np.median(values),
                place + min(0, 3 * shift),
                place + max(0, 3 * shift),
                color=BLACK,
                linewidth=0.8,
            )
            # A density needs two different values.
            if np.ptp(values) > 1e-9:
                style: dict[str, Any] = {"side": side, "widths": 0.85, "showextrema": False, "points": 60}
                for body in ax.violinplot([values], [place], **style)["bodies"]:  # type: ignore[attr-defined]
                    body.set(facecolor=colour, alpha=0.9, linewidth=0)
    ax.set_xlim(-0.6, len(labels) - 0.4)


@styled
def stacked_violins(violins: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw the distribution of marker genes in each layer or domain, left half measured, right half imputed.

    Parameters
    ----------
    violins
        barcode, label, gene, symbol, raw, imputed; log1p of counts per 10,000.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        gene, symbol, label, kind, quantiles, mean, n.
    """
    violins = violins[violins["label"] != ""]
    genes = list(dict.fromkeys(violins["gene"]))
    labels = by_number(violins["label"])
    figure = new_figure(
        1.9 + 0.62 * max(len(labels), 5) + 1.2,
        1.2 + 0.6 * max(len(genes), 3),
        "Marker genes by layer or domain",
    )
    axes = list(figure.subplots(max(1, len(genes)), 1, sharex=bool(genes), squeeze=False)[:, 0])
    titles = gene_titles(violins)
    for ax, gene in zip(axes, genes, strict=False):
        rows = violins[violins["gene"] == gene]
        _halves(ax, rows, labels)
        ax.set_ylabel(label(titles[rows.index[0]], 14), rotation=0, ha="right", va="center")
        ax.tick_params(axis="y", labelsize=5.5)
        ax.yaxis.tick_right()
        ax.spines["right"].set_visible(True)
        ax.spines["left"].set_visible(False)
        ax.set_ylim(bottom=0)
        ax.tick_params(axis="x", length=0)
    if genes:
        axes[-1].set_xticks(range(len(labels)), [label(n, 16) for n in labels], rotation=40, ha="right")
    else:
        empty_panel(axes[0], "no marker gene is in the data")
    samples = [key(colour, "s", size=7) for _, colour, _ in _KINDS.values()]
    side_legend(
        figure,
        [("half", [*samples, key(BLACK, "", line="-")], [*(n for n, *_ in _KINDS.values()), "median"])],
    )
    counts = violins.drop_duplicates("barcode")["label"].value_counts()
    foot_note(
        figure,
        [
            "Height: log1p of counts per 10,000, each gene on its own scale",
            f"n = {number(counts.sum())} spots, {number(counts.min())} to {number(counts.max())} a label"
            if genes
            else "",
            f"Labels of fewer than {_FEWEST} spots are left empty",
            note,
        ],
        simulated=simulated,
    )
    return figure, _summary(violins) if genes else violins.head(0)


def _share(
    markers: pd.DataFrame, kind: str, genes: list[str], labels: list[str], top: pd.Series
) -> np.ndarray:
    wide = markers.pivot_table(index="gene", columns="label", values=kind, aggfunc="mean")
    wide = wide.reindex(index=genes, columns=labels)
    return wide.div(top.reindex(genes), axis=0).to_numpy(float)


@styled
def marker_heatmap(markers: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw the mean of marker genes in each layer or domain, measured and imputed side by side.

    Parameters
    ----------
    markers
        gene, symbol, label, raw, imputed (means of log1p of counts per 10,000), share_detected_raw.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `markers` with ``raw_share`` and ``imputed_share`` of the gene's highest mean, and whether the highest label
        stays the same.
    """
    markers = markers[markers["label"] != ""].reset_index(drop=True)
    genes, labels = list(dict.fromkeys(markers["gene"])), by_number(markers["label"])
    top = markers.groupby("gene")[["raw", "imputed"]].max().max(axis=1).replace(0, np.nan)
    titles = dict(zip(markers["gene"], gene_titles(markers), strict=True))
    figure = new_figure(
        2.4 + 0.62 * max(len(labels), 4),
        1.6 + 0.2 * max(len(genes), 6),
        "Marker genes: measured and imputed means",
    )
    axes = list(figure.subplots(1, 2))
    highest: dict[str, dict[str, str]] = {"raw": {}, "imputed": {}}
    if not genes:
        for ax in axes:
            empty_panel(ax, "no marker gene is in the data")
    else:
        for ax, kind in zip(axes, _KINDS, strict=True):
            shares = _share(markers, kind, genes, labels, top)
            image = ax.imshow(shares, cmap="cividis", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
            for row, gene in enumerate(genes):
                if np.isfinite(shares[row]).any():
                    column = int(np.nanargmax(shares[row]))
                    highest[kind][gene] = labels[column]
                    ax.plot(
                        column, row, "o", color=ink_on(image.to_rgba(shares[row, column])[:3]), markersize=2.5
                    )
            ax.set_title(_KINDS[kind][0], loc="left")
            ax.set_xticks(range(len(labels)), [label(n, 16) for n in labels], rotation=45, ha="right")
            ax.set_yticks(range(len(genes)), [label(titles[g], 14) for g in genes] if kind == "raw" else [])
            ax.tick_params(length=0)
        bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02, aspect=25)
        bar.set_label("mean, share of the gene's highest")
    same = [highest["raw"].get(g) == highest["imputed"].get(g) for g in genes]
    if genes:
        for text, kept in zip(axes[0].get_yticklabels(), same, strict=True):
            text.set_color(BLACK if kept else VERMILLION)
    foot_note(
        figure,
        [
            "Means of log1p of counts per 10,000; one scale for both halves of a gene; dots: its highest label",
            f"The highest label stays the same for {sum(same)} of {len(genes)} genes; the others are in red"
            if genes
            else "",
            note,
        ],
        simulated=simulated,
    )
    height = markers["gene"].map(top)
    kept = markers["gene"].map(dict(zip(genes, same, strict=True)))
    return figure, markers.assign(
        raw_share=markers["raw"] / height, imputed_share=markers["imputed"] / height, same_highest=kept
    )
