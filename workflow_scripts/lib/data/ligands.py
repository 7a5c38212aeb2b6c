"""Known ligands of a protein, and the expression change of its knock-down."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workflow_scripts.lib.errors import LatentomeError

from .molecules import UNREADABLE_SHARE, standardise_all
from .smiles_files import read_smiles
from .text_table import read_text

log = logging.getLogger("latentome")

PREFIX = "hsa:"


def read_ligands(path: str | Path, most_unreadable: float = UNREADABLE_SHARE) -> list[str]:
    """Distinct ligands, canonical standardised SMILES, of a file with one SMILES a line; the unreadable are left out.

    Raises
    ------
    LatentomeError
        If there is none, or too many cannot be read.
    """
    found = standardise_all([one.lstrip("\ufeff") for one in read_smiles(path)], str(path), most_unreadable)
    if found.unreadable:
        log.warning(
            "%s: %d SMILES cannot be read, the first: %r", path, len(found.unreadable), found.unreadable[0][1]
        )
    return sorted({one for one in found.smiles if one is not None})


def read_knock_down(path: str | Path, genes: Sequence[str]) -> np.ndarray:
    """Expression change of a knock-down in the genes wanted, float32 [genes]; 0 where the file lacks one.

    Parameters
    ----------
    path
        Two lines, comma-separated: Entrez ids (``hsa:16``), then values; a name may stand before both.
    genes
        Entrez ids.

    Raises
    ------
    LatentomeError
        If the lines do not fit, a value is no number, or less than half of the genes are there.
    """
    lines = [line.split(",") for line in read_text(path).splitlines() if line.strip()]
    if len(lines) != 2 or len(lines[0]) != len(lines[1]):
        raise LatentomeError(
            f"{path}: expected two lines of as many values, gene ids and changes; found {len(lines)} lines"
        )
    known = {}
    for name, value in zip(*lines, strict=True):
        if not name.strip().startswith(PREFIX):
            continue
        try:
            known[name.strip().removeprefix(PREFIX)] = float(value)
        except ValueError:
            raise LatentomeError(f"{path}: gene {name}: {value!r}; expected a number") from None
    there = sum(gene in known for gene in genes)
    if 2 * there < len(genes):
        raise LatentomeError(
            f"{path}: has {there} of {len(genes)} genes; expected half of them, Entrez ids as {PREFIX}16; mend the file"
        )
    found = np.array([known.get(gene, 0.0) for gene in genes], dtype=np.float32)
    if not np.isfinite(found).all():
        raise LatentomeError(f"{path}: a change is not finite; expected numbers")
    return found
