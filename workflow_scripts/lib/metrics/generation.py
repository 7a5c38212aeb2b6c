"""Signatures that a model makes up: in general, and for one class of perturbagens."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from .two_sample import classifier_auc, correlation_error, manifold_scores, mmd, wasserstein_by_gene

SHOWN_SHARE = 0.05


def gaussian_like(training: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draws from the Gaussian of the training signatures' mean and covariance, [count x genes]: the baseline."""
    mean = training.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(np.cov(training, rowvar=False, dtype=np.float64))
    return mean + (rng.normal(size=(count, mean.size)) * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def shuffled_genes(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each gene of [signatures x genes] shuffled on its own: right marginals, no structure."""
    return np.column_stack([rng.permutation(column) for column in values.T])


def compare_samples(real: np.ndarray, sample: np.ndarray, seed: int) -> dict[str, float]:
    """All scores of `two_sample` of one sample against real signatures, [signatures x genes] each."""
    manifold = manifold_scores(real, sample)
    return {
        "classifier_auc": classifier_auc(real, sample, seed),
        "mmd": mmd(real, sample),
        "wasserstein": float(wasserstein_by_gene(real, sample).mean()),
        "correlation_error": correlation_error(real, sample),
        "precision": manifold.precision,
        "recall": manifold.recall,
    }


def neighbour_classes(
    generated: np.ndarray, reference: np.ndarray, classes: np.ndarray, metric: str = "correlation"
) -> np.ndarray:
    """Class of the nearest reference signature of each generated one.

    Parameters
    ----------
    generated, reference
        Shape [signatures x genes].
    classes
        Of the reference.
    metric
        ``correlation``, or ``euclidean`` as published.
    """
    finder = NearestNeighbors(n_neighbors=1, metric=metric, algorithm="brute").fit(reference)
    return classes[finder.kneighbors(generated, return_distance=False)[:, 0]]


def shares(found: np.ndarray, facts: Mapping[str, object]) -> list[dict]:
    """Shares of the classes in `found` [signatures], those below `SHOWN_SHARE` together as "other"."""
    count = pd.Series(found).value_counts(normalize=True)
    rows = [
        {**facts, "neighbour": name, "share": share} for name, share in count.items() if share >= SHOWN_SHARE
    ]
    rest = float(count[count < SHOWN_SHARE].sum())
    return rows + ([{**facts, "neighbour": "other", "share": rest}] if rest > 0 else [])
