"""Places of a graph's nodes, in inches, such that no label lies on another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import networkx as nx
import numpy as np

_EDGE = 1.0
_ROUNDS = 400


class Box(NamedTuple):
    """Width and height of a node with its label, inches."""

    width: float
    height: float


def push_apart(places: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Move boxes until none overlaps another, each pair along the way that is shorter.

    Parameters
    ----------
    places
        Centres, shape [boxes x 2].
    sizes
        Widths and heights, shape [boxes x 2].
    """
    places = places.astype(float).copy()
    first, second = np.triu_indices(len(places), 1)
    room = (sizes[first] + sizes[second]) / 2
    for _ in range(_ROUNDS):
        gap = places[second] - places[first]
        inside = room - np.abs(gap)
        clash = np.flatnonzero((inside > 1e-6).all(axis=1))
        if not len(clash):
            break
        for k in clash:
            i, j = first[k], second[k]
            gap_now = places[j] - places[i]
            over = room[k] - np.abs(gap_now)
            if (over <= 1e-6).any():
                continue
            axis = int(over.argmin())
            step = (over[axis] / 2 + 1e-4) * (1.0 if gap_now[axis] >= 0 else -1.0)
            places[i, axis] -= step
            places[j, axis] += step
    return places


def _component(graph: nx.Graph, names: Sequence[str], sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres of one component's boxes from the origin on, and the component's size."""
    if len(names) == 1:
        places = np.zeros((1, 2))
    else:
        # The start is a circle around the busiest node, so that the same graph always has the same picture.
        hub = max(names, key=lambda name: (graph.degree[name], name))
        others = [name for name in names if name != hub]
        start = nx.circular_layout(others, center=(1.0, 0.0) if len(others) == 1 else None) | {
            hub: np.zeros(2)
        }
        # A subgraph's own order of nodes is that of a set, which changes from run to run.
        inner = nx.Graph()
        inner.add_nodes_from(names)
        inner.add_edges_from(sorted(map(sorted, graph.subgraph(names).edges)))
        found = nx.kamada_kawai_layout(inner, pos=start)
        places = np.array([found[name] for name in names])
        ends = [(names.index(a), names.index(b)) for a, b in inner.edges]
        # Many nodes around one need longer edges than a chain does.
        edge = max(_EDGE, 0.35 * len(names) ** 0.5)
        lengths = [float(np.linalg.norm(places[a] - places[b])) for a, b in ends]
        places = push_apart(places * edge / (np.mean(lengths) or 1.0), sizes)
    low, high = (places - sizes / 2).min(axis=0), (places + sizes / 2).max(axis=0)
    return places - low, high - low


def pack_components(
    graph: nx.Graph, parts: Sequence[set[str]], boxes: Mapping[str, Box], width: float, gap: float = 0.2
) -> tuple[dict[str, tuple[float, float]], tuple[float, float]]:
    """Lay out each component and set them side by side, in lines of at most `width`.

    Parameters
    ----------
    graph
        Undirected.
    parts
        Its components, in the order in which they are set.
    boxes
        Room of each node's label; a label stands in the middle of it.
    width, gap
        Of a line, and between components, inches.

    Returns
    -------
    places, size
        Of each node, y upwards; and of everything.
    """
    laid = []
    for part in parts:
        names = sorted(part)
        sizes = np.array([boxes[name] for name in names])
        laid.append((names, *_component(graph, names, sizes)))
    # Tall ones first, so that a line holds components of like height.
    laid.sort(key=lambda item: (-item[2][1], item[0][0]))
    corners, x, y, line, widest = [], 0.0, 0.0, 0.0, 0.0
    for _, _, size in laid:
        if x > 0 and x + size[0] > width:
            x, y, line = 0.0, y + line + gap, 0.0
        corners.append((x, y))
        x, line = x + size[0] + gap, max(line, float(size[1]))
        widest = max(widest, x - gap)
    height = y + line
    places = {}
    for (names, centres, size), (left, top) in zip(laid, corners, strict=True):
        for name, centre in zip(names, centres, strict=True):
            up = height - top - size[1] + centre[1]
            places[name] = (float(left + centre[0]), float(up))
    return places, (widest, height)
