"""The bulk study's statistics against scipy, R, PyDESeq2, closed forms and Monte Carlo."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

from workflow_scripts.lib.data.simulate_counts import simulate_counts
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats import apeglm, dispersion, generative_de, nb_glm, shrinkage
from workflow_scripts.lib.stats.size_factors import median_of_ratios, poscounts, size_factors


@pytest.fixture(scope="module")
def simulated():
    made = simulate_counts(1500, 6, 0.1, seed=5, batch=False)
    counts = made.counts[made.counts.sum(axis=1) >= 10]
    truth = made.truth.set_index("gene_id").loc[counts.index]
    design = np.column_stack([np.ones(12), (made.samples.condition == "treated")]).astype(float)
    return counts.to_numpy(float), size_factors(counts.to_numpy()), design, truth


def r_size_factors(counts, kind, control=None):
    import rpy2.robjects as robjects

    matrix = robjects.r.matrix(
        robjects.IntVector(counts.ravel(order="F").astype(int).tolist()), nrow=len(counts)
    )
    code = """function(m, kind, control) { suppressMessages(library(DESeq2))
      d <- DESeqDataSetFromMatrix(m, data.frame(a = seq_len(ncol(m))), ~1)
      if (length(control) > 0) d <- estimateSizeFactors(d, type = kind, controlGenes = control)
      else d <- estimateSizeFactors(d, type = kind)
      sizeFactors(d) }"""
    rows = [] if control is None else (np.flatnonzero(control) + 1).tolist()
    return np.array(robjects.r(code)(matrix, kind, robjects.IntVector(rows)))


def test_size_factors_are_those_of_deseq2(simulated):
    counts = simulated[0]
    np.testing.assert_allclose(median_of_ratios(counts), r_size_factors(counts, "ratio"), rtol=1e-10)
    control = np.arange(len(counts)) % 7 == 0
    np.testing.assert_allclose(
        median_of_ratios(counts, control), r_size_factors(counts, "ratio", control), rtol=1e-10
    )
    holes = counts.copy()
    holes[np.arange(len(holes)), np.arange(len(holes)) % 12] = 0
    np.testing.assert_allclose(poscounts(holes), r_size_factors(holes, "poscounts"), rtol=1e-8)


def test_a_zero_in_every_gene_suggests_poscounts():
    counts = np.ones((12, 12)) - np.eye(12)
    with pytest.raises(LatentomeError, match="size_factors: poscounts"):
        size_factors(counts)


def test_log_likelihood_is_scipys():
    rng = np.random.default_rng(0)
    mean, alpha = rng.uniform(0.1, 500, (20, 8)), rng.uniform(0.01, 3, 20)
    counts = rng.poisson(mean)
    size = 1 / alpha[:, None]
    expected = stats.nbinom.logpmf(counts, size, size / (size + mean))
    np.testing.assert_allclose(nb_glm.log_likelihood(counts, mean, alpha), expected, rtol=1e-8, atol=1e-8)


def test_glm_finds_the_mode_of_a_direct_optimisation(simulated):
    counts, factors, design, _ = simulated
    alpha = np.full(20, 0.2)
    fit = nb_glm.fit_glm(counts[:20], np.log(factors), design, alpha)
    ridge = nb_glm.penalty(design)
    for gene in range(20):

        def loss(beta, gene=gene):
            mean = np.exp(design @ beta) * factors
            return -stats.nbinom.logpmf(counts[gene], 5, 5 / (5 + mean)).sum() + 0.5 * (ridge * beta**2).sum()

        found = minimize(loss, fit.beta[gene] + 0.1, method="BFGS", options={"gtol": 1e-8})
        np.testing.assert_allclose(fit.beta[gene], found.x, atol=2e-4)


def test_chunks_do_not_change_a_fit(simulated, monkeypatch):
    counts, factors, design, _ = simulated
    alpha = np.full(len(counts), 0.1)
    whole = nb_glm.fit_glm(counts, np.log(factors), design, alpha)
    monkeypatch.setattr(nb_glm, "CHUNK_ELEMENTS", 400)
    parts = nb_glm.fit_glm(counts, np.log(factors), design, alpha)
    np.testing.assert_allclose(whole.beta, parts.beta, atol=1e-9)
    np.testing.assert_allclose(whole.information, parts.information, rtol=1e-7)


def test_a_separated_gene_stays_finite():
    counts = np.array([[0, 0, 0, 40, 50, 60.0], [0, 0, 0, 0, 0, 3.0]])
    design = np.column_stack([np.ones(6), np.repeat([0, 1], 3)]).astype(float)
    fit = nb_glm.fit_glm(counts, np.zeros(6), design, np.array([0.1, 1.0]))
    assert np.isfinite(fit.beta).all() and (np.abs(fit.beta) < 40).all()
    assert fit.beta[0, 1] > 4


def test_apeglm_is_pydeseq2s(simulated):
    from pydeseq2.utils import nbinomGLM

    counts, factors, design, truth = simulated
    alpha = truth.dispersion.to_numpy()
    unshrunken = nb_glm.fit_glm(counts, np.log(factors), design, alpha)
    lfc = unshrunken.beta[:, 1] / np.log(2)
    error = np.sqrt(np.linalg.inv(unshrunken.information + 1e-8 * np.eye(2))[:, 1, 1]) / np.log(2)
    mode, _ = apeglm.shrink(counts, factors, design, 1, alpha, lfc, error)
    scale = apeglm.prior_scale(lfc * np.log(2), error * np.log(2))
    well = [gene for gene in range(0, len(counts), 40) if counts[gene].min() > 5]
    for gene in well:
        beta, _, _ = nbinomGLM(
            design, counts[gene], 1 / alpha[gene], np.log(factors), 15.0, scale, "L-BFGS-B", 1
        )
        assert mode[gene] == pytest.approx(beta[1] / np.log(2), abs=1e-2)
    assert np.abs(mode).mean() < np.abs(lfc).mean()


def test_trend_is_recovered():
    rng = np.random.default_rng(1)
    mean = np.exp(rng.uniform(1, 9, 4000))
    noisy = (0.05 + 3.0 / mean) * rng.gamma(8, 1 / 8, 4000)
    a0, a1 = dispersion.fit_trend(mean, noisy)
    assert a0 == pytest.approx(0.05, rel=0.1) and a1 == pytest.approx(3.0, rel=0.1)


def test_dispersion_posterior_covers_the_truth(simulated):
    counts, factors, design, truth = simulated
    found = dispersion.dispersion_posterior(counts, np.log(factors), design)
    np.testing.assert_allclose(found.weights.sum(axis=1), 1)
    assert np.corrcoef(np.log(found.mean), np.log(truth.dispersion))[0, 1] > 0.8
    centre = (found.weights * found.log_grid).sum(axis=1)
    sd = np.sqrt((found.weights * (found.log_grid - centre[:, None]) ** 2).sum(axis=1))
    inside = np.abs(centre - np.log(truth.dispersion)) < 1.645 * sd
    assert 0.80 < inside.mean() < 0.97


def one_node(estimate, error):
    return estimate[:, None], error[:, None], np.ones((estimate.size, 1))


def test_posterior_of_one_normal_is_the_closed_form():
    estimate, error = np.array([-2.0, 0.3, 4.0]), np.array([0.5, 1.0, 0.2])
    prior = shrinkage.EffectPrior(np.array([0.0, 1.5]), np.array([1e-300, 1.0]))
    found = shrinkage.posterior(*one_node(estimate, error), prior, threshold=0.25)
    shrink = 1.5**2 / (1.5**2 + error**2)
    np.testing.assert_allclose(found.mean, shrink * estimate, rtol=1e-9)
    np.testing.assert_allclose(found.sd, np.sqrt(shrink) * error, rtol=1e-6)
    normal = stats.norm(shrink * estimate, np.sqrt(shrink) * error)
    np.testing.assert_allclose(found.prob_large, normal.sf(0.25) + normal.cdf(-0.25), rtol=1e-7)


def test_mixture_posterior_agrees_with_monte_carlo():
    rng = np.random.default_rng(2)
    scales, weights = np.array([0.0, 0.3, 2.0]), np.array([0.6, 0.2, 0.2])
    means, sds, nodes = np.array([[0.8, 1.2]]), np.array([[0.4, 0.9]]), np.array([[0.7, 0.3]])
    component = rng.choice(3, 400_000, p=weights)
    effect = rng.standard_normal(component.size) * scales[component]
    likelihood = (nodes * stats.norm.pdf(means, effect[:, None], sds)).sum(axis=1)
    share = likelihood / likelihood.sum()
    found = shrinkage.posterior(means, sds, nodes, shrinkage.EffectPrior(scales, weights), threshold=0.25)
    assert found.mean[0] == pytest.approx((share * effect).sum(), abs=0.01)
    assert found.prob_null[0] == pytest.approx(share[component == 0].sum(), abs=0.01)
    assert found.prob_large[0] == pytest.approx(share[np.abs(effect) > 0.25].sum(), abs=0.01)


def test_prior_learns_the_share_of_nulls():
    rng = np.random.default_rng(3)
    effect = np.where(rng.random(8000) < 0.7, 0.0, rng.normal(0, 2, 8000))
    error = rng.uniform(0.1, 0.4, 8000)
    prior = shrinkage.fit_prior(*one_node(effect + rng.normal(0, error), error))
    small = prior.weights[prior.scales < 0.15].sum()
    assert small == pytest.approx(0.7, abs=0.08)
    assert np.sqrt(prior.weights @ prior.scales**2 / 0.3) == pytest.approx(2.0, rel=0.15)


def test_expected_fdr_is_the_running_mean_and_ties_share_it():
    found = shrinkage.expected_fdr(np.array([0.5, 0.99, 0.9, 0.9]))
    np.testing.assert_allclose(found, [(0.01 + 0.1 + 0.1 + 0.5) / 4, 0.01, 0.21 / 3, 0.21 / 3])


def test_residual_factors_are_orthogonal_to_the_design():
    rng = np.random.default_rng(4)
    design = np.column_stack([np.ones(12), np.repeat([0, 1], 6)]).astype(float)
    factor = generative_de.residual_factors(rng.normal(size=(12, 4)), design)
    assert factor.shape == (12, 2)
    np.testing.assert_allclose(design.T @ factor, 0, atol=1e-9)
    small = generative_de.residual_factors(rng.normal(size=(4, 4)), design[[0, 1, 6, 7]])
    assert small.shape == (4, 0)


def test_generative_de_is_calibrated_and_beats_the_unshrunken_estimate(simulated):
    counts, factors, design, truth = simulated
    contrast, true = np.array([0.0, 1.0]), truth.true_lfc.to_numpy()
    latent = np.random.default_rng(6).normal(size=(12, 4))
    likelihood = generative_de.contrast_likelihood(counts, factors, design, contrast, [latent, latent * 2], 1)
    found, _ = generative_de.contrast_posterior(likelihood, 0.25)
    called = shrinkage.expected_fdr(found.prob_large) < 0.05
    assert (true[called] == 0).mean() <= 0.10
    assert called[true != 0].mean() > 0.45
    covered = (found.lower <= true) & (true <= found.upper)
    assert 0.90 <= covered.mean() <= 0.99

    def rmse(estimate):
        return np.sqrt(np.mean((estimate - true) ** 2))

    assert rmse(found.mean) < 0.7 * rmse(likelihood.estimate)
    one = likelihood.of_draw(1, 2)
    np.testing.assert_allclose(one.weights.sum(axis=1), 1)
    order = np.random.default_rng(8).permutation(12)
    null = generative_de.contrast_likelihood(counts, factors, design[order], contrast, [latent], 1)
    nothing, _ = generative_de.contrast_posterior(null, 0.25)
    assert (shrinkage.expected_fdr(nothing.prob_large) < 0.05).mean() <= 0.05
