"""Every baseline that an imputation is compared with, in one place."""

from __future__ import annotations

from collections.abc import Iterator

from scipy import sparse

from .rate_baselines import Rates, gene_mean, knn, log_svd, observed, smoothed, smoothed_log_svd

MOST_SPOTS_KNN = 10_000
"""Above which kNN diffusion, whose three steps reach nearly every pair of spots, is left out."""


def baseline_rates(
    train: sparse.csr_matrix, graph: sparse.csr_matrix, seed: int
) -> Iterator[tuple[str, Rates]]:
    """Every baseline with its name, one after the other.

    Parameters
    ----------
    train
        Counts, integers, [spots x genes].
    graph
        Neighbours, [spots x spots].
    seed
        Of the SVDs' starts.
    """
    yield "gene_mean", gene_mean(train)
    yield "observed", observed(train)
    for hops in (1, 2, 4):
        yield f"smooth_{hops}", smoothed(train, graph, hops)
    for rank in (5, 15):
        yield f"log_svd_{rank}", log_svd(train, rank, seed)
    yield "smooth_log_svd", smoothed_log_svd(train, graph, seed)
    if train.shape[0] <= MOST_SPOTS_KNN:
        yield "knn", knn(train, seed)
