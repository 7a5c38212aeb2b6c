"""The L1000 study of the tiny workflow: every file is there and keeps its contract; own weights are taken."""

import json
import re
import shutil

import anndata
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from runs import good, run
from safetensors.numpy import load_file

from workflow_scripts.lib.data.splits import leaks

FIGURES = [
    *("dataset_overview", "expression_pca", "signature_training", "reconstruction", "signature_nodes"),
    *("latent_heatmap", "generated_vs_real", "model_architectures", "class_generation", "class_prediction"),
    *("code_assignment", "drug_targets", "programmes", "network_heatmap_svqvae", "network_graph_svqvae"),
    *("network_heatmap_svqvae_published", "network_graph_svqvae_published"),
]
MODELS = ("vae", "vae_linear", "vae_published", "svqvae", "svqvae_published")


@pytest.fixture(scope="module")
def folder(demo):
    return demo.folder / "results/l1000/demo"


def table(path):
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])


@pytest.mark.parametrize("name", FIGURES)
def test_figures(demo, name):
    for kind, magic in {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n"}.items():
        data = (demo.folder / f"results/figures/l1000/demo/{name}.{kind}").read_bytes()
        assert data.startswith(magic) and len(data) > 3000
    assert len(table(demo.folder / f"results/figures/l1000/demo/{name}.tsv"))
    svg = (demo.folder / f"results/figures/l1000/demo/{name}.svg").read_bytes()
    assert b"imulated" in svg and len(svg) < 2e6


def test_no_other_figures(demo):
    found = {path.stem for path in (demo.folder / "results/figures/l1000").rglob("*.*")}
    assert found == set(FIGURES)


def test_signatures_are_the_raw_ones(demo, folder):
    data = anndata.read_h5ad(folder / "signatures.h5ad")
    assert data.shape[1] == 978 and data.X.dtype == np.float32 and np.abs(data.X).max() <= 10.000002
    assert {"pert_id", "pert_iname", "pert_type", "cell_id", "pcl_id", "source", "dose_um"} <= set(data.obs)
    sheet = table(demo.folder / "results/raw/demo/l1000/sig_info.txt")
    assert data.obs_names.tolist() == sheet.sig_id.tolist()
    genes = table(demo.folder / "results/raw/demo/l1000/gene_info.txt")
    assert data.var_names.tolist() == genes.pr_gene_id[genes.pr_is_lm == 1].astype(str).tolist()
    steps = table(folder / "counts.tsv")
    assert steps.signatures[steps.step == "in the matrix"].tolist() == [len(data)]
    assert steps.signatures.iloc[-1] == (data.obs.pcl_id != "").sum()
    assert table(folder / "cell_lines.tsv").signatures.sum() == len(data)
    assert len(table(folder / "unmatched.tsv")) == 0


def test_no_perturbagen_is_on_two_sides(folder):
    split = table(folder / "splits.tsv")
    real = split[split.unit != "dmso"]
    assert leaks(real.unit, real.part) == [] and set(real.part) == {"train", "validation", "test"}
    assert (split.part[split.unit == "dmso"] == "train").all()


@pytest.mark.parametrize("model", MODELS)
def test_models(folder, model):
    path = folder / f"models/{model}/seed0"
    weights = load_file(path / "model.safetensors")
    assert all(np.isfinite(values).all() for values in weights.values())
    card = json.loads((path / "model.json").read_text())
    assert {
        "study",
        "dataset",
        "model",
        "seed",
        "data_digest",
        "architecture",
        "versions",
        "genes_digest",
    } <= set(card)
    assert card["trained"] is True and card["model"] == model
    assert json.loads((path / "metrics.json").read_text())["epochs_run"] >= 1
    assert len(table(path / "history.tsv"))
    if model.startswith("svqvae"):
        sheet = anndata.read_h5ad(folder / "signatures.h5ad", backed="r").obs.join(
            table(folder / "splits.tsv").set_index("sig_id").part
        )
        trained = sheet.pcl_id[(sheet.part == "train") & (sheet.pcl_id != "")]
        assert card["classes"] == sorted(trained.unique())


def test_baselines_stand_beside_every_model(folder):
    explained = table(folder / "reconstruction.tsv").set_index("model").explained_variance
    assert {*MODELS, "pca", "pca_by_line", "zero", "mean"} == set(explained.index) and explained["zero"] == 0
    assert {"real", "gaussian", "shuffled", "generated"} <= set(table(folder / "generated.tsv")["sample"])
    scores = table(folder / "classification.tsv")
    assert set(scores.split) == {"signature", "compound", "held_out", "cell_line"}
    assert {"raw", "pca", "e1", "e2", "e3", "d2", "d1", "vae"} <= set(scores.representation)
    assert {"logistic", "svm", "knn", "boosting", "majority"} <= set(scores.classifier)
    assert {"true", "permuted"} == set(scores.labels)
    assert {"posterior", "pattern", "prior", "real"} == set(table(folder / "class_generation.tsv").method)
    targets = table(folder / "targets.tsv")
    assert {"raw", "pca", "e3", "vae", "permuted"} == set(targets.representation)
    assert set(targets.cells) == {"matched", "any"}
    assert {"true", "permuted"} == set(table(folder / "codes.tsv").labels)
    assert len(table(folder / "programmes.tsv").programme.unique()) == 10


def test_network_can_be_read_by_others(folder):
    graph = nx.read_graphml(folder / "network/svqvae/graph.graphml")
    edges = table(folder / "network/svqvae/edges.tsv")
    assert graph.number_of_edges() == graph.number_of_nodes() == len(edges)
    for edge in edges.itertuples():
        assert graph.edges[edge.source, edge.target]["weight"] == pytest.approx(1 - edge.distance)
    gephi = pd.read_csv(folder / "network/svqvae/gephi_edges.csv")
    assert list(gephi) == ["Source", "Target", "Type", "Weight", "Label1", "Label2"]
    np.testing.assert_allclose(sorted(gephi.Weight), sorted(edges.weight), rtol=1e-8)


def test_published_epochs_are_said_to_be_reduced(demo):
    svg = (demo.folder / "results/figures/l1000/demo/reconstruction.svg").read_text()
    words = re.sub(r"<[^>]+>|\s+", " ", svg)
    assert "2 of 300 epochs" in words


def test_own_weights_are_taken(demo, folder, tmp_path):
    """`pretrained` in a dataset's block: no training, the same reconstruction."""
    work = tmp_path / "work"
    shutil.copytree(demo.folder / "results/raw", work / "results/raw")
    overlay = {
        "studies": ["l1000"],
        "datasets": {"l1000": {"demo": {"pretrained": str(folder / "models")}}},
    }
    good(run(work, "results/l1000/demo/reconstruction.tsv", overlays=("test", overlay)))
    mine = work / "results/l1000/demo"
    assert json.loads((mine / "models/vae/seed0/model.json").read_text())["trained"] is False
    assert table(mine / "reconstruction.tsv").equals(table(folder / "reconstruction.tsv"))
