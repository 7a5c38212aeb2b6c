"""Tissue domains from a latent space: many short EM runs on smoothed principal components, averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from workflow_scripts.lib.data.neighbours import row_mean
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.seeds import derive_seed

from .mixtures import density_terms, fit_mixtures, responsibilities

HOPS = (4, 8, 12, 16)
COMPONENTS = 3
# At each number of hops. Between seeds, domains of DLPFC 151672 agree with ARI .93 at 100, .96 at 200.
STARTS = 200
MOST_SPOTS = 10_000  # for EM; every spot gets its probabilities from the mixtures found
ALIGNED_SPOTS, MEDOID_MEMBERS = 2_000, 96
BLOCK = 65_536
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
        Share of the mixtures that put a spot where `domains` does, mean over up to 2,000 spots; 0 to 1.
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


def shared_space(spaces: Sequence[np.ndarray]) -> np.ndarray:
    """What the spaces of several models have in common, in as many dimensions as the first has.

    Each model's axes are its own, but distances between spots are not: side by side, the coordinates hold the mean of
    the models' squared distances. Its first principal components leave out what each model alone makes of chance.

    Parameters
    ----------
    spaces
        [spots x dimensions] each. One alone comes back as it is.

    Returns
    -------
    numpy.ndarray
        [spots x dimensions].
    """
    if len(spaces) == 1:
        return spaces[0]
    side_by_side = np.hstack(spaces).astype(np.float64) / np.sqrt(len(spaces))
    return principal_components(side_by_side, spaces[0].shape[1])


def consensus_domains(
    space: np.ndarray, graph: sparse.csr_matrix, k: int, seed: int, *,
    hops: Sequence[int] = HOPS, components: int = COMPONENTS, starts: int = STARTS,
) -> ConsensusDomains:  # fmt: skip
    """Domains on which Gaussian mixtures agree that differ in their start and in how far the tissue is smoothed.

    A mixture of full covariances on smoothed tissue has many optima of nearly the same likelihood, so one run is a
    draw: the best of 12 starts scores lower and varies more from seed to seed than the mean of all 12. Each run is
    aligned to the mean of all (linear assignment; Strehl & Ghosh 2002 on ensembles, Dimitriadou et al. 2002 on votes).

    Parameters
    ----------
    space
        As from `latent_space`, or any features in which distance means difference, [spots x features].
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
        Mixtures at each number of hops, each from k-means++ (Arthur & Vassilvitskii 2007).

    Returns
    -------
    ConsensusDomains
        Time and memory grow linearly with the spots.

    Raises
    ------
    LatentomeError
        If space and graph differ in their spots, a value is not finite, all spots are the same, or k is out of range.
    """
    space = _checked(space, graph, k)
    rows = np.arange(graph.shape[0])
    if len(rows) > MOST_SPOTS:
        generator = np.random.default_rng(derive_seed(seed, "domains", "spots"))
        rows = np.sort(generator.choice(rows, MOST_SPOTS, replace=False))
    compared = rows[:: -(-len(rows) // ALIGNED_SPOTS)]
    views = list(_views(space, graph, hops, components))
    mixtures = [
        fit_mixtures(view[rows], k, [derive_seed(seed, "domains", hop, start) for start in range(starts)])
        for hop, view in zip(sorted(set(hops)), views, strict=True)
    ]
    members = np.stack([
        responsibilities(terms, mixture)
        for view, found in zip(views, mixtures, strict=True)
        for terms in (density_terms(view[compared]),)
        for mixture in found
    ])  # fmt: skip
    orders = _align(members)
    places = np.split(orders, len(views))
    total = np.zeros((k, len(space)))
    for view, found, order in zip(views, mixtures, places, strict=True):
        for start in range(0, len(space), BLOCK):
            block = slice(start, start + BLOCK)
            terms = density_terms(view[block])
            for mixture, place in zip(found, order, strict=True):
                total[:, block] += responsibilities(terms, mixture)[place]
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
        view = principal_components(smooth, components)
        deviation = view[:, 0].std()
        yield view / (deviation if deviation > 0 else 1.0)


def principal_components(values: np.ndarray, number: int) -> np.ndarray:
    """Coordinates along the directions of largest variance, in the units of `values`.

    Parameters
    ----------
    values
        [spots x features]; many spots, few features.
    number
        Of components; at most the features.

    Returns
    -------
    numpy.ndarray
        float64, [spots x components], centred.
    """
    centred = values - values.mean(axis=0)
    vectors = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :number]
    # Either sign is an eigenvector: which one comes out is the library's choice.
    return centred @ (vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]))


def _align(members: np.ndarray) -> np.ndarray:
    """Order of each member's components that brings it nearest to the mean of all, [members x k].

    Parameters
    ----------
    members
        Probabilities, [members x k x spots]. The first reference is a medoid, the member that overlaps most with some
        others under their best orders; from there orders and mean take turns.
    """
    number, k, _ = members.shape
    among = members[:: -(-number // MEDOID_MEMBERS)]
    some = among.reshape(len(among) * k, -1)
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
