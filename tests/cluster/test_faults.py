"""What a cluster does to jobs: the workflow ends right, or says which job, which log and what to do."""

import re
import time

import pytest
import yaml
from runs import digests, good, run, wait_for
from submitted import MODEL, ended, jobs_of, submit

# Long enough to be met at work, and checkpoints often enough that little is lost.
LONG = {"l1000": {"vae": {"epochs": 1500, "patience": 10000}}}


@pytest.fixture(scope="module")
def long_config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "long.yaml"
    path.write_text(yaml.safe_dump(LONG), encoding="utf-8")
    return ("test", str(path))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, long_config):
    """The same training on this machine alone."""
    return digests(good(run(tmp_path_factory.mktemp("alone"), MODEL, overlays=long_config)).folder)


def at_work(cluster, folder):
    """The running training's job, once its loop has told of some epochs."""
    curve = folder / "results/logs/train_model/demo/vae-0/training.csv"
    wait_for(lambda: curve.is_file() and curve.read_text().count("\n") > 20, "training")
    (job,) = jobs_of(cluster, "train_model", folder, "RUNNING")
    return job


def log_of(folder) -> str:
    return (folder / "results/logs/train_model/demo/vae-0.log").read_text(encoding="utf-8")


def as_undisturbed(folder, undisturbed) -> None:
    assert digests(folder) == undisturbed
    assert not list((folder / "results").rglob("*.part"))
    assert not [path for path in (folder / "results/checkpoints").rglob("*") if path.is_file()]


def test_cancelled_job_is_tried_again(cluster, prepared, long_config, undisturbed):
    started = submit(cluster, prepared, MODEL, overlays=long_config)
    cluster.ask("scancel", at_work(cluster, prepared)["JobId"])
    good(ended(started, prepared))
    states = [job["JobState"] for job in jobs_of(cluster, "train_model", prepared)]
    assert sorted(states) == ["CANCELLED", "COMPLETED"]
    as_undisturbed(prepared, undisturbed)


def test_what_fails_for_good_is_named_and_a_rerun_goes_on(cluster, prepared, long_config, undisturbed):
    started = submit(cluster, prepared, MODEL, "--retries", "0", overlays=long_config)
    job = at_work(cluster, prepared)
    cluster.ask("scancel", job["JobId"])
    done = ended(started, prepared)
    assert done.code != 0
    assert "train_model" in done.text and job["JobId"] in done.text and "CANCELLED" in done.text
    assert "results/logs/train_model/demo/vae-0.log" in done.text
    good(ended(submit(cluster, prepared, MODEL, overlays=long_config), prepared))
    as_undisturbed(prepared, undisturbed)


def test_time_limit_writes_a_checkpoint_and_the_retry_goes_on(cluster, prepared, long_config, undisturbed):
    # SLURM counts in minutes and may send the signal up to one early: soon after the start.
    words = (
        "--set-resources",
        "train_model:runtime=2",
        "--default-resources",
        "slurm_extra='--signal=USR1@100'",
    )
    good(ended(submit(cluster, prepared, MODEL, *words, overlays=long_config), prepared))
    states = [job["JobState"] for job in jobs_of(cluster, "train_model", prepared)]
    assert states.count("COMPLETED") == 1 and len(states) > 1
    assert re.search(r"resumed after epoch [1-9]", log_of(prepared))
    as_undisturbed(prepared, undisturbed)


def test_memory_limit_is_raised_by_the_retry(cluster, prepared):
    # torch alone takes more than the first attempt has, and less than the second.
    words = ("--set-resources", "train_model:mem_mb=attempt * 350 - 200")
    good(ended(submit(cluster, prepared, MODEL, *words), prepared))
    jobs = jobs_of(cluster, "train_model", prepared)
    assert [job["JobState"] for job in jobs].count("COMPLETED") == 1 and len(jobs) > 1
    memory = [int(re.search(r"mem=(\d+)M", job["TRES"]).group(1)) for job in jobs]
    assert memory == sorted(memory) and len(set(memory)) == len(memory)


def test_drained_node(cluster, prepared, long_config, undisturbed):
    started = submit(cluster, prepared, MODEL, overlays=long_config)
    at_work(cluster, prepared)
    cluster.ask("scontrol", "update", f"NodeName={cluster.host}", "State=DRAIN", "Reason=test")
    time.sleep(5)
    cluster.ask("scontrol", "update", f"NodeName={cluster.host}", "State=RESUME")
    good(ended(started, prepared))
    as_undisturbed(prepared, undisturbed)


def test_requeued_job_resumes(cluster, prepared, long_config, undisturbed):
    """As SLURM does to a job that makes way for another, or whose node failed."""
    started = submit(cluster, prepared, MODEL, overlays=long_config)
    job = at_work(cluster, prepared)
    cluster.ask("scontrol", "requeue", job["JobId"])
    good(ended(started, prepared))
    (last,) = jobs_of(cluster, "train_model", prepared)
    assert last["JobId"] == job["JobId"] and int(last["Restarts"]) >= 1
    as_undisturbed(prepared, undisturbed)


def test_controller_restarted(cluster, prepared, long_config, undisturbed):
    started = submit(cluster, prepared, MODEL, overlays=long_config)
    at_work(cluster, prepared)
    cluster.stop_daemon("slurmctld")
    time.sleep(3)
    cluster.start_daemon("slurmctld")
    wait_for(cluster.node_state, "node")
    good(ended(started, prepared))
    as_undisturbed(prepared, undisturbed)
