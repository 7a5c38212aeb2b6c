"""Logging of one job: everything into its log file, one readable line on the console if it fails."""

from __future__ import annotations

import gc
import logging
import os
import platform
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .errors import LatentomeError
from .wording import without_credentials

DONE = "done"
"""How the last line of a job that succeeded begins."""
SCHEDULER = ("SLURM_JOB_ID", "SLURM_RESTART_COUNT", "SLURMD_NODENAME", "CUDA_VISIBLE_DEVICES")
"""Variables of a cluster that are logged where they are set."""
FORMAT = "%(asctime)s %(levelname)s %(message)s"
log = logging.getLogger("latentome")
COLLECTION = (700, 10, 10)
"""Python's own thresholds of garbage collection, which `workflow_scripts` raises while a script imports."""


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_credentials(super().format(record))


def _versions(packages: tuple[str, ...]) -> str:
    found = [f"python {platform.python_version()}"]
    for name in packages:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _tell(what: str) -> None:
    print(f"latentome: error: {without_credentials(what)}", file=sys.stderr, flush=True)


@contextmanager
def job_log(
    path: str | Path, packages: tuple[str, ...] = ("numpy", "pandas"), **facts: object
) -> Iterator[None]:
    """Send log records and warnings of the block to `path`; on failure end the process readably.

    Parameters
    ----------
    path
        The rule's log file; written anew.
    packages
        Distributions whose versions are logged first.
    **facts
        Further facts logged first, such as ``device`` and ``seed``.

    Raises
    ------
    SystemExit
        With status 1 if the block raised. A `LatentomeError` is shown on the console as it is, any other
        exception by its type and message; the traceback of both is in the log. Neither shows the user name and
        password of an address.
    """
    # What is imported by now stays: no later collection, nor the process's end, has to look at it.
    gc.freeze()
    gc.set_threshold(*COLLECTION)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    # Of several processes that train together the first goes on with the log of the one that started them.
    number = os.environ.get("RANK")
    if number not in (None, "0"):
        path = path.with_suffix(f".rank{number}.log")
    if number != "0":
        path.unlink(missing_ok=True)
    handler = logging.FileHandler(path, mode="a", encoding="utf-8")
    handler.setFormatter(_Formatter(FORMAT))
    previous_level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # It tells on the console of every column that it stores as categories.
    logging.getLogger("anndata").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    log.info("%s", _versions(packages))
    given = {name: os.environ[name] for name in SCHEDULER if name in os.environ}
    for name, value in {**given, **facts}.items():
        log.info("%s: %s", name, value)
    began = time.monotonic()
    try:
        yield
        log.info("%s after %.1f s", DONE, time.monotonic() - began)
    except LatentomeError as error:
        log.error("%s", traceback.format_exc())
        _tell(str(error))
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001 - the last line of defence of a job
        log.error("%s", traceback.format_exc())
        _tell(f"{type(error).__name__}: {error} (the traceback is in {path})")
        raise SystemExit(1) from None
    finally:
        root.removeHandler(handler)
        root.setLevel(previous_level)
        handler.close()
