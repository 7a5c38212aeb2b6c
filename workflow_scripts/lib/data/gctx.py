"""GCTX files (HDF5): ids, metadata, and any rows of any columns as float32 in bounded memory.

A GCTX matrix is stored a column (signature) after another, so a block of columns is one run of bytes. The rows
wanted (978 landmark genes of 12,328) are taken from each block as it comes; nothing but the output and one block is
held. cmapPy (Enache et al. 2019) is the reference of the format.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.output_cache import to_delete
from workflow_scripts.lib.wording import listed

from .gctx_blocks import Chosen, Report, fill

MATRIX = "/0/DATA/0/matrix"
META = {"row": "/0/META/ROW", "column": "/0/META/COL"}


@contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    try:
        with path.open("rb") as handle:
            head = handle.read(8)
    except OSError as error:
        raise LatentomeError(
            f"{path}: cannot be read ({error.strerror}); check the path of the data set"
        ) from error
    if head != b"\x89HDF\r\n\x1a\n":
        what = "is no GCTX"
        if head[:3] in (b"#1.",):
            what = "is a GCT text with a GCTX name; rename it to .gct, or"
        elif head[:2] == b"\x1f\x8b":
            what = "is gzipped; unpack it first, or"
        else:
            what = "is no GCTX (HDF5);"
        raise LatentomeError(f"{path}: {what} give the .gctx file as GEO or CLUE publishes it")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise LatentomeError(
            f"{path}: is cut short or damaged ({error}); delete {to_delete(path)} and fetch it again"
        ) from error
    with file:
        if MATRIX not in file or any(f"{group}/id" not in file for group in META.values()):
            raise LatentomeError(
                f"{path}: is HDF5 but no GCTX: expected {MATRIX} and the ids in {META['row']}/id"
            )
        rows, columns = (file[f"{META[axis]}/id"].shape[0] for axis in ("row", "column"))
        if file[MATRIX].shape != (columns, rows):
            raise LatentomeError(
                f"{path}: its matrix is {file[MATRIX].shape}, its ids are {columns} columns and {rows} rows; "
                "expected one id each; fetch it again"
            )
        yield file


def as_text(values: np.ndarray) -> list[str]:
    """Ids and texts [values] as str: bytes of any age, whole numbers without a point."""
    if values.dtype.kind in "iu":
        return [str(value) for value in values.tolist()]
    if values.dtype.kind == "f":
        return [f"{value:.0f}" if value == int(value) else repr(value) for value in values.tolist()]
    return [decoded(value) for value in values.tolist()]


def decoded(value: object) -> str:
    """Text of an HDF5 string; bytes that are no UTF-8 are taken as latin-1, as old LINCS files have them."""
    if isinstance(value, bytes):
        value = value.rstrip(b"\0")
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return str(value)


def read_ids(path: str | Path, axis: str) -> list[str]:
    """Ids of the rows (genes) or columns (signatures), in file order.

    Parameters
    ----------
    path
        A .gctx file.
    axis
        ``"row"`` or ``"column"``.

    Raises
    ------
    LatentomeError
        If the file is no GCTX, is damaged, or an id comes twice.
    """
    path = Path(path)
    with _open(path) as file:
        ids = as_text(file[f"{META[axis]}/id"][:])
    if len(set(ids)) != len(ids):
        twice = pd.Index(ids)[pd.Index(ids).duplicated()].unique()
        raise LatentomeError(
            f"{path}: {axis} ids come more than once: {listed(twice)}; expected each once; merge or drop them"
        )
    return ids


def read_metadata(path: str | Path, axis: str) -> pd.DataFrame:
    """Metadata of the rows or columns, indexed by id; texts as str, numbers as stored."""
    path = Path(path)
    ids = read_ids(path, axis)
    with _open(path) as file:
        columns = {}
        for name, stored in file[META[axis]].items():
            if name != "id" and isinstance(stored, h5py.Dataset) and stored.shape == (len(ids),):
                values = stored[:]
                columns[name] = values if values.dtype.kind in "iuf" else as_text(values)
    return pd.DataFrame(columns, index=pd.Index(ids, name="id"))


@dataclass(frozen=True)
class Located:
    """Places of wanted ids in a file, and the ids that it lacks."""

    places: np.ndarray
    missing: list[str]


def locate(ids: Sequence[str], wanted: Sequence[str]) -> Located:
    """Where each of `wanted` is among `ids`; the places of those that are there, in the order of `wanted`."""
    places = pd.Index(ids).get_indexer(pd.Index(wanted))
    missing = [name for name, place in zip(wanted, places, strict=True) if place < 0]
    return Located(places[places >= 0], missing)


def read_matrix(
    path: str | Path,
    rows: np.ndarray | None = None,
    columns: np.ndarray | None = None,
    report: Report | None = None,
) -> np.ndarray:
    """Values of some rows of some columns.

    Parameters
    ----------
    path
        A .gctx file.
    rows, columns
        Places in the file, in the order wanted; None for all. `locate` finds them.
    report
        Called with (columns read, columns wanted) after each block.

    Returns
    -------
    numpy.ndarray
        float32, shape [columns x rows]: a signature a row, as AnnData has it.

    Raises
    ------
    LatentomeError
        If the file is no GCTX, or is cut short.
    """
    path = Path(path)
    with _open(path) as file:
        stored = file[MATRIX]
        n_columns, n_rows = stored.shape
        rows = np.arange(n_rows) if rows is None else np.asarray(rows, np.intp)
        columns = np.arange(n_columns) if columns is None else np.asarray(columns, np.intp)
        for places, size, name in ((rows, n_rows, "row"), (columns, n_columns, "column")):
            if places.size and (places.min() < 0 or places.max() >= size):
                raise LatentomeError(f"{path}: {name} places reach {places.max()}, the file has {size}")
        out = np.empty((columns.size, rows.size), np.float32)
        if out.size == 0:
            return out
        # File order: one sweep over the disk, whatever order was asked for.
        order = np.argsort(columns, kind="stable")
        chosen = Chosen(rows, columns[order], order, np.array_equal(order, np.arange(order.size)))
        try:
            fill(path, stored, chosen, out, report)
        except (OSError, zlib.error) as error:
            raise LatentomeError(
                f"{path}: its matrix cannot be read ({error}); the file is damaged; delete it and fetch it again"
            ) from error
    return out
