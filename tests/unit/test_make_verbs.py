"""The verbs of make and CI: the real runner around commands without set-up."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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
