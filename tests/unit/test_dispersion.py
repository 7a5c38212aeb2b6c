"""Dispersions: the trend, the spread around it, and each gene's posterior, against simulated truth."""

import numpy as np
import pytest
from de_toys import nb_counts
from scipy.integrate import trapezoid
from scipy.stats import t as student

from workflow_scripts.lib.stats.dispersion import (
    PRIOR_DF,
    DispersionPrior,
    dispersion_posterior,
    estimate_prior,
    fit_trend,
)
from workflow_scripts.lib.stats.nb_glm import adjusted_profile

A0, A1, SPREAD = 0.03, 3.0, 0.6


@pytest.mark.parametrize("a0, a1", [(0.01, 3.0), (0.1, 1.0), (0.02, 20.0)])
def test_trend_is_recovered_from_gamma_noise(a0, a1):
    rng = np.random.default_rng(1)
    mean = np.exp(rng.normal(5, 2, 4000))
    truth = a0 + a1 / mean
    found = fit_trend(mean, rng.gamma(4, truth / 4))
    np.testing.assert_allclose(found, (a0, a1), rtol=0.06)


def test_trend_is_exact_without_noise():
    mean = np.geomspace(2, 1e5, 200)
    np.testing.assert_allclose(fit_trend(mean, 0.05 + 2.5 / mean), (0.05, 2.5), rtol=1e-6)


def test_trend_ignores_wild_genes():
    rng = np.random.default_rng(2)
    mean = np.exp(rng.normal(5, 2, 3000))
    dispersion = rng.gamma(4, (0.02 + 3 / mean) / 4)
    dispersion[:30] *= 1e4
    np.testing.assert_allclose(fit_trend(mean, dispersion), (0.02, 3.0), rtol=0.1)


def test_trend_never_turns_negative():
    mean = np.geomspace(2, 1e4, 300)
    a0, a1 = fit_trend(mean, 1e-4 + 1e-5 * mean)  # rises with the mean: no extra-Poisson term fits
    assert a0 >= 1e-8 and a1 >= 1e-8


def test_prior_subtracts_the_sampling_variance():
    """Gene-wise estimates scatter more than the dispersions do; trigamma(df / 2) of it is sampling."""
    rng = np.random.default_rng(3)
    mean = np.exp(rng.normal(5, 1.5, 6000))
    log_trend = np.log(A0 + A1 / mean)
    df = 4
    noise = np.log(rng.chisquare(df, 6000) / df)
    estimated = np.exp(log_trend + rng.normal(0, 0.9, 6000) + noise)
    assert estimate_prior(mean, estimated, df).scale == pytest.approx(0.9, abs=0.1)


def test_few_genes_get_a_broad_prior():
    prior = estimate_prior(np.full(5, 10.0), np.full(5, 0.1), 4)
    assert prior.scale >= 1 and np.isfinite(prior.trend(np.array([0.0, 1.0, 1e6]))).all()


@pytest.fixture(scope="module")
def simulated():
    rng = np.random.default_rng(4)
    genes, n = 1000, 10
    mean = np.exp(rng.normal(5, 1.3, genes))
    log_alpha = np.log(A0 + A1 / mean) + rng.normal(0, SPREAD, genes)
    design = np.column_stack([np.ones(n), np.repeat([0.0, 1.0], n // 2)])
    depth = np.exp(rng.normal(0, 0.3, n))
    counts = nb_counts(rng, mean[:, None] * depth, np.exp(log_alpha)).astype(float)
    return counts, np.log(depth), design, mean, log_alpha


@pytest.fixture(scope="module")
def found(simulated):
    counts, offset, design, *_ = simulated
    return dispersion_posterior(counts, offset, design)


def test_weights_sum_to_one(found, simulated):
    assert found.weights.shape == found.log_grid.shape == (len(simulated[0]), len(found.fits))
    np.testing.assert_allclose(found.weights.sum(axis=1), 1, atol=1e-12)
    assert (found.weights >= 0).all() and (np.diff(found.log_grid, axis=1) >= 0).all()


def test_posterior_mean_is_near_the_truth(found, simulated):
    *_, mean, log_alpha = simulated
    error = np.log(found.mean) - log_alpha
    assert np.corrcoef(np.log(found.mean), log_alpha)[0, 1] > 0.85
    assert abs(np.median(error)) < 0.15
    raw = np.log(np.clip(found.gene_wise, 1e-4, 20)) - log_alpha
    assert np.sqrt((error**2).mean()) < 0.8 * np.sqrt((raw**2).mean()), "the prior did not help"
    mean_dispersion = (A0 + A1 / mean) * np.exp(SPREAD**2 / 2)  # of the log-normal spread
    np.testing.assert_allclose(found.prior.trend(mean), mean_dispersion, rtol=0.25)


def test_intervals_cover(found, simulated):
    """90 % intervals of log alpha, by linear interpolation of the posterior's density on its grid."""
    log_alpha = simulated[-1]
    grid, density = found.log_grid, found.weights
    step = np.diff(grid, axis=1)
    mass = np.concatenate(
        [np.zeros((len(grid), 1)), np.cumsum(step * (density[:, 1:] + density[:, :-1]) / 2, axis=1)], 1
    )
    mass /= mass[:, -1:]
    level = np.array([np.interp(truth, *line) for truth, *line in zip(log_alpha, grid, mass, strict=True)])
    assert 0.80 <= ((level > 0.05) & (level < 0.95)).mean() <= 0.98
    assert 0.35 < level.mean() < 0.65


def test_posterior_mean_by_dense_integration(found, simulated):
    counts, offset, design, mean, _ = simulated
    some = slice(0, 15)
    dense = np.tile(np.linspace(np.log(1e-4), np.log(20), 160), (15, 1))
    profile, _ = adjusted_profile(counts[some], offset, design, dense, lambda fit: None)
    normalised_mean = (counts[some] / np.exp(offset)).mean(axis=1)
    centre = np.log(found.prior.asymptotic + found.prior.extra_poisson / normalised_mean)[:, None]
    log_density = profile + student.logpdf((dense - centre) / found.prior.scale, PRIOR_DF)
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    expected = trapezoid(density * dense, dense, axis=1) / trapezoid(density, dense, axis=1)
    np.testing.assert_allclose(np.log(found.mean[some]), expected, atol=0.08)


def test_a_given_prior_is_used(simulated):
    counts, offset, design, *_ = simulated
    strong = DispersionPrior(0.5, 1e-8, 0.05)
    found = dispersion_posterior(counts[:30], offset, design, prior=strong)
    assert found.prior is strong
    assert np.median(np.abs(np.log(found.mean) - np.log(0.5))) < 0.6


def test_summaries_replace_the_fits(simulated):
    counts, offset, design, *_ = simulated
    found = dispersion_posterior(counts[:60], offset, design, summarise=lambda fit: fit.beta[:, 1])
    assert all(part.shape == (60,) for part in found.fits)
    whole = dispersion_posterior(counts[:60], offset, design)
    np.testing.assert_allclose(found.fits[4], whole.fits[4].beta[:, 1])
