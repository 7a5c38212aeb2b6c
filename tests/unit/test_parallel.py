"""Two processes that share every batch make the steps of one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from workflow_scripts.lib.models.latent import rows_of_batch, standard_normal
from workflow_scripts.lib.training.parallel import Share, gpus_of

SCRIPT = Path(__file__).with_name("parallel_training.py")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
REPO = Path(__file__).parents[2]


def line(processes: int, *words: object) -> list[str]:
    start = [sys.executable] if processes == 1 else [*TORCHRUN, f"--nproc-per-node={processes}"]
    return [*start, str(SCRIPT), *map(str, words)]


def trained(folder: Path, processes: int, *words: object) -> tuple[list[dict], dict[str, torch.Tensor]]:
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPO)}
    done = subprocess.run(
        line(processes, words[0], folder, *words[1:]), env=environment, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    history = json.loads((folder / "history.json").read_text())
    return history, safetensors.torch.load_file(folder / "weights.safetensors")


def assert_alike(one, other) -> None:
    """The same loss curve to 1e-4, and weights to the same."""
    assert [row["step"] for row in one[0]] == [row["step"] for row in other[0]] and len(one[0]) > 4
    for mine, theirs in zip(one[0], other[0], strict=True):
        assert mine.keys() == theirs.keys()
        for name in mine:
            assert mine[name] == pytest.approx(theirs[name], rel=1e-4, abs=1e-5), (name, mine, theirs)
    for name, tensor in one[1].items():
        np.testing.assert_allclose(tensor, other[1][name], rtol=2e-3, atol=2e-4, err_msg=name)


@pytest.mark.parametrize("model", ["vae", "vae_published", "nbvae"])
def test_same_loss_curve_as_one_process(tmp_path, model):
    alone, shared = trained(tmp_path / "one", 1, model), trained(tmp_path / "two", 2, model)
    assert_alike(alone, shared)
    # Only if the sums are split is there anything to test: their rounding differs.
    assert any(not torch.equal(alone[1][name], shared[1][name]) for name in alone[1])


def test_interrupted_in_two_processes_resumed_in_one(tmp_path):
    whole = trained(tmp_path / "whole", 1, "vae", 400)
    folder = tmp_path / "stopped"
    folder.mkdir()
    running = subprocess.Popen(
        line(2, "vae", folder, 400), env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPO)}
    )
    curve = folder / "logs/training.csv"
    end = time.monotonic() + 120
    while not (curve.is_file() and curve.read_text().count("\n") > 30) and time.monotonic() < end:
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) != 0
    assert not (folder / "history.json").exists()
    assert list((folder / "checkpoints").glob("*.safetensors"))
    assert_alike(whole, trained(folder, 1, "vae", 400))


def test_a_model_that_cannot_share_a_batch_says_so(tmp_path):
    done = subprocess.run(
        line(2, "svqvae_published", tmp_path), env={**os.environ, "PYTHONPATH": str(REPO)}, capture_output=True,
        text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode != 0 and "this model trains in one; ask for one GPU" in done.stderr


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
@pytest.mark.parametrize("total", [7, 8, 31, 512])
def test_shares_cover_the_batch_once(processes, total):
    rows = [Share(rank, processes).rows(total) for rank in range(processes)]
    covered = [row for part in rows for row in range(total)[part]]
    assert covered == list(range(total))
    assert max(p.stop - p.start for p in rows) - min(p.stop - p.start for p in rows) <= 1


def test_a_row_has_the_same_noise_whoever_draws_it():
    def draw(rows: int) -> torch.Tensor:
        return standard_normal(torch.empty(rows, 3), torch.Generator().manual_seed(5))

    whole = draw(10)
    with rows_of_batch(4, 10):
        assert torch.equal(draw(3), whole[4:7])
    assert torch.equal(draw(10), whole)


def test_gpus_asked_for():
    assert [gpus_of({"gpu": 2}), gpus_of({}), gpus_of({"gpu": 0, "gres": "gpu:3"})] == [2, 0, 3]
    assert [gpus_of({"gpu": 0, "gres": "gpu:a100:4"}), gpus_of({"gres": "gpu"}), gpus_of({"gpu": None})] == [
        4,
        0,
        0,
    ]
