"""Results and inputs in an object store, S3's own protocol on loopback, or in another folder: the same bytes."""

import hashlib
import shutil

import own_data
import pytest
from runs import digests, good, run
from s3_server import s3_bucket

MODEL = "results/l1000/demo/models/vae/seed0/model.safetensors"
COUNTS = "results/bulk/demo/counts.h5ad"
MINE = "results/bulk/mine/counts.h5ad"


@pytest.fixture(scope="module")
def bucket():
    with s3_bucket() as one:
        yield one


@pytest.fixture(scope="module")
def in_bucket(bucket, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bucket")
    return good(run(folder, *bucket.words("latentome"), MODEL, env=bucket.environment))


def test_bucket_has_the_bytes_of_a_local_run(in_bucket, bucket, demo):
    there, here = bucket.digests("latentome"), digests(demo.folder)
    assert {MODEL.removeprefix("results/"), "l1000/demo/signatures.h5ad"} <= set(there)
    assert "raw/demo/l1000/signatures.gctx" in there
    assert not [name for name in there if there[name] != here[name]]


def test_logs_and_times_go_there_too(in_bucket, bucket):
    keys = bucket.keys("latentome")
    assert "results/logs/train_model/demo/vae-0.log" in keys
    assert "results/benchmarks/train_model/demo/vae-0.tsv" in keys


def test_nothing_of_the_results_stays_here(in_bucket):
    """But what TensorBoard reads, which is written while a training runs."""
    left = [path for path in (in_bucket.folder / "results").rglob("*") if path.is_file()]
    assert not [path for path in left if path.relative_to(in_bucket.folder).parts[1] != "logs"]


def test_a_rerun_does_nothing_wherever_it_is_started(in_bucket, bucket, tmp_path):
    for folder in (in_bucket.folder, tmp_path):
        again = good(run(folder, *bucket.words("latentome"), MODEL, env=bucket.environment))
        assert "Nothing to be done" in again.text


def test_a_lost_object_is_made_again(in_bucket, bucket):
    key = f"latentome/{MODEL}"
    before = bucket.digests("latentome")
    bucket.s3.Object(key).delete()
    again = good(run(in_bucket.folder, *bucket.words("latentome"), MODEL, env=bucket.environment))
    assert set(again.jobs()) == {"train_model"}, again.text
    assert bucket.digests("latentome") == before


@pytest.mark.skipif(shutil.which("rsync") is None, reason="no rsync on PATH; Debian: apt-get install rsync")
def test_another_folder_as_the_store(tmp_path, demo):
    words = ("--default-storage-provider", "fs", "--default-storage-prefix", str(tmp_path / "share"), "--")
    good(run(tmp_path / "run", *words, COUNTS))
    there, here = digests(tmp_path / "share"), digests(demo.folder)
    assert COUNTS.removeprefix("results/") in there
    assert not [name for name in there if there[name] != here[name]]
    assert not (tmp_path / "run/results").exists()
    assert "Nothing to be done" in good(run(tmp_path / "run", *words, COUNTS)).text


def overlay(block: dict) -> dict:
    return {"bulk": {"datasets": ["mine"]}, "datasets": {"bulk": {"mine": block}}}


def test_own_counts_in_a_bucket(tmp_path, bucket):
    """By address, with results on this machine and in the bucket; files of this machine are found either way."""
    files = own_data.put(tmp_path)
    local = own_data.block(files)
    address = bucket.put("mine/counts.csv", (files / "counts.csv").read_bytes())
    good(run(tmp_path / "local", MINE, overlays=("test", overlay(local))))
    expected = hashlib.sha256((tmp_path / "local" / MINE).read_bytes()).hexdigest()

    mixed = ("test", overlay({**local, "counts": address}))
    good(run(tmp_path / "mixed", MINE, overlays=mixed, env=bucket.environment))
    assert hashlib.sha256((tmp_path / "mixed" / MINE).read_bytes()).hexdigest() == expected
    good(run(tmp_path / "there", *bucket.words("own"), MINE, overlays=mixed, env=bucket.environment))
    assert bucket.digests("own")[MINE.removeprefix("results/")] == expected


def test_an_object_that_is_not_there_is_named(tmp_path, bucket):
    address = f"s3://{bucket.name}/mine/cuonts.csv"
    block = {**own_data.block(own_data.put(tmp_path)), "counts": address}
    done = run(tmp_path / "run", MINE, overlays=("test", overlay(block)), env=bucket.environment)
    assert done.code and address in done.text
    assert not (tmp_path / "run/results").exists()
