"""Predicting a perturbagen's class from a representation of its signature, split by what must generalise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

SPLITS = ("signature", "compound", "cell_line")


def classifiers(seed: int) -> dict[str, ClassifierMixin]:
    """The classifiers by name: the published two, nearest neighbours, a strong one, and the majority class."""
    return {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, random_state=seed)),
        "svm": make_pipeline(StandardScaler(), LinearSVC(C=0.1, random_state=seed)),
        "knn": KNeighborsClassifier(n_neighbors=5, metric="correlation", algorithm="brute"),
        "boosting": HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=seed),
        "majority": DummyClassifier(strategy="most_frequent"),
    }


def folds(
    split: str, classes: np.ndarray, compounds: np.ndarray, cell_lines: np.ndarray, seed: int, count: int = 5
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Training and test places of each fold.

    Parameters
    ----------
    split
        ``signature`` (as published: replicates and doses of a compound on both sides), ``compound`` (none of a test
        compound's signatures is trained on), or ``cell_line`` (one line is left out at a time).
    classes, compounds, cell_lines
        Of each signature.
    seed
        Of the shuffling.
    count
        Folds, except of ``cell_line``.

    Raises
    ------
    ValueError
        If the split is not one of `SPLITS`.
    """
    empty = np.zeros((classes.size, 1))
    if split == "signature":
        return StratifiedKFold(count, shuffle=True, random_state=seed).split(empty, classes)
    if split == "compound":
        return StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(empty, classes, compounds)
    if split == "cell_line":
        return LeaveOneGroupOut().split(empty, classes, cell_lines)
    raise ValueError(f"split {split!r} is not known; expected one of {', '.join(SPLITS)}")


def predict(
    values: np.ndarray,
    classes: np.ndarray,
    parts: list[tuple[np.ndarray, np.ndarray]],
    model: ClassifierMixin,
) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold predictions.

    Parameters
    ----------
    values
        Representation, shape [signatures x features].
    classes
        Names, shape [signatures].
    parts
        From `folds`.
    model
        Fitted anew in each fold.

    Returns
    -------
    predicted
        Class names, shape [signatures].
    rank
        0-based rank of the true class by the model's score, shape [signatures]; NaN if it was not in training, or
        the model gives no scores.
    """
    predicted, rank = np.empty(classes.size, object), np.full(classes.size, np.nan)
    for train, test in parts:
        model.fit(values[train], classes[train])
        predicted[test] = model.predict(values[test])
        known = model.classes_
        scores = (
            model.predict_proba(values[test])
            if hasattr(model, "predict_proba")
            else model.decision_function(values[test])
        )
        if scores.ndim == 1:
            scores = np.column_stack([-scores, scores])
        place = pd.Index(known).get_indexer(classes[test])
        own = scores[np.arange(test.size), place][:, None]
        found = (scores > own).sum(axis=1) + 0.5 * ((scores == own).sum(axis=1) - 1)
        rank[test] = np.where(place >= 0, found, np.nan)
    return predicted, rank


def class_scores(
    classes: np.ndarray, predicted: np.ndarray, rank: np.ndarray, units: np.ndarray, seed: int
) -> dict:
    """Accuracy, balanced accuracy, macro-F1 and top-5, with intervals of accuracy by resampled units.

    Parameters
    ----------
    classes, predicted
        Names, shape [signatures].
    rank
        From `predict`.
    units
        Compound of each signature: signatures of one compound are no independent evidence.
    seed
        Of the bootstrap.
    """
    correct = pd.Series(classes == predicted, dtype=float)
    by_unit = correct.groupby(units).agg(["sum", "size"]).to_numpy()
    rng = np.random.default_rng(seed)
    drawn = by_unit[rng.integers(0, len(by_unit), (2000, len(by_unit)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return {
        "accuracy": float(correct.mean()),
        "accuracy_lower": float(low),
        "accuracy_upper": float(high),
        "balanced_accuracy": float(balanced_accuracy_score(classes, predicted.astype(str))),
        "macro_f1": float(f1_score(classes, predicted.astype(str), average="macro", zero_division=0)),
        "top5": float(np.mean(rank < 5)),
        "n": int(classes.size),
        "units": int(len(by_unit)),
    }


def permuted_within(classes: np.ndarray, units: np.ndarray, seed: int) -> np.ndarray:
    """Classes shuffled between units, so that a compound's signatures keep one class among them."""
    names, place = np.unique(units, return_inverse=True)
    first = np.array([classes[np.flatnonzero(place == k)[0]] for k in range(names.size)], dtype=object)
    return np.random.default_rng(seed).permutation(first)[place]
