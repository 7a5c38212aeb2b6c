"""Two-sample scores: zero or one half for one distribution, large for two; against scipy where it has them."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from workflow_scripts.lib.metrics.two_sample import (
    classifier_auc,
    correlation_error,
    manifold_scores,
    mmd,
    wasserstein_by_gene,
)


def drawn(seed, n=300, shift=0.0, scale=1.0, mixing=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 12)) * scale + shift
    x[:, 1] = (1 - mixing) * x[:, 1] + mixing * x[:, 0]
    return x


def test_one_distribution_is_not_told_apart():
    one, two = drawn(0), drawn(1)
    assert classifier_auc(one, two, 0) == pytest.approx(0.5, abs=0.08)
    assert mmd(one, two) == pytest.approx(0, abs=0.005)
    scores = manifold_scores(one, two)
    assert scores.precision > 0.8 and scores.recall > 0.8


@pytest.mark.parametrize("change", [{"shift": 1.0}, {"scale": 0.4}])
def test_another_mean_or_spread_is(change):
    one, two = drawn(0), drawn(1, **change)
    assert classifier_auc(one, two, 0) > 0.9
    assert mmd(one, two) > 0.02


def test_a_collapsed_generator_is_precise_and_recalls_little():
    scores = manifold_scores(drawn(0), drawn(1, scale=0.3))
    assert scores.precision > 0.95 and scores.recall < 0.2


def test_a_generator_of_outliers_is_neither():
    scores = manifold_scores(drawn(0), drawn(1, shift=20.0))
    assert scores.precision == 0 and scores.recall == 0


def test_mmd_is_unbiased_over_draws():
    assert np.mean([mmd(drawn(k, 40), drawn(1000 + k, 40)) for k in range(200)]) == pytest.approx(
        0, abs=0.001
    )


@pytest.mark.parametrize("n", [300, 150])
def test_wasserstein_is_scipys(n):
    one, two = drawn(0), drawn(1, n, shift=0.5, scale=2.0)
    expected = [wasserstein_distance(one[:, k], two[:, k]) for k in range(12)]
    np.testing.assert_allclose(wasserstein_by_gene(one, two), expected, rtol=1e-9 if n == 300 else 0.05)


def test_correlation_error_sees_what_margins_do_not():
    same = correlation_error(drawn(0, 4000), drawn(1, 4000))
    other = correlation_error(drawn(0, 4000), drawn(1, 4000, mixing=0.9))
    assert same < 0.03 < 0.1 < other
