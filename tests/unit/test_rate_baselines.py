"""Rate baselines against dense calculations, and on counts whose true rates are known."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import PCA

from workflow_scripts.lib.data.neighbours import knn_graph, propagate, row_mean
from workflow_scripts.lib.stats import rate_baselines
from workflow_scripts.lib.stats.rate_baselines import (
    blocks,
    gene_mean,
    in_memory,
    knn,
    log_svd,
    observed,
    smoothed,
    smoothed_log_svd,
)

SPOTS, GENES = 300, 40


@pytest.fixture(scope="module")
def toy():
    """Two programmes, one along x; true rates, counts, graph."""
    generator = np.random.default_rng(0)
    xy = generator.uniform(0, 1, (SPOTS, 2))
    loadings = generator.normal(0, 0.8, (2, GENES))
    rates = np.exp(
        generator.normal(0, 1, GENES)
        + np.column_stack([3 * xy[:, 0] - 1.5, generator.normal(0, 1, SPOTS)]) @ loadings
    )
    rates /= rates.sum(axis=1, keepdims=True)
    depths = generator.lognormal(4.5, 0.5, SPOTS)
    counts = generator.poisson(rates * depths[:, None])
    counts[7] = 0  # an empty spot
    counts[:, 5] = 0  # a gene never seen
    return rates, sparse.csr_matrix(counts.astype(np.int32)), knn_graph(xy, 6)


MAKERS = {
    "gene mean": lambda counts, graph: gene_mean(counts),
    "observed": lambda counts, graph: observed(counts),
    "1 hop": lambda counts, graph: smoothed(counts, graph, 1),
    "4 hops": lambda counts, graph: smoothed(counts, graph, 4),
    "log-SVD": lambda counts, graph: log_svd(counts, 2, seed=0),
    "smoothed log-SVD": lambda counts, graph: smoothed_log_svd(counts, graph, seed=0, rank=2),
    "kNN": lambda counts, graph: knn(counts, seed=0, components=2),
}


def whole(rates):
    return rates.block(0, rates.shape[0])


@pytest.mark.parametrize("name", MAKERS)
def test_rates_are_positive_fractions_whatever_the_blocks(toy, name):
    _, counts, graph = toy
    rates = MAKERS[name](counts, graph)
    found = whole(rates)
    assert found.dtype == np.float64 and found.shape == rates.shape == counts.shape
    assert (found > 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(
        np.vstack([rates.block(s, s + 7) for s in range(0, SPOTS, 7)]), found, rtol=1e-9
    )
    np.testing.assert_array_equal(whole(MAKERS[name](counts, graph)), found)


@pytest.mark.parametrize("name", MAKERS)
def test_order_of_the_genes_is_carried_through(toy, name):
    _, counts, graph = toy
    order = np.random.default_rng(1).permutation(GENES)
    found = whole(MAKERS[name](counts[:, order], graph))
    np.testing.assert_allclose(found, whole(MAKERS[name](counts, graph))[:, order], rtol=1e-6, atol=1e-12)


def mixed(estimate, counts):
    mean = (counts.sum(axis=0) + 0.5) / (counts + 0.5 / len(counts)).sum()
    sums = estimate.sum(axis=1, keepdims=True)
    return 0.95 * np.where(sums > 0, estimate / np.maximum(sums, 1e-300), mean) + 0.05 * mean


@pytest.mark.parametrize("hops", [1, 2, 4])
def test_smoothing_adds_up_the_neighbours_counts(toy, hops):
    _, counts, graph = toy
    dense = counts.toarray().astype(float)
    expected = propagate(row_mean(graph).toarray().astype(float), dense, hops)[-1]
    np.testing.assert_allclose(whole(smoothed(counts, graph, hops)), mixed(expected, dense), rtol=1e-5)
    shares = dense / np.maximum(dense.sum(axis=1, keepdims=True), 1)
    averaged = propagate(row_mean(graph).toarray().astype(float), shares, hops)[-1]
    found = whole(smoothed(counts, graph, hops, equal_spots=True)) - 0.05 * gene_mean(counts, True).gene_mean
    np.testing.assert_allclose(
        found / 0.95, averaged / averaged.sum(axis=1, keepdims=True), rtol=1e-5, atol=1e-9
    )


def test_gene_mean_is_pooled_or_of_equal_spots(toy):
    _, counts, _ = toy
    dense = counts.toarray().astype(float)
    np.testing.assert_allclose(whole(gene_mean(counts))[3], mixed(0 * dense, dense)[3])
    shares = dense / np.maximum(dense.sum(axis=1, keepdims=True), 1)
    np.testing.assert_allclose(gene_mean(counts, True).gene_mean, shares.mean(axis=0), atol=0.5 / 1e3)


@pytest.mark.parametrize("hops", [0, 2])
def test_low_rank_is_that_of_scikit_learn(toy, hops):
    _, counts, graph = toy
    dense = counts.toarray().astype(float)
    depths = dense.sum(axis=1)
    logs = np.log1p(np.median(depths) * dense / np.maximum(depths, 1)[:, None])
    logs = propagate(row_mean(graph).toarray().astype(float), logs, hops)[-1]
    pca = PCA(3, svd_solver="full").fit(logs)
    estimate = np.maximum(np.expm1(pca.inverse_transform(pca.transform(logs))), 0)
    estimate *= gene_mean(counts).gene_mean / np.maximum(depths / depths.sum() @ estimate, 1e-300)
    found = log_svd(counts, 3, 0) if hops == 0 else smoothed_log_svd(counts, graph, 0, rank=3)
    np.testing.assert_allclose(whole(found)[:, :5], mixed(estimate, dense)[:, :5], rtol=1e-4)


def test_denoising_comes_nearer_to_the_truth(toy):
    rates, counts, graph = toy

    def error(name):
        found = whole(MAKERS[name](counts, graph))
        return (rates * np.log(rates / found)).sum(axis=1)[np.arange(SPOTS) != 7].mean()

    errors = {name: error(name) for name in MAKERS}
    assert errors["log-SVD"] < 0.6 * min(errors["gene mean"], errors["observed"])
    assert errors["kNN"] < 0.6 * min(errors["gene mean"], errors["observed"])
    # Half of the variation is without spatial pattern.
    assert errors["log-SVD"] < errors["4 hops"] < errors["gene mean"]


def test_blocks_cover_every_spot_once(monkeypatch):
    monkeypatch.setattr(rate_baselines, "BLOCK_VALUES", 1000)
    assert blocks((50, 40)) == [(0, 25), (25, 50)]
    assert blocks((3, 5000)) == [(0, 1), (1, 2), (2, 3)]


def test_more_components_than_there_are_is_all_of_them(toy):
    _, counts, graph = toy
    few = counts[:6]
    assert np.isfinite(whole(log_svd(few, 50, 0))).all()
    assert np.isfinite(whole(knn(few, 0))).all()


def test_rates_in_memory_are_the_same(toy):
    train = toy[1]
    for given in (gene_mean(train), log_svd(train, 5, 0)):
        kept = in_memory(given)
        np.testing.assert_allclose(kept.block(0, train.shape[0]), given.block(0, train.shape[0]), rtol=1e-5)


def test_diffusion_of_dense_counts_is_that_of_the_kernels_power(toy, monkeypatch):
    _, counts, _ = toy
    stepwise = whole(knn(counts, seed=0))
    monkeypatch.setattr(rate_baselines, "MOST_KEPT", 1)
    np.testing.assert_allclose(whole(knn(counts, seed=0)), stepwise, rtol=1e-10)
