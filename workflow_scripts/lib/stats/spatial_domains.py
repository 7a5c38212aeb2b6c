"""Tissue domains by a trained spatial model: as smooth as the tissue allows, which no label decides."""

from __future__ import annotations

import logging

import numpy as np
from scipy import sparse

from workflow_scripts.lib.metrics.domains import mixture
from workflow_scripts.lib.seeds import derive_seed

from .consensus_domains import HOPS, consensus_domains

log = logging.getLogger("latentome")

SMOOTHING = (HOPS, (2, 4), (1, 2))
"""Numbers of hops of the consensus, from the smoothest."""
STARTS = 8
KEPT = 0.9
"""Share of the spatial variation explained without smoothing that smoothed domains have to keep. The
smoothest keep 0.95 to 0.99 over DLPFC 151507, 151508 and 151510; over simulated tissue of sharp borders 0.65 to 0.71,
and are wrong."""


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
    """Domains by consensus of smoothed mixtures, smoothed less where that would blur the tissue.

    Neighbours help where one spot shows little and domains are wide; they mislead where domains are narrow and each
    spot shows its own. The smoothest consensus is taken that explains nearly as much of the tissue as one mixture
    without neighbours does (`explained_variation`); if none does, that mixture.

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
    for hops in SMOOTHING:
        found = consensus_domains(space, graph, k, seed, hops=hops)
        kept = explained_variation(space, found.domains, graph)
        if kept >= wanted:
            log.info(
                "domains smoothed over %s hops explain %.2f of the variation, %.2f wanted; mixtures agree on %.2f",
                "/".join(map(str, hops)), kept, wanted, found.agreement,
            )  # fmt: skip
            return found.domains
    log.info("domains not smoothed: smoothed ones explain less than %.2f of the variation", wanted)
    return plain
