"""SLURM whose nodes share no file with the machine that submits: results travel through an object store."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from runs import digests, environment, good, run
from s3_server import s3_bucket
from submitted import MODEL, command, ended, jobs_of

# One rule that reads a file of the project, and runs where Snakemake does, between two that go to the node.
SPLITS = "results/l1000/demo/splits.tsv"
PREFIX = "latentome"


@pytest.fixture(scope="module")
def bucket():
    with s3_bucket() as one:
        yield one


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return good(run(tmp_path_factory.mktemp("local"), MODEL))


@pytest.fixture(scope="module")
def apart(cluster, tmp_path_factory):
    """The driver's folder, in whose place the node sees an empty one of its own."""
    folder = tmp_path_factory.mktemp("driver")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this process may not make a mount namespace, in which a node would see other folders")
    cluster.stop_daemon("slurmd")
    hidden = f"mount -t tmpfs none {folder} && exec slurmd -D"
    cluster._spawn("slurmd", ["unshare", "--mount", "sh", "-c", hidden])
    cluster._wait("the node", lambda: cluster.node_state().startswith(("IDLE", "MIXED")))
    yield folder
    cluster.stop_daemon("slurmd")
    cluster.start_daemon("slurmd")


@pytest.fixture(scope="module")
def submitted(cluster, bucket, apart, tmp_path_factory):
    """A function that runs to a target with nothing but the bucket shared."""
    # SLURM itself writes a job's console there, on the node.
    home = tmp_path_factory.mktemp("home")
    # On a node that shares no software `python` is looked for.
    path = f"{Path(sys.executable).parent}{os.pathsep}{cluster.environment['PATH']}"
    env = environment(**{**cluster.environment, **bucket.environment, "PATH": path})

    def to(target):
        words = ("--shared-fs-usage", "none", "--slurm-logdir", str(home), *bucket.words(PREFIX), target)
        process = subprocess.Popen(
            command(apart, *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env=env, cwd=apart, start_new_session=True,
        )  # fmt: skip
        try:
            return good(ended(process, apart, timeout=1200))
        finally:
            process.terminate()

    return to


@pytest.fixture(scope="module")
def through_bucket(submitted):
    return submitted(SPLITS)


def same_as(local, bucket, *targets):
    there, here = bucket.digests(PREFIX), digests(local.folder)
    assert {target.removeprefix("results/") for target in targets} <= set(there)
    assert not [name for name in there if there[name] != here[name]]


def test_the_bytes_are_a_local_run_s(through_bucket, bucket, local):
    same_as(local, bucket, SPLITS, "results/l1000/demo/signatures.h5ad")
    assert "results/logs/split_signatures/demo.log" in bucket.keys(PREFIX)


def test_jobs_ran_on_the_node_but_for_those_that_read_a_file_of_this_machine(through_bucket, cluster, apart):
    for rule in ("simulate_signatures", "split_signatures"):
        assert jobs_of(cluster, rule, apart, "COMPLETED"), rule
    assert not jobs_of(cluster, "prepare_signatures", apart)
    assert not (apart / "results").exists()


def test_a_rerun_submits_nothing(through_bucket, submitted):
    assert "Nothing to be done" in submitted(SPLITS).text


@pytest.mark.slow
def test_a_training(through_bucket, submitted, cluster, apart, bucket, local):
    submitted(MODEL)
    (job,) = jobs_of(cluster, "train_model", apart, "COMPLETED")
    assert job["TresPerJob"] == "gres:gpu:1"
    same_as(local, bucket, MODEL)
    assert not [path for path in (apart / "results").rglob("*") if path.is_file()], "its checkpoints lie here"
