"""Reading the tables that figures are drawn from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed

DE_NUMBERS = ("baseMean", "log2FoldChange", "padj")
GENERATIVE_NUMBERS = (*DE_NUMBERS, "lfc_lower", "lfc_upper")
_FURTHER = ("symbol", "na_reason")
BENCHMARK_TEXT = ("benchmark", "contrast", "method", "seed", "bin", "metric")


def _header(path: str | Path) -> list[str]:
    return list(pd.read_csv(path, sep="\t", nrows=0, encoding="utf-8").columns)


def read_table(
    path: str | Path,
    text: Sequence[str] = (),
    numbers: Sequence[str] = (),
    further: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Read a tab-separated table of the workflow.

    Parameters
    ----------
    path
        The file.
    text, numbers
        Columns it must have. All columns but `numbers` are read as text, an empty cell as ``""``.
    further
        Columns to read if they are there; None for all.

    Returns
    -------
    pandas.DataFrame
        Empty or ``NA`` cells of `numbers` are NaN.

    Raises
    ------
    LatentomeError
        If a column is missing, or holds something that is no number.
    """
    header = _header(path)
    missing = [name for name in (*text, *numbers) if name not in header]
    if missing:
        raise LatentomeError(
            f"{path}, line 1: no column {listed(missing)}; found {listed(header, 12)}; "
            "delete the file and run the workflow again"
        )
    read = header if further is None else [n for n in header if n in (*text, *numbers, *further)]
    kinds: dict[Any, Any] = {name: (np.float64 if name in numbers else str) for name in read}
    blank = {name: ["", "NA", "NaN", "nan"] for name in numbers}
    try:
        return pd.read_csv(
            path,
            sep="\t",
            usecols=read,
            dtype=kinds,
            keep_default_na=False,
            na_values=blank,
            encoding="utf-8",
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
    return {Path(path).stem: read_table(path, text, numbers, _FURTHER) for path in paths}


def read_models(
    paths: Iterable[str | Path], text: Sequence[str], numbers: Sequence[str] = (), *, latent: bool = False
) -> dict[str, pd.DataFrame]:
    """Read the tables ``{model}/seed{seed}/...``, joined by model; with `latent`, z1, sd1 ... are numbers."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for path in map(Path, paths):
        own = [name for name in _header(path) if latent and re.fullmatch(r"(z|sd)\d+", name)]
        parts.setdefault(path.parent.parent.name, []).append(read_table(path, text, [*numbers, *own]))
    return {model: pd.concat(tables, ignore_index=True) for model, tables in parts.items()}


def read_benchmark(path: str | Path) -> pd.DataFrame:
    """Read the study's tidy benchmark table."""
    table = read_table(path, BENCHMARK_TEXT, ("value", "n"))
    # A column of whole numbers and empty cells is written as 0.0, 1.0, ...
    return table.assign(seed=table["seed"].str.removesuffix(".0"))


def gene_names(table: pd.DataFrame) -> pd.Series:
    """Return each gene's symbol, or its id where there is none."""
    if "symbol" not in table:
        return table["gene_id"]
    symbols = table["symbol"].fillna("")
    return symbols.where(symbols != "", table["gene_id"])
