"""Lists of SMILES as MOSES comes: a table with a column of that name, or a string a line."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.seeds import derive_seed
from workflow_scripts.lib.tables import read_table

from .molecule_splits import MoleculeSet
from .molecules import identities
from .notation import NOTATIONS, Notation
from .text_table import read_text

log = logging.getLogger("latentome")

HEADER = "SMILES"
PRETRAINING = ("smiles", "without_stereo", "scaffold")
"""Columns of the molecules that a model was pretrained on."""


def read_smiles(path: str | Path) -> list[str]:
    """SMILES of a file, gzipped or not: the column SMILES of a comma-separated table, or the first word of each line.

    Raises
    ------
    LatentomeError
        If there is none.
    """
    lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    names = [name.strip() for name in lines[0].split(",")] if lines else []
    if HEADER in names:
        place = names.index(HEADER)
        found = [line.split(",")[place] for line in lines[1:]]
    else:
        # A comma is no character of SMILES, nor is white space.
        found = [line.split()[0].split(",")[0] for line in lines]
    if not found:
        raise LatentomeError(f"{path}: no SMILES; expected a column {HEADER}, or one SMILES a line")
    return found


def some_of(smiles: list[str], number: int | None, seed: int) -> list[str]:
    """Draw `number` of the molecules without replacement, in random order; all of them if None or not so many."""
    order = np.random.default_rng(seed).permutation(len(smiles))
    return [smiles[place] for place in order[:number]]


def pretraining_molecules(smiles: list[str], card: Mapping[str, Any]) -> pd.DataFrame:
    """Distinct molecules that a pretrained model was trained on.

    Parameters
    ----------
    smiles
        Of its whole training file.
    card
        Of the model: the draw follows from its settings.

    Returns
    -------
    pandas.DataFrame
        smiles (canonical), without_stereo, scaffold: what `read_pretraining` reads.
    """
    settings = card["settings"]
    drawn = some_of(smiles, settings["molecules"], derive_seed(settings["seed"], "molecules"))
    rows = dict.fromkeys(one for one in map(identities, drawn) if one is not None)
    return pd.DataFrame(list(rows), columns=list(PRETRAINING))


def read_pretraining(path: str | Path) -> MoleculeSet:
    """Molecules of a pretraining, from the file that holds its `pretraining_molecules`."""
    table = read_table(path, PRETRAINING, text=PRETRAINING)
    molecules, flat, scaffolds = (frozenset(table[name].fillna("")) for name in PRETRAINING)
    return MoleculeSet(molecules, flat, scaffolds - {""})


def readable(
    smiles: list[str], where: str, longest: int, notation: Notation = NOTATIONS["smiles"]
) -> list[str]:
    """Molecules that the notation knows and that are no longer than `longest` tokens.

    Parameters
    ----------
    smiles
        SMILES.
    where
        For the log and the error.
    longest
        Tokens, the end included.
    notation
        Of the tokens.

    Raises
    ------
    LatentomeError
        If none is left; the reason of the first one is given.
    """
    kept, reasons = [], []
    for one in smiles:
        try:
            number = len(notation.encode(one)) - 1
        except LatentomeError as error:
            reasons.append(str(error))
            continue
        if number <= longest:
            kept.append(one)
        else:
            reasons.append(f"SMILES {one!r}: {number} tokens; expected at most {longest}")
    if reasons:
        log.warning(
            "%s: %d of %d molecules left out, the first: %s", where, len(reasons), len(smiles), reasons[0]
        )
    if not kept:
        reason = reasons[0] if reasons else "there is none"
        raise LatentomeError(f"{where}: no molecule to train on ({reason}); check the file")
    return kept
