"""The tenth of the UMIs that training a spatial model holds out to decide when to stop."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from workflow_scripts.lib.metrics.held_out_counts import thin_counts

from .seeds import derive_seed

VALIDATION_SHARE = 0.1
"""Of each UMI."""


def ordered_split(
    counts: sparse.csr_matrix, seed: int
) -> tuple[sparse.csr_matrix, sparse.csr_matrix, np.ndarray]:
    """Hold out a tenth of the UMIs; both parts have the genes in an order that follows from their counts alone.

    So neither the draws nor the rounding of sums over genes, which training amplifies, depend on the order given. The
    third is the place of each gene in it, int [genes]; counts are [spots x genes].
    """
    seed = derive_seed(seed, "validation")
    # A random sum over spots tells genes apart by their counts; genes of the same counts share their draws.
    weights = np.random.default_rng(seed).integers(0, 2**63, counts.shape[0], dtype=np.uint64)
    _, first, kind = np.unique(counts.T.astype(np.uint64) @ weights, return_index=True, return_inverse=True)
    order = np.argsort(kind, kind="stable")
    train, held_out = (part[:, kind[order]] for part in thin_counts(counts[:, first], VALIDATION_SHARE, seed))
    for part in (train, held_out):
        part.sort_indices()
    return train, held_out, np.argsort(order)


def validation_split(counts: sparse.csr_matrix, seed: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Training and validation part of counts as `train_spot_model` splits them with a seed; genes as given."""
    train, held_out, places = ordered_split(sparse.csr_matrix(counts), seed)
    return train[:, places], held_out[:, places]
