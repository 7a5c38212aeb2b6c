"""Ranking knock-downs for drugs in any representation: as published, and by gene in the same cell line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .retrieval import (
    bootstrap_mean,
    first_hit_null,
    first_hit_rank,
    group_means,
    recall_at,
    retrieval_scores,
    unit_rows,
)

METRICS = ("auroc", "reciprocal_rank", "recall_at_10", "first_rank_over_null")
TOP = 10


class _Items:
    """Knock-downs that some queries are ranked against: rows of length one, and their mean of each gene."""

    def __init__(self, values: np.ndarray, genes: np.ndarray, places: np.ndarray, line: np.ndarray) -> None:
        self.line, self.genes = line, genes[places]
        self.units = unit_rows(values[places])
        self.names, self.by_gene = group_means(self.units, self.genes)


def _lines(cells: np.ndarray, has: np.ndarray, matched: bool) -> list[np.ndarray]:
    """Signatures of each cell line of the drugs, bool; of all together if lines need not match."""
    return [cells == line for line in sorted(set(cells[has]))] if matched else [np.ones(cells.size, bool)]


def drug_rows(
    values: np.ndarray,
    sheet: pd.DataFrame,
    knock_down: np.ndarray,
    targets: pd.Series,
    published: Sequence[str],
    matched: bool,
) -> list[dict[str, Any]]:
    """Scores of every drug that has signatures, and a target that is knocked down.

    As published: for each of a drug's signatures the rank of the first knock-down of any target among all of them, and
    the mean of these ranks. Ours: correlations averaged over the hairpins and cell lines of a gene and over the drug's
    signatures, then one rank a gene.

    Parameters
    ----------
    values
        Representation, [signatures x features].
    sheet
        With ``pert_iname`` and ``cell_id``.
    knock_down
        Which signatures are knock-downs, bool.
    targets
        Gene symbols of each signature's drug, lists.
    published
        Lower-case names of the drugs of the published table.
    matched
        Compare within a cell line only.

    Returns
    -------
    list of dict
        A row a drug: ``drug``, ``targets``, ``n_signatures``, ``n_relevant`` and ``items`` (averages over the lines if
        these must match), ``mean_first_rank``, ``best_first_rank``, ``null_rank`` (of the published rank), ``genes``,
        the scores of `METRICS`, ``of_pabon``.
    """
    genes = sheet.pert_iname.str.upper().to_numpy()
    cells = sheet.cell_id.to_numpy()
    names = sheet.pert_iname.str.lower().to_numpy()
    known = set(genes[knock_down])
    has = ~knock_down & np.array([bool(known & set(own)) for own in targets])
    groups = [
        _Items(values, genes, np.flatnonzero(knock_down & here), here) for here in _lines(cells, has, matched)
    ]
    rows = []
    for drug in sorted(set(names[has])):
        mine = has & (names == drug)
        wanted = sorted(known & set(targets.iloc[np.flatnonzero(mine)[0]]))
        ranks, nulls, gene_sums, sizes = [], [], [], []
        for items in groups:
            queries = np.flatnonzero(mine & items.line)
            relevant = np.isin(items.genes, wanted)
            if not queries.size or not relevant.any() or relevant.all():
                continue
            similarity = unit_rows(values[queries]) @ items.units.T
            ranks.append(first_hit_rank(similarity, relevant))
            nulls.append(np.full(queries.size, first_hit_null(relevant.size, int(relevant.sum()))))
            sizes.append((int(relevant.sum()), relevant.size))
            gene_sums.append(pd.DataFrame(unit_rows(values[queries]) @ items.by_gene.T, columns=items.names))
        if not ranks:
            continue
        # A gene that is not knocked down in every line counts where it is.
        score = pd.concat(gene_sums).mean()
        hit = score.index.isin(wanted)
        ours = retrieval_scores(score.to_numpy(), hit)
        first, null = np.concatenate(ranks), np.concatenate(nulls)
        rows.append(
            {
                "drug": drug, "targets": "|".join(wanted), "n_signatures": int(first.size),
                "n_relevant": round(np.mean([size[0] for size in sizes])),
                "items": round(np.mean([size[1] for size in sizes])),
                "mean_first_rank": float(first.mean()),
                "best_first_rank": int(first.min()), "null_rank": float(null.mean()), "genes": len(score),
                "auroc": ours.auroc, "reciprocal_rank": ours.reciprocal_rank,
                "recall_at_10": recall_at(score.to_numpy(), hit, TOP),
                "first_rank_over_null": ours.first_rank / ours.null_rank if ours.null_rank else float("nan"),
                "of_pabon": int(drug in set(published)),
            }
        )  # fmt: skip
    return rows


def summary_rows(drugs: pd.DataFrame, facts: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Mean of every score over drugs with its bootstrap interval, and the median of the rank over its null."""
    rows = []
    for metric in METRICS:
        values = drugs[metric].to_numpy(float) if len(drugs) else np.empty(0)
        low, high = bootstrap_mean(values, seed)
        value = float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
        rows.append(
            {**facts, "metric": metric, "value": value, "lower": low, "upper": high, "drugs": len(drugs)}
        )
    median = float(drugs["first_rank_over_null"].median()) if len(drugs) else float("nan")
    rows.append({**facts, "metric": "median_first_rank_over_null", "value": median, "drugs": len(drugs)})
    return rows
