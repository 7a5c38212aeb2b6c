"""Snakemake's cache between workflows: what is taken from it, what is not, and what a damaged entry does."""

import hashlib
import shutil

import pytest
import yaml
from runs import REPO, good, run

from workflow_scripts.lib.job_logs import jobs_of

COUNTS = "results/bulk/demo/counts.h5ad"
SIGNATURES = "results/l1000/demo/signatures.h5ad"
LOGS = {
    COUNTS: "results/logs/prepare_counts/demo.log",
    SIGNATURES: "results/logs/prepare_signatures/demo.log",
}
NEXT = "results/bulk/demo/de/mean_log/treated_vs_control.tsv"


def cached(folder, place, *targets, overlays=("test",)):
    """A run that may take from the cache at `place`, and give to it."""
    return run(
        folder, "--cache", "--", *targets, overlays=overlays, env={"SNAKEMAKE_OUTPUT_CACHE": str(place)}
    )


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The cache that a first run has filled, and its folder."""
    base = tmp_path_factory.mktemp("cache")
    (base / "cache").mkdir()
    good(cached(base / "first", base / "cache", *LOGS))
    return base / "cache", base / "first"


@pytest.fixture
def place(first, tmp_path):
    """A copy of that cache."""
    return shutil.copytree(first[0], tmp_path / "cache")


def ran(folder, target) -> bool:
    """Whether the script ran; of a job that the cache saved there is an empty log."""
    return (folder / LOGS[target]).stat().st_size > 0


def entry(folder, target):
    assert (folder / target).is_symlink()
    return (folder / target).resolve()


def test_the_first_run_gives(first, demo):
    place, folder = first
    for target in LOGS:
        assert entry(folder, target).parent == place and ran(folder, target)
        assert digest(folder / target) == digest(demo.folder / target)


def test_another_folder_takes(place, tmp_path):
    folder = tmp_path / "second"
    good(cached(folder, place, *LOGS))
    for target in LOGS:
        assert entry(folder, target).parent == place and not ran(folder, target)
    assert {job.rule for job in jobs_of(folder)} == {"simulate_counts", "simulate_signatures"}


def test_another_config_does_not(place, tmp_path):
    """One that says otherwise, and one that leaves out some files which the same rule has made."""
    folder, before = tmp_path / "other", set(place.iterdir())
    block = yaml.safe_load((REPO / "config.yaml").read_text(encoding="utf-8"))["datasets"]["l1000"]["demo"]
    plain = {key: value for key, value in block.items() if key != "classes" and not key.startswith("hub_")}
    change = {"datasets": {"bulk": {"demo": {"min_total_count": 50}}, "l1000": {"plain": plain}}}
    targets = (COUNTS, SIGNATURES.replace("demo", "plain"))
    good(cached(folder, place, *targets, overlays=("test", change)))
    assert not {entry(folder, target) for target in targets} & before
    assert {"prepare_counts", "prepare_signatures"} <= {job.rule for job in jobs_of(folder)}


def test_without_being_asked_nothing_is_taken(place, tmp_path):
    done = good(run(tmp_path / "run", COUNTS, env={"SNAKEMAKE_OUTPUT_CACHE": str(place)}))
    assert not (tmp_path / "run" / COUNTS).is_symlink()
    assert (tmp_path / "run/results/benchmarks/prepare_counts/demo.tsv").is_file()
    assert "eligible for caching" not in done.text


def test_an_entry_cut_short(place, tmp_path, demo):
    folder = tmp_path / "run"
    good(cached(folder, place, COUNTS))
    damaged = entry(folder, COUNTS)
    damaged.write_bytes(damaged.read_bytes()[:-1000])
    done = cached(folder, place, NEXT)
    (error,) = done.errors()
    assert done.code and f"delete it and {damaged}" in error and "run the rule prepare_counts again" in error
    assert not (folder / NEXT).exists()
    for path in (damaged, folder / COUNTS):
        path.unlink()
    good(cached(folder, place, NEXT))
    assert entry(folder, COUNTS) == damaged and digest(damaged) == digest(demo.folder / COUNTS)
    assert digest(folder / NEXT) == digest(demo.folder / NEXT)


def test_an_entry_that_leads_nowhere(place, tmp_path, demo):
    folder = tmp_path / "run"
    good(cached(folder, place, COUNTS))
    lost = entry(folder, COUNTS)
    lost.unlink()
    lost.symlink_to(tmp_path / "moved away")
    done = cached(folder, place, COUNTS)
    assert done.code and f"{COUNTS} is a link to {lost}" in done.text and f"rm {COUNTS}\n" in done.text
    (folder / COUNTS).unlink()
    good(cached(folder, place, COUNTS))
    assert lost.is_file() and digest(folder / COUNTS) == digest(demo.folder / COUNTS)
    assert not (tmp_path / "moved away").exists()


@pytest.mark.parametrize("location", ["", "relative", "/proc/no such folder"])
def test_a_cache_that_is_not_there(tmp_path, location):
    done = run(tmp_path, "--cache", "--", COUNTS, env={"SNAKEMAKE_OUTPUT_CACHE": location})
    assert done.code and "SNAKEMAKE_OUTPUT_CACHE" in done.text and "mkdir" in done.text
    assert not (tmp_path / "results").exists()
