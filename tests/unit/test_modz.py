"""MODZ against scipy's Spearman correlation and by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import median_abs_deviation, spearmanr

from workflow_scripts.lib.stats.modz import modz, modz_by, robust_z


@pytest.fixture
def replicates():
    rng = np.random.default_rng(0)
    return rng.normal(size=200) * 4 + rng.normal(size=(4, 200)) * np.array([[1], [1], [3], [30]])


def test_weights_are_mean_spearman_correlations(replicates):
    found = modz(replicates)
    clipped = np.clip(replicates, -10, 10)
    correlation = spearmanr(clipped, axis=1).statistic
    raw = [np.maximum(np.delete(correlation[k], k), 0.01).sum() for k in range(4)]
    np.testing.assert_allclose(found.weights, raw / np.sum(raw), rtol=1e-12)
    np.testing.assert_allclose(found.signature, found.weights @ clipped, rtol=1e-12)
    assert found.correlation == pytest.approx(
        np.quantile(correlation[np.triu_indices(4, 1)], 0.75, method="hazen")
    )
    assert found.weights[3] < found.weights[:2].min()


def test_two_replicates_weigh_the_same_even_when_they_disagree():
    rng = np.random.default_rng(0)
    first = rng.normal(size=50)
    np.testing.assert_allclose(modz(np.array([first, -first])).weights, [0.5, 0.5])


def test_one_replicate_is_itself_clipped():
    found = modz(np.array([[12.0, -3.0]]))
    assert found.signature.tolist() == [10, -3] and np.isnan(found.correlation)


def test_constant_replicates_count_as_disagreeing():
    found = modz(np.vstack([np.zeros(30), np.random.default_rng(0).normal(size=(2, 30))]))
    assert np.isfinite(found.signature).all() and found.weights.sum() == pytest.approx(1)


def test_groups_in_order_of_appearance(replicates):
    signatures, facts = modz_by(replicates, pd.Series(["b", "a", None, "b"]))
    assert facts.index.tolist() == ["b", "a"] and facts.replicates.tolist() == [2, 1]
    np.testing.assert_allclose(signatures[0], modz(replicates[[0, 3]]).signature, rtol=1e-6)


def test_robust_z_is_scipys_where_nothing_is_clipped():
    wells = np.random.default_rng(0).normal(3, 2, size=(101, 5))
    expected = (wells - np.median(wells, axis=0)) / median_abs_deviation(wells, axis=0, scale="normal")
    np.testing.assert_allclose(robust_z(wells), expected, rtol=1e-4)
    wells[0, 0], wells[:, 1] = 1e6, 7.0
    assert robust_z(wells)[0, 0] == 10 and (robust_z(wells)[:, 1] == 0).all()
