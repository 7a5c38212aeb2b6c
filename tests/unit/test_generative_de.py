"""Generative differential expression: known effects come back, with errors and calls that mean what they say."""

import numpy as np
import pandas as pd
import pytest
from de_toys import nb_counts, two_groups

from workflow_scripts.lib.data.bulk import BulkCounts
from workflow_scripts.lib.stats.generative_de import (
    ContrastLikelihood,
    contrast_likelihood,
    contrast_posterior,
    de_table,
    residual_factors,
)
from workflow_scripts.lib.stats.shrinkage import expected_fdr
from workflow_scripts.lib.stats.size_factors import median_of_ratios

GROUP = np.array([0.0, 1.0])
DELTA = 0.25


def balanced(n):
    return np.column_stack([np.ones(n), np.tile([0.0, 1.0], n // 2)])


def test_residual_factors_are_orthogonal_to_the_design():
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(24), np.repeat([0, 1], 12), rng.normal(size=24)])
    factors = residual_factors(rng.normal(size=(24, 6)) + 5 * design[:, 1:2], design)
    assert factors.shape == (24, 21 // 5)
    np.testing.assert_allclose(design.T @ factors, 0, atol=1e-9)
    np.testing.assert_allclose(factors.T @ factors, 24 * np.eye(4), atol=1e-9)


@pytest.mark.parametrize(
    "samples, at_most, expected", [(12, None, 2), (12, 1, 1), (12, 9, 2), (12, 0, 0), (6, None, 0)]
)
def test_number_of_residual_factors(samples, at_most, expected):
    latent = np.random.default_rng(1).normal(size=(samples, 4))
    assert residual_factors(latent, balanced(samples), at_most).shape == (samples, expected)


def test_a_latent_space_that_the_design_explains_gives_no_factor():
    design = balanced(12)
    latent = design @ np.array([[1.0, 2.0], [3.0, -1.0]])
    assert residual_factors(latent + 1e-13, design).shape[1] == 0


def likelihood_of(draws, nodes, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(nodes), (5, draws)) / draws
    return ContrastLikelihood(
        rng.normal(size=(5, draws * nodes)),
        rng.random((5, draws * nodes)) + 0.1,
        weights.reshape(5, -1),
        np.ones(5),
    )


def test_of_draw_takes_the_draws_own_nodes():
    whole = likelihood_of(3, 9)
    parts = [whole.of_draw(k, 3) for k in range(3)]
    np.testing.assert_array_equal(np.hstack([part.means for part in parts]), whole.means)
    np.testing.assert_array_equal(parts[1].sds, whole.sds[:, 9:18])
    for part in parts:
        np.testing.assert_allclose(part.weights.sum(axis=1), 1)
    np.testing.assert_allclose(np.mean([part.estimate for part in parts], axis=0), whole.estimate)


@pytest.mark.parametrize("nodes, draws", [(9, 4), (9, 3), (10, 5)])
def test_of_draw_keeps_what_was_not_told_apart(nodes, draws):
    whole = likelihood_of(1, nodes)
    assert whole.of_draw(draws - 1, draws) is whole


def test_known_effects_come_back():
    """Many samples and little noise: the estimate is log2 of the ratio that was put in, its error is right."""
    rng = np.random.default_rng(2)
    lfc = np.linspace(-3, 3, 61)
    depth = np.exp(rng.normal(0, 0.3, 40))
    design = balanced(40)
    counts = nb_counts(rng, 500 * 2.0 ** (lfc[:, None] * design[:, 1]) * depth, np.full(61, 0.05)).astype(
        float
    )
    found = contrast_likelihood(counts, depth, design, GROUP)
    np.testing.assert_allclose(found.estimate, lfc, atol=0.45)
    expected_error = np.sqrt((0.05 + 1 / 500) * 2 / 20) / np.log(2)
    sd = np.sqrt((found.weights * (found.sds**2 + found.means**2)).sum(axis=1) - found.estimate**2)
    assert np.median(sd) == pytest.approx(expected_error, rel=0.2)
    z = (found.estimate - lfc) / sd
    assert 0.75 < z.std() < 1.3 and abs(z.mean()) < 0.45
    assert np.exp(np.median(np.log(found.dispersion))) == pytest.approx(0.05, rel=0.3)


def test_contrast_direction_and_scale():
    counts, design, depth, *_ = two_groups(3, genes=80, de=0.5)
    one = contrast_likelihood(counts.astype(float), depth, design, GROUP)
    other = contrast_likelihood(counts.astype(float), depth, design, -2 * GROUP)
    np.testing.assert_allclose(other.means, -2 * one.means, rtol=1e-9)
    np.testing.assert_allclose(other.sds, 2 * one.sds, rtol=1e-9)


def test_size_factors_shift_no_effect():
    """Twice the depth of one group is no effect: the offset takes it up."""
    counts, design, depth, lfc, _ = two_groups(4, genes=200, replicates=8, de=0.2, depth_sd=0.0)
    rng = np.random.default_rng(5)
    thinned = counts.copy()
    thinned[:, design[:, 1] == 1] = rng.binomial(counts[:, design[:, 1] == 1], 0.5)
    found = contrast_likelihood(thinned.astype(float), np.where(design[:, 1] == 1, 0.5, 1.0), design, GROUP)
    assert abs(np.median(found.estimate - lfc)) < 0.05


@pytest.fixture(scope="module")
def simulated():
    counts, design, _, lfc, _ = two_groups(6, genes=1500, replicates=6, de=0.1)
    kept = counts.sum(axis=1) >= 10
    counts, lfc = counts[kept].astype(float), lfc[kept]
    size_factors = median_of_ratios(counts)
    found = contrast_likelihood(counts, size_factors, design, GROUP)
    return counts, size_factors, design, lfc, found, contrast_posterior(found, DELTA)[0]


def test_called_genes_keep_the_false_discovery_rate(simulated):
    *_, lfc, _, posterior = simulated
    called = expected_fdr(posterior.prob_large) < 0.05
    assert (lfc[called] == 0).mean() <= 0.10
    assert called[np.abs(lfc) > 1.5].mean() > 0.8, "no power"


def test_intervals_cover_the_truth(simulated):
    *_, lfc, _, posterior = simulated
    covered = (posterior.lower <= lfc) & (lfc <= posterior.upper)
    assert 0.90 <= covered.mean() <= 0.985
    assert covered[lfc != 0].mean() > 0.85


def test_shrinkage_lowers_the_error(simulated):
    *_, lfc, found, posterior = simulated
    shrunken, raw = (np.sqrt(np.mean((x - lfc) ** 2)) for x in (posterior.mean, found.estimate))
    assert shrunken < 0.8 * raw
    large = np.abs(lfc) > 2
    assert np.abs(posterior.mean[large]).mean() > 0.8 * np.abs(lfc[large]).mean(), "large effects are lost"


def test_permuted_labels_call_nothing(simulated):
    counts, size_factors, design, *_ = simulated
    order = np.array([0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11])  # three of each group on either side
    null = contrast_likelihood(counts, size_factors, design[order], GROUP)
    posterior, prior = contrast_posterior(null, DELTA)
    assert (expected_fdr(posterior.prob_large) < 0.05).mean() <= 0.05
    assert np.median(np.abs(posterior.mean)) < 0.1


def test_table_is_the_posterior(simulated):
    counts, size_factors, design, _, found, posterior = simulated
    ids = pd.Index([f"g{i}" for i in range(len(counts))], name="gene_id")
    samples = [f"s{i}" for i in range(12)]
    data = BulkCounts(
        pd.DataFrame(counts.astype(int), index=ids, columns=samples),
        pd.DataFrame({"condition": design[:, 1].astype(str)}, index=samples),
        size_factors,
        pd.Series([f"G{i}" for i in range(len(counts))], index=ids),
        None,
    )
    table = de_table(data, found, DELTA)
    assert list(table.columns[:7]) == [
        "gene_id",
        "symbol",
        "baseMean",
        "log2FoldChange",
        "lfcSE",
        "pvalue",
        "padj",
    ]
    assert {"lfc_lower", "lfc_upper", "prob_de"} <= set(table) and table.pvalue.isna().all()
    np.testing.assert_allclose(table.baseMean, (counts / size_factors).mean(axis=1))
    np.testing.assert_allclose(table.log2FoldChange, posterior.mean)
    np.testing.assert_allclose(table.padj, expected_fdr(posterior.prob_large))
    assert table.symbol[7] == "G7" and (table.lfc_lower <= table.lfc_upper).all()
    assert table.prob_de.between(0, 1).all() and table.prob_null.between(0, 1).all()


@pytest.fixture(scope="module")
def hidden():
    """No effect of the group; half of the genes follow a factor that the design does not know."""
    rng = np.random.default_rng(9)
    n, genes = 20, 500
    factor = rng.normal(size=n)
    design = balanced(n)
    factor -= design @ np.linalg.lstsq(design, factor, rcond=None)[0]
    factor /= factor.std()
    loading = np.where(np.arange(genes) < genes // 2, rng.normal(0, 0.8, genes), 0.0)
    mean = np.exp(rng.normal(5, 1, genes))
    lfc = np.where(np.arange(genes) % 10 == 0, 1.5, 0.0)
    log_rate = np.log(mean)[:, None] + loading[:, None] * factor + np.log(2) * lfc[:, None] * design[:, 1]
    counts = nb_counts(rng, np.exp(log_rate), np.full(genes, 0.05)).astype(float)
    return counts, design, factor[:, None], lfc, loading


def test_a_hidden_factor_is_taken_up(hidden):
    counts, design, factor, lfc, loading = hidden
    ones = np.ones(len(design))
    without = contrast_likelihood(counts, ones, design, GROUP)
    with_it = contrast_likelihood(counts, ones, design, GROUP, [factor], 1)
    driven = np.abs(loading) > 0.5
    ratio = with_it.dispersion[driven] / without.dispersion[driven]
    assert np.median(ratio) < 0.5, "the factor explains no overdispersion"
    quiet = loading == 0
    assert 0.7 < np.median(with_it.dispersion[quiet] / without.dispersion[quiet]) < 1.1
    posterior, _ = contrast_posterior(with_it, DELTA)
    called = expected_fdr(posterior.prob_large) < 0.05
    assert called.sum() >= 20 and (lfc[called] == 0).mean() <= 0.15
    covered = (posterior.lower <= lfc) & (lfc <= posterior.upper)
    assert covered[driven].mean() > 0.85, "a factor's variance must stay in the effect's error"


def test_a_factors_variance_stays_in_the_effects_error(hidden):
    """The effect of a group is its mean over new samples: loading^2 x (1/10 + 1/10) is part of its variance."""
    counts, design, factor, _, loading = hidden
    found = contrast_likelihood(counts, np.ones(len(design)), design, GROUP, [factor], 1)
    driven = np.abs(loading) > 0.5
    own = np.abs(loading[driven]) * np.sqrt((1 / 10 + 1 / 10) * 20 / 18) / np.log(2)
    assert 0.9 < np.median((found.weights * found.sds).sum(axis=1)[driven] / own) < 1.3


def test_draws_are_mixed_with_equal_weight(hidden):
    counts, design, factor, *_ = hidden
    some = counts[:60]
    rng = np.random.default_rng(0)
    latents = [factor + rng.normal(0, 0.05, factor.shape) for _ in range(2)]
    both = contrast_likelihood(some, np.ones(20), design, GROUP, latents, 1)
    np.testing.assert_allclose(both.weights.sum(axis=1), 1)
    for place, latent in enumerate(latents):
        alone = contrast_likelihood(some, np.ones(20), design, GROUP, [latent], 1)
        np.testing.assert_allclose(both.of_draw(place, 2).means, alone.means, rtol=1e-9)
        np.testing.assert_allclose(both.of_draw(place, 2).weights, alone.weights, rtol=1e-9)


def test_no_factors_asked_for_is_the_design_alone(hidden):
    counts, design, factor, *_ = hidden
    alone = contrast_likelihood(counts[:40], np.ones(20), design, GROUP)
    none = contrast_likelihood(counts[:40], np.ones(20), design, GROUP, [factor, factor], 0)
    np.testing.assert_array_equal(none.means, alone.means)
