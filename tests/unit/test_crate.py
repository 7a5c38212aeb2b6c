"""The RO-Crate of a run: what it lists, what it says of it, and what it refuses."""

import hashlib
import json

import pytest

from workflow_scripts.lib.crate import moments, named_in, write_crate
from workflow_scripts.lib.data.registry import Entry
from workflow_scripts.lib.errors import LatentomeError

COUNTS = Entry("d", "GSE1", "counts.txt.gz", "https://example.org/counts.txt.gz", 12, "ab" * 32, None, "CC0")
COPY = Entry("d", "GSE1", "copy.h5ad", None, None, "cd" * 32, None, "CC-BY 4.0")
ENVIRONMENT = {
    "packages": {"numpy": "2.0.0"},
    "python": "3.11.7",
    "platform": "Linux x86_64",
    "revision": "f00",
    "changed": True,
}


def logged(folder, name, first, last):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{first},001 INFO python\n{last},999 INFO done after 3 s\nno time\n", encoding="utf-8")


@pytest.fixture
def crate(tmp_path):
    (tmp_path / "workflow").mkdir()
    for name in ("workflow/Snakefile", "config.yaml", "claims.tsv", "figure.svg"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    logged(tmp_path / "logs", "a/one.log", "2026-03-01 10:00:00", "2026-03-01 10:05:00")
    path = write_crate(
        tmp_path,
        workflow="workflow/Snakefile",
        inputs=["config.yaml"],
        results=["claims.tsv", "figure.svg"],
        raw=[COUNTS, COPY],
        environment=ENVIRONMENT,
        when=moments(tmp_path / "logs"),
    )
    return {entity["@id"]: entity for entity in json.loads(path.read_text(encoding="utf-8"))["@graph"]}


def test_every_file_has_its_size_and_digest(crate):
    for name in ("workflow/Snakefile", "config.yaml", "claims.tsv", "figure.svg"):
        assert crate[name]["sha256"] == hashlib.sha256(name.encode()).hexdigest()
        assert crate[name]["contentSize"] == str(len(name))
    assert crate["figure.svg"]["encodingFormat"] == "image/svg+xml"


def test_the_run_made_the_results_of_config_and_raw_files(crate):
    run = crate["#run"]
    assert run["instrument"] == {"@id": "workflow/Snakefile"}
    assert {part["@id"] for part in run["result"]} == {"claims.tsv", "figure.svg"}
    assert {part["@id"] for part in run["object"]} == {"config.yaml", COUNTS.url, "#GSE1/copy.h5ad"}
    assert run["startTime"].startswith("2026-03-01T10:00:00")
    assert run["endTime"].startswith("2026-03-01T10:05:00")


def test_raw_files_keep_terms_and_digest(crate):
    assert crate[COUNTS.url]["license"] == "CC0" and crate[COUNTS.url]["sha256"] == COUNTS.sha256
    assert crate["#GSE1/copy.h5ad"]["license"] == "CC-BY 4.0"
    assert "contentSize" not in crate["#GSE1/copy.h5ad"]


def test_local_changes_of_the_code_are_said(crate):
    assert "f00 with local changes" in crate["./"]["description"]


def test_files_named_anywhere_in_a_block():
    block = {"spots": {"counts": "GSE1/copy.h5ad"}, "list": [{"file": "GSE2/other"}], "number": 3}
    assert named_in(block, [COUNTS, COPY]) == [COPY]


def test_times_of_many_jobs(tmp_path):
    logged(tmp_path, "b.log", "2026-03-02 00:00:00", "2026-03-02 09:00:00")
    logged(tmp_path, "c/d.log", "2026-03-01 23:00:00", "2026-03-02 01:00:00")
    found = moments(tmp_path)
    assert (found.start[:19], found.end[:19]) == ("2026-03-01T23:00:00", "2026-03-02T09:00:00")


def test_no_logs_are_an_error(tmp_path):
    with pytest.raises(LatentomeError, match="run the workflow before"):
        moments(tmp_path)


def test_missing_result_is_named(tmp_path):
    (tmp_path / "Snakefile").write_text("", encoding="utf-8")
    logged(tmp_path / "logs", "a.log", "2026-03-01 10:00:00", "2026-03-01 10:05:00")
    with pytest.raises(LatentomeError, match=r"claims\.tsv is not there"):
        write_crate(
            tmp_path, workflow="Snakefile", inputs=[], results=["claims.tsv"], raw=[],
            environment=ENVIRONMENT, when=moments(tmp_path / "logs"),
        )  # fmt: skip
