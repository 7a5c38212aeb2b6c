"""A user's own small tissue section, written in the formats of Visium, Stereo-seq and AnnData."""

from __future__ import annotations

import gzip
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd

ROWS, COLUMNS, GENES = 8, 10, 40
SPOTS = ROWS * COLUMNS
PITCH = 100
NAMES = [f"G{k + 1}" for k in range(GENES)]
BARCODES = [f"{k:016d}-1".translate(str.maketrans("0123456789", "ACGTACGTAC")) for k in range(SPOTS)]
BARCODES = [f"{name[:-2]}{k:03d}-1" for k, name in enumerate(BARCODES)]
OUTSIDE = ["OUTSIDE1-1", "OUTSIDE2-1"]


def counts() -> np.ndarray:
    """UMIs, int64 [spots x genes]; the first ten genes are high on the left, the next ten on the right."""
    column = np.arange(SPOTS) % COLUMNS
    mean = np.full((SPOTS, GENES), 4.0)
    mean[column < COLUMNS // 2, :10] *= 4
    mean[column >= COLUMNS // 2, 10:20] *= 4
    return np.random.default_rng(7).poisson(mean)


def places() -> np.ndarray:
    """Places on a hexagonal lattice, x to the right and y down, int64 [spots x 2]."""
    row, column = np.divmod(np.arange(SPOTS), COLUMNS)
    return np.column_stack([500 + PITCH * column + PITCH // 2 * (row % 2), 900 + 87 * row])


def sides() -> list[str]:
    """Which half of the section each spot is in."""
    return ["left" if k % COLUMNS < COLUMNS // 2 else "right" for k in range(SPOTS)]


def write_10x(path: Path, values=None, barcodes=BARCODES, genes=NAMES) -> None:
    """A feature-barcode matrix as Space Ranger writes it: genes x spots by columns."""
    values = counts() if values is None else values
    with h5py.File(path, "w") as file:
        matrix = file.create_group("matrix")
        matrix["barcodes"] = np.array(barcodes, "S")
        matrix["shape"] = np.array(values.T.shape, np.int32)
        matrix["data"] = values[values != 0]
        matrix["indices"] = np.nonzero(values)[1]
        matrix["indptr"] = np.append(0, np.cumsum((values != 0).sum(axis=1)))
        features = matrix.create_group("features")
        features["id"], features["name"] = np.array(genes, "S"), np.array([f"sym{g}" for g in genes], "S")
        features["feature_type"] = np.full(len(genes), b"Gene Expression")


def position_lines(barcodes=BARCODES, xy=None, header=True) -> list[str]:
    """Tissue positions: every spot, and two outside the tissue before them."""
    xy = places() if xy is None else xy
    head = "barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres"
    lines = [f"{name},0,0,{k},0,{k}" for k, name in enumerate(OUTSIDE)]
    for k, (name, (x, y)) in enumerate(zip(barcodes, xy, strict=True)):
        row, column = divmod(k, COLUMNS)
        lines.append(f"{name},1,{row},{2 * column + row % 2},{y},{x}")
    return [head, *lines] if header else lines


def write_folder(folder: Path, name: str, lines=None, **matrix) -> dict:
    """A Space Ranger run of one dataset in a folder of its name; returns its block of the config."""
    (folder / name / "spatial").mkdir(parents=True)
    write_10x(folder / name / f"{name}.h5", **matrix)
    positions = folder / name / "spatial/tissue_positions.csv"
    positions.write_text("\n".join(position_lines() if lines is None else lines) + "\n")
    return {
        "spots": {
            "format": "spaceranger",
            "counts": f"{name}/{name}.h5",
            "positions": f"{name}/spatial/tissue_positions.csv",
        }
    }


def write_h5ad(path: Path, layer: np.ndarray | None = None) -> None:
    """AnnData with the counts in the layer `counts` beside normalised values, in a shuffled order of spots."""
    order = np.random.default_rng(1).permutation(SPOTS)
    obs = pd.DataFrame({"region": sides(), "batch": np.arange(SPOTS) % 10 == 9}, index=BARCODES)
    values = (counts() if layer is None else layer).astype(np.float32)
    data = anndata.AnnData(np.log1p(values), obs=obs, var=pd.DataFrame(index=NAMES))
    data.layers["counts"] = values
    data.obsm["spatial"] = places()
    data[order].copy().write_h5ad(path)


def gem_lines(size: int, count: str = "MIDCount") -> list[str]:
    """A GEM whose bins of `size` DNBs on a square grid are the spots; a line for each UMI, at places by chance."""
    rng = np.random.default_rng(2)
    row, column = np.divmod(np.arange(SPOTS), COLUMNS)
    spot, gene = np.nonzero(counts())
    times = counts()[spot, gene]
    spot, gene = np.repeat(spot, times), np.repeat(gene, times)
    x = 4000 + size * column[spot] + rng.integers(0, size, len(spot))
    y = 6000 + size * row[spot] + rng.integers(0, size, len(spot))
    lines = [f"{NAMES[g]}\t{a}\t{b}\t1" for g, a, b in zip(gene, x, y, strict=True)]
    return ["#FileFormat=GEMv0.1", f"geneID\tx\ty\t{count}", *lines]


def write_gem(path: Path, lines: list[str]) -> None:
    """Gzipped."""
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
