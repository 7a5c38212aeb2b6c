"""Tissue domains by a trained spatial model: smoothed if the tissue allows it, which no label decides."""

from __future__ import annotations

import logging

import numpy as np
from scipy import sparse

from workflow_scripts.lib.metrics.domains import mixture
from workflow_scripts.lib.seeds import derive_seed

from .consensus_domains import consensus_domains

log = logging.getLogger("latentome")

STARTS = 8
KEPT = 0.8
"""Share of the spatial variation explained without smoothing that smoothed domains have to keep. They keep 0.93 to 0.99
over DLPFC 151507 to 151510, and 0.65 to 0.71 over simulated tissue of sharp borders, where they are wrong."""


def explained_variation(space: np.ndarray, domains: np.ndarray, graph: sparse.csr_matrix) -> float:
    """Share of the covariance between neighbours that domains explain.

    1 - sum_ij a_ij <r_i, r_j> / sum_ij a_ij <x_i, x_j>, with x the spots about the mean of all, r about that of their
    domain, a the graph: Moran's covariance left over. Unlike R squared, it gives no credit for following the noise of
    single spots, which neighbours do not share.

    Parameters
    ----------
    space
        [spots x features].
    domains
        Shape [spots].
    graph
        Neighbours, [spots x spots].

    Returns
    -------
    float
        At most about 1; 0 where neighbours have nothing in common.
    """
    centred = space - space.mean(axis=0)
    _, codes, sizes = np.unique(domains, return_inverse=True, return_counts=True)
    members = sparse.csr_matrix((np.ones(len(codes)), codes, np.arange(len(codes) + 1)))
    rest = centred - (np.asarray(members.T @ centred) / sizes[:, None])[codes]
    whole, left = (float((x * (graph @ x)).sum()) for x in (centred, rest))
    return 1 - left / whole if whole > 0 else 0.0


def spatial_domains(
    mean: np.ndarray, space: np.ndarray, graph: sparse.csr_matrix, k: int, seed: int
) -> np.ndarray:
    """Domains by consensus of smoothed mixtures, or not smoothed where that would blur the tissue.

    Neighbours help where one spot shows little and domains are wide; they mislead where domains are narrow and each
    spot shows its own. The consensus is taken if it explains nearly as much of the tissue as mixtures without
    neighbours do (`explained_variation`), else the best of these.

    Parameters
    ----------
    mean
        Posterior means of the latent variables, [spots x latent].
    space
        The decoded spots, from `latent_space`, [spots x dimensions].
    graph, k, seed
        As in `consensus_domains`.

    Returns
    -------
    numpy.ndarray
        int32, shape [spots].
    """
    plain = mixture(mean, k, seed)
    # One mixture is a draw, and the choice must not be.
    starts = [plain, *(mixture(mean, k, derive_seed(seed, "plain", start), 1) for start in range(STARTS))]
    wanted = KEPT * float(np.median([explained_variation(space, found, graph) for found in starts]))
    found = consensus_domains(space, graph, k, seed)
    kept = explained_variation(space, found.domains, graph)
    log.info(
        "smoothed domains explain %.2f of the spatial variation, %.2f wanted; mixtures agree on %.2f: %s",
        kept, wanted, found.agreement, "taken" if kept >= wanted else "not taken",
    )  # fmt: skip
    return found.domains if kept >= wanted else plain
