"""What the published "imputed" matrix is, its selection of an epoch by labels, and the script that measures both."""

import time
import zipfile
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from workflow_scripts.lib.data.published_spots import label_codes, published_graph
from workflow_scripts.lib.metrics import published_imputation as imputation
from workflow_scripts.lib.metrics import published_selection as selection
from workflow_scripts.lib.models.gmm_vgae_published import PublishedGMMVGAE, propagation_operator
from workflow_scripts.lib.tables import read_table
from workflow_scripts.lib.training.gmm_vgae_published import PretrainingObjective, train_published
from workflow_scripts.lib.training.seeds import seed_all
from workflow_scripts.spatial import run_published

SPOTS = 48


def grid(count, width=8):
    return np.array([(i % width, i // width) for i in range(count)], dtype=float)


def values_of(rows):
    return {row[0]: row[1] for row in rows}


@pytest.fixture
def expression():
    rng = np.random.default_rng(0)
    return np.log1p(rng.poisson(1.5, (SPOTS, SPOTS))).astype(np.float32)


@pytest.fixture
def graph():
    return published_graph(grid(SPOTS))


@pytest.fixture
def run(expression, graph):
    return train_published(expression, graph, 3, {"pretraining_epochs": 30, "epochs": 6, "seed": 1})


def test_the_published_matrix_fails_as_an_imputation(run, expression, graph):
    matrix = PublishedGMMVGAE.decode(torch.from_numpy(run.embeddings[-1])).numpy()
    found = values_of(imputation.gene_findings(matrix, expression, graph))
    assert found["max_asymmetry"] < 1e-6
    assert 0 <= found["smallest_value"] < found["largest_value"] <= 1
    assert abs(found["correlation_with_own_gene"]) < 0.15
    assert 0.3 < found["percentile_of_own_gene"] < 0.7
    found = values_of(imputation.inference_findings(run.network, expression, run.operator, seed=3))
    assert found["change_when_genes_are_permuted"] < 1e-4
    assert found["distance_from_permuted_columns"] > 0.3
    assert found["difference_of_two_inferences"] > 0.3
    assert found["spots_at_the_floor"] > 0.9


def test_measuring_leaves_the_global_generator_and_the_network_alone(run, expression):
    torch.manual_seed(8)
    expected = torch.rand(3)
    before = run.network.base.weight.detach().clone()
    torch.manual_seed(8)
    imputation.inference_findings(run.network, expression, run.operator, seed=3)
    assert torch.equal(torch.rand(3), expected) and torch.equal(run.network.base.weight, before)


def test_training_does_not_see_the_order_of_the_genes(expression, graph):
    edges, order = torch.tensor(graph), torch.randperm(SPOTS)
    drawn = []
    for places in (torch.arange(SPOTS), order):
        seed_all(4)
        network = PublishedGMMVGAE(SPOTS, 3)
        network.base.weight.data = network.base.weight.data[places]
        data = {"features": torch.tensor(expression)[:, places], "operator": propagation_operator(edges)}
        objective = PretrainingObjective(network, data, edges)
        adam = objective.optimizers()["adam"]
        for _ in range(25):
            adam.zero_grad()
            objective.losses("adam", torch.arange(SPOTS), torch.Generator())["loss"].backward()
            adam.step()
        drawn.append(objective.z)
    torch.testing.assert_close(*drawn, atol=1e-3, rtol=1e-3)


def test_a_true_imputation_would_pass_and_a_graph_is_recognised(expression, graph):
    found = values_of(imputation.gene_findings(expression, expression, graph))
    assert found["correlation_with_own_gene"] == pytest.approx(1)
    assert found["percentile_of_own_gene"] == pytest.approx(1)
    assert found["max_asymmetry"] > 1 and found["columns_compared"] == SPOTS
    assert found["edge_auc"] == pytest.approx(0.5, abs=0.1)
    above = expression[np.triu_indices(SPOTS, 1)]
    assert found["saturated_pairs"] == pytest.approx((above == 0).mean())
    found = values_of(imputation.gene_findings(graph + np.eye(SPOTS), expression, graph))
    assert found["edge_auc"] == 1 and found["correlation_with_graph"] == pytest.approx(1)
    assert found["saturated_pairs"] == 1


def test_the_neighbours_mean_leaves_the_spot_out_and_constant_columns_do_not_count(expression, graph):
    expression, matrix = expression.copy(), expression.copy()
    expression[:, 3] = 0
    matrix[:, 5] = 1
    found = values_of(imputation.gene_findings(matrix, expression[:, :40], graph))
    assert found["columns"] == SPOTS and found["columns_compared"] == 38
    means = [
        np.corrcoef([expression[graph[i], gene].mean() for i in range(SPOTS)], expression[:, gene])[0, 1]
        for gene in range(40)
        if gene not in (3, 5)
    ]
    assert found["correlation_of_neighbours_mean"] == pytest.approx(np.median(means), abs=1e-6)


def test_correlations_of_columns_are_numpy_s():
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(20, 3)), rng.normal(size=(20, 4))
    expected = np.corrcoef(left.T, right.T)[:3, 3:]
    np.testing.assert_allclose(imputation.column_correlations(left, right), expected, atol=1e-12)
    left[:, 1] = 2.0
    assert np.isnan(imputation.column_correlations(left, right)[1]).all()


def test_size_findings(run, expression):
    parts = np.array([[1.0, 1.0], [0.5, 2.0]])
    rows = imputation.size_findings((SPOTS, 30), False, run.network, 0.01, parts, "loss is nan\n at 3")
    table = imputation.findings_table(rows).set_index("finding")
    assert table.value["first_layer_parameters"] == 240 * SPOTS
    assert table.value["dense_bytes_of_50000_spots"] == 1.3e11
    assert table.value["largest_edge_target"] == 2 and table.value["joint_epochs"] == 2
    assert table.note["imputation_mode_runs"].startswith("cannot run: genes < spots")
    assert table.note["joint_epochs"] == "loss is nan at 3"


@pytest.mark.parametrize("voters", [5, 50])
def test_majority_vote_is_the_published_loop(voters):
    rng = np.random.default_rng(voters)
    labels, positions = rng.integers(0, 4, 60), rng.normal(size=(60, 2))
    expected = []
    for here in positions:
        order = np.linalg.norm(positions - here, axis=1).argsort()
        near = [labels[order[j]] for j in range(1, voters + 1)]
        expected.append(max(near, key=near.count))
    assert selection.majority_vote(labels, positions, voters).tolist() == expected


def test_clusters_of_separate_groups_are_found_the_same_each_time():
    truth = np.repeat([0, 1], 60)
    z = np.random.default_rng(2).normal(size=(120, 40)) + 6 * truth[:, None]
    positions = np.random.default_rng(3).normal(size=(120, 2)) + 100 * truth[:, None]
    found = selection.cluster_spots(z, positions, 2)
    assert adjusted_rand_score(truth, found) == 1
    np.testing.assert_array_equal(found, selection.cluster_spots(z, positions, 2))
    assert adjusted_rand_score(truth, selection.own_labels(z, positions, 2)) == 1


def test_unlabelled_spots_are_left_out_and_as_published_are_class_0():
    rng = np.random.default_rng(4)
    labels = label_codes(pd.Series(["b", "a", None] * 20, dtype="category"))
    assert labels.tolist() == [1, 0, -1] * 20
    assert label_codes(None) is None and label_codes(pd.Series([None, None])) is None
    predicted = np.stack([labels + 1, rng.integers(0, 3, 60)])
    scores = selection.epoch_scores(predicted, labels)
    known, merged = labels >= 0, np.where(labels < 0, 0, labels)
    for epoch, found in enumerate(predicted):
        assert scores.ari[epoch] == pytest.approx(adjusted_rand_score(labels[known], found[known]))
        assert scores.ari_published[epoch] == pytest.approx(adjusted_rand_score(merged, found))
        nmi = normalized_mutual_info_score(labels[known], found[known])
        assert scores.nmi[epoch] == pytest.approx(nmi)
    assert scores.ari[0] == 1 and scores.ari_published[0] < 0.7
    found = values_of(selection.selection_findings(predicted, labels, 0))
    assert found["unlabelled_spots"] == 20
    assert found["ari_change_by_unlabelled"] == pytest.approx(scores.ari_published[0] - 1)


def test_selection_by_meaningless_labels_raises_their_own_score():
    rng = np.random.default_rng(5)
    predicted, labels = rng.integers(0, 3, (30, 90)), rng.integers(0, 3, 90)
    found = values_of(selection.selection_findings(predicted, labels, 0))
    assert found["ari_gain_of_selection"] > 0.02
    assert found["ari_gain_of_selection_shuffled"] > 0.02
    assert found["ari_shuffled_selected"] > 0.02 > abs(found["ari_shuffled_last"])
    assert found["ari_selected_epoch"] == selection.epoch_aris(predicted, labels).max()


def test_selection_takes_the_epoch_that_is_the_labels():
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 3, 60)
    predicted = np.stack([rng.integers(0, 3, 60), (labels + 1) % 3, rng.integers(0, 3, 60)])
    table = imputation.findings_table(selection.selection_findings(predicted, labels, 0, circular=True))
    table = table.set_index("finding")
    assert table.value["selected_epoch"] == 2 and table.value["ari_selected_epoch"] == 1
    assert "its own input" in table.note["selected_epoch"]


def test_without_an_ari_above_zero_the_published_code_ends():
    predicted, labels = np.zeros((3, 20), int), np.repeat([0, 1], 10)
    assert selection.published_epoch(selection.epoch_scores(predicted, labels)) is None
    row = selection.selection_findings(predicted, labels, 0)[0]
    assert row[1] == 3 and "no epoch has an ARI above 0" in row[3]


def spots_file(path, genes, labelled):
    rng = np.random.default_rng(7)
    rates = rng.gamma(1.0, 2.0, genes) * rng.gamma(2.0, 0.5, (60, genes))
    data = anndata.AnnData(sparse.csr_matrix(rng.poisson(rates).astype(np.int32)))
    data.obs_names, data.var_names = [f"s{i}" for i in range(60)], [f"g{i}" for i in range(genes)]
    data.obsm["spatial"] = grid(60)
    if labelled:
        data.obs["label"] = pd.Categorical([None, *(["Layer_1", "WM"][i // 30] for i in range(1, 60))])
    data.write_h5ad(path)


def run_script(folder, genes=140, labelled=True):
    folder.mkdir()
    spots_file(folder / "spots.h5ad", genes, labelled)
    names = {
        "findings": "findings.tsv",
        "epochs": "epochs.tsv",
        "matrix": "matrix.npz",
        "runtime": "runtime.json",
    }
    settings = {"spots": 52, "pretraining_epochs": 15, "epochs": 4, "seed": 2020}
    job = SimpleNamespace(
        input=SimpleNamespace(spots=str(folder / "spots.h5ad")),
        output=SimpleNamespace(**{key: str(folder / name) for key, name in names.items()}),
        wildcards=SimpleNamespace(dataset="toy"),
        params=SimpleNamespace(
            settings=settings, code="0", compute_threads=1,
            log_dir=str(folder / "logs"),
        ),
        config={"checkpoint_dir": str(folder / "checkpoints")},
    )  # fmt: skip
    run_published.main(job)
    return read_table(folder / "findings.tsv", text=("expected_of_an_imputation",)).set_index("finding")


def test_the_script_writes_the_same_bytes_twice(tmp_path, monkeypatch):
    found = run_script(tmp_path / "first")
    assert found.value["spots"] == 52 and found.value["imputation_mode_runs"] == 1
    assert found.value["first_layer_parameters"] == 240 * 52
    epochs = read_table(tmp_path / "first/epochs.tsv", ("stage", "epoch", "loss", "ari", "nmi"))
    assert epochs.stage.value_counts().to_dict() == {"pretraining": 15, "joint": 4}
    joint = epochs[epochs.stage == "joint"].set_index("epoch")
    assert joint.ari[found.value["selected_epoch"]] == pytest.approx(found.value["ari_selected_epoch"])
    assert joint.ari_published.idxmax() == found.value["selected_epoch"]
    with np.load(tmp_path / "first/matrix.npz", allow_pickle=False) as kept:
        assert {name: kept[name].shape for name in ("matrix", "graph", "expression")} == dict.fromkeys(
            ("matrix", "graph", "expression"), (52, 52)
        )
        assert kept["matrix"].dtype == np.float32 and len(set(kept["genes"])) == 52
        # Two corners of the grid, far from its centre.
        assert len(set(kept["spots"])) == 52 and not {"s0", "s7"} & set(kept["spots"])
    later = time.time() + 400 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    run_script(tmp_path / "second")
    for name in ("findings.tsv", "epochs.tsv", "matrix.npz"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    with zipfile.ZipFile(tmp_path / "first/matrix.npz") as archive:
        assert {item.date_time[0] for item in archive.infolist()} == {1980}
    assert not any((tmp_path / "first/checkpoints/run_published").iterdir())


def test_the_script_notes_that_too_few_genes_cannot_be_imputed_and_needs_no_labels(tmp_path):
    found = run_script(tmp_path / "few", genes=30, labelled=False)
    assert found.value["imputation_mode_runs"] == 0 and found.note["imputation_mode_runs"].startswith(
        "cannot run"
    )
    assert found.value["first_layer_parameters"] == 240 * 30
    assert "its own input" in found.note["selected_epoch"] or "error" in found.note["selected_epoch"]
