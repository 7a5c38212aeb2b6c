"""Writing files: a reader sees the old bytes or the new ones, and equal values are equal bytes."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_scripts.lib.errors import LatentomeError


def write_atomic(path: str | Path, data: bytes | str) -> None:
    """Replace `path` by `data`, surviving a kill or a power cut at any moment.

    Parameters
    ----------
    path
        The file; its folder is made if it is missing.
    data
        Bytes, or text to be written as UTF-8.

    Raises
    ------
    OSError
        If the folder cannot be written; `path` is then as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as handle:
            handle.write(data.encode() if isinstance(data, str) else data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    # The rename itself is durable only once the folder is synced; some file systems refuse to sync one.
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


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
