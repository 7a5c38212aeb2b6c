"""Graphs of neighbouring spots against squidpy and torch-geometric, and what a user's slip looks like."""

import tracemalloc

import numpy as np
import pytest
import squidpy
import torch
from anndata import AnnData
from scipy import sparse
from torch_geometric.nn import SGConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm
from torch_geometric.utils import from_scipy_sparse_matrix

from workflow_scripts.lib.data.neighbours import (
    knn_graph,
    lattice,
    neighbour_graph,
    pieces,
    propagate,
    propagation,
    radius_graph,
    row_mean,
    shuffled,
    shuffled_spots,
    typical_spacing,
)
from workflow_scripts.lib.errors import LatentomeError


def beads(count=400, seed=0):
    return np.random.default_rng(seed).uniform(0, 1000, (count, 2))


def hexagons(rows=20, columns=20, pitch=137.0):
    row, column = np.divmod(np.arange(rows * columns), columns)
    return np.column_stack([pitch * (column + row % 2 / 2), pitch * row * np.sqrt(3) / 2])


def squares(side=16, pitch=1.0, jitter=0.0):
    row, column = np.divmod(np.arange(side * side), side)
    places = np.column_stack([column, row]) + np.random.default_rng(1).normal(0, jitter, (side * side, 2))
    return pitch * places


def squidpys(xy, **how):
    data = AnnData(np.zeros((len(xy), 1), np.float32), obsm={"spatial": xy})
    squidpy.gr.spatial_neighbors(data, coord_type="generic", **how)
    return data.obsp["spatial_connectivities"].tocsr()


def same(graph, other):
    return (graph != sparse.csr_matrix(other)).nnz == 0


def checked_form(graph):
    assert isinstance(graph, sparse.csr_matrix) and graph.dtype == np.float32
    assert graph.indices.dtype == graph.indptr.dtype == np.int32 and graph.has_canonical_format
    assert set(graph.data) == {1} and not graph.diagonal().any() and same(graph, graph.T)


@pytest.mark.parametrize(
    "xy", [beads(), hexagons(), squares(jitter=0.05)], ids=["beads", "hexagons", "squares"]
)
def test_a_radius_graph_is_squidpys(xy):
    radius = 2.2 * typical_spacing(xy)
    graph = radius_graph(xy, radius)
    checked_form(graph)
    assert same(graph, squidpys(xy, radius=radius))


@pytest.mark.parametrize("k", [1, 5, 6])
def test_a_knn_graph_is_squidpys_made_symmetric(k):
    theirs = squidpys(beads(), n_neighs=k)
    graph = knn_graph(beads(), k)
    checked_form(graph)
    assert same(graph, theirs.maximum(theirs.T)) and graph.sum(axis=1).min() >= k


def test_blocks_of_the_tree_change_nothing(monkeypatch):
    whole = knn_graph(beads(), 6)
    monkeypatch.setattr("workflow_scripts.lib.data.neighbours.BLOCK", 7)
    assert same(knn_graph(beads(), 6), whole)


def test_spots_at_one_place_do_not_join_themselves():
    xy = np.vstack([np.zeros((9, 2)), beads(30)])
    checked_form(knn_graph(xy, 3))
    assert knn_graph(xy, 3)[:9].sum(axis=1).min() >= 3
    assert typical_spacing(np.vstack([beads(), beads()])) == typical_spacing(beads())


@pytest.mark.parametrize("how", [{}, {"kind": "knn", "k": 6}, {"kind": "radius", "radius": 150}], ids=str)
def test_no_edge_joins_two_sections(how):
    xy = np.vstack([hexagons(), hexagons() + 5])  # on top of each other
    section = np.repeat(["b", "a"], 400)
    graph = neighbour_graph(xy, how, section)
    checked_form(graph)
    assert graph[:400, 400:].nnz == 0
    assert same(graph[:400, :400], neighbour_graph(xy[:400], how))


def test_order_of_the_spots_changes_nothing():
    xy, section, mixed = beads(800), np.arange(800) % 3, np.random.default_rng(0).permutation(800)
    graph = neighbour_graph(xy, {}, section)
    assert same(neighbour_graph(xy[mixed], {}, section[mixed]), graph[mixed][:, mixed])


def test_auto_gives_a_lattice_its_direct_neighbours():
    for xy, name, most in (
        (hexagons(), "hexagonal", 6), (hexagons(6, 6), "hexagonal", 6), (squares(), "square", 4),
        (squares(jitter=0.06), "square", 4), (squares() @ [[1, 1], [-1, 1]], "square", 4),
    ):  # fmt: skip
        found = lattice(xy)
        graph = neighbour_graph(xy, {"kind": "auto"})
        assert (found.name, found.neighbours) == (name, most)
        counts = np.bincount(graph.sum(axis=1).astype(int).ravel().tolist()[0])
        assert counts.argmax() == most and len(counts) == most + 1
    for seed in range(5):
        assert lattice(beads(seed=seed)) is None
    assert same(neighbour_graph(beads(), {}), knn_graph(beads(), 6))


def test_auto_takes_each_section_by_its_own_spacing():
    xy = np.vstack([hexagons(), hexagons(pitch=276), beads()])
    section = np.repeat([1, 2, 3], 400)
    graph = neighbour_graph(xy, {}, section)
    assert same(graph[:400, :400], graph[400:800, 400:800]) and same(graph[800:, 800:], knn_graph(beads(), 6))


def test_pieces_are_connected_components():
    xy = np.vstack([hexagons(5, 5), hexagons(4, 4) + 5000, [[1e5, 0]]])
    found = pieces(radius_graph(xy, 150))
    assert found.tolist() == [0] * 25 + [1] * 16 + [2] and found.dtype == np.int32


def test_propagation_is_the_gcn_operator():
    graph = radius_graph(beads(), 70)  # some beads are isolated
    edges, weights = from_scipy_sparse_matrix(graph)
    index, value = gcn_norm(edges, weights.float(), num_nodes=400, add_self_loops=True)
    theirs = sparse.coo_array((value.numpy(), index.numpy()), shape=(400, 400)).toarray()
    ours = propagation(graph)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours.toarray(), theirs, atol=1e-7)
    values = np.random.default_rng(0).normal(size=(400, 8)).astype(np.float32)
    layer = SGConv(8, 8, K=3, bias=False)
    with torch.no_grad():
        layer.lin.weight.copy_(torch.eye(8))
        expected = layer(torch.from_numpy(values), edges).numpy()
    hops = propagate(ours, values, 3)
    assert len(hops) == 4 and hops[0] is values
    np.testing.assert_allclose(hops[3], expected, atol=1e-5)


def test_row_mean_averages():
    graph = radius_graph(np.array([[0.0, 0], [1, 0], [2, 0], [9, 9]]), 1)
    values = np.array([[1.0], [2], [6], [5]])
    np.testing.assert_allclose((row_mean(graph) @ values).ravel(), [1.5, 3, 4, 5], rtol=1e-6)
    np.testing.assert_allclose((row_mean(graph, own=False) @ values).ravel(), [2, 3.5, 2, 0], rtol=1e-6)


def test_shuffling_keeps_the_graph_but_not_its_places():
    graph = neighbour_graph(hexagons(), {})
    mixed = shuffled(graph, 3)
    checked_form(mixed)
    assert sorted(mixed.sum(axis=1).tolist()) == sorted(graph.sum(axis=1).tolist())
    assert same(mixed, shuffled(graph, 3)) and not same(mixed, shuffled(graph, 4))
    assert mixed.multiply(graph).sum() < 0.1 * graph.nnz
    section = np.tile([0, 1], 200)
    order = shuffled_spots(400, 1, section)
    assert (
        sorted(order) == list(range(400))
        and (section[order] == section).all()
        and (order != range(400)).any()
    )


def test_memory_grows_with_the_edges():
    xy = hexagons(447, 447)
    tracemalloc.start()
    for make in (lambda: radius_graph(xy, 150), lambda: knn_graph(xy, 6)):
        tracemalloc.reset_peak()
        graph = make()
        # Pairs of int64 and the two halves while they are summed: some tens of bytes an edge.
        assert tracemalloc.get_traced_memory()[1] < 120 * graph.nnz
    tracemalloc.stop()


def refusal(make, *arguments, **named):
    with pytest.raises(LatentomeError) as caught:
        make(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_mistakes_are_named():
    message = refusal(radius_graph, hexagons(), 100)
    assert "radius: 100" in message and "isolated" in message and "137" in message and "178" in message
    assert "neighbours on average" in refusal(radius_graph, hexagons(40, 40), 1e5)
    holed = hexagons()
    holed[[7, 9], 1] = np.nan
    assert "2 of 400" in refusal(neighbour_graph, holed, {}) and "row 8" in refusal(knn_graph, holed, 3)
    assert "at least 2" in refusal(knn_graph, holed[:1], 3)
    assert "same place" in refusal(typical_spacing, np.ones((5, 2)))
    assert "at least 1" in refusal(knn_graph, hexagons(), 0)
    assert '"ring" is unknown' in refusal(neighbour_graph, hexagons(), {"kind": "ring"})
    assert "without radius" in refusal(neighbour_graph, hexagons(), {"kind": "radius"})
    assert "without k" in refusal(neighbour_graph, hexagons(), {"kind": "knn"})
    assert "399 for 400" in refusal(knn_graph, hexagons(), 3, np.zeros(399))
    assert "1 of them missing" in refusal(knn_graph, hexagons(), 3, [None] + ["a"] * 399)
    assert "isolated" in refusal(knn_graph, hexagons(), 3, np.arange(400))
