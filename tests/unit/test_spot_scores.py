"""What the spatial model's encoder sees of a spot: components, their averages over neighbours, components of rates."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from spot_toys import tissue
from torch_geometric.nn import SimpleConv
from torch_geometric.utils import add_self_loops, from_scipy_sparse_matrix

from workflow_scripts.lib.training.spot_scores import (
    component_scores,
    fit_scores,
    rate_scores,
    winsorise,
)


@pytest.fixture(scope="module")
def toy():
    _, counts, graph = tissue()
    return counts, graph


def log_normalised(counts):
    dense = counts.toarray().astype(float)
    depth = dense.sum(axis=1, keepdims=True)
    return np.log1p(np.median(depth) * dense / depth)


class Shares:
    """Rates of a matrix whose rows sum to 1."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def block(self, start, stop):
        return self.values[start:stop]


def test_components_of_rates_are_those_of_their_logs(monkeypatch):
    from sklearn.decomposition import PCA

    from workflow_scripts.lib.training import spot_scores

    rng = np.random.default_rng(0)
    latent = rng.normal(size=(300, 3)) * [3, 2, 1]
    shares = np.exp(latent @ rng.normal(size=(3, 40)) / 3 + 0.01 * rng.normal(size=(300, 40)))
    shares /= shares.sum(axis=1, keepdims=True)
    expected = PCA(3).fit_transform(np.log1p(500 * shares))
    monkeypatch.setattr(spot_scores, "BLOCK_VALUES", 40 * 70)
    found = rate_scores(Shares(shares), 500.0, 3)
    for k in range(3):
        assert abs(np.corrcoef(found[:, k], expected[:, k])[0, 1]) > 0.99
    np.testing.assert_allclose(found.var(axis=0), expected.var(axis=0), rtol=0.05)


def test_components_are_those_of_a_dense_pca_of_unit_variance(toy):
    counts, _ = toy
    found = fit_scores(counts, 6, 0)
    expected = PCA(6, svd_solver="full", whiten=True).fit_transform(log_normalised(counts))
    scores = found.project(counts)
    assert found.depth == np.median(counts.toarray().sum(axis=1)) and scores.dtype == np.float32
    np.testing.assert_allclose(np.abs(scores), np.abs(expected), atol=2e-4)
    np.testing.assert_allclose(scores.std(axis=0, ddof=1), 1, atol=1e-4)
    largest = np.abs(found.components).argmax(axis=0)
    assert (found.components[largest, range(6)] > 0).all()


def test_scores_of_averages_are_those_of_mean_convolutions(toy):
    counts, graph = toy
    how = fit_scores(counts, 5, 0)
    found = how.of_neighbourhoods(counts, graph, [0, 1, 3])
    edges = add_self_loops(from_scipy_sparse_matrix(graph)[0], num_nodes=counts.shape[0])[0]
    steps = [torch.from_numpy(how.project(counts))]
    for _ in range(3):
        steps.append(SimpleConv(aggr="mean")(steps[-1], edges))
    assert found.shape == (150, 3, 5) and np.array_equal(found[:, 0], how.project(counts))
    for place, hop in enumerate((0, 1, 3)):
        np.testing.assert_allclose(found[:, place], steps[hop].numpy(), atol=1e-5)


def test_scores_do_not_depend_on_the_order_of_genes(toy):
    counts, _ = toy
    order = np.random.default_rng(0).permutation(counts.shape[1])
    plain, moved = fit_scores(counts, 8, 3), fit_scores(counts[:, order].tocsr(), 8, 3)
    np.testing.assert_allclose(moved.components, plain.components[order], atol=1e-8)
    np.testing.assert_allclose(moved.project(counts[:, order]), plain.project(counts), atol=1e-5)


def test_components_for_clustering_keep_their_variance(toy):
    counts, _ = toy
    expected = PCA(5, svd_solver="full").fit_transform(log_normalised(counts))
    np.testing.assert_allclose(np.abs(component_scores(counts, 5, 0)), np.abs(expected), atol=2e-4)
    features = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    assert np.array_equal(component_scores(features, 2, 0), features)


def test_winsorised_features_lie_within_four_deviations():
    values = np.random.default_rng(0).normal(3.0, 2.0, (4000, 2))
    values[0], values[1] = 100.0, -100.0
    # most of the last feature is zero: its median absolute deviation is 0
    values = np.c_[values, np.r_[np.zeros(3000), np.ones(1000)]]
    found = winsorise(values)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:2, 0], [11, -5], atol=0.4)
    inside = np.abs(values[:, :2] - 3) < 7
    np.testing.assert_allclose(found[:, :2][inside], values[:, :2][inside], rtol=1e-6)
    assert np.array_equal(found[:, 2], values[:, 2])
