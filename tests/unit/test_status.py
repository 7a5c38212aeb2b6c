"""`make status` on logs as real jobs leave them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.job_logs import SILENT, jobs_of
from workflow_scripts.lib.logs import job_log, log
from workflow_scripts.lib.training.signals import RERUN
from workflow_scripts.status import told


def job(folder: Path, name: str, *lines: str, error: Exception | None = None) -> None:
    with job_log(folder / "results/logs" / f"{name}.log"):
        for line in lines:
            log.info(line)
        if error:
            raise error


@pytest.fixture
def folder(tmp_path):
    """Two jobs done, one failed, one that wrote no last line; Snakemake's own log."""
    job(tmp_path, "prepare_spots/mob")
    job(tmp_path, "join_claims")
    with pytest.raises(SystemExit):
        job(
            tmp_path,
            "train_model/toy/vae-0",
            "epoch 3/9",
            error=LatentomeError("toy: loss is nan in epoch 3"),
        )
    killed = (
        "import os\nfrom workflow_scripts.lib.logs import job_log, log\n"
        "with job_log('results/logs/train_spots/mob.log'):\n    log.info('epoch 2/9, loss 1.5')\n    os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed], cwd=tmp_path, check=False)
    snakemake = tmp_path / ".snakemake/log/2026-01-01T000000.1.snakemake.log"
    snakemake.parent.mkdir(parents=True)
    snakemake.write_text("1 of 9 steps (11%) done\nExecute 2 jobs...\n2 of 9 steps (22%) done\n")
    return tmp_path


def test_what_became_of_every_job(folder):
    assert {f"{j.rule} {j.name}".strip(): j.state for j in jobs_of(folder)} == {
        "prepare_spots mob": "done",
        "join_claims": "done",
        "train_model toy/vae-0": "failed",
        "train_spots mob": "interrupted",
    }


def test_failed_and_interrupted_jobs_are_told_with_their_logs(folder):
    text = "\n".join(told(folder))
    assert text.startswith("2 done, 1 interrupted, 1 failed; the last run: 2 of 9 steps (22%) done")
    assert "results/logs/train_model/toy/vae-0.log" in text
    assert "loss is nan in epoch 3" in text and "epoch 2/9, loss 1.5" in text
    assert "prepare_spots" not in text


def test_beside_a_driver_an_unended_job_is_at_work(folder):
    (folder / ".snakemake/locks").mkdir()
    (folder / ".snakemake/locks/0.input.lock").touch()
    assert [j.rule for j in jobs_of(folder) if j.state == "running"] == ["train_spots"]


def test_a_training_that_was_asked_to_stop_is_interrupted_also_beside_a_driver(folder):
    (folder / ".snakemake/locks").mkdir()
    (folder / ".snakemake/locks/0.input.lock").touch()
    with (folder / "results/logs/train_spots/mob.log").open("a") as file:
        file.write(f"2026-01-01 00:00:00,001 WARNING mob: SIGTERM received; {RERUN}\n")
    assert [j.state for j in jobs_of(folder) if j.rule == "train_spots"] == ["interrupted"]


def test_a_locked_folder_does_not_vouch_for_a_job_that_has_been_silent_for_long(folder):
    (folder / ".snakemake/locks").mkdir()
    (folder / ".snakemake/locks/0.input.lock").touch()
    log = folder / "results/logs/train_spots/mob.log"
    os.utime(log, (log.stat().st_mtime - 2 * SILENT,) * 2)
    assert [j.state for j in jobs_of(folder) if j.rule == "train_spots"] == ["silent"]


def test_nothing_begun(tmp_path):
    assert told(tmp_path) == [f"no job has begun in {tmp_path}; make figures starts the workflow"]


def test_from_the_command_line(folder):
    done = subprocess.run(
        [sys.executable, "-m", "workflow_scripts.status", str(folder)], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith("2 done, 1 interrupted, 1 failed")
