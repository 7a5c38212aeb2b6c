"""Downloads without a checksum, random schedules of faults, killed processes, and the rule's script."""

import gzip
import hashlib
import json
import logging
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from http_site import DATA, OTHER, entry, get, leftovers, no_proxy, refused, serving, site, zipped

from workflow_scripts.fetch import fetch_raw
from workflow_scripts.lib.data import fetch as module
from workflow_scripts.lib.data.registry import COLUMNS
from workflow_scripts.lib.errors import LatentomeError

__all__ = ["no_proxy", "site"]  # fixtures


def test_first_download_is_trusted_and_noted(site, tmp_path):
    target = tmp_path / "file.bin"
    get(entry(site), target)
    noted = json.loads((tmp_path / "file.bin.sha256").read_text())
    assert noted["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert (noted["url"], noted["bytes"], noted["etag"]) == (site.url, len(DATA), '"v1"')
    assert time.strptime(noted["fetched"], "%Y-%m-%d")
    get(entry(site), target)
    assert len(site.seen) == 1, "a file that matches its note is not fetched again"
    target.write_bytes(OTHER)
    get(entry(site), target)
    assert target.read_bytes() == DATA, "an altered file is replaced"
    target.unlink()
    site.data, site.etag = OTHER, '"v2"'
    refused(
        entry(site), target, r"as when first fetched on .*if the new one is right, delete .*file\.bin\.sha256"
    )
    (tmp_path / "file.bin.sha256").unlink()
    get(entry(site), target)
    assert target.read_bytes() == OTHER


def test_note_of_another_address_or_beside_a_checksum_does_not_count(site, tmp_path):
    note = tmp_path / "file.bin.sha256"
    note.write_text(json.dumps({"url": "https://elsewhere.invalid", "sha256": "0" * 64}))
    get(entry(site), tmp_path / "file.bin")
    assert json.loads(note.read_text())["url"] == site.url
    note.write_text(json.dumps({"url": site.url, "sha256": "0" * 64}))
    get(entry(site, DATA), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == DATA


def test_file_already_there(site, tmp_path):
    target = tmp_path / "file.bin"
    target.write_bytes(DATA)
    get(entry(site, DATA), target)
    assert site.seen == []
    target.write_bytes(DATA[:-1])
    get(entry(site, DATA), target)
    assert target.read_bytes() == DATA
    target.write_bytes(DATA[:-1])
    site.faults = [("status", 404, {})]
    refused(entry(site, DATA), target, "404")  # and the wrong file is gone


@pytest.mark.parametrize("end", [0, 1, 9, 30_000, len(zipped(1)) // 2 + 40, len(zipped(1)) - 1])
def test_gzip_cut_short_without_notice(tmp_path, end):
    whole = zipped(1)
    with serving(whole, faults=[("no_length", end)]) as site:
        get(entry(site, name="file.gz"), tmp_path / "file.gz")
        assert (tmp_path / "file.gz").read_bytes() == whole
        assert len(gzip.decompress(whole)) == 120_000
        site.faults = [("no_length", end)] * 9
        refused(entry(site, name="other.gz"), tmp_path / "other.gz", "cut short or damaged|0 bytes came")
    assert leftovers(tmp_path) == ["file.gz", "file.gz.sha256"]


@pytest.mark.parametrize(
    "damage", [b"plain text, no gzip at all", zipped(1) + b"trailing words", zipped(1)[:-20] + b"x" * 20]
)
def test_gzip_that_is_none(tmp_path, damage):
    with serving(damage) as site:
        refused(entry(site, name="file.gz"), tmp_path / "file.gz", "cut short or damaged")


def schedule(rng: random.Random, versions: list[bytes], checked: bool) -> list[tuple]:
    """Up to eight faults; bits flip, and ends go missing unnoticed, only where something can notice."""
    size = len(versions[0])
    faults = []
    for _ in range(rng.randrange(9)):
        kinds = ["cut"] * 5 + ["hang_up", "page", "plain_page", "ignore_range", "wrong_range", "unasked_206"]
        kinds += ["bodyless_416", "status", "none", "redirect"] + ["flip", "no_length"] * checked
        kind = rng.choice(kinds)
        if kind in ("cut", "flip", "no_length"):
            faults.append((kind, rng.randrange(size)))
        elif kind == "status":
            faults.append((kind, rng.choice([408, 429, 500, 502, 503, 503, 404]), {"Retry-After": "0"}))
        elif kind == "redirect":
            faults.append((kind, "/elsewhere"))
        else:
            faults.append((kind,))
    if rng.random() < 0.3:
        faults.insert(rng.randrange(len(faults) + 1), ("change", versions[1], '"v2"'))
    return faults


@pytest.mark.parametrize("block", range(6))
def test_random_faults_end_in_the_right_bytes_or_a_clear_error(tmp_path, block):
    outcomes = Counter()
    for seed in range(50 * block, 50 * block + 50):
        rng = random.Random(seed)
        checked, gz, md5 = rng.random() < 0.6, rng.random() < 0.5, rng.random() < 0.3
        versions = [zipped(11), zipped(12)] if gz else [DATA, OTHER]
        target = tmp_path / str(seed) / ("file.gz" if gz else "file.bin")
        target.parent.mkdir()
        with serving(versions[0], faults=schedule(rng, versions, checked)) as site:
            wanted = rng.choice(versions) if checked else None
            row = entry(site, wanted, size=rng.random() < 0.5, md5=md5, name=target.name)
            for _ in range(rng.choice([1, 1, 3])):
                before = len(site.seen)
                try:
                    get(row, target, attempts=rng.randrange(1, 6))
                    outcomes["right"] += 1
                    break
                except LatentomeError as error:
                    assert row.key in str(error) and "\n" not in str(error)
                    outcomes["error"] += 1
                    assert not target.exists(), f"seed {seed}"
                    assert len(site.seen) - before < 20
        if target.exists():
            right = [wanted] if checked else versions
            assert target.read_bytes() in right, f"seed {seed}: a wrong file is in place"
            assert set(leftovers(target.parent)) <= {target.name, target.name + ".sha256"}
    assert outcomes["right"] >= 15 and outcomes["error"] >= 5, outcomes


CHILD = """
import sys
from pathlib import Path
from workflow_scripts.lib.data.fetch import fetch
from workflow_scripts.lib.data.registry import Entry
url, sha256, destination = sys.argv[1:]
fetch(Entry("toy", "toy", "file.bin", url=url, sha256=sha256 or None), Path(destination), allow_http=True)
"""


@pytest.mark.parametrize("known", [True, False])
def test_killed_process_leaves_a_part_that_the_next_one_completes(tmp_path, known):
    data = random.Random(5).randbytes(3 << 20)
    target, part = tmp_path / "file.bin", tmp_path / "file.bin.part"
    with serving(data) as site:
        row = entry(site, data if known else None)
        sizes = [0]
        for far in (1 << 20, 1 << 20):
            site.faults = [("stall", far)]
            arguments = [sys.executable, "-c", CHILD, site.url, row.sha256 or "", str(target)]
            child = subprocess.Popen(arguments)
            patience = time.monotonic() + 40
            while not (part.exists() and part.stat().st_size >= sizes[-1] + far - (1 << 16)):
                assert child.poll() is None and time.monotonic() < patience
                time.sleep(0.02)
            child.send_signal(signal.SIGKILL)
            child.wait(10)
            assert not target.exists()
            sizes.append(part.stat().st_size)
        get(row, target)
        assert target.read_bytes() == data
        assert [seen.get("range") for seen in site.seen] == [None, f"bytes={sizes[1]}-", f"bytes={sizes[2]}-"]
        assert site.sent[2] == len(data) - sizes[2]
        assert sum(site.sent) <= len(data) + (2 << 16)


def test_killed_then_altered_at_the_source(tmp_path):
    """The part of a killed process is dropped when the source has changed, with or without a checksum."""
    with serving(DATA, faults=[("cut", 150_000)]) as site:
        refused(entry(site), tmp_path / "file.bin", "connection", attempts=1)
        assert (tmp_path / "file.bin.part").stat().st_size == 150_000
        site.data, site.etag = OTHER, '"v2"'
        get(entry(site), tmp_path / "file.bin")
        assert (tmp_path / "file.bin").read_bytes() == OTHER
        assert site.statuses == [200, 200]


def test_progress_line(caplog):
    caplog.set_level(logging.INFO, logger="latentome")
    for total, text in ((4_000_000, "50%, 5 s left"), (None, "size unknown")):
        ticker = module._Ticker("toy/file.bin", 1_000_000, total)
        ticker.tick(1_500_000)
        ticker.began, ticker.last = ticker.began - 2.5, ticker.last - 5
        ticker.tick(2_000_000)
        ticker.tick(2_100_000)
        assert [record.message for record in caplog.records] == [f"toy/file.bin: 2.0 MB, 0.40 MB/s, {text}"]
        caplog.clear()


def test_script_of_the_rule(site, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fetch_raw, "fetch", lambda row, path: get(row, path))
    registry = tmp_path / "datasets.tsv"
    row = [
        "toy",
        "TOY1",
        "a/file.bin",
        "https://data.invalid/x",
        "",
        "",
        "",
        "none stated",
        "2026-11-21",
        "toy",
    ]
    registry.write_text("\n".join(["\t".join(COLUMNS), "\t".join(row)]) + "\n")
    target, log = tmp_path / "raw" / "TOY1" / "a" / "file.bin", tmp_path / "logs" / "x.log"
    job = SimpleNamespace(
        log=[str(log)],
        input=SimpleNamespace(registry=str(registry)),
        params=SimpleNamespace(file="TOY1/a/file.bin", dataset_caches=[]),
        output=[str(target)],
    )
    real = fetch_raw.read_registry
    served = SimpleNamespace(get=lambda key: entry(site, DATA, name=real(registry).get(key).file))
    monkeypatch.setattr(fetch_raw, "read_registry", lambda path: served)
    fetch_raw.main(job)
    assert target.read_bytes() == DATA
    assert "requests" in log.read_text()
    job.params.file = "TOY1/b"
    with pytest.raises(SystemExit):
        fetch_raw.main(job)
    assert "TOY1/b" in capsys.readouterr().err and "Traceback" in log.read_text()
