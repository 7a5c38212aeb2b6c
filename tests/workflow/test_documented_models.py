"""Pages about trained models against the run of the demo: the notebook, reused weights, model cards, what there is."""

import re
import shutil
from pathlib import Path

import pytest
from pages import DOCS, REPO, blocks, commands, result_paths
from runs import good, run

PAGE = DOCS / "tutorials/notebook.md"
WEIGHTS = DOCS / "how-to/reuse-weights.md"


def test_notebook_page(demo, tmp_path, monkeypatch, capsys):
    """Its code, block after block in one namespace, as in the project's folder."""
    (tmp_path / "results").symlink_to(demo.folder / "results")
    (tmp_path / "resources").symlink_to(REPO / "resources")
    monkeypatch.chdir(tmp_path)
    space: dict = {}
    for block in blocks(PAGE, "python"):
        exec(compile(block.text, str(PAGE), "exec"), space)
    said = capsys.readouterr().out
    assert re.search(r"explains -?\d\.\d\d of unseen perturbagens", said)
    assert space["mean"].shape == space["log_variance"].shape == (len(space["real"]), space["model"].latent)
    assert space["made"].shape == space["real"].shape == (len(space["cells"]), 978)
    assert 0 <= space["compare_samples"](space["real"], space["made"], seed=0)["classifier_auc"] <= 1
    assert space["z"].shape == space["z_sd"].shape and len(space["z"]) == space["counts"].counts.shape[1]
    assert space["good"].n_vars <= space["imputed"].n_vars and len(space["valid"]) > 50


def test_ten_lines():
    first = blocks(PAGE, "python")[0].text
    assert (
        len([line for line in first.splitlines() if line and not line.startswith(("import", "from"))]) <= 10
    )


@pytest.mark.parametrize("block", blocks(PAGE, "python"), ids=lambda block: block.text.splitlines()[0][:40])
def test_the_library_needs_no_snakemake(block):
    modules = re.findall(r"from workflow_scripts\.(lib[\w.]*)", block.text)
    paths = [REPO / "workflow_scripts" / Path(*module.split(".")).with_suffix(".py") for module in modules]
    assert "snakemake" not in block.text and not [path for path in paths if not path.is_file()]
    assert not [path for path in paths if "import snakemake" in path.read_text(encoding="utf-8")]


def test_reused_weights(demo, tmp_path):
    """The block and the command of the page, on the weights of the demo's run."""
    [block] = [one for one in blocks(WEIGHTS, "yaml") if one.option("title") == "mine/pretrained.yaml"]
    [words] = [words for one in blocks(WEIGHTS, "sh") for words in commands(one)]
    target = words[words.index("all") + 1]
    shutil.copytree(demo.folder / "results/bulk/demo/models", tmp_path / "shared/models")
    (tmp_path / "pretrained.yaml").write_text(block.text, encoding="utf-8")
    good(run(tmp_path, target, overlays=("test", str(tmp_path / "pretrained.yaml"))))
    assert (tmp_path / target).read_bytes() == (demo.folder / target).read_bytes()
    log = (tmp_path / "results/logs/train_nbvae/demo/nbvae-0.log").read_text()
    assert "epoch" not in log.lower()


def test_every_trained_model_has_a_card(demo):
    results = demo.folder / "results"
    folders = [path.parent for path in results.rglob("model.json") if "checkpoints" not in path.parts]
    names = {folder.parent.name if folder.name.startswith("seed") else folder.name for folder in folders}
    assert {"nbvae", "vae", "svqvae", "gmm_vgae", "biaae", "smiles_vae"} <= names
    index = (DOCS / "models/index.md").read_text(encoding="utf-8")
    assert not [name for name in names if f"`{name}`" not in index]


@pytest.mark.parametrize("page", sorted((DOCS / "models").glob("[!i]*.md")), ids=lambda page: page.stem)
def test_a_card_is_whole(page):
    text = page.read_text(encoding="utf-8")
    assert "| trained on |" in text and "## Settings" in text
    assert "## Intended use" in text and "## Limits" in text and "## Scores" in text
    code = re.findall(r"`workflow_scripts/(lib/[\w/]+\.py)`", text)
    assert code and not [path for path in code if not (REPO / "workflow_scripts" / path).is_file()]


def test_the_quick_start_names_what_is_there(demo):
    named = result_paths(DOCS / "quick-start.md") - {"results/report.zip"}  # by make report
    assert len(named) >= 7 and not [path for path in sorted(named) if not (demo.folder / path).exists()]
