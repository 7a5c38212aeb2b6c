"""Stereo-seq's GEM: one line for each gene and DNA nanoball (DNB), binned to squares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed, shown

from .spot_tables import Head, table_head, text_stream
from .spots import build_spots, note
from .text_table import numbers as read_numbers

GENE = ("geneid", "gene", "genename")
COUNT = ("midcounts", "midcount", "umicounts", "umicount")
LINES_AT_ONCE = 5_000_000


def _column(head: Head, names: tuple[str, ...], where: str, what: str) -> str:
    spelled = {re.sub("[^a-z]", "", name.lower()): name for name in reversed(head.header)}
    for name in names:
        if name in spelled:
            return spelled[name]
    raise LatentomeError(
        f"{where}, line {head.line}: no column of the {what} (it has {listed(head.header, 8)}); expected geneID, x, y "
        "and MIDCount (or MIDCounts, UMICount); rename the column"
    )


def _check_numbers(piece: pd.DataFrame, columns: tuple[str, ...], where: str, first: int) -> None:
    for column in columns:
        numbers = piece[column]
        if numbers.dtype.kind not in "iuf":
            numbers = read_numbers(numbers)
        least = 0 if column != columns[-1] else 1
        bad = ~((numbers >= least) & (numbers == np.floor(numbers)) & (numbers < 2**31))
        if bad.any():
            row = int(bad.to_numpy().argmax())
            raise LatentomeError(
                f"{where}, line {first + int(piece.index[row])}: column {column}: {shown(piece[column].iloc[row])}; "
                f"expected a whole number of {least} or more; give the raw GEM, whole"
            )


def read_gem(path: str | Path, size: int, source: Mapping[str, str]) -> anndata.AnnData:
    """Read a GEM and sum the UMIs of squares of `size` x `size` DNBs.

    Parameters
    ----------
    path
        Tab-separated, gzipped or not: ``geneID`` (or ``geneName``, which becomes the symbol if both are there),
        ``x``, ``y`` and the count; ``#`` lines above the header, ``ExonCount`` and ``CellID`` are ignored.
    size
        Side of a bin in DNBs; bin i covers DNBs ``i * size`` to ``(i + 1) * size - 1``, counted from 0 whatever the
        patch, so that bins of two files of a chip agree.
    source
        For ``uns["source"]``.

    Returns
    -------
    AnnData, spots sorted by x, then y, and called by their first DNB, ``x_y``; genes sorted by id.
    ``obsm["spatial"]`` is the centre of the bin in DNBs (0.5 or 0.715 micrometres apart), ``first + (size - 1) / 2``.

    Raises
    ------
    LatentomeError
        If a column is missing, a value no whole number, a count below 1, or the file is cut.
    """
    where = str(path)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise LatentomeError(f"config: spots: bin: {shown(size)}; expected a whole number of DNBs, 1 or more")
    head = table_head(path)
    gene, count = _column(head, GENE, where, "genes"), _column(head, COUNT, where, "counts")
    across, down = (
        _column(head, ("x",), where, "x coordinates"),
        _column(head, ("y",), where, "y coordinates"),
    )
    spelled = {name.lower(): name for name in head.header}
    name = spelled.get("genename", gene)
    parts: list[pd.DataFrame] = []
    symbols: dict[str, str] = {}
    lines = 0
    with text_stream(path) as stream:
        try:
            # With names or usecols pandas would drop the fields that a line has too many.
            pieces = pd.read_csv(
                stream,
                sep=head.delimiter,
                header=None,
                skiprows=head.line,
                dtype={head.header.index(column): "category" for column in (gene, name)},
                na_filter=False,
                float_precision="round_trip",
                chunksize=LINES_AT_ONCE,
            )
            for piece in pieces:
                piece.columns = pd.Index(head.header)
                _check_numbers(piece, (across, down, count), where, head.line + 1)
                lines += len(piece)
                if name != gene:
                    both = piece[[gene, name]].drop_duplicates().astype(str)
                    symbols |= {key: text for key, text in both.to_numpy() if key not in symbols}
                keys = [piece[gene], piece[across].astype(int) // size, piece[down].astype(int) // size]
                grouped = (
                    piece[count]
                    .astype(np.int64)
                    .groupby(
                        [key.rename(short) for key, short in zip(keys, "gxy", strict=True)], observed=True
                    )
                )
                parts.append(grouped.sum().rename("n").reset_index().astype({"g": str}))
        except pd.errors.ParserError as error:
            raise LatentomeError(
                f"{where}: the lines do not fit the header ({str(error).strip()}); expected {head.width} tab-separated "
                "columns on every line; fetch the file again"
            ) from None
    whole = pd.concat(parts)
    genes = pd.Index(sorted(whole.g.unique()))
    at, bins = pd.MultiIndex.from_frame(whole[["x", "y"]]).factorize(sort=True)
    corner = np.array(bins.tolist(), dtype=np.int64) * size
    shape = (len(bins), len(genes))
    values = sparse.coo_matrix((whole.n.to_numpy(), (at, genes.get_indexer(whole.g))), shape=shape)
    names = [f"{x}_{y}" for x, y in corner]
    known = [symbols.get(key, key) for key in genes] if symbols else None
    spots = build_spots(values, names, genes, corner + (size - 1) / 2, {**source, "bin": str(size)}, known)
    note(spots, "lines read", lines)
    return spots
