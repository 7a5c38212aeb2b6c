"""L1000 signatures: the sheet that describes them, the landmark genes, filters whose every step is counted."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed

from .text_table import read_text

LANDMARKS = 978
SIG_INFO_COLUMNS = ("sig_id", "pert_id", "pert_iname", "pert_type", "cell_id")
GENE_INFO_COLUMNS = ("pr_gene_id", "pr_gene_symbol", "pr_is_lm")
CLIP, TOLERANCE = 10.0, 1e-5
"""Level-5 z-scores are clipped to +-10; float32 leaves 10.0000019 of it."""
VEHICLES = ("ctl_vehicle", "ctl_vector", "ctl_untrt")


def read_tab_table(path: str | Path, columns: Sequence[str], what: str) -> pd.DataFrame:
    """A LINCS metadata table, gzipped or plain, all of it text.

    Parameters
    ----------
    path
        Tab-separated, with a header.
    columns
        Columns that must be there; others are kept.
    what
        What the table is, for the error.

    Raises
    ------
    LatentomeError
        If the file cannot be read or lacks a column.
    """
    table = pd.read_csv(io.StringIO(read_text(path)), sep="\t", dtype=str, keep_default_na=False, quoting=3)
    missing = [name for name in columns if name not in table]
    if missing:
        raise LatentomeError(
            f"{path}: lacks column {listed(missing)}; expected a tab-separated {what} as GEO has it, with "
            f"{', '.join(columns)}; found {listed(table.columns)}"
        )
    return table


def read_sig_info(path: str | Path) -> pd.DataFrame:
    """Signatures' sheet, columns as GEO spells them, indexed by ``sig_id``.

    Raises
    ------
    LatentomeError
        If a column is missing, or a signature comes twice.
    """
    table = read_tab_table(path, SIG_INFO_COLUMNS, "sig_info table")
    twice = table.sig_id[table.sig_id.duplicated()]
    if len(twice):
        raise LatentomeError(
            f"{path}: column sig_id: {listed(twice.unique())} more than once; expected each once"
        )
    return table.set_index("sig_id")


def read_landmarks(path: str | Path, expected: int = LANDMARKS) -> pd.DataFrame:
    """Landmark genes in the order of the gene_info table, indexed by Entrez id as text.

    Raises
    ------
    LatentomeError
        If a column is missing or there are not `expected` landmarks.
    """
    table = read_tab_table(path, GENE_INFO_COLUMNS, "gene_info table")
    table = table[table.pr_is_lm == "1"].set_index("pr_gene_id")
    if len(table) != expected or table.index.duplicated().any():
        raise LatentomeError(
            f"{path}: column pr_is_lm marks {len(table)} genes ({table.index.nunique()} different); expected the "
            f"{expected} landmark genes of L1000; take GEO's gene_info of the same series"
        )
    return table


@dataclass(frozen=True)
class Filters:
    """Which signatures of a sheet belong to a data set; what is None or empty filters nothing.

    Attributes
    ----------
    cell_lines
        Cell lines kept.
    pert_types
        Perturbation types kept, such as ``trt_cp``.
    without_names
        Names (``pert_iname``) dropped, whatever their case.
    without_vehicles
        Drop vehicle and vector controls. The published data sets keep DMSO as a "small molecule".
    least_dose_um
        Drop compounds below this dose, micromolar; needs ``pert_dose`` or ``pert_idose``.
    quality
        Least value of a numeric column, such as ``tas`` or ``is_gold``.
    """

    cell_lines: Sequence[str] = ()
    pert_types: Sequence[str] = ()
    without_names: Sequence[str] = ()
    without_vehicles: bool = False
    least_dose_um: float | None = None
    quality: Mapping[str, float] = field(default_factory=dict)


def dose_um(sig_info: pd.DataFrame) -> pd.Series:
    """Dose in micromolar; NaN where the sheet has none (LINCS writes -666) or another unit."""
    if "pert_dose" in sig_info:
        dose = pd.to_numeric(sig_info.pert_dose, errors="coerce")
        unit = sig_info.get("pert_dose_unit", pd.Series("um", index=sig_info.index)).str.lower()
    else:
        parts = sig_info.pert_idose.str.extract(r"^\s*([0-9.eE+-]+)\s*(\S+)\s*$")
        dose, unit = pd.to_numeric(parts[0], errors="coerce"), parts[1].fillna("").str.lower()
    scale = unit.map({"um": 1.0, "µm": 1.0, "μm": 1.0, "nm": 1e-3, "mm": 1e3})
    return (dose * scale).where(dose >= 0)


def apply_filters(sig_info: pd.DataFrame, filters: Filters, source: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the signatures that pass, and count after every step.

    Parameters
    ----------
    sig_info
        From `read_sig_info`.
    filters
        Which to keep.
    source
        The file, for errors.

    Returns
    -------
    kept
        The sheet's rows that pass, in its order.
    steps
        Columns ``source``, ``step``, ``signatures``, ``perturbagens``, ``names``, ``cell_lines``, a row a step.

    Raises
    ------
    LatentomeError
        If a filter asks for a column, cell line or type that the sheet does not have, or nothing is left.
    """
    steps: list[dict[str, Any]] = []

    def count(step: str, table: pd.DataFrame) -> pd.DataFrame:
        steps.append(
            {
                "source": source,
                "step": step,
                "signatures": len(table),
                "perturbagens": table.pert_id.nunique(),
                "names": table.pert_iname.nunique(),
                "cell_lines": table.cell_id.nunique(),
            }
        )
        return table

    kept = count("all", sig_info)
    for column, values in (("cell_id", filters.cell_lines), ("pert_type", filters.pert_types)):
        if values:
            absent = [value for value in values if not (sig_info[column] == value).any()]
            # A type may be missing from a subset; a cell line asked for by name is missed.
            if absent and (column == "cell_id" or len(absent) == len(values)):
                known = sig_info[column].value_counts().index
                raise LatentomeError(
                    f"{source}: column {column} has no signature of {listed(absent)}; it has {listed(known, 12)}; "
                    "mend the data set's filters"
                )
            kept = count(f"{column} in {', '.join(values)}", kept[kept[column].isin(values)])
    if filters.without_names:
        names = {name.lower() for name in filters.without_names}
        kept = count(
            f"without {', '.join(filters.without_names)}", kept[~kept.pert_iname.str.lower().isin(names)]
        )
    if filters.without_vehicles:
        kept = count("without vehicles", kept[~kept.pert_type.isin(VEHICLES)])
    if filters.least_dose_um is not None:
        if not {"pert_dose", "pert_idose"} & set(kept):
            raise LatentomeError(f"{source}: lacks pert_dose and pert_idose, which least_dose_um needs")
        high = (dose_um(kept) >= filters.least_dose_um) | (kept.pert_type != "trt_cp")
        kept = count(f"dose >= {filters.least_dose_um:g} uM", kept[high])
    for name, least in filters.quality.items():
        if name not in kept:
            raise LatentomeError(f"{source}: lacks column {name}, which the filter quality needs")
        kept = count(f"{name} >= {least:g}", kept[pd.to_numeric(kept[name], errors="coerce") >= least])
    if kept.empty:
        raise LatentomeError(f"{source}: no signature passes the filters: {_told(steps)}; loosen them")
    return kept, pd.DataFrame(steps)


def _told(steps: list[dict[str, Any]]) -> str:
    return "; ".join(f"{step['step']}: {step['signatures']}" for step in steps)


def check_values(matrix: np.ndarray, sig_ids: Sequence[str], source: str, clip: float | None = CLIP) -> None:
    """Refuse values that are no level-5 z-scores.

    Parameters
    ----------
    matrix
        Shape [signatures x genes].
    sig_ids
        Of its rows.
    source
        The file, for errors.
    clip
        Largest magnitude; None for data that are not clipped (level 4, Stouffer's z).

    Raises
    ------
    LatentomeError
        If a value is missing or beyond the clip; the message names the signature.
    """
    largest = np.abs(matrix).max(axis=1)  # NaN if any value is
    bad = np.flatnonzero(~np.isfinite(largest))
    if bad.size:
        raise LatentomeError(
            f"{source}: signature {sig_ids[bad[0]]!r} has missing or infinite values, and {bad.size - 1} others "
            "have; expected a number for every landmark gene; drop or impute them first"
        )
    if clip is not None and largest.max(initial=0.0) > clip * (1 + TOLERANCE):
        worst = int(largest.argmax())
        raise LatentomeError(
            f"{source}: signature {sig_ids[worst]!r} reaches {largest[worst]:.6g}; level-5 z-scores are clipped to "
            f"+-{clip:g}; is it another level? set clip: null for the data set if it is meant"
        )
