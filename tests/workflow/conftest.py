"""One run of the whole tiny workflow, shared by the files of this folder and by pytest-xdist's workers."""

import fcntl
import json
import os
import time
from pathlib import Path

import pytest
from runs import Run, good, run


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
