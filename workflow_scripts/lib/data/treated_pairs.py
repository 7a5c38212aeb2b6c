"""From wells of level-3 expression to pairs: what each treated well shows beyond its plate's controls."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed

from .molecules import UNREADABLE_SHARE, standardise_all

log = logging.getLogger("latentome")

COLUMNS = ("plate", "cell_id", "time_h", "dose_um", "pert_id", "smiles", "control")
MATCHED = ["plate", "cell_id", "time_h"]
"""What a treated well and its controls have in common."""


@dataclass(frozen=True)
class Wells:
    """Wells of one or several plates.

    Attributes
    ----------
    values
        log2 expression, float32 [wells x genes].
    genes
        Entrez ids, [genes].
    sheet
        A row a well, indexed by its id: plate, cell_id, time_h (hours), dose_um (micromolar), pert_id, smiles (raw, ""
        if unknown) and control (bool).
    """

    values: np.ndarray
    genes: list[str]
    sheet: pd.DataFrame


@dataclass(frozen=True)
class TreatedPairs:
    """Treated wells against the controls of their plate.

    Attributes
    ----------
    changes
        Treated minus the median of the matched controls, log2, float32 [pairs x genes].
    genes
        Entrez ids.
    sheet
        Of the treated wells, with ``raw_smiles``, ``smiles`` (standardised) and ``controls`` (matched wells).
    left_out
        Treated wells that have no readable SMILES: well, pert_id, raw_smiles, reason.
    """

    changes: np.ndarray
    genes: list[str]
    sheet: pd.DataFrame
    left_out: pd.DataFrame


def check_wells(wells: Wells, where: str) -> None:
    """Refuse wells that do not fit together.

    Raises
    ------
    LatentomeError
        If a column of the sheet is missing, numbers of wells or genes disagree, ids are not unique, a value is not
        finite, or a dose or time of a treated well is not known.
    """
    missing = [name for name in COLUMNS if name not in wells.sheet]
    if missing:
        raise LatentomeError(
            f"{where}: the sheet has no column {listed(missing)}; expected {listed(COLUMNS, 9)}"
        )
    if wells.values.shape != (len(wells.sheet), len(wells.genes)):
        raise LatentomeError(
            f"{where}: {wells.values.shape} values, {len(wells.sheet)} wells in the sheet, {len(wells.genes)} genes; "
            "expected wells x genes"
        )
    twice = wells.sheet.index[wells.sheet.index.duplicated()]
    if len(twice):
        raise LatentomeError(f"{where}: well {twice[0]} is there twice; expected each well once")
    bad = np.argwhere(~np.isfinite(wells.values))
    if len(bad):
        well, gene = bad[0]
        raise LatentomeError(
            f"{where}: {len(bad)} values are not finite, the first in well {wells.sheet.index[well]}, gene "
            f"{wells.genes[gene]}; expected log2 expression; drop those wells"
        )
    treated = wells.sheet[~wells.sheet["control"].astype(bool)]
    for name, least in (("dose_um", 0.0), ("time_h", 0.0)):
        wrong = treated.index[~(pd.to_numeric(treated[name], errors="coerce") >= least)]
        if len(wrong):
            raise LatentomeError(
                f"{where}: well {wrong[0]}, column {name}: {treated.loc[wrong[0], name]}; expected a number of at "
                f"least 0 ({len(wrong)} such wells); mend or drop them"
            )


def pair_with_controls(wells: Wells, where: str, most_unreadable: float = UNREADABLE_SHARE) -> TreatedPairs:
    """Subtract from every treated well the median of its controls; replicates stay apart.

    Controls are the vehicle's wells of the same plate, cell line and time. One random control, as published, adds its
    own noise to every pair: on the plates of HT115 the mean length of a change is then 36.1 instead of 30.6.

    Parameters
    ----------
    wells
        Treated and control wells.
    where
        Name of the file or dataset, for errors.
    most_unreadable
        Share of distinct SMILES that may be unreadable.

    Raises
    ------
    LatentomeError
        As `check_wells`; if treated wells have no control; or too many SMILES cannot be read.
    """
    check_wells(wells, where)
    sheet = wells.sheet.assign(control=wells.sheet["control"].astype(bool))
    groups = sheet.groupby(MATCHED, sort=False, dropna=False).ngroup().to_numpy()
    control = sheet["control"].to_numpy()
    orphans = sorted(set(groups[~control]) - set(groups[control]))
    if orphans:
        without = np.isin(groups, orphans)
        first = sheet[without].iloc[0]
        raise LatentomeError(
            f"{where}: {int(without.sum())} treated wells have no control, the first on plate {first['plate']} "
            f"({first['cell_id']}, {first['time_h']} h); expected vehicle wells of the same plate, cell line and time; "
            "give them, or drop the plate"
        )
    if control.all():
        raise LatentomeError(
            f"{where}: all {len(sheet)} wells are controls; expected treated wells; check pert_type"
        )
    changes = np.empty_like(wells.values, dtype=np.float32)
    number = np.zeros(len(sheet), dtype=int)
    for group in np.unique(groups[~control]):
        own = groups == group
        changes[own] = wells.values[own] - np.median(wells.values[own & control], axis=0)
        number[own] = int((own & control).sum())
    treated = sheet[~control].assign(controls=number[~control]).rename(columns={"smiles": "raw_smiles"})
    return with_molecules(
        changes[~control], wells.genes, treated.drop(columns="control"), where, most_unreadable
    )


def with_molecules(
    changes: np.ndarray, genes: list[str], sheet: pd.DataFrame, where: str, most_unreadable: float
) -> TreatedPairs:
    """Standardise the molecules of changes; those without a readable SMILES are left out and listed.

    Parameters
    ----------
    changes
        [pairs x genes].
    genes
        Their ids.
    sheet
        A row a pair, with ``raw_smiles``, empty where there is none, and ``pert_id``.
    where
        Name of the file, for errors.
    most_unreadable
        Share of distinct SMILES that may be unreadable.

    Raises
    ------
    LatentomeError
        If more cannot be read, or none has any.
    """
    known = (sheet["raw_smiles"] != "").to_numpy()
    if not known.any():
        raise LatentomeError(
            f"{where}: none of {len(sheet)} pairs has a SMILES; expected them in the file, or by Broad id in the file "
            "of the dataset's key smiles"
        )
    read = standardise_all(list(sheet["raw_smiles"][known]), where, most_unreadable)
    smiles = np.full(len(sheet), "", dtype=object)
    smiles[known] = [one or "" for one in read.smiles]
    kept = smiles != ""
    left_out = sheet.loc[~kept, ["pert_id", "raw_smiles"]].rename_axis("well").reset_index()
    left_out["reason"] = np.where(left_out["raw_smiles"] == "", "no SMILES", "unreadable SMILES")
    found = sheet.assign(smiles=smiles)[kept]
    log.info(
        "%s: %d pairs of %d molecules, %d left out",
        where,
        len(found),
        found["smiles"].nunique(),
        len(left_out),
    )
    return TreatedPairs(changes[kept], genes, found, left_out)
