"""What a run says of where its results come from, and that a validator accepts it."""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import rocrate
import yaml
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from runs import REPO, VOLATILE
from urllib3.response import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class Stored(HTTPAdapter):
    """The terms of RO-Crate as the library ships them, of 1.3, with the two addresses that differ in 1.1."""

    def send(self, request, *words, **more):
        terms = (Path(rocrate.__file__).parent / "data/ro-crate.jsonld").read_bytes()
        body = BytesIO(terms.replace(b"https://bioschemas.org/terms/", b"https://bioschemas.org/"))
        answer = HTTPResponse(body, {"Content-Type": "application/ld+json"}, 200, preload_content=False)
        return self.build_response(request, answer)


def test_validator_accepts_the_crate(demo, tmp_path):
    cache = tmp_path / "cache"
    session = CachedSession(cache_name=str(cache), expire_after=-1)
    session.mount("https://", Stored())
    assert session.get(CONTEXT).ok
    told = tmp_path / "told.json"
    line = [Path(sys.executable).with_name("rocrate-validator"), "-y", "validate", "--offline"]
    line += ["--cache-path", cache, "-p", "workflow-run-crate", "-l", "required"]
    line += ["-f", "json", "-o", told, demo.folder / "results"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path)
    found = json.loads(told.read_text(encoding="utf-8"))
    assert found["passed"] and not found["issues"], found["issues"]
    assert done.returncode == 0


def test_crate_lists_every_figure_and_table(demo):
    results = demo.folder / "results"
    crate = json.loads((results / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    listed = {entity["@id"] for entity in crate["@graph"]}
    figures = {str(path.relative_to(results)) for path in (results / "figures").rglob("*.*")}
    assert len(figures) > 150 and figures <= listed
    assert {"claims.tsv", "config.yaml", "environment.json"} <= listed


def test_code_beside_the_results_is_the_one_that_ran(demo):
    copied = demo.folder / "results/workflow"
    names = {str(path.relative_to(copied)) for path in copied.rglob("[!.]*") if path.is_file()}
    assert {
        "Snakefile",
        "rules/report.smk",
        "workflow_scripts/lib/crate.py",
        "resources/datasets.tsv",
    } <= names
    assert not [name for name in names if (copied / name).read_bytes() != (REPO / name).read_bytes()]
    assert not [name for name in names if "__pycache__" in name]


def test_environment_names_versions(demo):
    found = json.loads((demo.folder / "results/environment.json").read_text(encoding="utf-8"))
    assert found["python"].count(".") == 2
    assert {"numpy", "torch", "snakemake"} <= set(found["packages"])


def test_citation_and_catalogue_entry_are_valid():
    citation = yaml.safe_load((REPO / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    entry = yaml.safe_load((REPO / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))
    assert set(entry["usage"]) <= {"mandatory-flags", "software-stack-deployment", "report"}


def test_times_of_the_crate_are_no_part_of_the_bytes_compared():
    assert VOLATILE.search("ro-crate-metadata.json")
