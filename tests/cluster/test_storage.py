"""SLURM whose nodes share no file with the machine that submits: results travel through an object store."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from runs import digests, environment, good, run
from s3_server import s3_bucket
from submitted import MODEL, command, ended, jobs_of

# Of local files there are the sources and the software, which a site installs on its nodes; nothing of a run.
NOTHING_SHARED = ("--shared-fs-usage", "none")


@pytest.fixture(scope="module")
def bucket():
    with s3_bucket() as one:
        yield one


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return good(run(tmp_path_factory.mktemp("local"), MODEL))


@pytest.fixture
def apart(cluster, tmp_path):
    """The driver's folder, in whose place the node sees an empty one of its own."""
    folder = tmp_path / "driver"
    folder.mkdir()
    cluster.stop_daemon("slurmd")
    hidden = f"mount -t tmpfs none {folder} && exec slurmd -D"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mount namespaces are not allowed here")
    cluster._spawn("slurmd", ["unshare", "--mount", "sh", "-c", hidden])
    cluster._wait("the node", lambda: cluster.node_state().startswith(("IDLE", "MIXED")))
    yield folder
    cluster.stop_daemon("slurmd")
    cluster.start_daemon("slurmd")


def submit(cluster, bucket, folder, *words):
    """As `submitted.submit`, with the results in the bucket and `python` the project's."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{cluster.environment['PATH']}"
    return subprocess.Popen(
        command(folder, *NOTHING_SHARED, "--slurm-logdir", str(folder.parent / "home"), *words,
                *bucket.words("latentome"), MODEL),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=folder,
        env=environment(**{**cluster.environment, **bucket.environment, "PATH": path}), start_new_session=True,
    )  # fmt: skip


def test_nothing_but_the_bucket_is_shared(cluster, bucket, apart, local):
    done = good(ended(submit(cluster, bucket, apart), apart))
    (training,) = jobs_of(cluster, "train_model", apart, "COMPLETED")
    assert training["TresPerJob"] == "gres:gpu:1"
    there, here = bucket.digests("latentome"), digests(local.folder)
    assert MODEL.removeprefix("results/") in there
    assert not [name for name in there if there[name] != here[name]]
    assert "results/logs/train_model/demo/vae-0.log" in bucket.keys("latentome")
    assert not [path for path in (apart / "results").rglob("*") if path.is_file()], "the node wrote here"
    assert "Nothing to be done" in good(ended(submit(cluster, bucket, apart), apart)).text
    assert done.code == 0
