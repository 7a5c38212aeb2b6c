"""Trainings side by side on a machine with several GPUs take one each."""

import select
import subprocess
import sys

import pytest

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.training import gpu_slots

HOLDER = """
import sys
from pathlib import Path
from workflow_scripts.lib.training.gpu_slots import claim_gpu
print(claim_gpu(["GPU-a", "GPU-b"], Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Start a process that claims one of two GPUs, tells which, and holds it until its input is closed."""
    running = []

    def started() -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path / "slots")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        running.append(process)
        return process

    yield started
    for process in running:
        process.kill()
        process.wait()


def test_two_processes_hold_two_gpus_and_a_third_waits_for_one_of_them(start):
    first, second = start(), start()
    held = {process: int(process.stdout.readline()) for process in (first, second)}
    assert set(held.values()) == {0, 1}
    third = start()
    assert not select.select([third.stdout], [], [], 5)[0], "no GPU was free"
    second.kill()  # no chance to give anything back
    assert int(third.stdout.readline()) == held[second]


def test_a_process_keeps_its_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_slots, "_held", {})
    assert gpu_slots.claim_gpu(["GPU-c", "GPU-d"], tmp_path) == 0
    assert gpu_slots.claim_gpu(["GPU-c", "GPU-d"], tmp_path) == 0
    # Seen in another order, it is the same GPU still.
    assert gpu_slots.claim_gpu(["GPU-d", "GPU-c"], tmp_path) == 1


def test_a_folder_that_others_may_write_to_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_slots, "_held", {})
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(LatentomeError, match="only you may write to"):
        gpu_slots.claim_gpu(["GPU-a"], tmp_path / "open")


def test_a_lock_that_is_a_link_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_slots, "_held", {})
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / "GPU-a.lock").symlink_to(victim)
    with pytest.raises(OSError, match="GPU-a.lock"):
        gpu_slots.claim_gpu(["GPU-a"], tmp_path)
    assert victim.read_text() == "kept"


def test_locks_are_of_one_user():
    folder = gpu_slots.slots_folder()
    assert folder.name.startswith("latentome-gpus-") and folder.is_absolute()
