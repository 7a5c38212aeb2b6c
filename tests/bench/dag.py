"""Planning many jobs: time and memory of Snakemake's driver for 100, 1,000 and 10,000 jobs, and for config/paper.yaml.

    python tests/bench/dag.py [--jobs 100 1000 10000] [--output results/dag.tsv]

Each case is a dry run in a fresh process and an empty folder: it reads the rules, checks the config, builds the graph
and hands every job to the scheduler. Its jobs are those of the simulated data with many seeds; the number of seeds
is searched for, so the number of jobs is near the one asked for. Beside them stands the same workflow with one seed,
whose time is what any run takes to start.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

REPO = Path(__file__).parents[2]
SEEDS = {
    "bulk": ("seeds", "rival_seeds"),
    "l1000": ("seeds", "rival_seeds"),
    "spatial": ("seeds", "held_out_seeds", "control_seeds", "rival_seeds", "masked_seeds"),
    "molecules": ("seeds", "rival_seeds"),
}


@dataclass(frozen=True)
class Plan:
    """One dry run: jobs planned, seconds by the clock and of the processor, and the driver's peak memory in MB."""

    jobs: int
    seconds: float
    busy: float
    memory: float


def dry_run(folder: Path, overlay: str | dict, *words: str) -> Plan:
    """Plan all targets with an overlay: a path, or what it would hold."""
    if isinstance(overlay, dict):
        path = folder / "overlay.yaml"
        path.write_text(yaml.safe_dump(overlay), encoding="utf-8")
        overlay = str(path)
    line = [sys.executable, "-m", "snakemake", "-s", str(REPO / "Snakefile"), "--directory", str(folder)]
    line += ["--workflow-profile", str(REPO / "profiles/default"), "--cores", "2", "--dry-run"]
    line += ["--quiet", "rules", "host", "reason", "--configfile", overlay, *words]
    start = time.perf_counter()
    with (folder / "console").open("w+") as console:
        process = subprocess.Popen(line, stdout=console, stderr=subprocess.STDOUT, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        console.seek(0)
        text = console.read()
    found = re.search(r"^total\s+(\d+)$", text, re.M)
    if status or not found:
        raise SystemExit(f"the dry run failed:\n{text[-3000:]}")
    return Plan(int(found.group(1)), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def many_seeds(number: int) -> dict:
    """Every list of seeds of that length."""
    return {study: {key: list(range(number)) for key in keys} for study, keys in SEEDS.items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--jobs", type=int, nargs="+", default=[100, 1000, 10000])
    options.add_argument("--output", type=Path, help="table of the figures (TSV)")
    given = options.parse_args()
    rows = []

    def tell(case: str, plan: Plan) -> None:
        rows.append(
            {
                "case": case,
                "jobs": plan.jobs,
                "seconds": round(plan.seconds, 2),
                "cpu_seconds": round(plan.busy, 2),
                "memory_mb": round(plan.memory),
                "limit_seconds": round(5 + 0.005 * plan.jobs, 1),
            }
        )
        print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        one = dry_run(folder, many_seeds(1))
        tell("one seed", one)
        slope = (dry_run(folder, many_seeds(4)).jobs - one.jobs) / 3
        for wanted in given.jobs:
            if wanted < one.jobs:
                tell(f"{wanted} jobs asked for: one study", dry_run(folder, many_seeds(1), "l1000"))
                continue
            seeds = max(round((wanted - one.jobs) / slope) + 1, 1)
            tell(f"{wanted} jobs asked for: {seeds} seeds", dry_run(folder, many_seeds(seeds)))
        tell("config/paper.yaml", dry_run(folder, str(REPO / "config/paper.yaml")))
    if given.output:
        pd.DataFrame(rows).to_csv(given.output, sep="\t", index=False)


if __name__ == "__main__":
    main()
