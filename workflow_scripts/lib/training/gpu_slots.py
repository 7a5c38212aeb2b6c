"""Which of several local GPUs a process takes: the first that no other process of Latentome's holds.

Snakemake counts GPUs but does not say which one a job has (its issue 281); a scheduler of a cluster shows a job its own
alone. Another user's processes, and other programs, are not seen.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from workflow_scripts.lib.errors import LatentomeError

log = logging.getLogger("latentome")
LOOK_EVERY = 1.0
"""Seconds between two looks at GPUs that are all held."""

# A lock lasts as long as its file is open.
_held: dict[str, IO[str]] = {}


def slots_folder() -> Path:
    """Folder of this user's locks, one file a GPU."""
    return Path(tempfile.gettempdir()) / f"latentome-gpus-{os.getuid()}"


def claim_gpu(names: Sequence[str], folder: Path | None = None) -> int:
    """Hold one GPU until this process ends; waits while all are held.

    Parameters
    ----------
    names
        Of the visible GPUs, the same in every process, such as their UUIDs.
    folder
        Of the locks; None: `slots_folder`.

    Returns
    -------
    int
        Place of the GPU in `names`; the same when asked again.

    Raises
    ------
    LatentomeError
        If the folder is not this user's alone.
    """
    folder = folder or slots_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise LatentomeError(
            f"{folder}: expected a folder of locks that only you may write to; remove it, or set TMPDIR to a folder "
            "of your own"
        )
    for place, name in enumerate(names):
        if name in _held:
            return place
    waiting = False
    while True:
        for place, name in enumerate(names):
            if _lock(folder / f"{name}.lock", name):
                return place
        if not waiting:
            log.warning("all %d GPUs are held by other jobs (%s); waiting for one", len(names), folder)
            waiting = True
        time.sleep(LOOK_EVERY)


def _lock(path: Path, name: str) -> bool:
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    _held[name] = file
    return True
