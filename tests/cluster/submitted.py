"""Runs of the workflow whose jobs go through SLURM."""

from __future__ import annotations

import subprocess
from pathlib import Path

from minicluster import MiniCluster
from runs import REPO, SNAKEMAKE, Run, environment

# The test cluster's jobs take seconds, and a look at its queue milliseconds. Its GPUs are made up: auto asks for one
# and computes without.
QUICK = (
    "--slurm-status-command",
    "squeue",
    "--slurm-init-seconds-before-status-checks",
    "1",
    "--latency-wait",
    "5",
)
MODEL = "results/l1000/demo/models/vae/seed0/model.safetensors"
INPUTS = ("results/l1000/demo/signatures.h5ad", "results/l1000/demo/splits.tsv")


def command(folder: Path, *words: str, profile: str = "slurm", overlays=("test",)) -> list[str]:
    """The command line; an overlay is a name in config/ or a path."""
    files = [str(o if Path(o).suffix else REPO / "config" / f"{o}.yaml") for o in overlays]
    start = [
        *SNAKEMAKE,
        "-s",
        str(REPO / "Snakefile"),
        "--directory",
        str(folder),
        "--workflow-profile",
        "none",
    ]
    start += ["--profile", str(REPO / "profiles" / profile)]
    start += ["--configfile", *files] if files else []
    return [*start, *QUICK, "--config", "device=auto", "--jobs", "4", *words]


def submit(cluster: MiniCluster, folder: Path, *words: str, **how) -> subprocess.Popen:
    """Start a run whose jobs go to `cluster`."""
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        command(folder, *words, **how), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", env=environment(**cluster.environment), cwd=folder, start_new_session=True,
    )  # fmt: skip


def ended(process: subprocess.Popen, folder: Path, timeout: float = 600) -> Run:
    """Wait for a run's end."""
    text, _ = process.communicate(timeout=timeout)
    return Run(folder, process.returncode, text)


def jobs_of(cluster: MiniCluster, rule: str, folder: Path, *states: str) -> list[dict[str, str]]:
    """The cluster's jobs of a rule that were submitted from a folder, in these states or in any."""
    return [
        job
        for job in cluster.jobs()
        if job.get("Comment", "").startswith(f"rule_{rule}")
        and job["WorkDir"] == str(folder)
        and (not states or job["JobState"] in states)
    ]
