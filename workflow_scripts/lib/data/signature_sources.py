"""From the files of one source to its signatures: sheet, filters, matrix, level; several sources make a data set."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats.modz import modz_by, robust_z
from workflow_scripts.lib.wording import listed

from .signature_matrix import StoredMatrix, find_landmarks, match, open_matrix
from .signatures import (
    CLIP,
    SIG_INFO_COLUMNS,
    Filters,
    apply_filters,
    check_values,
    read_sig_info,
    read_tab_table,
)

log = logging.getLogger("latentome")

FILTER_KEYS = ("cell_lines", "pert_types", "without_names", "without_vehicles", "least_dose_um", "quality")
RESERVED = ("pcl_id", "pcl_route", "n_classes", "hub_classes", "targets", "dose_um")
"""Columns that the workflow adds; a sheet's own of these names are dropped."""
REPORT_EVERY = 10_000


@dataclass(frozen=True)
class Signatures:
    """The signatures of one source.

    Attributes
    ----------
    matrix
        float32, [signatures x landmarks].
    clipped
        Of level 4: the z-scores before the plate's robust z-score; else None.
    sheet
        Their sheet, indexed by id.
    steps
        Counts after every filter.
    unmatched
        Columns ``source``, ``kind``, ``id``: signatures and landmarks that only one of the files has.
    """

    matrix: np.ndarray
    clipped: np.ndarray | None
    sheet: pd.DataFrame
    steps: pd.DataFrame
    unmatched: pd.DataFrame


def _progress(done: int, total: int) -> None:
    if done == total or done % REPORT_EVERY < 512:
        log.info("read %d of %d signatures", done, total)


def _sheet(stored: StoredMatrix, sig_info: str | Path | None, constants: Mapping[str, str]) -> pd.DataFrame:
    if sig_info:
        sheet = read_sig_info(sig_info)
        return sheet.assign(**{name: value for name, value in constants.items() if name not in sheet})
    sheet = stored.sheet.assign(
        **{name: value for name, value in constants.items() if name not in stored.sheet}
    )
    # A plain table knows its perturbagens by the signatures' ids alone.
    for name in ("pert_id", "pert_iname"):
        if name not in sheet:
            sheet = sheet.assign(**{name: sheet.get("pert_id", pd.Series(sheet.index, index=sheet.index))})
    missing = [name for name in SIG_INFO_COLUMNS[1:] if name not in sheet]
    if missing:
        raise LatentomeError(
            f"{stored.path}: says nothing of {listed(missing)} of its signatures; name a sig_info file for the "
            "source, or state them under its key constants"
        )
    return sheet.astype(str).rename_axis("sig_id")


def read_source(
    source: Mapping[str, Any],
    matrix: str | Path,
    sig_info: str | Path | None,
    landmarks: pd.DataFrame,
    unmatched_share: float,
) -> Signatures | None:
    """Read the signatures of a source that pass its filters; None if none does and the source is optional.

    Parameters
    ----------
    source
        Its block of the config.
    matrix, sig_info
        Paths; without a sheet the matrix must describe its signatures itself.
    landmarks
        From `read_landmarks`.
    unmatched_share
        Share of the sheet's signatures that the matrix may lack.

    Raises
    ------
    LatentomeError
        If the files do not belong together, are damaged, or hold no level-4 or level-5 z-scores.
    """
    stored = open_matrix(matrix, _progress)
    name = Path(matrix).name
    sheet = _sheet(stored, sig_info, source.get("constants", {}))
    filters = Filters(**{key: source[key] for key in FILTER_KEYS if key in source})
    try:
        kept, steps = apply_filters(sheet, filters, str(sig_info or matrix))
    except LatentomeError as error:
        if not source.get("optional"):
            raise
        log.warning("left out, being optional: %s", error)
        return None
    columns, absent = match(stored, kept.index.tolist())
    unsheeted = sorted(set(stored.signatures) - set(sheet.index)) if sig_info else []
    if len(absent) > unmatched_share * len(kept):
        raise LatentomeError(
            f"{sig_info}: {len(absent)} of {len(kept)} signatures are not in {matrix} ({listed(absent)}); expected at "
            f"most {unmatched_share:.0%}; take sheet and matrix of the same series and date, or raise l1000: unmatched"
        )
    kept = kept.drop(index=absent)
    allowed = source.get("missing_landmarks", 0)
    genes, missing = find_landmarks(stored, landmarks, allowed)
    values = np.zeros((len(kept), len(landmarks)), np.float32)
    values[:, genes >= 0] = stored.read(genes[genes >= 0], columns)
    # A gene without any value is as good as a missing row.
    never = np.isnan(values).all(axis=0)
    if never.any() and len(missing) + never.sum() <= allowed:
        values[:, never] = 0.0
        missing = [*missing, *landmarks.index[never]]
    level = source.get("level", 5)
    check_values(values, kept.index.tolist(), str(matrix), source.get("clip", CLIP) if level == 5 else None)
    clipped = None
    if level == 4:
        # The plate's centre is that of all its wells, whatever the filters keep.
        place = pd.Index(sheet.index).get_indexer(kept.index)
        whole = np.zeros((len(sheet), len(landmarks)), np.float32)
        everywhere, _ = match(stored, sheet.index.tolist())
        whole[:, genes >= 0] = stored.read(genes[genes >= 0], everywhere)
        whole[:, never] = 0.0
        robust, clipped = _from_level4(whole, sheet)
        values, clipped = robust[place], clipped[place]
    if source.get("modz_by"):
        values, kept = _consensus(values, kept, source["modz_by"], str(matrix))
        clipped = None
    steps = pd.concat(
        [
            steps,
            pd.DataFrame(
                {
                    "source": [str(sig_info or matrix)],
                    "step": ["MODZ" if source.get("modz_by") else "in the matrix"],
                    "signatures": len(kept), "perturbagens": kept.pert_id.nunique(),
                    "names": kept.pert_iname.nunique(), "cell_lines": kept.cell_id.nunique(),
                }
            ),
        ],
        ignore_index=True,
    )  # fmt: skip
    steps["source"] = name
    unmatched = pd.DataFrame(
        [
            *((name, "signature of the sheet without a column", found) for found in absent),
            *((name, "column without a line in the sheet", found) for found in unsheeted),
            *((name, "landmark without a row, set to 0", found) for found in missing),
        ],
        columns=["source", "kind", "id"],
    )
    return Signatures(
        values,
        clipped,
        kept.drop(columns=[c for c in RESERVED if c in kept]).assign(source=name),
        steps,
        unmatched,
    )


def _from_level4(values: np.ndarray, sheet: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    plate = sheet["det_plate"] if "det_plate" in sheet else pd.Series("all", index=sheet.index)
    robust = np.empty_like(values)
    for name in plate.unique():
        here = (plate == name).to_numpy()
        robust[here] = robust_z(values[here])
    return robust, np.clip(values, -CLIP, CLIP)


def _consensus(
    values: np.ndarray, sheet: pd.DataFrame, columns: Sequence[str], path: str
) -> tuple[np.ndarray, pd.DataFrame]:
    absent = [name for name in columns if name not in sheet]
    if absent:
        raise LatentomeError(
            f"{path}: lacks {listed(absent)}, which modz_by needs; it has {listed(sheet.columns, 12)}"
        )
    groups = sheet[list(columns)].astype(str).agg(":".join, axis=1)
    signatures, facts = modz_by(values, groups)
    first = sheet.assign(group=groups).drop_duplicates("group").set_index("group").loc[facts.index]
    return signatures, first.assign(
        distil_nsample=facts.replicates.astype(str),
        distil_cc_q75=facts.distil_cc_q75.map(lambda value: "" if np.isnan(value) else f"{value:.6g}"),
    ).rename_axis("sig_id")


def take_names(sheet: pd.DataFrame, path: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Names of perturbagens from a pert_info table, by id: a sheet's own may be another compound's.

    Parameters
    ----------
    sheet
        With ``pert_id`` and ``pert_iname``.
    path
        A table with these columns; ids that it lacks keep the sheet's name.

    Returns
    -------
    sheet
        With the table's names.
    changed
        Columns ``kind``, ``id``: every id whose name was another.
    """
    table = read_tab_table(path, ("pert_id", "pert_iname"), "pert_info table").drop_duplicates("pert_id")
    names = sheet.pert_id.map(table.set_index("pert_id").pert_iname)
    names = names.where(names.notna() & (names != ""), sheet.pert_iname)
    other = names.str.lower() != sheet.pert_iname.str.lower()
    pairs = pd.DataFrame({"id": sheet.pert_id, "sheet": sheet.pert_iname, "name": names})[
        other
    ].drop_duplicates()
    if len(pairs):
        log.warning(
            "%d signatures of %d perturbagens had another name than in %s",
            other.sum(),
            pairs.id.nunique(),
            path,
        )
    changed = pd.DataFrame({"kind": "named " + pairs.sheet + " in the sheet, " + pairs.name, "id": pairs.id})
    return sheet.assign(pert_iname=names), changed


def join_sources(parts: Sequence[Signatures]) -> Signatures:
    """One data set of several sources, in their order.

    Raises
    ------
    LatentomeError
        If a signature is in two of them.
    """
    sheet = pd.concat([part.sheet for part in parts])
    texts = [name for name in sheet if not pd.api.types.is_numeric_dtype(sheet[name])]
    sheet[texts] = sheet[texts].fillna("").astype(str)
    twice = sheet.index[sheet.index.duplicated()].unique()
    if len(twice):
        raise LatentomeError(
            f"{', '.join(part.sheet.source.iloc[0] for part in parts)}: {len(twice)} signatures are in more than one "
            f"source ({listed(twice)}); filter them out of one"
        )
    whole = all(part.clipped is not None for part in parts)
    return Signatures(
        np.concatenate([part.matrix for part in parts]),
        np.concatenate([part.clipped for part in parts if part.clipped is not None]) if whole else None,
        sheet,
        pd.concat([part.steps for part in parts], ignore_index=True),
        pd.concat([part.unmatched for part in parts], ignore_index=True),
    )
