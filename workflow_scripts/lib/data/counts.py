"""Readers of count tables: GEO's and users' own text, .RData and .h5ad, read exactly or refused by place."""

from __future__ import annotations

import logging
import lzma
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed, shown, unknown

from .count_table import (
    MAX_COUNT,
    MISSING,
    NUMBER,
    WHOLE,
    CountTable,
    annotation_columns,
    build,
    check_counts,
)
from .text_table import TextTable, read_table
from .text_table import numbers as read_numbers

log = logging.getLogger(__name__)

__all__ = ["CountTable", "check_counts", "read_counts"]

_TALLIES = {"N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous"}  # STAR's; htseq's start with __


def _drop_tail(ids: pd.Series, source: str) -> pd.Series:
    """Drop the rows in which htseq-count and STAR tally the reads without a gene."""
    tail = ids.str.startswith("__") | ids.isin(_TALLIES)
    if tail.any():
        log.info("%s: dropped the tally rows %s, which are no genes", source, listed(ids[tail]))
    return ids[~tail]


def _shape(text: str) -> str:
    return re.sub("[0-9]+", "0", text)


def _check_header(table: TextTable, ids: pd.Series, key: int, notes: list[str], samples: list[str]) -> None:
    """Refuse a first row of data taken for the header, and row numbers taken for gene ids."""
    name, place = table.header[key], f"{table.source}, line {table.header_line}"
    if not len(ids):
        return
    alike = bool(name) and _shape(name) == _shape(ids.iloc[0])
    if alike and all(re.fullmatch("[0-9.]+", sample) for sample in samples):
        raise LatentomeError(
            f"{place}: this line looks like data ({listed(table.header)}), not like a header; expected the "
            "sample names on the first line; add a header line"
        )
    count = len(ids)
    numbered = not name and ids.tolist() in ([str(i) for i in range(k, count + k)] for k in (0, 1))
    if numbered and notes:
        raise LatentomeError(
            f"{place}: the first column has no name and only numbers the rows; expected gene ids; set "
            f"gene_column to the column that has them ({listed(notes)})"
        )


def _read_text(path: Path, gene_column: str | None, altered_ids: str) -> CountTable:
    table = read_table(path)
    header, source = table.header, table.source
    if gene_column is not None and gene_column not in header:
        raise LatentomeError(
            f"{source}, line {table.header_line}: {unknown('gene_column', gene_column, header)}; correct it"
        )
    key = 0 if gene_column is None else header.index(gene_column)
    frame = table.frame(text=[key])
    ids = _drop_tail(frame[key].str.strip(), source)
    frame = frame.loc[ids.index]
    described = annotation_columns(header)
    notes = [c for c, name in enumerate(header) if c != key and (name in described or c == 0)]
    odd = [c for c in frame if c != key and c not in notes and frame[c].dtype != np.int64]
    text = table.frame(text=odd, only_text=True).loc[ids.index] if odd else frame[[]]
    for column in odd:
        # A whole column without one number is a description under a name of its own, not a broken sample.
        cells = text[column].str.strip()
        if not cells.str.fullmatch(NUMBER).any() and not cells.str.lower().isin(MISSING).all():
            notes.append(column)
    notes.sort()
    keep = [c for c in frame if c != key and c not in notes]
    _check_header(table, ids, key, [header[c] for c in notes], [header[c] for c in keep])
    numbers = np.zeros((len(ids), len(keep)))
    bad = np.zeros(numbers.shape, dtype=bool)
    for place, column in enumerate(keep):
        if column in odd:
            whole = text[column].str.fullmatch(WHOLE)
            numbers[:, place] = read_numbers(text[column]).fillna(0)
            bad[:, place] = ~whole.to_numpy(bool)
        else:
            numbers[:, place] = frame[column]
    bad |= (numbers < 0) | (numbers > MAX_COUNT)

    def cell(row: int, place: int) -> str:
        line = int(ids.index[row])
        table.check_widths(range(line, line + 1))
        return table.fields(line)[keep[place]]

    names = [header[c] for c in keep]
    notes_frame = frame[notes].set_axis([header[c] for c in notes], axis=1)
    return build(ids, numbers, bad, names, notes_frame, table.at, cell, source, altered_ids)


def _from_numbers(
    ids: Sequence[str],
    numbers: np.ndarray,
    samples: list[str],
    annotation: pd.DataFrame,
    place: str,
    source: str,
    altered_ids: str,
) -> CountTable:
    """Build from float64 `numbers` [genes x samples] of a binary file; `place` is the file and object."""
    named = _drop_tail(pd.Series([str(i).strip() for i in ids], dtype=object), source)
    numbers, annotation = numbers[named.index], annotation.iloc[named.index]
    bad = ~((numbers >= 0) & (numbers <= MAX_COUNT) & (numbers == np.floor(numbers)))

    def cell(row: int, column: int) -> str:
        value = numbers[row, column]
        return "NA" if np.isnan(value) else f"{value:.0f}" if value == np.floor(value) else repr(float(value))

    def at(row: int) -> str:
        return f"{place}, row {row + 1}"

    return build(named, numbers, bad, samples, annotation, at, cell, source, altered_ids)


def _r_frame(path: Path, name: str | None) -> tuple[str, pd.DataFrame]:
    """Return the named (or the only) data frame or matrix of an .RData file."""
    import rdata
    import xarray

    try:
        objects = rdata.read_rda(path)
    except (
        OSError,
        EOFError,
        NotImplementedError,
        ValueError,
        LookupError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise LatentomeError(
            f"{path}: cannot be read as .RData ({type(error).__name__}: {shown(error)}); expected a file of "
            "R's save(); save or download it again"
        ) from None
    frames: dict[str, pd.DataFrame] = {}
    for key, value in objects.items():
        if isinstance(value, pd.DataFrame):
            frames[key] = value
        elif isinstance(value, xarray.DataArray) and value.ndim == 2:
            frames[key] = value.to_pandas()
    chosen = next(iter(frames)) if name is None and len(frames) == 1 else name
    if chosen is None or chosen not in frames:
        wrong = unknown("object", chosen, frames) if chosen else f"it has {listed(frames, 12) or 'no table'}"
        raise LatentomeError(f"{path}: {wrong}; expected one data frame or matrix with names; set object")
    frame = frames[chosen]
    return chosen, frame.set_axis([str(column) for column in frame.columns], axis=1)


def _read_rdata(path: Path, gene_column: str | None, name: str | None, altered_ids: str) -> CountTable:
    name, frame = _r_frame(path, name)
    place, columns = f"{path}, object {shown(name)}", list(frame.columns)
    if gene_column is not None and gene_column not in columns:
        raise LatentomeError(f"{place}: {unknown('gene_column', gene_column, columns)}; correct it")
    numeric = [is_numeric_dtype(dtype) and not is_bool_dtype(dtype) for dtype in frame.dtypes]
    texts = (column for column, is_number in zip(columns, numeric, strict=True) if not is_number)
    key = gene_column if gene_column is not None else next(texts, None)
    described = {key, *annotation_columns(columns)}
    keep = [c for c, column in enumerate(columns) if numeric[c] and column not in described]
    rest = [c for c, column in enumerate(columns) if c not in keep and column != key]
    numbers = frame.iloc[:, keep].to_numpy(np.float64, na_value=np.nan)
    ids = (frame.index if key is None else frame[key]).astype(object).fillna("").tolist()
    samples = [columns[c] for c in keep]
    return _from_numbers(ids, numbers, samples, frame.iloc[:, rest], place, str(path), altered_ids)


def _read_h5ad(path: Path, gene_column: str | None, layer: str | None, altered_ids: str) -> CountTable:
    import anndata
    from scipy import sparse

    try:
        data = anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError) as error:
        raise LatentomeError(
            f"{path}: cannot be read as .h5ad ({type(error).__name__}: {shown(error)}); expected an AnnData "
            "file, samples x genes; write or download it again"
        ) from None
    if layer is not None and layer not in data.layers:
        raise LatentomeError(f"{path}: {unknown('layer', layer, data.layers)}; correct it")
    if gene_column is not None and gene_column not in data.var:
        raise LatentomeError(f"{path}: {unknown('gene_column', gene_column, data.var)}; correct it")
    values = data.X if layer is None else data.layers[layer]
    if values is None:
        raise LatentomeError(f"{path}: X is empty; expected counts; set layer to the one that has them")
    values = values.toarray() if sparse.issparse(values) else np.asarray(values)
    ids = data.var_names if gene_column is None else data.var[gene_column]
    place = f"{path}, {'X' if layer is None else 'layer ' + shown(layer)}"
    samples = [str(name) for name in data.obs_names]
    numbers = values.T.astype(np.float64)
    return _from_numbers(list(ids), numbers, samples, data.var, place, str(path), altered_ids)


def read_counts(
    path: str | Path,
    *,
    gene_column: str | None = None,
    object: str | None = None,
    layer: str | None = None,
    altered_ids: str = "refuse",
) -> CountTable:
    """Read a table of raw read counts, exactly.

    Parameters
    ----------
    path
        ``.RData``/``.rda``, ``.h5ad`` (samples x genes), or text with genes in rows: gzipped or plain,
        separated by tab, comma or semicolon, with or without ``Length``, featureCounts' other columns or a
        comment above.
    gene_column
        Name of the column (``var`` column of .h5ad) with the gene ids. By default the first column of a text,
        the first text column or the row names in .RData, ``var_names`` in .h5ad.
    object
        Name of the data frame or matrix in .RData; not needed if there is only one.
    layer
        Name of the layer of .h5ad to read instead of X.
    altered_ids
        ``refuse`` ids that a spreadsheet altered (``1-Mar``), or ``keep`` them with their place added
        (``1-Mar (line 7)``), since a published table may have nothing better.

    Returns
    -------
    CountTable
        int64 counts [genes x samples]. The tally rows of htseq-count and STAR are dropped.

    Raises
    ------
    LatentomeError
        If the file cannot be read or is not a table; if a gene id is empty, not unique or altered by a
        spreadsheet; if sample names are not unique; if a cell is missing, not a number, negative, not whole,
        in scientific notation or above 2^31-1; if the values look like TPM, FPKM or CPM. The file, the
        line (row) and the sample are named.
    """
    path = Path(path)
    if path.suffix.lower() in (".rda", ".rdata"):
        return _read_rdata(path, gene_column, object, altered_ids)
    if path.suffix.lower() == ".h5ad":
        return _read_h5ad(path, gene_column, layer, altered_ids)
    return _read_text(path, gene_column, altered_ids)
