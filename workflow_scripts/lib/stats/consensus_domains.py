"""Tissue domains from a latent space: many short EM runs on smoothed principal components, averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import kmeans_plusplus

from workflow_scripts.lib.data.neighbours import row_mean
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.seeds import derive_seed

HOPS = (4, 8, 12, 16)
COMPONENTS = 3
# Shared among the models. Between seeds, domains of DLPFC 151672 agree with ARI .91 at 48, .94 at 100.
STARTS = 100
# Averaged over starts, 15 rounds give the same domains as 30 (ARI .54 on DLPFC 151507-151510), in half the time.
ROUNDS = 15
MOST_SPOTS = 10_000  # for EM; every spot gets its probabilities from the mixtures found
MEDOID_SPOTS, MEDOID_MEMBERS = 2_000, 96
BLOCK = 65_536
RIDGE = 1e-4  # added to variances, in those of the first component
ALIGNMENTS = 30


@dataclass(frozen=True)
class ConsensusDomains:
    """What many mixtures make of one tissue.

    Attributes
    ----------
    domains
        Domain of each spot, int32, shape [spots]: that of highest probability. Numbered by falling size; a number that
        no spot has means that the data support fewer than were asked for.
    probability
        Mean over the mixtures, float32, shape [spots x k]; rows sum to 1.
    agreement
        Share of the mixtures that put a spot where `domains` does, mean over the spots that EM saw; 0 to 1.
    """

    domains: np.ndarray
    probability: np.ndarray
    agreement: float


def latent_space(mean: np.ndarray, loadings: np.ndarray) -> np.ndarray:
    """Coordinates of the decoded spots ``mean @ loadings`` in as few dimensions as there are latent variables.

    Distances between spots are those between their decoded features or log rates, which are never formed: the latent
    variables are only rotated and scaled, by a singular value decomposition of the loadings.

    Parameters
    ----------
    mean
        Posterior means, [spots x latent].
    loadings
        Of the linear decoder, [latent x genes].

    Returns
    -------
    numpy.ndarray
        float64, [spots x dimensions], the smaller of latent variables and genes; centred.

    Raises
    ------
    LatentomeError
        If the two differ in the number of latent variables.
    """
    mean, loadings = np.asarray(mean, dtype=np.float64), np.asarray(loadings, dtype=np.float64)
    if mean.shape[1] != loadings.shape[0]:
        raise LatentomeError(
            f"latent space: {mean.shape[1]} latent variables in the means, {loadings.shape[0]} in the loadings; "
            "expected the same; take both from one model"
        )
    left, values, _ = np.linalg.svd(loadings, full_matrices=False)
    return (mean - mean.mean(axis=0)) @ (left * values)


def consensus_domains(
    space: np.ndarray | Sequence[np.ndarray], graph: sparse.csr_matrix, k: int, seed: int, *,
    hops: Sequence[int] = HOPS, components: int = COMPONENTS, starts: int = STARTS,
) -> ConsensusDomains:  # fmt: skip
    """Domains on which Gaussian mixtures agree that differ in their start and in how far the tissue is smoothed.

    A mixture of full covariances on smoothed tissue has many optima of nearly the same likelihood, so one run is a
    draw: the best of 12 starts scores lower and varies more from seed to seed than the mean of all 12. Each run is
    aligned to the mean of all (linear assignment; Strehl & Ghosh 2002 on ensembles, Dimitriadou et al. 2002 on votes).

    Parameters
    ----------
    space
        As from `latent_space`, or any features in which distance means difference, [spots x features]; or several,
        of models that differ in their seed, whose mixtures then vote together.
    graph
        Neighbours, [spots x spots]; an isolated spot is not smoothed.
    k
        Domains asked for, from 1 to the number of spots.
    seed
        Of the starts and, above 10,000 spots, of the spots that EM sees.
    hops
        How often each spot is averaged with its neighbours; mixtures are fitted at each of these numbers.
    components
        Principal components of the smoothed space; at most the features.
    starts
        Mixtures at each number of hops, each from k-means++ (Arthur & Vassilvitskii 2007); shared among the spaces.

    Returns
    -------
    ConsensusDomains
        Time and memory grow linearly with the spots.

    Raises
    ------
    LatentomeError
        If space and graph differ in their spots, a value is not finite, all spots are the same, or k is out of range.
    """
    spaces = [_checked(one, graph, k) for one in ([space] if isinstance(space, np.ndarray) else space)]
    rows = np.arange(graph.shape[0])
    if len(rows) > MOST_SPOTS:
        generator = np.random.default_rng(derive_seed(seed, "domains", "spots"))
        rows = np.sort(generator.choice(rows, MOST_SPOTS, replace=False))
    fitted = [
        (view, _em(view[rows], k, derive_seed(seed, "domains", number, hop, start)))
        for number, one in enumerate(spaces)
        for hop, view in zip(sorted(set(hops)), _views(one, graph, hops, components), strict=True)
        for start in range(-(-starts // len(spaces)))
    ]
    members = np.stack([_posterior(view[rows], mixture).astype(np.float32) for view, mixture in fitted])
    orders = _align(members)
    total = np.zeros((k, graph.shape[0]))
    for (view, mixture), order in zip(fitted, orders, strict=True):
        total += _posterior(view, mixture)[order]
    probability = (total / total.sum(axis=0)).T.astype(np.float32)
    domains = probability.argmax(axis=1).astype(np.int32)
    return ConsensusDomains(*_by_size(domains, probability), _agreement(members, orders))


def _checked(space: np.ndarray, graph: sparse.csr_matrix, k: int) -> np.ndarray:
    space = np.asarray(space, dtype=np.float64)
    if graph.shape != (len(space), len(space)):
        raise LatentomeError(
            f"domains: {len(space)} spots in the latent space, a graph of {graph.shape[0]} x {graph.shape[1]}; "
            "expected the same spots in both; build the graph from these spots"
        )
    bad = np.flatnonzero(~np.isfinite(space).all(axis=1))
    if bad.size:
        raise LatentomeError(
            f"domains: latent space: {bad.size} of {len(space)} spots (the first is row {bad[0] + 1}) are not finite; "
            "expected numbers; train the model again with a lower learning rate"
        )
    if not 1 <= k <= len(space):
        raise LatentomeError(
            f"domains: {k} asked for among {len(space)} spots; expected 1 to {len(space)}; change the number of domains"
        )
    if np.ptp(space, axis=0).max(initial=0.0) == 0:
        raise LatentomeError(
            f"domains: latent space: all {len(space)} spots are the same; expected differences; "
            "check the features and the model's training"
        )
    return space


def _views(
    space: np.ndarray, graph: sparse.csr_matrix, hops: Sequence[int], components: int
) -> Iterator[np.ndarray]:
    """Principal components after each number of hops, by rising number, in units of the first one's deviation."""
    operator = row_mean(graph).astype(np.float64)
    smooth = space - space.mean(axis=0)
    for hop in range(1, max(hops) + 1):
        smooth = operator @ smooth
        if hop not in hops:
            continue
        centred = smooth - smooth.mean(axis=0)
        values, vectors = np.linalg.eigh(centred.T @ centred)
        vectors = vectors[:, ::-1][:, :components]
        # Either sign is an eigenvector: which one comes out is the library's choice.
        vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
        deviation = np.sqrt(max(values[-1], 0.0) / len(space))
        yield centred @ vectors / (deviation if deviation > 0 else 1.0)


def _terms(points: np.ndarray) -> np.ndarray:
    """1, each coordinate, each product of two: a Gaussian's log density is linear in them."""
    first, second = np.triu_indices(points.shape[1])
    return np.hstack([np.ones((len(points), 1)), points, points[:, first] * points[:, second]])


def _em(points: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Mixture of `k` Gaussians after some rounds of EM: coefficients of its log densities, [k x terms].

    scikit-learn's GaussianMixture takes ten times as long for so few dimensions, most of it outside the two matrix
    products of a round.
    """
    terms = _terms(points)
    centres, _ = kmeans_plusplus(points, k, random_state=seed)
    nearest = ((centres**2).sum(axis=1) - 2 * points @ centres.T).argmin(axis=1)
    share = np.zeros((k, len(points)))
    share[nearest, np.arange(len(points))] = 1
    for _ in range(ROUNDS):
        share = _shares(terms, _maximised(share @ terms, points.shape[1]))
    return _maximised(share @ terms, points.shape[1])


def _shares(terms: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    """E step: probability of each component at each point, [k x points]; scipy's softmax takes three times as long."""
    share = mixture @ terms.T
    share -= share.max(axis=0)
    np.exp(share, out=share)
    share /= share.sum(axis=0)
    return share


def _maximised(sums: np.ndarray, d: int) -> np.ndarray:
    """M step: coefficients of log weight + log density, from the sums of the terms over each component, [k x terms]."""
    first, second = np.triu_indices(d)
    # A component may have lost all its spots.
    size = sums[:, 0] + 10 * np.finfo(np.float64).eps
    mean = sums[:, 1 : 1 + d] / size[:, None]
    square = np.empty((len(sums), d, d))
    square[:, first, second] = square[:, second, first] = sums[:, 1 + d :] / size[:, None]
    covariance = square - mean[:, :, None] * mean[:, None, :] + RIDGE * np.eye(d)
    precision = np.linalg.inv(covariance)
    pull = np.einsum("kij,kj->ki", precision, mean)
    constant = np.log(size / size.sum()) - (np.linalg.slogdet(covariance)[1] + (pull * mean).sum(axis=1)) / 2
    # Products of two different coordinates are listed once and count twice.
    products = precision * (np.eye(d) / 2 - 1)
    return np.hstack([constant[:, None], pull, products[:, first, second]])


def _posterior(points: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    """Probability of each component at each point, [k x points], a block of points at a time."""
    return np.concatenate(
        [_shares(_terms(points[start : start + BLOCK]), mixture) for start in range(0, len(points), BLOCK)], axis=1
    )  # fmt: skip


def _align(members: np.ndarray) -> np.ndarray:
    """Order of each member's components that brings it nearest to the mean of all, [members x k].

    Parameters
    ----------
    members
        Probabilities, [members x k x spots]. The first reference is a medoid, the member that overlaps most with some
        others under their best orders; from there orders and mean take turns.
    """
    number, k, spots = members.shape
    among = members[:: -(-number // MEDOID_MEMBERS)]
    some = among[:, :, :: -(-spots // MEDOID_SPOTS)].reshape(len(among) * k, -1)
    overlap = (some @ some.T).reshape(len(among), k, len(among), k).transpose(0, 2, 1, 3)
    likeness = np.zeros(len(among))
    for one in range(len(among)):
        for other in range(one):
            both = overlap[one, other]
            likeness[[one, other]] += both[linear_sum_assignment(both, maximize=True)].sum()
    reference = among[likeness.argmax()]
    orders = np.zeros((number, k), dtype=np.int64)
    for _ in range(ALIGNMENTS):
        found = np.stack([linear_sum_assignment(reference @ one.T, maximize=True)[1] for one in members])
        if (found == orders).all():
            break
        orders, reference = found, _mean_of(members, found)
    return orders


def _mean_of(members: np.ndarray, orders: np.ndarray) -> np.ndarray:
    total = np.zeros(members.shape[1:], dtype=np.float32)
    for member, order in zip(members, orders, strict=True):
        total += member[order]
    return total / np.float32(len(members))


def _agreement(members: np.ndarray, orders: np.ndarray) -> float:
    domains = _mean_of(members, orders).argmax(axis=0)
    pairs = zip(members, orders, strict=True)
    return float(np.mean([(member[order].argmax(axis=0) == domains).mean() for member, order in pairs]))


def _by_size(domains: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the domains by falling number of spots; those without spots keep their order at the end."""
    order = np.argsort(-np.bincount(domains, minlength=probability.shape[1]), kind="stable")
    return np.argsort(order)[domains].astype(np.int32), probability[:, order]
