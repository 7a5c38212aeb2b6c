"""What the logs of a run's jobs say: which are done, at work, failed or interrupted."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.lib.logs import DONE
from workflow_scripts.lib.training.signals import RERUN

TAIL = 20_000
"""Bytes at a log's end that are looked at."""
SILENT = 600
"""Seconds without a line after which a job may no longer be there."""
_RECORD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (\w+) (.*)$", re.M)


@dataclass(frozen=True)
class Job:
    """One job that has begun.

    Attributes
    ----------
    rule, name
        Its rule, and what its wildcards are in the names of its log and benchmark.
    state
        ``done``, ``failed``, ``interrupted``, ``running`` or ``silent``: the folder is locked, but for ten minutes the
        job has told nothing; it may be in one long step, or have been killed together with its driver.
    log
        Its log file.
    told
        The last line that it logged, without the time.
    """

    rule: str
    name: str
    state: str
    log: Path
    told: str


def jobs_of(folder: Path) -> list[Job]:
    """Every job whose log is in `folder`, by the time of their last lines."""
    logs = folder / "results/logs"
    at_work = any((folder / ".snakemake/locks").glob("*"))
    found = []
    for path in sorted(logs.rglob("*.log"), key=changed):
        place = path.relative_to(logs).with_suffix("")
        if ".rank" in place.name:  # another process of a training
            continue
        try:
            text, seen = _tail(path), changed(path)
        except FileNotFoundError:  # its job has just begun anew
            continue
        if not text:  # Snakemake's, of a job whose output came from the cache
            continue
        records = _RECORD.findall(text)
        last = records[-1][1] if records else ""
        if last.startswith(f"{DONE} after"):
            state = "done"
        elif any(level == "ERROR" for level, _ in records):
            state = "failed"
            # The end of its traceback.
            last = next((line for line in reversed(text.splitlines()) if line.strip()), last)
        elif RERUN in last or not at_work:
            state = "interrupted"
        else:
            state = "running" if time.time() - seen < SILENT else "silent"
        found.append(Job(place.parts[0], "/".join(place.parts[1:]), state, path, last))
    return found


def steps_of(folder: Path) -> str:
    """What Snakemake's newest log says of the steps done and planned; empty if there is none."""
    logs = sorted((folder / ".snakemake/log").glob("*.snakemake.log"))
    found = re.findall(r"^(\d+ of \d+ steps \(.*?\) done)$", _tail(logs[-1]), re.M) if logs else []
    return found[-1] if found else ""


def changed(path: Path) -> float:
    """When a file was last written, seconds since 1970; 0 if it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return file.read().decode("utf-8", errors="replace")
