"""Predictions of a molecule's expression change without a generative model: what any has to beat.

Each takes training molecules' fingerprints and changes and gives those of other molecules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import linalg

from workflow_scripts.lib.data.molecules import tanimoto

NEIGHBOURS = 15
RIDGE = 1000.0
Predictor = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def zero(prints: np.ndarray, changes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """No change at all."""
    return np.zeros((len(wanted), changes.shape[1]))


def train_mean(prints: np.ndarray, changes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The mean change of the training wells, whatever the molecule."""
    return np.tile(changes.mean(axis=0), (len(wanted), 1))


def group_means(changes: np.ndarray, groups: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """Mean training change of each wanted pair's group, of all pairs where the group has none, [wanted x genes].

    Parameters
    ----------
    changes
        Of the training pairs, [pairs x genes].
    groups, wanted
        Cell line and time of the training and of the wanted pairs.
    """
    places, whole = np.asarray(groups, dtype=object), changes.mean(axis=0)
    means = {one: changes[places == one].mean(axis=0) for one in dict.fromkeys(groups)}
    return np.array([means.get(one, whole) for one in wanted])


def nearest_molecules(prints: np.ndarray, changes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Mean of the 15 training wells of the most similar molecules, weighted by Tanimoto similarity."""
    likeness = tanimoto(wanted, prints).astype(np.float64)
    k = min(NEIGHBOURS, len(prints))
    near = np.argsort(-likeness, axis=1, kind="stable")[:, :k]
    weights = np.take_along_axis(likeness, near, axis=1)
    total = weights.sum(axis=1, keepdims=True)
    found = np.einsum("ik,ikg->ig", weights / np.where(total > 0, total, 1), changes[near])
    # A molecule that is like none is like all of them.
    return np.where(total > 0, found, changes.mean(axis=0))


def kernel_ridge(prints: np.ndarray, changes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Ridge regression on Morgan fingerprints about the training mean, penalty 1000; solved in the smaller space."""
    first, second = prints.astype(np.float64), wanted.astype(np.float64)
    centre, mean = first.mean(axis=0), changes.mean(axis=0)
    first, second = first - centre, second - centre
    wells, bits = first.shape
    if wells > bits:
        weights = linalg.solve(
            first.T @ first + RIDGE * np.eye(bits), first.T @ (changes - mean), assume_a="pos"
        )
        return second @ weights + mean
    weights = linalg.solve(first @ first.T + RIDGE * np.eye(wells), changes - mean, assume_a="pos")
    return second @ (first.T @ weights) + mean


def similar_changes(
    changes: np.ndarray, wanted: np.ndarray, molecules: Sequence[str], number: int
) -> list[list[str]]:
    """Molecules whose training change is most like each wanted one, by Pearson correlation: no generation at all.

    Parameters
    ----------
    changes, wanted
        Of the training pairs and the wanted ones, [pairs x genes].
    molecules
        Of the training pairs.
    number
        Distinct molecules for each wanted change; fewer are given again from the first on.
    """
    first, second = (some - some.mean(axis=1, keepdims=True) for some in (changes, wanted))
    first, second = (
        some / np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-9) for some in (first, second)
    )
    found = []
    for row in np.argsort(-(second @ first.T), axis=1, kind="stable"):
        distinct = list(dict.fromkeys(molecules[place] for place in row))[:number]
        found.append([distinct[k % len(distinct)] for k in range(number)])
    return found


PREDICTORS: dict[str, Predictor] = {
    "zero": zero,
    "train_mean": train_mean,
    "nearest_molecules": nearest_molecules,
    "kernel_ridge": kernel_ridge,
}
"""By name, the weakest first."""
