"""Tissue domains without labels: a linear smoother with a mixture, its rivals, and their agreement with labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import median_abs_deviation
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, homogeneity_completeness_v_measure
from sklearn.mixture import GaussianMixture

from workflow_scripts.lib.data.neighbours import propagate, row_mean
from workflow_scripts.lib.errors import LatentomeError

WINSORISED_AT = 4.0  # median absolute deviations, scaled to a normal's standard deviation
HOPS, COMPONENTS = 4, 8
LEIDEN_NEIGHBOURS = 15
LEIDEN_STEPS = 30


def agreement(labels: Any, domains: Any) -> dict[str, float]:
    """Agreement of domains with labels, on labelled spots only.

    Parameters
    ----------
    labels
        Shape [spots]; NaN or None where there is none.
    domains
        Shape [spots].

    Returns
    -------
    dict
        ari (Hubert & Arabie 1985), nmi (arithmetic mean, the same as the V-measure), homogeneity, completeness,
        spots (how many are labelled).

    Raises
    ------
    LatentomeError
        If the lengths differ or no spot is labelled.
    """
    labels, domains = pd.Series(np.asarray(labels, dtype=object)), np.asarray(domains)
    if len(labels) != len(domains):
        raise LatentomeError(
            f"agreement: {len(labels)} labels and {len(domains)} domains; expected one a spot"
        )
    known = labels.notna().to_numpy()
    if not known.any():
        raise LatentomeError("agreement: no spot is labelled; expected some labels; leave the score out")
    truth = pd.factorize(labels[known].astype(str))[0]
    homogeneity, completeness, v_measure = homogeneity_completeness_v_measure(truth, domains[known])
    return {
        "ari": float(adjusted_rand_score(truth, domains[known])), "nmi": float(v_measure),
        "homogeneity": float(homogeneity), "completeness": float(completeness), "spots": int(known.sum()),
    }  # fmt: skip


def smoothed_features(
    features: np.ndarray, graph: sparse.csr_matrix, seed: int, hops: int = HOPS, components: int = COMPONENTS
) -> np.ndarray:
    """Winsorise, average over neighbours `hops` times, take principal components.

    Parameters
    ----------
    features
        Principal components or the like, [spots x features]; values further than 4 median absolute deviations (scaled
        to a normal's standard deviation) from a feature's median are moved there.
    graph
        Neighbours, [spots x spots].
    seed
        Of the principal components' solver.
    hops
        Averages over a spot and its neighbours.
    components
        Principal components kept; at most the features.

    Returns
    -------
    numpy.ndarray
        float64, [spots x components].
    """
    features = np.asarray(features, dtype=np.float64)
    middle = np.median(features, axis=0)
    reach = WINSORISED_AT * median_abs_deviation(features, axis=0, scale="normal")
    # Sparse counts have a deviation of zero; clipping them there would leave nothing.
    reach[reach == 0] = np.inf
    kept = np.clip(features, middle - reach, middle + reach)
    smooth = propagate(row_mean(graph).astype(np.float64), kept, hops)[-1]
    return PCA(min(components, *smooth.shape), random_state=seed).fit_transform(smooth)


def mixture(features: np.ndarray, k: int, seed: int, starts: int = 5) -> np.ndarray:
    """Domains by a Gaussian mixture with one covariance for all components (mclust's EEE); int32, shape [spots].

    Parameters
    ----------
    features
        [spots x features].
    k
        Components.
    seed
        Of the starts, k-means each.
    starts
        The one of highest likelihood is taken.
    """
    return _mixture(features, k, seed, starts).fit_predict(features).astype(np.int32)


def smoothed_mixture(
    features: np.ndarray, graph: sparse.csr_matrix, k: int, seed: int, hops: int = HOPS,
    components: int = COMPONENTS, starts: int = 5,
) -> np.ndarray:  # fmt: skip
    """Domains by `smoothed_features` and `mixture`: the linear baseline of any spatial clustering.

    Parameters
    ----------
    features, graph, seed, hops, components
        As in `smoothed_features`.
    k, starts
        As in `mixture`.

    Returns
    -------
    numpy.ndarray
        int32, shape [spots].
    """
    return mixture(smoothed_features(features, graph, seed, hops, components), k, seed, starts)


def k_means(features: np.ndarray, k: int, seed: int, starts: int = 10) -> np.ndarray:
    """Domains by k-means; int32, shape [spots].

    Parameters
    ----------
    features
        [spots x features].
    k, seed, starts
        As in `mixture`.
    """
    return KMeans(k, n_init=starts, random_state=seed).fit_predict(features).astype(np.int32)


def leiden_domains(
    features: np.ndarray, seed: int, k: int | None = None, resolution: float = 1.0
) -> np.ndarray:
    """Domains by Leiden on the graph of the 15 nearest spots in `features` (Traag et al. 2019).

    Parameters
    ----------
    features
        [spots x features].
    seed
        Of the neighbour search and of Leiden.
    k
        Number of domains wanted: the resolution is bisected for it, and the nearest number found is taken.
    resolution
        Used when `k` is not given.

    Returns
    -------
    numpy.ndarray
        int32, shape [spots].
    """
    import scanpy
    from anndata import AnnData

    data = AnnData(np.asarray(features, dtype=np.float32))
    # Gaussian weights: those of UMAP cost eight seconds of compilation in every job.
    scanpy.pp.neighbors(
        data, min(LEIDEN_NEIGHBOURS, len(data) - 1), use_rep="X", method="gauss", random_state=seed
    )

    def at(value: float) -> np.ndarray:
        scanpy.tl.leiden(
            data, resolution=value, random_state=seed, flavor="igraph", n_iterations=2, directed=False
        )
        return data.obs["leiden"].cat.codes.to_numpy(dtype=np.int32)

    if k is None:
        return at(resolution)
    low, high, best = 0.0, 4.0, at(resolution)
    for _ in range(LEIDEN_STEPS):
        found = at((low + high) / 2)
        number = found.max() + 1
        if abs(number - k) < abs(best.max() + 1 - k):
            best = found
        if number == k:
            break
        low, high = ((low + high) / 2, high) if number < k else (low, (low + high) / 2)
    return best


def choose_components(features: np.ndarray, candidates: Iterable[int], seed: int, starts: int = 5) -> int:
    """Number of mixture components of lowest BIC (Schwarz 1978), one covariance for all; labels are not asked.

    Parameters
    ----------
    features
        [spots x features].
    candidates
        Numbers to try; those above the number of spots are left out.
    seed, starts
        As in `mixture`.

    Raises
    ------
    LatentomeError
        If no candidate is left.
    """
    tried = {k: _mixture(features, k, seed, starts).fit(features).bic(features)
             for k in candidates if 1 <= k <= len(features)}  # fmt: skip
    if not tried:
        raise LatentomeError(
            f"number of domains: no candidate from 1 to {len(features)}; expected some; widen the range"
        )
    return min(tried, key=lambda k: tried[k])


def _mixture(features: np.ndarray, k: int, seed: int, starts: int) -> GaussianMixture:
    return GaussianMixture(k, covariance_type="tied", n_init=starts, random_state=seed, max_iter=500)
