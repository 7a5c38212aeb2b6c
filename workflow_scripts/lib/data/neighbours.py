"""Graphs of neighbouring spots and what is passed along them; memory grows with the edges, not with spots squared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from workflow_scripts.lib.errors import LatentomeError

BLOCK = 65_536  # spots asked of the tree at a time
MOST_NEIGHBOURS = 500  # a mean above it is a radius in the wrong unit
LATTICE_SHARE, LATTICE_EXCESS = 0.4, 0.02
IRREGULAR_NEIGHBOURS = 6
# Radius in spacings: the next ring is at 1.73 on a hexagonal lattice, at 1.41 (diagonals) on a square one.
LATTICES = (("hexagonal", 6, 1.3), ("square", 4, 1.25))


@dataclass(frozen=True)
class Lattice:
    """A regular arrangement of spots: its name, a spot's neighbours, and the radius that holds just these.

    The radius is in the coordinates' unit.
    """

    name: str
    neighbours: int
    radius: float


def typical_spacing(xy: np.ndarray) -> float:
    """Median distance from a place to the nearest other place; spots at the same place count once.

    Parameters
    ----------
    xy
        Coordinates, shape [spots x 2].

    Raises
    ------
    LatentomeError
        For fewer than two different places, or coordinates that are not finite.
    """
    places = np.unique(_checked(xy), axis=0)
    if len(places) < 2:
        raise LatentomeError(
            f"coordinates: all {len(xy)} spots are at the same place; expected different places; "
            "check which columns of the positions file are read"
        )
    return float(np.median(cKDTree(places).query(places, k=2)[0][:, 1]))


def lattice(xy: np.ndarray) -> Lattice | None:
    """Recognise a hexagonal (Visium) or square (ST, binned Stereo-seq, Visium HD) lattice; None if neither.

    At least 40 % of the spots have exactly 6 others within 1.3 spacings, or 4 within 1.25, and at most 2 % have more
    (randomly placed beads: 1.2 on average). Positions on ST arrays are off the grid by up to 20 % of a spacing.

    Parameters
    ----------
    xy
        Coordinates of one section, shape [spots x 2].
    """
    spacing = typical_spacing(xy)
    tree = cKDTree(_checked(xy))
    for name, neighbours, reach in LATTICES:
        near = tree.query_ball_point(tree.data, reach * spacing, return_length=True) - 1
        share, excess = (near == neighbours).mean(), (near > neighbours).mean()
        if share >= LATTICE_SHARE and excess <= LATTICE_EXCESS:
            return Lattice(name, neighbours, reach * spacing)
    return None


def radius_graph(xy: np.ndarray, radius: float, sections: Any = None) -> sparse.csr_matrix:
    """Join spots at most `radius` apart.

    Parameters
    ----------
    xy
        Coordinates, shape [spots x 2].
    radius
        In the coordinates' unit.
    sections
        Section of each spot, shape [spots], or None for one; no edge joins two sections.

    Returns
    -------
    scipy.sparse.csr_matrix
        Adjacency, [spots x spots], symmetric, zero diagonal; float32 ones, int32 indices.

    Raises
    ------
    LatentomeError
        For fewer than two spots, coordinates that are not finite, a radius that joins no spot at all, or so many
        (500 on average) that it must be in another unit.
    """
    return _built(xy, sections, lambda places: _pairs_within(places, radius), f"radius: {radius:g}")


def knn_graph(xy: np.ndarray, k: int, sections: Any = None) -> sparse.csr_matrix:
    """Join every spot to its `k` nearest others, either way; equally far ones as scipy's KD-tree returns them.

    Parameters
    ----------
    xy
        Coordinates, shape [spots x 2].
    k
        At least 1; a section of fewer others gives all it has.
    sections
        As in `radius_graph`; so is what is returned.
    """
    if k < 1:
        raise LatentomeError(f"graph: k: {k} neighbours; expected at least 1; give a larger k")
    return _built(xy, sections, lambda places: _pairs_nearest(places, k), f"k: {k}")


def neighbour_graph(xy: np.ndarray, settings: Mapping[str, Any], sections: Any = None) -> sparse.csr_matrix:
    """Return the graph a dataset's settings ask for.

    Parameters
    ----------
    xy
        Coordinates, shape [spots x 2].
    settings
        kind: ``radius`` (with radius, in the coordinates' unit), ``knn`` (with k), or ``auto``: on a lattice its direct
        neighbours, 6 on Visium's hexagons and 4 on a square grid, elsewhere the 6 nearest; each section by its own
        spacing. (Diagonals are two hops away: held-out counts of ST sections are predicted as well, within 0.013 nats
        per UMI, by 25 spots in three hops of 4 as in two of 8.)
    sections
        As in `radius_graph`; so is what is returned.

    Raises
    ------
    LatentomeError
        For an unknown kind, a missing radius or k, and as `radius_graph`.
    """
    kind = settings.get("kind", "auto")
    needed = {"radius": "radius", "knn": "k"}.get(kind)
    if needed and not settings.get(needed):
        raise LatentomeError(
            f"graph: kind: {kind} without {needed}; expected a positive number; give {needed}"
        )
    if kind == "radius":
        return radius_graph(xy, float(settings["radius"]), sections)
    if kind == "knn":
        return knn_graph(xy, int(settings["k"]), sections)
    if kind == "auto":
        return _built(xy, sections, _pairs_auto, "kind: auto")
    raise LatentomeError(f'graph: kind: "{kind}" is unknown; expected auto, radius or knn; change the kind')


def pieces(graph: sparse.csr_matrix) -> np.ndarray:
    """Connected piece each spot is in, numbered by first appearance; int32, shape [spots]."""
    labels = connected_components(graph, directed=False)[1]
    return pd.factorize(labels)[0].astype(np.int32)


def propagation(graph: sparse.csr_matrix) -> sparse.csr_matrix:
    """Kipf & Welling's operator D^-1/2 (A + I) D^-1/2, D the degrees of A + I; float32, [spots x spots]."""
    joined = _with_own(graph)
    scale = sparse.diags_array(1 / np.sqrt(joined.sum(axis=1)))
    return _as_float32(scale @ joined @ scale)


def row_mean(graph: sparse.csr_matrix, own: bool = True) -> sparse.csr_matrix:
    """Averages a spot's neighbours, and itself if `own`; float32 [spots x spots], rows sum to 1 (isolated: 0)."""
    joined = _with_own(graph) if own else sparse.csr_array(graph, dtype=np.float64)
    sums = joined.sum(axis=1)
    return _as_float32(
        sparse.diags_array(np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0)) @ joined
    )


def propagate(operator: sparse.csr_matrix, values: Any, hops: int) -> list[Any]:
    """Return `values` after 0, 1, ..., `hops` applications of the operator.

    Parameters
    ----------
    operator
        [spots x spots].
    values
        [spots x features], dense or sparse.
    hops
        Number of applications; the list has one element more, and the first is `values` itself.
    """
    steps = [values]
    for _ in range(hops):
        steps.append(operator @ steps[-1])
    return steps


def shuffled_spots(spots: int, seed: int, sections: Any = None) -> np.ndarray:
    """Random order of so many spots, int64, shape [spots]; `sections` (as in `radius_graph`) keep their spots."""
    generator = np.random.default_rng(seed)
    order = np.arange(spots)
    for members in _members(spots, sections):
        order[members] = generator.permutation(members)
    return order


def shuffled(graph: sparse.csr_matrix, seed: int, sections: Any = None) -> sparse.csr_matrix:
    """Return the graph [spots x spots], its spots in the order of `shuffled_spots`: the null of a spatial effect."""
    order = shuffled_spots(graph.shape[0], seed, sections)
    return _as_float32(graph[order][:, order])


def _checked(xy: np.ndarray) -> np.ndarray:
    xy = np.asarray(xy, dtype=np.float64)
    if len(xy) < 2:
        raise LatentomeError(f"coordinates: {len(xy)} spot(s); expected at least 2; check the filters")
    bad = np.flatnonzero(~np.isfinite(xy).all(axis=1))
    if bad.size:
        raise LatentomeError(
            f"coordinates: {bad.size} of {len(xy)} spots have none (the first is row {bad[0] + 1}); expected finite "
            "numbers; mend the positions file or drop these spots"
        )
    return xy


def _members(spots: int, sections: Any) -> list[np.ndarray]:
    if sections is None:
        return [np.arange(spots)]
    codes = pd.factorize(np.asarray(sections))[0]
    if len(codes) != spots or (codes < 0).any():
        raise LatentomeError(
            f"sections: {len(codes)} for {spots} spots, {(codes < 0).sum()} of them missing; expected one for each spot"
        )
    return [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]


def _built(xy: np.ndarray, sections: Any, pairs_of: Callable, asked: str) -> sparse.csr_matrix:
    """Join the pairs `pairs_of` finds in each section, both ways, each once."""
    xy = _checked(xy)
    found = [np.zeros((0, 2), np.int32)]
    for members in _members(len(xy), sections):
        if len(members) > 1:
            found.append(members.astype(np.int32)[pairs_of(xy[members])])
    first, second = np.concatenate(found).T
    ones = np.ones(len(first), dtype=np.float32)
    half = sparse.coo_array((ones, (first, second)), shape=(len(xy), len(xy))).tocsr()
    graph = (half + half.T).tocsr()
    graph.data[:] = 1  # a pair found from both its ends, or spots in several pairs
    if graph.nnz == 0:
        spacing = typical_spacing(xy)
        raise LatentomeError(
            f"graph: {asked}: all {len(xy)} spots are isolated; their typical spacing is {spacing:g}; "
            f"expected a larger radius: try {1.3 * spacing:.3g}, or kind: auto"
        )
    return _as_float32(graph)


def _pairs_within(xy: np.ndarray, radius: float) -> np.ndarray:
    tree = cKDTree(xy)
    some = tree.data[:: max(1, len(xy) // 1000)]
    mean = tree.query_ball_point(some, radius, return_length=True).mean() - 1
    if mean > MOST_NEIGHBOURS:
        raise LatentomeError(
            f"graph: radius: {radius:g} gives a spot {mean:.0f} neighbours on average; typical spacing is "
            f"{typical_spacing(xy):g}; expected at most {MOST_NEIGHBOURS}; give a smaller radius"
        )
    return tree.query_pairs(radius, output_type="ndarray")


def _pairs_nearest(xy: np.ndarray, k: int) -> np.ndarray:
    tree, k = cKDTree(xy), min(k, len(xy) - 1)
    found = []
    for start in range(0, len(xy), BLOCK):
        spots = np.arange(start, min(start + BLOCK, len(xy)))
        near = tree.query(xy[spots], k=k + 1)[1]
        own = near == spots[:, None]
        # With enough duplicates a spot is not among its own nearest: then the last is one too many.
        own[~own.any(axis=1), -1] = True
        found.append(np.column_stack([np.repeat(spots, k), near[~own]]).astype(np.int32))
    return np.concatenate(found)


def _pairs_auto(xy: np.ndarray) -> np.ndarray:
    if len(np.unique(xy, axis=0)) < 2:
        return _pairs_nearest(xy, IRREGULAR_NEIGHBOURS)
    found = lattice(xy)
    return _pairs_within(xy, found.radius) if found else _pairs_nearest(xy, IRREGULAR_NEIGHBOURS)


def _with_own(graph: sparse.csr_matrix) -> Any:
    return sparse.csr_array(graph, dtype=np.float64) + sparse.eye_array(graph.shape[0], format="csr")


def _as_float32(matrix: Any) -> sparse.csr_matrix:
    matrix = sparse.csr_matrix(matrix, dtype=np.float32)
    matrix.sum_duplicates()
    matrix.sort_indices()
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix
