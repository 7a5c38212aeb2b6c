"""Space Ranger's output: the feature-barcode matrix, tissue positions of either version, scale factors."""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed, shown

from .spot_positions import check_once, match_positions, read_barcodes, select_barcodes
from .spots import build_spots, note
from .text_table import numbers, read_text, split

COLUMNS = ("barcode", "in_tissue", "array_row", "array_col", "pxl_row_in_fullres", "pxl_col_in_fullres")
POSITION_FILES = ("tissue_positions.csv", "tissue_positions_list.csv", "tissue_positions_list.txt")


def read_10x_matrix(path: str | Path) -> tuple[sparse.csr_matrix, list[str], list[str], list[str]]:
    """Read the genes of a 10x feature-barcode matrix (HDF5 of Cell Ranger 3 and later, Space Ranger).

    `scanpy.read_10x_h5` reads the same, but takes seconds to import, and squeezes counts through float32.

    Parameters
    ----------
    path
        ``filtered_feature_bc_matrix.h5`` or ``raw_feature_bc_matrix.h5``.

    Returns
    -------
    counts
        [spots x genes]; features of other types (antibodies) are left out.
    barcodes
        Of its rows.
    genes
        Ids of its columns.
    symbols
        Of its columns.

    Raises
    ------
    LatentomeError
        If the file is missing, no HDF5, or not of this layout.
    """
    if not Path(path).is_file():
        raise LatentomeError(f"{path}: cannot be read (no such file); expected a file; check the path")
    try:
        with h5py.File(path, "r") as file:
            matrix, features = file["matrix"], file["matrix/features"]
            barcodes = matrix["barcodes"].asstr()[()].tolist()
            genes, symbols, kinds = (features[name].asstr()[()] for name in ("id", "name", "feature_type"))
            parts = [matrix[name][()] for name in ("data", "indices", "indptr")]
            shape = tuple(int(size) for size in matrix["shape"][()])
        counts = sparse.csc_matrix(tuple(parts), shape=shape).T
        counts.check_format(full_check=True)
        if shape != (len(genes), len(barcodes)) or len(genes) != len(symbols) or len(genes) != len(kinds):
            raise ValueError(f"{shape} counts of {len(genes)} features and {len(barcodes)} barcodes")
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        empty = ": the file is empty" if Path(path).stat().st_size == 0 else ""
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LatentomeError(
            f"{path}{empty}: no 10x feature-barcode matrix ({cause}); expected Space Ranger's "
            "filtered_feature_bc_matrix.h5; check that it was downloaded whole"
        ) from None
    of_genes = np.flatnonzero(kinds == "Gene Expression")
    if not of_genes.size:
        raise LatentomeError(
            f"{path}: no feature is of the type Gene Expression (but {listed(sorted(set(kinds)))}); expected genes"
        )
    return counts.tocsr()[:, of_genes], barcodes, genes[of_genes].tolist(), symbols[of_genes].tolist()


def _positions_text(path: str | Path) -> tuple[str, str]:
    """Return the text of the positions and the name of the file, which may be inside a tar archive."""
    if Path(path).is_dir():
        found = [Path(path) / name for name in POSITION_FILES if (Path(path) / name).is_file()]
        if not found:
            raise LatentomeError(
                f"{path}: the folder has none of {listed(POSITION_FILES)}; expected one of them"
            )
        path = found[0]
    if not str(path).endswith((".tar", ".tar.gz", ".tgz")):
        return read_text(path), str(path)
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                outside = member.name.startswith("/") or ".." in Path(member.name).parts
                if outside or not (member.isfile() or member.isdir()):
                    raise LatentomeError(
                        f"{path}: the archive's {shown(member.name)} {'lies outside it' if outside else 'is no file'}; "
                        "expected files and folders alone, as Space Ranger packs them; download it again"
                    )
            members = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}
            name = next((name for name in POSITION_FILES if name in members), None)
            if name is None:
                raise LatentomeError(
                    f"{path}: the archive has none of {listed(POSITION_FILES)} (it has {listed(sorted(members))}); "
                    "expected Space Ranger's spatial folder"
                )
            stream = archive.extractfile(members[name])
            data = stream.read() if stream is not None else b""
        return data.decode("utf-8-sig").replace("\r\n", "\n"), f"{path}, {members[name].name}"
    except (OSError, EOFError, tarfile.TarError, zlib.error, UnicodeDecodeError) as error:
        raise LatentomeError(
            f"{path}: the archive cannot be read ({error}); expected Space Ranger's spatial.tar.gz; download it again"
        ) from None


def read_positions(path: str | Path) -> pd.DataFrame:
    """Read tissue positions of any version of Space Ranger.

    The table has a header if and only if its first cell is ``barcode`` (Space Ranger 2 and later); readers that
    decide by the file's name lose a spot or take the header for one.

    Parameters
    ----------
    path
        ``tissue_positions.csv``, ``tissue_positions_list.csv``, the spatial folder, or its tar archive.

    Returns
    -------
    DataFrame indexed by barcode: ``in_tissue``, ``array_row``, ``array_col`` (int64), ``x`` and ``y`` in pixels of
    the full image (float64): x is the pixel column, which the file has last, y the pixel row.

    Raises
    ------
    LatentomeError
        If the table is unreadable, has fewer than six columns, a cell that is no number, or a barcode twice.
    """
    if str(path).endswith(".parquet"):
        raise LatentomeError(
            f"{path}: positions as Parquet (Visium HD) are not read; expected tissue_positions.csv; save it as CSV"
        )
    text, where = _positions_text(path)
    rows = [split(line, ",") for line in text.split("\n") if line.strip()]
    if not rows:
        raise LatentomeError(f"{where}: the file is empty; expected tissue positions of six columns")
    header = rows[0][0].strip().lower() == "barcode"
    columns = [name.strip() for name in rows[0]] if header else list(COLUMNS)
    lacking = [name for name in COLUMNS if name not in columns]
    if lacking:
        raise LatentomeError(
            f"{where}, line 1: column {listed(lacking)} is missing; expected {', '.join(COLUMNS)}, as Space Ranger "
            "writes them"
        )
    first = 2 if header else 1
    for line, cells in enumerate(rows[first - 1 :], first):
        if len(cells) != len(columns):
            raise LatentomeError(
                f"{where}, line {line}: {len(cells)} columns; expected the {len(columns)} of Space Ranger "
                f"({', '.join(columns)}); give the whole file"
            )
    table = pd.DataFrame(rows[first - 1 :], columns=columns, dtype=object)
    values = table[list(COLUMNS[1:])].apply(numbers)
    lost = ~np.isfinite(values.to_numpy(np.float64)).all(axis=1)
    if lost.any():
        row = int(lost.argmax())
        raise LatentomeError(
            f"{where}, line {first + row}: spot {shown(table.barcode[row])} has no number in one of "
            f"{', '.join(COLUMNS[1:])} ({listed(table.loc[row, list(COLUMNS[1:])])}), one of {int(lost.sum())} such; "
            "expected coordinates for each spot"
        )
    barcodes = table.barcode.str.strip()
    check_once(barcodes, where, first)
    found = values[["in_tissue", "array_row", "array_col"]].astype(np.int64)
    found["x"], found["y"] = values.pxl_col_in_fullres, values.pxl_row_in_fullres
    return found.set_index(pd.Index(barcodes, name="barcode"))


def read_scalefactors(path: str | Path) -> dict[str, float]:
    """Read ``scalefactors_json.json``; spot diameters are in pixels of the full image.

    Raises
    ------
    LatentomeError
        If it is no JSON object of numbers.
    """
    try:
        found = json.loads(read_text(path))
        return {str(name): float(value) for name, value in found.items() if value is not None}
    except (ValueError, TypeError, AttributeError):
        raise LatentomeError(
            f"{path}: no scale factors; expected a JSON object of numbers, as Space Ranger writes it; check the file"
        ) from None


def read_spaceranger(paths: Mapping[str, str], source: Mapping[str, str]) -> anndata.AnnData:
    """Read a Space Ranger run: the spots in the tissue.

    Parameters
    ----------
    paths
        ``counts``, ``positions``; ``scalefactors`` and ``barcodes`` (of the spots to keep) if there are any.
    source
        For ``uns["source"]``.

    Returns
    -------
    AnnData in the matrix's order; ``obsm["spatial"]`` in pixels of the full image, ``obs`` with ``array_row`` and
    ``array_col``.

    Raises
    ------
    LatentomeError
        If a file cannot be read, or a barcode of the matrix has no position.
    """
    counts, barcodes, genes, symbols = read_10x_matrix(paths["counts"])
    positions = read_positions(paths["positions"])
    at = match_positions(barcodes, positions.index, paths["counts"], paths["positions"])
    found = positions.iloc[at]
    spots = build_spots(
        counts,
        barcodes,
        genes,
        found[["x", "y"]].to_numpy(),
        source,
        symbols,
        found[["array_row", "array_col"]],
    )
    inside = found.in_tissue.to_numpy() == 1
    if inside.sum() < 2:
        raise LatentomeError(
            f"{paths['positions']}: column in_tissue is 1 for {int(inside.sum())} of {len(barcodes)} spots; expected "
            "spots in the tissue; check the column"
        )
    spots = spots[inside].copy()
    note(spots, "spots in tissue", spots.n_obs)
    note(spots, "positions in tissue without counts", int((positions.in_tissue == 1).sum()) - spots.n_obs)
    if paths.get("scalefactors"):
        spots.uns["scalefactors"] = read_scalefactors(paths["scalefactors"])
    return (
        select_barcodes(spots, read_barcodes(paths["barcodes"]), paths["barcodes"])
        if paths.get("barcodes")
        else spots
    )
