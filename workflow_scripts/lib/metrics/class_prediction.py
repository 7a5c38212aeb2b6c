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
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from .retrieval import unit_rows

SPLITS = ("signature", "compound", "held_out", "cell_line")
BOOSTED = 128
"""Features up to which boosted trees are grown; with more they take hours and gain nothing."""


def classifiers(seed: int) -> dict[str, ClassifierMixin]:
    """The classifiers by name: the published two, nearest neighbours, a strong one, and the majority class."""
    return {
        "logistic": make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, max_iter=200, tol=1e-3, random_state=seed)
        ),
        # By its kernel: liblinear takes minutes for a thousand features.
        "svm": make_pipeline(StandardScaler(), SVC(kernel="linear", C=0.01)),
        "knn": make_pipeline(
            FunctionTransformer(unit_rows), KNeighborsClassifier(n_neighbors=5, algorithm="brute")
        ),
        "boosting": HistGradientBoostingClassifier(max_iter=40, early_stopping=False, random_state=seed),
        "majority": DummyClassifier(strategy="most_frequent"),
    }


def choose_labelled(
    classes: np.ndarray, compounds: np.ndarray, min_signatures: int, min_compounds: int, most: int, seed: int
) -> np.ndarray:
    """Places of the signatures whose class is to be predicted, at most `most`, every class alike.

    Parameters
    ----------
    classes
        Of each signature, "" for none, shape [signatures].
    compounds
        Of each signature.
    min_signatures, min_compounds
        That a class must have: one of a single compound cannot be predicted for another.
    most
        Signatures kept; those of large classes are thinned out first.
    seed
        Of the choice.
    """
    table = pd.DataFrame({"pcl": classes, "compound": compounds})
    table = table[table.pcl != ""]
    size = table.groupby("pcl").compound.agg(["size", "nunique"])
    kept = size.index[(size["size"] >= min_signatures) & (size["nunique"] >= min_compounds)]
    table = table[table.pcl.isin(kept)]
    if len(table) > most:
        shuffled = table.sample(frac=1.0, random_state=seed)
        table = (
            shuffled.assign(turn=shuffled.groupby("pcl").cumcount())
            .sort_values("turn", kind="stable")
            .head(most)
        )
    return np.sort(table.index.to_numpy())


def pool_small_lines(cell_lines: np.ndarray, least: int, most: int = 10) -> np.ndarray:
    """Cell lines [signatures] with fewer than `least` signatures, or beyond the `most` largest, under one name.

    So that each can be left out as a whole, and a data set of 60 lines does not take 60 fits.
    """
    count = pd.Series(cell_lines).value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return np.where(np.isin(cell_lines, count.index[count >= least][:most]), cell_lines, "other lines")


def folds(
    split: str,
    classes: np.ndarray,
    compounds: np.ndarray,
    cell_lines: np.ndarray,
    seed: int,
    count: int = 5,
    parts: np.ndarray | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Training and test places of each fold, int, shape [signatures of the part] each.

    Parameters
    ----------
    split
        ``signature`` (as published: replicates and doses of a compound on both sides), ``compound`` (none of a test
        compound's signatures is trained on), ``held_out`` (the study's own test compounds, which no representation has
        been learned on either), or ``cell_line`` (one line is left out at a time).
    classes, compounds, cell_lines
        Of each signature.
    seed
        Of the shuffling.
    count
        Folds of ``signature`` and ``compound``.
    parts
        Part of each signature, for ``held_out``.

    Raises
    ------
    ValueError
        If the split is not one of `SPLITS`.
    """
    empty = np.zeros((classes.size, 1))
    count = min(count, len(set(compounds))) if split == "compound" else count
    if split == "signature":
        return StratifiedKFold(count, shuffle=True, random_state=seed).split(empty, classes)
    if split == "compound":
        return StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(empty, classes, compounds)
    if split == "held_out" and parts is not None:
        train, test = np.flatnonzero(parts != "test"), np.flatnonzero(parts == "test")
        return iter([(train, test)] if len(set(classes[train])) > 1 and test.size else [])
    if split == "cell_line":
        if len(set(cell_lines)) < 2:
            return iter([])
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
        if len(set(classes[train])) < 2:
            continue
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
    """Accuracy, balanced accuracy, macro-F1 and top-5, with intervals of the first two by resampled units.

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
    by_unit = correct.groupby(units).agg(["sum", "size"])
    count = len(by_unit)
    # How often each unit is drawn, [draws x units].
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), 2000)
    low, high = np.quantile((times @ by_unit["sum"]) / (times @ by_unit["size"]), [0.025, 0.975])
    table = pd.DataFrame({"unit": units, "class": classes, "correct": correct.to_numpy()})
    pieces = table.pivot_table(
        "correct", "unit", "class", aggfunc=["sum", "size"], fill_value=0, observed=True
    )
    with np.errstate(invalid="ignore"):
        by_class = (times @ pieces["sum"].to_numpy()) / (times @ pieces["size"].to_numpy())
    balanced_low, balanced_high = np.quantile(np.nanmean(by_class, axis=1), [0.025, 0.975])
    return {
        "accuracy": float(correct.mean()),
        "accuracy_lower": float(low),
        "accuracy_upper": float(high),
        "balanced_accuracy": float(balanced_accuracy_score(classes, predicted.astype(str))),
        "balanced_lower": float(balanced_low),
        "balanced_upper": float(balanced_high),
        "macro_f1": float(f1_score(classes, predicted.astype(str), average="macro", zero_division=0)),
        "top5": float(np.mean(rank < 5)),
        "n": int(classes.size),
        "units": count,
    }


def permuted_within(classes: np.ndarray, units: np.ndarray, seed: int) -> np.ndarray:
    """Classes [signatures] shuffled between units, so that a compound's signatures keep one class among them."""
    names, place = np.unique(units, return_inverse=True)
    first = np.array([classes[np.flatnonzero(place == k)[0]] for k in range(names.size)], dtype=object)
    return np.random.default_rng(seed).permutation(first)[place]
