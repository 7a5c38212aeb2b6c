"""The network of perturbagen classes: correlation distances of their codes, and each one's nearest neighbour."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd


def correlation_distance(codes: np.ndarray) -> np.ndarray:
    """1 - Pearson correlation of every two codes, shape [classes x classes], zero on the diagonal.

    Parameters
    ----------
    codes
        Shape [classes x units]; a code that is constant has no correlation and raises.
    """
    centred = codes.astype(np.float64) - codes.mean(axis=1, dtype=np.float64, keepdims=True)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    if not (norm > 0).all():
        raise ValueError(
            f"code {int(np.argmin(norm))} is constant; expected codes that vary over their units"
        )
    centred /= norm
    distance = 1.0 - centred @ centred.T
    np.fill_diagonal(distance, 0.0)
    return distance


def nearest_neighbours(distance: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Nearest other class of each class.

    Parameters
    ----------
    distance
        Shape [classes x classes].
    names
        Of the classes.

    Returns
    -------
    pandas.DataFrame
        Columns ``target`` (the class), ``source`` (its nearest neighbour), ``distance``, ``weight`` and ``mutual``:
        whether each is the other's nearest. The weight is the correlation, 1 - distance; the published table has
        50 - distance, nearly the same number for every edge.
    """
    others = distance + np.diag(np.full(len(distance), np.inf))
    nearest = others.argmin(axis=1)
    places = np.arange(len(nearest))
    return pd.DataFrame(
        {
            "target": names,
            "source": [names[k] for k in nearest],
            "distance": others[places, nearest],
            "weight": 1.0 - others[places, nearest],
            "mutual": nearest[nearest] == places,
        }
    )


def neighbour_graph(neighbours: pd.DataFrame, attributes: pd.DataFrame | None = None) -> nx.DiGraph:
    """Directed graph of `nearest_neighbours`: an edge from the neighbour to the class, as the published one has it.

    Parameters
    ----------
    neighbours
        From `nearest_neighbours`.
    attributes
        Columns to keep on the nodes, indexed by class; values must be numbers or text, for GraphML.
    """
    graph = nx.DiGraph()
    for name in neighbours.target:
        known = attributes.loc[name].to_dict() if attributes is not None and name in attributes.index else {}
        graph.add_node(name, label=name, **known)
    for edge in neighbours.itertuples():
        graph.add_edge(
            edge.source,
            edge.target,
            weight=float(edge.weight),
            distance=float(edge.distance),
            mutual=bool(edge.mutual),
        )
    return graph


def component_sizes(graph: nx.DiGraph) -> list[int]:
    """Sizes of the weakly connected components, largest first."""
    return sorted((len(part) for part in nx.weakly_connected_components(graph)), reverse=True)


def gephi_tables(graph: nx.DiGraph) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Edges and nodes as Gephi's spreadsheet import takes them; ids count from 0 in the graph's order."""
    place = {name: k for k, name in enumerate(graph.nodes)}
    edges = pd.DataFrame(
        [
            {
                "Source": place[a], "Target": place[b], "Type": "directed", "Weight": data["weight"],
                "Label1": a, "Label2": b,
            }
            for a, b, data in graph.edges(data=True)
        ]
    )  # fmt: skip
    return edges, pd.DataFrame({"Id": list(place.values()), "Label": list(place)})
