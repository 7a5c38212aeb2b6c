"""Weights from legacy ``torch.save`` files (before torch 1.6).

Such a file is five pickles (magic number, protocol, system, the object, its storages' keys) and then the storages:
an int64 count and the raw numbers of each. The object is often a whole module, which `torch.load` refuses with
``weights_only=True`` and executes without it; `module_pickle` reads it as data.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any

import numpy as np

from .module_pickle import Module, Refused, Storage, Tensor, read_pickle

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
LARGEST_FILE = 2**30
MOST_PARTS = 10_000
"""Tensors and modules of one file; a pickle can name one part many times."""


def _tensors(found: Any) -> dict[str, Tensor]:
    """The tensors of a module's or a state dict's record, named as in a state dict."""
    tensors: dict[str, Tensor] = {}
    waiting = [("", found)]
    seen = 0
    while waiting:
        prefix, part = waiting.pop()
        if isinstance(part, Module):
            groups = [part.state.get(name, {}) for name in ("_parameters", "_buffers", "_modules")]
        else:
            groups = [part]
        for group in groups:
            if not isinstance(group, dict):
                raise Refused("an object that is neither a module nor a state dict")
            for name, value in group.items():
                seen += 1
                if seen > MOST_PARTS:
                    raise Refused(f"more than {MOST_PARTS} tensors and modules")
                if isinstance(value, Tensor):
                    tensors[f"{prefix}{name}"] = value
                elif isinstance(value, Module | dict):
                    waiting.append((f"{prefix}{name}.", value))
                elif value is not None:
                    raise Refused(f"{prefix}{name}, which is neither a tensor nor a module")
    return tensors


def _array(tensor: Tensor, numbers: np.ndarray) -> np.ndarray:
    size = int(np.prod([float(n) for n in tensor.shape]))
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    if size == 0:
        return np.empty(tensor.shape, numbers.dtype)
    if last >= numbers.size or size > numbers.size:
        raise Refused("a tensor that reaches beyond its storage")
    strides = [step * numbers.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(
        numbers[tensor.offset :], tensor.shape, strides, writeable=False
    ).copy()


def _storages(handle: IO[bytes], keys: object, wanted: dict[str, Storage]) -> dict[str, np.ndarray]:
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(wanted):
        raise Refused("a list of storages that does not fit its tensors")
    found = {}
    for key in keys:
        dtype, count = wanted[key].dtype, wanted[key].count
        stated = int.from_bytes(handle.read(8), "little")
        data = handle.read(dtype.itemsize * count) if stated == count else b""
        if len(data) != dtype.itemsize * count or stated != count:
            raise Refused("a storage that is cut short")
        found[key] = np.frombuffer(data, dtype)
    return found


def read_legacy_weights(path: str | Path) -> dict[str, np.ndarray]:
    """Tensors of a legacy ``.pth`` file in their stored shape, by the names that they have in a state dict.

    Parameters
    ----------
    path
        A file written by ``torch.save(module or state dict)`` of torch before 1.6.

    Raises
    ------
    Refused
        If the file is of another form, is cut short, or holds anything but modules that
        `module_pickle.MODULES` lists and tensors; the message names the file and what was found.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise Refused(f"more than {LARGEST_FILE} bytes")
        data = path.read_bytes()
        if data[:2] == b"PK":
            raise Refused(
                "a zip archive, as torch writes since 1.6 (torch.load(weights_only=True) reads those)"
            )
        # In memory, a length that a pickle claims allocates no more than there is.
        handle = io.BytesIO(data)
        if read_pickle(handle) != MAGIC_NUMBER or read_pickle(handle) != PROTOCOL_VERSION:
            raise Refused("something else than the head of a legacy torch file")
        system = read_pickle(handle)
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise Refused("numbers that are not little-endian")
        tensors = _tensors(read_pickle(handle))
        keys = read_pickle(handle)
        wanted = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
        if any(storage.count > len(data) for storage in wanted.values()):
            raise Refused("a storage that is cut short")
        numbers = _storages(handle, keys, wanted)
        return {name: _array(tensor, numbers[tensor.storage.key]) for name, tensor in tensors.items()}
    except Refused as error:
        raise Refused(
            f"{path}: holds {error}; expected the weights of linear, embedding and sequential modules alone; "
            "nothing of it was executed; take the file from its publisher, or convert it to safetensors"
        ) from error
