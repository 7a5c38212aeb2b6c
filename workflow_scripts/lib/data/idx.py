"""IDX files, as MNIST and Fashion-MNIST come."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from workflow_scripts.lib.errors import LatentomeError

UNSIGNED_BYTE = 0x08


def read_idx(path: str | Path) -> np.ndarray:
    """Read an IDX file of unsigned bytes, gzipped or plain.

    Parameters
    ----------
    path
        Such as ``train-images-idx3-ubyte.gz``.

    Returns
    -------
    numpy.ndarray
        uint8, of the shape that the file states: [images x rows x columns] or [labels].

    Raises
    ------
    LatentomeError
        If the file is no IDX of bytes, or has fewer or more bytes than it states.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise LatentomeError(f"{path}: cannot be read ({error}); delete it and fetch it again") from error
    if len(data) < 4 or data[:3] != bytes([0, 0, UNSIGNED_BYTE]):
        raise LatentomeError(
            f"{path}: is no IDX file of bytes; expected MNIST's form, such as train-images-idx3-ubyte"
        )
    dimensions = data[3]
    head = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(data[k : k + 4], "big") for k in range(4, head, 4))
    if len(data) < head or len(data) - head != math.prod(shape):
        raise LatentomeError(
            f"{path}: has {max(len(data) - head, 0)} values where its head states {shape}; it is cut short or damaged"
        )
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)
