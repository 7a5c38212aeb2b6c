"""Genes without any pattern, made to see what an imputation turns them into."""

from __future__ import annotations

import numpy as np
from scipy import sparse

SIMILAR = 15
"""Decoys of the nearest abundance over which a statistic is averaged."""


def decoy_counts(counts: sparse.csr_matrix, shares: np.ndarray, seed: int) -> sparse.csr_matrix:
    """Draw genes that have the same share of the UMIs in every spot: nothing but noise and depth.

    Parameters
    ----------
    counts
        Of the real genes, CSR [spots x genes].
    shares
        Of each decoy among a spot's UMIs, shape [decoys].
    seed
        Of the Poisson draws.

    Returns
    -------
    scipy.sparse.csr_matrix
        int32, [spots x decoys].
    """
    rng = np.random.default_rng(seed)
    depth = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    found = [sparse.csc_matrix(rng.poisson(depth * share).astype(np.int32)[:, None]) for share in shares]
    return sparse.hstack(found, format="csr", dtype=np.int32)


def of_similar(values: np.ndarray, shares: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Mean over the decoys whose abundance is nearest to that of each gene; float64, shape [genes].

    Parameters
    ----------
    values
        A statistic of each decoy, shape [decoys]; decoys without a value are left out.
    shares
        Abundance of each decoy, shape [decoys].
    wanted
        Abundance of each gene, shape [genes].
    """
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return np.full(len(wanted), np.nan)
    order = known[np.argsort(shares[known], kind="stable")]
    logs, sums = np.log(shares[order] + 1e-12), np.concatenate([[0.0], np.cumsum(values[order])])
    number = min(SIMILAR, len(order))
    place = np.searchsorted(logs, np.log(wanted + 1e-12)) - number // 2
    first = np.clip(place, 0, len(order) - number)
    return (sums[first + number] - sums[first]) / number
