"""A training rule that asks for two GPUs trains in two processes, here on the CPU, and heeds a scheduler's signal."""

import os
import signal
import subprocess

import numpy as np
import pandas as pd
import pytest
from runs import command, environment, good, run, wait_for

FOLDER = "results/bulk/demo/models/nbvae/seed0"
LONG = {"bulk": {"nbvae": {"epochs": 300, "patience": 10000}}}
TWO = ("--set-resources", "train_nbvae:gpu=2", "--config", "device=cpu")
LOG = "results/logs/train_nbvae/demo/nbvae-0.log"


def history(folder) -> pd.Series:
    table = pd.read_csv(folder / FOLDER / "history.tsv", sep="\t")
    return table.set_index(["epoch", "name"]).value


@pytest.mark.slow
def test_two_processes_stopped_by_a_signal_and_resumed_have_the_loss_curve_of_one(tmp_path):
    target = f"{FOLDER}/model.safetensors"
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    good(run(alone, target, overlays=("test", LONG)))
    shared.mkdir()
    line = command(shared, target, *TWO, overlays=("test", LONG))
    with (shared / "console").open("w") as console:
        driver = subprocess.Popen(line, cwd=shared, env=environment(), stdout=console, stderr=console)
    curve = shared / "results/logs/train_nbvae/demo/nbvae-0/training.csv"
    wait_for(lambda: curve.is_file() and curve.read_text().count("\n") > 20, "training", 120)
    named = ["pgrep", "-f", rf"^\S*python \S*{shared.name}/\S*train_nbvae"]
    job = min(map(int, subprocess.run(named, capture_output=True, text=True, check=True).stdout.split()))
    os.kill(job, signal.SIGUSR1)
    assert driver.wait(120) != 0
    assert "received; checkpoint written" in (shared / LOG).read_text()
    good(run(shared, target, *TWO, overlays=("test", LONG)))
    assert "resumed after epoch" in (shared / LOG).read_text()
    one, two = history(alone), history(shared)
    assert one.index.equals(two.index) and len(one) > 100
    np.testing.assert_allclose(two.loc[:, "loss"], one.loc[:, "loss"], rtol=1e-4)
    # Its small parts are differences of large sums.
    np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-5)
    assert not np.array_equal(two, one), "one process trained"
