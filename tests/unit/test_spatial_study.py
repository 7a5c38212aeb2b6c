"""The spatial study's plan: which figures, tables and claims follow from what a block has."""

from pathlib import Path

import pytest
import yaml

from workflow_scripts.lib.spatial_study import FEATURE_FIGURES, FIGURES, SpatialDataset

ROOT = Path(__file__).resolve().parents[2]
COUNTS = {"verdict", "autocorrelation", "after_imputation", "masked"}
LABELLED, SIMULATED = {"domain_agreement"}, {"planted_truth"}


@pytest.fixture(scope="module")
def config():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.fixture(scope="module")
def plan(config):
    def of(name, /, **changes):
        block = {**config["datasets"]["spatial"][name], **changes}
        return SpatialDataset(name, block, config["spatial"])

    return of


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("demo_visium", LABELLED | SIMULATED | {"published_matrix"}),
        ("demo_slideseq", LABELLED | SIMULATED),
        ("demo_stereo", LABELLED | SIMULATED),
        ("visium_hne_genes", set()),
        ("visium_151507", LABELLED),
    ],
)
def test_figures_and_claims_follow_from_what_a_block_has(plan, name, more):
    dataset = plan(name)
    extra = more | ({"scaling"} if dataset.block.get("scaling") else set())
    extra |= {"published_matrix"} if dataset.block.get("as_published") else set()
    assert dataset.kind == "counts" and set(dataset.figures) == set(FIGURES) | extra
    assert len(dataset.figures) == len(set(dataset.figures))
    assert dataset.has_labels == ("domain_agreement" in more)
    assert dataset.simulated == name.startswith("demo")
    expected = COUNTS | ({"domains"} if dataset.has_labels else set())
    expected |= {"findings"} if dataset.as_published else set()
    assert set(dataset.claim_inputs) == expected
    assert dataset.tables == [f"results/spatial/{name}/imputed.h5ad"]
    assert all(path.startswith(f"results/spatial/{name}/") for [path] in dataset.claim_inputs.values())


def test_stored_features_are_only_divided_into_domains(plan):
    dataset = plan("dlpfc_features")
    assert dataset.kind == "features" and dataset.by_section and dataset.has_labels
    assert dataset.figures == list(FEATURE_FIGURES) and dataset.tables == []
    assert set(dataset.claim_inputs) == {"domains"}
    assert not plan("demo_visium").by_section


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({"labels": None}, False),
        ({"labels": {"file": "a.tsv"}}, True),
        ({"labels": None, "spots": {"format": "h5ad", "counts": "x.h5ad", "label": "layer"}}, True),
        ({"labels": None, "spots": {"format": "h5ad", "counts": "x.h5ad", "label": None}}, False),
    ],
)
def test_labels_come_with_the_spots_or_a_file(plan, changes, labels):
    dataset = plan("demo_visium", **changes)
    assert dataset.has_labels == labels == ("domain_agreement" in dataset.figures)
    assert ("domains" in dataset.claim_inputs) == labels


@pytest.mark.parametrize(
    ("key", "figure"),
    [("as_published", "published_matrix"), ("scaling", "scaling"), ("truth", "planted_truth")],
)
def test_a_figure_goes_with_its_key(plan, key, figure):
    for value in (None, False):
        assert figure not in plan("demo_visium", **{key: value}).figures
    assert figure in plan("demo_visium", **{key: True}).figures


def test_a_block_overrides_the_study(plan, config):
    study = config["spatial"]
    assert plan("demo_visium", gmm_vgae={"latent": 7}).model == {**study["gmm_vgae"], "latent": 7}
    # a counts data set has nothing of the settings for features
    assert plan("visium_hne_genes").model == study["gmm_vgae"]
    features = plan("dlpfc_features", gmm_vgae={}).model
    assert features == {**study["gmm_vgae"], **study["features"]} != study["gmm_vgae"]
    assert plan("dlpfc_features", gmm_vgae={"epochs": 3}).model["epochs"] == 3
    assert plan("demo_visium", published={"epochs": 2}).published == {**study["published"], "epochs": 2}
    assert plan("dlpfc_features").graph["kind"] == "radius"
    assert plan("demo_visium").graph == study["graph"]
    assert plan("demo_visium", seeds=[4]).seeds == [4] and plan("demo_visium").seeds == study["seeds"]
    assert plan("demo_visium", domains={"a": 5}).domains == {"a": 5}
    assert plan("demo_visium").domains is None


def test_files_of_seeds(plan, config):
    dataset = plan("demo_stereo", seeds=[0, 7], held_out_seeds=[1, 2])
    folder = "results/spatial/demo_stereo"
    assert dataset.of_seeds("model.json") == [f"{folder}/models/gmm_vgae/seed{n}/model.json" for n in (0, 7)]
    rivals = [f"{folder}/held_out/scvi_seed{n}.tsv" for n in config["spatial"]["rival_seeds"]]
    assert dataset.held_out == [f"{folder}/held_out/seed{n}.tsv" for n in (1, 2)] + rivals
    assert dataset.of_held_out("coverage") == [f"{folder}/held_out/coverage_seed{n}.tsv" for n in (1, 2)]
    names = {"domain_tables": "seed", "domain_scores": "scores_seed", "domain_changes": "after_seed"}
    for attribute, name in names.items():
        assert getattr(dataset, attribute) == [f"{folder}/domains/{name}{n}.tsv" for n in (0, 7)]


def test_rivals_are_scored_on_seeds_that_we_are(plan, config):
    for name in config["datasets"]["spatial"]:
        assert set(config["spatial"]["rival_seeds"]) <= set(plan(name).held_out_seeds)


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"as_published": False}, ""),
        ({"published": {"pretraining_epochs": 1000, "epochs": 50}}, ""),
        ({"published": {"pretraining_epochs": 2000, "epochs": 60}}, ""),
        ({"published": {"pretraining_epochs": 5}}, "5 of 1000 pre-training epochs of the published network"),
        (
            {"published": {"pretraining_epochs": 5, "epochs": 4}},
            "5 of 1000 pre-training epochs of the published network, 4 of 50 epochs of the published network",
        ),
    ],
)
def test_what_was_reduced_from_the_paper_is_said(plan, changes, note):
    assert plan("demo_visium", **changes).note == (note and f"Reduced from the paper: {note}")
