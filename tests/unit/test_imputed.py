"""Imputed rates on disk, which genes can be imputed, and which of them the figures show."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from workflow_scripts.lib.data import imputed
from workflow_scripts.lib.data.imputed import (
    block_bounds,
    imputed_blocks,
    imputed_genes,
    log_shares,
    write_imputed,
)
from workflow_scripts.lib.metrics.imputability import GeneSums, imputable_genes
from workflow_scripts.lib.metrics.marker_choice import SEED_MARKERS, asked_genes, marker_genes, pattern_genes

SPOTS, GENES = 103, 7


@pytest.fixture
def small_blocks(monkeypatch):
    """Chunks of 4 spots, blocks of 12."""
    monkeypatch.setattr(imputed, "CHUNK_VALUES", 4 * GENES)
    monkeypatch.setattr(imputed, "BLOCK_VALUES", 13 * GENES)


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    return tuple(rng.gamma(2.0, 3.0, (SPOTS, GENES)).astype(np.float32) for _ in range(3))


def write(path, values, asked=None):
    obs = pd.DataFrame(
        {"label": pd.Categorical(np.repeat(["a", "b"], [50, 53])), "depth": np.arange(SPOTS, dtype=float)},
        index=[f"b{k}" for k in range(SPOTS)],
    )
    var = pd.DataFrame({"symbol": [f"G{k}" for k in range(GENES)]}, index=[f"id{k}" for k in range(GENES)])

    def block(start, stop):
        if asked is not None:
            asked.append((start, stop))
        return tuple(part[start:stop] for part in values)

    xy = np.c_[np.arange(SPOTS), np.zeros(SPOTS)].astype(float)
    write_imputed(path, obs, var, xy, block, {"unit": "UMIs", "size": 1e4})
    return path


def test_imputed_rates_are_an_anndata_file(tmp_path, values, small_blocks):
    path = write(tmp_path / "i.h5ad", values)
    found = anndata.read_h5ad(path)
    assert np.array_equal(found.X, values[0]) and np.array_equal(found.layers["sd"], values[1])
    assert np.array_equal(found.layers["given_counts"], values[2])
    assert found.X.dtype == found.layers["sd"].dtype == np.float32
    assert found.obs.label.dtype == "category" and found.obs_names[-1] == f"b{SPOTS - 1}"
    assert found.var.symbol.tolist() == [f"G{k}" for k in range(GENES)]
    assert found.obsm["spatial"].shape == (SPOTS, 2) and found.uns["size"] == 1e4
    backed = anndata.read_h5ad(path, backed="r")
    assert backed.isbacked and np.array_equal(backed.X[40:44, 2], values[0][40:44, 2])
    backed.file.close()
    with h5py.File(path) as file:
        assert file["X"].chunks == (4, GENES) == file["layers/sd"].chunks


def test_rates_are_asked_for_a_block_at_a_time(tmp_path, values, small_blocks):
    asked = []
    path = write(tmp_path / "i.h5ad", values, asked)
    assert asked == block_bounds((SPOTS, GENES))
    assert asked[0] == (0, 12) and asked[-1][1] == SPOTS
    assert all(stop == start for (_, stop), (start, _) in zip(asked, asked[1:], strict=False))
    read = list(imputed_blocks(path))
    assert [bounds[:2] for bounds in read] == asked
    assert np.array_equal(np.vstack([block for _, _, block in read]), values[0])


@pytest.mark.parametrize("shape", [(5, 3), (1_000_000, 2000), (4000, 33_000), (10, 10_000_000)])
def test_blocks_are_whole_chunks_of_about_four_million_values(shape):
    bounds = block_bounds(shape)
    sizes = np.diff(bounds, axis=1).ravel()
    rows = imputed._chunk(shape)[0]
    assert bounds[0][0] == 0 and sizes.sum() == shape[0] and (sizes[:-1] % rows == 0).all()
    assert sizes.max() * shape[1] <= max(imputed.BLOCK_VALUES, shape[1])


def test_the_same_rates_are_the_same_bytes(tmp_path, values, small_blocks):
    first, second = (write(tmp_path / name, values).read_bytes() for name in ("a.h5ad", "b.h5ad"))
    assert first == second
    # nor does a file written later differ
    with h5py.File(tmp_path / "a.h5ad") as file:
        assert all(h5py.h5g.get_objinfo(file.id, name).mtime == 0 for name in (b"X", b"layers/sd"))
    other = (values[0] + 1, *values[1:])
    assert write(tmp_path / "c.h5ad", other).read_bytes() != first


def test_some_genes_are_read_in_the_order_asked(tmp_path, values, small_blocks):
    path = write(tmp_path / "i.h5ad", values)
    found = imputed_genes(path, np.array([5, 0, 2]))
    assert found.dtype == np.float64 and np.array_equal(found, values[0][:, [5, 0, 2]].astype(float))


def test_log_shares_are_of_the_spots_whole_depth():
    counts = np.array([[3, 1, 0], [0, 0, 0], [5, 5, 10]])
    found = log_shares(sparse.csr_matrix(counts), np.array([2, 0]))
    expected = np.log1p(1e4 * np.array([[0, 0.75], [0, 0], [0.5, 0.25]]))
    np.testing.assert_allclose(found, expected)


# which genes can be imputed


def sums_of(rate, sd, parts=3):
    sums = GeneSums(rate.shape[1])
    for one, other in zip(np.array_split(rate, parts), np.array_split(sd, parts), strict=True):
        sums.add(one, other)
    return sums


def test_genes_are_flagged_by_umis_and_by_structure_against_uncertainty():
    rng, spots = np.random.default_rng(0), 500
    spread = np.array([0.5, 0.5, 0.1, 0.0])
    log_sd = np.array([0.2, 0.2, 0.3, 0.1])
    rate = np.exp(rng.normal(0, 1, (spots, 4)) * spread - 5)
    sd = rate * np.sqrt(np.expm1(log_sd**2))
    counts = rng.poisson([1.0, 1.0, 1.0, 1.0], (spots, 4))
    counts[:, 1] = 0
    counts[:49, 1] = 1
    found = imputable_genes(sparse.csr_matrix(counts), sums_of(rate, sd), np.full(4, 0.1))
    assert found.imputable.tolist() == [True, False, False, False]
    noise = "varies less than it is uncertain"
    assert found.reason.tolist() == ["", "fewer than 50 UMIs", noise, noise]
    assert found.mean_count.tolist() == counts.mean(axis=0).tolist()
    assert found.share_detected.tolist() == (counts > 0).mean(axis=0).tolist()
    np.testing.assert_allclose(found.rate, rate.mean(axis=0))
    np.testing.assert_allclose(found.spread, np.log(rate).std(axis=0), atol=1e-7)
    np.testing.assert_allclose(
        found.sd, stats.lognorm(log_sd, scale=np.exp(-(log_sd**2) / 2)).std(), rtol=1e-6
    )
    counts[49, 1] = 1
    again = imputable_genes(sparse.csr_matrix(counts), sums_of(rate, sd, 1), np.full(4, 0.1))
    assert again.imputable.tolist() == [True, True, False, False]


def test_sums_do_not_depend_on_the_blocks():
    rng = np.random.default_rng(1)
    rate, sd = (rng.gamma(2, 1, (90, 5)).astype(np.float32) for _ in range(2))
    one, many = sums_of(rate, sd, 1), sums_of(rate, sd, 9)
    for name in ("rate", "log", "square", "variance"):
        np.testing.assert_allclose(getattr(one, name), getattr(many, name), rtol=1e-12)
    assert one.spots == many.spots == 90


# which genes the figures show


def gene_table(symbols, spread=None, imputable=None):
    count = len(symbols)
    return pd.DataFrame({
        "symbol": symbols, "spread": np.ones(count) if spread is None else spread,
        "imputable": [True] * count if imputable is None else imputable,
    })  # fmt: skip


def test_asked_genes_are_found_by_symbol_or_id_once():
    table = gene_table(["pcp4", "ENSG00000197971.15", "X", "MBP2", "ENSG0000042"])
    assert asked_genes(table, ["X", "MBP", "PCP4", "absent"]) == [2, 1, 0]
    assert asked_genes(table, ["mbp", "MBP", "ENSG00000197971", "x"]) == [1, 2]
    assert asked_genes(table, ["ENSG0000042"]) == [4]
    assert asked_genes(gene_table(["A", "A"]), ["A"]) == [0]


def test_maps_show_asked_genes_then_the_most_variable_that_can_be_imputed():
    table = gene_table(list("ABCDE"), [0.1, 0.9, 0.5, 0.7, 0.6], [True, False, True, True, True])
    assert pattern_genes(table, ["A"], 3).tolist() == [0, 3, 4]
    assert pattern_genes(table, [], 4).tolist() == [3, 4, 2, 0]
    as_text = table.astype(str)
    assert pattern_genes(as_text, ["E", "D"], 1).tolist() == [4]
    assert sorted(pattern_genes(table, [], 99)) == [0, 1, 2, 3, 4]


def test_markers_are_those_asked_for_the_seeds_and_each_groups_best_in_turn():
    groups = np.repeat(["a", "b"], 50)
    counts = np.full((100, 7), 10)
    counts[:50, 1], counts[50:, 2] = 60, 50  # of group a, of group b
    counts[:50, 3] = 25  # of a, less
    counts[:, 5] = 0
    counts[0, 5] = 99  # the largest change of all, but of too few UMIs
    table = gene_table(["U", "V", "W", "X", "Y", "Z", SEED_MARKERS[0].lower()])
    given = (sparse.csr_matrix(counts), groups, table)
    assert marker_genes(*given, ["Y"], 5).tolist() == [4, 6, 1, 2, 3]
    assert marker_genes(*given, [SEED_MARKERS[0].lower()], 2).tolist() == [6, 1]
    assert len(marker_genes(*given, [], 99)) == 7
