"""A SLURM of its own for every file of tests, stopped at its end."""

import os
import tempfile
from pathlib import Path

import minicluster
import pytest
from runs import good, run
from submitted import INPUTS


@pytest.fixture(scope="module")
def cluster(request):
    """One node of four cores with two made-up GPUs, or as many of both as the file of tests says."""
    missing = minicluster.missing_programs()
    if missing:
        pytest.skip(f"no {', '.join(missing)} on PATH; Debian: apt-get install slurm-wlm munge")
    # Not pytest's folder: a socket's path has to be short.
    with tempfile.TemporaryDirectory(prefix="slurm", ignore_cleanup_errors=True) as folder:
        cpus, gpus = getattr(request.module, "CPUS", 4), getattr(request.module, "GPUS", 2)
        started = minicluster.MiniCluster(Path(folder), cpus=cpus, gpus=gpus)
        started.start()
        ids = {name: process.pid for name, process in started.processes.items()}
        try:
            yield started
        finally:
            started.stop()
        alive = [name for name, process in ids.items() if Path(f"/proc/{process}").exists()]
        assert not alive, f"still running: {', '.join(alive)}"
        assert not list((Path(folder) / "run").glob("*.pid"))


@pytest.fixture(autouse=True)
def no_tests_inside_a_job():
    """A suite that runs inside a job of a real cluster would submit to that."""
    assert "SLURM_JOB_ID" not in os.environ


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """What a training of `MODEL` reads, made on this machine."""
    return good(run(tmp_path_factory.mktemp("prepared"), *INPUTS)).folder
