"""Negative binomial regression against scipy, R's glm, numeric optimisation and PyDESeq2's apeGLM."""

import numpy as np
import pytest
from de_toys import in_r, nb_counts, r_matrix, r_vector, two_groups
from scipy.optimize import minimize
from scipy.stats import nbinom

from workflow_scripts.lib.stats import nb_glm
from workflow_scripts.lib.stats.apeglm import NO_SHRINK_SCALE, prior_scale, shrink
from workflow_scripts.lib.stats.nb_glm import (
    adjusted_profile,
    fit_glm,
    log_likelihood,
    penalty,
)

LN2 = np.log(2)

R_GLM = """
function(counts, design, offset, alpha) {
  t(sapply(seq_len(nrow(counts)), function(i) {
    fit <- suppressWarnings(glm(counts[i, ] ~ 0 + design, offset = offset,
      family = MASS::negative.binomial(theta = 1 / alpha[i]), control = glm.control(epsilon = 1e-12, maxit = 200)))
    c(coef(fit), sqrt(diag(summary(fit, dispersion = 1)$cov.scaled)))
  }))
}
"""


def log_prob(counts, mean, alpha):
    """Of scipy, one gene."""
    return nbinom.logpmf(counts, 1 / alpha, 1 / (1 + alpha * mean)).sum()


def by_bfgs(counts, offset, design, alpha, precision):
    """Mode of one gene's penalised likelihood by a general optimiser."""

    def loss(beta):
        mean = np.exp(np.clip(design @ beta + offset, -40, 40))
        return -log_prob(counts, mean, alpha) + 0.5 * precision @ beta**2

    start = np.zeros(design.shape[1])
    start[0] = np.log(counts.mean() + 0.1)
    simplex = minimize(
        loss, start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10, "maxiter": 9000}
    )
    return simplex.x, -simplex.fun


@pytest.fixture(scope="module")
def data():
    """40 genes, 10 samples, an intercept, a group and a numeric covariate."""
    rng = np.random.default_rng(11)
    design = np.column_stack([np.ones(10), np.repeat([0.0, 1.0], 5), rng.normal(0, 1, 10)])
    beta = np.column_stack([rng.normal(4, 1, 40), rng.normal(0, 1, 40), rng.normal(0, 0.5, 40)])
    offset = rng.normal(0, 0.4, 10)
    alpha = np.exp(rng.uniform(np.log(0.01), np.log(1), 40))
    counts = nb_counts(rng, np.exp(beta @ design.T + offset), alpha).astype(float)
    return counts, offset, design, alpha


def test_log_likelihood_is_that_of_scipy():
    rng = np.random.default_rng(0)
    mean = np.exp(rng.normal(2, 3, (20, 6)))
    alpha = np.exp(rng.uniform(np.log(1e-6), np.log(20), 20))
    counts = nb_counts(rng, mean, alpha)
    counts[0] = 0
    expected = nbinom.logpmf(counts, 1 / alpha[:, None], 1 / (1 + alpha[:, None] * mean))
    np.testing.assert_allclose(log_likelihood(counts, mean, alpha), expected, rtol=1e-7, atol=1e-6)


def test_probabilities_sum_to_one():
    values = np.arange(5000.0)[None]
    total = np.exp(log_likelihood(values, np.full_like(values, 30.0), np.array([0.7]))).sum()
    assert total == pytest.approx(1, abs=1e-9)


@pytest.mark.needs_r
def test_fit_is_that_of_r(data):
    counts, offset, design, alpha = data
    expected = in_r(R_GLM, r_matrix(counts), r_design(design), r_vector(offset), r_vector(alpha))
    expected = expected.reshape(len(counts), 6)
    fit = fit_glm(counts, offset, design, alpha, ridge=np.full(3, 1e-10))
    np.testing.assert_allclose(fit.beta, expected[:, :3], atol=1e-5)
    error = np.sqrt(np.linalg.inv(fit.information)[:, [0, 1, 2], [0, 1, 2]])
    np.testing.assert_allclose(error, expected[:, 3:], rtol=1e-4)
    weak = fit_glm(counts, offset, design, alpha)
    ridge = penalty(design)
    pull = np.linalg.solve(fit.information + np.diag(ridge), (ridge * expected[:, :3])[:, :, None])[:, :, 0]
    np.testing.assert_allclose(weak.beta, expected[:, :3] - pull, atol=2e-3)
    assert np.abs(weak.beta - expected[:, :3]).max() < 0.05, "the weak prior is not weak"


def r_design(design):
    import rpy2.robjects as ro

    return ro.r.matrix(r_vector(np.ravel(design, order="F")), nrow=len(design))


def test_fit_is_the_penalised_mode(data):
    counts, offset, design, alpha = data
    fit = fit_glm(counts, offset, design, alpha)
    for gene in (0, 7, 23):
        mode, _ = by_bfgs(counts[gene], offset, design, alpha[gene], penalty(design))
        np.testing.assert_allclose(fit.beta[gene], mode, atol=1e-4)
        np.testing.assert_allclose(fit.mean[gene], np.exp(design @ fit.beta[gene] + offset), rtol=1e-9)


def test_information_is_the_expected_curvature(data):
    counts, offset, design, alpha = data
    fit = fit_glm(counts, offset, design, alpha)
    weight = fit.mean[4] / (1 + alpha[4] * fit.mean[4])
    np.testing.assert_allclose(fit.information[4], design.T @ np.diag(weight) @ design, rtol=1e-9)


def test_chunks_change_nothing(data, monkeypatch):
    counts, offset, design, alpha = data
    whole = fit_glm(counts, offset, design, alpha)
    monkeypatch.setattr(nb_glm, "CHUNK_ELEMENTS", 63)  # 7 genes at a time
    parts = fit_glm(counts, offset, design, alpha, start=np.zeros((40, 3)))
    np.testing.assert_allclose(parts.beta, whole.beta, atol=1e-5)


def test_penalty_spares_the_intercept():
    design = np.column_stack([np.ones(4), [0, 0, 1, 1]])
    np.testing.assert_allclose(penalty(design, 8.0), [1e-8, 1 / 64])


def test_adjusted_profile_by_hand(data):
    counts, offset, design, _ = (part[:2] if i == 0 else part for i, part in enumerate(data))
    grid = np.log([[0.05, 0.3, 2.0], [0.02, 0.1, 0.5]])
    found, fits = adjusted_profile(counts, offset, design, grid)
    assert len(fits) == 3 and found.shape == (2, 3)
    precision = penalty(design)
    for gene in range(2):
        for node in range(3):
            alpha = np.exp(grid[gene, node])
            mode, best = by_bfgs(counts[gene], offset, design, alpha, precision)
            mean = np.exp(design @ mode + offset)
            information = design.T @ np.diag(mean / (1 + alpha * mean)) @ design + np.diag(precision)
            expected = best - 0.5 * np.log(np.linalg.det(information))
            assert found[gene, node] == pytest.approx(expected, abs=1e-3)


def test_separated_gene_stays_finite():
    design = np.column_stack([np.ones(8), np.repeat([0.0, 1.0], 4)])
    counts = np.array(
        [[0, 0, 0, 0, 90, 110, 95, 100], [50, 40, 60, 55, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0]], float
    )
    fit = fit_glm(counts, np.zeros(8), design, np.full(3, 0.1), iterations=100)
    assert (
        np.isfinite(fit.beta).all() and np.isfinite(np.linalg.inv(fit.information + 1e-9 * np.eye(2))).all()
    )
    assert 4 < fit.beta[0, 1] < 20 and -20 < fit.beta[1, 1] < -4
    for gene in range(3):
        mode, _ = by_bfgs(counts[gene], np.zeros(8), design, 0.1, penalty(design))
        np.testing.assert_allclose(fit.beta[gene], mode, atol=2e-2)


def test_all_zero_gene_is_no_error():
    design = np.column_stack([np.ones(6), np.repeat([0.0, 1.0], 3)])
    fit = fit_glm(np.zeros((1, 6)), np.zeros(6), design, np.array([0.1]))
    assert np.isfinite(fit.beta).all() and abs(fit.beta[0, 1]) < 1e-4 and fit.mean.max() < 1e-3


@pytest.fixture(scope="module")
def shrinkable():
    counts, design, depth, lfc, dispersion = two_groups(12, genes=50, replicates=4, de=0.4)
    fit = fit_glm(
        counts.astype(float), np.log(depth), design, dispersion, ridge=np.full(2, 1e-8), iterations=100
    )
    error = np.sqrt(np.linalg.inv(fit.information)[:, 1, 1])
    return counts.astype(float), design, depth, dispersion, fit.beta[:, 1], error


def test_apeglm_is_that_of_pydeseq2(shrinkable):
    from pydeseq2.utils import nbinomGLM

    counts, design, depth, dispersion, natural, error = shrinkable
    scale = prior_scale(natural, error)
    found, found_error = shrink(counts, depth, design, 1, dispersion, natural / LN2, error / LN2)
    theirs = np.empty(50)
    for gene in range(50):
        beta, _, _ = nbinomGLM(
            design, counts[gene], 1 / dispersion[gene], np.log(depth), NO_SHRINK_SCALE, scale, shrink_index=1
        )
        theirs[gene] = beta[1] / LN2
    np.testing.assert_allclose(found, theirs, atol=1e-2)
    assert np.abs(found).mean() < np.abs(natural / LN2).mean(), "nothing was shrunken"


def test_apeglm_error_is_the_curvature_of_its_posterior(shrinkable):
    """PyDESeq2 0.5.4 adds its prior's curvatures to whole columns of the Hessian, so it is no reference here."""
    counts, design, depth, dispersion, natural, error = shrinkable
    scale = prior_scale(natural, error)
    mode, found = shrink(counts, depth, design, 1, dispersion, natural / LN2, error / LN2)
    for gene in (0, 5, 12, 33):

        def loss(beta, gene=gene):
            mean = np.exp(design @ beta) * depth
            prior = np.log1p((beta[1] / scale) ** 2) + 0.5 * (beta[0] / NO_SHRINK_SCALE) ** 2
            return prior - log_prob(counts[gene], mean, dispersion[gene])

        at = minimize(loss, [np.log(counts[gene].mean()), mode[gene] * LN2], method="Nelder-Mead", options={
            "xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000}).x  # fmt: skip
        assert at[1] / LN2 == pytest.approx(mode[gene], abs=1e-4)
        step = 1e-3 * np.eye(2)
        hessian = np.array([
            [(loss(at + a + b) - loss(at + a - b) - loss(at - a + b) + loss(at - a - b)) / 4e-6 for b in step]
            for a in step
        ])  # fmt: skip
        expected = np.sqrt(np.linalg.inv(hessian)[1, 1]) / LN2
        assert found[gene] == pytest.approx(expected, rel=2e-3)


def test_apeglm_prior_scale_solves_its_equation(shrinkable):
    *_, natural, error = shrinkable
    prior = prior_scale(natural * 0.3, error) ** 2
    assert 1e-3 < prior < 1
    weight = 1 / (2 * (prior + error**2) ** 2)
    assert (weight @ ((natural * 0.3) ** 2 - error**2)) / weight.sum() == pytest.approx(prior, abs=1e-6)


def test_apeglm_keeps_what_r_could_not_estimate(shrinkable):
    counts, design, depth, dispersion, natural, error = shrinkable
    natural = natural.copy()
    natural[3] = np.nan
    found, found_error = shrink(counts, depth, design, 1, dispersion, natural / LN2, error / LN2)
    assert np.isnan(found[3]) and np.isnan(found_error[3]) and np.isfinite(np.delete(found, 3)).all()
