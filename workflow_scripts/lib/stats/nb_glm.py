"""Negative binomial regression of many genes at once, with the dispersion integrated out.

The likelihood is that of DESeq2 (Love, Huber & Anders 2014): counts y_ij ~ NB(mean s_j exp(x_j beta_i),
dispersion alpha_i), variance mu + alpha mu^2. Everything is vectorised over genes; nothing loops over them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln

CHUNK_ELEMENTS = 500_000
"""Elements of the information matrices worked on at a time: a few MB, so that they stay in the cache."""

RIDGE_SD = 8.0
"""Standard deviation (natural log) of the weak prior that keeps separated genes finite."""


def log_likelihood(counts: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Negative binomial log-probability of each count.

    Parameters
    ----------
    counts, mean
        Shape [genes x samples].
    dispersion
        Shape [genes] or [genes x 1], alpha in variance = mu + alpha mu^2.

    Returns
    -------
    numpy.ndarray
        Natural-log probabilities, shape [genes x samples].
    """
    alpha = np.reshape(dispersion, (-1, 1))
    size = 1.0 / alpha
    return (
        gammaln(counts + size)
        - gammaln(size)
        - gammaln(counts + 1.0)
        - (counts + size) * np.log1p(alpha * mean)
        + counts * np.log(np.maximum(alpha * mean, 1e-300))
    )


@dataclass(frozen=True)
class GlmFit:
    """Coefficients of one regression per gene at a given dispersion.

    Attributes
    ----------
    beta
        Penalised mode, natural log, shape [genes x coefficients].
    information
        Fisher information of the likelihood at the mode, shape [genes x coefficients x coefficients].
    mean
        Fitted means, shape [genes x samples].
    """

    beta: np.ndarray
    information: np.ndarray
    mean: np.ndarray


def weighted_gram(weights: np.ndarray, design: np.ndarray) -> np.ndarray:
    """X' W X of every gene, shape [genes x coefficients x coefficients]; weights are [genes x samples]."""
    outer = design[:, :, None] * design[:, None, :]
    n, p = design.shape
    return (weights @ outer.reshape(n, p * p)).reshape(-1, p, p)


def penalty(design: np.ndarray, ridge_sd: float = RIDGE_SD) -> np.ndarray:
    """Precision of the weak prior [coefficients]: none on an intercept-like column, 1/sd^2 on the others."""
    constant = np.ptp(design, axis=0) == 0
    return np.where(constant, 1e-8, ridge_sd**-2.0)


def fit_glm(
    counts: np.ndarray,
    log_size_factors: np.ndarray,
    design: np.ndarray,
    dispersion: np.ndarray,
    start: np.ndarray | None = None,
    iterations: int = 30,
    tolerance: float = 1e-6,
    ridge: np.ndarray | None = None,
    cauchy: tuple[int, float] | None = None,
) -> GlmFit:
    """Mode of the weakly penalised NB regression of every gene, by damped Fisher scoring.

    Parameters
    ----------
    counts
        Shape [genes x samples].
    log_size_factors
        Natural log, shape [samples].
    design
        Model matrix, shape [samples x coefficients].
    dispersion
        alpha, shape [genes].
    start
        Coefficients to start from, shape [genes x coefficients].
    iterations, tolerance
        At most so many steps; a gene stops when no coefficient moves by more than `tolerance`.
    ridge
        Prior precisions of the coefficients, shape [coefficients]; by default `penalty`.
    cauchy
        Place of a coefficient with a Cauchy prior instead, and that prior's scale (natural log). The prior enters
        by its quadratic majorant 1/2 w beta^2, w = 2 / (scale^2 + beta^2), renewed at every step.

    Returns
    -------
    GlmFit
    """
    ridge = penalty(design) if ridge is None else ridge
    chunk = max(CHUNK_ELEMENTS // design.shape[1] ** 2, 1)
    if len(counts) > chunk:
        parts = [
            fit_glm(
                counts[i : i + chunk], log_size_factors, design, np.ravel(dispersion)[i : i + chunk],
                None if start is None else start[i : i + chunk], iterations, tolerance, ridge, cauchy,
            )
            for i in range(0, len(counts), chunk)
        ]  # fmt: skip
        return GlmFit(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in GlmFit.__annotations__)
        )
    alpha = np.reshape(dispersion, (-1, 1))
    if start is None:
        normalised = counts / np.exp(log_size_factors)
        start = (
            np.log(normalised + 0.1 + 0.01 * normalised.mean(axis=1, keepdims=True))
            @ np.linalg.pinv(design).T
        )
    beta = start.copy()
    active = np.arange(len(counts))
    for _ in range(iterations):
        eta = np.clip(beta[active] @ design.T + log_size_factors, -40, 40)
        mu = np.exp(eta)
        weights = mu / (1.0 + alpha[active] * mu)
        precision = np.tile(ridge, (active.size, 1))
        if cauchy is not None:
            precision[:, cauchy[0]] = 2.0 / (cauchy[1] ** 2 + beta[active, cauchy[0]] ** 2)
        score = ((counts[active] - mu) / (1.0 + alpha[active] * mu)) @ design - precision * beta[active]
        hessian = weighted_gram(weights, design) + precision[:, :, None] * np.eye(ridge.size)
        step = np.linalg.solve(hessian, score[:, :, None])[:, :, 0]
        largest = np.abs(step).max(axis=1)
        beta[active] += step * np.minimum(1.0, 2.0 / np.maximum(largest, 1e-300))[:, None]
        active = active[largest > tolerance]
        if active.size == 0:
            break
    mu = np.exp(np.clip(beta @ design.T + log_size_factors, -40, 40))
    return GlmFit(beta, weighted_gram(mu / (1.0 + alpha * mu), design), mu)


def adjusted_profile(
    counts: np.ndarray,
    log_size_factors: np.ndarray,
    design: np.ndarray,
    log_grid: np.ndarray,
    summarise: Callable[[GlmFit], Any] = lambda fit: fit,
) -> tuple[np.ndarray, list[Any]]:
    """Cox-Reid adjusted profile log-likelihood of each gene on a grid of dispersions.

    Parameters
    ----------
    counts, log_size_factors, design
        As in `fit_glm`.
    log_grid
        Natural log of the dispersions, shape [genes x nodes]; each gene has its own nodes.
    summarise
        What to keep of the fit at each node; the fits of a cohort with a coefficient a patient fill gigabytes.

    Returns
    -------
    profile
        log p(y | beta_hat(alpha), alpha) - 1/2 log |X' W X|, shape [genes x nodes] (Cox & Reid 1987).
    summaries
        Of the fit at every node.
    """
    ridge = np.diag(penalty(design))
    profile = np.empty(log_grid.shape)
    fits: list[Any] = []
    start = None
    for node in range(log_grid.shape[1]):
        alpha = np.exp(log_grid[:, node])
        fit = fit_glm(counts, log_size_factors, design, alpha, start, tolerance=1e-4)
        start = fit.beta
        profile[:, node] = (
            log_likelihood(counts, fit.mean, alpha).sum(axis=1)
            - 0.5 * np.linalg.slogdet(fit.information + ridge)[1]
            - 0.5 * (fit.beta**2 @ np.diag(ridge))
        )
        fits.append(summarise(fit))
    return profile, fits
