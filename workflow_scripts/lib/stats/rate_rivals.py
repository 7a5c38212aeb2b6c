"""Every baseline that an imputation is compared with, in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from scipy import sparse

from .rate_baselines import Rates, gene_mean, knn, log_svd, observed, smoothed, smoothed_log_svd

MOST_SPOTS_KNN = 10_000
"""Above which kNN diffusion, whose three steps reach nearly every pair of spots, is left out."""


def baselines(graph: sparse.csr_matrix, seed: int) -> dict[str, Callable[[sparse.csr_matrix], Rates]]:
    """Every baseline by name: what gives its rates from counts, CSR int [spots x genes].

    Parameters
    ----------
    graph
        Neighbours, [spots x spots].
    seed
        Of the SVDs' starts.
    """
    found: dict[str, Callable[[sparse.csr_matrix], Rates]] = {"gene_mean": gene_mean, "observed": observed}
    for hops in (1, 2, 4):
        found[f"smooth_{hops}"] = partial(smoothed, graph=graph, hops=hops)
    for rank in (5, 15):
        found[f"log_svd_{rank}"] = partial(log_svd, rank=rank, seed=seed)
    found["smooth_log_svd"] = partial(smoothed_log_svd, graph=graph, seed=seed)
    if graph.shape[0] <= MOST_SPOTS_KNN:
        found["knn"] = partial(knn, seed=seed)
    return found


def baseline_rates(
    train: sparse.csr_matrix, graph: sparse.csr_matrix, seed: int
) -> Iterator[tuple[str, Rates]]:
    """Every baseline's name and rates, one after the other; parameters as of `baselines`."""
    for name, fit in baselines(graph, seed).items():
        yield name, fit(train)
