"""Held-out scores against scipy, calibration of known negative binomials, the masked-value protocol."""

import dataclasses

import numpy as np
import pytest
from scipy import sparse
from scipy.special import gammaln
from scipy.stats import kstest, nbinom, pearsonr, poisson

from workflow_scripts.lib.data.neighbours import knn_graph
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.metrics.count_calibration import (
    chance_deviation,
    ecdf_deviation,
    interval_coverage,
    randomised_pit,
)
from workflow_scripts.lib.metrics.held_out_counts import (
    held_out_scores,
    mask_values,
    masked_baselines,
    masked_scores,
    thin_counts,
)
from workflow_scripts.lib.stats import rate_baselines
from workflow_scripts.lib.stats.rate_baselines import Rates, gene_mean, observed, smoothed


@dataclasses.dataclass(frozen=True)
class Given:
    values: np.ndarray

    @property
    def shape(self):
        return self.values.shape

    def block(self, start, stop):
        return self.values[start:stop]


@pytest.fixture(scope="module")
def counts():
    generator = np.random.default_rng(0)
    rates = generator.dirichlet(np.full(30, 0.5), 200)
    found = generator.poisson(rates * generator.lognormal(5, 0.6, (200, 1)))
    return rates, sparse.csr_matrix(found.astype(np.int32))


def test_thinning_splits_every_count(counts):
    _, whole = counts
    train, out = thin_counts(whole, 0.1, seed=0)
    assert (train + out != whole).nnz == 0 and train.dtype == out.dtype == np.int32
    assert (train.data > 0).all() and (out.data > 0).all()
    assert out.sum() == pytest.approx(0.1 * whole.sum(), rel=0.05)
    assert (thin_counts(whole, 0.1, 0)[1] != out).nnz == 0
    assert (thin_counts(whole, 0.1, 1)[1] != out).nnz > 100
    unsorted = whole[:, ::-1][:, ::-1]
    assert (thin_counts(unsorted, 0.1, 0)[1] != out).nnz == 0
    with pytest.raises(LatentomeError, match="held-out share: 1.5"):
        thin_counts(whole, 1.5, 0)


def test_scores_are_scipys(counts, monkeypatch):
    monkeypatch.setattr(rate_baselines, "BLOCK_VALUES", 30 * 17)
    rates, whole = counts
    train, out = thin_counts(whole, 0.2, seed=0)
    found = held_out_scores(Given(rates), train, out, share=0.2)
    seen, depth = out.toarray(), np.asarray(train.sum(axis=1)).ravel() / 4
    by_spot = (poisson.logpmf(seen, rates * depth[:, None]) + gammaln(seen + 1)).sum(axis=1)
    np.testing.assert_allclose(found.by_spot, by_spot)
    np.testing.assert_array_equal(found.umis, seen.sum(axis=1))
    assert found.log_likelihood == pytest.approx(by_spot.sum() / seen.sum())
    shares = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    kept = np.flatnonzero(seen.sum(axis=0) >= 50)
    each = [pearsonr(np.log1p(1e4 * shares[:, g]), np.log1p(1e4 * rates[:, g])).statistic for g in kept]
    np.testing.assert_allclose(found.by_gene[kept], each)
    assert found.pearson == pytest.approx(np.median(each)) and found.genes == len(kept)


def test_truth_beats_every_baseline_and_the_gene_mean_correlates_with_nothing(counts):
    rates, whole = counts
    train, out = thin_counts(whole, 0.1, seed=0)
    truth, mean, raw = (
        held_out_scores(r, train, out) for r in (Given(rates), gene_mean(train), observed(train))
    )
    assert truth.log_likelihood > raw.log_likelihood > mean.log_likelihood and mean.pearson == 0
    graph = knn_graph(np.random.default_rng(1).uniform(size=(200, 2)), 6)  # places without meaning
    assert held_out_scores(smoothed(train, graph, 1), train, out).log_likelihood < raw.log_likelihood


def test_held_out_counts_are_not_seen_by_the_rates(counts):
    _, whole = counts
    train, out = thin_counts(whole, 0.1, seed=0)
    poisoned = out.copy()
    poisoned.data[:] = 10**6
    before, after = (held_out_scores(gene_mean(train), train, part).by_spot for part in (out, poisoned))
    depth = np.asarray(train.sum(axis=1)).ravel() / 9
    rate = gene_mean(train).block(0, 200)
    expected = (poisoned.toarray() * np.log(rate * depth[:, None])).sum(axis=1) - depth
    np.testing.assert_allclose(after, expected)
    assert not np.allclose(before, after)


def test_a_spot_without_training_counts_is_left_out(counts):
    rates, whole = counts
    train, out = thin_counts(whole, 0.1, seed=0)
    emptied = train.tolil()
    emptied[3] = 0
    found = held_out_scores(Given(rates), emptied.tocsr(), out)
    assert found.umis[3] == found.by_spot[3] == 0 and np.isfinite(found.log_likelihood)


def test_mistakes_are_named(counts):
    rates, whole = counts
    train, out = thin_counts(whole, 0.1, seed=0)
    with pytest.raises(LatentomeError, match="same spots and genes"):
        held_out_scores(Given(rates[:5]), train, out)
    with pytest.raises(LatentomeError, match="strictly positive"):
        held_out_scores(Given(np.zeros_like(rates)), train, out)
    with pytest.raises(LatentomeError, match="no UMI is held out"):
        held_out_scores(Given(rates), train, 0 * out)
    assert isinstance(gene_mean(train), Rates)


@pytest.fixture(scope="module")
def masked(counts):
    return mask_values(counts[1], 0.1, seed=0)


def test_hidden_values_are_hidden(counts, masked):
    whole = counts[1].toarray()
    visible = masked.visible.toarray()
    assert len(masked.values) == pytest.approx(0.1 * (whole > 0).sum(), rel=0.15)
    assert (visible[masked.spots, masked.genes] == 0).all()
    restored = visible.copy()
    restored[masked.spots, masked.genes] = whole[masked.spots, masked.genes]
    np.testing.assert_array_equal(restored, whole)
    expected = np.log1p(1e4 * whole / whole.sum(axis=1, keepdims=True))[masked.spots, masked.genes]
    np.testing.assert_allclose(masked.values, expected)


def test_rules_without_a_model_by_hand(counts, masked, monkeypatch):
    monkeypatch.setattr(rate_baselines, "BLOCK_VALUES", 30 * 17)
    graph = knn_graph(np.random.default_rng(1).uniform(size=(200, 2)), 6)
    found = masked_baselines(masked, graph)
    visible, depth = masked.visible.toarray(), counts[1].toarray().sum(axis=1)
    logs = np.log1p(1e4 * visible / depth[:, None])
    seen = visible > 0
    for place in range(0, len(masked.values), 25):
        spot, gene = masked.spots[place], masked.genes[place]
        mean = np.expm1(np.log1p(visible[seen[:, gene], gene]).mean())
        assert found["library size"][place] == pytest.approx(np.log1p(1e4 * mean / depth[spot]))
        assert found["count of one"][place] == pytest.approx(np.log1p(1e4 / depth[spot]))
        gene_log = logs[seen[:, gene], gene].mean()
        assert found["gene mean"][place] == pytest.approx(gene_log)
        near = graph[[spot]].indices
        near = near[seen[near, gene]]
        expected = logs[near, gene].mean() if len(near) else gene_log
        assert found["neighbour mean"][place] == pytest.approx(expected, rel=1e-6)


def test_masked_scores_by_hand(masked):
    perfect = masked_scores(masked.values, masked)
    assert perfect == {"l1": 0, "cosine": pytest.approx(1), "pearson": pytest.approx(1)}
    worse = masked_scores(masked.values + 1, masked)
    assert worse["l1"] == pytest.approx(1) and worse["cosine"] < 1 and worse["pearson"] == pytest.approx(1)


def test_counts_shallow_enough_are_predicted_by_the_depth_alone():
    """Rates the same everywhere, no pattern at all: the protocol still hands out a high score."""
    generator = np.random.default_rng(0)
    rates = generator.dirichlet(np.full(300, 2.0))
    whole = generator.poisson(rates * generator.lognormal(5, 0.7, (400, 1)))
    hidden = mask_values(sparse.csr_matrix(whole), 0.1, 0)
    graph = knn_graph(generator.uniform(size=(400, 2)), 6)
    scores = {name: masked_scores(v, hidden) for name, v in masked_baselines(hidden, graph).items()}
    assert scores["library size"]["pearson"] > 0.7 and scores["library size"]["cosine"] > 0.98
    assert scores["library size"]["pearson"] > scores["neighbour mean"]["pearson"]


@pytest.fixture(scope="module")
def drawn():
    generator = np.random.default_rng(0)
    mean, alpha = generator.lognormal(1, 1.2, (800, 25)), generator.uniform(0.1, 0.6, 25)
    return nbinom.rvs(1 / alpha, 1 / (1 + alpha * mean), random_state=generator), mean, alpha


def test_the_transform_is_uniform_only_for_the_right_dispersion(drawn):
    counts, mean, alpha = drawn
    pit = randomised_pit(counts, mean, alpha, seed=0)
    assert pit.shape == counts.shape and pit.min() >= 0 and pit.max() <= 1
    assert ecdf_deviation(pit) == pytest.approx(kstest(pit.ravel(), "uniform").statistic)
    assert kstest(pit.ravel(), "uniform").pvalue > 0.01
    for wrong in (alpha * 3, alpha / 3, 0 * alpha):
        assert ecdf_deviation(randomised_pit(counts, mean, wrong, 0)) > 5 * ecdf_deviation(pit)
    assert ecdf_deviation(randomised_pit(counts, 1.3 * mean, alpha, 0)) > 5 * ecdf_deviation(pit)
    np.testing.assert_array_equal(pit, randomised_pit(counts, mean, alpha, seed=0))


def test_no_dispersion_is_poisson(drawn):
    mean = drawn[1]
    counts = np.random.default_rng(0).poisson(mean)
    assert kstest(randomised_pit(counts, mean, np.zeros(25), 0).ravel(), "uniform").pvalue > 0.01


def test_coverage_is_that_of_large_means_beside_what_whole_counts_allow(drawn):
    counts, mean, alpha = drawn
    found = interval_coverage(counts, mean, alpha)
    assert found.counts == (mean >= 5).sum() > 3000
    assert 0.9 <= found.expected < 0.93 and found.observed == pytest.approx(found.expected, abs=0.012)
    assert interval_coverage(counts, mean, alpha / 3).observed < found.expected - 0.08
    assert interval_coverage(counts, mean, alpha * 3).observed > found.expected + 0.04
    # The reason for the threshold: nothing is wrong here, yet the share is far from the level.
    assert interval_coverage(counts, mean, alpha, least_mean=0).observed > 0.92
    nothing = interval_coverage(counts, mean, alpha, least_mean=1e9)
    assert nothing.counts == 0 and np.isnan(nothing.observed)


def test_chance_alone_deviates_that_far_in_one_of_twenty():
    rng = np.random.default_rng(0)
    found = np.array([ecdf_deviation(rng.random(300)) for _ in range(2000)])
    assert (found > chance_deviation(300)).mean() == pytest.approx(0.05, abs=0.015)
