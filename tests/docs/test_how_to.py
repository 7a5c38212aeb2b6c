"""The worked changes of the how-to pages: applied to a copy of the tree, run, taken back."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pages import DOCS, REPO, blocks, commands
from runs import environment

LEFT_OUT = shutil.ignore_patterns(
    ".git",
    ".venv*",
    ".make",
    ".snakemake",
    "results",
    "raw",
    "__pycache__",
    "*.egg-info",
    ".*_cache",
    ".hypothesis",
)
PAGES = ("add-a-dataset", "add-a-model", "add-a-figure")


@pytest.fixture
def tree(tmp_path):
    """A copy of the tree."""
    shutil.copytree(REPO, tmp_path / "tree", ignore=LEFT_OUT)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "tree", check=True)
    return tmp_path / "tree"


def apply(page, tree):
    """Apply a page's change by the page's own command, and give the command that takes it back."""
    there, back = lines(page, "git")
    assert subprocess.run(there, cwd=tree).returncode == 0, f"docs/how-to/{page}.diff no longer applies"
    return back


def lines(page, program):
    """The page's commands of a program."""
    found = [words for block in blocks(DOCS / f"how-to/{page}.md", "sh") for words in commands(block)]
    return [words for words in found if Path(words[0]).name == program]


def called(words, tree, folder):
    """Run a command of the page in the copy, trained briefly, its results elsewhere."""
    line = [sys.executable, "-m", "snakemake", "-s", str(tree / "Snakefile"), "--directory", str(folder)]
    line += ["--workflow-profile", str(tree / "profiles/test")]
    more = ["--cores", "2"] if "--cores" not in words else []
    rest = ["2" if word == "all" and words[k] == "--cores" else word for k, word in enumerate(words[1:])]
    # A target must not follow --configfile, which takes all words after it.
    line += [*rest, *more, "--configfile", str(tree / "config/test.yaml")]
    folder.mkdir(exist_ok=True)
    env = environment(PYTHONPATH=str(tree))
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, env=env, timeout=900)
    assert done.returncode == 0, f"{' '.join(words)}\n{(done.stdout + done.stderr)[-4000:]}"
    return done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_the_change_works(page, tree, tmp_path):
    back = apply(page, tree)
    folder = tmp_path / "work"
    for words in lines(page, "snakemake"):
        if "mirror=PATH" in words:
            mirror = tmp_path / "mirror/toy"
            mirror.mkdir(parents=True)
            head = "gene\tt1\tt2\tt3\tu1\tu2\tu3\n"
            rows = [
                f"g{k}\t{20 + k}\t{30 + k}\t{25 + k}\t{40 + k}\t{35 + k}\t{20 + 2 * k}\n" for k in range(60)
            ]
            (mirror / "toy_counts.tsv").write_text(head + "".join(rows))
            words = [word.replace("mirror=PATH", f"mirror={mirror.parent}") for word in words]
        text = called(words, tree, folder)
        if "-n" in words:
            assert "fetch_raw" in text and "prepare_counts" in text
    if page == "add-a-dataset":
        assert (folder / "results/bulk/toy_study/counts.h5ad").is_file()
    if page == "add-a-model":
        scores = pd.read_csv(
            folder / "results/molecules/demo_digits/models/regression/seed0/scores.tsv", sep="\t"
        )
        assert len(scores) and set(scores.model) == {"regression"}
    if page == "add-a-figure":
        drawn = pd.read_csv(folder / "results/figures/bulk/demo/detected_genes.tsv", sep="\t")
        assert (drawn.detected > 0).all()
    assert subprocess.run(back, cwd=tree).returncode == 0


def test_the_changes_together_pass_the_linters(tree):
    for page in PAGES:
        apply(page, tree)
    for line in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        done = subprocess.run([sys.executable, "-m", *line], cwd=tree, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "snakefmt", "--check", "rules"], cwd=tree, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
