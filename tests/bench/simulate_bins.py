"""Bins of a large section for the benchmark: a square lattice with smooth programmes, written without being held."""

from __future__ import annotations

import math
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

GENES, PROGRAMMES, MEDIAN_UMIS = 2000, 6, 100
BLOCK = 8192


def simulate(path: Path, spots: int, seed: int = 0) -> None:
    """Write a ``spots.h5ad``, a block of bins at a time."""
    rng = np.random.default_rng(seed)
    side = math.ceil(math.sqrt(spots))
    place = np.arange(spots)
    xy = np.column_stack([place % side, place // side]).astype(np.float64)
    waves = rng.normal(size=(2, PROGRAMMES)) / 15
    phases = rng.uniform(0, 2 * np.pi, PROGRAMMES)
    loadings = rng.normal(size=(PROGRAMMES, GENES)) * 0.4
    offset = rng.normal(size=GENES) * 1.2
    frame = anndata.AnnData(
        obs=pd.DataFrame(index=pd.Index([f"bin{k}" for k in place], dtype=object)),
        var=pd.DataFrame(index=pd.Index([f"gene{k}" for k in range(GENES)], dtype=object)),
        obsm={"spatial": xy},
        uns={"source": {"values": "counts", "format": "simulated"}},
    )
    frame.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        if "X" in file:
            del file["X"]
        group = file.create_group("X")
        group.attrs["encoding-type"], group.attrs["encoding-version"] = "csr_matrix", "0.1.0"
        group.attrs["shape"] = np.array([spots, GENES])
        parts = {
            name: group.create_dataset(name, (0,), np.int32, maxshape=(None,), chunks=(2**18,))
            for name in ("data", "indices")
        }
        starts = [np.zeros(1, np.int64)]
        for start in range(0, spots, BLOCK):
            some = xy[start : start + BLOCK]
            rates = np.exp(np.sin(some @ waves + phases) @ loadings + offset)
            depth = rng.lognormal(math.log(MEDIAN_UMIS), 0.4, len(some))
            counts = sparse.csr_matrix(rng.poisson(rates * (depth / rates.sum(axis=1))[:, None]))
            for name, values in (("data", counts.data), ("indices", counts.indices)):
                stored = parts[name]
                stored.resize((len(stored) + len(values),))
                stored[len(stored) - len(values) :] = values
            starts.append(counts.indptr[1:] + starts[-1][-1])
        indptr = np.concatenate(starts)
        group["indptr"] = indptr.astype(np.int32 if indptr[-1] < 2**31 else np.int64)
