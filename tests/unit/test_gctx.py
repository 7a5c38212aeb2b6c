"""GCTX and GCT readers against cmapPy, on files of every layout, and their refusals."""

import gzip
import shutil
import warnings

import h5py
import numpy as np
import pandas as pd
import pytest
from cmapPy.pandasGEXpress import GCToo, parse, write_gct

from workflow_scripts.lib.data.gct import read_gct
from workflow_scripts.lib.data.gctx import locate, read_ids, read_matrix, read_metadata
from workflow_scripts.lib.errors import LatentomeError

ROWS, COLUMNS = 37, 61


def write(path, values, row_ids=None, column_ids=None, **layout):
    """A GCTX by h5py, so that each layout can be had."""
    with h5py.File(path, "w") as file:
        file.attrs["version"] = np.bytes_("GCTX1.0")
        file.create_dataset("/0/DATA/0/matrix", data=values, **layout)
        file["/0/META/ROW/id"] = row_ids if row_ids is not None else np.arange(values.shape[1]).astype("S5")
        file["/0/META/COL/id"] = column_ids if column_ids is not None else np.arange(len(values)).astype("S5")
    return path


LAYOUTS = {
    "contiguous": {},
    "chunked": {"chunks": (16, 10)},
    "gzip": {"chunks": (7, 37), "compression": "gzip"},
    "gzip and shuffle": {"chunks": (16, 10), "compression": "gzip", "shuffle": True},
    "lzf": {"chunks": (16, 10), "compression": "lzf"},
    "checksummed": {"chunks": (16, 10), "fletcher32": True},
    "double": {"dtype": "f8"},
    "big-endian": {"dtype": ">f4"},
    "double, gzip": {"dtype": "f8", "chunks": (16, 10), "compression": "gzip"},
}


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).normal(size=(COLUMNS, ROWS)).astype(np.float32)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_cmappys_bits(tmp_path, values, layout):
    path = write(tmp_path / "a.gctx", values, **LAYOUTS[layout])
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(ROWS)[:11], rng.permutation(COLUMNS)[:23]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        reference = parse.parse(str(path), rid=[str(k) for k in rows], cid=[str(k) for k in columns]).data_df
    wanted = reference.loc[[str(k) for k in rows], [str(k) for k in columns]].to_numpy(np.float32).T
    np.testing.assert_array_equal(read_matrix(path, rows, columns), wanted)
    np.testing.assert_array_equal(read_matrix(path), values)


@pytest.mark.parametrize("layout", ["contiguous", "gzip", "lzf"])
@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([5], [60]),
        ([], [1, 2]),
        ([3, 4, 5], range(COLUMNS)),
        (range(ROWS), [0, 1, 2, 30, 31, 60]),
        ([36, 0], range(COLUMNS - 1, -1, -1)),
        ([4, 4], [7, 7, 7]),
    ],
)
def test_any_choice_is_numpys(tmp_path, values, layout, rows, columns, monkeypatch):
    monkeypatch.setattr("workflow_scripts.lib.data.gctx_blocks.BLOCK_BYTES", 4 * ROWS * 5)
    path = write(tmp_path / "a.gctx", values, **LAYOUTS[layout])
    rows, columns = np.array(rows, int), np.array(columns, int)
    seen = []
    found = read_matrix(path, rows, columns, report=lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(found, values[np.ix_(columns, rows)])
    assert found.dtype == np.float32
    assert not found.size or seen[-1] == (columns.size, columns.size)


def test_chunks_that_were_never_written_are_the_fill_value(tmp_path):
    path = tmp_path / "a.gctx"
    write(path, np.zeros((8, 4), np.float32))
    with h5py.File(path, "a") as file:
        del file["/0/DATA/0/matrix"]
        stored = file.create_dataset(
            "/0/DATA/0/matrix", (8, 4), "<f4", chunks=(4, 4), compression="gzip", fillvalue=-666
        )
        stored[:4] = 1
    np.testing.assert_array_equal(read_matrix(path)[:, 0], [1] * 4 + [-666] * 4)


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        (np.array([780, 7849]), ["780", "7849"]),
        (np.array([780.0, 7849.0]), ["780", "7849"]),
        (np.array([b"780", b"7849"]), ["780", "7849"]),
        (np.array(["780", "7849"], dtype=object), ["780", "7849"]),
        (np.array([b"10 \xb5M", "10 \u00b5M 2".encode()]), ["10 \u00b5M", "10 \u00b5M 2"]),
    ],
    ids=["int", "float", "bytes", "str", "latin-1 and utf-8"],
)
def test_ids_of_every_kind_are_text(tmp_path, ids, found):
    path = write(tmp_path / "a.gctx", np.zeros((3, 2), np.float32), row_ids=ids)
    assert read_ids(path, "row") == found


def test_metadata_keeps_numbers_and_texts(tmp_path):
    path = write(tmp_path / "a.gctx", np.zeros((2, 2), np.float32))
    with h5py.File(path, "a") as file:
        file["/0/META/COL/pert_idose"] = np.array([b"10 \xb5M", b"-666"])
        file["/0/META/COL/is_gold"] = np.array([1.0, 0.0], np.float32)
    found = read_metadata(path, "column")
    assert found.pert_idose.tolist() == ["10 \u00b5M", "-666"]
    assert found.is_gold.tolist() == [1.0, 0.0]


def test_ids_that_a_file_lacks_are_listed_in_order():
    found = locate(["a", "b", "c"], ["c", "x", "a", "y"])
    assert found.places.tolist() == [2, 0]
    assert found.missing == ["x", "y"]


def truncated(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def gzipped(path):
    with path.open("rb") as source, gzip.open(path.with_suffix(".gz"), "wb") as target:
        shutil.copyfileobj(source, target)
    path.with_suffix(".gz").replace(path)


def without(name):
    def edit(path):
        with h5py.File(path, "a") as file:
            del file[name]

    return edit


BROKEN = {
    "truncated": (truncated, "cut short or damaged"),
    "gzipped": (gzipped, "gzipped; unpack it first"),
    "a GCT": (
        lambda path: path.write_text("#1.3\n1\t1\t0\t0\n"),
        "GCT text with a GCTX name; rename it to .gct",
    ),
    "a text": (lambda path: path.write_text("sig_id\tpert_id\n"), "no GCTX"),
    "empty": (lambda path: path.write_bytes(b""), "no GCTX"),
    "missing": (lambda path: path.unlink(), "No such file"),
    "no matrix": (without("/0/DATA"), "HDF5 but no GCTX"),
    "no ids": (without("/0/META/COL/id"), "HDF5 but no GCTX"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_no_whole_gctx_is_one_line(tmp_path, values, how):
    edit, message = BROKEN[how]
    path = write(tmp_path / "a.gctx", values)
    edit(path)
    with pytest.raises(LatentomeError, match=message) as caught:
        read_matrix(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layout", ["contiguous", "gzip"])
def test_a_matrix_that_lost_bytes_inside_is_found(tmp_path, values, layout):
    path = write(tmp_path / "a.gctx", values, **LAYOUTS[layout])
    with h5py.File(path) as file:
        stored = file["/0/DATA/0/matrix"]
        offset = stored.id.get_offset() if stored.chunks is None else stored.id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    if layout == "gzip":
        data[offset : offset + 4] = b"\0\0\0\0"
        path.write_bytes(bytes(data))
    else:
        path.write_bytes(bytes(data[: offset + 100]))
    with pytest.raises(LatentomeError, match="damaged"):
        read_matrix(path)


def test_ids_that_come_twice_or_do_not_fit_are_named(tmp_path, values):
    twice = np.arange(COLUMNS).astype("S5")
    twice[3] = b"9"
    with pytest.raises(LatentomeError, match="column ids come more than once"):
        read_ids(write(tmp_path / "a.gctx", values, column_ids=twice), "column")
    with pytest.raises(LatentomeError, match="60 columns"):
        read_matrix(write(tmp_path / "b.gctx", values, column_ids=twice[:60]))


@pytest.fixture
def gct(tmp_path):
    frame = pd.DataFrame(
        np.random.default_rng(0).normal(size=(4, 3)).round(3), index=list("abcd"), columns=["x", "y", "z"]
    )
    rows = pd.DataFrame({"symbol": list("ABCD"), "is_lm": [1, 0, 1, 1]}, index=frame.index)
    columns = pd.DataFrame({"pert_id": ["p", "q", "r"]}, index=frame.columns)
    for table in (frame, rows, columns):
        table.index = table.index.astype(object)
    path = tmp_path / "a.gct"
    write_gct.write(GCToo.GCToo(frame, rows, columns), str(path), data_float_format="%.3f")
    return path, frame, rows, columns


def test_a_gct_by_cmappy_reads_as_it_was(gct):
    path, frame, rows, columns = gct
    found = read_gct(path)
    np.testing.assert_allclose(found.matrix, frame.to_numpy().T, rtol=1e-6)
    assert found.rows.symbol.to_dict() == rows.symbol.to_dict()
    assert found.columns.pert_id.to_dict() == columns.pert_id.to_dict()


def test_gct_1_2_has_descriptions_alone(tmp_path):
    path = tmp_path / "a.gct"
    path.write_text("#1.2\n2\t2\nName\tDescription\ts1\ts2\n780\tDDR1\t1.5\tNA\n7849\tPAX8\t-2\t0\n")
    found = read_gct(path)
    np.testing.assert_array_equal(found.matrix, [[1.5, -2], [np.nan, 0]])
    assert found.rows.loc["780"].tolist() == ["DDR1"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("#1.3", "#2.0", "line 1"),
        ("4\t3", "4\tx", "line 2"),
        ("4\t3", "9\t3", "cut short or edited"),
        ("\nb\t", "\na\t", "'a' comes more than once"),
        ("\tB\t", "\tB\tone\t", "unequal length"),
    ],
)
def test_a_gct_that_lies_is_refused_by_place(gct, old, new, message):
    path = gct[0]
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(LatentomeError, match=message):
        read_gct(path)
