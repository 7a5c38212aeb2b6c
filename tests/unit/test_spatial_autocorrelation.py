"""Moran's I and Geary's C against squidpy, scanpy and a ring's closed form; nulls that are null."""

import numpy as np
import pandas as pd
import pytest
import scanpy
import squidpy
from anndata import AnnData
from scipy import sparse

from workflow_scripts.lib.data.neighbours import knn_graph, radius_graph, row_mean, shuffled_spots
from workflow_scripts.lib.stats import spatial_autocorrelation
from workflow_scripts.lib.stats.spatial_autocorrelation import (
    gearys_c,
    morans_i,
    normal_variance,
    permutation_null,
    smoothing_null,
)


@pytest.fixture(scope="module")
def spots():
    """500 beads, 30 genes: 10 with a gradient, 20 without; about half the values zero."""
    generator = np.random.default_rng(0)
    xy = generator.uniform(0, 1, (500, 2))
    mean = np.ones((500, 30))
    mean[:, :10] += np.linspace(0.2, 4, 10) * xy[:, :1]
    return xy, generator.poisson(mean).astype(np.float32), knn_graph(xy, 6)


def squidpys(values, graph, mode):
    data = AnnData(values, obsp={"spatial_connectivities": graph})
    squidpy.gr.spatial_autocorr(data, mode=mode, n_perms=None, n_jobs=1)
    return data.uns["moranI" if mode == "moran" else "gearyC"].loc[data.var_names]


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix])
def test_both_are_squidpys(spots, form, monkeypatch):
    monkeypatch.setattr(spatial_autocorrelation, "BLOCK_VALUES", 500 * 7)
    _, values, graph = spots
    moran, geary = (squidpys(values, graph, mode) for mode in ("moran", "geary"))
    np.testing.assert_allclose(morans_i(form(values), graph), moran.I, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(gearys_c(form(values), graph), geary.C, rtol=1e-4)
    expected = moran.var_norm.iloc[0], geary.var_norm.iloc[0]
    np.testing.assert_allclose(normal_variance(graph), expected, rtol=1e-5)


def test_both_are_scanpys_with_an_isolated_spot(spots):
    xy, values, _ = spots
    graph = radius_graph(np.vstack([xy[:-1], [[5, 5]]]), 0.08)
    weights = row_mean(graph, own=False).astype(np.float64)
    np.testing.assert_allclose(
        morans_i(values, graph),
        scanpy.metrics.morans_i(weights, values.T.astype(float)),
        rtol=1e-6,
        atol=1e-9,
    )
    np.testing.assert_allclose(
        gearys_c(values, graph), scanpy.metrics.gearys_c(weights, values.T.astype(float)), rtol=1e-6
    )


@pytest.mark.parametrize("waves", [1, 3, 10])
def test_closed_form_of_a_wave_on_a_ring(waves):
    n = 60
    first = np.arange(n)
    ring = sparse.coo_array((np.ones(n), (first, (first + 1) % n)), shape=(n, n)).tocsr()
    graph = sparse.csr_matrix(ring + ring.T)
    wave = np.cos(2 * np.pi * waves * first / n)[:, None] + 7
    alike = np.cos(2 * np.pi * waves / n)
    assert morans_i(wave, graph)[0] == pytest.approx(alike)
    assert gearys_c(wave, graph)[0] == pytest.approx((1 - alike) * (n - 1) / n)


def test_a_constant_gene_has_none(spots):
    _, values, graph = spots
    values = values.copy()
    values[:, 3] = 2.1
    for found in (morans_i(values, graph), gearys_c(values, graph)):
        assert np.flatnonzero(np.isnan(found)).tolist() == [3]


def test_the_permutation_null_is_the_statistic_of_shuffled_spots(spots):
    _, values, graph = spots
    found = permutation_null(sparse.csr_matrix(values), graph, 200, seed=1)
    np.testing.assert_allclose(found.observed, morans_i(values, graph))
    np.testing.assert_allclose(found.net, found.observed - found.mean)
    assert found.mean == pytest.approx(-1 / 499, abs=0.007)
    np.testing.assert_allclose(found.sd, np.sqrt(normal_variance(graph)[0]), rtol=0.25)
    assert (found.p[5:10] == 1 / 201).all() and (found.p[10:] > 0.01).sum() >= 19
    assert abs(found.p[10:].mean() - 0.5) < 0.2
    again = permutation_null(values, graph, 200, seed=1)
    np.testing.assert_allclose(again.mean, found.mean)
    assert (permutation_null(values, graph, 200, seed=2).mean != found.mean).all()


def test_the_p_value_counts_orders_by_hand(spots, monkeypatch):
    _, values, graph = spots
    orders = [np.random.default_rng(s).permutation(500) for s in range(20)]
    monkeypatch.setattr(
        spatial_autocorrelation, "_order", lambda graph, seed, number, sections: orders[number]
    )
    null = np.stack([morans_i(values[order], graph) for order in orders])
    found = permutation_null(values, graph, 20, seed=0)
    np.testing.assert_allclose(found.mean, null.mean(axis=0))
    np.testing.assert_allclose(found.sd, null.std(axis=0, ddof=1))
    expected = (1 + (null >= morans_i(values, graph)).sum(axis=0)) / 21
    np.testing.assert_allclose(found.p, expected)


def test_a_section_of_another_level_is_no_spatial_pattern(spots):
    xy, _, _ = spots
    section = np.repeat([0, 1], 250)
    values = np.random.default_rng(1).normal(size=(500, 5)) + 5 * section[:, None]
    graph = knn_graph(xy, 6, section)
    assert (permutation_null(values, graph, 50, 0).net > 0.5).all()
    assert np.abs(permutation_null(values, graph, 50, 0, section).net).max() < 0.02


def test_smoothing_alone_creates_autocorrelation(spots):
    _, values, graph = spots
    operator = row_mean(graph)
    null = smoothing_null(values, lambda x: operator @ x, graph, seed=0, permutations=3)
    noise = morans_i(operator @ values, graph)[10:]
    assert (null > 0.4).all() and np.abs(noise - null[10:]).mean() < 0.1
    np.testing.assert_array_equal(null, smoothing_null(values, lambda x: operator @ x, graph, 0, 3))
    identity = smoothing_null(values, lambda x: x, graph, seed=0)
    assert identity == pytest.approx(0, abs=0.1)
    seen = []
    smoothing_null(values, lambda x: seen.append(x) or x, graph, seed=0)
    assert not np.array_equal(seen[0], values)
    frames = [pd.DataFrame(x).sort_values(list(range(30))).to_numpy() for x in (seen[0], values)]
    np.testing.assert_array_equal(*frames)  # whole spots change places, genes stay together


def test_shuffles_are_of_the_seed():
    assert (shuffled_spots(50, 1) == shuffled_spots(50, 1)).all()
    assert (shuffled_spots(50, 1) != shuffled_spots(50, 2)).any()
