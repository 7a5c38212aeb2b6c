"""Reading chosen rows of chosen columns of an HDF5 matrix, block by block in file order, by its layout."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

BLOCK_BYTES = 16 * 2**20
SHUFFLE, DEFLATE = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Chosen:
    """Rows wanted, columns in file order, and the output row of each."""

    rows: np.ndarray
    columns: np.ndarray
    order: np.ndarray
    ordered: bool

    @property
    def span(self) -> tuple[int, int]:
        """First row wanted, and the one after the last."""
        return int(self.rows.min()), int(self.rows.max()) + 1

    def selector(self, first: int) -> np.ndarray | slice:
        """The rows within a block that starts at row `first`: a slice, or places, int [rows]."""
        if self.rows.size == 1 or np.all(np.diff(self.rows) == 1):
            return slice(int(self.rows[0]) - first, int(self.rows[-1]) + 1 - first)
        return self.rows - first

    def put(self, block: np.ndarray, rows: np.ndarray | slice, out: np.ndarray, a: int, b: int) -> None:
        """Write a block [a..b columns in file order x rows of the file] to their rows of `out` [columns x rows]."""
        if self.ordered:
            _take(block, rows, out[a:b])
        else:
            out[self.order[a:b]] = block[:, rows]


def fill(path: Path, stored: h5py.Dataset, chosen: Chosen, out: np.ndarray, report: Report | None) -> None:
    """Read the chosen part of `stored`, a dataset of the file `path`, into `out`, [columns x rows] float32.

    Raises
    ------
    OSError, zlib.error
        If the file is cut short or damaged.
    """
    plain = stored.dtype == np.dtype("<f4")
    if plain and stored.chunks is None and stored.id.get_offset() is not None:
        _read_contiguous(path, stored, chosen, out, report)
    elif plain and _plain_chunks(stored):
        _read_chunks(stored, chosen, out, report)
    else:
        _read_any(stored, chosen, out, report)


def _runs(places: np.ndarray, longest: int) -> Iterator[tuple[int, int, int, int]]:
    """Runs of ascending neighbours: (first place, end place, first output row, end output row)."""
    breaks = np.flatnonzero(np.diff(places) != 1) + 1
    for start, end in zip(np.r_[0, breaks], np.r_[breaks, places.size], strict=True):
        for a in range(start, end, longest):
            b = min(a + longest, end)
            yield int(places[a]), int(places[b - 1]) + 1, a, b


def _take(block: np.ndarray, rows: np.ndarray | slice, out: np.ndarray) -> None:
    if isinstance(rows, slice):
        out[...] = block[:, rows]
    else:
        np.take(block, rows, axis=1, out=out, mode="clip")


def _read_contiguous(
    path: Path, stored: h5py.Dataset, chosen: Chosen, out: np.ndarray, report: Report | None
) -> None:
    """By plain reads at the matrix's offset: what HDF5 would do for each block, without its per-call cost."""
    n_rows = stored.shape[1]
    first, end = chosen.span
    selector = chosen.selector(first)
    whole_rows = (end - first) > n_rows // 2
    lo, hi = (0, n_rows) if whole_rows else (first, end)
    selector = chosen.selector(lo)
    per_block = max(BLOCK_BYTES // (4 * n_rows), 1)
    buffer = np.empty((per_block, n_rows if whole_rows else hi - lo), np.float32)
    start = stored.id.get_offset()
    handle = os.open(path, os.O_RDONLY)
    try:
        for begin, stop, a, b in _runs(chosen.columns, per_block):
            block = buffer[: stop - begin]
            if whole_rows:
                _read_exactly(handle, block, start + 4 * begin * n_rows)
            else:
                for k in range(stop - begin):
                    _read_exactly(handle, block[k : k + 1], start + 4 * ((begin + k) * n_rows + lo))
            chosen.put(block, selector, out, a, b)
            if report:
                report(b, chosen.columns.size)
    finally:
        os.close(handle)


def _read_exactly(handle: int, block: np.ndarray, offset: int) -> None:
    view = block.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(view):
        got = os.preadv(handle, [view[done:]], offset + done)
        if got == 0:
            raise OSError(f"the file ends {len(view) - done} bytes before its matrix does")
        done += got


def _plain_chunks(stored: h5py.Dataset) -> bool:
    """Whether there are chunks, behind nothing but deflate and shuffle."""
    if stored.chunks is None:
        return False
    plist = stored.id.get_create_plist()
    filters = [plist.get_filter(k)[0] for k in range(plist.get_nfilters())]
    return filters in ([], [DEFLATE], [SHUFFLE, DEFLATE])


def _read_chunks(stored: h5py.Dataset, chosen: Chosen, out: np.ndarray, report: Report | None) -> None:
    """Each chunk that holds something wanted, once, unpacked by threads (zlib lets go of Python's lock)."""
    height, width = stored.chunks
    plist = stored.id.get_create_plist()
    shuffled = plist.get_nfilters() == 2
    deflated = plist.get_nfilters() > 0
    bands = np.unique(chosen.rows // width)
    in_band = [(band, np.flatnonzero(chosen.rows // width == band)) for band in bands.tolist()]
    rows_of = np.searchsorted(chosen.columns, np.arange(0, stored.shape[0] + height, height))
    tall = [k for k in range(len(rows_of) - 1) if rows_of[k] < rows_of[k + 1]]

    def unpack(raw: bytes, mask: int) -> np.ndarray:
        if deflated and not mask & (2 if shuffled else 1):
            raw = zlib.decompress(raw, bufsize=4 * height * width)
        if shuffled and not mask & 1:
            return np.frombuffer(raw, np.uint8).reshape(4, -1).T.copy().view("<f4").reshape(height, width)
        return np.frombuffer(raw, "<f4").reshape(height, width)

    def put(raw: bytes, mask: int, k: int, band: int, places: np.ndarray) -> None:
        block = unpack(raw, mask)
        a, b = rows_of[k], rows_of[k + 1]
        inner = chosen.columns[a:b] - k * height
        out[np.ix_(chosen.order[a:b], places)] = block[np.ix_(inner, chosen.rows[places] - band * width)]

    workers = min(os.cpu_count() or 1, 4)
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[Future] = []
        for k in tall:
            for band, places in in_band:
                info = stored.id.get_chunk_info_by_coord((k * height, band * width))
                if info.byte_offset is None:
                    out[np.ix_(chosen.order[rows_of[k] : rows_of[k + 1]], places)] = stored.fillvalue
                    continue
                mask, raw = stored.id.read_direct_chunk((k * height, band * width))
                waiting.append(pool.submit(put, raw, mask, k, band, places))
                while len(waiting) > 2 * workers:
                    waiting.pop(0).result()
            if report:
                report(int(rows_of[k + 1]), chosen.columns.size)
        for job in waiting:
            job.result()


def _read_any(stored: h5py.Dataset, chosen: Chosen, out: np.ndarray, report: Report | None) -> None:
    """Through HDF5, for other types and filters."""
    first, end = chosen.span
    selector = chosen.selector(first)
    per_block = max(BLOCK_BYTES // (stored.dtype.itemsize * (end - first)), 1)
    if stored.chunks is not None:
        per_block = max(per_block // stored.chunks[0], 1) * stored.chunks[0]
    for begin, stop, a, b in _runs(chosen.columns, per_block):
        chosen.put(stored[begin:stop, first:end].astype(np.float32, copy=False), selector, out, a, b)
        if report:
            report(b, chosen.columns.size)
