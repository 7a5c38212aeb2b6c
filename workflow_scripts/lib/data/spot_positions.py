"""Positions of spots and lists of barcodes, and how they are matched with a matrix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed, shown

from .spots import note
from .text_table import numbers, read_table, read_text, split

BARCODE = set(
    "barcode barcodes bead beads beadbarcode cell cellid cellbarcode spot spotid label index id".split()
)
X = set("x xcoord xcoords xcoordinate coordx imagecol pixelx xpos xposition".split())
Y = set("y ycoord ycoords ycoordinate coordy imagerow pixely ypos yposition".split())


def side_by_side(positions: np.ndarray, sections: pd.Series | None, gap: float = 0.1) -> np.ndarray:
    """Positions for a drawing: sections that share a coordinate system are laid next to each other.

    Parameters
    ----------
    positions
        x and y, [spots x 2].
    sections
        Of each spot; None: one section.
    gap
        Between sections, in widths of the widest.

    Returns
    -------
    numpy.ndarray
        float64, [spots x 2]; as given for one section.
    """
    found = np.array(positions, dtype=np.float64)
    names = [] if sections is None else list(pd.unique(sections))
    if len(names) < 2:
        return found
    parts = [np.asarray(sections == name) for name in names]
    step = (1 + gap) * max(np.ptp(found[rows, 0]) for rows in parts)
    for place, rows in enumerate(parts):
        found[rows] -= found[rows].min(axis=0)
        found[rows, 0] += place * step
    return found


def read_coordinates(path: str | Path) -> pd.DataFrame:
    """Read positions: barcode, x, y.

    Parameters
    ----------
    path
        Tab-, comma- or semicolon-separated. With a header, columns are found by their names in the usual
        spellings (barcode, bead, cell, spot, label; x, xcoord, ...); without one, they are barcode, x, y.

    Returns
    -------
    DataFrame with float64 columns ``x`` and ``y``, indexed by barcode as text.

    Raises
    ------
    LatentomeError
        If a column is missing, a barcode comes twice, or a coordinate is no number.
    """
    lines = [line for line in read_text(path).split("\n") if line.strip() and not line.startswith("#")]
    if not lines:
        raise LatentomeError(f"{path}: the file is empty; expected a table of barcode, x and y")
    cells = split(lines[0], max("\t,;", key=lines[0].count))
    if numbers(pd.Series(cells)).notna().any():
        body = pd.DataFrame([split(line, max("\t,;", key=lines[0].count)) for line in lines], dtype=object)
        if len(cells) != 3 or body.shape[1] != 3 or body.isna().any(axis=None):
            raise LatentomeError(
                f"{path}: no header, and not three columns (line 1: {listed(cells)}); expected barcode, x, y; "
                "complete the lines, or add a header that names the columns"
            )
        places, first = [0, 1, 2], 1
    else:
        table = read_table(path)
        keys = [re.sub("[^a-z]", "", name.lower()) for name in table.header]
        places = [next((k for k, key in enumerate(keys) if key in known), -1) for known in (BARCODE, X, Y)]
        if places[0] < 0 and "" in keys and min(places[1:]) >= 0:
            places[0] = keys.index("")
        if min(places) < 0:
            lacking = [name for name, place in zip(("barcode", "x", "y"), places, strict=True) if place < 0]
            raise LatentomeError(
                f"{path}, line {table.header_line}: no column {' nor '.join(lacking)} (it has "
                f"{listed(table.header)}); expected barcode, x and y, or xcoord and ycoord; rename the columns"
            )
        body, first = table.frame(), table.header_line + 1
    found = pd.DataFrame({"x": numbers(body[places[1]]), "y": numbers(body[places[2]])})
    barcodes = body[places[0]].astype(str).str.strip()
    lost = ~np.isfinite(found).all(axis=1)
    if lost.any():
        row = int(lost.to_numpy().argmax())
        raise LatentomeError(
            f"{path}, line {first + row}: spot {shown(barcodes[row])} has no coordinates ("
            f"{listed(body.loc[row, places[1:]])}), one of {int(lost.sum())} such; expected two numbers; complete "
            "them or remove the line"
        )
    check_once(barcodes, str(path), first)
    return found.set_index(pd.Index(barcodes, name="barcode"))


def check_once(barcodes: pd.Series, where: str, first: int) -> None:
    """Refuse `barcodes` of a table, the first one on line `first`, if one comes twice."""
    if barcodes.duplicated().any():
        row = int(barcodes.duplicated().to_numpy().argmax())
        raise LatentomeError(
            f"{where}, line {first + row}: the barcode {shown(barcodes[row])} stands here again; expected each once; "
            "remove one of the lines"
        )


def match_positions(
    barcodes: Sequence[str], positions: pd.Index, counts_file: str, positions_file: str
) -> np.ndarray:
    """Rows of the positions that belong to the matrix's `barcodes`, int [spots].

    Raises
    ------
    LatentomeError
        If a barcode has no position; how many, and examples of both files' barcodes, are told.
    """
    found = positions.get_indexer(pd.Index(barcodes, dtype=object))
    lost = np.flatnonzero(found < 0)
    if lost.size:
        raise LatentomeError(
            f"{positions_file}: {lost.size} of the {len(barcodes)} barcodes of {counts_file} have no position (such as "
            f"{shown(barcodes[lost[0]])}; the positions are of {listed(positions[:2])}, ...); expected one for each; "
            "give the files of the same section"
        )
    return found


def read_barcodes(path: str | Path) -> list[str]:
    """Read a list of barcodes, one a line, with or without the header ``barcode``."""
    names = [line.strip().strip('"') for line in read_text(path).split("\n") if line.strip()]
    if names and names[0].lower() in ("barcode", "barcodes"):
        names = names[1:]
    if not names:
        raise LatentomeError(f"{path}: the file is empty; expected one barcode a line")
    return names


def select_barcodes(spots: anndata.AnnData, wanted: Sequence[str], where: str) -> anndata.AnnData:
    """Keep the `wanted` spots; those that there are not are counted, and none at all is an error."""
    kept = spots[spots.obs_names.isin(wanted)].copy()
    if not kept.n_obs:
        raise LatentomeError(
            f"{where}: none of its {len(wanted)} barcodes is among the spots ({shown(wanted[0])}; spots are "
            f"{listed(spots.obs_names[:2])}, ...); expected barcodes of this section"
        )
    note(kept, "barcodes used", kept.n_obs)
    note(kept, "barcodes wanted that are no spots", len(set(wanted) - set(kept.obs_names)))
    return kept


def spot_names(names: Sequence[str]) -> list[str]:
    """Stereo-seq's published tables number the spots; as their authors do, spot 7 is called ``Spot_7``."""
    plain = all(str(name).isdigit() for name in names)
    return [f"Spot_{name}" if plain else str(name) for name in names]
