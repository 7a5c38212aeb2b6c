"""Are two samples of signatures from one distribution? Four answers, each zero or one half where they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler


def classifier_auc(real: np.ndarray, generated: np.ndarray, seed: int, components: int = 20) -> float:
    """Cross-validated AUC of telling real from generated (Lopez-Paz & Oquab 2017); 0.5 is as it should be.

    A logistic regression on the leading principal components of both and their squares, so that a wrong spread is
    seen as well as a wrong mean.

    Parameters
    ----------
    real, generated
        Shape [samples x features] each.
    seed
        Of the folds.
    components
        Principal components used.
    """
    both = np.vstack([real, generated]).astype(np.float64)
    both -= both.mean(axis=0)
    left, values, _ = np.linalg.svd(both, full_matrices=False)
    scores = left[:, :components] * values[:components]
    label = np.repeat([1, 0], [len(real), len(generated)])
    model = make_pipeline(
        StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler(),
        LogisticRegression(C=0.1, max_iter=500),
    )  # fmt: skip
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    probability = cross_val_predict(model, scores, label, cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(label, probability))


def mmd(real: np.ndarray, generated: np.ndarray) -> float:
    """Squared maximum mean discrepancy, unbiased, Gaussian kernel at the median distance (Gretton et al. 2012).

    Parameters
    ----------
    real, generated
        Shape [samples x features] each, at least two samples.
    """
    within_a, within_b, across = (
        cdist(a, b, "sqeuclidean") for a, b in ((real, real), (generated, generated), (real, generated))
    )
    width = float(np.median(across))
    a, b, c = (np.exp(-d / width) for d in (within_a, within_b, across))
    n, m = len(real), len(generated)
    return float(
        (a.sum() - np.trace(a)) / (n * (n - 1)) + (b.sum() - np.trace(b)) / (m * (m - 1)) - 2 * c.mean()
    )


def wasserstein_by_gene(real: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """Wasserstein-1 distance of each feature's two samples, shape [features], in the features' unit.

    By quantiles at 200 levels where the sample sizes differ, exactly where they are the same.
    """
    if len(real) == len(generated):
        return np.abs(np.sort(real, axis=0) - np.sort(generated, axis=0)).mean(axis=0)
    levels = (np.arange(200) + 0.5) / 200
    return np.abs(np.quantile(real, levels, axis=0) - np.quantile(generated, levels, axis=0)).mean(axis=0)


def correlation_error(real: np.ndarray, generated: np.ndarray) -> float:
    """Root mean squared difference of gene-gene correlations, off the diagonal; [samples x genes] each."""
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.nan_to_num(np.corrcoef(real.T)) - np.nan_to_num(np.corrcoef(generated.T))
    return float(np.sqrt((difference[~np.eye(len(difference), dtype=bool)] ** 2).mean()))


@dataclass(frozen=True)
class ManifoldScores:
    """Precision: share of generated samples among the real; recall: share of real samples among the generated."""

    precision: float
    recall: float


def manifold_scores(real: np.ndarray, generated: np.ndarray, neighbours: int = 5) -> ManifoldScores:
    """Improved precision and recall (Kynkäänniemi et al. 2019): within a ball to the k-th neighbour of any sample.

    Parameters
    ----------
    real, generated
        Shape [samples x features] each.
    neighbours
        k; a sample is no neighbour of its own.
    """

    def covered(points: np.ndarray, support: np.ndarray) -> float:
        radius = NearestNeighbors(n_neighbors=neighbours + 1).fit(support).kneighbors(support)[0][:, -1]
        return float((cdist(points, support) <= radius).any(axis=1).mean())

    return ManifoldScores(covered(generated, real), covered(real, generated))
