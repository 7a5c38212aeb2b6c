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
BLOCK = 512
Predictor = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def zero(prints: np.ndarray, changes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """No change at all, [wanted x genes]."""
    return np.zeros((len(wanted), changes.shape[1]))


def train_mean(prints: np.ndarray, changes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The mean change of the training wells, whatever the molecule, [wanted x genes]."""
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
    """Mean of the 15 training wells of the most similar molecules, weighted by Tanimoto similarity.

    Fingerprints bool [wells x bits] and [wanted x bits], changes [wells x genes]; returns [wanted x genes].
    """
    own, well_of = np.unique(prints, axis=0, return_inverse=True)
    asked, row_of = np.unique(wanted, axis=0, return_inverse=True)
    # Wells are many, molecules are few.
    likeness = tanimoto(asked, own).astype(np.float64)[:, well_of.ravel()]
    k = min(NEIGHBOURS, len(prints))
    near = np.argsort(-likeness, axis=1, kind="stable")[:, :k]
    weights = np.take_along_axis(likeness, near, axis=1)
    total = weights.sum(axis=1, keepdims=True)
    found = np.einsum("ik,ikg->ig", weights / np.where(total > 0, total, 1), changes[near])
    # A molecule that is like none is like all of them.
    return np.where(total > 0, found, changes.mean(axis=0))[row_of.ravel()]


def kernel_ridge(prints: np.ndarray, changes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Ridge regression on Morgan fingerprints about the training mean, penalty 1000.

    Fingerprints bool [wells x bits] and [wanted x bits], changes [wells x genes]; returns [wanted x genes].
    Wells of one molecule enter as their number and their sum, and the smaller of molecules and bits is solved for; the
    coefficients are those of all wells.
    """
    own, well_of, wells = np.unique(prints, axis=0, return_inverse=True, return_counts=True)
    root, mean = np.sqrt(wells)[:, None], changes.mean(axis=0)
    sums = np.zeros((len(own), changes.shape[1]))
    np.add.at(sums, well_of.ravel(), changes - mean)
    centre = (own.astype(np.float64) * wells[:, None]).sum(axis=0) / wells.sum()
    first, second = (own - centre) * root, wanted - centre
    targets = sums / root
    molecules, bits = first.shape
    if molecules > bits:
        weights = linalg.solve(first.T @ first + RIDGE * np.eye(bits), first.T @ targets, assume_a="pos")
        return second @ weights + mean
    weights = linalg.solve(first @ first.T + RIDGE * np.eye(molecules), targets, assume_a="pos")
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
    names, molecule_of = np.unique(np.asarray(molecules, dtype=str), return_inverse=True)
    found = []
    for start in range(0, len(second), BLOCK):
        likeness = second[start : start + BLOCK] @ first.T
        best = np.full((len(likeness), len(names)), -np.inf)
        np.maximum.at(best.T, molecule_of, likeness.T)
        for row in np.argsort(-best, axis=1, kind="stable")[:, :number]:
            found.append([str(names[row[k % len(row)]]) for k in range(number)])
    return found


PREDICTORS: dict[str, Predictor] = {
    "zero": zero,
    "train_mean": train_mean,
    "nearest_molecules": nearest_molecules,
    "kernel_ridge": kernel_ridge,
}
"""By name, the weakest first."""
