"""The set-up (envs/install.sh) in a sandbox: a PATH of stubs that note their calls, and no network."""

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = "bash sh env cat sha256sum cut sed grep tr head tail sort mkdir rm cp touch dirname sleep chmod"

STUBS = {
    "python3.11": """
case "$1 $2" in
  '-m venv') mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  '-m pip') [ "$3" = config ] && cat "$STATE/pip_config" 2>/dev/null
            [ "$3" = install ] && [ -e "$STATE/no_network" ] && exit 1 ;;
  '-W ignore') [ -e "$STATE/broken" ] && exit 1; echo 'torch 2 snakemake 9 R 4' ;;
  '-c '*exit*) ;;
  '-c '*) echo '(3, 11)' ;;
  --version*) echo 'Python 3.11.9' ;;
esac
exit 0""",
    "R": """echo "R version $(cat "$STATE/r_version") (of a stub)" """,
    "Rscript": """cat "$STATE/lacking" 2>/dev/null; exit 0""",
    "id": """cat "$STATE/uid" """,
    "apt-get": """[[ "$*" != *install* ]] || rm -f "$STATE/lacking"; exit 0""",
    "micromamba": """
mkdir -p .make/r/bin && cp "$(command -v R)" "$(command -v Rscript)" .make/r/bin && rm "$STATE/lacking" """,
    "uv": """
[[ "$*" != *--help* ]] || echo '  --torch-backend BACKEND'
[ "$1" != venv ] || { mkdir -p .venv/bin && cp "$(command -v python3.11)" .venv/bin/python; }
env | grep ^UV_ | sort >"$STATE/uv_env"
[[ "$*" != *--torch-backend* || ! -e "$STATE/no_backend" || "$*" == *--help* ]] || exit 1
[[ "$*" != *--no-index* || -e "$STATE/local_torch" ]] || exit 1
exit 0""",
}


class Sandbox:
    """A copy of the tree's set-up, and a PATH that holds the named stubs beside the plain tools."""

    def __init__(self, folder):
        self.tree, self.bin, self.state = folder / "tree", folder / "bin", folder / "state"
        for path in (self.tree / "envs", self.bin, self.state):
            path.mkdir(parents=True)
        for path in [ROOT / "Makefile", ROOT / "pyproject.toml", *(ROOT / "envs").iterdir()]:
            shutil.copy(path, self.tree / path.relative_to(ROOT))
        for tool in TOOLS.split():
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.set("uid", "1000")
        self.set("r_version", "4.2.2")
        self.stub("python3.11", "id")

    def set(self, name, text=""):
        (self.state / name).write_text(text)

    def stub(self, *names):
        for name in names:
            path = self.bin / name
            path.write_text(f'#!{shutil.which("bash")}\necho "{name} $*" >>"$STATE/log"\n{STUBS[name]}\n')
            path.chmod(0o755)

    def install(self, *words, **env):
        """Run the set-up; return its result, what it printed, and the calls of stubs in it."""
        (self.state / "log").unlink(missing_ok=True)
        env = {"PATH": str(self.bin), "STATE": str(self.state), "HOME": str(self.state), **env}
        run = subprocess.run(
            ["bash", "envs/install.sh", *words],
            cwd=self.tree,
            env=env,
            text=True,
            capture_output=True,
            timeout=60,
        )
        log = self.state / "log"
        return run, run.stdout + run.stderr, log.read_text() if log.exists() else ""


@pytest.fixture
def sandbox(tmp_path):
    return Sandbox(tmp_path)


# ---- R ---------------------------------------------------------------------------------------------


def test_with_r_at_hand_nothing_is_installed_but_packages(sandbox):
    sandbox.stub("R", "Rscript", "apt-get", "micromamba")
    sandbox.set("uid", "0")
    run, text, log = sandbox.install(NO_UV="1")
    assert run.returncode == 0, text
    assert "apt-get" not in log and "micromamba" not in log
    assert "pip install --quiet -r envs/requirements.lock" in log
    assert "-r envs/rpy2-r42.lock" in log and "--no-build-isolation -e ." in log
    assert "R 4.2.2 with DESeq2" in text and "ready after" in text


@pytest.mark.parametrize(("words", "also"), [((), False), (("--test",), True)])
def test_root_with_apt_installs_r_after_saying_so(sandbox, words, also):
    sandbox.stub("R", "Rscript", "apt-get")
    sandbox.set("uid", "0")
    sandbox.set("lacking", "DESeq2 ")
    run, text, log = sandbox.install(*words, NO_UV="1")
    assert run.returncode == 0, text
    assert "installing with apt" in text
    assert log.index("apt-get -qq update") < log.index("r-base-core r-bioc-deseq2 r-cran-mclust")
    assert "DPkg::Lock::Timeout=300" in log and "--no-install-recommends" in log
    assert ("r-bioc-edger r-bioc-limma r-cran-statmod" in log) == also


@pytest.mark.parametrize("why", ["not root", "NO_APT"])
def test_without_apt_a_conda_on_path_builds_r(sandbox, why):
    sandbox.stub("R", "Rscript", "apt-get", "micromamba")
    sandbox.set("uid", "0" if why == "NO_APT" else "1000")
    sandbox.set("lacking", "DESeq2 ")
    run, text, log = sandbox.install(NO_UV="1", **({"NO_APT": "1"} if why == "NO_APT" else {}))
    assert run.returncode == 0, text
    assert "apt-get" not in log
    assert f"micromamba create -y -p {sandbox.tree}/.make/r -f envs/deseq2.yaml" in log
    assert "R_HOME" in (sandbox.tree / ".make/env").read_text()
    assert f"{sandbox.tree}/.make/r/bin/R" in text
    run, text, log = sandbox.install(NO_UV="1")  # R is found again without asking conda
    assert run.returncode == 0 and "micromamba" not in log and "install" not in log


def test_no_r_and_no_way_to_it_names_two_commands(sandbox):
    run, text, log = sandbox.install(NO_UV="1")
    assert run.returncode == 1
    assert "error: no R with DESeq2" in text
    assert "sudo apt-get install -y --no-install-recommends r-base-core r-bioc-deseq2" in text
    assert "conda env create -p .make/r -f envs/deseq2.yaml" in text
    assert "pip install" not in log  # found out before minutes were spent on packages


def test_lacking_oracles_do_not_stop_the_tests(sandbox):
    sandbox.stub("R", "Rscript")
    sandbox.set("lacking", "edgeR statmod ")
    run, text, _ = sandbox.install("--test", NO_UV="1")
    assert run.returncode == 0
    assert "R lacks edgeR statmod : tests that compare with them are skipped" in text


@pytest.mark.parametrize(
    ("version", "lock"),
    [
        ("4.2.2", "r42"),
        ("4.4.3", "r42"),
        ("4.5.0", "r45"),
        ("4.5.1", "r45"),
        ("4.10.0", "r45"),
        ("5.0.0", "r45"),
    ],
)
def test_rpy2_follows_r(sandbox, version, lock):
    sandbox.stub("R", "Rscript")
    sandbox.set("r_version", version)
    _, text, log = sandbox.install(NO_UV="1")
    assert f"-r envs/rpy2-{lock}.lock" in log
    assert f"rpy2 for R {version}" in text


def test_another_r_rebuilds_rpy2_alone(sandbox):
    sandbox.stub("R", "Rscript")
    sandbox.install(NO_UV="1")
    sandbox.set("r_version", "4.5.1")
    _, _, log = sandbox.install(NO_UV="1")
    assert "envs/rpy2-r45.lock" in log and "--force-reinstall" in log
    assert "requirements.lock" not in log


# ---- Python, repeats, breaks -----------------------------------------------------------------------


def test_a_repeat_does_nothing_and_is_quick(sandbox):
    sandbox.stub("R", "Rscript", "uv")
    assert sandbox.install()[0].returncode == 0
    started = time.monotonic()
    run, text, log = sandbox.install()
    assert time.monotonic() - started < 3
    assert run.returncode == 0
    assert "install" not in log and "venv" not in log and "Rscript" not in log
    assert text.strip().splitlines()[-1].startswith("setup: ready after")


def test_a_changed_lock_is_installed(sandbox):
    sandbox.stub("R", "Rscript")
    sandbox.install(NO_UV="1")
    with (sandbox.tree / "envs/requirements.lock").open("a") as lock:
        lock.write("another==1\n")
    _, _, log = sandbox.install(NO_UV="1")
    assert "-r envs/requirements.lock" in log
    assert "-m venv" not in log


@pytest.mark.parametrize("how", ["interrupted", "python gone", "moved"])
def test_a_broken_environment_is_built_anew(sandbox, how):
    sandbox.stub("R", "Rscript")
    sandbox.install(NO_UV="1")
    if how == "interrupted":
        (sandbox.tree / ".make/installing").touch()
    elif how == "python gone":
        (sandbox.tree / ".venv/bin/python").unlink()
    else:
        sandbox.tree = sandbox.tree.rename(sandbox.tree.parent / "elsewhere")
    run, text, log = sandbox.install(NO_UV="1")
    assert run.returncode == 0
    assert "building it anew" in text
    assert "-m venv .venv" in log and "requirements.lock" in log


def test_packages_out_of_reach_are_an_error_and_tried_again(sandbox):
    sandbox.stub("R", "Rscript")
    sandbox.set("no_network")
    run, text, _ = sandbox.install(NO_UV="1")
    assert run.returncode == 1
    assert "error: packages cannot be installed" in text and "make again" in text
    (sandbox.state / "no_network").unlink()
    run, _, log = sandbox.install(NO_UV="1")
    assert run.returncode == 0 and "requirements.lock" in log


def test_an_environment_that_does_not_import_is_an_error_each_time(sandbox):
    sandbox.stub("R", "Rscript")
    sandbox.set("broken")
    for _ in range(2):
        run, text, _ = sandbox.install(NO_UV="1")
        assert run.returncode == 1 and "the environment does not work" in text


def test_no_python_is_an_error_with_the_remedy(sandbox):
    (sandbox.bin / "python3.11").unlink()
    run, text, _ = sandbox.install()
    assert run.returncode == 1
    assert "no Python 3.11 to 3.13 on PATH; install one" in text


def test_a_wrong_python_is_named(sandbox):
    run, text, _ = sandbox.install(PYTHON="python2")
    assert run.returncode == 1
    assert "PYTHON=python2 is not a Python 3.11 to 3.13" in text


def test_unknown_words_are_refused(sandbox):
    run, text, log = sandbox.install("--tset")
    assert run.returncode == 1 and "not --tset" in text and log == ""


# ---- uv --------------------------------------------------------------------------------------------


def test_uv_gets_the_settings_of_pip(sandbox):
    sandbox.stub("R", "Rscript", "uv")
    sandbox.set("local_torch")
    sandbox.set(
        "pip_config",
        "global.extra-index-url='\\nfile:///a\\nfile:///b'\nglobal.find-links='/wheels /more'\n"
        "global.index-url='https://example.org/simple'\n",
    )
    run, text, log = sandbox.install()
    assert run.returncode == 0, text
    env = dict(line.split("=", 1) for line in (sandbox.state / "uv_env").read_text().splitlines())
    assert env["UV_DEFAULT_INDEX"] == "https://example.org/simple"
    assert env["UV_INDEX"] == "file:///a file:///b"
    assert env["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert env["UV_FIND_LINKS"] == "/wheels,/more"
    assert "--no-index torch==" in log and not re.search("--torch-backend cpu", log)
    assert "from the local wheels" in text


def test_what_the_environment_says_beats_the_file(sandbox):
    sandbox.stub("R", "Rscript", "uv")
    sandbox.set("pip_config", ":env:.index-url='x'\nglobal.index-url='https://example.org/file'\n")
    sandbox.install(PIP_INDEX_URL="https://example.org/env")
    assert "UV_DEFAULT_INDEX=https://example.org/env" in (sandbox.state / "uv_env").read_text()


@pytest.mark.parametrize("backend", ["cpu", "auto"])
def test_torch_comes_from_its_backend(sandbox, backend):
    sandbox.stub("R", "Rscript", "uv")
    _, text, log = sandbox.install(TORCH_BACKEND=backend)
    assert re.search(rf"uv pip install .*--torch-backend {backend} torch==", log)
    assert log.index("--torch-backend") < log.index("-r envs/requirements.lock")
    assert "--compile-bytecode" in log and "cannot be reached" not in text


def test_a_backend_out_of_reach_falls_back_and_says_so(sandbox):
    sandbox.stub("R", "Rscript", "uv")
    sandbox.set("no_backend")
    run, text, log = sandbox.install()
    assert run.returncode == 0
    assert "that build cannot be reached: taking the default index's" in text
    assert re.search(r"uv pip install [^\n]*--no-deps torch==", log)


# ---- documentation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "also"), [((), False), (("--test",), True), (("--docs",), True)])
def test_the_documentations_packages_are_optional(sandbox, words, also):
    sandbox.stub("R", "Rscript")
    run, text, log = sandbox.install(*words, NO_UV="1")
    assert run.returncode == 0, text
    assert ("-r envs/docs.lock" in log) == also
    run, text, log = sandbox.install(*words, NO_UV="1")
    assert run.returncode == 0 and "docs.lock" not in log, text


def test_the_two_locks_agree():
    pins = {}
    for name in ("requirements.lock", "docs.lock"):
        lines = (ROOT / "envs" / name).read_text().split()
        pins[name] = dict(line.lower().split("==") for line in lines if "==" in line)
    both = set(pins["requirements.lock"]) & set(pins["docs.lock"])
    assert {"pyyaml", "jinja2"} <= both and "mkdocs" in pins["docs.lock"]
    assert not [name for name in both if pins["requirements.lock"][name] != pins["docs.lock"][name]]
