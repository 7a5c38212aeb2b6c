"""Simple estimates of each spot's expression fractions: what any imputation has to beat.

Each function returns `Rates`, which work out a block of spots at a time: no spots x genes matrix is held, but the
diffused counts of `knn` up to 200 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, svds
from sklearn.neighbors import NearestNeighbors

from workflow_scripts.lib.data.neighbours import row_mean

MIXED = 0.95  # the rest is the gene mean, so that no rate is zero
PSEUDO_COUNT = 0.5  # of every gene in the gene mean
BLOCK_VALUES = 2**21
MOST_KEPT = 50_000_000
BANDWIDTH_NEIGHBOUR = 10


@dataclass(frozen=True)
class Rates:
    """Expected share of every gene among a spot's UMIs.

    Attributes
    ----------
    shape
        (spots, genes).
    gene_mean
        float64, shape [genes]; sums to 1, strictly positive.
    estimate
        Called with (start, stop): the rates of these spots before they are scaled and mixed, [stop - start x genes];
        a row without any is the gene mean.
    """

    shape: tuple[int, int]
    gene_mean: np.ndarray
    estimate: Callable[[int, int], np.ndarray]

    def block(self, start: int, stop: int) -> np.ndarray:
        """Return rates of the spots from `start` to before `stop`: 95 % estimate, 5 % gene mean.

        Returns
        -------
        numpy.ndarray
            float64, [spots x genes]; strictly positive, rows sum to 1.
        """
        found = self.estimate(start, min(stop, self.shape[0]))
        sums = found.sum(axis=1, keepdims=True)
        found = np.where(sums > 0, found / np.where(sums > 0, sums, 1), self.gene_mean)
        return MIXED * found + (1 - MIXED) * self.gene_mean


def in_memory(rates: Rates) -> Rates:
    """The same rates, worked out once and kept as float32 if they take no more than 200 MB."""
    if rates.shape[0] * rates.shape[1] > MOST_KEPT:
        return rates
    kept = np.vstack([rates.estimate(*place).astype(np.float32) for place in blocks(rates.shape)])
    return Rates(rates.shape, rates.gene_mean, lambda start, stop: kept[start:stop].astype(np.float64))


def blocks(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return (start, stop) of blocks of spots whose dense form stays small (16 MB)."""
    step = max(1, BLOCK_VALUES // max(shape[1], 1))
    return [(start, min(start + step, shape[0])) for start in range(0, shape[0], step)]


def gene_mean(train: sparse.csr_matrix, equal_spots: bool = False) -> Rates:
    """Give every spot the same rates: share of each gene among all UMIs.

    Parameters
    ----------
    train
        Counts, integers, [spots x genes].
    equal_spots
        Average the spots' shares instead, deep or not: noisier, a weaker baseline.
    """
    mean = _gene_mean(train, equal_spots)
    return Rates(train.shape, mean, lambda start, stop: np.tile(mean, (stop - start, 1)))


def observed(train: sparse.csr_matrix, equal_spots: bool = False) -> Rates:
    """Give every spot what it showed: no denoising.

    Parameters
    ----------
    train, equal_spots
        As in `gene_mean`; `equal_spots` concerns the 5 % of gene mean.
    """
    train = sparse.csr_matrix(train)
    return Rates(
        train.shape,
        _gene_mean(train, equal_spots),
        lambda start, stop: _dense(train[start:stop].astype(np.float64)),
    )


def smoothed(
    train: sparse.csr_matrix, graph: sparse.csr_matrix, hops: int, equal_spots: bool = False
) -> Rates:
    """Add up the counts of the spots within `hops` steps, weighted by `hops` averages over spot and neighbours.

    Parameters
    ----------
    train
        Counts, integers, [spots x genes].
    graph
        Neighbours, [spots x spots].
    hops
        Number of averages, at least 1.
    equal_spots
        Average the spots' shares instead of their counts.
    """
    source = _shares(train) if equal_spots else sparse.csr_matrix(train, dtype=np.float64)
    return Rates(train.shape, _gene_mean(train, equal_spots), _after(row_mean(graph), source, hops))


def log_svd(train: sparse.csr_matrix, rank: int, seed: int, equal_spots: bool = False) -> Rates:
    """Truncated SVD of centred log1p(median depth x share), taken back, each gene scaled to its mean.

    Parameters
    ----------
    train
        Counts, integers, [spots x genes].
    rank
        Components; at most one less than spots and genes.
    seed
        Of the iteration's start.
    equal_spots
        As in `gene_mean`; also how the gene means are taken that genes are scaled to.
    """
    return _low_rank(train, None, 0, rank, seed, equal_spots)


def smoothed_log_svd(
    train: sparse.csr_matrix,
    graph: sparse.csr_matrix,
    seed: int,
    hops: int = 2,
    rank: int = 15,
    equal_spots: bool = False,
) -> Rates:
    """`log_svd` of log values that were averaged `hops` times over spot and neighbours.

    Parameters
    ----------
    train
        Counts, integers, [spots x genes].
    graph
        Neighbours, [spots x spots].
    seed
        Of the iteration's start.
    hops, rank
        Number of averages; components.
    equal_spots
        As in `log_svd`.
    """
    return _low_rank(train, row_mean(graph).astype(np.float64), hops, rank, seed, equal_spots)


def knn(
    train: sparse.csr_matrix,
    seed: int,
    k: int = 30,
    steps: int = 3,
    components: int = 20,
    equal_spots: bool = False,
) -> Rates:
    """Add up counts over a diffusion among spots of like expression, as MAGIC does (van Dijk et al. 2018).

    Gaussian kernel on principal components of log shares to the `k` nearest spots, as wide as the distance to the
    10th, made symmetric, rows scaled to 1, applied `steps` times.

    Parameters
    ----------
    train
        Counts, integers, [spots x genes].
    seed
        Of the components' iteration.
    k, steps, components
        Neighbours of a spot; times the kernel is applied; principal components.
    equal_spots
        As in `observed`.
    """
    scores = _components(_log_shares(train), None, 0, components, seed)[0]
    kernel = _diffusion(scores, min(k, train.shape[0] - 1))
    source = sparse.csr_matrix(train, dtype=np.float64)
    if 2 * source.shape[0] * source.shape[1] > MOST_KEPT:
        return Rates(train.shape, _gene_mean(train, equal_spots), _after(kernel, source, steps))
    # A few steps reach nearly every pair of spots: their product costs more than dense counts, step by step.
    found = source.toarray()
    for _ in range(steps):
        found = kernel @ found
    return Rates(train.shape, _gene_mean(train, equal_spots), lambda start, stop: found[start:stop])


def _depths(train: Any) -> np.ndarray:
    return np.asarray(train.sum(axis=1), dtype=np.float64).ravel()


def _shares(train: Any) -> sparse.csr_matrix:
    scale = sparse.diags_array(1 / np.maximum(_depths(train), 1))
    return sparse.csr_matrix(scale @ sparse.csr_matrix(train, dtype=np.float64))


def _log_shares(train: Any) -> sparse.csr_matrix:
    """log1p(median depth x share): at 1e4 a count of one would weigh more than the genes' differences."""
    shares = _shares(train)
    shares.data = np.log1p(shares.data * max(np.median(_depths(train)), 1))
    return shares


def _gene_mean(train: Any, equal_spots: bool) -> np.ndarray:
    counts = np.asarray(train.sum(axis=0), dtype=np.float64).ravel()
    if equal_spots:
        counts = np.asarray(_shares(train).mean(axis=0)).ravel() * counts.sum()
    return (counts + PSEUDO_COUNT) / (counts + PSEUDO_COUNT).sum()


def _dense(matrix: Any) -> np.ndarray:
    return np.asarray(matrix.toarray() if sparse.issparse(matrix) else matrix, dtype=np.float64)


def _after(operator: Any, source: sparse.csr_matrix, times: int) -> Callable[[int, int], np.ndarray]:
    """Rows of operator^times @ source; the powers of a few rows are sparse, their product with all genes is not."""

    def estimate(start: int, stop: int) -> np.ndarray:
        rows = sparse.csr_matrix(operator[start:stop], dtype=np.float64)
        for _ in range(times - 1):
            rows = rows @ operator
        return _dense(rows @ source)

    return estimate


def _components(
    logs: sparse.csr_matrix, operator: Any, hops: int, rank: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Principal components of operator^hops @ logs, never formed: (scores, loadings, mean)."""

    def forth(vector: np.ndarray) -> np.ndarray:
        found = logs @ vector
        for _ in range(hops):
            found = operator @ found
        return found

    def back(vector: np.ndarray) -> np.ndarray:
        for _ in range(hops):
            vector = operator.T @ vector
        return logs.T @ vector

    spots = logs.shape[0]
    mean = back(np.full(spots, 1 / spots))
    centred = LinearOperator(
        logs.shape,
        matvec=lambda v: forth(v.ravel()) - mean @ v.ravel(),
        rmatvec=lambda v: back(v.ravel()) - v.sum() * mean,
        dtype=np.float64,
    )
    rank = min(rank, min(logs.shape) - 1)
    start = np.random.default_rng(seed).normal(size=min(logs.shape))
    left, values, right = svds(centred, k=rank, v0=start)
    order = np.argsort(-values)
    # A component's sign is the solver's whim.
    sign = np.sign(right[order, np.abs(right[order]).argmax(axis=1)])
    return (left * values)[:, order] * sign, right[order] * sign[:, None], mean


def _low_rank(train: Any, operator: Any, hops: int, rank: int, seed: int, equal_spots: bool) -> Rates:
    scores, loadings, mean = _components(_log_shares(train), operator, hops, rank, seed)

    def uncalibrated(start: int, stop: int) -> np.ndarray:
        return np.maximum(np.expm1(scores[start:stop] @ loadings + mean), 0)

    depths = _depths(train)
    weights = np.full(len(depths), 1 / len(depths)) if equal_spots else depths / depths.sum()
    reached = sum(weights[start:stop] @ uncalibrated(start, stop) for start, stop in blocks(train.shape))
    wanted = _gene_mean(train, equal_spots)
    scale = np.divide(wanted, reached, out=np.zeros_like(wanted), where=reached > 0)
    return Rates(train.shape, wanted, lambda start, stop: uncalibrated(start, stop) * scale)


def _diffusion(scores: np.ndarray, k: int) -> sparse.csr_matrix:
    distances, near = NearestNeighbors(n_neighbors=k + 1).fit(scores).kneighbors(scores)
    width = np.maximum(distances[:, [min(BANDWIDTH_NEIGHBOUR, k)]], 1e-12)
    count = len(scores)
    starts = np.arange(0, count * (k + 1) + 1, k + 1)
    affinity = np.exp(-((distances / width) ** 2)).ravel()
    kernel = sparse.csr_matrix((affinity, near.ravel(), starts), shape=(count, count))
    both = kernel + kernel.T
    return sparse.csr_matrix(sparse.diags_array(1 / np.asarray(both.sum(axis=1)).ravel()) @ both)
