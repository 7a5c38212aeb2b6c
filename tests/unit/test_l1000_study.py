"""The L1000 study's plan, which data sets run under each source, the audit of its claims."""

import io
from pathlib import Path

import pandas as pd
import pytest
import yaml

from workflow_scripts.lib.config import ConfigProblem
from workflow_scripts.lib.datasets import (
    PUBLISHED_WEIGHTS,
    active_datasets,
    block_files,
    given_weights,
)
from workflow_scripts.lib.l1000_study import L1000Dataset
from workflow_scripts.lib.metrics.l1000_claims import COLUMNS, audit

ROOT = Path(__file__).resolve().parents[2]
COMMON = {
    *("dataset_overview", "expression_pca", "signature_training", "reconstruction", "signature_nodes"),
    *("latent_heatmap", "generated_vs_real", "model_architectures"),
}
OF_CLASSES = {"class_generation", "class_prediction", "code_assignment"}
OF_WEIGHTS = {"published_units", "decoded_classes"}
OF_WEIGHTS |= {"network_heatmap_weights_svqvae", "network_graph_weights_svqvae"}
PUBLISHED = {"seeds": [0], "vae_epochs": 300, "svqvae_epochs": 900}
EPOCHS = "epochs of the published"
SHORT = {"vae_epochs": 6, "svqvae_epochs": 9}
NETWORKS = {f"network_{form}_svqvae{own}" for form in ("heatmap", "graph") for own in ("", "_published")}


@pytest.fixture(scope="module")
def config():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.fixture(scope="module")
def plan(config):
    study = {**config["l1000"], "seeds": [0, 1, 2], "rival_seeds": [0], "published": PUBLISHED}

    def of(name, given=(), /, **changes):
        block = {**config["datasets"]["l1000"][name], **changes}
        return L1000Dataset(name, block, study, given)

    return of


@pytest.mark.parametrize(
    ("name", "kind", "figures"),
    [
        ("demo", "signatures", COMMON | OF_CLASSES | NETWORKS | {"drug_targets", "programmes"}),
        ("smp", "signatures", COMMON | OF_CLASSES | NETWORKS),
        ("smgp", "signatures", COMMON | OF_CLASSES | NETWORKS | {"drug_targets"}),
        ("gp", "signatures", COMMON),
        ("consensus", "signatures", COMMON),
        ("mnist", "images", {"mnist_codes"}),
        ("published", "weights", OF_WEIGHTS),
    ],
)
def test_figures_follow_from_what_a_block_has(plan, name, kind, figures):
    dataset = plan(name)
    assert dataset.kind == kind and set(dataset.figures) == figures
    assert len(dataset.figures) == len(set(dataset.figures))
    assert dataset.folder == f"results/l1000/{name}" and dataset.simulated == (name == "demo")


def test_codes_are_scored_without_classes_if_published_ones_run(plan):
    assert "code_assignment" not in plan("gp", ["weights_gp"]).figures
    found = plan("gp", ["weights_svqvae"], weights=["svqvae"]).figures
    assert found.count("code_assignment") == 1 and not NETWORKS & set(found)


def test_tables_beside_the_figures(plan):
    folder = "results/l1000/demo"
    graphs = [f"{folder}/network/{name}/graph.graphml" for name in ("svqvae", "svqvae_published")]
    assert sorted(plan("demo").tables) == sorted([*graphs, f"{folder}/unmatched.tsv"])
    assert plan("published").tables == ["results/l1000/published/network/weights_svqvae/graph.graphml"]
    assert plan("mnist").tables == []
    assert plan("gp").tables == ["results/l1000/gp/unmatched.tsv"]


def test_models_and_seeds(plan):
    demo = plan("demo")
    assert demo.trained == ["vae", "vae_linear", "vae_published", "svqvae", "svqvae_published"]
    assert plan("gp").trained == ["vae", "vae_linear", "vae_published"]
    assert [demo.seeds(name) for name in demo.trained] == [[0, 1, 2], [0], [0], [0], [0]]
    assert plan("demo", seeds=[7, 8]).seeds("vae") == [7, 8]
    assert plan("demo", published={"seeds": [3]}).seeds("svqvae_published") == [3]
    files = demo.of_models("history.tsv")
    assert len(files) == 7 and files[2] == "results/l1000/demo/models/vae/seed2/history.tsv"
    assert demo.first_of_models("x") == [f"results/l1000/demo/models/{name}/seed0/x" for name in demo.trained]
    assert demo.vaes == [file for file in demo.of_models("model.safetensors") if "svqvae" not in file]
    assert demo.every_model == demo.of_models("model.safetensors")
    assert plan("gp").coded == []


def test_published_weights_run_only_if_named_and_given(plan):
    given = ["weights_svqvae", "weights_gp", "weights_smp"]
    smp = plan("smp", given)
    assert smp.used_weights == ["weights_smp", "weights_svqvae"]
    where = "results/l1000/published/weights_{}/model.safetensors"
    assert smp.vaes[-1] == where.format("smp") and smp.coded[-1] == where.format("svqvae")
    assert plan("smp").converted == [] and plan("consensus", given).converted == []


def test_a_block_overrides_the_study(plan, config):
    found = plan("demo", vae={"latent": 5}).training
    assert found["vae"] == {**config["l1000"]["vae"], "latent": 5}
    assert found["svqvae"] == config["l1000"]["svqvae"]
    assert plan("smp", min_signatures=7).min_signatures == 7
    assert plan("demo").min_signatures == config["l1000"]["classification"]["min_signatures"]


@pytest.mark.parametrize(
    ("name", "changes", "note"),
    [
        ("smp", {}, ""),
        (
            "demo",
            {"published": SHORT},
            "6 of 300 epochs of the published VAE, 9 of 900 epochs of the published S-VQ-VAE",
        ),
        ("demo", {"published": {"svqvae_epochs": 5}}, f"5 of 900 {EPOCHS} S-VQ-VAE"),
        ("consensus", {"published": SHORT}, f"6 of 300 {EPOCHS} VAE"),
        ("smp", {"published": {"vae_epochs": 301}}, ""),
        ("mnist", {"mnist": {"epochs": 4}}, "4 of 25 epochs"),
        ("mnist", {"mnist": {"images": 2000, "epochs": 30}}, "2,000 of 60,000 images"),
        ("mnist", {"mnist": {"images": 2000, "epochs": 1}}, "1 of 25 epochs, 2,000 of 60,000 images"),
        ("published", {}, ""),
    ],
)
def test_what_was_reduced_from_the_paper_is_said(plan, name, changes, note):
    assert plan(name, **changes).note == (note and f"Reduced from the paper: {note}")


def test_the_audit_reads_tables_that_the_data_set_has(plan):
    assert set(plan("gp").claim_inputs) == {"reconstruction", "latent_units", "generated"}
    more = {"class_generation", "classification", "codes", "edges"}
    assert set(plan("smp").claim_inputs) == set(plan("gp").claim_inputs) | more
    assert set(plan("demo").claim_inputs) == set(plan("smp").claim_inputs) | {"targets", "target_drugs"}
    assert set(plan("published").claim_inputs) == {"units", "edges"} and plan("mnist").claim_inputs == {}
    paths = sum(plan("demo").claim_inputs.values(), [])
    assert all(path.startswith("results/l1000/demo/") for path in paths) and len(paths) == 9
    assert [Path(path).stem for path in plan("demo").classification] == [
        *("signature", "compound", "held_out", "cell_line")
    ]


def mirror_of(tmp_path, config, files):
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return {**config, "source": "mirror", "mirror": str(tmp_path)}


def test_the_demo_source_runs_the_demo_alone(config):
    assert active_datasets(config, ROOT, "l1000") == ["demo"]
    named = {**config, "l1000": {**config["l1000"], "datasets": ["gp"]}}
    with pytest.raises(ConfigProblem, match="gp: is real data; it needs source: mirror or source: geo"):
        active_datasets(named, ROOT, "l1000")


def test_a_mirror_runs_what_it_has_whole(tmp_path, config):
    blocks = config["datasets"]["l1000"]
    assert active_datasets(mirror_of(tmp_path, config, []), ROOT, "l1000") == []
    most = [name for name in block_files(blocks["cmap_cpkd"]) if not name.startswith("resources/")]
    mirror = mirror_of(tmp_path, config, [*most, *block_files(blocks["mnist"])[:-1]])
    assert active_datasets(mirror, ROOT, "l1000") == ["cmap_cp", "cmap_kd", "cmap_cpkd"]
    mirror = mirror_of(tmp_path, config, [*block_files(blocks["mnist"]), *block_files(blocks["published"])])
    assert active_datasets(mirror, ROOT, "l1000") == ["cmap_cp", "cmap_kd", "cmap_cpkd", "published", "mnist"]
    (tmp_path / "lincs/derived_level5_trt_sh_n85.csv.gz").unlink()
    assert active_datasets(mirror, ROOT, "l1000") == ["cmap_cp", "published", "mnist"]
    mirror["l1000"] = {**config["l1000"], "datasets": ["cmap_kd"]}
    with pytest.raises(ConfigProblem, match=f"cmap_kd: needs lincs/derived.*in the mirror {tmp_path}"):
        active_datasets(mirror, ROOT, "l1000")


def test_downloads_leave_out_what_only_a_mirror_has_unless_named(config):
    geo = {**config, "source": "geo"}
    blocks = config["datasets"]["l1000"]
    wanted = [name for name, block in blocks.items() if name != "demo" and not block.get("mirror_only")]
    assert active_datasets(geo, ROOT, "l1000") == wanted
    assert {"smp", "gp", "smgp", "published", "mnist"} <= set(wanted) and "ljp005" not in wanted
    geo["l1000"] = {**config["l1000"], "datasets": ["ljp005"]}
    assert active_datasets(geo, ROOT, "l1000") == ["ljp005"]


def test_a_users_own_signatures_run_with_every_source(tmp_path, config):
    files = [str(tmp_path / name) for name in ("m.gctx", "s.txt", "g.txt")]
    own = {"sources": [{"matrix": files[0], "sig_info": files[1]}], "gene_info": files[2]}
    given = {**config, "datasets": {"l1000": {**config["datasets"]["l1000"], "mine": own}}}
    with pytest.raises(ConfigProblem, match="mine: needs .*g.txt, which does not exist; correct the path"):
        active_datasets(given, ROOT, "l1000")
    mirror_of(tmp_path, config, ["m.gctx", "s.txt", "g.txt"])
    assert active_datasets(given, ROOT, "l1000") == ["demo", "mine"]
    assert "mine" in active_datasets({**given, "source": "geo"}, ROOT, "l1000")


def test_published_weights_that_a_source_gives(tmp_path, config):
    assert {len(files) for files in given_weights({**config, "source": "geo"}, ROOT).values()} == {3, 4}
    mirror = mirror_of(tmp_path, config, PUBLISHED_WEIGHTS["weights_svqvae"])
    mirror = mirror_of(tmp_path, mirror, PUBLISHED_WEIGHTS["weights_gp"][:2])
    found = given_weights(mirror, ROOT)
    assert tuple(found.pop("weights_svqvae")) == PUBLISHED_WEIGHTS["weights_svqvae"]
    assert tuple(found.pop("weights_gp")) == PUBLISHED_WEIGHTS["weights_gp"][:2]
    assert found == {"weights_smp": [], "weights_smgp": []}
    demo = {**config, "raw_dir": str(tmp_path)}
    assert given_weights(demo, ROOT) == dict.fromkeys(PUBLISHED_WEIGHTS, [])


def tables(text):
    """Tables by name: "name: columns", then rows between slashes."""
    parts = [part.split(":", 1) for part in text.replace(" / ", "\n").strip().split("\n\n")]
    return {name: pd.read_csv(io.StringIO(body), sep=r"\s+", na_values="-") for name, body in parts}


OWN = """
reconstruction: model seed units active explained_variance lower upper
vae 0 9 2 0.5 0.45 0.55 / vae 1 9 4 0.6 0.1 0.2 / vae_published 0 100 1 0.1 0 0.2
pca - 1 1 0.2 0 1 / pca - 3 3 0.4 0 1 / pca - 8 8 0.9 0 1
pca_by_line - 1 1 0.2 0 1 / pca_by_line - 3 3 0.44 0 1 / pca_by_line - 8 8 0.9 0 1

latent_units: model seed unit signature_node
vae 0 0 1 / vae 0 1 0 / vae 0 2 1 / vae 1 0 1 / vae 1 1 1 / vae 1 2 0 / vae_linear 0 0 1

generated: model sample metric value
vae generated classifier_auc 0.7 / vae generated classifier_auc 0.8 / vae aggregate classifier_auc 0.1
vae generated mmd 0.2 / gaussian gaussian classifier_auc 0.9 / real real classifier_auc 0.51
vae_published generated classifier_auc 0.99

codes: model preparation labels metric value lower upper
svqvae as_is true top1 0.3 0.2 0.4 / svqvae as_is permuted top1 0.05 0 0.1
svqvae as_is true top5 0.8 0.7 0.9 / weights_svqvae as_is true top1 0.123 0 1

target_drugs: representation cells mean_first_rank null_rank of_pabon
e3 any 10 30 1 / e3 any 20 40 1 / e3 any 700 800 0 / e3 matched 500 500 1 / vae any 7 7 1

targets: representation cells metric value lower upper
raw any auroc 0.5 0.4 0.9 / vae any auroc 0.6 0.4 0.9 / pca any auroc 0.7 0.4 0.9
vae matched auroc 0.99 0 1 / permuted any auroc 0.55 0.4 0.6

edges: target source distance mutual
CP_A CP_B 0.5 True / CP_C CP_A 0.25 False / CP_B CP_A 0.5 True
"""
WEIGHTS = """
units: model active
weights_gp 1 / weights_gp 0 / weights_svqvae 1 / weights_gp 1

edges: target source distance mutual
CP_MTOR CP_PI3K 0.2638 True / CP_PI3K CP_MTOR 0.2638 True
"""
OF_CLASSES_TABLES = """
class_generation: model method pcl_id share base_rate
vae posterior A 0.4 0.1 / vae posterior B 0.6 0.3 / vae prior A 0.2 0.1
real real A 0.9 0.1 / vae_published pattern A 0.35 0.1

classification: representation classifier split labels accuracy balanced_accuracy balanced_lower balanced_upper
raw logistic signature true 0.5 0.9 0 1 / sig logistic signature true 0.45 0.9 0 1
raw logistic compound true 0.9 0.2 0 1 / vae logistic compound true 0.9 0.25 0.21 0.29
raw logistic compound permuted 0.9 0.08 0 1 / raw majority compound true 0.9 0.11 0 1
raw svm compound true 0.9 0.99 0 1
"""


def row_of(found, word):
    rows = found[found.claim.str.contains(word)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_claims_say_what_the_tables_say():
    found = audit({"toy": tables(OWN), "published": tables(WEIGHTS)})
    assert tuple(found.columns) == COLUMNS and set(found.study) == {"l1000"}
    row = row_of(found, "compact representation")
    assert (
        row.corrected == "toy: 0.550, PCA by line of 3 0.440"
        and row.reproduced == "toy: 0.100, PCA of 1 0.200"
    )
    assert row.interval == "toy: 0.45 to 0.55" and row.figure == "l1000/toy/reconstruction.svg"
    row = row_of(found, "signature nodes")
    assert row.reproduced == "published: GP 2 of 100, SVQVAE 1 of 100" and row.corrected == "toy: vae 2 of 3"
    row = row_of(found, "are like real ones")
    assert row.corrected == "toy: ours 0.75, Gaussian 0.90, real 0.51"
    assert row.reproduced == "toy: AUC of real against generated 0.99"
    row = row_of(found, "maps signatures")
    assert row.corrected == "toy: top-1 0.30, permuted 0.05" and row.interval == "toy: 0.20 to 0.40"
    assert row.reproduced == "toy: as_is true 0.123"
    row = row_of(found, "drug's target")
    assert (
        row.reproduced == "toy: 15 of e3 where chance gives 35, 2 drugs"
        and row.interval == "toy: 0.40 to 0.90"
    )
    assert row.corrected == "toy: vae 0.60, raw 0.50, pca 0.70, permuted 0.55"
    row = row_of(found, "related classes")
    assert row.reproduced == "published: MTOR and PI3K 0.2638, 1 mutual pairs"
    assert row.corrected == "toy: C and A 0.2500, 1 mutual pairs"


def test_claims_of_classes_say_what_the_tables_say():
    found = audit({"toy": tables(OF_CLASSES_TABLES)})
    assert len(found) == 2
    row = row_of(found, "generated for a class")
    assert row.reproduced == "toy: 0.35 on held-out compounds" and row.interval == "toy: base rate 0.20"
    assert row.corrected == "toy: 0.50, any z 0.20, real 0.90"
    row = row_of(found, "can be predicted")
    assert row.reproduced == "toy: raw 0.50, signature nodes 0.45" and row.interval == "toy: 0.21 to 0.29"
    assert row.corrected.endswith("other compounds: raw 0.20, VAE 0.25, permuted 0.08, majority 0.11")


def test_claims_without_a_table_are_left_out():
    own = tables(OWN)
    assert audit({}).empty and tuple(audit({}).columns) == COLUMNS
    assert audit({"toy": {name: found.iloc[:0] for name, found in own.items()}}).empty
    found = audit({"toy": {"edges": own["edges"]}, "mnist": {}})
    assert found.reproduced.tolist() == ["not in this run"] and len(found) == 1
    assert found.figure.tolist() == ["l1000/toy/network_graph_svqvae.svg"]
    without = own["codes"][own["codes"].model == "weights_svqvae"]
    row = audit({"toy": {"codes": without}}).iloc[0]
    assert row.corrected == "toy: top-1 none, permuted none"


@pytest.mark.parametrize("order", ["published toy", "toy published"])
def test_a_claims_figure_is_one_that_its_data_set_has(plan, order):
    plans = {"toy": plan("demo"), "published": plan("published")}
    given = {"toy": tables(OWN), "published": tables(WEIGHTS)}
    for path in audit({name: given[name] for name in order.split()}).figure:
        _, name, figure = path.split("/")
        assert figure.removesuffix(".svg") in plans[name].figures, path


def test_nodes_of_the_published_weights_alone_are_a_claim():
    assert audit({"published": tables(WEIGHTS)}).claim.str.contains("signature nodes").any()
