"""Count tables of spatial data, read in pieces and kept sparse; spots in rows or in columns."""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed, shown

from .count_table import WHOLE
from .spot_positions import match_positions, read_barcodes, read_coordinates, select_barcodes, spot_names
from .spots import RAW, build_spots
from .text_table import split

CELLS_AT_ONCE = 20_000_000
ARRAY_NAME = re.compile(r"[0-9]+(?:\.[0-9]+)?x[0-9]+(?:\.[0-9]+)?")
"""Spots of Spatial Transcriptomics are called by their place in the array, 10x12: column by row."""


@dataclass(frozen=True)
class Head:
    """What the first lines of a table say: column names, delimiter, line of the header, fields a row."""

    header: list[str]
    delimiter: str
    line: int
    width: int


@dataclass(frozen=True)
class CountMatrix:
    """Names and counts [rows x columns] as the file has them."""

    rows: list[str]
    columns: list[str]
    values: sparse.csr_matrix


@contextlib.contextmanager
def text_stream(path: str | Path) -> Iterator[TextIO]:
    """Open a plain or gzipped UTF-8 file; faults met while it is read become errors of one line.

    Raises
    ------
    LatentomeError
        If the file cannot be opened, or turns out truncated, damaged or not UTF-8.
    """
    try:
        with Path(path).open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            data = gzip.GzipFile(fileobj=raw) if packed else raw
            with io.TextIOWrapper(data, encoding="utf-8-sig") as stream:
                yield stream
    except EOFError:
        raise LatentomeError(
            f"{path}: the gzip file is truncated; expected a whole one; download or copy it again"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise LatentomeError(
            f"{path}: the gzip file is damaged ({error}); expected a whole one; download or copy it again"
        ) from None
    except UnicodeDecodeError:
        raise LatentomeError(
            f"{path}: this is no UTF-8 text; expected a text table; check the file"
        ) from None
    except OSError as error:
        raise LatentomeError(
            f"{path}: cannot be read ({error.strerror}); expected a file; check the path"
        ) from None


def table_head(path: str | Path) -> Head:
    """Read the header and the first row's width; ``#`` and blank lines above are skipped.

    Raises
    ------
    LatentomeError
        If the file is unreadable, empty, has no rows, or rows and header do not fit.
    """
    with text_stream(path) as stream:
        line, text = 0, ""
        for line, text in enumerate(stream, 1):  # noqa: B007 - both are used below
            if text.strip() and not text.startswith("#"):
                break
        else:
            raise LatentomeError(f"{path}: the file is empty; expected a table with a header line")
        first = stream.readline()
    if "\0" in text:
        raise LatentomeError(
            f"{path}, line {line}: this is a binary file; expected a text table; check the file"
        )
    if not first.strip():
        raise LatentomeError(
            f"{path}, line {line}: there are no rows below the header; expected at least one row"
        )
    delimiter = max("\t,;", key=first.count)
    header = [name.strip() for name in split(text.rstrip("\r\n"), delimiter)]
    width = len(split(first.rstrip("\r\n"), delimiter))
    if width == len(header) + 1:
        header = ["", *header]  # R leaves out the name of the row names.
    if width < 2 or width != len(header):
        raise LatentomeError(
            f"{path}, line {line + 1}: {width} fields, but the header on line {line} has {len(header)}; expected as "
            "many, separated by tab, comma or semicolon; check that the file is whole"
        )
    return Head(header, delimiter, line, width)


def read_count_matrix(path: str | Path) -> CountMatrix:
    """Read a table of counts with names in the first row and the first column, in pieces and kept sparse.

    Raises
    ------
    LatentomeError
        If the file is unreadable or a cell is no whole count; line and column are named.
    """
    head = table_head(path)
    names: list[str] = []
    parts: list[sparse.csr_matrix] = []
    with text_stream(path) as stream:
        try:
            pieces = pd.read_csv(
                stream,
                sep=head.delimiter,
                header=None,
                skiprows=head.line,
                dtype={0: str},
                na_filter=False,
                float_precision="round_trip",
                low_memory=False,
                chunksize=max(1, CELLS_AT_ONCE // head.width),
            )
            for piece in pieces:
                body = piece.iloc[:, 1:]
                if any(kind.kind not in "iuf" for kind in body.dtypes):
                    _raise_fault(path, head)
                values = body.to_numpy()
                if not (
                    np.isfinite(values).all() and (values >= 0).all() and (values == np.floor(values)).all()
                ):
                    _raise_fault(path, head)
                names += piece[0].tolist()
                parts.append(sparse.csr_matrix(values))
        except pd.errors.ParserError:
            _raise_fault(path, head)
    return CountMatrix(names, head.header[1:], sparse.vstack(parts, format="csr"))


def _raise_fault(path: str | Path, head: Head) -> None:
    with text_stream(path) as stream:
        for line, text in enumerate(stream, 1):
            if line <= head.line or not text.strip():
                continue
            cells = split(text.rstrip("\r\n"), head.delimiter)
            if len(cells) != head.width:
                raise LatentomeError(
                    f"{path}, line {line}: {len(cells)} fields, but the header has {head.width} columns; expected as "
                    "many on every line; fetch the file again if it was cut short"
                )
            for column, cell in enumerate(cells[1:], 2):
                if not re.fullmatch(WHOLE, cell):
                    raise LatentomeError(
                        f"{path}, line {line}, column {column} ({shown(head.header[column - 1])}): {shown(cell)}; "
                        f"expected a whole count of 0 or more; {RAW}"
                    )
    raise LatentomeError(
        f"{path}: cannot be read as a table of counts; expected whole numbers and one line a row"
    )


def spots_in_rows(matrix: CountMatrix, known: Collection[str], where: str) -> bool:
    """Tell from the names which way a count table lies: `known` barcodes, or names such as 10x12.

    Raises
    ------
    LatentomeError
        If neither or both of rows and columns are spots.
    """
    shares = []
    for names in (matrix.rows, matrix.columns):
        hits = (
            [name in known for name in spot_names(names)]
            if known
            else [bool(ARRAY_NAME.fullmatch(n)) for n in names]
        )
        shares.append(float(np.mean(hits)))
    if (shares[0] > 0.5) == (shares[1] > 0.5):
        raise LatentomeError(
            f"{where}: cannot tell spots from genes (rows {listed(matrix.rows, 2)}, columns "
            f"{listed(matrix.columns, 2)}); expected the barcodes of the positions, or names such as 10x12, on one "
            "side; set spots: orientation: "
            "spots_by_genes or genes_by_spots"
        )
    return shares[0] > 0.5


def read_count_table(
    paths: Mapping[str, str], source: Mapping[str, str], orientation: str | None = None
) -> anndata.AnnData:
    """Read a table of counts: Spatial Transcriptomics' (10x12) or Stereo-seq's published one.

    Parameters
    ----------
    paths
        ``counts``; ``positions`` (not needed where spots are called by their place in the array); ``barcodes`` of
        the spots to keep.
    source
        For ``uns["source"]``.
    orientation
        ``spots_by_genes`` or ``genes_by_spots``; None tells it from the names.

    Raises
    ------
    LatentomeError
        If a file cannot be read, the orientation is not clear, or spots have no position.
    """
    where = paths["counts"]
    matrix = read_count_matrix(where)
    positions = read_coordinates(paths["positions"]) if paths.get("positions") else None
    if positions is not None:
        positions.index = pd.Index(spot_names(positions.index.tolist()), dtype=object)
    if orientation not in (None, "spots_by_genes", "genes_by_spots"):
        raise LatentomeError(
            f"config: spots: orientation: {shown(orientation)}; expected spots_by_genes or genes_by_spots"
        )
    if orientation is None:
        rows = spots_in_rows(matrix, set() if positions is None else set(positions.index), where)
    else:
        rows = orientation == "spots_by_genes"
    barcodes = spot_names(matrix.rows if rows else matrix.columns)
    if positions is None:
        strange = [name for name in barcodes if not ARRAY_NAME.fullmatch(name)]
        if strange:
            raise LatentomeError(
                f"{where}: {len(strange)} spots are not called by their place ({listed(strange)}); expected names such "
                "as 10x12; name a file of positions under spots: positions"
            )
        xy = np.array([name.split("x") for name in barcodes], dtype=np.float64)
    else:
        at = match_positions(barcodes, positions.index, where, paths["positions"])
        xy = positions[["x", "y"]].to_numpy()[at]
    values = matrix.values if rows else matrix.values.T
    spots = build_spots(values, barcodes, matrix.columns if rows else matrix.rows, xy, source)
    if paths.get("barcodes"):
        spots = select_barcodes(spots, spot_names(read_barcodes(paths["barcodes"])), paths["barcodes"])
    return spots
