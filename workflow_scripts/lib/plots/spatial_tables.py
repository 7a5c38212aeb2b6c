"""The spatial study's tables as its figures read them: which columns are text, numbers and flags."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed

from .signature_tables import Columns
from .tables import read_table

_METHOD = ("method", "kind", "seed")
TABLES = {
    "held_out": Columns(_METHOD, ("log_likelihood", "pearson", "genes_scored", "held_out_umis")),
    "verdict": Columns(("item", "value", "note"), ("lower", "upper")),
    "masked": Columns(("method", "seed"), ("l1", "cosine", "pearson", "share_single")),
    "calibration": Columns(("method",), ("u", "ecdf", "deviation", "by_chance")),
    "coverage": Columns(("method",), ("level", "coverage", "counts")),
    "autocorrelation": Columns(
        ("gene", "symbol"),
        (
            *("moran_raw", "moran_imputed", "moran_null", "geary_raw", "geary_imputed", "geary_null"),
            "net",
        ),
        ("imputable",),
    ),
    "domains": Columns(("section", *_METHOD), ("k", "ari", "nmi", "homogeneity", "completeness")),
    "domain_map": Columns(("barcode", "section", "label"), ("x", "y")),
    "after_imputation": Columns(("input", "seed"), ("ari",)),
    "patterns": Columns(("barcode", "gene", "symbol"), ("x", "y", "raw", "imputed", "rank")),
    "markers": Columns(("gene", "symbol", "label"), ("raw", "imputed", "share_detected_raw")),
    "violins": Columns(("barcode", "label", "gene", "symbol"), ("raw", "imputed")),
    "genes": Columns(
        ("gene", "symbol", "reason"),
        ("mean_count", "share_detected", "dispersion", "rate", "sd"),
        ("imputable",),
    ),
    "truth": Columns(_METHOD, ("pearson", "pearson_log", "coverage_90")),
    "history": Columns((), ("epoch", "loss")),
    "graph": Columns(("item", "value"), ()),
    "degrees": Columns((), ("degree", "spots")),
    "edges": Columns((), ("x1", "y1", "x2", "y2")),
    "findings": Columns(("finding", "expected_of_an_imputation", "note"), ("value",)),
    "epochs": Columns(("stage",), ("epoch", "loss", "ari", "nmi", "ari_published")),
    "scaling": Columns(("model", "stage"), ("spots", "genes", "seconds", "peak_mb", "seconds_per_epoch")),
}
LOSS_PARTS = ("expression", "divergence", "edges")
OPTIONAL = {"patterns": ("truth",), "history": (*LOSS_PARTS, "validation")}
PUBLISHED_ARRAYS = ("matrix", "graph", "expression")


def read_spatial_table(path: str | Path, name: str = "") -> pd.DataFrame:
    """Read a table of the spatial study.

    Parameters
    ----------
    path
        The file.
    name
        Which of `TABLES` it is; by default the file's stem.

    Returns
    -------
    pandas.DataFrame
        Numbers that are not known are NaN, texts ``""``; columns of `OPTIONAL` are there, NaN if the file lacks them.

    Raises
    ------
    LatentomeError
        If a column is missing, or holds something that is no number.
    """
    name = name or Path(path).stem
    columns = TABLES[name]
    header = pd.read_csv(path, sep="\t", nrows=0, encoding="utf-8").columns
    also = [column for column in OPTIONAL.get(name, ()) if column in header]
    table = read_table(path, (*columns.text, *columns.flags), [*columns.numbers, *also])
    for flag in columns.flags:
        table[flag] = table[flag].isin(["1", "1.0", "True", "true"])
    if "seed" in table:
        # A column of whole numbers and empty cells is written as 0.0, 1.0, ...
        table["seed"] = table["seed"].str.removesuffix(".0")
    return table.assign(**{column: np.nan for column in OPTIONAL.get(name, ()) if column not in also})


def read_training(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Read the histories ``models/{model}/seed{seed}/history.tsv`` into one table with ``model`` and ``seed``."""
    tables = []
    for path in map(Path, paths):
        seed = re.sub("^seed", "", path.parent.name)
        tables.append(read_spatial_table(path, "history").assign(model=path.parent.parent.name, seed=seed))
    if not tables:
        names = ("model", "seed", *TABLES["history"].numbers, *OPTIONAL["history"])
        return pd.DataFrame({name: pd.Series(dtype=object) for name in names})
    return pd.concat(tables, ignore_index=True)


def read_published_matrix(path: str | Path) -> dict[str, np.ndarray]:
    """Read the part of the published matrix that was kept, with the graph and the expression beside it.

    Returns
    -------
    dict
        ``matrix`` and ``graph`` [spots x spots] and ``expression`` [spots x genes], float.

    Raises
    ------
    LatentomeError
        If the file is no archive of these arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            missing = [name for name in PUBLISHED_ARRAYS if name not in stored]
            found = {name: stored[name].astype(float) for name in PUBLISHED_ARRAYS if name not in missing}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise LatentomeError(
            f"{path}: {error}; expected an .npz; delete the file and run the workflow again"
        ) from error
    if missing:
        raise LatentomeError(
            f"{path}: no array {listed(missing)}; delete the file and run the workflow again"
        )
    return found


def gene_titles(table: pd.DataFrame) -> pd.Series:
    """Return each row's symbol, or its gene's id where there is none."""
    return table["symbol"].where(table["symbol"] != "", table["gene"])
