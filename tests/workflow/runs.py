"""Runs of the real workflow in folders of their own, and what they left."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from workflow_scripts.lib.errors import LatentomeError

REPO = Path(__file__).parents[2]
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
# Time, memory and progress of one machine: not the same bytes twice.
# accuracy_curves draws accuracy against minutes.
VOLATILE = re.compile(
    r"(^|/)(runtime\.json|benchmarks(\.tsv|/)|logs/|checkpoints/|report\.zip|accuracy_curves\.|ro-crate-metadata)"
)


@dataclass(frozen=True)
class Run:
    """One ended run: `text` is all that the console showed."""

    folder: Path
    code: int
    text: str

    def jobs(self) -> dict[str, int]:
        """Planned jobs a rule, without the total."""
        table = re.search(r"^job +count\n[- ]+\n(.*?)^total +\d+$", self.text, re.M | re.S)
        rows = [line.split() for line in table.group(1).splitlines()] if table else []
        return {name: int(count) for name, count in rows}

    def errors(self) -> list[str]:
        """Lines of ours on the console."""
        return [line for line in self.text.splitlines() if line.startswith("latentome: error:")]


def command(folder: Path, *words: str, overlays=("test",), snakefile: str = "Snakefile") -> list[str]:
    """The command line; an overlay is a name in config/, a path, or a dict that is written to a file."""
    files = []
    for place, overlay in enumerate(overlays):
        if isinstance(overlay, dict):
            path = Path(folder) / f"overlay{place}.yaml"
            path.write_text(yaml.safe_dump(overlay, allow_unicode=True), encoding="utf-8")
            files.append(str(path))
        else:
            files.append(str(overlay if Path(overlay).suffix else REPO / "config" / f"{overlay}.yaml"))
    start = [*SNAKEMAKE, "-s", str(REPO / snakefile), "--directory", str(folder)]
    start += ["--workflow-profile", str(REPO / "profiles/test")]
    return [*start, *(["--configfile", *files] if files else []), "--cores", "2", *words]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment, without what pytest adds to it."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV_"))}
    return {**own, **changes}


def run(folder, *words, overlays=("test",), snakefile="Snakefile", env=None, timeout=900) -> Run:
    """Run Snakemake in `folder` and wait."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    line = command(folder, *words, overlays=overlays, snakefile=snakefile)
    done = subprocess.run(
        line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        timeout=timeout, env=environment(**(env or {})), cwd=folder, check=False,
    )  # fmt: skip
    return Run(Path(folder), done.returncode, done.stdout)


def good(done: Run) -> Run:
    """The run, if it succeeded; else its end as the failure's message."""
    assert done.code == 0, f"exit {done.code}\n{done.text[-4000:]}"
    return done


def wait_for(condition: Callable[[], object], what: str, seconds: float = 120):
    """What `condition` returns once it is true of something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"no {what} within {seconds} s")


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path | None]:
    """A file system of its own, in memory, or None where this process may not mount one."""
    folder.mkdir(parents=True)
    line = ["mount", "-t", "tmpfs", "-o", ",".join(options), "none", str(folder)]
    done = subprocess.run(line, capture_output=True, check=False)
    try:
        yield None if done.returncode else folder
    finally:
        if not done.returncode:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of the results but the volatile ones."""
    results = folder / "results"
    names = {str(path.relative_to(results)): path for path in sorted(results.rglob("*")) if path.is_file()}
    return {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in names.items() if not VOLATILE.search(n)}


def refused(call: Callable[[], object], words: Sequence[str], folder: Path) -> None:
    """Check that a call ends in one clear line that has all the words, and leaves no file in the results."""
    with pytest.raises(LatentomeError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    assert not [path for path in (folder / "results").rglob("*") if path.is_file()]


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Run:
    """`config/test.yaml` from nothing to every target; LATENTOME_DEMO_RUN names a folder to keep it in."""
    kept = os.environ.get("LATENTOME_DEMO_RUN")
    base = tmp_path_factory.getbasetemp()
    shared = (
        Path(kept) if kept else (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo_run"
    )
    shared.mkdir(parents=True, exist_ok=True)
    record = shared / "console.json"
    with (shared / "one_worker_at_a_time").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not record.exists():
            began = time.monotonic()
            done = run(shared / "work")
            record.write_text(
                json.dumps({"code": done.code, "text": done.text, "seconds": time.monotonic() - began})
            )
    told = json.loads(record.read_text())
    return good(Run(shared / "work", told["code"], told["text"]))
