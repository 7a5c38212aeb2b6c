"""A small web server that misbehaves as told, and short ways to fetch from it, for the tests of downloads."""

from __future__ import annotations

import gzip
import hashlib
import random
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from workflow_scripts.lib.data.fetch import fetch
from workflow_scripts.lib.data.registry import Entry
from workflow_scripts.lib.errors import LatentomeError

PAGE = b"<!DOCTYPE html><html><body>We are down for maintenance.</body></html>" * 40


@dataclass
class Site:
    """Serves `data` at every path; the n-th request meets the n-th of `faults`, later ones none.

    A fault is a name and its arguments: ("cut", n), ("stall", n), ("flip", n), ("status", code, headers),
    ("page",), ("plain_page",), ("redirect", url), ("ignore_range",), ("wrong_range",), ("unasked_206",),
    ("bodyless_416",), ("hang_up",), ("change", data, etag), ("no_length", n), ("encoded", name),
    ("stale_206", etag).
    """

    data: bytes
    etag: str | None = '"v1"'
    date: str | None = None
    faults: list[tuple] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        site.seen.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
        site.sent.append(0)
        fault = site.faults.pop(0) if site.faults else ("none",)
        try:
            self.answer(site, fault)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def head(self, site: Site, status: int, headers: dict[str, str]) -> None:
        site.statuses.append(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def body(self, site: Site, data: bytes) -> None:
        self.wfile.write(data)
        site.sent[-1] += len(data)

    def answer(self, site: Site, fault: tuple) -> None:
        kind = fault[0]
        if kind == "hang_up":
            return
        if kind == "status":
            self.head(site, fault[1], {"Content-Length": "0", **fault[2]})
            return
        if kind == "redirect":
            self.head(site, 302, {"Location": fault[1], "Content-Length": "0"})
            return
        if kind in ("page", "plain_page"):
            kind_of_page = "text/html; charset=utf-8" if kind == "page" else "application/octet-stream"
            page = b"Sorry, we are down." if kind == "page" else PAGE
            self.head(site, 200, {"Content-Type": kind_of_page, "Content-Length": str(len(page))})
            self.body(site, page)
            return
        if kind == "change":
            site.data, site.etag = fault[1], fault[2]
        asked = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        current = {site.etag, site.date} - {None}
        fresh = condition is None or condition in current or kind == "stale_206"
        partial = bool(asked) and fresh and kind not in ("ignore_range", "no_length")
        headers = {"Content-Type": "application/octet-stream"}
        headers |= {"ETag": fault[1] if kind == "stale_206" else site.etag} if site.etag else {}
        headers |= {"Last-Modified": site.date} if site.date else {}
        if (partial and start >= len(site.data)) or kind == "bodyless_416":
            self.head(site, 416, {"Content-Range": f"bytes */{len(site.data)}", "Content-Length": "0"})
            return
        data = site.data[start:] if partial else site.data
        if partial or kind == "unasked_206":
            first = start + 7 if kind == "wrong_range" else start
            headers["Content-Range"] = f"bytes {first}-{len(site.data) - 1}/{len(site.data)}"
        if kind == "flip":
            i = min(fault[1], len(data) - 1)
            data = data[:i] + bytes([data[i] ^ 0x10]) + data[i + 1 :]
        if kind == "encoded":
            headers["Content-Encoding"] = fault[1]
        if kind != "no_length":
            headers["Content-Length"] = str(len(data))
        self.head(site, 206 if partial or kind == "unasked_206" else 200, headers)
        if kind in ("cut", "stall", "no_length"):
            self.body(site, data[: fault[1]])
            if kind == "stall":
                self.wfile.flush()
                site.released.wait(20)
            return
        self.body(site, data)


@contextmanager
def serving(data: bytes, context: ssl.SSLContext | None = None, **options: object) -> Iterator[Site]:
    """Serve `data` on the loopback interface for the time of the block, by TLS with a `context`."""
    site = Site(data, **options)  # type: ignore[arg-type]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    server.site = site  # type: ignore[attr-defined]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}/file"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


DATA = random.Random(1).randbytes(300_000)
OTHER = random.Random(2).randbytes(300_000)


def zipped(seed: int) -> bytes:
    """A gzip file of two members, as bgzip and `cat a.gz b.gz` make them."""
    noise = random.Random(seed).randbytes(60_000)
    return gzip.compress(noise, mtime=0) + gzip.compress(noise[::-1], mtime=0)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site():
    with serving(DATA) as running:
        yield running


def entry(site, data=None, *, size=True, md5=False, name="file.bin"):
    """The row of the site's file; without `data` no checksum and no size are known."""
    digests = {} if data is None else {"bytes": len(data) if size else None}
    if data is not None:
        algorithm = "md5" if md5 else "sha256"
        digests[algorithm] = hashlib.new(algorithm, data).hexdigest()
    return Entry("toy", "toy", name, url=site.url, **digests)


def get(row, destination, **options):
    quick = {"attempts": 3, "timeout": 0.5, "backoff": 0.0, "allow_http": True}
    return fetch(row, destination, **{**quick, **options})


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


def refused(row, destination, match, **options):
    with pytest.raises(LatentomeError, match=match) as caught:
        get(row, destination, **options)
    assert not destination.exists()
    assert "\n" not in str(caught.value)
    assert row.key in str(caught.value)
