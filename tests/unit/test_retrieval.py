"""Retrieval scores by hand, against scikit-learn and against random orders."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from workflow_scripts.lib.metrics.retrieval import (
    bootstrap_mean,
    first_hit_null,
    first_hit_rank,
    group_means,
    recall_at,
    retrieval_scores,
    unit_rows,
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
    rng = np.random.default_rng(1)
    items, queries = rng.normal(size=(5, 9)), rng.normal(size=(4, 9))
    genes = np.array(["b", "a", "b", "c", "b"])
    names, means = group_means(unit_rows(items), genes)
    correlation = np.corrcoef(queries, items)[:4, 4:]
    expected = np.column_stack([correlation[:, genes == name].mean(axis=1) for name in "abc"])
    assert names.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(unit_rows(queries) @ means.T, expected, atol=1e-6)


def test_products_of_unit_rows_are_numpys_correlations():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(4, 9)), rng.normal(size=(5, 9))
    np.testing.assert_allclose(unit_rows(one) @ unit_rows(two).T, np.corrcoef(one, two)[:4, 4:], atol=1e-6)


def test_the_interval_covers_the_mean():
    rng = np.random.default_rng(0)
    covered = []
    for k in range(200):
        low, high = bootstrap_mean(rng.exponential(size=60), seed=k, draws=300)
        covered.append(low <= 1 <= high)
    assert 0.88 <= np.mean(covered) <= 0.98
