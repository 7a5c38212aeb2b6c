"""The tutorials from their own text: files as it shows them, its config, its commands, and what it says there is then.

Only `config/test.yaml` is laid under the tutorial's own config, so that training is short.
"""

import re
import subprocess
import sys

import pytest
from pages import DOCS, REPO, blocks, commands, result_paths
from runs import environment
from tutorial_data import put_counts, put_section, put_signatures

DATA = {"own-counts": put_counts, "own-signatures": put_signatures, "own-section": put_section}
# Minutes each: the shortest of them in every run of the tests, the others with the slow ones.
RUN = [
    "own-signatures",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("own-counts", "own-section")),
]


def prepared(name, folder):
    """The tutorial's files in a project's folder."""
    (folder / "mine").mkdir()
    DATA[name](folder / "mine")
    for block in blocks(DOCS / f"tutorials/{name}.md", "yaml"):
        (folder / block.option("title")).write_text(block.text, encoding="utf-8")
    return folder


def called(words, folder):
    """Run a command of the text: the same words but for the program's place and the short training."""
    assert words[0] == ".venv/bin/snakemake"
    line = [sys.executable, "-m", "snakemake", "-s", str(REPO / "Snakefile"), *words[1:]]
    line[line.index("--configfile") + 1 : line.index("--configfile") + 1] = [str(REPO / "config/test.yaml")]
    if "all" in line and "--cores" in line:
        line[line.index("--cores") + 1] = "2"
    line += ["--workflow-profile", str(REPO / "profiles/test")]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, env=environment(), timeout=1400)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", DATA)
def test_files_begin_as_the_text_shows(name, tmp_path):
    folder = prepared(name, tmp_path)
    shown = [block for block in blocks(DOCS / f"tutorials/{name}.md", "text") if block.option("title")]
    assert shown or name == "own-section"
    for block in shown:
        assert (folder / block.option("title")).read_text().startswith(block.text), block.option("title")
    text = (DOCS / f"tutorials/{name}.md").read_text(encoding="utf-8")
    named = set(re.findall(r"mine/[\w./]+\.(?:csv|txt|gctx|h5|json|yaml)\b", text))
    named -= {path for path in named if "tissue_positions_list" in path}
    assert named and not [path for path in named if not (folder / path).is_file()]


@pytest.mark.parametrize("name", RUN)
def test_tutorial(name, tmp_path):
    folder, page = prepared(name, tmp_path), DOCS / f"tutorials/{name}.md"
    for block in blocks(page, "sh"):
        broken = block.option("fails")
        if broken:
            path = folder / "mine" / broken
            lines = path.read_text().splitlines()
            cells = lines[3].split(",")
            path.write_text(
                "\n".join([*lines[:3], ",".join([cells[0], "-3", *cells[2:]]), *lines[4:]]) + "\n"
            )
        for words in commands(block):
            code, text = called(words, folder)
            if not broken:
                assert code == 0, f"{' '.join(words)}\n{text[-4000:]}"
                continue
            said = [line for line in text.splitlines() if line.startswith("latentome: error:")]
            assert code != 0 and len(said) == 1
            assert all(word in said[0] for word in (broken, "line 4", "-3")), said
        if not broken and "-n" not in words:
            last = words
    assert "--cores" in last
    named = result_paths(page)
    assert len(named) >= 5
    assert not [path for path in sorted(named) if not (folder / "mine" / path).exists()]
