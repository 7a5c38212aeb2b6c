"""Ranking knock-downs for a drug: the rank of its target, what chance would give, and threshold-free scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata


def first_hit_rank(similarity: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """0-based rank of the first relevant item of each query, as published; ties count against the query.

    Parameters
    ----------
    similarity
        Larger is nearer, shape [queries x items].
    relevant
        bool [items], at least one.
    """
    best = similarity[:, relevant].max(axis=1, keepdims=True)
    return ((similarity > best) | ((similarity == best) & ~relevant)).sum(axis=1)


def first_hit_null(items: int, relevant: int) -> float:
    """Expected first-hit rank of a random order: (N - k) / (k + 1)."""
    return (items - relevant) / (relevant + 1)


@dataclass(frozen=True)
class RetrievalScores:
    """Of one query over items, some of them relevant.

    Attributes
    ----------
    auroc
        Chance that a relevant item is ranked before another one; 0.5 by chance.
    reciprocal_rank
        1 / (1 + rank of the first relevant item).
    first_rank
        0-based; the mean of tied ranks.
    null_rank
        What a random order would give on average.
    """

    auroc: float
    reciprocal_rank: float
    first_rank: float
    null_rank: float


def retrieval_scores(similarity: np.ndarray, relevant: np.ndarray) -> RetrievalScores:
    """Scores of one query; `similarity` and `relevant` (bool) have shape [items]."""
    ranks = rankdata(-similarity) - 1.0
    hits, misses = int(relevant.sum()), int((~relevant).sum())
    if not hits or not misses:
        nan = float("nan")
        return RetrievalScores(nan, nan, nan, nan)
    auroc = 1.0 - (ranks[relevant].sum() - hits * (hits - 1) / 2) / (hits * misses)
    first = float(ranks[relevant].min())
    return RetrievalScores(float(auroc), 1.0 / (1.0 + first), first, first_hit_null(similarity.size, hits))


def recall_at(similarity: np.ndarray, relevant: np.ndarray, k: int) -> float:
    """Share of the relevant items [items] among the k nearest; ties are broken by order."""
    nearest = np.argsort(-similarity, kind="stable")[:k]
    return float(relevant[nearest].sum() / max(relevant.sum(), 1))


def unit_rows(values: np.ndarray) -> np.ndarray:
    """Rows centred and of length one, float32 [rows x features]: their products are Pearson correlations."""
    centred = values.astype(np.float32) - values.mean(axis=1, keepdims=True, dtype=np.float32)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)


def group_means(units: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean row of each group of items (the hairpins of a gene).

    A query's product with the mean of unit rows is the mean of its correlations with them.

    Parameters
    ----------
    units
        From `unit_rows`, [items x features].
    groups
        Name of each item's group, shape [items].

    Returns
    -------
    names
        Sorted, shape [groups].
    means
        Shape [groups x features].
    """
    names, place = np.unique(groups, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(names.size))
    sums = np.add.reduceat(units[order], starts, axis=0) if names.size else units[:0]
    return names, sums / np.bincount(place, minlength=names.size)[:, None]


def bootstrap_mean(
    values: np.ndarray, seed: int, draws: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of the mean over resampled values [drugs or compounds], NaN left out."""
    values = values[np.isfinite(values)]
    if values.size == 0:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, values.size, (draws, values.size))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
