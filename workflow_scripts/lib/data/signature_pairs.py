"""Level-5 signatures of compounds as expression changes of their molecules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from .molecules import UNREADABLE_SHARE
from .signature_sources import read_source
from .signatures import dose_um
from .treated_pairs import TreatedPairs, with_molecules
from .well_sources import BROAD_ID


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
        As `read_source`; or if no signature has a readable SMILES, or too many cannot be read.
    """
    source = {"pert_types": ["trt_cp"], "missing_landmarks": missing_landmarks}
    found = read_source(source, matrix, sig_info, landmarks, 0.0)
    assert found is not None
    given = found.sheet
    time = given["pert_time"] if "pert_time" in given else given["pert_itime"]
    hours = time.astype(str).str.extract(r"([0-9.]+)")[0].astype(float)
    sheet = pd.DataFrame(
        {"plate": "", "cell_id": given["cell_id"], "time_h": hours,
         "dose_um": dose_um(given), "pert_id": given["pert_id"],
         "raw_smiles": given["pert_id"].str[:BROAD_ID].map(dict(smiles)).fillna(""), "controls": 0}
    )  # fmt: skip
    return with_molecules(found.matrix, landmarks.index.tolist(), sheet, str(matrix), most_unreadable)
