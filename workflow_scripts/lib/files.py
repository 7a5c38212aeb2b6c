"""Writing files: a reader sees the old bytes or the new ones, and equal values are equal bytes."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workflow_scripts.lib.errors import LatentomeError


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which takes its place once the block has written it.

    For writers that want a path (AnnData, HDF5); `write_atomic` is for bytes and text. A kill or a power cut
    at any moment leaves the old file or the new one.

    Parameters
    ----------
    path
        The file; its folder is made if it is missing.

    Raises
    ------
    OSError
        If the folder cannot be written; `path` is then as it was, as it is after an error in the block.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _sync(temporary, os.O_RDWR)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    # The rename itself is durable only once the folder is synced; some file systems refuse to sync one.
    with contextlib.suppress(OSError):
        _sync(path.parent, os.O_RDONLY)


def write_atomic(path: str | Path, data: bytes | str) -> None:
    """Write bytes, or text as UTF-8, through `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def _sync(path: Path, mode: int) -> None:
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as JSON with sorted keys, the same bytes for the same value, atomically.

    NumPy and torch numbers and arrays become plain ones; NaN becomes null, for "not defined" is a result.

    Raises
    ------
    LatentomeError
        If a value is infinite or no JSON; the message names its place.
    """
    path = Path(path)
    write_atomic(path, to_json(value, path.name))


def to_json(value: Any, where: str) -> str:
    """Return the text that `write_json` writes; `where` names `value` in errors."""
    return (
        json.dumps(_plain(value, where), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    )


def _plain(value: Any, where: str) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}: {key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return None
        raise LatentomeError(f"{where} is {value}; expected a finite number or NaN; check how it is computed")
    if value is None or isinstance(value, str | int | float):
        return value
    raise LatentomeError(
        f"{where} is a {type(value).__name__}; expected a JSON value; convert it before writing"
    )
