from __future__ import annotations

import csv
import json
import logging
import multiprocessing
import os
import random
import signal
import time

import pytest
import torch
from training_toys import Adversarial, Line, settings, train_adversarial, train_to_file

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import write_atomic
from workflow_scripts.lib.training import checkpoint
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.progress import CSV_NAME

# One server imports torch once; its children start at once and have no threads of ours.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["workflow_scripts.lib.training.loop"])

STATE = {
    "weights": {"a/b": torch.arange(6.0).reshape(2, 3), "a": {"b": torch.tensor(True)}},
    "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "groups": [{"betas": (0.9, 0.999), "lr": 1e-3}]},
    "half": torch.tensor([1.5], dtype=torch.bfloat16),
    "none": None,
    "numbers": [1, 0.1, True, "text", [], {}, ()],
    "python": random.Random(1).getstate(),
}


def same(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def rows(folder) -> list[dict[str, str]]:
    with (folder / "log" / CSV_NAME).open() as handle:
        return list(csv.DictReader(handle))


def test_a_state_comes_back_as_it_was(tmp_path):
    checkpoint.save(tmp_path, STATE)
    assert same(checkpoint.load(tmp_path), STATE)


def test_tied_and_transposed_tensors_are_kept(tmp_path):
    x = torch.rand(2, 3)
    checkpoint.save(tmp_path, {"x": x, "tied": x, "turned": x.T})
    back = checkpoint.load(tmp_path)
    assert back is not None and torch.equal(back["tied"], x) and torch.equal(back["turned"], x.T)


def test_what_is_neither_tensor_nor_json_is_refused(tmp_path):
    with pytest.raises(TypeError, match="cannot hold set .at /a"):
        checkpoint.save(tmp_path, {"a": {1}})
    assert checkpoint.load(tmp_path) is None


def test_two_generations_are_kept(tmp_path):
    for number in range(5):
        checkpoint.save(tmp_path, {"number": number})
    assert [path.name[:8] for path in sorted(tmp_path.iterdir())] == ["00000004", "00000005"]
    assert checkpoint.load(tmp_path) == {"number": 4}


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_newest_generation_falls_back_to_the_one_before(tmp_path, damage, caplog):
    checkpoint.save(tmp_path, {"number": 0, "x": torch.zeros(100)})
    newest = checkpoint.save(tmp_path, {"number": 1, "x": torch.ones(100)})
    data = bytearray(newest.read_bytes())
    if damage == "flip":
        data[-5] ^= 1
    newest.write_bytes(data if damage == "flip" else data[:-50] if damage == "cut" else b"")
    back = checkpoint.load(tmp_path)
    assert back is not None and back["number"] == 0
    assert "is damaged and passed over" in caplog.text and not newest.exists()
    # The damaged one must not count as one of the two.
    checkpoint.save(tmp_path, {"number": 2})
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_left_overs_of_an_interrupted_write_are_removed(tmp_path):
    left_over = tmp_path / ".00000001-abc.safetensors.77.tmp"
    left_over.write_bytes(b"half")
    assert checkpoint.load(tmp_path) is None and not left_over.exists()


def test_a_failing_write_leaves_the_generations(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, {"number": 0})

    def full(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(tmp_path, {"number": 1})
    assert checkpoint.load(tmp_path) == {"number": 0}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, "old")

    def interrupted(self, target):
        assert self.read_text() == "new" and target.read_text() == "old"
        raise KeyboardInterrupt

    monkeypatch.setattr(type(path), "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_folder_depends_on_every_fact_and_on_torch(tmp_path, monkeypatch):
    folder = checkpoint.checkpoint_folder(tmp_path, "train_vae", {"seed": 1, "code": "ab"})
    assert folder.parent == tmp_path / "train_vae" and len(folder.name) == 16
    assert folder == checkpoint.checkpoint_folder(tmp_path, "train_vae", {"code": "ab", "seed": 1})
    assert folder != checkpoint.checkpoint_folder(tmp_path, "train_vae", {"code": "ab", "seed": 2})
    monkeypatch.setattr(torch, "__version__", "0.0")
    assert folder != checkpoint.checkpoint_folder(tmp_path, "train_vae", {"seed": 1, "code": "ab"})
    with pytest.raises(TypeError):
        checkpoint.checkpoint_folder(tmp_path, "train_vae", {"object": object()})


def hold(folder, held, release) -> None:
    with checkpoint.lock(folder):
        held.set()
        release.wait(30)


def test_a_second_process_on_one_folder_is_refused_and_told_who_holds_it(tmp_path):
    held, release = processes.Event(), processes.Event()
    process = processes.Process(target=hold, args=(tmp_path / "c", held, release))
    process.start()
    try:
        assert held.wait(30)
        with pytest.raises(LatentomeError, match=f"in use by pid {process.pid} on .*; expected one job"):
            with checkpoint.lock(tmp_path / "c"):
                pass
    finally:
        process.kill()
        process.join()
    with checkpoint.lock(tmp_path / "c") as folder:
        assert f"pid {os.getpid()} " in (folder / "lock").read_text()


def test_a_lock_on_a_discarded_folder_does_not_count(tmp_path, monkeypatch):
    folder = tmp_path / "c"
    flock = checkpoint.fcntl.flock
    calls = []

    def discarded_in_between(handle, how):
        calls.append(how)
        if len(calls) == 1:
            checkpoint.discard(folder)
        flock(handle, how)

    monkeypatch.setattr(checkpoint.fcntl, "flock", discarded_in_between)
    with checkpoint.lock(folder):
        assert len(calls) == 2
        with pytest.raises(LatentomeError), checkpoint.lock(folder):
            pass


def test_discard_within_the_lock_leaves_nothing(tmp_path):
    folder = tmp_path / "rule" / "digest"
    with checkpoint.lock(folder):
        checkpoint.save(folder / "seed1", {"number": 0})
        checkpoint.discard(folder)
    assert not folder.exists()
    checkpoint.discard(folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> bytes:
    return train_adversarial(tmp_path_factory.mktemp("undisturbed"), checkpoint_every_seconds=None)


@pytest.mark.parametrize("stop_at", range(1, 25))
def test_sigterm_at_any_step_exits_75_and_resumes_to_the_same_bytes(
    tmp_path, undisturbed, stop_at, monkeypatch
):
    losses, steps = Adversarial.losses, []

    def stopping(self, turn, index, rng):
        if turn == "critic" and (not steps or steps[-1] != self.step):
            steps.append(self.step)
            if len(steps) == stop_at:
                os.kill(os.getpid(), signal.SIGTERM)
        return losses(self, turn, index, rng)

    monkeypatch.setattr(Adversarial, "losses", stopping)
    with pytest.raises(SystemExit) as stopped:
        train_adversarial(tmp_path)
    assert stopped.value.code == 75
    assert len(steps) == stop_at
    assert train_adversarial(tmp_path) == undisturbed
    assert steps == list(range(24))
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("every, damaged, resumed", [(1, False, 2), (2, False, 2), (1, True, 1)])
def test_a_crash_resumes_from_the_last_sound_checkpoint(
    tmp_path, undisturbed, every, damaged, resumed, monkeypatch, caplog
):
    validate, calls = Adversarial.validate, []

    def crashing(self, rng):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("crash")
        return validate(self, rng)

    monkeypatch.setattr(Adversarial, "validate", crashing)
    changes = {"checkpoint_every_epochs": every, "checkpoint_every_seconds": None}
    with pytest.raises(RuntimeError, match="crash"):
        train_adversarial(tmp_path, **changes)
    if damaged:
        newest = max((tmp_path / "checkpoint").glob("*.safetensors"))
        newest.write_bytes(newest.read_bytes()[:-9])
    with caplog.at_level(logging.INFO, logger="latentome"):
        assert train_adversarial(tmp_path, **changes) == undisturbed
    assert f"resumed after epoch {resumed}, step {6 * resumed}" in caplog.text


def test_kill_at_random_moments_resumes_to_the_same_bytes(tmp_path):
    changes = {"epochs": 12, "checkpoint_every_seconds": 0.02, "patience": 6}
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    chance = random.Random(time.time_ns())
    delays = [chance.uniform(0.0, 0.3) for _ in range(5)]

    def start(folder):
        process = processes.Process(target=train_to_file, args=(folder, 0.01, changes))
        process.start()
        return process

    whole = start(tmp_path / "whole")
    killed = 0
    for delay in delays:
        (tmp_path / "killed" / "started").unlink(missing_ok=True)
        process = start(tmp_path / "killed")
        while not (tmp_path / "killed" / "started").exists():
            assert process.is_alive()
            time.sleep(0.005)
        time.sleep(delay)
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    assert list((tmp_path / "killed" / "checkpoint").glob("*.safetensors")), delays
    last = start(tmp_path / "killed")
    for process in (whole, last):
        process.join()
        assert process.exitcode == 0
    assert killed >= 3, delays
    assert (tmp_path / "killed" / "final").read_bytes() == (tmp_path / "whole" / "final").read_bytes(), delays
    epochs = [row["epoch"] for row in rows(tmp_path / "killed")]
    assert epochs == [str(epoch) for epoch in range(1, 9)]
    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")


def test_csv_rows_beyond_the_checkpoint_or_torn_are_dropped(tmp_path):
    train_adversarial(tmp_path, checkpoint_every_seconds=None)
    whole = (tmp_path / "log" / CSV_NAME).read_text()
    with (tmp_path / "log" / CSV_NAME).open("a") as handle:
        handle.write("9,54,1.0\n10,6")
    train_adversarial(tmp_path, checkpoint_every_seconds=None)
    assert (tmp_path / "log" / CSV_NAME).read_text() == whole


def test_a_finished_run_is_read_not_repeated(tmp_path, undisturbed, monkeypatch):
    assert train_adversarial(tmp_path) == undisturbed
    monkeypatch.setattr(Adversarial, "losses", None)
    assert train_adversarial(tmp_path) == undisturbed


def test_a_checkpoint_of_other_settings_or_another_network_is_refused(tmp_path):
    fit(Line(), settings(), checkpoint_dir=tmp_path)
    with pytest.raises(LatentomeError, match="belongs to a run with other settings.*remove the folder"):
        fit(Line(), settings(seed=6), checkpoint_dir=tmp_path)
    other = Line()
    other.network = torch.nn.Sequential(other.network)
    with pytest.raises(LatentomeError, match="does not fit this network"):
        fit(other, settings(), checkpoint_dir=tmp_path)
    fit(Line(), settings(checkpoint_every_epochs=3, device="auto", tensorboard=True), checkpoint_dir=tmp_path)


def test_a_checkpoint_of_another_device_goes_on_with_new_noise(tmp_path, caplog):
    fit(Line(), settings(), checkpoint_dir=tmp_path)
    state = checkpoint.load(tmp_path)
    assert state is not None
    state["device"], state["noise"] = "cuda", torch.zeros(16, dtype=torch.uint8)
    state["position"]["epoch"] = 2
    checkpoint.save(tmp_path, state)
    assert fit(Line(), settings(), checkpoint_dir=tmp_path).epochs_run == 4
    assert "resumed on another device" in caplog.text


def test_files_hold_no_pickle(tmp_path):
    train_adversarial(tmp_path)
    for path in (tmp_path / "checkpoint").iterdir():
        data = path.read_bytes()
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        assert set(header["__metadata__"]) == {"latentome"}
        assert json.loads(header["__metadata__"]["latentome"])["format"] == 1
