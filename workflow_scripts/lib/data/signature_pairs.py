"""Level-5 signatures of compounds as expression changes of their molecules."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed

from .molecules import UNREADABLE_SHARE
from .signature_sources import read_source
from .signatures import dose_um
from .treated_pairs import TreatedPairs, with_molecules
from .well_sources import BROAD_ID

log = logging.getLogger("latentome")
TIMES = ("pert_time", "pert_itime")


def read_signature_pairs(
    matrix: str | Path,
    sig_info: str | Path,
    landmarks: pd.DataFrame,
    smiles: Mapping[str, str],
    missing_landmarks: int = 0,
    most_unreadable: float = UNREADABLE_SHARE,
) -> TreatedPairs:
    """Read signatures of compounds; a signature is the change itself, in z-scores of its plate, replicates merged.

    Parameters
    ----------
    matrix
        Level 5, in any form that `open_matrix` knows.
    sig_info
        LINCS' table of the signatures.
    landmarks
        From `read_landmarks`.
    smiles
        From `read_smiles_table`, by Broad id.
    missing_landmarks
        Landmark genes that may be missing; 0 stands for them.
    most_unreadable
        Share of distinct SMILES that may be unreadable.

    Raises
    ------
    LatentomeError
        As `read_source`; if the sheet has no dose or time; or if no signature has a readable SMILES, or too many cannot
        be read.
    """
    source = {"pert_types": ["trt_cp"], "missing_landmarks": missing_landmarks}
    found = read_source(source, matrix, sig_info, landmarks, unmatched_share=1.0)
    assert found is not None
    if len(found.unmatched):
        counts = found.unmatched["kind"].value_counts()
        log.warning("%s: %s", matrix, "; ".join(f"{number} x {kind}" for kind, number in counts.items()))
    given = found.sheet
    times = next((name for name in TIMES if name in given), None)
    if times is None or not {"pert_dose", "pert_idose"} & set(given):
        raise LatentomeError(
            f"{sig_info}: no column {' or '.join(TIMES) if times is None else 'pert_dose or pert_idose'}; found "
            f"{listed(given.columns, 12)}; add it"
        )
    hours = pd.to_numeric(given[times].astype(str).str.extract(r"(-?[0-9.]+)")[0], errors="coerce")
    sheet = pd.DataFrame(
        {"plate": "", "cell_id": given["cell_id"], "time_h": hours.where(hours >= 0), "dose_um": dose_um(given),
         "pert_id": given["pert_id"], "raw_smiles": given["pert_id"].str[:BROAD_ID].map(dict(smiles)).fillna(""),
         "controls": 0}
    )  # fmt: skip
    return with_molecules(found.matrix, landmarks.index.tolist(), sheet, str(matrix), most_unreadable)
