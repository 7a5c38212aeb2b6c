"""The nearest-neighbour network of classes against scipy, and on a toy whose graph is known."""

import io

import networkx as nx
import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from workflow_scripts.lib.metrics.class_network import (
    component_sizes,
    correlation_distance,
    gephi_tables,
    nearest_neighbours,
    neighbour_graph,
)


def test_distance_is_scipys():
    codes = np.random.default_rng(0).normal(size=(9, 40)).astype(np.float32)
    expected = squareform(pdist(codes.astype(float), "correlation"))
    np.testing.assert_allclose(correlation_distance(codes), expected, atol=1e-12)


def test_a_constant_code_has_no_correlation():
    with pytest.raises(ValueError, match="code 1 is constant"):
        correlation_distance(np.array([[1.0, 2.0], [3.0, 3.0]]))


@pytest.fixture
def graph():
    distance = np.array(
        [
            [0.0, 0.1, 0.5, 0.9, 0.9],
            [0.1, 0.0, 0.4, 0.9, 0.9],
            [0.5, 0.4, 0.0, 0.9, 0.9],
            [0.9, 0.9, 0.9, 0.0, 1.2],
            [0.9, 0.9, 0.9, 1.2, 0.0],
        ]
    )
    distance[3, 4] = distance[4, 3] = 0.2
    return nearest_neighbours(distance, list("abcde"))


def test_neighbours_weights_and_mutual_pairs(graph):
    assert graph.source.tolist() == ["b", "a", "b", "e", "d"]
    assert graph.weight.tolist() == pytest.approx([0.9, 0.9, 0.6, 0.8, 0.8])
    assert graph.mutual.tolist() == [True, True, False, True, True]


def test_graph_components_and_exports(graph):
    found = neighbour_graph(graph)
    assert component_sizes(found) == [3, 2]
    assert found.has_edge("b", "c") and not found.has_edge("c", "b")
    edges, nodes = gephi_tables(found)
    assert nodes.Label.tolist() == list("abcde") and len(edges) == 5
    assert edges.Weight.nunique() > 1
    buffer = io.BytesIO()
    nx.write_graphml(found, buffer)
    buffer.seek(0)
    again = nx.read_graphml(buffer)
    assert again.edges["b", "c"]["weight"] == pytest.approx(0.6)
