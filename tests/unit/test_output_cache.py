"""Prepared files that are missing or damaged, links into the cache, and claims whose tables lie elsewhere."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.claims import write_audit
from workflow_scripts.lib.data.prepared import read_prepared
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.output_cache import check_links, check_output_cache
from workflow_scripts.lib.tables import write_table


@pytest.fixture
def entry(tmp_path):
    path = tmp_path / f"cache/{'0f' * 32}.h5ad"
    path.parent.mkdir()
    anndata.AnnData(np.arange(400, dtype=np.float32).reshape(20, 20)).write_h5ad(path)
    return path


def test_a_link_is_read_as_a_file(entry, tmp_path):
    (tmp_path / "x.h5ad").symlink_to(entry)
    assert read_prepared(tmp_path / "x.h5ad", "prepare_counts").shape == (20, 20)


@pytest.mark.parametrize("linked", [True, False])
def test_what_is_cut_short_is_named_with_the_way_out(entry, tmp_path, linked):
    entry.write_bytes(entry.read_bytes()[:-100])
    path = tmp_path / "x.h5ad" if linked else entry
    if linked:
        path.symlink_to(entry)
    way_out = f"delete it and {entry}, to which it is a link, and" if linked else "delete it and"
    with pytest.raises(LatentomeError) as caught:
        read_prepared(path, "prepare_counts")
    assert str(caught.value).startswith(f"{path}: ") and f"{way_out} run the rule prepare_counts" in str(
        caught.value
    )


def test_what_is_not_there(tmp_path):
    (tmp_path / "x.h5ad").symlink_to(tmp_path / "nowhere")
    with pytest.raises(LatentomeError, match="does not exist; run the rule prepare_spots"):
        read_prepared(tmp_path / "x.h5ad", "prepare_spots")


def test_nobodys_own_file_is_to_be_deleted(entry, tmp_path):
    own = entry.rename(entry.with_name("own.h5ad"))
    own.write_bytes(own.read_bytes()[:-100])
    (tmp_path / "x.h5ad").symlink_to(own)
    with pytest.raises(LatentomeError, match="delete it and run"):
        read_prepared(tmp_path / "x.h5ad", "prepare_counts")


def test_a_lost_entry_is_named_with_the_way_out(entry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    link = Path("results/bulk/the one/counts.h5ad")
    link.parent.mkdir(parents=True)
    link.symlink_to(entry)
    (link.parent / "other").symlink_to(tmp_path / "nowhere")
    check_links("raw")
    entry.unlink()
    with pytest.raises(LatentomeError, match=f"{link} is a link to {entry}.*rm '{link}'$"):
        check_links("raw")


def test_a_cache_that_can_be_used(tmp_path):
    check_output_cache(str(tmp_path))
    check_output_cache("s3://lab/cache")
    for location in ("", "relative", str(tmp_path / "none")):
        with pytest.raises(LatentomeError, match=f"SNAKEMAKE_OUTPUT_CACHE.*{location}"):
            check_output_cache(location)


def test_claims_read_their_tables_where_they_are(tmp_path):
    """One table is of two datasets, and none is under the name that the rule gives it."""
    inputs = {"a": {"one": ["r/a1.tsv", "r/a2.tsv"], "all": ["r/all.tsv"]}, "b": {"all": ["r/all.tsv"]}}
    names = ["a1", "a2", "all", "all"]
    files = [str(tmp_path / f"{name}.tsv") for name in names]
    for name, file in zip(names, files, strict=True):
        write_table(pd.DataFrame({"name": [name]}), file)
    seen = {}

    def audit(tables):
        seen.update({(d, n): list(t.name) for d, of_one in tables.items() for n, t in of_one.items()})
        return pd.DataFrame({"study": ["s"], "figure": [""]})

    write_audit(audit, inputs, files, "s", False, tmp_path / "claims.tsv")
    assert seen == {("a", "one"): ["a1", "a2"], ("a", "all"): ["all"], ("b", "all"): ["all"]}
    with pytest.raises(ValueError):
        write_audit(audit, inputs, files[1:], "s", False, tmp_path / "claims.tsv")
