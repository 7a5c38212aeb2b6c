"""Retrieval scores by hand, against scikit-learn and against random orders."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from workflow_scripts.lib.metrics.retrieval import (
    aggregate_items,
    bootstrap_mean,
    cosine,
    first_hit_null,
    first_hit_rank,
    recall_at,
    retrieval_scores,
)

SIMILARITY = np.array([0.9, 0.1, 0.8, 0.5, 0.4])
RELEVANT = np.array([False, False, True, False, True])


def test_scores_by_hand():
    found = retrieval_scores(SIMILARITY, RELEVANT)
    assert found.first_rank == 1 and found.reciprocal_rank == 0.5
    assert found.auroc == pytest.approx(3 / 6)
    assert found.null_rank == pytest.approx(3 / 3)
    assert recall_at(SIMILARITY, RELEVANT, 2) == 0.5 and recall_at(SIMILARITY, RELEVANT, 4) == 1
    assert first_hit_rank(SIMILARITY[None], RELEVANT).tolist() == [1]


def test_auroc_is_scikit_learns_with_ties():
    rng = np.random.default_rng(0)
    similarity, relevant = rng.integers(0, 6, 80).astype(float), rng.random(80) < 0.2
    assert retrieval_scores(similarity, relevant).auroc == pytest.approx(roc_auc_score(relevant, similarity))


def test_ties_do_not_flatter():
    assert first_hit_rank(np.zeros((1, 5)), RELEVANT).tolist() == [3]


@pytest.mark.parametrize(("items", "relevant"), [(100, 1), (100, 7), (50, 49)])
def test_the_null_is_the_mean_over_random_orders(items, relevant):
    rng = np.random.default_rng(0)
    marked = np.arange(items) < relevant
    ranks = first_hit_rank(rng.random((20_000, items)), marked)
    assert ranks.mean() == pytest.approx(first_hit_null(items, relevant), rel=0.03, abs=0.01)


def test_without_relevant_items_there_is_no_score():
    assert np.isnan(retrieval_scores(SIMILARITY, np.zeros(5, bool)).auroc)


def test_hairpins_are_averaged_by_gene():
    means, names = aggregate_items(np.array([[1.0, 2.0, 6.0]]), np.array(["b", "a", "b"]))
    assert names.tolist() == ["a", "b"] and means.tolist() == [[2.0, 3.5]]


def test_cosine_is_numpys_correlation():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(4, 9)), rng.normal(size=(5, 9))
    np.testing.assert_allclose(cosine(one, two), np.corrcoef(one, two)[:4, 4:], atol=1e-12)


def test_the_interval_covers_the_mean():
    rng = np.random.default_rng(0)
    covered = []
    for k in range(200):
        low, high = bootstrap_mean(rng.exponential(size=60), seed=k, draws=300)
        covered.append(low <= 1 <= high)
    assert 0.88 <= np.mean(covered) <= 0.98
