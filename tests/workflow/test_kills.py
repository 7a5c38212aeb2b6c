"""Random kill -9 of the workflow as `make` runs it: a rerun goes on, and its tables are the undisturbed run's."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from runs import REPO, digests, environment, good, run

LITTER = (".part", ".tmp")
# Some ten minutes the one, near an hour the other.
pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of the project with this environment: make's record of its runs is a folder's own."""
    folder = tmp_path / "project"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPO, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    for name in listed.split("\0"):
        if name and not name.startswith("tests/") and (REPO / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPO / name, folder / name)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    return folder


def start(project: Path, overlays: tuple[str, ...]) -> subprocess.Popen:
    line = ["bash", "envs/run.sh", "--bare", "figures", "snakemake", "--cores", "2"]
    line += ["--workflow-profile", "profiles/test"]
    for overlay in overlays:
        line += ["--configfile", f"config/{overlay}.yaml"]
    with (project / "console").open("ab") as console:
        return subprocess.Popen(
            line, cwd=project, env=environment(), stdout=console, stderr=console, start_new_session=True
        )


def processes(project: Path) -> dict[str, list[int]]:
    """Processes of the run by what they are: the driver, and the scripts of jobs."""
    found: dict[str, list[int]] = {"driver": [], "job": []}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            here = (process / "cwd").resolve() == project
        except OSError:
            continue
        if not here or len(words) < 2:
            continue
        if b".snakemake/scripts/" in words[1]:
            found["job"].append(int(process.name))
        elif words[1].endswith(b"/snakemake"):
            found["driver"].append(int(process.name))
    return found


def kill_one(project: Path, running: subprocess.Popen, rng: random.Random) -> str:
    """Kill the driver, a job, or make itself; what it was."""
    kind = rng.choice(["driver", "job", "make"])
    victims = [running.pid] if kind == "make" else processes(project)[kind]
    if not victims:  # between two jobs, or before the first
        kind, victims = "make", [running.pid]
    with suppress(ProcessLookupError):  # it has ended meanwhile
        os.kill(rng.choice(victims), signal.SIGKILL)
    return kind


def killed_at_random(project: Path, kills: int, seconds: tuple[float, float], overlays) -> list[str]:
    """Start, wait some seconds and kill, that many times; then let a run end. What was killed."""
    rng = random.Random(20261122)
    killed = []
    for _ in range(kills):
        running = start(project, overlays)
        time.sleep(rng.uniform(*seconds))
        if running.poll() is not None:
            break
        killed.append(kill_one(project, running, rng))
        # A killed job ends the run at once; a killed make leaves the rest at work for the next start to end.
        running.wait(timeout=600)
    running = start(project, overlays)
    assert running.wait(timeout=3600) == 0, (project / "console").read_text(errors="replace")[-4000:]
    return killed


def as_undisturbed(project: Path, alone: Path) -> None:
    """Check that all files are those of an undisturbed run, and that nothing of the kills is left."""
    mine, undisturbed = digests(project), digests(alone)
    assert mine.keys() == undisturbed.keys()
    assert not [name for name in undisturbed if mine[name] != undisturbed[name]]
    results = project / "results"
    assert not [path for path in results.rglob("*") if path.name.endswith(LITTER)]
    assert not [path for path in (results / "checkpoints").rglob("*") if path.is_file()]
    assert not list((project / ".snakemake/locks").iterdir())
    assert not (project / ".make/run").exists()
    assert not any(processes(project).values())


@pytest.mark.timeout(3600)
def test_killed_twenty_times_at_random(project, demo):
    killed = killed_at_random(project, 20, (2.0, 12.0), ("test",))
    assert len(killed) >= 10 and {"driver", "job", "make"} <= set(killed), killed
    as_undisturbed(project, demo.folder)


@pytest.mark.timeout(3 * 3600)
def test_the_demo_killed_three_times(project, tmp_path):
    killed = killed_at_random(project, 3, (60.0, 300.0), ())
    assert len(killed) == 3, killed
    as_undisturbed(project, good(run(tmp_path / "alone", overlays=(), timeout=3600)).folder)
