"""apeGLM shrinkage (Zhu, Ibrahim & Love 2019) at R's dispersions, for all genes at once.

Debian's R has no apeglm; PyDESeq2 has the same estimator, gene by gene, and is the reference in the tests.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from .nb_glm import fit_glm, weighted_gram

LN2 = np.log(2.0)
NO_SHRINK_SCALE = 15.0


def prior_scale(lfc: np.ndarray, standard_error: np.ndarray) -> float:
    """Scale of the Cauchy prior from the unshrunken estimates, natural log, at most 1 (apeglm's rule).

    Parameters
    ----------
    lfc, standard_error
        Natural log, shape [genes].
    """
    squares, variance = lfc**2, standard_error**2

    def excess(prior: float) -> float:
        weight = 1.0 / (2.0 * (prior + variance) ** 2)
        return float(((squares - variance) * weight).sum() / weight.sum() - prior)

    if excess(1e-6) < 0:
        return 1e-3
    return float(min(np.sqrt(brentq(excess, 1e-6, 400.0)), 1.0))


def shrink(
    counts: np.ndarray,
    size_factors: np.ndarray,
    design: np.ndarray,
    coefficient: int,
    dispersion: np.ndarray,
    lfc: np.ndarray,
    standard_error: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mode and observed-curvature standard error of one coefficient under a Cauchy prior.

    Parameters
    ----------
    counts
        Shape [genes x samples].
    size_factors
        Shape [samples].
    design
        Model matrix, shape [samples x coefficients], in which the contrast is one coefficient.
    coefficient
        Its place.
    dispersion
        R's, shape [genes].
    lfc, standard_error
        DESeq2's unshrunken estimates, log2, shape [genes].

    Returns
    -------
    (lfc, standard_error)
        log2, shape [genes]; NaN where R had no estimate.
    """
    usable = np.isfinite(lfc) & np.isfinite(standard_error) & np.isfinite(dispersion)
    scale = prior_scale(lfc[usable] * LN2, standard_error[usable] * LN2)
    ridge = np.full(design.shape[1], NO_SHRINK_SCALE**-2.0)
    fit = fit_glm(
        counts[usable], np.log(size_factors), design, dispersion[usable], iterations=200, ridge=ridge,
        cauchy=(coefficient, scale),
    )  # fmt: skip
    beta = fit.beta[:, coefficient]
    alpha = dispersion[usable][:, None]
    curvature = fit.mean * (1.0 + alpha * counts[usable]) / (1.0 + alpha * fit.mean) ** 2
    hessian = weighted_gram(curvature, design) + np.diag(
        np.where(np.arange(ridge.size) == coefficient, 0.0, ridge)
    )
    hessian[:, coefficient, coefficient] += 2 * (scale**2 - beta**2) / (scale**2 + beta**2) ** 2
    mode, error = np.full(len(counts), np.nan), np.full(len(counts), np.nan)
    mode[usable] = beta / LN2
    error[usable] = np.sqrt(np.abs(np.linalg.inv(hessian)[:, coefficient, coefficient])) / LN2
    return mode, error
