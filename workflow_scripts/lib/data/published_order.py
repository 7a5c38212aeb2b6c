"""The genes of the as-published model, in the order in which it saw them: its initial weights depend on it."""

from __future__ import annotations

import pandas as pd


def published_order(de: pd.DataFrame, counts: pd.DataFrame) -> list[str]:
    """Genes with a mean count of at least one, ordered as the published table: NA first, then least significant.

    Parameters
    ----------
    de
        DESeq2's table: gene_id, pvalue, padj.
    counts
        [genes x samples], indexed by gene id.
    """
    order = de.sort_values(["padj", "pvalue"], ascending=False, na_position="first", kind="stable").gene_id
    kept = set(counts.index[counts.mean(axis=1) >= 1.0])
    return [gene for gene in order if gene in kept]
