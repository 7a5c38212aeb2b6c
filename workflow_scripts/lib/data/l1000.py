"""Reading prepared signatures and their split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.tables import read_table

from .prepared import read_prepared

MISSING = ("", "-666", "nan")
KNOCK_DOWNS = ("trt_sh", "trt_sh.cgs", "trt_sh.css", "trt_xpr")


@dataclass(frozen=True)
class PreparedSignatures:
    """A ``signatures.h5ad``.

    Attributes
    ----------
    matrix
        float32, [signatures x landmarks].
    clipped
        Of a level-4 plate: the z-scores before its robust z-score; else None.
    sheet
        As the workflow wrote it, indexed by sig_id.
    genes
        gene_info of the landmarks, indexed by Entrez id.
    """

    matrix: np.ndarray
    clipped: np.ndarray | None
    sheet: pd.DataFrame
    genes: pd.DataFrame

    def take(self, keep: np.ndarray) -> PreparedSignatures:
        """Some of the signatures, by bool [signatures] or place [chosen]."""
        clipped = None if self.clipped is None else self.clipped[keep]
        return PreparedSignatures(self.matrix[keep], clipped, self.sheet[keep] if keep.dtype == bool
                                  else self.sheet.iloc[keep], self.genes)  # fmt: skip


def read_signatures(path: str | Path) -> PreparedSignatures:
    """Read prepared signatures; texts are str, never categories.

    Raises
    ------
    LatentomeError
        If the file cannot be read.
    """
    data = read_prepared(path, "prepare_signatures")
    sheet = data.obs.copy()
    for name in sheet.columns[sheet.dtypes == "category"]:
        sheet[name] = sheet[name].astype(str)
    return PreparedSignatures(
        np.asarray(data.X, np.float32),
        np.asarray(data.layers["clipped"], np.float32) if "clipped" in data.layers else None,
        sheet.rename_axis("sig_id"),
        data.var,
    )


def unit_of(sheet: pd.DataFrame) -> pd.Series:
    """What must not stand on two sides of a split: the compound or gene, by its id and by its name.

    Two ids of one name (bortezomib has two, a gene has many hairpins) are one unit, and two names of one id are: a unit
    is a connected component of ids and names, called by its first name in lower case.
    """
    name = sheet.pert_iname.astype(str).str.lower()
    identity = sheet.pert_id.astype(str)
    name = name.where(~name.isin(MISSING), identity)
    identity = identity.where(~identity.isin(MISSING), name)
    ids, id_place = np.unique(identity, return_inverse=True)
    names, name_place = np.unique(name, return_inverse=True)
    size = ids.size + names.size
    graph = coo_array((np.ones(len(sheet)), (id_place, ids.size + name_place)), (size, size))
    component = connected_components(graph, directed=False)[1][id_place]
    return name.groupby(component).transform("min")


def read_parts(path: str | Path, sheet: pd.DataFrame) -> pd.Series:
    """Part of each signature, in the order of `sheet`.

    Raises
    ------
    LatentomeError
        If the split is of other signatures.
    """
    table = read_table(path, ("sig_id", "unit", "part"), text=("sig_id", "unit")).set_index("sig_id")
    if not table.index.equals(sheet.index):
        raise LatentomeError(f"{path}: is a split of other signatures; delete it and run again")
    return table.part


def is_knock_down(sheet: pd.DataFrame) -> np.ndarray:
    """Which signatures are knock-downs or knock-outs of a gene, bool [signatures]."""
    return sheet.pert_type.isin(KNOCK_DOWNS).to_numpy()


def held_out_parts(parts: pd.Series, sheet: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Signatures of training and of test perturbagens, bool [signatures] each; controls are in no test."""
    test = ((parts == "test") & ~sheet.pert_type.str.startswith("ctl")).to_numpy()
    return (parts == "train").to_numpy(), test
