"""What squidpy and scanpy have downloaded is used, if it is what the registry says."""

import hashlib

import pytest

from workflow_scripts.lib.data.dataset_cache import copy_cached
from workflow_scripts.lib.data.registry import Entry

DATA = b"counts of many spots"
SHA = hashlib.sha256(DATA).hexdigest()
SAMPLE = "raw/V1_Adult_Mouse_Brain/"


def entry(file, sha256=SHA):
    return Entry("toy", "spatial", file, url="https://nowhere.invalid/x", sha256=sha256)


@pytest.mark.parametrize(
    "file, place",
    [
        ("visium_hne_adata.h5ad", "anndata/visium_hne_adata.h5ad"),
        ("visium_hne_adata.h5ad", "visium_hne_adata.h5ad"),
        (f"{SAMPLE}filtered_feature_bc_matrix.h5", "visium/V1_Adult_Mouse_Brain/filtered_feature_bc_matrix.h5"),
        (f"{SAMPLE}filtered_feature_bc_matrix.h5", "visium_10x/V1_Adult_Mouse_Brain/filtered_feature_bc_matrix.h5"),
        (f"{SAMPLE}filtered_feature_bc_matrix.h5", "V1_Adult_Mouse_Brain/filtered_feature_bc_matrix.h5"),
        (f"{SAMPLE}spatial.tar.gz", "V1_Adult_Mouse_Brain/V1_Adult_Mouse_Brain_spatial.tar.gz"),
    ],
)  # fmt: skip
def test_each_layout_of_the_two_libraries_is_known(tmp_path, file, place):
    cached = tmp_path / "data" / place
    cached.parent.mkdir(parents=True)
    cached.write_bytes(DATA)
    target = tmp_path / "raw" / "spatial" / file
    assert copy_cached(entry(file), target, [tmp_path / "none", tmp_path / "data"])
    assert target.read_bytes() == DATA == cached.read_bytes()
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_another_file_of_that_name_is_left_alone(tmp_path, caplog):
    for folder, data in (("first", b"pre-processed"), ("second", DATA)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.h5ad").write_bytes(data)
    target = tmp_path / "out" / "a.h5ad"
    assert not copy_cached(entry("a.h5ad"), target, [tmp_path / "first"])
    assert not target.exists()
    assert "not the registered one" in caplog.text
    assert copy_cached(entry("a.h5ad"), target, [tmp_path / "first", tmp_path / "second"])


def test_nothing_is_taken_that_cannot_be_checked(tmp_path):
    (tmp_path / "a.h5ad").write_bytes(DATA)
    assert not copy_cached(entry("a.h5ad", sha256=None), tmp_path / "out.h5ad", [tmp_path])
    assert not copy_cached(entry("b.h5ad"), tmp_path / "out.h5ad", [tmp_path])


def test_the_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".cache" / "squidpy").mkdir(parents=True)
    (tmp_path / ".cache" / "squidpy" / "slideseqv2.h5ad").write_bytes(DATA)
    assert copy_cached(entry("slideseqv2.h5ad"), tmp_path / "slideseqv2.h5ad", ["data", "~/.cache/squidpy"])
