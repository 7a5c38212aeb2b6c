"""Class prediction: folds without leaks, scores by hand, and what each split can be fooled by."""

import numpy as np
import pytest

from workflow_scripts.lib.metrics.class_prediction import (
    class_scores,
    classifiers,
    folds,
    permuted_within,
    predict,
)


@pytest.fixture(scope="module")
def toy():
    """Four classes of five compounds, eight signatures each in two cell lines; a compound has a mark of its own."""
    rng = np.random.default_rng(0)
    compounds = np.repeat([f"c{k}" for k in range(20)], 8)
    classes = np.repeat([f"class{k % 4}" for k in range(20)], 8).astype(object)
    cells = np.tile(["A", "B"], 80)
    centre, own = rng.normal(size=(4, 30)), 3 * rng.normal(size=(20, 30))
    values = (
        centre[np.repeat(np.arange(20) % 4, 8)]
        + own[np.repeat(np.arange(20), 8)]
        + 0.3 * rng.normal(size=(160, 30))
    )
    return values, classes, compounds, cells


@pytest.mark.parametrize("split", ["signature", "compound", "cell_line"])
def test_every_signature_is_tested_once_and_units_do_not_leak(toy, split):
    _, classes, compounds, cells = toy
    parts = list(folds(split, classes, compounds, cells, seed=0))
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(160))
    unit = {"signature": np.arange(160).astype(str), "compound": compounds, "cell_line": cells}[split]
    assert all(not set(unit[train]) & set(unit[test]) for train, test in parts)


def test_an_unknown_split_is_named(toy):
    with pytest.raises(ValueError, match="'plate' is not known"):
        folds("plate", *toy[1:], seed=0)


def test_splitting_by_signature_measures_recognition_of_compounds(toy):
    values, classes, compounds, cells = toy
    found = {}
    for split in ("signature", "compound"):
        parts = list(folds(split, classes, compounds, cells, seed=0))
        predicted, rank = predict(values, classes, parts, classifiers(0)["knn"])
        found[split] = class_scores(classes, predicted, rank, compounds, 0)["accuracy"]
    assert found["signature"] > 0.95 and found["compound"] < 0.6


@pytest.mark.parametrize("name", ["logistic", "svm", "knn", "boosting", "majority"])
def test_every_classifier_gives_names_and_ranks(toy, name):
    values, classes, compounds, cells = toy
    parts = list(folds("cell_line", classes, compounds, cells, seed=0))
    predicted, rank = predict(values, classes, parts, classifiers(0)[name])
    assert set(predicted) <= set(classes) and np.isfinite(rank).all()
    right = predicted == classes
    if name == "majority":
        assert right.mean() == pytest.approx(0.25)
    else:
        assert right.mean() > 0.9 and (rank[right] < 1).all()


def test_scores_by_hand():
    classes = np.array(["a", "a", "b", "b"], object)
    predicted = np.array(["a", "a", "a", "b"], object)
    found = class_scores(classes, predicted, np.array([0, 0, 7, 0.0]), np.array(["p", "p", "q", "r"]), 0)
    assert found["accuracy"] == 0.75 and found["balanced_accuracy"] == 0.75 and found["top5"] == 0.75
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert (found["n"], found["units"]) == (4, 3)
    assert found["accuracy_lower"] <= 0.75 <= found["accuracy_upper"]


def test_a_class_that_was_not_trained_has_no_rank():
    classes = np.array(["a", "a", "b", "b", "c"], object)
    values = np.eye(5)
    parts = [(np.arange(4), np.array([4]))]
    _, rank = predict(values, classes, parts, classifiers(0)["logistic"])
    assert np.isnan(rank[4])


def test_permuted_classes_keep_compounds_whole(toy):
    _, classes, compounds, _ = toy
    shuffled = permuted_within(classes, compounds, 0)
    assert all(len(set(shuffled[compounds == c])) == 1 for c in set(compounds))
    assert sorted(shuffled) == sorted(classes) and (shuffled != classes).any()
