"""What a download leaves on disk: the part that has come, what is known of it, and the checks to pass."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import math
import os
import shutil
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workflow_scripts.lib.data.registry import Entry
from workflow_scripts.lib.errors import LatentomeError

log = logging.getLogger("latentome")


class Again(Exception):
    """An attempt failed, the next may not."""

    def __init__(self, reason: str, *, restart: bool = False, wrong: bool = False, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.restart = restart or wrong  # what lies in the part is of no use
        self.wrong = wrong  # the file came whole, but is not the one expected
        self.wait = wait  # seconds the server asks for


class Arrival:
    """One file on its way to its place.

    Parameters
    ----------
    entry
        The file's row of the registry.
    destination
        Its place. Beside it lie ``.part`` (the bytes that have come), ``.part.json`` (whose bytes these are)
        and, without a registered checksum, ``.sha256`` (what the first download was).
    """

    def __init__(self, entry: Entry, destination: Path) -> None:
        folder, name = destination.parent, destination.name
        self.entry, self.destination = entry, destination
        self.part, self.state = folder / f"{name}.part", folder / f"{name}.part.json"
        self.sidecar = folder / f"{name}.sha256"

    def so_far(self) -> tuple[int, dict[str, Any]]:
        """Return how many bytes of the part can be built upon, and what is known of them."""
        state = read_json(self.state)
        size = self.part.stat().st_size if self.part.exists() else 0
        can_tell = strong_validator(state) or self.has_checksum
        return (size, state) if state.get("url") == self.entry.url and can_tell else (0, {})

    def restart(self) -> None:
        """Throw away what has come."""
        self.state.unlink(missing_ok=True)
        os.truncate(self.part, 0)

    @property
    def is_gzip(self) -> bool:
        """Whether the name promises gzip."""
        return self.destination.name.endswith((".gz", ".tgz"))

    @property
    def has_checksum(self) -> bool:
        """Whether the registry knows a checksum."""
        return bool(self.entry.sha256 or self.entry.md5)

    def trusted(self) -> dict[str, Any]:
        """Return what was noted when a file without a registered checksum was first fetched from `url`."""
        noted = read_json(self.sidecar)
        return noted if noted.get("url") == self.entry.url and not self.has_checksum else {}

    def check(self, path: Path) -> str:
        """Return the sha256 of `path` if it is the file expected."""
        size = path.stat().st_size
        if not size or (self.entry.bytes and size != self.entry.bytes):
            raise Again(f"{size} bytes came; expected {self.entry.bytes or 'some'}", wrong=True)
        sha256 = _digest(path, hashlib.sha256)
        if self.entry.sha256 and sha256 != self.entry.sha256:
            raise Again(f"its sha256 is {sha256}; expected {self.entry.sha256}", wrong=True)
        if self.entry.md5 and (md5 := _digest(path, hashlib.md5)) != self.entry.md5:
            raise Again(f"its md5 is {md5}; expected {self.entry.md5}", wrong=True)
        if not self.has_checksum and self.is_gzip and not _is_whole_gzip(path):
            raise Again("the gzip file is cut short or damaged", wrong=True)
        if (noted := self.trusted()) and noted.get("sha256") != sha256:
            raise Again(
                f"its sha256 is {sha256}; expected {noted.get('sha256')} as when first fetched on "
                f"{noted.get('fetched')} (if the new one is right, delete {self.sidecar})",
                wrong=True,
            )
        return sha256

    def is_there(self) -> bool:
        """Tell whether the destination is right already; remove it if it is known to be wrong."""
        if not self.destination.exists() or not (self.has_checksum or self.trusted()):
            return False
        try:
            self.check(self.destination)
        except Again as again:
            log.warning("%s: removed and fetched anew: %s", self.destination, again)
            self.destination.unlink()
            return False
        return True

    def keep(self, sha256: str) -> None:
        """Move the checked part to its destination."""
        if not self.has_checksum and not self.trusted():
            facts = {"url": self.entry.url, "bytes": self.part.stat().st_size, "sha256": sha256}
            day = datetime.now(UTC).date().isoformat()
            write_json(self.sidecar, {**facts, "etag": read_json(self.state).get("etag"), "fetched": day})
            log.info(
                "%s: no checksum is registered; sha256 %s is trusted from now on", self.entry.key, sha256
            )
        _sync(self.part)
        self.part.replace(self.destination)
        _sync(self.destination.parent)
        self.state.unlink(missing_ok=True)


def strong_validator(state: dict[str, Any]) -> str | None:
    """Return what If-Range may carry: a weak ETag does not promise the same bytes."""
    etag = state.get("etag") or "W/"
    return state.get("last_modified") if etag.startswith("W/") else etag


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in the file `path`, or an empty one if there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, facts: dict[str, Any]) -> None:
    """Write `facts` to `path` in one step."""
    fresh = path.with_name(path.name + ".tmp")
    fresh.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path, algorithm: Callable[..., Any]) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: algorithm(usedforsecurity=False)).hexdigest()


def _is_whole_gzip(path: Path) -> bool:
    try:
        with gzip.open(path) as handle:
            while handle.read(1 << 20):
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return False
    return True


def need_space(destination: Path, size: int) -> None:
    """Raise a `LatentomeError` if the disk of `destination` lacks room for `size` bytes and 5 % more."""
    needed, free = math.ceil(1.05 * size), shutil.disk_usage(destination.parent).free
    if needed > free:
        raise LatentomeError(
            f"{destination}: fetching it needs {needed:,} bytes, but the disk has {free:,} free; make room, "
            "or set raw_dir in the config to a folder on a larger disk"
        )
