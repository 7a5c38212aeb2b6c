"""Wells of level-3 expression from the forms they come in: GCTX, GCT, AnnData, PharmacoSet; and ready pairs."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed

from .gctx import decoded
from .molecules import UNREADABLE_SHARE
from .signature_matrix import StoredMatrix, find_landmarks, open_matrix
from .signatures import VEHICLES, dose_um, read_tab_table
from .text_table import read_text
from .treated_pairs import COLUMNS, TreatedPairs, Wells, with_molecules

log = logging.getLogger("latentome")

NAMES = {
    "plate": ("rna_plate", "det_plate"),
    "cell_id": ("cell_id",),
    "time_h": ("pert_time", "exp_pert_time"),
    "pert_id": ("pert_id",),
    "smiles": ("canonical_smiles", "SMILES"),
}
"""Columns of our sheets, as LINCS names them; the first that is there is taken."""
BROAD_ID = 13
"""Characters of a Broad id that name the compound; what follows is the batch."""
UNKNOWN = ("-666", "nan", "NA", "None", "<NA>")


def read_smiles_table(path: str | Path) -> dict[str, str]:
    """SMILES by Broad id, of lines id, comma, SMILES without a header, or of LINCS' pert_info.

    Raises
    ------
    LatentomeError
        If a line has no comma; file and line are named.
    """
    text = read_text(path)
    if text.partition("\n")[0].split("\t")[0].strip() == "pert_id":
        table = read_tab_table(path, ("pert_id", "canonical_smiles"), "pert_info table")
        known = table[~table["canonical_smiles"].isin((*UNKNOWN, "", "restricted"))]
        return dict(zip(known["pert_id"].str[:BROAD_ID], known["canonical_smiles"], strict=True))
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split(",", 1)
        if len(parts) != 2:
            raise LatentomeError(
                f"{path}, line {number}: {line!r}; expected a Broad id, a comma and a SMILES"
            )
        found[parts[0].strip()[:BROAD_ID]] = parts[1].strip()
    if not found:
        raise LatentomeError(f"{path}: is empty; expected lines of a Broad id, a comma and a SMILES")
    return found


def read_wells(
    path: str | Path,
    landmarks: pd.DataFrame,
    smiles: Mapping[str, str],
    constants: Mapping[str, str] | None = None,
    missing_landmarks: int = 0,
    inst_info: str | Path | None = None,
) -> Wells:
    """Read wells and what is known of them.

    Parameters
    ----------
    path
        ``.gctx``, ``.gct``, ``.h5ad`` or, of PharmacoGx, ``.rda``.
    landmarks
        From `read_landmarks`.
    smiles
        From `read_smiles_table`: for wells whose file has none.
    constants
        Columns that the file does not have, as LINCS names them.
    missing_landmarks
        Landmark genes that may be missing; they are left out.
    inst_info
        LINCS' table of the wells, if the file of values has none.

    Raises
    ------
    LatentomeError
        If the file is of no such form, lacks a column, or lacks more landmarks; or no well is in `inst_info`.
    """
    path = Path(path)
    stored = {".h5ad": _of_anndata, ".rda": _of_pharmacoset}.get(path.suffix.lower(), open_matrix)(path)
    genes, missing = find_landmarks(stored, landmarks, missing_landmarks)
    if missing:
        log.info("%s: without landmarks %s", path, listed(missing))
    kept = genes >= 0
    columns, found = np.arange(len(stored.signatures)), stored.sheet
    if inst_info is not None:
        columns, found = _listed_wells(stored.signatures, inst_info)
    values = stored.read(genes[kept], columns)
    further = {name: value for name, value in (constants or {}).items() if name not in found}
    sheet = lincs_sheet(found.assign(**further), smiles, str(path))
    return Wells(values.astype(np.float32), landmarks.index[kept].tolist(), sheet)


def _listed_wells(wells: list[str], inst_info: str | Path) -> tuple[np.ndarray, pd.DataFrame]:
    """Places of the wells that the table lists, and its rows in their order."""
    table = read_tab_table(inst_info, ("inst_id", "pert_id", "pert_type"), "inst_info table").set_index(
        "inst_id"
    )
    columns = np.flatnonzero(pd.Index(wells).isin(table.index))
    if not len(columns):
        raise LatentomeError(
            f"{inst_info}: lists none of the {len(wells)} wells of the matrix (the first: {wells[0]}); expected their "
            "table; give the inst_info of the same series"
        )
    if len(columns) < len(wells):
        log.warning(
            "%s: does not list %d of %d wells, left out", inst_info, len(wells) - len(columns), len(wells)
        )
    names = [wells[column] for column in columns]
    return columns, table[~table.index.duplicated()].loc[names]


def lincs_sheet(sheet: pd.DataFrame, smiles: Mapping[str, str], where: str) -> pd.DataFrame:
    """Bring a sheet of LINCS into our columns.

    Parameters
    ----------
    sheet
        A row a well, columns as LINCS names them.
    smiles
        By Broad id, where the sheet has none.
    where
        For errors.

    Raises
    ------
    LatentomeError
        If a column is missing.
    """
    found = pd.DataFrame(index=sheet.index.astype(str))
    for name, candidates in NAMES.items():
        there = next((one for one in candidates if one in sheet), None)
        if there is None and name != "smiles":
            raise LatentomeError(
                f"{where}: the wells have no column {' or '.join(candidates)}; found {listed(sheet.columns)}; "
                "name it under the source's key constants"
            )
        values = sheet[there].astype(str).str.strip() if there else pd.Series("", index=sheet.index)
        found[name] = values.where(~values.isin(UNKNOWN), "").to_numpy()
    if "pert_type" not in sheet:
        raise LatentomeError(
            f"{where}: the wells have no column pert_type; expected it to tell controls from treated wells"
        )
    types = sheet["pert_type"].astype(str).str.lower()
    # An untreated well is no vehicle control: it lacks what the vehicle itself does.
    kept = ((types == "trt_cp") | (types == VEHICLES[0])).to_numpy()
    found["control"] = (types == VEHICLES[0]).to_numpy()
    found["time_h"] = pd.to_numeric(found["time_h"], errors="coerce")
    units = {"pert_dose": "exp_pert_dose", "pert_dose_unit": "exp_pert_dose_unit"}
    renamed = sheet.rename(
        columns={old: new for new, old in units.items() if new not in sheet and old in sheet}
    )
    if not {"pert_dose", "exp_pert_dose", "pert_idose"} & set(sheet):
        raise LatentomeError(
            f"{where}: the wells have no column pert_dose or pert_idose; found {listed(sheet.columns)}; name it under "
            "the source's key constants"
        )
    found["dose_um"] = dose_um(renamed.astype(str)).to_numpy()
    by_id = found["pert_id"].str[:BROAD_ID].map(dict(smiles)).fillna("")
    found["smiles"] = found["smiles"].where(found["smiles"] != "", by_id)
    if not kept.all():
        log.info("%s: %d wells of other kinds left out", where, (~kept).sum())
    return found[list(COLUMNS)].assign(kept=kept)


def treated_and_vehicle(wells: Wells) -> Wells:
    """Only the wells of compounds and of their vehicle."""
    kept = wells.sheet["kept"].to_numpy()
    return Wells(wells.values[kept], wells.genes, wells.sheet[kept].drop(columns="kept"))


def _of_anndata(path: Path) -> StoredMatrix:
    try:
        data = anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError) as error:
        raise LatentomeError(f"{path}: is no AnnData file ({error}); fetch it again") from None
    values = np.asarray(data.X.todense() if hasattr(data.X, "todense") else data.X, dtype=np.float32)
    names = {"id": data.var_names.astype(str).tolist()}
    return StoredMatrix(
        path, data.obs_names.astype(str).tolist(), names, data.obs,
        lambda genes, columns: values[np.ix_(columns, genes)],
    )  # fmt: skip


def _of_pharmacoset(path: Path) -> StoredMatrix:
    """The expression set of a PharmacoSet; SMILES are those of its drug table."""
    import rdata

    try:
        with warnings.catch_warnings():
            # rdata tells of every R class that it has no Python class for.
            warnings.simplefilter("ignore")
            found: Any = next(iter(rdata.read_rda(path).values()))
        expression = next(iter(found.molecularProfiles.values()))
        values = next(iter(expression.assayData.maps))["exprs"]
        sheet, genes = expression.phenoData.data, expression.featureData.data
        drugs = found.drug.set_index("pert_id")["canonical_smiles"]
    # What rdata raises of a damaged file, and what any other R object lacks.
    except (OSError, ValueError, AttributeError, KeyError, StopIteration, NotImplementedError) as error:
        raise LatentomeError(
            f"{path}: holds no PharmacoSet with expression ({error}); expected one of PharmacoGx"
        ) from None
    matrix = np.asarray(values, dtype=np.float32).T
    sheet = sheet.rename(columns=str).assign(
        canonical_smiles=sheet["pert_id"].map(drugs.to_dict()).fillna("").to_numpy()
    )
    naming = {
        "id": genes["pr_gene_id"].astype(str).tolist(),
        "pr_gene_symbol": genes["pr_gene_symbol"].astype(str).tolist(),
    }
    return StoredMatrix(
        path, sheet["distil_id"].astype(str).tolist(), naming,
        sheet.set_index(sheet["distil_id"].astype(str)), lambda rows, columns: matrix[np.ix_(columns, rows)],
    )  # fmt: skip


def read_ready_pairs(
    path: str | Path, genes: list[str], most_unreadable: float = UNREADABLE_SHARE
) -> TreatedPairs:
    """Pairs that were matched by their authors: TranSiGen's HDF5, control ``x1`` and treated ``x2``.

    Parameters
    ----------
    path
        With ``x1``, ``x2`` [pairs x genes], ``canonical_smiles``, ``cid`` (cell line) and ``sig``.
    genes
        Entrez ids of its columns: the landmarks in LINCS' order.
    most_unreadable
        Share of distinct SMILES that may be unreadable.

    Raises
    ------
    LatentomeError
        If a dataset is missing, the genes are not as many, a pair is there twice, or a value is not finite.
    """
    try:
        with h5py.File(path) as file:
            control, treated = (np.asarray(file[name], dtype=np.float32) for name in ("x1", "x2"))
            names = {
                key: [decoded(value) for value in file[key][:]] for key in ("canonical_smiles", "cid", "sig")
            }
    except (OSError, KeyError) as error:
        raise LatentomeError(
            f"{path}: no pairs ({error}); expected x1, x2, canonical_smiles, cid and sig; fetch it again"
        ) from None
    if treated.shape != control.shape or treated.shape[1] != len(genes):
        raise LatentomeError(
            f"{path}: x1 {control.shape}, x2 {treated.shape}; expected both pairs x {len(genes)} landmark genes"
        )
    bad = np.flatnonzero(~np.isfinite(treated - control).all(axis=1))
    twice = pd.Index(names["sig"])[pd.Index(names["sig"]).duplicated()]
    if len(bad) or len(twice):
        fault = (
            f"pair {bad[0]} has a value that is not finite" if len(bad) else f"sig {twice[0]} is there twice"
        )
        raise LatentomeError(f"{path}: {fault}; expected finite values, each pair once; mend or drop it")
    sheet = pd.DataFrame(
        {"plate": "", "cell_id": names["cid"], "time_h": np.nan, "dose_um": np.nan, "pert_id": "",
         "raw_smiles": names["canonical_smiles"], "controls": 0},
        index=pd.Index(names["sig"]),
    )  # fmt: skip
    return with_molecules(treated - control, genes, sheet, str(path), most_unreadable)
