"""Own weights: `pretrained: PATH` in a dataset's block runs the analyses without training."""

import json

import pytest
from runs import good, run

FOLDER = "results/bulk/demo/models/nbvae/seed0"


def overlay(demo, **block):
    return {
        "datasets": {"bulk": {"demo": {"pretrained": str(demo.folder / "results/bulk/demo/models"), **block}}}
    }


@pytest.fixture(scope="module")
def given(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained")
    targets = [
        "results/bulk/demo/de/nbvae/treated_vs_control.tsv",
        "results/figures/bulk/demo/loss_curves.svg",
    ]
    return good(run(folder, *targets, overlays=("test", overlay(demo))))


def test_same_model_without_training(demo, given):
    for name in ("model.safetensors", "latent.tsv"):
        assert (given.folder / FOLDER / name).read_bytes() == (demo.folder / FOLDER / name).read_bytes()
    card = json.loads((given.folder / FOLDER / "model.json").read_text())
    assert card["trained"] is False
    assert json.loads((given.folder / FOLDER / "runtime.json").read_text())["seconds"] == 0
    log = (given.folder / "results/logs/train_nbvae/demo/nbvae-0.log").read_text()
    assert "epoch" not in log.lower()


def test_same_analysis(demo, given):
    name = "results/bulk/demo/de/nbvae/treated_vs_control.tsv"
    assert (given.folder / name).read_bytes() == (demo.folder / name).read_bytes()


def test_weights_of_other_genes_are_refused(demo, tmp_path):
    other = {"bulk": {"demo": {"genes": 700}}, **overlay(demo)}
    done = run(tmp_path, f"{FOLDER}/model.safetensors", overlays=("test", other))
    assert done.code != 0 and len(done.errors()) == 1, done.text[-2000:]
    assert "model.json: genes_digest" in done.errors()[0] and "expected" in done.errors()[0]
    assert not list((tmp_path / FOLDER).glob("*.*"))


def test_missing_weights_are_refused(demo, tmp_path):
    gone = {"datasets": {"bulk": {"demo": {"pretrained": str(tmp_path / "nowhere")}}}}
    done = run(tmp_path, f"{FOLDER}/model.safetensors", overlays=("test", gone))
    assert done.code != 0 and "nowhere" in done.text
