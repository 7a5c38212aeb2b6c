"""Gene-wise dispersions with a trend over the mean, and their posterior on a grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import polygamma
from scipy.stats import t as student

from .nb_glm import GlmFit, adjusted_profile

LOG_BOUNDS = (np.log(1e-8), np.log(20.0))
COARSE_NODES = 14
FINE_NODES = 9
LARGE_DESIGN = 12
"""Coefficients beyond which a fit is dear, and two thirds of the nodes have to do."""
PRIOR_DF = 6.0
"""Degrees of freedom of the Student prior around the trend: outlying genes keep their own dispersion."""


@dataclass(frozen=True)
class DispersionPrior:
    """Trend alpha(mu) = extra_poisson / mu + asymptotic, and the spread around it in natural log.

    The trend is DESeq2's parametric one; the spread is a scale of a Student distribution.
    """

    asymptotic: float
    extra_poisson: float
    scale: float

    def trend(self, mean: np.ndarray) -> np.ndarray:
        """Dispersion expected at a mean of normalised counts (same shape)."""
        return self.asymptotic + self.extra_poisson / np.maximum(mean, 1e-8)


def fit_trend(mean: np.ndarray, dispersion: np.ndarray, iterations: int = 20) -> tuple[float, float]:
    """Fit alpha = a1 / mean + a0 by an iterated gamma regression with identity link (DESeq2's parametric trend).

    Parameters
    ----------
    mean, dispersion
        Shape [genes]; genes at the lower bound should have been left out.

    Returns
    -------
    (a0, a1)
        Asymptotic dispersion and extra-Poisson term, both >= 1e-8.
    """
    a0, a1 = 0.1, 1.0
    for _ in range(iterations):
        ratio = dispersion / (a0 + a1 / mean)
        kept = (ratio > 1e-4) & (ratio < 15)
        x, y = 1.0 / mean[kept], dispersion[kept]
        old = np.array([a0, a1])
        for _ in range(10):
            fitted = np.maximum(a0 + a1 * x, 1e-10)
            weight = fitted**-2.0
            gram = np.array(
                [[weight.sum(), (weight * x).sum()], [(weight * x).sum(), (weight * x * x).sum()]]
            )
            a0, a1 = np.maximum(np.linalg.solve(gram, [(weight * y).sum(), (weight * x * y).sum()]), 1e-8)
        if np.abs(np.log([a0, a1]) - np.log(old)).sum() < 1e-6:
            break
    return float(a0), float(a1)


def coarse_grid(genes: int, nodes: int = COARSE_NODES) -> np.ndarray:
    """The same nodes for every gene, natural log, shape [genes x nodes]."""
    return np.tile(np.linspace(np.log(1e-4), LOG_BOUNDS[1], nodes), (genes, 1))


def _peak(grid: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximum and curvature sd of each row by the parabola through its best node."""
    best = np.clip(values.argmax(axis=1), 1, grid.shape[1] - 2)
    rows = np.arange(len(grid))
    left, mid, right = (values[rows, best + k] for k in (-1, 0, 1))
    step = grid[rows, best + 1] - grid[rows, best]
    curvature = left - 2 * mid + right
    concave = curvature < -1e-9
    shift = np.where(concave, 0.5 * (left - right) / np.where(concave, curvature, -1.0), 0.0)
    at_edge = (values.argmax(axis=1) == 0) | (values.argmax(axis=1) == grid.shape[1] - 1)
    peak = grid[rows, best] + np.clip(shift, -1, 1) * step
    peak = np.where(at_edge, grid[rows, values.argmax(axis=1)], peak)
    sd = step / np.sqrt(np.where(concave, -curvature, 1e-9))
    return peak, sd


def estimate_prior(mean: np.ndarray, gene_wise: np.ndarray, residual_df: int) -> DispersionPrior:
    """Trend and spread of the gene-wise dispersions (empirical Bayes, as in DESeq2).

    Parameters
    ----------
    mean
        Mean of normalised counts, shape [genes].
    gene_wise
        Gene-wise dispersion estimates, shape [genes].
    residual_df
        Samples minus rank of the design; the sampling variance of a log dispersion is trigamma(df / 2).

    Returns
    -------
    DispersionPrior
    """
    usable = (gene_wise > 2e-4) & (mean > 1)
    if usable.sum() < 50:
        usable = gene_wise > 2e-4
    if usable.sum() < 10:
        return DispersionPrior(0.05, 1.0, 1.0)
    a0, a1 = fit_trend(mean[usable], gene_wise[usable])
    residual = np.log(gene_wise[usable]) - np.log(a0 + a1 / mean[usable])
    spread = 1.4826 * np.median(np.abs(residual - np.median(residual)))
    variance = max(spread**2 - float(polygamma(1, residual_df / 2)), 0.25)
    return DispersionPrior(a0, a1, float(np.sqrt(variance)))


@dataclass(frozen=True)
class DispersionPosterior:
    """Posterior weights of the dispersion of each gene on its own grid.

    Attributes
    ----------
    log_grid, weights
        Natural log of the nodes and their posterior weights (rows sum to one), shape [genes x nodes].
    fits
        What `summarise` kept of the regression at each node; by default all of it, see `nb_glm.GlmFit`.
    """

    log_grid: np.ndarray
    weights: np.ndarray
    fits: list
    prior: DispersionPrior
    gene_wise: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Posterior geometric mean of the dispersion, shape [genes]."""
        return np.exp((self.weights * self.log_grid).sum(axis=1))


def dispersion_posterior(
    counts: np.ndarray,
    log_size_factors: np.ndarray,
    design: np.ndarray,
    prior: DispersionPrior | None = None,
    summarise: Callable[[GlmFit], Any] = lambda fit: fit,
) -> DispersionPosterior:
    """Posterior of every gene's dispersion under the adjusted profile likelihood and the trend prior.

    Parameters
    ----------
    counts, log_size_factors, design
        As in `nb_glm.fit_glm`.
    prior
        A trend to use; estimated from these counts if not given.
    summarise
        As `nb_glm.adjusted_profile` takes it.

    Returns
    -------
    DispersionPosterior
    """
    mean = (counts / np.exp(log_size_factors)).mean(axis=1)
    large = design.shape[1] > LARGE_DESIGN
    coarse_nodes, fine_nodes = (9, 6) if large else (COARSE_NODES, FINE_NODES)
    grid = coarse_grid(len(counts), coarse_nodes)
    profile, _ = adjusted_profile(counts, log_size_factors, design, grid, lambda fit: None)
    peak, _ = _peak(grid, profile)
    gene_wise = np.exp(peak)
    if prior is None:
        prior = estimate_prior(mean, gene_wise, len(design[:, 0]) - np.linalg.matrix_rank(design))
    centre = np.log(prior.trend(mean))[:, None]

    def log_prior(log_alpha: np.ndarray) -> np.ndarray:
        return student.logpdf((log_alpha - centre) / prior.scale, PRIOR_DF)

    mode, sd = _peak(grid, profile + log_prior(grid))
    sd = np.clip(sd, 0.15, 1.2)
    fine = np.clip(mode[:, None] + sd[:, None] * np.linspace(-2.8, 2.8, fine_nodes), *LOG_BOUNDS)
    profile, fits = adjusted_profile(counts, log_size_factors, design, fine, summarise)
    log_weight = profile + log_prior(fine)
    weights = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    return DispersionPosterior(fine, weights / weights.sum(axis=1, keepdims=True), fits, prior, gene_wise)
