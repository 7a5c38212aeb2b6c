"""Imputed rates on disk: written and read a block of spots at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from anndata.io import write_elem
from scipy import sparse

LAYERS = ("sd", "given_counts")
CHUNK_VALUES = 2**18
BLOCK_VALUES = 2**22


def block_bounds(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return (start, stop) of blocks of spots of about 4 million values, whole chunks each."""
    rows = _chunk(shape)[0]
    step = max(rows, BLOCK_VALUES // max(shape[1], 1) // rows * rows)
    return [(start, min(start + step, shape[0])) for start in range(0, shape[0], step)]


def write_imputed(
    path: str | Path,
    obs: pd.DataFrame,
    var: pd.DataFrame,
    spatial: np.ndarray,
    block: Callable[[int, int], tuple[np.ndarray, ...]],
    facts: dict[str, str | float],
    layers: Sequence[str] = LAYERS,
) -> None:
    """Write rates and what belongs to them as a chunked .h5ad; no more than a block is ever in memory.

    Not compressed: the digits of a rate are noise to lzf, which saved less than 1 % at two fifths of the time.

    Parameters
    ----------
    path
        The file; written in place, so give a temporary name.
    obs, var
        Of the spots and genes.
    spatial
        Coordinates, [spots x 2].
    block
        Called with (start, stop): rates of these spots, then their `layers`, float32 [spots x genes] each.
    facts
        Stored in ``uns``.
    layers
        Names of the layers.
    """
    shape = (len(obs), len(var))
    frame = anndata.AnnData(obs=obs, var=var, uns=dict(facts), obsm={"spatial": spatial})
    frame.write_h5ad(path)
    options = {"dtype": "float32", "chunks": _chunk(shape), "track_times": False}
    with h5py.File(path, "r+", track_order=False) as file:
        if "layers" not in file:
            write_elem(file, "layers", {})
        if "X" in file:
            del file["X"]
        stored = [
            file.create_dataset(name, shape, **options) for name in ("X", *(f"layers/{k}" for k in layers))
        ]
        for one in stored:
            one.attrs["encoding-type"], one.attrs["encoding-version"] = "array", "0.2.0"
        for start, stop in block_bounds(shape):
            for one, values in zip(stored, block(start, stop), strict=True):
                one[start:stop] = values


def flag_genes(path: str | Path, var: pd.DataFrame) -> None:
    """Replace the gene table of a written file, once it is known which genes can be imputed."""
    with h5py.File(path, "r+", track_order=False) as file:
        write_elem(file, "var", var)


def imputed_blocks(path: str | Path) -> Iterator[tuple[int, int, np.ndarray]]:
    """Read rates a block of spots at a time: (start, stop, float32 [spots x genes])."""
    with h5py.File(path) as file:
        rates = file["X"]
        for start, stop in block_bounds(rates.shape):
            yield start, stop, rates[start:stop]


def imputed_genes(path: str | Path, genes: np.ndarray) -> np.ndarray:
    """Rates of some genes, float64 [spots x genes]; `genes` are their places."""
    return np.vstack([block[:, genes] for _, _, block in imputed_blocks(path)]).astype(np.float64)


def log_shares(counts: sparse.csr_matrix, genes: np.ndarray, scale: float = 1e4) -> np.ndarray:
    """log1p(scale x share of the spot's UMIs) of some genes, float64 [spots x genes]."""
    depth = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    found = counts[:, genes].toarray().astype(np.float64)
    return np.log1p(scale * found / np.maximum(depth, 1)[:, None])


def _chunk(shape: tuple[int, int]) -> tuple[int, int]:
    return (max(1, min(shape[0], CHUNK_VALUES // max(shape[1], 1))), shape[1])
