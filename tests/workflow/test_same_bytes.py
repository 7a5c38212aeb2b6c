"""The same seed gives the same bytes: in another folder, and after kills of the training job at random moments."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from runs import command, digests, environment, good, run, wait_for

WEIGHTS = "results/bulk/demo/models/nbvae/seed0/model.safetensors"
# Enough epochs that a kill finds the network in training; no early stop.
LONG = {"bulk": {"nbvae": {"epochs": 2000, "patience": 10000}}}
KILLS = 5

# Two more runs of the workflow, and its training killed five times: minutes, so with the chaos tests.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(5400)]


def test_second_folder_has_the_same_bytes(demo, tmp_path):
    again = good(run(tmp_path, timeout=3600))
    first, second = digests(demo.folder), digests(again.folder)
    first.pop("config.yaml"), second.pop("config.yaml")
    assert first.keys() == second.keys() and len(first) > 70
    assert not {name for name in first if first[name] != second[name]}


def training(folder: Path) -> list[int]:
    """Processes of the training script that run in `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            here = (process / "cwd").resolve() == folder
        except OSError:
            continue
        if here and any(word.endswith(b"train_nbvae.py") for word in words):
            found.append(int(process.name))
    return found


def epochs_logged(folder: Path) -> int:
    """Lines of the training log: what the loop itself has told of its progress."""
    logs = list((folder / "results/logs").rglob("training.csv"))
    return logs[0].read_text().count("\n") if logs else 0


def start(folder: Path) -> subprocess.Popen:
    line = command(folder, WEIGHTS, overlays=("test", LONG))
    with (folder / "console").open("ab") as console:
        return subprocess.Popen(
            line, cwd=folder, env=environment(), stdout=console, stderr=console, start_new_session=True
        )


def end(driver: subprocess.Popen, *signalled: int) -> int:
    """Wait for the driver, and see that nothing it started is left."""
    try:
        return driver.wait(timeout=120)
    finally:
        for process in signalled:
            wait_for(
                lambda process=process: not Path(f"/proc/{process}").exists() or zombie(process),
                "end of the job",
            )


def zombie(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def disturb(folder: Path, number: int, rng: random.Random) -> None:
    """One run that does not live to its end; what it was doing differs by `number`."""
    driver = start(folder)
    job = wait_for(lambda: training(folder) or driver.poll() is not None, "training job")
    assert driver.poll() is None, (folder / "console").read_text()[-3000:]
    if number == 0:  # while it imports or reads
        time.sleep(rng.uniform(0, 1))
    else:
        wait_for(lambda: epochs_logged(folder) > 1, "first line of the training log")
        time.sleep(rng.uniform(0, 1.5))
    if number == 2:  # an orderly stop leaves a checkpoint, from which the next goes on
        os.kill(job[0], signal.SIGTERM)
    elif number == 3:  # the driver first, then its orphan
        driver.kill()
        time.sleep(rng.uniform(0, 0.3))
        os.kill(job[0], signal.SIGKILL)
    else:
        os.kill(job[0], signal.SIGKILL)
    code = end(driver, *job)
    assert code != 0
    assert not (folder / WEIGHTS).exists() or number == 3
    if number == 2:
        assert list((folder / "results/checkpoints").rglob("*.safetensors"))


def test_killed_training_ends_with_the_same_bytes(tmp_path):
    calm, wild = tmp_path / "calm", tmp_path / "wild"
    for folder in (calm, wild):
        folder.mkdir()
    rng = random.Random(20260101)
    good(run(calm, WEIGHTS, overlays=("test", LONG)))
    shutil.copytree(calm / "results/raw", wild / "results/raw")
    for number in range(KILLS):
        disturb(wild, number, rng)
        for told in (wild / "results/logs").rglob("training.csv"):
            told.unlink()  # the next run's first line is waited for
        if number == 3:
            locked = run(wild, WEIGHTS, overlays=("test", LONG))
            assert locked.code != 0 and "lock" in locked.text.lower()
            good(run(wild, "--unlock", overlays=("test", LONG)))
    good(run(wild, WEIGHTS, overlays=("test", LONG)))
    assert digests(wild) == digests(calm)
    left = [path for path in (wild / "results").rglob("*") if path.name.endswith(".tmp")]
    left += [path for path in (wild / "results/checkpoints").rglob("*") if path.is_file()]
    assert not left


@pytest.mark.parametrize("cores", ["1"])
def test_number_of_cores_does_not_matter(demo, tmp_path, cores):
    done = good(run(tmp_path, WEIGHTS, "spatial", "molecules", "--cores", cores, timeout=3600))
    one, two = digests(done.folder), digests(demo.folder)
    assert {name: two[name] for name in one} == one
