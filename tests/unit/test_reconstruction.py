"""Reconstruction scores against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from workflow_scripts.lib.metrics.reconstruction import (
    explained_variance,
    principal_components,
    trivial_reconstructions,
)


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 40)) + 0.3 * rng.normal(size=(300, 40)) + 0.5
    return values[:200].astype(np.float32), values[200:].astype(np.float32)


@pytest.mark.parametrize("count", [1, 3, 5, 12])
def test_components_are_scikit_learns(parts, count):
    train, test = parts
    reference = PCA(count).fit(train.astype(float))
    expected = reference.inverse_transform(reference.transform(test.astype(float)))
    found = principal_components(train, 20)
    np.testing.assert_allclose(found.reconstruct(test, count), expected, atol=1e-8)


def test_explained_variance_is_of_zero():
    values = np.array([[1.0, 2.0], [2.0, 0.0]])
    assert explained_variance(values, values) == 1
    assert explained_variance(values, np.zeros((2, 2))) == 0
    assert explained_variance(values, np.ones((2, 2))) == pytest.approx(1 - 3 / 9)


def test_trivial_predictors(parts):
    train, test = parts
    found = trivial_reconstructions(train, test)
    assert found["zero"] == 0
    assert found["mean"] == pytest.approx(
        explained_variance(test, np.tile(train.mean(axis=0), (100, 1))), abs=1e-5
    )
