"""Molecules by RDKit: one SMILES for each, scaffolds, fingerprints, properties."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem, RDLogger
from rdkit.Chem import QED, Crippen, Descriptors, MACCSkeys, RDConfig, rdFingerprintGenerator
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Chem.Scaffolds import MurckoScaffold

from workflow_scripts.lib.errors import LatentomeError

# Every invalid generated molecule would print several lines.
RDLogger.DisableLog("rdApp.*")

MARKED = re.compile(r"[@/\\]|\[\d")
RADIUS, BITS = 2, 2048
"""Of Morgan fingerprints; MOSES takes 1024 bits."""
UNREADABLE_SHARE = 0.05
"""Of a file's SMILES, above which it is taken for a wrong file."""


@dataclass(frozen=True)
class Standardised:
    """Molecules of a file.

    Attributes
    ----------
    smiles
        Canonical, standardised SMILES of each row; None where it cannot be read.
    unreadable
        Row (from 0) and raw string of those.
    """

    smiles: list[str | None]
    unreadable: list[tuple[int, str]]


def read_molecule(smiles: str) -> Any | None:
    """RDKit molecule of a SMILES string; None if it is no valid one, or has no atom."""
    found = Chem.MolFromSmiles(smiles) if isinstance(smiles, str) and smiles.strip() else None
    return found if found is not None and found.GetNumAtoms() > 0 else None


def canonical(smiles: str) -> str | None:
    """Canonical SMILES of a valid molecule; else None."""
    found = read_molecule(smiles)
    return None if found is None else Chem.MolToSmiles(found)


def standardise(smiles: str) -> str | None:
    """Canonical SMILES of the largest organic part, neutral, without isotopes; None if unreadable.

    RDKit's clean-up (normalised groups, metals off), largest organic fragment, charges off where that leaves a
    molecule. Stereochemistry is kept.
    """
    found = read_molecule(smiles)
    if found is None:
        return None
    try:
        found = rdMolStandardize.Cleanup(found)
        found = rdMolStandardize.LargestFragmentChooser(preferOrganic=True).choose(found)
        found = rdMolStandardize.IsotopeParent(rdMolStandardize.Uncharger().uncharge(found))
        return canonical(Chem.MolToSmiles(found))
    except (ValueError, RuntimeError):
        return None


def standardise_all(
    smiles: Sequence[str], where: str, most_unreadable: float = UNREADABLE_SHARE
) -> Standardised:
    """Standardise every SMILES of a file once.

    Parameters
    ----------
    smiles
        Raw strings; equal ones are worked out once.
    where
        Name of the file, for the error.
    most_unreadable
        Share of distinct unreadable strings above which the file is refused.

    Raises
    ------
    LatentomeError
        If there is no SMILES, or too many cannot be read.
    """
    known = {one: standardise(one) for one in dict.fromkeys(smiles)}
    if not known:
        raise LatentomeError(f"{where}: no SMILES; expected at least one; check the file and its column")
    found = [known[one] for one in smiles]
    unreadable = [(row, raw) for row, (raw, one) in enumerate(zip(smiles, found, strict=True)) if one is None]
    bad = [raw for raw, one in known.items() if one is None]
    if len(bad) > most_unreadable * len(known):
        some = ", ".join(repr(raw) for raw in bad[:3])
        raise LatentomeError(
            f"{where}: {len(bad)} of {len(known)} SMILES cannot be read ({some}); expected at most "
            f"{most_unreadable:.0%}; check the column, or raise config key molecules: pairs: most_unreadable"
        )
    return Standardised(found, unreadable)


@cache
def scaffold(smiles: str, rings: int = 1) -> str:
    """Bemis-Murcko scaffold (J. Med. Chem. 1996), canonical SMILES without stereochemistry; empty below `rings`."""
    return _scaffold(_valid(smiles), rings)


def _scaffold(molecule: Any, rings: int = 1) -> str:
    found = MurckoScaffold.GetScaffoldForMol(molecule)
    return Chem.MolToSmiles(found, isomericSmiles=False) if found.GetRingInfo().NumRings() >= rings else ""


def identities(smiles: str) -> tuple[str, str, str] | None:
    """`canonical`, `without_stereo` and `scaffold` of a molecule at once, in half the time; None if unreadable."""
    found = read_molecule(smiles)
    if found is None:
        return None
    whole = Chem.MolToSmiles(found)
    # Without stereochemistry and isotopes, which SMILES mark so, both strings are one.
    flat = Chem.MolToSmiles(found, isomericSmiles=False) if MARKED.search(whole) else whole
    return whole, flat, _scaffold(found)


@cache
def without_stereo(smiles: str) -> str:
    """Canonical SMILES without stereochemistry: as MOSES has its molecules."""
    return Chem.MolToSmiles(_valid(smiles), isomericSmiles=False)


@cache
def maccs_key(smiles: str) -> str:
    """The 166 MACCS keys as a string of bits: molecules of the same string were one to the published split."""
    return MACCSkeys.GenMACCSKeys(_valid(smiles)).ToBitString()


def fingerprints(smiles: Sequence[str], bits: int = BITS) -> np.ndarray:
    """Morgan fingerprints of radius 2, bool [molecules x bits].

    Raises
    ------
    LatentomeError
        If a molecule is not valid.
    """
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=bits)
    found = np.zeros((len(smiles), bits), dtype=bool)
    for row, one in zip(found, smiles, strict=True):
        row[:] = generator.GetFingerprintAsNumPy(_valid(one))
    return found


def tanimoto(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Bits in common over bits in either, [first x second]; 0 where neither has any.

    Parameters
    ----------
    first, second
        Bool, [molecules x bits].
    """
    a, b = first.astype(np.float32), second.astype(np.float32)
    both = a @ b.T
    either = a.sum(axis=1)[:, None] + b.sum(axis=1)[None] - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def properties(smiles: str) -> dict[str, float]:
    """Molecular weight (Da), logP (Crippen), QED (Bickerton et al. 2012), SA score (Ertl & Schuffenhauer 2009)."""
    molecule = _valid(smiles)
    return {
        "molecular_weight": Descriptors.MolWt(molecule),
        "log_p": Crippen.MolLogP(molecule),
        "qed": QED.qed(molecule),
        "sa_score": _sa_scorer().calculateScore(molecule),
    }


@cache
def _sa_scorer() -> Any:
    """RDKit's own module, which it ships outside its package."""
    spec = spec_from_file_location("sascorer", Path(RDConfig.RDContribDir) / "SA_Score/sascorer.py")
    assert spec is not None and spec.loader is not None
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def _valid(smiles: str) -> Any:
    found = read_molecule(smiles)
    if found is None:
        raise LatentomeError(f"SMILES {smiles!r} is no valid molecule; expected standardised ones here")
    return found
