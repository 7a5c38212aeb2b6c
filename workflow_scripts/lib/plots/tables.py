"""Reading the tables that figures are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed

DE_NUMBERS = ("baseMean", "log2FoldChange", "padj")
GENERATIVE_NUMBERS = (*DE_NUMBERS, "lfc_lower", "lfc_upper")
BENCHMARK_TEXT = ("benchmark", "contrast", "method", "seed", "bin", "metric")


def read_table(path: str | Path, text: Sequence[str] = (), numbers: Sequence[str] = ()) -> pd.DataFrame:
    """Read a tab-separated table of the workflow.

    Parameters
    ----------
    path
        The file.
    text, numbers
        Columns it must have. All columns but `numbers` are read as text, an empty cell as ``""``.

    Returns
    -------
    pandas.DataFrame
        Empty or ``NA`` cells of `numbers` are NaN.

    Raises
    ------
    LatentomeError
        If a column is missing, or holds something that is no number.
    """
    with Path(path).open(encoding="utf-8") as handle:
        header = handle.readline().rstrip("\r\n").split("\t")
    missing = [name for name in (*text, *numbers) if name not in header]
    if missing:
        raise LatentomeError(
            f"{path}, line 1: no column {listed(missing)}; found {listed(header, 12)}; "
            "delete the file and run the workflow again"
        )
    kinds = {name: (np.float64 if name in numbers else str) for name in header}
    blank = {name: ["", "NA", "NaN", "nan"] for name in numbers}
    try:
        return pd.read_csv(
            path, sep="\t", dtype=kinds, keep_default_na=False, na_values=blank, quoting=3, encoding="utf-8"
        )
    except ValueError as error:
        raise LatentomeError(
            f"{path}: {error}; expected numbers in {listed(numbers, 12)}; "
            "delete the file and run the workflow again"
        ) from error


def read_contrasts(
    paths: Iterable[str | Path], text: Sequence[str] = ("gene_id",), numbers: Sequence[str] = DE_NUMBERS
) -> dict[str, pd.DataFrame]:
    """Read one table a contrast, named by the files' stems, in their order."""
    return {Path(path).stem: read_table(path, text, numbers) for path in paths}


def read_benchmark(path: str | Path) -> pd.DataFrame:
    """Read the study's tidy benchmark table."""
    return read_table(path, BENCHMARK_TEXT, ("value", "n"))


def gene_names(table: pd.DataFrame) -> pd.Series:
    """Return each gene's symbol, or its id where there is none."""
    if "symbol" not in table:
        return table["gene_id"]
    symbols = table["symbol"].fillna("")
    return symbols.where(symbols != "", table["gene_id"])
