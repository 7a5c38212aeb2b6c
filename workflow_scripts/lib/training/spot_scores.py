"""What the spatial model's encoder sees of a spot: its principal components, and their averages over neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.decomposition import PCA, IncrementalPCA

from workflow_scripts.lib.data.neighbours import row_mean

MOST_SPOTS = 50_000
"""Spots on which the components are found, at most; all are then projected."""
BLOCK = 50_000
BLOCK_VALUES = 2**22
WINSORISED = 4.0
"""Stored features are cut at so many (scaled) median absolute deviations from their median."""


@dataclass(frozen=True)
class SpotScores:
    """Principal components of log-normalised counts, or of stored features.

    Attributes
    ----------
    depth
        UMIs to which a spot is scaled before the log: the median of the spots; 0 for features.
    centre
        Mean of each gene's log-normalised counts, shape [genes].
    components
        Shape [genes x components]; scores on them have unit variance over the spots.
    """

    depth: float
    centre: np.ndarray
    components: np.ndarray

    def project(self, observed: sparse.csr_matrix | np.ndarray) -> np.ndarray:
        """Scores of spots, float32 [spots x components]."""
        found = np.empty((observed.shape[0], self.components.shape[1]), dtype=np.float32)
        shift = self.centre @ self.components
        for start in range(0, len(found), BLOCK):
            values = _values(observed[start : start + BLOCK], self.depth)
            found[start : start + BLOCK] = values @ self.components - shift
        return found

    def of_neighbourhoods(
        self, observed: sparse.csr_matrix | np.ndarray, graph: sparse.csr_matrix, hops: Sequence[int]
    ) -> np.ndarray:
        """Scores averaged over neighbours so many times, float32 [spots x hops x components].

        Parameters
        ----------
        observed
            Counts, CSR [spots x genes], or features.
        graph
            Neighbours, [spots x spots].
        hops
            Increasing numbers of averages over a spot and its neighbours; 0 is the spot itself.
        """
        scores = self.project(observed)
        found = np.empty((len(scores), len(hops), scores.shape[1]), dtype=np.float32)
        operator = row_mean(graph)
        for hop in range(max(hops) + 1):
            if hop in hops:
                found[:, list(hops).index(hop)] = scores
            if hop < max(hops):
                scores = operator @ scores
        return found


def fit_scores(observed: sparse.csr_matrix | np.ndarray, rank: int, seed: int) -> SpotScores:
    """Principal components of spots.

    Parameters
    ----------
    observed
        Training counts, CSR [spots x genes], or features, [spots x features].
    rank
        Components; fewer if there are fewer spots or genes.
    seed
        Of the start of the iteration, and of the choice of spots where there are more than 50,000.

    Returns
    -------
    SpotScores
    """
    if observed.shape[0] > MOST_SPOTS:
        rows = np.random.default_rng(seed).choice(observed.shape[0], MOST_SPOTS, replace=False)
        observed = observed[np.sort(rows)]
    depth = 0.0
    if sparse.issparse(observed):
        sums = np.asarray(observed.sum(axis=1)).ravel()
        depth = float(np.median(sums[sums > 0]))
    values = _values(observed, depth)
    rank = min(rank, values.shape[0] - 1, values.shape[1] - 1)
    # arpack centres sparse data without filling it
    found = PCA(rank, svd_solver="arpack", random_state=seed).fit(values)
    scale = np.sqrt(np.maximum(found.explained_variance_, 1e-12))
    # the sign of a component is arbitrary: the largest loading is positive
    sign = np.sign(found.components_[np.arange(rank), np.abs(found.components_).argmax(axis=1)])
    components = (found.components_ * (sign / scale)[:, None]).T
    return SpotScores(depth, np.asarray(found.mean_).ravel(), np.ascontiguousarray(components))


def winsorise(features: np.ndarray) -> np.ndarray:
    """Cut each feature at 4 scaled median absolute deviations from its median; float32, same shape.

    A feature that has one value in more than half of the spots stays as it is: its median absolute deviation is 0.
    """
    centre = np.median(features, axis=0)
    spread = 1.4826 * np.median(np.abs(features - centre), axis=0)
    reach = np.where(spread > 0, WINSORISED * spread, np.inf)
    return np.clip(features, centre - reach, centre + reach).astype(np.float32)


def _values(observed: sparse.csr_matrix | np.ndarray, depth: float) -> sparse.csr_matrix | np.ndarray:
    if not sparse.issparse(observed):
        return np.asarray(observed, dtype=np.float64)
    sums = np.asarray(observed.sum(axis=1), dtype=np.float64).ravel()
    values = sparse.csr_matrix(observed, dtype=np.float64, copy=True)
    values.data = np.log1p(depth * values.data / np.repeat(np.maximum(sums, 1), np.diff(values.indptr)))
    return values


def component_scores(observed: sparse.csr_matrix | np.ndarray, rank: int, seed: int) -> np.ndarray:
    """Principal component scores with their own variances, as clustering wants them; float64 [spots x rank]."""
    if not sparse.issparse(observed):
        return np.asarray(observed, dtype=np.float64)
    found = fit_scores(observed, rank, seed)
    scale = 1 / np.maximum(np.linalg.norm(found.components, axis=0), 1e-12)
    return found.project(observed).astype(np.float64) * scale


def rate_scores(rates: Any, depth: float, rank: int) -> np.ndarray:
    """Principal component scores of log1p(depth x rate), as `component_scores` has them of counts; a block at a time.

    Parameters
    ----------
    rates
        With ``shape`` and ``block(start, stop)``: shares of the genes, rows summing to 1.
    depth
        UMIs to which a spot is scaled before the log.
    rank
        Components; fewer if there are fewer spots or genes.

    Returns
    -------
    numpy.ndarray
        float64 [spots x rank].
    """
    spots, genes = rates.shape
    rank = min(rank, spots - 1, genes - 1)
    # Each block has to hold as many spots as there are components.
    step = max(rank, BLOCK_VALUES // genes, 1)
    starts = [start for start in range(0, spots, step) if spots - start >= rank or start == 0]
    bounds = list(zip(starts, [*starts[1:], spots], strict=True))
    model = IncrementalPCA(rank)
    for start, stop in bounds:
        model.partial_fit(np.log1p(depth * rates.block(start, stop)))
    return np.vstack([model.transform(np.log1p(depth * rates.block(*one))) for one in bounds])
