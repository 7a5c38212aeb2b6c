"""Slide-seq: digital expression of the beads and where they lie."""

from __future__ import annotations

from collections.abc import Mapping

import anndata

from .spot_positions import match_positions, read_barcodes, read_coordinates, select_barcodes
from .spot_tables import read_count_matrix
from .spots import build_spots


def read_slideseq(paths: Mapping[str, str], source: Mapping[str, str]) -> anndata.AnnData:
    """Read a Slide-seq puck.

    Parameters
    ----------
    paths
        ``counts``: digital expression, genes x beads; ``positions``: bead locations (barcode, xcoord, ycoord);
        ``barcodes``: the beads to keep, if not all.
    source
        For ``uns["source"]``.

    Returns
    -------
    AnnData in the matrix's order; ``obsm["spatial"]`` in the unit of the bead locations.

    Raises
    ------
    LatentomeError
        If a file cannot be read, or a bead of the matrix has no location.
    """
    matrix = read_count_matrix(paths["counts"])
    positions = read_coordinates(paths["positions"])
    at = match_positions(matrix.columns, positions.index, paths["counts"], paths["positions"])
    xy = positions[["x", "y"]].to_numpy()[at]
    spots = build_spots(matrix.values.T, matrix.columns, matrix.rows, xy, source)
    if paths.get("barcodes"):
        spots = select_barcodes(spots, read_barcodes(paths["barcodes"]), paths["barcodes"])
    return spots
