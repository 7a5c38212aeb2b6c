"""Scores of differential expression against a truth, against another method, and under the null."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import norm, spearmanr

BINS = ((0, 5), (5, 20), (20, 100), (100, 1000), (1000, np.inf))
FDR_LEVELS = (0.01, 0.05, 0.1, 0.2)
COVERAGE_LEVELS = (0.5, 0.8, 0.9, 0.95)


def bin_name(low: float, high: float) -> str:
    """Name of a baseMean bin, such as ``20-100`` or ``>1000``."""
    return f">{low:g}" if np.isinf(high) else f"{low:g}-{high:g}"


def concordance(reference: pd.Series, estimate: pd.Series, base_mean: pd.Series) -> pd.DataFrame:
    """Agreement of two vectors of log2 fold changes, overall and by mean expression.

    Parameters
    ----------
    reference, estimate, base_mean
        Indexed by gene; only genes finite in all three count.

    Returns
    -------
    DataFrame
        bin, metric (pearson, spearman, slope, rmse), value, n. The slope is that of estimate on reference.
    """
    table = pd.DataFrame({"x": reference, "y": estimate, "mean": base_mean}).dropna()
    rows = []
    for name, part in [
        ("all", table),
        *(
            (bin_name(low, high), table[(table["mean"] >= low) & (table["mean"] < high)])
            for low, high in BINS
        ),
    ]:
        if len(part) < 5 or part.x.std() == 0 or part.y.std() == 0:
            continue
        x, y = part.x.to_numpy(), part.y.to_numpy()
        values = {
            "pearson": np.corrcoef(x, y)[0, 1],
            "spearman": spearmanr(x, y).statistic,
            "slope": np.polyfit(x, y, 1)[0],
            "rmse": np.sqrt(np.mean((x - y) ** 2)),
        }
        rows += [(name, metric, value, len(part)) for metric, value in values.items()]
    return pd.DataFrame(rows, columns=["bin", "metric", "value", "n"])


def against_truth(
    table: pd.DataFrame, truth: pd.Series, level: float = 0.05
) -> list[tuple[str, str, float, int]]:
    """Scores of one DE table against known log2 fold changes.

    Parameters
    ----------
    table
        gene_id, log2FoldChange, padj, and lfcSE or lfc_lower and lfc_upper (a 95 % interval).
    truth
        True log2 fold change by gene id; exactly zero for the null genes.
    level
        Nominal FDR of the headline scores.

    Returns
    -------
    list of (metric, bin, value, n)
        fdr, power, coverage, coverage_de, rmse, called; observed_fdr by nominal level; observed_coverage by
        nominal level. A quantity that does not exist for a method is left out.
    """
    table = table.set_index("gene_id")
    true = truth.reindex(table.index)
    table, true = table[true.notna()], true[true.notna()]
    rows: list[tuple[str, str, float, int]] = []
    error = (table.log2FoldChange - true).dropna()
    rows.append(("rmse", "", float(np.sqrt((error**2).mean())), len(error)))
    affected = (true != 0).to_numpy()
    if table.padj.notna().any():
        padj = table.padj.fillna(1.0).to_numpy()
        for nominal in FDR_LEVELS:
            called = padj < nominal
            observed = float((~affected)[called].mean()) if called.any() else 0.0
            rows.append(("observed_fdr", f"{nominal:g}", observed, int(called.sum())))
        called = padj < level
        rows += [
            ("fdr", "", float((~affected)[called].mean()) if called.any() else 0.0, int(called.sum())),
            ("power", "", float(called[affected].mean()), int(affected.sum())),
        ]
    if "lfc_lower" in table and table.lfc_lower.notna().any():
        centre = (table.lfc_lower + table.lfc_upper) / 2
        sd = (table.lfc_upper - table.lfc_lower) / (2 * norm.ppf(0.975))
    elif table.lfcSE.notna().any():
        centre, sd = table.log2FoldChange, table.lfcSE
    else:
        return rows
    distance = ((true - centre).abs() / sd).dropna()
    for nominal in COVERAGE_LEVELS:
        covered = distance <= norm.ppf(0.5 + nominal / 2)
        rows.append(("observed_coverage", f"{nominal:g}", float(covered.mean()), len(distance)))
    covered = distance <= norm.ppf(0.975)
    rows.append(("coverage", "", float(covered.mean()), len(distance)))
    if affected.any():
        rows.append(
            ("coverage_de", "", float(covered[true.reindex(covered.index) != 0].mean()), int(affected.sum()))
        )
    return rows


def called_fraction(padj: pd.Series, level: float) -> float:
    """Share of all genes called at a level; NA counts as not called."""
    return float((padj.fillna(1.0) < level).mean())


def tidy(benchmark: str, rows: list[Mapping[str, object]]) -> pd.DataFrame:
    """Rows of the benchmark table: benchmark, contrast, method, seed, bin, metric, value, n."""
    columns = ["benchmark", "contrast", "method", "seed", "bin", "metric", "value", "n"]
    return pd.DataFrame([{"benchmark": benchmark, **row} for row in rows], columns=columns)
