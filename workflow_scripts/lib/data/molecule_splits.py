"""Splits of pairs by molecule, MACCS keys, scaffold or cell line; written to disk, so that no step draws its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.lib.errors import LatentomeError

from .molecules import maccs_key, scaffold, without_stereo

PARTS = ("train", "valid", "test")
SMALLEST_CELL = 0.1
"""Share of the pairs that a cell line to hold out has."""
KINDS = ("molecule", "maccs", "scaffold", "cell")
GROUPS: dict[str, Callable[[str], str]] = {
    # Stereoisomers are one molecule: MOSES has none, and they share nearly all that a model sees.
    "molecule": without_stereo,
    "maccs": maccs_key,
    # A molecule without a ring is its own scaffold, or all of them would be one.
    "scaffold": lambda smiles: scaffold(smiles) or without_stereo(smiles),
}


def split_pairs(
    kind: str, smiles: Sequence[str], cells: Sequence[str], seed: int, held_out_cell: str | None = None
) -> np.ndarray:
    """Part of each pair: train, valid or test.

    Parameters
    ----------
    kind
        ``molecule``: by canonical SMILES without stereochemistry; ``maccs``: by MACCS keys, as published;
        ``scaffold``: by Bemis-Murcko scaffold; ``cell``: a whole cell line is the test, the rest is split by molecule.
    smiles
        Canonical SMILES of each pair.
    cells
        Cell line of each pair.
    seed
        Of the order of the groups; the published 0.
    held_out_cell
        Of ``cell``; None for the line with the fewest pairs of those with a tenth of all, else for the second largest.

    Returns
    -------
    numpy.ndarray
        Strings, shape [pairs]. Of n groups n // 4 are validation and n // 4 test. A group is never divided.

    Raises
    ------
    LatentomeError
        If the kind is not known, a part would be empty, or there is but one cell line to hold out.
    """
    if kind not in KINDS:
        raise LatentomeError(f"split {kind!r} is not known; expected one of {', '.join(KINDS)}")
    if kind == "cell":
        return _by_cell(smiles, cells, seed, held_out_cell)
    return _by_group([GROUPS[kind](one) for one in smiles], seed, kind, PARTS)


def _by_group(groups: Sequence[str], seed: int, kind: str, parts: Sequence[str]) -> np.ndarray:
    """As published: the distinct groups, in order of first appearance, are shuffled; quarters are held out."""
    names = list(dict.fromkeys(groups))
    quarter = len(names) // 4
    if quarter < 1:
        raise LatentomeError(
            f"split {kind}: {len(names)} groups of molecules; expected at least 4, so that no part is empty; "
            "take another split, or more molecules"
        )
    # numpy's old generator, as the published split drew with it
    order = np.random.RandomState(seed).permutation(len(names))
    where = np.full(len(names), parts[0], dtype=object)
    where[order[:quarter]] = parts[1]
    if len(parts) > 2:
        where[order[quarter : 2 * quarter]] = parts[2]
    part_of = dict(zip(names, where, strict=True))
    return np.array([part_of[one] for one in groups], dtype=object)


def _by_cell(smiles: Sequence[str], cells: Sequence[str], seed: int, held_out_cell: str | None) -> np.ndarray:
    names, counts = np.unique(np.asarray(cells, dtype=str), return_counts=True)
    if len(names) < 2:
        raise LatentomeError(
            f"split cell: all pairs are of {names[0]}; expected at least 2 cell lines; take another split"
        )
    order = np.argsort(counts, kind="stable")
    large = [place for place in order[:-1] if counts[place] >= SMALLEST_CELL * counts.sum()]
    wanted = str(names[large[0] if large else order[-2]]) if held_out_cell is None else held_out_cell
    test = np.asarray(cells, dtype=str) == wanted
    if not test.any():
        raise LatentomeError(
            f"split cell: no pair is of {wanted}; expected one of {', '.join(names)}; mend config key held_out_cell"
        )
    found = np.full(len(test), PARTS[2], dtype=object)
    rest = [one for one, out in zip(smiles, test, strict=True) if not out]
    found[~test] = _by_group([without_stereo(one) for one in rest], seed, "cell", PARTS[:2])
    return found


def check_split(parts: np.ndarray, groups: Sequence[str]) -> None:
    """Refuse a split, part and group [pairs], that has a group in two parts, or an empty part.

    Raises
    ------
    LatentomeError
        Naming the group and its parts, or the empty part.
    """
    seen: dict[str, str] = {}
    for group, part in zip(groups, parts, strict=True):
        if seen.setdefault(group, part) != part:
            raise LatentomeError(
                f"split: {group} is in {seen[group]} and in {part}; expected one part for a group; split anew"
            )
    missing = [part for part in PARTS if part not in set(parts)]
    if missing:
        raise LatentomeError(f"split: {' and '.join(missing)} empty; expected pairs in each part; split anew")


@dataclass(frozen=True)
class MoleculeSet:
    """Distinct molecules, as they are told apart.

    Attributes
    ----------
    molecules
        Canonical SMILES.
    flat
        The same without stereochemistry, which MOSES does not have.
    scaffolds
        Bemis-Murcko scaffolds of those that have a ring.
    """

    molecules: frozenset[str]
    flat: frozenset[str]
    scaffolds: frozenset[str]


def molecule_set(smiles: Iterable[str]) -> MoleculeSet:
    """Return the set of canonical SMILES."""
    own = frozenset(smiles)
    flat = frozenset(without_stereo(one) for one in own)
    return MoleculeSet(own, flat, frozenset(scaffold(one) for one in own) - {""})


def overlap(own: MoleculeSet, known: MoleculeSet) -> dict[str, float]:
    """How many molecules, and scaffolds, of a held-out part another set has too."""
    return {
        "molecules": len(own.molecules), "shared": len(own.molecules & known.molecules),
        "without_stereo": len(own.flat), "shared_without_stereo": len(own.flat & known.flat),
        "scaffolds": len(own.scaffolds), "shared_scaffolds": len(own.scaffolds & known.scaffolds),
    }  # fmt: skip


def not_among(smiles: Sequence[str], known: MoleculeSet) -> np.ndarray:
    """Which molecules another set does not have, stereochemistry left aside; bool, shape [molecules]."""
    return np.array([without_stereo(one) not in known.flat for one in smiles], dtype=bool)
