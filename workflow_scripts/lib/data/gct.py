"""GCT text files, versions 1.2 and 1.3: the small sibling of GCTX."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError

log = logging.getLogger("latentome")


@dataclass(frozen=True)
class Gct:
    """A GCT file.

    Attributes
    ----------
    matrix
        float32, shape [columns x rows]: a signature a row.
    rows, columns
        Metadata as text, indexed by id, in file order.
    """

    matrix: np.ndarray
    rows: pd.DataFrame
    columns: pd.DataFrame


def read_gct(path: str | Path) -> Gct:
    """Read a GCT 1.2 or 1.3 text.

    Raises
    ------
    LatentomeError
        If the version, the stated size, an id or a value is wrong; the message names the line or the id.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8", errors="replace") as handle:
            version, size = handle.readline().rstrip("\r\n\t"), handle.readline().split()
    except OSError as error:
        raise LatentomeError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    numbers = {"#1.2": 2, "#1.3": 4}.get(version)
    if numbers is None:
        raise LatentomeError(f"{path}: line 1: {version[:20]!r}; expected #1.2 or #1.3; is it a GCT?")
    if len(size) < numbers or not all(part.isdigit() for part in size[:numbers]):
        raise LatentomeError(
            f"{path}: line 2: {' '.join(size)!r}; expected {numbers} numbers of rows and columns"
        )
    rows, columns, row_fields, column_fields = [*map(int, size[:numbers]), 1, 0][:4]
    try:
        table = pd.read_csv(
            path, sep="\t", skiprows=2, dtype=str, keep_default_na=False, encoding_errors="replace", quoting=3
        )
    except pd.errors.ParserError as error:
        raise LatentomeError(
            f"{path}: lines of unequal length ({error}); expected one tab a column"
        ) from None
    stated = f"line 2 promises {rows} rows, {column_fields} lines of column metadata and {columns} columns"
    if table.shape[1] != 1 + row_fields + columns or len(table) < rows:
        raise LatentomeError(
            f"{path}: has {len(table)} lines and {table.shape[1]} fields a line after its head; {stated}; the file is "
            "cut short or edited"
        )
    if len(table) != rows + column_fields:
        # cmapR ships such a file: its metadata were thinned out and its head was not.
        log.warning("%s: has %d lines of column metadata; %s", path, len(table) - rows, stated)
        column_fields = len(table) - rows
    ids, names = table.iloc[column_fields:, 0], list(table.columns[1 + row_fields :])
    if ids.duplicated().any():
        raise LatentomeError(f"{path}: row id {ids[ids.duplicated()].iloc[0]!r} comes more than once")
    values = table.iloc[column_fields:, 1 + row_fields :]
    try:
        matrix = values.to_numpy(np.float32).T
    except ValueError:
        bad = values.apply(pd.to_numeric, errors="coerce").isna() & ~values.isin(["", "NaN", "nan", "NA"])
        if not bad.to_numpy().any():
            matrix = values.replace({"": "nan", "NA": "nan"}).to_numpy(np.float32).T
        else:
            row, column = np.argwhere(bad.to_numpy())[0]
            raise LatentomeError(
                f"{path}: row {ids.iloc[row]!r}, column {names[column]!r}: {values.iat[row, column]!r} is no number"
            ) from None
    row_table = table.iloc[column_fields:, 1 : 1 + row_fields].set_axis(pd.Index(ids, name="id"))
    head = table.iloc[:column_fields]
    column_table = head.iloc[:, 1 + row_fields :].T.set_axis(head.iloc[:, 0].tolist(), axis=1)
    return Gct(np.ascontiguousarray(matrix), row_table, column_table.rename_axis("id"))
