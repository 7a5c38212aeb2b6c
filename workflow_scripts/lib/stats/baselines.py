"""One-line predictors of log fold changes: what any model has to beat."""

from __future__ import annotations

import numpy as np

PSEUDO_COUNT = 0.5


def mean_log(normalised: np.ndarray, design: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """Least squares on log2(normalised count + 0.5); for two groups the difference of their means.

    Parameters
    ----------
    normalised
        Counts over size factors, [genes x samples].
    design, contrast
        Model matrix [samples x coefficients] and weights [coefficients].

    Returns
    -------
    numpy.ndarray
        log2 fold changes, shape [genes].
    """
    return np.log2(normalised + PSEUDO_COUNT) @ (contrast @ np.linalg.pinv(design))


def log_ratio(normalised: np.ndarray, numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """log2 ratio of the groups' mean normalised counts, 0.5 added to each.

    Parameters
    ----------
    normalised
        Counts over size factors, [genes x samples].
    numerator, denominator
        Samples of the two groups, bool [samples].
    """
    means = (normalised[:, group].mean(axis=1) + PSEUDO_COUNT for group in (numerator, denominator))
    return np.log2(next(means)) - np.log2(next(means))
