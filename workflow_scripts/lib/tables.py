"""Tab-separated tables, written whole or not at all, with the same bytes for the same values."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import write_atomic
from workflow_scripts.lib.wording import listed


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as tab-separated text, gzipped if the name ends in ``.gz``; missing values stay empty.

    Parameters
    ----------
    table
        Its index is not written.
    path
        The file; floats have ten significant digits.
    """
    path = Path(path)
    text = table.to_csv(sep="\t", index=False, float_format="%.10g", lineterminator="\n")
    if path.suffix == ".gz":
        buffer = io.BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as stream:
            stream.write(text.encode())
        write_atomic(path, buffer.getvalue())
    else:
        write_atomic(path, text)


def read_table(path: str | Path, columns: tuple[str, ...] = (), text: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a table that `write_table` wrote.

    Parameters
    ----------
    path
        The file.
    columns
        Columns that must be there; others are kept.
    text
        Columns read as text; ``gene_id``, ``symbol`` and ``sample`` always are.

    Raises
    ------
    LatentomeError
        If the file or a column is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise LatentomeError(f"{path} does not exist; run the rule that makes it")
    kinds = dict.fromkeys(("gene_id", "symbol", "sample", *text), str)
    table = pd.read_csv(
        path, sep="\t", dtype=kinds, keep_default_na=False, na_values=[""], float_precision="round_trip"
    )
    absent = [name for name in columns if name not in table.columns]
    if absent:
        raise LatentomeError(f"{path}: column {listed(absent)} is missing; expected {listed(columns, 20)}")
    return table
