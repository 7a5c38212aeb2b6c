"""What a cluster does to jobs: the workflow ends right, or says which job, which log and what to do.

Most of a test is waiting for SLURM and for Snakemake's next look at it, so all of them wait at once.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from runs import digests, good, run, wait_for
from submitted import MODEL, ended, jobs_of, submit

GPUS, CPUS, AT_ONCE = 8, 16, 4
"""Of the node, and scenarios at a time."""
# Long enough to be met at work.
LONG = {"l1000": {"vae": {"epochs": 250, "patience": 10000}}}


def at_work(cluster, folder):
    """The running training's job, once its loop has told of some epochs."""
    curve = folder / "results/logs/train_model/demo/vae-0/training.csv"
    wait_for(lambda: curve.is_file() and curve.read_text().count("\n") > 20, "training", 240)
    (job,) = jobs_of(cluster, "train_model", folder, "RUNNING")
    return job


def log_of(folder) -> str:
    return (folder / "results/logs/train_model/demo/vae-0.log").read_text(encoding="utf-8")


def cancelled(cluster, folder, config):
    started = submit(cluster, folder, MODEL, overlays=config)
    cluster.ask("scancel", at_work(cluster, folder)["JobId"])
    return ended(started, folder)


def cancelled_for_good(cluster, folder, config):
    started = submit(cluster, folder, MODEL, "--retries", "0", overlays=config)
    job = at_work(cluster, folder)
    cluster.ask("scancel", job["JobId"])
    return job, ended(started, folder), ended(submit(cluster, folder, MODEL, overlays=config), folder)


def out_of_time(cluster, folder, config):
    limit = ("--set-resources", "train_model:runtime=attempt * 3")
    # Up to a minute earlier than asked for: one to two minutes after the start.
    signal_before = ("--default-resources", "slurm_extra='--signal=USR1@60'")
    started = submit(cluster, folder, MODEL, *limit, *signal_before, overlays=config)
    job = at_work(cluster, folder)
    named = ["pgrep", "-f", rf"{folder}/\.snakemake/scripts/\S*train_model"]
    (training,) = map(int, subprocess.run(named, capture_output=True, text=True, check=True).stdout.split())
    # SLURM counts in minutes and looks twice a minute. Till then the training waits, as a long one would still train.
    os.kill(training, signal.SIGSTOP)
    # SLURM may wake it with its signal; then it is soon gone.
    wait_for(lambda: {"USR1", None} & pending_signals(training), "SLURM's signal", 180)
    with suppress(ProcessLookupError):
        os.kill(training, signal.SIGCONT)
    wait_for(lambda: not jobs_of(cluster, "train_model", folder, "RUNNING"), "end of the job", 60)
    return job, log_of(folder), ended(started, folder)


def pending_signals(process: int) -> set[str | None]:
    """Names of the signals that a process has been sent and has not yet been given; None if it has ended."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return {None}
    bits = int(re.search(r"^ShdPnd:\s*(\w+)$", text, re.M).group(1), 16)
    return {one.name.removeprefix("SIG") for one in signal.Signals if bits >> (one - 1) & 1}


def out_of_memory(cluster, folder, config):
    # Snakemake alone takes more than the first attempt has; with torch it takes less than the second.
    return ended(
        submit(cluster, folder, MODEL, "--set-resources", "train_model:mem_mb=attempt * 1400 - 1250"), folder
    )


def drained(cluster, folder, config):
    started = submit(cluster, folder, MODEL, overlays=config)
    at_work(cluster, folder)
    cluster.ask("scontrol", "update", f"NodeName={cluster.host}", "State=DRAIN", "Reason=test")
    time.sleep(3)
    state = cluster.node_state()
    cluster.ask("scontrol", "update", f"NodeName={cluster.host}", "State=RESUME")
    return state, ended(started, folder)


def requeued(cluster, folder, config):
    started = submit(cluster, folder, MODEL, overlays=config)
    job = at_work(cluster, folder)
    cluster.ask("scontrol", "requeue", job["JobId"])
    return job, ended(started, folder)


def controller_restarted(cluster, folder, config):
    started = submit(cluster, folder, MODEL, overlays=config)
    at_work(cluster, folder)
    cluster.stop_daemon("slurmctld")
    time.sleep(3)
    cluster.start_daemon("slurmctld")
    wait_for(cluster.node_state, "node")
    return ended(started, folder)


# The controller's restart comes last, when no other scenario asks it for anything.
SCENARIOS = (
    out_of_time,
    cancelled_for_good,
    requeued,
    cancelled,
    out_of_memory,
    drained,
    controller_restarted,
)


@pytest.fixture(scope="module")
def long_config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "long.yaml"
    path.write_text(yaml.safe_dump(LONG), encoding="utf-8")
    return ("test", str(path))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, long_config):
    """The same training on this machine alone."""
    return digests(good(run(tmp_path_factory.mktemp("alone"), MODEL, overlays=long_config)).folder)


@pytest.fixture(scope="module")
def met(cluster, prepared, tmp_path_factory, long_config, undisturbed):
    """What each scenario came to, and the folder of its run."""
    pool, after = ThreadPoolExecutor(AT_ONCE), []

    def start(scenario):
        folder = tmp_path_factory.mktemp(scenario.__name__) / "run"
        shutil.copytree(prepared, folder, symlinks=True)
        others = list(after) if scenario is controller_restarted else []

        def work():
            for other in others:
                other.exception()
            return scenario(cluster, folder, long_config)

        future = pool.submit(work)
        after.append(future)
        return future, folder

    found = {scenario: start(scenario) for scenario in SCENARIOS}
    yield lambda scenario: (found[scenario][0].result(), found[scenario][1])
    pool.shutdown(cancel_futures=True)


def as_undisturbed(folder, undisturbed) -> None:
    assert digests(folder) == undisturbed
    assert not list((folder / "results").rglob("*.part"))
    assert not [path for path in (folder / "results/checkpoints").rglob("*") if path.is_file()]


def states(cluster, folder) -> list[str]:
    return sorted(job["JobState"] for job in jobs_of(cluster, "train_model", folder))


def test_cancelled_job_is_tried_again(cluster, met, undisturbed):
    done, folder = met(cancelled)
    good(done)
    assert states(cluster, folder) == ["CANCELLED", "COMPLETED"]
    as_undisturbed(folder, undisturbed)


def test_what_fails_for_good_is_named_and_a_rerun_goes_on(met, undisturbed):
    (job, done, again), folder = met(cancelled_for_good)
    assert done.code != 0
    assert "train_model" in done.text and job["JobId"] in done.text and "CANCELLED" in done.text
    assert "results/logs/train_model/demo/vae-0.log" in done.text
    good(again)
    as_undisturbed(folder, undisturbed)


def test_time_limit_writes_a_checkpoint_and_the_retry_goes_on(cluster, met, undisturbed):
    (_, first, done), folder = met(out_of_time)
    assert "SIGUSR1 received; checkpoint written" in first
    good(done)
    assert states(cluster, folder).count("COMPLETED") == 1 and len(states(cluster, folder)) > 1
    assert re.search(r"resumed after epoch [1-9]", log_of(folder))
    as_undisturbed(folder, undisturbed)


def test_memory_limit_is_raised_by_the_retry(cluster, met):
    done, folder = met(out_of_memory)
    good(done)
    jobs = sorted(jobs_of(cluster, "train_model", folder), key=lambda job: int(job["JobId"]))
    assert [job["JobState"] for job in jobs].count("COMPLETED") == 1 and len(jobs) > 1
    memory = [int(re.search(r"mem=(\d+)M", job["TRES"]).group(1)) for job in jobs]
    assert memory == sorted(memory) and len(set(memory)) == len(memory)


def test_drained_node(met, undisturbed):
    (state, done), folder = met(drained)
    assert "DRAIN" in state
    good(done)
    as_undisturbed(folder, undisturbed)


def test_requeued_job_resumes(cluster, met, undisturbed):
    """As SLURM does to a job that makes way for another, or whose node failed."""
    (job, done), folder = met(requeued)
    good(done)
    (last,) = jobs_of(cluster, "train_model", folder)
    assert last["JobId"] == job["JobId"] and int(last["Restarts"]) >= 1
    as_undisturbed(folder, undisturbed)


def test_controller_restarted(met, undisturbed):
    done, folder = met(controller_restarted)
    good(done)
    as_undisturbed(folder, undisturbed)
