"""What the nearest code of an S-VQ-VAE says of signatures whose class it was not told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .reconstruction import explained_variance

BEST = (1, 5)


def labels_of(sheet: pd.DataFrame, classes: Sequence[str], with_hub: bool) -> list[set[int]]:
    """Codes that are right for each signature, by place in `classes`; empty where none is.

    Parameters
    ----------
    sheet
        With ``pcl_id``, and ``hub_classes`` ("|"-separated) for drugs whose mechanism is one of the classes.
    classes
        Class of each code.
    with_hub
        Take the classes of the mechanism, which are several and of more drugs, in place of the one class.
    """
    place = {name: k for k, name in enumerate(classes)}
    named = (sheet.hub_classes if with_hub else sheet.pcl_id).str.split("|")
    return [{place[name] for name in names if name in place} for names in named]


def hit_rate(distance: np.ndarray, labels: Sequence[set[int]], best: int) -> np.ndarray:
    """Whether a right code is among the `best` nearest, float [signatures]; distances are [signatures x codes]."""
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :best]
    return np.array([bool(set(row) & own) for row, own in zip(nearest.tolist(), labels, strict=True)], float)


def perplexity(nearest: np.ndarray, count: int) -> float:
    """exp(entropy) of how often each of `count` codes is the nearest, int [signatures]."""
    share = np.bincount(nearest, minlength=count) / max(nearest.size, 1)
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))


def code_rows(
    distance: np.ndarray,
    decoded: np.ndarray,
    values: np.ndarray,
    labels: Sequence[set[int]],
    units: np.ndarray,
    facts: Mapping[str, Any],
    permutations: int,
) -> list[dict]:
    """All scores of one S-VQ-VAE on labelled signatures, and of permuted labels.

    Parameters
    ----------
    distance
        Of each signature's encoding to each code, [signatures x codes].
    decoded
        Signatures of the codes, [codes x genes].
    values
        Shape [signatures x genes].
    labels
        From `labels_of`, none empty.
    units
        Compound of each signature; permuted labels go from compound to compound, intervals resample compounds.
    facts
        Columns of every row.
    permutations
        Draws of the null.
    """
    if not len(values):
        return []
    nearest = distance.argmin(axis=1)
    names, place = np.unique(units, return_inverse=True)
    rng = np.random.default_rng(0)
    size = {"n": len(values), "compounds": names.size}
    rows = []
    for best in BEST:
        hits = hit_rate(distance, labels, best)
        by_unit = np.column_stack([np.bincount(place, hits), np.bincount(place)])
        drawn = by_unit[rng.integers(0, names.size, (2000, names.size))].sum(axis=1)
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
        rows.append(
            {
                **facts,
                "labels": "true",
                "metric": f"top{best}",
                "value": hits.mean(),
                "lower": low,
                "upper": high,
            }
        )
        null = []
        for _ in range(permutations):
            first = [labels[np.flatnonzero(place == k)[0]] for k in rng.permutation(names.size)]
            null.append(hit_rate(distance, [first[k] for k in place], best).mean())
        low, high = min(null), max(null)
        rows.append(
            {
                **facts,
                "labels": "permuted",
                "metric": f"top{best}",
                "value": np.mean(null),
                "lower": low,
                "upper": high,
            }
        )
    given = np.array([min(own) for own in labels])
    for metric, codes in (("explained_with_label", given), ("explained_nearest", nearest)):
        value = explained_variance(values, decoded[codes])
        rows.append({**facts, "labels": "true", "metric": metric, "value": value})
    rows.append(
        {**facts, "labels": "true", "metric": "perplexity", "value": perplexity(nearest, len(decoded))}
    )
    return [{**row, **size} for row in rows]
