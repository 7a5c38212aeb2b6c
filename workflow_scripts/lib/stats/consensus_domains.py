"""Spatial domains as a consensus of Gaussian mixtures on a latent space at several scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from workflow_scripts.lib.data.neighbours import row_mean

SCALES = {"full": (2, 4, 6, 8, 12, 16), "tied": (1, 2, 4)}
"""Averages over neighbours of the members. Full covariances suit layers that merge into each other (chosen on slices
151507 to 151510 of the prefrontal cortex); one covariance for all suits clear borders, where a mixture of full ones
would make a domain of the border itself."""
COMPONENTS = (4, 5, 6, 8, 10, 12, 15)
STARTS = 2
MOST_SPOTS = 20_000
"""Spots to which mixtures are fitted, at most; all then get their posterior."""
ROUNDS = 30
SMOOTHING_ROUNDS, SMOOTHING = 10, 6.0
"""Mean-field updates of a Potts model, and the weight of the neighbours' mean against the spot's own evidence."""
FLOOR = 1e-6


@dataclass(frozen=True)
class ConsensusDomains:
    """Domains of spots.

    Attributes
    ----------
    domains
        int32, shape [spots].
    probability
        Share of the members, after smoothing, float32 [spots x domains].
    agreement
        Mean over spots and members of the probability that the member gives to the domain.
    """

    domains: np.ndarray
    probability: np.ndarray
    agreement: float


def latent_space(mean: np.ndarray, loadings: np.ndarray) -> np.ndarray:
    """Coordinates in which distances are those of the decoded values, without decoding them.

    Parameters
    ----------
    mean
        Posterior means, [spots x latent].
    loadings
        [latent x genes].

    Returns
    -------
    numpy.ndarray
        float64 [spots x latent]: mean @ U @ diag(s), with U and s from the SVD of the loadings.
    """
    left, size, _ = np.linalg.svd(np.asarray(loadings, dtype=np.float64), full_matrices=False)
    return np.asarray(mean, dtype=np.float64) @ (left * size)


def consensus_domains(
    space: np.ndarray,
    graph: sparse.csr_matrix,
    k: int,
    seed: int,
    covariance: str = "tied",
    components: Sequence[int] = COMPONENTS,
) -> ConsensusDomains:
    """Average the posteriors of mixtures at many scales, and smooth them over neighbours.

    A member is a mixture of `k` Gaussians on the leading principal components of the space after
    so many averages over neighbours. Members are aligned to their mean by the Hungarian method, in turns. No array of
    spots x spots is made.

    Parameters
    ----------
    space
        [spots x features].
    graph
        Neighbours, CSR [spots x spots].
    k
        Domains.
    seed
        Of the mixtures' starts.
    covariance
        ``full`` or ``tied``; decides the numbers of averages too, see `SCALES`.
    components
        Numbers of principal components of the members.
    """
    operator = row_mean(graph)
    hops = SCALES[covariance]
    members = []
    values = np.asarray(space, dtype=np.float64)
    rows = np.arange(len(values))
    if len(rows) > MOST_SPOTS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_SPOTS, replace=False))
    for hop in range(1, max(hops) + 1):
        values = operator @ values
        if hop not in hops:
            continue
        count = min(max(components), values.shape[1], len(rows) - 1)
        scores = PCA(count, svd_solver="full").fit(values[rows]).transform(values)
        for size in sorted({min(size, count) for size in components}):
            member = GaussianMixture(
                k, covariance_type=covariance, n_init=STARTS, reg_covar=1e-6 + 1e-4 * scores[:, :size].var(),
                random_state=(seed * 1009 + hop * 31 + size) % 2**31,
            )  # fmt: skip
            members.append(member.fit(scores[rows, :size]).predict_proba(scores[:, :size]))
    mean, agreement = _aligned_mean(members)
    probability = _smoothed(mean, operator)
    return ConsensusDomains(
        probability.argmax(axis=1).astype(np.int32), probability.astype(np.float32), agreement
    )


def _aligned_mean(members: list[np.ndarray]) -> tuple[np.ndarray, float]:
    """Mean of the members' posteriors, their components matched to it; and how far they agree with it."""
    # the member most like the others is the first reference, so that no odd one decides
    overlap = [sum(_matched(one, other)[1] for other in members) for one in members]
    mean = members[int(np.argmax(overlap))]
    for _ in range(ROUNDS):
        found = [_matched(mean, member)[0] for member in members]
        new = np.mean(found, axis=0)
        if np.abs(new - mean).max() < 1e-9:
            break
        mean = new
    best = mean.argmax(axis=1)
    agreement = np.mean([_matched(mean, member)[0][np.arange(len(best)), best].mean() for member in members])
    return mean, float(agreement)


def _matched(reference: np.ndarray, member: np.ndarray) -> tuple[np.ndarray, float]:
    """The member with its components in the reference's order, and their overlap."""
    gain = reference.T @ member
    rows, columns = linear_sum_assignment(-gain)
    return member[:, columns[np.argsort(rows)]], float(gain[rows, columns].sum())


def _smoothed(probability: np.ndarray, operator: sparse.csr_matrix) -> np.ndarray:
    """Mean-field inference of a Potts model with the probabilities as evidence (Zhang, Brady & Smith 2001)."""
    evidence = np.log(probability + FLOOR)
    found = probability
    for _ in range(SMOOTHING_ROUNDS):
        logs = evidence + SMOOTHING * (operator @ found)
        logs -= logs.max(axis=1, keepdims=True)
        found = np.exp(logs)
        found /= found.sum(axis=1, keepdims=True)
    return found
