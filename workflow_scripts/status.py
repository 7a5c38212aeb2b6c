"""`make status`: what of a run is done, at work, failed or interrupted, and where its logs are.

    python -m workflow_scripts.status [FOLDER]

It only reads what jobs leave in results/, so it works beside a run here or on a cluster that shares the folder, and
after the end of the run.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from workflow_scripts.lib.job_logs import changed, jobs_of, steps_of

STATES = ("failed", "interrupted", "silent", "running")


def told(folder: Path) -> list[str]:
    """The lines of `make status`."""
    jobs = jobs_of(folder)
    if not jobs:
        return [f"no job has begun in {folder.resolve()}; make figures starts the workflow"]
    count = Counter(job.state for job in jobs)
    lines = [", ".join(f"{count[state]} {state}" for state in ("done", *reversed(STATES)) if count[state])]
    if steps := steps_of(folder):
        lines[0] += f"; the last run: {steps}"
    for state in STATES:
        for job in (job for job in jobs if job.state == state):
            lines.append(f"{state:<12}{job.rule} {job.name}".rstrip() + f", {_age(job.log)}")
            lines.append(f"{'':<12}{job.log.relative_to(folder)}")
            if job.told:
                lines.append(f"{'':<12}{job.told}")
    return lines


def _age(path: Path) -> str:
    seconds = int(time.time() - changed(path))
    return f"last line {seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d} ago"


def main() -> None:
    """Print the status of a folder."""
    parser = argparse.ArgumentParser(prog="make status", description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="where results/ is")
    print("\n".join(told(parser.parse_args().folder)))


if __name__ == "__main__":
    main()
