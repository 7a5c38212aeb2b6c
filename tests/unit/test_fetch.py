"""Downloads against a server that misbehaves: the right bytes or a clear error, never a wrong file."""

import hashlib
import io
import json
import random
import resource
import shutil
import time
from email.utils import formatdate
from types import SimpleNamespace

import pytest
import requests
import urllib3
from http_site import DATA, OTHER, entry, get, leftovers, no_proxy, refused, serving, site, zipped

from workflow_scripts.lib.data import fetch as module
from workflow_scripts.lib.data.registry import Entry
from workflow_scripts.lib.errors import LatentomeError

__all__ = ["no_proxy", "site"]  # fixtures

# what works


def test_file_arrives_and_leaves_nothing_beside_it(site, tmp_path):
    target = tmp_path / "deep" / "er" / "file.bin"
    steps = []
    assert get(entry(site, DATA), target, progress=lambda *step: steps.append(step)) == target
    assert target.read_bytes() == DATA
    assert leftovers(target.parent) == ["file.bin"]
    assert steps[-1] == (len(DATA), len(DATA))
    assert site.seen[0]["accept-encoding"] == "identity"


@pytest.mark.parametrize("where", [1, 100_000, len(DATA) - 1])
def test_cut_transfer_resumes_with_only_the_rest(site, tmp_path, where):
    site.faults = [("cut", where)]
    get(entry(site, DATA), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == DATA
    assert site.seen[1]["range"] == f"bytes={where}-"
    assert site.seen[1]["if-range"] == '"v1"'
    assert site.sent == [where, len(DATA) - where]


def test_end_that_comes_early_without_notice_resumes(site, tmp_path):
    site.faults = [("no_length", 1000)]
    get(entry(site, DATA), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == DATA
    assert [seen.get("range") for seen in site.seen] == [None, "bytes=1000-"]


def test_stalled_transfer_times_out_and_resumes(site, tmp_path):
    site.faults = [("stall", 65536 * 2)]
    begun = time.monotonic()
    get(entry(site, DATA), tmp_path / "file.bin", timeout=0.3)
    assert (tmp_path / "file.bin").read_bytes() == DATA
    assert time.monotonic() - begun < 5
    assert site.sent[1] == len(DATA) - 65536 * 2


def test_last_modified_stands_in_for_a_weak_etag(site, tmp_path):
    site.etag, site.date = 'W/"v1"', formatdate(1e9, usegmt=True)
    site.faults = [("cut", 1000)]
    get(entry(site), tmp_path / "file.bin")
    assert site.seen[1]["if-range"] == site.date
    assert (tmp_path / "file.bin").read_bytes() == DATA


def test_nothing_to_tell_versions_apart_starts_anew(site, tmp_path):
    site.etag = 'W/"v1"'
    site.faults = [("cut", 1000)]
    get(entry(site), tmp_path / "file.bin")
    assert "range" not in site.seen[1]
    assert (tmp_path / "file.bin").read_bytes() == DATA


def test_server_that_ignores_range_is_read_from_the_start(site, tmp_path):
    site.faults = [("cut", 1000), ("ignore_range",)]
    get(entry(site, DATA), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == DATA
    assert site.statuses == [200, 200]


@pytest.mark.parametrize("fault", [("wrong_range",), ("bodyless_416",), ("stale_206", '"v2"')])
def test_a_wrong_answer_to_range_discards_the_part(site, tmp_path, fault):
    site.faults = [("cut", 1000), fault]
    get(entry(site, DATA), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == DATA
    assert "range" in site.seen[1] and "range" not in site.seen[2]


def test_206_that_was_not_asked_for(site, tmp_path):
    site.faults = [("unasked_206",)]
    get(entry(site, DATA), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == DATA
    assert site.statuses == [206, 200]


@pytest.mark.parametrize("known", [True, False])
def test_file_that_changes_between_attempts_is_never_mixed(site, tmp_path, known):
    site.faults = [("cut", 100_000), ("change", OTHER, '"v2"')]
    get(entry(site, OTHER if known else None), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == OTHER


def test_long_download_may_break_more_often_than_attempts(tmp_path):
    data = random.Random(3).randbytes(5 << 20)
    with serving(data, faults=[("cut", 3 << 19)] * 2 + [("hang_up",)] * 2 + [("cut", 1 << 20)]) as site:
        get(entry(site, data), tmp_path / "file.bin", attempts=3)
    assert (tmp_path / "file.bin").read_bytes() == data
    assert len(site.seen) == 6


def test_redirects_and_the_environments_proxy(site, tmp_path, monkeypatch):
    site.faults = [("redirect", site.url + "2"), ("redirect", site.url + "3")]
    get(entry(site, DATA), tmp_path / "file.bin")
    assert [seen["path"] for seen in site.seen] == ["/file", "/file2", "/file3"]
    monkeypatch.setenv("http_proxy", site.url.removesuffix("/file"))
    monkeypatch.setenv("no_proxy", "")
    row = Entry("toy", "toy", "b", url="http://data.invalid/b", sha256=hashlib.sha256(DATA).hexdigest())
    get(row, tmp_path / "b")
    assert site.seen[-1]["path"] == "http://data.invalid/b"


def test_whole_part_of_a_dead_process_is_not_fetched_again(site, tmp_path):
    site.faults = [("cut", 1000)]
    refused(entry(site, DATA), tmp_path / "file.bin", "the transfer|connection", attempts=1)
    (tmp_path / "file.bin.part").write_bytes(DATA)
    get(entry(site, DATA), tmp_path / "file.bin")
    assert len(site.seen) == 1
    assert leftovers(tmp_path) == ["file.bin"]


@pytest.mark.parametrize("surplus", [b"", b"x"])
def test_whole_part_of_unknown_size_ends_with_416(site, tmp_path, surplus):
    state = {"url": site.url, "total": None, "etag": site.etag, "last_modified": None}
    (tmp_path / "file.bin.part").write_bytes(DATA + surplus)
    (tmp_path / "file.bin.part.json").write_text(json.dumps(state))
    get(entry(site), tmp_path / "file.bin")
    assert site.statuses == ([416, 200] if surplus else [416])
    assert (tmp_path / "file.bin").read_bytes() == DATA


@pytest.mark.parametrize(
    "state", ['{"url": ', "[]", '{"url": "https://elsewhere.invalid/file", "etag": "x"}']
)
def test_part_of_unknown_origin_is_not_built_upon(site, tmp_path, state):
    (tmp_path / "file.bin.part").write_bytes(OTHER[:1000])
    (tmp_path / "file.bin.part.json").write_text(state)
    get(entry(site, DATA), tmp_path / "file.bin")
    assert "range" not in site.seen[0]
    assert (tmp_path / "file.bin").read_bytes() == DATA


# what is refused


def test_altered_part_is_caught_by_the_checksum_and_fetched_from_zero(site, tmp_path):
    site.faults = [("cut", 200_000)]
    refused(entry(site, DATA), tmp_path / "file.bin", "connection", attempts=1)
    with (tmp_path / "file.bin.part").open("r+b") as part:
        part.write(b"altered")
    get(entry(site, DATA), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == DATA
    assert [seen.get("range") for seen in site.seen] == [None, "bytes=200000-", None]


@pytest.mark.parametrize("md5", [False, True])
def test_checksum_mismatch_is_tried_once_more_then_told(site, tmp_path, md5):
    row = entry(site, DATA, md5=md5)
    site.faults = [("flip", 5)]
    get(row, tmp_path / "first.bin")
    site.faults = [("flip", 5)] * 9
    wanted = row.md5 if md5 else row.sha256
    refused(row, tmp_path / "file.bin", f"expected {wanted}", attempts=9)
    assert len(site.seen) == 4
    assert leftovers(tmp_path) == ["first.bin"]


def test_size_other_than_registered(site, tmp_path):
    row = Entry("toy", "toy", "file.bin", url=site.url, bytes=5)
    refused(row, tmp_path / "file.bin", "announces 300000 bytes; expected 5")
    site.data, site.faults = DATA + b"x", [("no_length", 1 << 30)] * 9
    refused(entry(site, DATA), tmp_path / "file.bin", "more than the 300000 bytes announced came")
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("fault", [("page",), ("plain_page",)])
def test_html_page_with_status_200(site, tmp_path, fault):
    site.faults = [fault]
    get(entry(site), tmp_path / "first.bin")
    assert (tmp_path / "first.bin").read_bytes() == DATA
    site.faults = [fault] * 9
    refused(entry(site), tmp_path / "file.bin", "HTML page instead of the file")


@pytest.mark.parametrize(
    ("code", "hint"), [(403, "login"), (404, "moved"), (401, "registry"), (204, "expected the file")]
)
def test_refusals_are_not_retried(site, tmp_path, code, hint):
    site.faults = [("status", code, {})] * 9
    refused(entry(site, DATA), tmp_path / "file.bin", f"{code}.*{hint}")
    assert len(site.seen) == 1
    assert leftovers(tmp_path) == []


def test_server_errors_are_retried_with_growing_waits_and_retry_after(site, tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=waits.append, monotonic=time.monotonic))
    late = {"Retry-After": formatdate(time.time() + 1e7, usegmt=True)}
    answers = [
        (500, {}),
        (503, {}),
        (500, {}),
        (503, {"Retry-After": "37"}),
        (429, late),
        (503, {"Retry-After": "soon"}),
    ]
    site.faults = [("status", *answer) for answer in answers]
    get(entry(site, DATA), tmp_path / "file.bin", attempts=7, backoff=1.0)
    assert all(base / 2 <= wait <= base for wait, base in zip(waits, [1, 2, 4], strict=False))
    assert waits[3] == 37 and waits[4] == 600 and 16 <= waits[5] <= 32
    site.faults = [("status", 500, {})] * 9
    refused(entry(site, DATA), tmp_path / "second.bin", "500.*gave up after 3 attempts")
    assert len(site.seen) == 10


def test_redirect_loop_and_redirect_away_from_http(site, tmp_path):
    site.faults = [("redirect", site.url)] * 99
    refused(entry(site, DATA), tmp_path / "file.bin", "redirects lead nowhere")
    site.faults = [("redirect", "ftp://127.0.0.1/file")]
    refused(entry(site, DATA), tmp_path / "file.bin", "redirects lead nowhere")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/file?X-Amz-Signature=hush", "ftp://me:hush@127.0.0.1/file?token=hush"]
)
def test_what_an_address_keeps_secret_is_not_told(site, tmp_path, caplog, address):
    """Of a signed address, or one with a password, to which a server redirects; proxies keep theirs too."""
    site.faults = [("redirect", address)] * 99
    with pytest.raises(LatentomeError, match="redirects lead nowhere|connection failed") as caught:
        get(entry(site, DATA), tmp_path / "file.bin")
    assert "hush" not in str(caught.value) + caplog.text


def test_the_proxys_password_is_not_told(tmp_path, caplog, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://me:hush@127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    row = Entry("toy", "toy", "b", url="http://data.invalid/b")
    with pytest.raises(LatentomeError, match="connection failed") as caught:
        get(row, tmp_path / "b")
    assert "hush" not in str(caught.value) + caplog.text


def test_https_is_kept_to(site, tmp_path):
    class Downgrade(requests.adapters.BaseAdapter):
        def send(self, request, **kwargs):
            answer = requests.Response()
            answer.status_code, answer.url, answer.request = 302, request.url, request
            answer.headers["Location"] = site.url
            answer.raw = urllib3.HTTPResponse(io.BytesIO(), preload_content=False)
            return answer

        def close(self):
            pass

    session = requests.Session()
    session.mount("https://", Downgrade())
    secure = Entry("toy", "toy", "file.bin", url="https://data.invalid/file")
    refused(secure, tmp_path / "file.bin", "without https", session=session, allow_http=False)
    refused(entry(site), tmp_path / "file.bin", "expected https", allow_http=False)
    refused(Entry("toy", "toy", "f", note="ask the authors"), tmp_path / "f", "by hand .ask the authors")


def test_unreachable_server(tmp_path):
    row = Entry("toy", "toy", "file.bin", url="http://127.0.0.1:9/file")
    refused(row, tmp_path / "file.bin", "the connection failed.*gave up after 3 attempts")


def test_encoded_body(site, tmp_path):
    site.faults = [("encoded", "br")]
    refused(entry(site), tmp_path / "file.bin", "encoded as .br.")
    whole = zipped(4)
    site.data, site.faults = whole, [("encoded", "gzip")]
    get(entry(site, whole, name="file.gz"), tmp_path / "file.gz")
    assert (tmp_path / "file.gz").read_bytes() == whole


@pytest.mark.parametrize("known", ["registry", "server", "rest"])
def test_too_small_a_disk(site, tmp_path, monkeypatch, known):
    usage = SimpleNamespace(free=int(1.05 * len(DATA)) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    if known == "rest":
        site.faults = [("cut", 100_000)]
        usage.free += 2
        refused(entry(site, DATA), tmp_path / "file.bin", "connection", attempts=1)
        usage.free = 210_000
        get(entry(site, DATA), tmp_path / "file.bin")
        return
    row = entry(site, DATA) if known == "registry" else entry(site)
    with pytest.raises(LatentomeError, match="needs 315,000 bytes, but the disk has 314,999 free"):
        get(row, tmp_path / "file.bin")
    assert leftovers(tmp_path) == []
    assert len(site.seen) == (known == "server")


def test_write_that_fails(site, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        refused(entry(site, DATA), tmp_path / "file.bin", "cannot write .*file.bin.part: .*; make room")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(site.seen) == 1, "a full disk is no reason to try again"
    get(entry(site, DATA), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == DATA


def test_two_processes_do_not_share_a_part(site, tmp_path):
    def meanwhile(done, total):
        with pytest.raises(LatentomeError, match="another process is fetching it"):
            get(entry(site, DATA), tmp_path / "file.bin")

    get(entry(site, DATA), tmp_path / "file.bin", progress=meanwhile)
    assert (tmp_path / "file.bin").read_bytes() == DATA
    assert len(site.seen) == 1
