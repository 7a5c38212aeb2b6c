"""Checkpoints that survive a kill at any moment: no pickle, two generations, self-verifying files.

A checkpoint is one safetensors file: tensors as tensors, everything else as JSON in the file's metadata. Its
name holds a serial number and the SHA-256 of its bytes, so a torn or altered file is known by its name.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import write_atomic

from . import parallel

log = logging.getLogger("latentome")

FORMAT = 1
GENERATIONS = 2
LOCK = "lock"


def checkpoint_folder(root: str | Path, rule: str, facts: Mapping[str, Any]) -> Path:
    """Return the folder of one job's checkpoints; it is not made.

    Parameters
    ----------
    root
        The config's ``checkpoint_dir``.
    rule
        The rule's name.
    facts
        All that the result depends on, as JSON values: wildcards, params, code digest, input checksums.

    Returns
    -------
    Path
        ``root/rule/<16 hex digits>``. A job with other facts, or another torch, gets another folder.

    Raises
    ------
    TypeError
        If a fact is no JSON value.
    """
    text = json.dumps(
        {"facts": dict(facts), "torch": torch.__version__}, sort_keys=True, separators=(",", ":")
    )
    return Path(root) / rule / hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def lock(folder: Path) -> Iterator[Path]:
    """Hold `folder`, made if missing, against every other process for the length of the block.

    The kernel gives the lock back when the holder ends, however it ends.

    Raises
    ------
    LatentomeError
        If another process holds it; the message says which.
    """
    if parallel.rank():
        # The first of the processes that train together holds it for all.
        yield folder
        return
    path = folder / LOCK
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = path.open("a+", encoding="utf-8")
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The last holder may have discarded the folder between our open and our lock: a lock on a file
            # that is no longer there would exclude nobody.
            if path.exists() and path.stat().st_ino == os.fstat(handle.fileno()).st_ino:
                break
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip() or "unknown process"
            handle.close()
            raise LatentomeError(
                f"checkpoint folder {folder} is in use by {holder}; expected one job at a time; "
                "wait for that process or end it, then run again"
            ) from None
        handle.close()
    try:
        handle.truncate(0)
        handle.write(f"pid {os.getpid()} on {platform.node()}\n")
        handle.flush()
        yield folder
    finally:
        handle.close()


def discard(folder: Path) -> None:
    """Remove `folder` and all in it: the job's outputs are written. A missing folder is fine."""
    shutil.rmtree(folder, ignore_errors=True)


def save(folder: Path, state: Mapping[str, Any]) -> Path:
    """Write `state` as the newest generation and drop all but the newest two.

    Parameters
    ----------
    folder
        The job's checkpoint folder; made if missing.
    state
        Nested dicts, lists and tuples of tensors, strings, numbers, booleans and None.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    TypeError
        If `state` holds anything else.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps({"format": FORMAT, "state": _pack(state, "", tensors)}, separators=(",", ":"))
    data = safetensors.torch.save(tensors, metadata={"latentome": text})
    before = _generations(folder)
    number = int(before[0].name.split("-")[0]) + 1 if before else 1
    path = folder / f"{number:08d}-{_digest(data)}.safetensors"
    write_atomic(path, data)
    for old in before[GENERATIONS - 1 :]:
        old.unlink(missing_ok=True)
    return path


def load(folder: Path) -> dict[str, Any] | None:
    """Return the newest sound state in `folder`, its tensors on the CPU, or None if there is none.

    A damaged file is logged, removed and passed over, so the newest two stay two sound ones. Left-overs
    of interrupted writes are removed: call this only under `lock`. Of several processes that train together the first
    alone removes anything.
    """
    first = os.environ.get("RANK", "0") == "0"
    for temporary in folder.glob(".*.tmp") if first else ():
        temporary.unlink(missing_ok=True)
    for path in _generations(folder):
        try:
            data = path.read_bytes()
            if path.name.removesuffix(".safetensors").partition("-")[2] != _digest(data):
                raise ValueError("its bytes do not have the SHA-256 in its name")
            tensors = safetensors.torch.load(data)
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            content = json.loads(header["__metadata__"]["latentome"])
            if content["format"] != FORMAT:
                raise ValueError(f"it has format {content['format']}, expected {FORMAT}")
            state: dict[str, Any] = _unpack(content["state"], tensors)
            return state
        except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
            log.warning("checkpoint %s is damaged and passed over: %s", path, error)
            if first:
                path.unlink(missing_ok=True)
    return None


def _generations(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9]*-*.safetensors"), reverse=True)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _pack(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Return `value` as JSON, its tensors moved to `tensors`; what JSON cannot say gets a tag."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        # The count keeps {"a/b": ...} and {"a": {"b": ...}} apart.
        name = f"{len(tensors)}{name}"
        # A copy, for tied weights share memory and safetensors refuses that.
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"dict": [[key, _pack(item, f"{name}/{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        items = [_pack(item, f"{name}/{place}", tensors) for place, item in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__} (at {name})")


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    if tag == "tensor":
        return tensors[content]
    if tag == "tuple":
        return tuple(_unpack(item, tensors) for item in content)
    return {key: _unpack(item, tensors) for key, item in content}
