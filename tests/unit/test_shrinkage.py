"""Shrinkage of effects: conjugate closed forms, numeric integration on grids, recovery of the prior."""

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import norm

from workflow_scripts.lib.stats import shrinkage
from workflow_scripts.lib.stats.shrinkage import (
    NULL_PENALTY,
    EffectPrior,
    effect_given_one,
    effect_variance,
    expected_fdr,
    fit_prior,
    posterior,
    scale_grid,
)

SLAB = EffectPrior(np.array([0.0, 2.0]), np.array([0.0, 1.0]))
MIXED = EffectPrior(np.array([0.0, 0.3, 1.0, 3.0]), np.array([0.6, 0.2, 0.15, 0.05]))


def one_node(means, sds):
    means, sds = np.asarray(means, float)[:, None], np.asarray(sds, float)[:, None]
    return means, sds, np.ones_like(means)


def three_nodes(genes=40, seed=0):
    rng = np.random.default_rng(seed)
    means = rng.normal(0, 2, (genes, 1)) + rng.normal(0, 0.2, (genes, 3))
    sds = np.exp(rng.uniform(np.log(0.1), np.log(1.5), (genes, 3)))
    return means, sds, rng.dirichlet(np.ones(3), genes)


def on_grid(means, sds, weights, prior, threshold, points=40001):
    """Mean, sd, P(|effect| > threshold), P(null) of one gene by brute force; the point mass apart."""
    effect = np.linspace(-25, 25, points)
    likelihood = (weights[:, None] * norm.pdf(effect, means[:, None], sds[:, None])).sum(axis=0)
    slab = likelihood * (prior.weights[1:, None] * norm.pdf(effect, 0, prior.scales[1:, None])).sum(axis=0)
    point = prior.weights[0] * (weights * norm.pdf(0, means, sds)).sum()
    total = trapezoid(slab, effect) + point
    mean = trapezoid(effect * slab, effect) / total
    second = trapezoid(effect**2 * slab, effect) / total
    outside = np.where(np.abs(effect) > threshold, slab, 0)
    return mean, np.sqrt(second - mean**2), trapezoid(outside, effect) / total, point / total


def test_single_normal_is_conjugate():
    means, sds = np.array([-3.0, 0.0, 0.4, 5.0]), np.array([0.5, 1.0, 2.0, 0.1])
    found = posterior(*one_node(means, sds), SLAB, 0.0)
    factor = 4 / (4 + sds**2)
    np.testing.assert_allclose(found.mean, factor * means, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.sd, np.sqrt(factor) * sds, rtol=1e-9)
    np.testing.assert_allclose(found.prob_null, 0, atol=1e-12)
    np.testing.assert_allclose(found.prob_large, 1, atol=1e-12)
    np.testing.assert_allclose(effect_variance(SLAB, 0.0), 4.0)
    np.testing.assert_allclose(found.lower, factor * means - 1.959964 * np.sqrt(factor) * sds, atol=1e-5)
    np.testing.assert_allclose(found.upper, factor * means + 1.959964 * np.sqrt(factor) * sds, atol=1e-5)


def test_probability_of_a_large_effect_of_a_single_normal():
    found = posterior(*one_node([0.5], [1.0]), SLAB, 0.7)
    mean, sd = 0.8 * 0.5, np.sqrt(0.8)
    expected = norm.cdf(-0.7, mean, sd) + norm.sf(0.7, mean, sd)
    assert found.prob_large[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("threshold", [0.0, 0.25, 1.0])
def test_mixture_by_numeric_integration(threshold):
    parts = three_nodes()
    found = posterior(*parts, MIXED, threshold)
    for gene in range(0, 40, 3):
        expected = on_grid(*(part[gene] for part in parts), MIXED, threshold)
        got = found.mean[gene], found.sd[gene], found.prob_large[gene], found.prob_null[gene]
        np.testing.assert_allclose(got, expected, atol=2e-3)


def test_mixture_by_importance_sampling():
    """Independent of the grid: draw effects from the prior, weigh them by the likelihood."""
    rng = np.random.default_rng(5)
    draws = rng.normal(0, 1, 400_000) * rng.choice(MIXED.scales, 400_000, p=MIXED.weights)
    means, sds, weights = three_nodes(3, seed=8)
    found = posterior(means, sds, weights, MIXED, 0.25)
    for gene in range(3):
        likelihood = sum(
            w * norm.pdf(draws, m, s) for m, s, w in zip(means[gene], sds[gene], weights[gene], strict=True)
        )
        likelihood /= likelihood.sum()
        assert found.mean[gene] == pytest.approx(likelihood @ draws, abs=0.05)
        assert found.prob_large[gene] == pytest.approx(likelihood @ (np.abs(draws) > 0.25), abs=0.03)
        assert found.prob_null[gene] == pytest.approx(likelihood @ (draws == 0), abs=0.03)


def test_interval_given_an_effect():
    """Quantiles under the prior of an effect given that there is one, by a grid."""
    parts = three_nodes(12, seed=3)
    found = posterior(*parts, MIXED, 0.25)
    effect = np.linspace(-25, 25, 100_001)
    variances, shares = effect_given_one(MIXED, 0.25)
    assert variances[0] == effect_variance(MIXED, 0.25) and shares.sum() == pytest.approx(1)
    slab = (shares * norm.pdf(effect[:, None], 0, np.sqrt(variances))).sum(axis=1)
    for gene in range(12):
        means, sds, weights = (part[gene][:, None] for part in parts)
        density = slab * (weights * norm.pdf(effect, means, sds)).sum(axis=0)
        cumulative = np.cumsum(density) / density.sum()
        expected = np.interp([0.025, 0.975], cumulative, effect)
        np.testing.assert_allclose([found.lower[gene], found.upper[gene]], expected, atol=3e-3)


def test_chunks_change_nothing():
    parts = three_nodes(25)
    whole, pieces = posterior(*parts, MIXED, 0.3), posterior(*parts, MIXED, 0.3, chunk=7)
    for name in ("mean", "sd", "lower", "upper", "prob_large", "prob_null"):
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), rtol=1e-12)


def test_shrinks_towards_zero_and_more_if_uncertain():
    found = posterior(*one_node([1.0] * 4, [0.1, 0.5, 1.0, 3.0]), MIXED, 0.25)
    assert (found.mean > 0).all() and (found.mean < 1).all() and (np.diff(found.mean) < 0).all()
    mirrored = posterior(*one_node([-1.0] * 4, [0.1, 0.5, 1.0, 3.0]), MIXED, 0.25)
    np.testing.assert_allclose(mirrored.mean, -found.mean, rtol=1e-9)
    np.testing.assert_allclose(mirrored.lower, -found.upper, atol=1e-9)


def test_expected_fdr_by_hand():
    probability = np.array([0.5, 0.9, 0.8, 0.9, 0.8])
    # in order: .9 .9 | .8 .8 | .5 with losses .1 .1 .2 .2 .5
    expected = {0.9: 0.1, 0.8: 0.15, 0.5: 0.22}
    np.testing.assert_allclose(expected_fdr(probability), [expected[p] for p in probability])


def test_expected_fdr_does_not_depend_on_order():
    rng = np.random.default_rng(1)
    probability = np.round(rng.random(300), 2)
    found = expected_fdr(probability)
    order = rng.permutation(300)
    np.testing.assert_allclose(expected_fdr(probability[order]), found[order])
    brute = [(1 - probability[probability >= p]).mean() for p in probability]
    np.testing.assert_allclose(found, brute, rtol=1e-12)


def simulated(null_share, genes=4000, seed=2, effect_sd=1.5):
    rng = np.random.default_rng(seed)
    effect = np.where(rng.random(genes) < null_share, 0.0, rng.normal(0, effect_sd, genes))
    sds = np.exp(rng.uniform(np.log(0.1), np.log(0.4), genes))
    return effect, *one_node(effect + rng.normal(0, sds), sds)


@pytest.mark.parametrize("null_share", [0.7, 0.95])
def test_prior_recovers_the_share_of_nulls(null_share):
    _, *parts = simulated(null_share)
    prior = fit_prior(*parts)
    assert prior.weights.sum() == pytest.approx(1) and (prior.weights >= 0).all() and prior.scales[0] == 0
    small = prior.weights[prior.scales < 0.12].sum()  # effects that no standard error tells from zero
    assert small == pytest.approx(null_share, abs=0.1)
    assert np.sqrt(prior.weights @ prior.scales**2 / (1 - small)) == pytest.approx(1.5, rel=0.15)


def test_calls_keep_their_expected_fdr_and_intervals_cover():
    effect, *parts = simulated(0.8, genes=8000)
    found = posterior(*parts, fit_prior(*parts), 0.25)
    called = expected_fdr(found.prob_large) < 0.05
    assert called.sum() > 500
    assert (np.abs(effect[called]) <= 0.25).mean() == pytest.approx(0.05, abs=0.03)
    covered = (found.lower <= effect) & (effect <= found.upper)
    assert 0.92 < covered[np.abs(effect) > 0.25].mean() < 0.98
    assert np.mean((found.mean - effect) ** 2) < 0.6 * np.mean((parts[0][:, 0] - effect) ** 2)


def test_expectation_maximisation_never_loses_likelihood(monkeypatch):
    """Penalised likelihood after 1, 2, 3 ... iterations, computed here from the weights alone."""
    _, *parts = simulated(0.7, genes=600)

    def objective(prior):
        density = norm.pdf(parts[0], 0, np.sqrt(parts[1] ** 2 + prior.scales**2)) @ prior.weights
        return np.log(density).sum() + NULL_PENALTY * np.log(prior.weights[0])

    values = [objective(fit_prior(*parts, iterations=k, tolerance=0)) for k in (1, 2, 3, 5, 10, 30, 100, 300)]
    assert (np.diff(values) > -1e-7).all() and values[-1] > values[0] + 1


def test_scale_grid_spans_the_data():
    rng = np.random.default_rng(0)
    sds = np.full(1000, 0.2)
    grid = scale_grid(rng.normal(0, 3, 1000), sds)
    assert grid[0] == 0 and grid[1] == pytest.approx(0.05) and grid[-1] > 9
    np.testing.assert_allclose(grid[2:] / grid[1:-1], np.sqrt(2))
    np.testing.assert_array_equal(scale_grid(np.array([np.nan]), np.array([0.1])), [0, 1])


def test_an_infinite_standard_error_is_survived():
    found = posterior(*one_node([0.3, 40.0], [50.0, 1e-3]), MIXED, 0.25)
    assert np.isfinite([found.mean, found.sd, found.lower, found.upper]).all()
    assert abs(found.mean[0]) < 0.05 and found.mean[1] == pytest.approx(40, rel=1e-3)
    assert shrinkage.expected_fdr(found.prob_large)[1] < 1e-6
