"""Which genes can be imputed: how sure the imputed rate of each is, by how often it was counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .spatial_rows import log_ticks
from .steady import new_figure
from .style import (
    VERMILLION,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    number,
    side_legend,
    styled,
)


@styled
def imputability(genes: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw how sure the imputed rate of each gene is, by how often the gene was counted, and which genes are flagged.

    Parameters
    ----------
    genes
        gene, symbol, mean_count, share_detected, dispersion, rate, sd, imputable, reason.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `genes`.
    """
    known = genes[(genes["mean_count"] > 0) & (genes["sd"] > 0)]
    figure = new_figure(9.8, 3.8, "Which genes can be imputed")
    left, right = figure.subplots(1, 2)
    reasons = sorted(set(genes.loc[~genes["imputable"], "reason"]))
    marks = dict(zip(reasons, ("X", "^", "s", "P", "v", "*"), strict=False))
    if known.empty:
        empty_panel(left, "no gene with counts")
    else:
        good = known["imputable"]
        left.scatter(
            known["mean_count"][good], known["sd"][good], s=7, color=VERMILLION, alpha=0.6, linewidths=0,
            rasterized=True,
        )  # fmt: skip
        for reason in reasons:
            some = known[~good & (known["reason"] == reason)]
            left.scatter(
                some["mean_count"], some["sd"], s=11, marker=marks.get(reason, "o"), color="#555555", alpha=0.7,
                linewidths=0, rasterized=True,
            )  # fmt: skip
        log_ticks(left, "x")
        log_ticks(left, "y")
        left.set_xlabel("mean count (UMIs a spot)")
        left.set_ylabel("posterior SD of the rate / rate\n(root mean square over spots)")
    counted = genes[genes["mean_count"] > 0]
    if counted.empty:
        empty_panel(right, "no gene with counts")
    else:
        edges = np.histogram_bin_edges(np.log10(counted["mean_count"]), bins=18)
        split = [np.log10(counted.loc[counted["imputable"] == flag, "mean_count"]) for flag in (True, False)]
        right.hist(split, bins=list(edges), stacked=True, color=[VERMILLION, "#555555"])
        right.set(xlabel="log₁₀ of the mean count", ylabel="genes")
    letters([left, right])
    flagged = genes[~genes["imputable"]]["reason"].value_counts()
    side_legend(
        figure,
        [
            (
                "gene",
                [key(VERMILLION, size=4), *(key("#555555", marks.get(r, "o"), size=4) for r in reasons)],
                [
                    f"imputable ({number(genes['imputable'].sum())})",
                    *(f"{label(r or 'flagged', 34)} ({number(flagged[r])})" for r in reasons),
                ],
            )
        ],
    )
    foot_note(
        figure,
        [
            f"n = {number(len(genes))} genes",
            "A flagged gene has imputed rates too; they say more of the genes it goes with than of the gene itself",
            note,
        ],
        simulated=simulated,
    )
    return figure, genes
