"""The molecules study of the tiny workflow: every file is there and keeps its contract."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.data.image_pairs import read_digits, read_pairs
from workflow_scripts.lib.data.molecules import scaffold
from workflow_scripts.lib.data.pairs_file import read_pairs_file

FIGURES = ("image_samples", "conditional_generation", "latent_probes", "accuracy_curves")
PAIR_FIGURES = (
    "pairs_overview", "smiles_pretraining", "pair_training", "expression_prediction", "molecule_generation",
    "molecule_grid", "ligand_enrichment",
)  # fmt: skip
MODELS = ("biaae", "saae", "cvae", "vib")


def table(path):
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])


@pytest.fixture(scope="module")
def folder(demo):
    return demo.folder / "results/molecules/demo_digits"


@pytest.fixture(scope="module")
def pairs(demo):
    return demo.folder / "results/molecules/demo_pairs"


@pytest.mark.parametrize(
    ("dataset", "name"), [("demo_digits", n) for n in FIGURES] + [("demo_pairs", n) for n in PAIR_FIGURES]
)
def test_figures(demo, dataset, name):
    stem = demo.folder / f"results/figures/molecules/{dataset}/{name}"
    for kind, magic in {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n"}.items():
        data = stem.with_suffix(f".{kind}").read_bytes()
        assert data.startswith(magic) and len(data) > 3000
    assert len(table(stem.with_suffix(".tsv")))
    svg = stem.with_suffix(".svg").read_bytes()
    # the molecules of the pretraining are real
    assert (b"imulated" in svg) == (name != "smiles_pretraining") and len(svg) < 2e6


def test_image_pairs_are_of_the_raw_images(demo, folder):
    raw = demo.folder / "results/raw/demo/molecules"
    images, digits = read_digits([raw / f"train-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")])
    pairs = read_pairs(folder / "image_pairs.safetensors")
    assert [len(pairs[split].x) for split in ("train", "valid", "test")] == [500, 100, 200]
    assert (pairs["train"].digit == digits[:500]).all()
    assert (pairs["valid"].digit == digits[500:]).all()
    noise = pairs["train"].y.astype(int) - images[pairs["train"].source]
    assert noise.min() >= -1
    facts = table(folder / "statistics.tsv").set_index("split")
    assert (facts["digits_agree"] == 1).all()
    assert facts.loc["train", "saturated_y"] == pytest.approx((pairs["train"].y == 255).mean())


def test_ceilings_are_of_both_views(folder):
    found = table(folder / "ceilings.tsv")
    test = found[found["split"] == "test"]
    assert set(zip(test["trained_on"], test["applied_to"], strict=True)) == {
        (a, b) for a in "xy" for b in "xy"
    }
    assert found["accuracy"].between(0, 1).all()


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_scored_on_the_test_pairs(folder, model):
    one = folder / f"models/{model}/seed0"
    scores = table(one / "scores.tsv").set_index("metric")["value"]
    wanted = {"accuracy", "agreement_with_classifier", "diversity", "information", "information_permuted"}
    assert wanted <= set(scores.index)
    assert np.isfinite(scores).all()
    assert scores["accuracy"] == pytest.approx(round(scores["accuracy"] * 200) / 200)
    samples = table(one / "samples.tsv")
    assert samples.groupby(["kind", "pair"]).size().eq(28 * 28).all()
    assert samples["value"].between(0, 1).all()
    history, metrics = table(one / "history.tsv"), json.loads((one / "metrics.json").read_text())
    assert metrics["updates"] == metrics["epochs"] * (500 // 64)
    assert "validation/accuracy" in set(history["name"])


def test_pairs_are_of_the_simulated_wells(demo, pairs):
    raw = anndata.read_h5ad(demo.folder / "results/raw/demo/molecules/level3_wells.h5ad")
    found = read_pairs_file(pairs / "pairs.h5ad")
    control = (raw.obs["pert_type"] == "ctl_vehicle").to_numpy()
    assert found.n_obs == (~control).sum() == 80 and found.n_vars == 978
    well = found.obs_names[0]
    own = (raw.obs["rna_plate"] == raw.obs.loc[well, "rna_plate"]).to_numpy()
    expected = raw[well].X[0] - np.median(raw.X[own & control], axis=0)
    np.testing.assert_allclose(found[well].X[0], expected, rtol=1e-5, atol=1e-5)
    # the split that is used has no scaffold on both sides
    by_part = found.obs.assign(scaffold=[scaffold(one) or one for one in found.obs["smiles"]])
    assert by_part.groupby("scaffold")["split"].nunique().max() == 1
    assert (found.obs["split"] == found.obs["split_scaffold"]).all()
    assert {"split_molecule", "split_maccs", "split_cell"} <= set(found.obs)
    assert set(table(pairs / "splits.tsv")["split"]) == {"molecule", "maccs", "scaffold", "cell"}
    assert table(pairs / "left_out.tsv").empty


@pytest.mark.parametrize("direction", ["to_molecule", "to_expression"])
@pytest.mark.parametrize("model", ["biaae", "cvae"])
def test_both_directions_are_scored_beside_their_baselines(pairs, direction, model):
    own = table(pairs / direction / model / "seed0/scores.tsv")
    test = read_pairs_file(pairs / "pairs.h5ad").obs.query("split == 'test'")
    assert (own["method"] == model).all() and own["molecules"].max() == test["smiles"].nunique()
    metrics = set(own["metric"])
    baselines = table(pairs / direction / "baselines.tsv")
    if direction == "to_molecule":
        assert {
            "valid",
            "unique",
            "novel",
            "tanimoto_gain",
            "exact",
            "gain",
            "qed",
            "fingerprint_distance",
        } <= metrics
        assert {"prior", "random_training", "similar_change", "nearest_training"} == set(baselines["method"])
        draws = table(pairs / direction / model / "seed0/draws.tsv")
        assert len(draws) == 2 * len(test)
    else:
        assert {"rmse", "l2", "pearson", "recall", "r2", "gene_pearson", "gain"} <= metrics
        assert {"zero", "train_mean", "group_mean", "nearest_molecules", "kernel_ridge", "replicates"} == set(
            baselines["method"]
        )
        mean = baselines[(baselines["method"] == "group_mean") & (baselines["metric"] == "r2")]
        assert mean["value"].iloc[0] == pytest.approx(0, abs=1e-9)


def test_molecules_for_knock_downs_are_compared_under_both_conditions(pairs):
    own = table(pairs / "ligands/biaae/seed0.tsv")
    assert set(own["target"]) == {"pyridine", "sulfonamide"} and set(own["condition"]) == {
        "knock-down",
        "other",
    }
    baselines = table(pairs / "ligands/baselines.tsv")
    near = baselines[baselines["metric"] == "nearest_ligand"].set_index(["target", "method"])["value"]
    # simulated molecules are like simulated ligands
    assert (near.xs("random_training", level="method") > 0.2).all()


def test_the_expression_table_begins_with_its_verdict(demo):
    found = table(demo.folder / "results/figures/molecules/demo_pairs/expression_prediction.tsv")
    first, gains = found.iloc[0], found[found["metric"] == "gain_over_mean"]
    gains = gains[~gains["method"].isin(["train_mean", "group_mean"])]
    assert first["kind"] == "verdict" and {"biaae", "cvae", "zero"} <= set(gains["method"])
    if gains["molecules"].max() < 10:
        assert first["method"].startswith("Too few test molecules")
    else:
        beaten = (gains["low"] > 0).any()
        assert first["method"].startswith("Nearer than the" if beaten else "Nothing beats the training mean")


def test_claims_are_audited(demo):
    found = table(demo.folder / "results/molecules/claims.tsv")
    assert len(found) == 8 and (found["study"] == "molecules (simulated demo)").all()
    for path in found["figure"].dropna():
        assert (demo.folder / path).is_file()
