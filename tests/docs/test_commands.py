"""Every command in the documentation exists: verbs, targets, options, files; what can be planned is planned.

The tutorials, the how-to pages and the page on weights are run whole by tests of their own.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pages import PAGES, REPO, Block, blocks, commands
from runs import environment, run
from snakemake.cli import get_argument_parser

VERBS = set(re.findall(r"^([a-z-]+):.*## ", (REPO / "Makefile").read_text(encoding="utf-8"), re.M))
# What make and install.sh read from the environment.
KNOBS = {
    "ARGS",
    "TORCH_BACKEND",
    "NO_APT",
    "NO_UV",
    "PYTHON",
    "UPGRADE",
    "YES",
    "UV_INDEX_URL",
    "HTTPS_PROXY",
}
# Of a site, not of the project: these cannot be run here.
SITE = {
    "tmux",
    "squeue",
    "scancel",
    "sbatch",
    "tensorboard",
    "apptainer",
    "docker",
    "export",
    "mkdir",
    "pre-commit",
    "conda",
    "sudo",
}
RUN_WHOLE = {
    "own-counts",
    "own-signatures",
    "own-section",
    "add-a-dataset",
    "add-a-model",
    "add-a-figure",
    "reuse-weights",
}
PROGRAMS = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(make|snakemake)\b")


def is_command(block: Block) -> bool:
    """Whether a block is of commands; older pages do not say its language."""
    programs = any(PROGRAMS.match(line.strip()) for line in block.text.splitlines())
    return block.language == "sh" or (not block.language and programs)


def of_pages() -> list:
    """Return each command once, with the page that has it."""
    found = {}
    for page in PAGES:
        lines = [words for block in blocks(page) if is_command(block) for words in commands(block)]
        # In the running text, commands are code spans.
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        spans = [span for span in re.findall(r"`([^`\n]+)`", text) if PROGRAMS.match(span) and " " in span]
        for words in [*lines, *map(shlex.split, spans)]:
            found.setdefault(tuple(words), page.relative_to(REPO).as_posix())
    return [pytest.param(list(words), id=f"{page}: {' '.join(words)[:70]}") for words, page in found.items()]


COMMANDS = of_pages()


def without_knobs(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return a command without its leading settings of the environment, and these."""
    knobs = {}
    while words and re.match(r"^[A-Z_]+=", words[0]):
        name, value = words[0].split("=", 1)
        knobs[name], words = value, words[1:]
    return words, knobs


def snakemake_options(words: list[str]) -> set[str]:
    """Return the long options in a command."""
    return {word.split("=")[0] for word in words if word.startswith("--") and word != "--"}


KNOWN = set(get_argument_parser()._option_string_actions)  # of Snakemake; argparse has no public list
# Of plugins that are not installed here: the executors that docs/cluster.md says were not run.
PLUGINS = {"--cluster-generic-submit-cmd", "--default-storage-provider", "--default-storage-prefix"}


@pytest.mark.parametrize("words", COMMANDS)
def test_command_is_known(words):
    words, knobs = without_knobs(words)
    assert set(knobs) <= KNOBS
    if not words:
        return
    program, rest = Path(words[0]).name, words[1:]
    if program == "make":
        verbs = [word for word in rest if "=" not in word]
        settings = [word.split("=", 1) for word in rest if "=" in word]
        assert set(verbs) <= VERBS, f"make has no {', '.join(set(verbs) - VERBS)}"
        assert {name for name, _ in settings} <= KNOBS
        given = [word for name, value in settings if name == "ARGS" for word in shlex.split(value)]
        if set(verbs) <= {"figures", "report"}:
            assert snakemake_options(given) <= KNOWN | PLUGINS
    elif program == "snakemake":
        assert snakemake_options(rest) <= KNOWN | PLUGINS
        assert not [
            word
            for word in re.findall(r"(?:profiles|config)/[\w./-]+", " ".join(rest))
            if not (REPO / word).exists()
        ]
    elif program in ("python", "git", "bash"):
        files = [word for word in rest if "/" in word]
        assert not [word for word in files if not (REPO / word).exists()]
    else:
        assert program in SITE, f"{program}: a command that no test knows"


def plannable() -> list:
    """Return the Snakemake commands that are not run elsewhere and need nothing of the reader's."""
    found = []
    for one in COMMANDS:
        words, _ = without_knobs(one.values[0])
        page = one.id.split(":")[0]
        if not words or Path(words[0]).name != "snakemake" or Path(page).stem in RUN_WHOLE:
            continue
        text = " ".join(words)
        if re.search(
            r"my\.yaml|FOLDER|TARGET|FILE|RULE|BUCKET|--unlock|--report|profiles/|\.\.\.|/data/", text
        ):
            continue
        found.append(pytest.param(words[1:], id=one.id))
    return found


@pytest.mark.parametrize("words", plannable())
def test_command_can_be_planned(words, tmp_path):
    words = ["2" if word == "all" and words[k - 1] == "--cores" else word for k, word in enumerate(words)]
    line = [sys.executable, "-m", "snakemake", "-s", str(REPO / "Snakefile"), "--directory", str(tmp_path)]
    (tmp_path / "mirror").mkdir()
    (tmp_path / "cache").mkdir()
    words = [word.replace("mirror=PATH", f"mirror={tmp_path / 'mirror'}") for word in words]
    line += ["--workflow-profile", str(REPO / "profiles/test"), "-n", *words]
    env = environment(SNAKEMAKE_OUTPUT_CACHE=str(tmp_path / "cache"))
    done = subprocess.run(line, cwd=REPO, capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def config_blocks() -> list:
    """Return the blocks of config that stand on pages whose tutorial is not run whole."""
    found = []
    for page in PAGES:
        if page.stem in RUN_WHOLE:
            continue
        for k, block in enumerate(blocks(page, "yaml")):
            found.append(pytest.param(block.text, id=f"{page.relative_to(REPO)}-{k}"))
    return found


@pytest.mark.parametrize("text", config_blocks())
def test_config_block_is_valid(text, tmp_path):
    """The schema takes it: the run ends because the reader's files are missing, or does not end at all."""
    overlay = yaml.safe_load(text)
    path = tmp_path / "block.yaml"
    path.write_text(text, encoding="utf-8")
    done = run(tmp_path, "results/config.yaml", "-n", overlays=(str(path),))
    if done.code:
        said = " ".join(done.text.split())
        assert "which does not exist" in said or "needs" in said, done.text[-2000:]
    assert isinstance(overlay, dict)


def test_every_verb_is_documented():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert VERBS and not [verb for verb in VERBS - {"help"} if f"make {verb}" not in text]
