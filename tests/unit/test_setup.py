"""The set-up and the verbs of make, in a sandbox: a PATH of stubs that note their calls, and no network."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

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


# ---- one verb --------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path):
    """A folder with the real runner, for commands without set-up."""
    (tmp_path / "envs").mkdir()
    for name in ("Makefile", "envs/run.sh"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def verb(tree, *command, **options):
    command = ["bash", "envs/run.sh", "--bare", "figures", *command]
    return subprocess.run(command, cwd=tree, text=True, capture_output=True, timeout=60, **options)


def start(tree, *command):
    return subprocess.Popen(
        ["bash", "envs/run.sh", "--bare", "figures", *command],
        cwd=tree,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def number_in(path):
    return until(lambda: path.exists() and path.read_text().strip() and int(path.read_text().split()[0]))


def alive(process):
    """Whether it runs; an ended one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_verb_says_what_it_does_and_how_long_it_took(tree):
    run = verb(tree, "echo", "a b")
    assert run.returncode == 0
    assert run.stdout.splitlines()[:2] == ["make figures: echo a b", "a b"]
    assert re.fullmatch(r"make figures: done in \d+ min \d+ s", run.stdout.splitlines()[2])
    assert not (tree / ".make/run").exists()


def test_a_failure_keeps_its_exit_code(tree):
    run = verb(tree, "bash", "-c", "exit 7")
    assert run.returncode == 1
    assert "make figures: error: failed (exit 7) after 0 min" in run.stderr


def test_a_second_make_is_refused(tree):
    first = start(tree, "sleep", "60")
    number_in(tree / ".make/run")
    second = verb(tree, "true")
    assert second.returncode == 1
    assert f"error: 'make figures' (process {first.pid}, since 2" in second.stderr
    assert "holds the lock of this folder; wait" in second.stderr
    first.terminate()
    first.wait(20)
    assert verb(tree, "true").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_the_command_and_its_children(tree, number):
    run = start(tree, "bash", "-c", "sleep 60 & echo $! >child; wait")
    child = number_in(tree / "child")
    run.send_signal(number)
    assert run.wait(20) != 0
    until(lambda: not alive(child))


def test_what_a_killed_run_left_is_ended_and_nothing_else(tree):
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    run = start(tree, "bash", "-c", "sleep 60 & echo $! >child; wait")
    child = number_in(tree / "child")
    driver = number_in(tree / ".make/run")
    run.kill()
    run.wait()
    os.kill(driver, signal.SIGKILL)
    until(lambda: not alive(driver))
    assert alive(child)
    after = verb(tree, "true")
    assert f"ending what an interrupted run left, process {child}" in after.stdout
    assert not alive(child)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_killed_driver_takes_its_children_with_it(tree):
    run = start(tree, "bash", "-c", "sleep 60 & echo $! >child; wait")
    child = number_in(tree / "child")
    os.kill(number_in(tree / ".make/run"), signal.SIGKILL)
    assert run.wait(30) != 0
    assert not alive(child)


@pytest.mark.parametrize("token", ["none", "another"])
def test_a_process_whose_number_came_round_again_is_left_alone(tree, token):
    env = {**os.environ, "LATENTOME_RUN": "1.2"} if token == "another" else None
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True, env=env)
    (tree / ".make").mkdir()
    (tree / ".make/run").write_text(f"{stranger.pid} {stranger.pid}.1\n")
    after = verb(tree, "true")
    assert after.returncode == 0 and "ending" not in after.stdout
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def snakemake_stub(tree, body):
    path = tree / ".venv/bin/snakemake"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)
    (tree / ".snakemake/locks").mkdir(parents=True)
    (tree / ".snakemake/locks/0.input.lock").touch()
    return path


def test_the_lock_of_a_killed_snakemake_is_removed(tree):
    snakemake_stub(tree, 'echo "called $*"; rm -f .snakemake/locks/*')
    (tree / ".make").mkdir()
    (tree / ".make/run").write_text("1 1.1\n")
    run = verb(tree, "snakemake", "--cores", "1")
    assert "removing the lock" in run.stdout and "called --unlock" in run.stdout
    assert "called --cores 1" in run.stdout
    assert run.returncode == 0 and not (tree / ".make/run").exists()


def test_a_lock_that_make_did_not_leave_stays(tree):
    snakemake_stub(tree, "echo called")
    run = verb(tree, "true")
    assert "called" not in run.stdout
    assert list((tree / ".snakemake/locks").iterdir())


def test_a_lock_that_a_live_snakemake_holds_stays(tree):
    path = snakemake_stub(tree, "sleep 60; true")
    (tree / ".make").mkdir()
    (tree / ".make/run").write_text("1 1.1\n")
    live = subprocess.Popen([path], cwd=tree, start_new_session=True)
    until(lambda: "snakemake" in Path(f"/proc/{live.pid}/cmdline").read_text())
    run = verb(tree, "true")
    os.killpg(live.pid, signal.SIGKILL)
    live.wait()
    assert run.returncode == 1
    assert f"Snakemake is at work in this folder (process {live.pid})" in run.stderr
    assert list((tree / ".snakemake/locks").iterdir())


# ---- Makefile, CI ----------------------------------------------------------------------------------


def make(tree, *words, **options):
    return subprocess.run(["make", *words], cwd=tree, text=True, capture_output=True, timeout=60, **options)


def test_help_lists_every_verb():
    text = (ROOT / "Makefile").read_text()
    verbs = set(re.search(r"^\.PHONY: (.*)$", text, re.M)[1].split())
    assert {"help", "figures", "test", "test-slow", "lint", "lock", "report", "clean"} <= verbs
    listed = dict(re.findall(r"^  (\S+) +(\S.*)$", make(ROOT).stdout, re.M))
    assert set(listed) == verbs
    assert all(len(line) > 10 for verb, line in listed.items() if verb != "help")


def test_args_keep_their_quotes():
    shown = make(ROOT, "-n", "figures", "ARGS=--config 'mirror=a b'").stdout
    assert shown.strip() == "bash envs/run.sh figures snakemake --cores all --config 'mirror=a b'"


@pytest.mark.parametrize(("answer", "goes"), [("n\n", False), ("", False), ("y\n", True)])
def test_clean_asks_and_keeps_what_was_fetched(tree, answer, goes):
    (tree / "results").mkdir()
    (tree / "resources/raw").mkdir(parents=True)
    run = make(tree, "clean", input=answer)
    assert run.returncode == 0, run.stderr
    assert (tree / "results").exists() != goes
    assert (tree / "resources/raw").exists()


def test_ci_runs_make_test_with_ci_set(tmp_path):
    stub = tmp_path / "make"
    stub.write_text('#!/bin/bash\necho "make $* CI=$CI in $PWD"\nexit 3\n')
    stub.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = subprocess.run(["bash", ROOT / ".ci/run"], cwd="/", env=env, text=True, capture_output=True)
    assert run.returncode == 3
    assert run.stdout == f"make test CI=true in {ROOT}\n"


@pytest.mark.parametrize("ci", ["", "true"])
@pytest.mark.parametrize("words", [(), ("--run-slow",), ("-m", "slow")])
def test_skips_and_slow_tests(tmp_path, ci, words):
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    (tmp_path / "real").mkdir()
    (tmp_path / "real/test_mirror.py").write_text("def test_it():\n    pass\n")
    (tmp_path / "test_file.py").write_text("import pytest\npytest.importorskip('not_a_module')\n")
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "def test_plain():\n    pass\n"
        "@pytest.mark.slow\ndef test_slow():\n    pass\n"
        "def test_skip():\n    pytest.skip('no mirror')\n"
        "@pytest.mark.xfail\ndef test_expected():\n    assert False\n"
    )
    env = {**os.environ, "CI": ci}
    env.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *words]
    run = subprocess.run(command, cwd=tmp_path, env=env, text=True, capture_output=True)
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (\w+)", run.stdout.splitlines()[-1])}
    passed = {(): 1, ("--run-slow",): 3, ("-m", "slow"): 2}[words]
    if ci:  # a file that skips itself ends the run while it collects
        assert run.returncode != 0
        assert "could not import 'not_a_module'" in run.stdout
        (tmp_path / "test_file.py").unlink()
        run = subprocess.run(command, cwd=tmp_path, env=env, text=True, capture_output=True)
        counts = {word: int(n) for n, word in re.findall(r"(\d+) (\w+)", run.stdout.splitlines()[-1])}
        assert counts.get("failed", 0) == (words != ("-m", "slow"))
        assert "skipped" not in counts
    else:
        assert run.returncode == 0
        assert counts["skipped"] == 1 + (words != ("-m", "slow"))
    assert counts["passed"] == passed
    assert counts.get("xfailed", 0) == (words != ("-m", "slow"))


# ---- locks and conda files -------------------------------------------------------------------------


def pins(name):
    lines = (ROOT / "envs" / name).read_text().splitlines()
    return dict(line.split("==") for line in lines)


CONDA = sorted((ROOT / "envs").glob("*.yaml"))
CONDA_NAMES = {"matplotlib-base": "matplotlib", "pytorch-cpu": "torch", "pytorch-gpu": "torch"}
IMPORT_NAMES = {
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "scvi": "scvi-tools",
    "lightning_fabric": "lightning-fabric",
}


def conda_pins(path):
    """Package name, as PyPI has it, to the version asked for."""
    found = {}
    for line in yaml.safe_load(path.read_text())["dependencies"]:
        for spec in line["pip"] if isinstance(line, dict) else [line]:
            name, version = re.fullmatch(r"([a-z0-9-]+)(.*)", spec).groups()
            found[CONDA_NAMES.get(name, name)] = version
    return found


def test_locks_are_plain_pins():
    lock = pins("requirements.lock")
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in lock.values())
    wanted = re.findall(r"^([A-Za-z0-9-]+)", (ROOT / "envs/requirements.in").read_text(), re.M)
    assert {name.lower() for name in wanted} <= set(lock)
    for name in ("rpy2-r42.lock", "rpy2-r45.lock"):
        assert {"rpy2", "rpy2-rinterface", "rpy2-robjects", "cffi", "tzlocal"} <= set(pins(name))


@pytest.mark.parametrize("path", CONDA, ids=lambda path: path.name)
def test_conda_files_pin_what_the_lock_pins(path):
    lock, wanted = pins("requirements.lock"), conda_pins(path)
    assert yaml.safe_load(path.read_text())["channels"] == ["conda-forge", "bioconda", "nodefaults"]
    assert wanted["python"] == "=3.11"
    for name, version in wanted.items():
        if name in lock and version.startswith("="):
            pinned = version.lstrip("=").removesuffix("*").rstrip(".")
            assert f"{lock[name]}.".startswith(f"{pinned}."), (
                f"{path.name}: {name}{version}, the lock has {lock[name]}"
            )
    assert "pip install --no-deps" in path.with_suffix(".post-deploy.sh").read_text()


def imports(path, seen):
    """Third-party modules that a script imports, through the workflow's own modules."""
    if path in seen or not path.exists():
        return set()
    seen.add(path)
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            here = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*here, *([node.module] if node.module else [])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.startswith("workflow_scripts"):
                found |= imports(ROOT / f"{name.replace('.', '/')}.py", seen)
            else:
                found.add(name.split(".")[0])
    return found - sys.stdlib_module_names


@pytest.mark.parametrize("env", ["python", "deseq2"])
def test_conda_files_hold_every_import_of_their_rules(env):
    rules = "".join(f"\n{path.read_text()}" for path in (ROOT / "rules").glob("*.smk"))
    seen, found = set(), set()
    for rule in re.split(r"\nrule ", rules)[1:]:
        if f'envs/{env}.yaml"' in rule and (
            script := re.search(r'"\.\./(workflow_scripts/[^"]+\.py)"', rule)
        ):
            found |= imports(ROOT / script[1], seen)
    assert found
    assert {IMPORT_NAMES.get(name, name) for name in found} - set(
        conda_pins(ROOT / f"envs/{env}.yaml")
    ) == set()
