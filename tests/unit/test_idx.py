"""IDX files: read as stated, or refused."""

import gzip

import numpy as np
import pytest

from workflow_scripts.lib.data.idx import read_idx
from workflow_scripts.lib.errors import LatentomeError


def idx(values):
    head = bytes([0, 0, 8, values.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in values.shape)
    return head + values.tobytes()


@pytest.mark.parametrize("shape", [(7,), (5, 4, 3)])
@pytest.mark.parametrize("packed", [False, True])
def test_values_and_shape_come_back(tmp_path, shape, packed):
    values = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(idx(values)) if packed else idx(values))
    np.testing.assert_array_equal(read_idx(path), values)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda data: data[:-1], "cut short or damaged"),
        (lambda data: data + b"x", "cut short or damaged"),
        (lambda data: b"\0\0\x0d" + data[3:], "no IDX file of bytes"),
        (lambda data: b"<html>", "no IDX file of bytes"),
        (lambda data: gzip.compress(data)[:-9], "cannot be read"),
        (lambda data: data[:6], "cut short or damaged"),
    ],
)
def test_other_files_are_refused(tmp_path, edit, message):
    path = tmp_path / "a"
    path.write_bytes(edit(idx(np.zeros((4, 2, 2), np.uint8))))
    with pytest.raises(LatentomeError, match=message):
        read_idx(path)
