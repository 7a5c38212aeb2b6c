"""How near predicted expression changes come to measured ones, by well and by gene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError

TOP_GENES = 50
RANDOM_PAIRS = 2_000


@dataclass(frozen=True)
class WellScores:
    """Scores of each well.

    Attributes
    ----------
    rmse
        Root of the mean squared error over genes, shape [wells].
    l2
        Length of the error over all genes: what the published code called rmse; about 31 times as large.
    pearson
        Correlation over genes; 0 for a constant prediction.
    recall
        Of the 50 most changed genes, the share that is also among the 50 that are predicted to change most, and in the
        same direction.
    """

    rmse: np.ndarray
    l2: np.ndarray
    pearson: np.ndarray
    recall: np.ndarray


def well_scores(predicted: np.ndarray, measured: np.ndarray) -> WellScores:
    """Score predictions well by well.

    Parameters
    ----------
    predicted, measured
        Treated minus control, log2, [wells x genes].

    Raises
    ------
    LatentomeError
        If the shapes differ or a prediction is not finite.
    """
    if predicted.shape != measured.shape:
        raise LatentomeError(
            f"expression scores: {predicted.shape} predicted and {measured.shape} measured; expected the same wells "
            "and genes"
        )
    if not np.isfinite(predicted).all():
        raise LatentomeError(
            "expression scores: a prediction is not finite; train with a lower learning rate"
        )
    error = predicted.astype(np.float64) - measured
    l2 = np.linalg.norm(error, axis=1)
    return WellScores(
        l2 / np.sqrt(measured.shape[1]),
        l2,
        row_correlation(predicted, measured),
        _recall(predicted, measured),
    )


def row_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson correlation of each row, shape [rows]; 0 where either is constant."""
    one, other = (some - some.mean(axis=1, keepdims=True) for some in (first.astype(np.float64), second))
    length = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    found = np.zeros(len(length))
    # Rounding makes a constant row's length about 1e-13.
    return np.divide((one * other).sum(axis=1), length, out=found, where=length > 1e-9)


def gene_correlation(predicted: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Pearson correlation of each gene over wells, shape [genes]; 0 where either is constant."""
    return row_correlation(np.ascontiguousarray(predicted.T), np.ascontiguousarray(measured.T))


def r_squared(predicted: np.ndarray, measured: np.ndarray, mean: np.ndarray) -> float:
    """1 - squared error over that of `mean` [genes], the training mean; of all values [wells x genes] together."""
    left = float(((predicted - measured) ** 2).sum())
    return 1 - left / float(((mean - measured) ** 2).sum())


def mean_by_molecule(values: np.ndarray, molecules: Sequence[str]) -> np.ndarray:
    """Mean of the wells' values of each molecule, shape [molecules]: wells of one molecule are no independent cases."""
    _, codes = np.unique(np.asarray(molecules, dtype=str), return_inverse=True)
    return np.bincount(codes, values) / np.bincount(codes)


def replicate_agreement(measured: np.ndarray, molecules: Sequence[str]) -> dict[str, float]:
    """How alike two wells of one molecule are, and what that leaves for a prediction.

    If replicates correlate by r, the truth behind them correlates with each by sqrt(r); if they are d apart, it is
    d / sqrt(2) from each. No prediction by molecule can be expected to do better.

    Parameters
    ----------
    measured
        [wells x genes].
    molecules
        Of each well, the conditions (dose, cell line, time) included if replicates have to share them.

    Returns
    -------
    dict
        ``pairs``; mean ``l2``, ``rmse`` and ``pearson`` over all pairs of wells of one molecule, each molecule counted
        alike; ``ceiling_pearson``, ``ceiling_rmse``; NaN without any.
    """
    groups = {name: np.flatnonzero(np.asarray(molecules) == name) for name in dict.fromkeys(molecules)}
    rows = []
    for places in groups.values():
        first, second = np.triu_indices(len(places), 1)
        if len(first):
            found = well_scores(measured[places[first]], measured[places[second]])
            rows.append((len(first), found.l2.mean(), found.rmse.mean(), found.pearson.mean()))
    table = np.array(rows, dtype=float) if rows else np.full((1, 4), np.nan)
    l2, rmse, pearson = table[:, 1:].mean(axis=0)
    return {
        "pairs": float(table[:, 0].sum()) if rows else 0.0, "l2": float(l2), "rmse": float(rmse),
        "pearson": float(pearson), "ceiling_pearson": float(np.sqrt(max(pearson, 0.0))) if rows else float("nan"),
        "ceiling_rmse": float(rmse / np.sqrt(2)),
    }  # fmt: skip


def pair_noise(changes: np.ndarray, sheet: pd.DataFrame, seed: int) -> pd.DataFrame:
    """How large changes are and how well they repeat, by cell line, time and plate series.

    Parameters
    ----------
    changes
        Treated minus control, log2, [pairs x genes].
    sheet
        ``cell_id``, ``time_h``, ``smiles``, ``dose_um``, ``controls``.
    seed
        Of the random pairs of different molecules.

    Returns
    -------
    pandas.DataFrame
        cell_id, time_h, pairs, molecules, controls (median), sd, l2 (mean length), and of wells of one molecule and
        dose: replicates, replicate_pearson, replicate_l2, ceiling_pearson, ceiling_rmse; random_pearson, of wells of
        different molecules.
    """
    rng, rows = np.random.default_rng(seed), []
    condition = sheet["smiles"] + " " + sheet["dose_um"].astype(str)
    for (cell, time), places in sheet.groupby(["cell_id", "time_h"], dropna=False).indices.items():
        own, some = changes[places], sheet.iloc[places]
        found = replicate_agreement(own, list(condition.iloc[places]))
        first, second = rng.integers(0, len(own), (2, RANDOM_PAIRS))
        different = some["smiles"].to_numpy()[first] != some["smiles"].to_numpy()[second]
        random = row_correlation(own[first[different]], own[second[different]])
        rows.append({
            "cell_id": cell, "time_h": time, "pairs": len(own), "molecules": some["smiles"].nunique(),
            "controls": float(some["controls"].median()), "sd": float(own.std()),
            "l2": float(np.linalg.norm(own, axis=1).mean()), "replicates": found["pairs"],
            "replicate_pearson": found["pearson"], "replicate_l2": found["l2"],
            "ceiling_pearson": found["ceiling_pearson"], "ceiling_rmse": found["ceiling_rmse"],
            "random_pearson": float(random.mean()) if len(random) else float("nan"),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _recall(predicted: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """A prediction that is the same for all genes names none of them: it gets what chance would."""
    k = min(TOP_GENES, measured.shape[1])
    top = [np.argsort(-np.abs(some), axis=1, kind="stable")[:, :k] for some in (predicted, measured)]
    flags = [np.zeros(measured.shape, dtype=bool) for _ in top]
    for flag, places in zip(flags, top, strict=True):
        np.put_along_axis(flag, places, True, axis=1)
    hits = flags[0] & flags[1] & (np.sign(predicted) == np.sign(measured))
    none = np.ptp(predicted, axis=1) == 0
    return np.where(none, 0.5 * k / measured.shape[1], hits.sum(axis=1) / k)
