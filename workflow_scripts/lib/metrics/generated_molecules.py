"""Scores of generated molecules by the definitions of MOSES (Polykovskiy et al. 2020, doi 10.3389/fphar.2020.565644).

``molsets`` itself no longer imports; each score is tested on cases worked out by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from scipy import linalg

from workflow_scripts.lib.data.molecules import canonical, fingerprints, scaffold, tanimoto
from workflow_scripts.lib.errors import LatentomeError

UNIQUE_AT, MOSES_BITS, SCAFFOLD_RINGS = 10_000, 1024, 2
BLOCK = 2_000


def validity(generated: Sequence[str]) -> tuple[float, list[str]]:
    """Share of all strings that are molecules, and the canonical SMILES of these."""
    found = [one for one in map(canonical, generated) if one is not None]
    return (len(found) / len(generated) if len(generated) else float("nan")), found


def uniqueness(valid: Sequence[str], at: int = UNIQUE_AT) -> float:
    """Distinct molecules among the first `at` valid ones, as a share; NaN without any."""
    some = valid[:at]
    return len(set(some)) / len(some) if some else float("nan")


def novelty(valid: Sequence[str], training: Collection[str]) -> float:
    """Share of the distinct valid molecules that are not in the training set; NaN without any."""
    distinct = set(valid)
    known = training if isinstance(training, (set, frozenset)) else set(training)
    return len(distinct - known) / len(distinct) if distinct else float("nan")


def internal_diversity(prints: np.ndarray, p: int = 1) -> float:
    """1 - mean over molecules of (mean of Tanimoto^p to all, itself included)^(1/p), as MOSES' code has it; or NaN.

    `prints` are fingerprints, bool [molecules x bits].
    """
    if len(prints) == 0:
        return float("nan")
    means = [(part**p).mean(axis=1) ** (1 / p) for part in _rows_of(prints, prints)]
    return float(1 - np.concatenate(means).mean())


def nearest_similarity(prints: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Tanimoto of each molecule to the nearest of a reference set, shape [molecules]; its mean is MOSES' SNN.

    Raises
    ------
    LatentomeError
        If there is no reference.
    """
    if len(reference) == 0:
        raise LatentomeError(
            "molecules: no reference to compare with; expected held-out molecules; check the split"
        )
    found = np.zeros(len(prints))
    for start in range(0, len(reference), BLOCK):
        parts = [part.max(axis=1) for part in _rows_of(prints, reference[start : start + BLOCK])]
        found = np.maximum(found, np.concatenate(parts) if parts else found)
    return found


def _rows_of(prints: np.ndarray, others: np.ndarray) -> Iterator[np.ndarray]:
    """Likeness of a block of molecules to all others, float64."""
    for start in range(0, len(prints), BLOCK):
        yield tanimoto(prints[start : start + BLOCK], others).astype(np.float64)


def scaffold_similarity(valid: Sequence[str], reference: Sequence[str]) -> float:
    """Cosine of how often each scaffold of at least two rings occurs in both sets, as MOSES' Scaf; or NaN."""
    counts = [Counter(scaffold(one, SCAFFOLD_RINGS) for one in some) for some in (valid, reference)]
    names = sorted(set().union(*counts) - {""})
    first, second = (np.array([one[name] for name in names], dtype=float) for one in counts)
    length = np.sqrt((first @ first) * (second @ second)) if names else 0.0
    return float(first @ second / length) if length > 0 else float("nan")


def scaffold_novelty(valid: Sequence[str], training: Collection[str]) -> float:
    """Share of the distinct scaffolds that no training molecule has; NaN without any."""
    found = {scaffold(one) for one in valid} - {""}
    known = {scaffold(one) for one in training}
    return len(found - known) / len(found) if found else float("nan")


def fingerprint_distance(prints: np.ndarray, reference: np.ndarray, dimensions: int = 64) -> float:
    """Frechet distance of two sets of fingerprints, on the reference's first principal components.

    As FCD (Preuer et al. 2018), with fingerprints for ChemNet's activations: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2).
    Comparable only between sets measured against the same reference, and of like size.
    """
    if min(len(prints), len(reference)) < 2:
        return float("nan")
    whole = reference.astype(np.float32)
    centre = whole.mean(axis=0)
    # of bits x bits, however many molecules there are
    _, directions = linalg.eigh((whole.T @ whole / len(whole) - np.outer(centre, centre)).astype(np.float64))
    first, second = ((some - centre) @ directions[:, ::-1][:, :dimensions] for some in (prints, whole))
    return frechet_distance(first, second)


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Frechet distance of the Gaussians fitted to two sets of points, [points x dimensions] each."""
    shift = first.mean(axis=0) - second.mean(axis=0)
    one, other = (np.atleast_2d(np.cov(some, rowvar=False)) for some in (first, second))
    # tr (C1 C2)^1/2 by the eigenvalues of C1^1/2 C2 C1^1/2, which are real and not negative
    root = _root(one)
    cross = np.sqrt(np.clip(linalg.eigvalsh(root @ other @ root), 0, None)).sum()
    return float(shift @ shift + np.trace(one) + np.trace(other) - 2 * cross)


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def moses_scores(
    generated: Sequence[str], training: Collection[str], reference: Sequence[str]
) -> dict[str, float]:
    """All scores of a set of generated strings.

    Parameters
    ----------
    generated
        Strings, valid or not.
    training
        Canonical SMILES that the generator was trained on.
    reference
        Canonical SMILES of held-out molecules.

    Returns
    -------
    dict
        ``valid`` (of all), ``unique`` (at 10,000, of the valid), ``novel`` (of the distinct valid),
        ``internal_diversity``, ``nearest_similarity``, ``scaffold_similarity``, ``scaffold_novelty``,
        ``fingerprint_distance``. Scores of pairs of molecules are of 10,000 at most, evenly taken.
    """
    share, valid = validity(generated)
    # Evenly, for strings of one condition lie together.
    some = valid[:: max(1, -(-len(valid) // UNIQUE_AT))]
    prints, held = (fingerprints(each, MOSES_BITS) for each in (some, reference))
    return {
        "valid": share,
        "unique": uniqueness(valid),
        "novel": novelty(valid, training),
        "internal_diversity": internal_diversity(prints),
        "nearest_similarity": float(nearest_similarity(prints, held).mean()) if valid else float("nan"),
        "scaffold_similarity": scaffold_similarity(valid, reference),
        "scaffold_novelty": scaffold_novelty(valid, training),
        "fingerprint_distance": fingerprint_distance(prints, held),
    }
