"""Download one raw file: resumed, checked, and in its place only when it is whole and right."""

from __future__ import annotations

import fcntl
import logging
import random
import re
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from workflow_scripts.lib.data.arrival import Again, Arrival, need_space, strong_validator, write_json
from workflow_scripts.lib.data.registry import Entry
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import shown, without_credentials

log = logging.getLogger("latentome")

_CHUNK = 1 << 16  # bytes; what a broken connection can lose
_FORWARD = 1 << 20  # bytes; an attempt that gains as much does not count as failed
_LONGEST_WAIT = 600.0  # seconds
_RETRIED = {408, 425, 429}
_jitter = random.SystemRandom()  # leaves the seeded generator alone


class _Download(Arrival):
    """An arrival over HTTP."""

    def __init__(
        self,
        entry: Entry,
        destination: Path,
        timeout: float | tuple[float, float],
        progress: Callable[[int, int | None], object] | None,
        allow_http: bool,
    ) -> None:
        super().__init__(entry, destination)
        self.timeout, self.progress, self.allow_http = timeout, progress, allow_http

    def error(self, what: str, todo: str) -> LatentomeError:
        return LatentomeError(f"{self.entry.key}: {what} ({self.entry.url}); {todo}")

    def attempt(self, session: requests.Session) -> str:
        """Bring the part to its end and check it; return its sha256."""
        offset, state = self.so_far()
        total = self.entry.bytes or state.get("total")
        if not offset or offset != total:
            need_space(self.destination, (total or 0) - offset)
            headers = {"Accept-Encoding": "identity"}
            if offset:
                headers["Range"] = f"bytes={offset}-"
            if offset and (validator := strong_validator(state)):
                headers["If-Range"] = validator
            options: dict[str, Any] = {"headers": headers, "stream": True, "timeout": self.timeout}
            try:
                with session.get(str(self.entry.url), **options) as response:
                    self.receive(response, offset, state)
            except (requests.TooManyRedirects, requests.exceptions.InvalidSchema) as error:
                todo = "expected a file; correct its url in the registry"
                raise self.error(f"the redirects lead nowhere: {_brief(error)}", todo) from None
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                raise Again(f"the connection failed: {_brief(error)}") from None
        return self.check(self.part)

    def receive(self, response: requests.Response, offset: int, state: dict[str, Any]) -> None:
        """Write the body of `response` into the part, from `offset` if it continues there, else from 0."""
        start, total = self.judge(response, offset, state)
        if start is None:
            return
        offset = start
        need_space(self.destination, (total or 0) - offset)
        if not offset:
            self.restart()
            validators = {k: response.headers.get(k.replace("_", "-")) for k in ("etag", "last_modified")}
            write_json(self.state, {"url": self.entry.url, "total": total, **validators})
        try:
            done = self.write(response, offset, total)
        except OSError as error:
            todo = "make room, or see whether the folder can be written, then run again"
            raise self.error(f"cannot write {self.part}: {_brief(error)}", todo) from None
        if total is not None and done < total:
            raise Again(f"the transfer ended after {done} of {total} bytes")

    def write(self, response: requests.Response, done: int, total: int | None) -> int:
        """Append the body to the part, which holds `done` bytes of `total`; return how many it holds then."""
        ticker = _Ticker(self.entry.key, done, total)
        with self.part.open("ab") as handle:
            while chunk := response.raw.read(_CHUNK, decode_content=False):
                if not done and re.match(rb"\s*<(!doctype\s+html|html)\b", chunk[:200], re.IGNORECASE):
                    raise Again("the server sent an HTML page instead of the file")
                handle.write(chunk)
                done += len(chunk)
                if total is not None and done > total:
                    raise Again(f"more than the {total} bytes announced came", restart=True)
                ticker.tick(done)
                if self.progress:
                    self.progress(done, total)
        return done

    def judge(
        self, response: requests.Response, offset: int, state: dict[str, Any]
    ) -> tuple[int | None, int | None]:
        """Return where the body starts (None: nothing more is to come) and the size of the whole file."""
        status, headers = response.status_code, response.headers
        hops = [*response.history, response]
        if not self.allow_http and any(urlsplit(str(hop.url)).scheme != "https" for hop in hops):
            raise self.error("redirected to an address without https", "correct its url in the registry")
        span = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", headers.get("Content-Range", "").strip())
        if status in _RETRIED or status >= 500:
            raise Again(f"the server answered {status} {response.reason}", wait=_retry_after(headers))
        if status == 416 and offset:
            if span and span[3] == str(offset):
                return None, offset
            raise Again("the server refuses to continue the part (416)", restart=True)
        if status not in (200, 206):
            todo = {
                403: "see whether it asks for a login or blocks this network, ",
                404: "see whether it moved, ",
            }
            raise self.error(
                f"the server answered {status} {response.reason}; expected the file",
                f"{todo.get(status, '')}correct its url in the registry or place the file by hand",
            )
        encoding = headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity" and not (encoding in ("gzip", "x-gzip") and self.is_gzip):
            raise self.error(
                f"it comes encoded as {shown(encoding)}; expected plain bytes", "place it by hand"
            )
        if headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml")):
            raise Again("the server sent an HTML page instead of the file")
        length = headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        if status == 206:
            if not offset or not span or span[1] != str(offset):
                raise Again(f"wrong Content-Range {shown(headers.get('Content-Range'))}", restart=True)
            for name in ("etag", "last_modified"):
                if (now := headers.get(name.replace("_", "-"))) and state.get(name) and now != state[name]:
                    raise Again("the file changed at its source since the part was begun", restart=True)
            total = int(span[3]) if span[3] != "*" else state.get("total")
        expected = self.entry.bytes or (state.get("total") if status == 206 else None)
        if total and expected and total != expected:
            raise Again(f"the server announces {total} bytes; expected {expected}", restart=status == 206)
        return (offset if status == 206 else 0), total or expected

    def run(self, session: requests.Session, attempts: int, backoff: float) -> None:
        """Try until the file is in its place, or raise a `LatentomeError`."""
        failures = wrong = 0
        furthest = self.part.stat().st_size
        while True:
            try:
                self.keep(self.attempt(session))
                return
            except Again as again:
                done = self.part.stat().st_size
                wrong += again.wrong
                failures = failures + 1 if again.wrong or done < furthest + _FORWARD else 0
                furthest = max(furthest, done)
                if again.restart:
                    self.restart()
                if wrong > 1:
                    raise self.error(
                        str(again), "correct its row in the registry, or place it by hand"
                    ) from None
                if failures >= attempts:
                    todo = f"gave up after {attempts} attempts; run again later, what came is kept"
                    raise self.error(str(again), todo) from None
                wait = max(
                    again.wait, min(backoff * 2 ** max(failures - 1, 0), 60.0) * _jitter.uniform(0.5, 1.0)
                )
                log.warning("%s: %s; next attempt in %.0f s", self.entry.key, again, wait)
                time.sleep(min(wait, _LONGEST_WAIT))


class _Ticker:
    """Logs a line of progress every five seconds."""

    def __init__(self, name: str, start: int, total: int | None) -> None:
        self.name, self.start, self.total = name, start, total
        self.began = self.last = time.monotonic()

    def tick(self, done: int) -> None:
        now = time.monotonic()
        if now - self.last < 5:
            return
        self.last = now
        speed = max((done - self.start) / (now - self.began), 1.0)
        left = (
            f"{done / self.total:.0%}, {(self.total - done) / speed:.0f} s left"
            if self.total
            else "size unknown"
        )
        log.info("%s: %.1f MB, %.2f MB/s, %s", self.name, done / 1e6, speed / 1e6, left)


def _brief(error: Exception) -> str:
    # A server may redirect to an address that is signed in its query.
    text = re.sub(r"\?[^\s'\")]+", "?...", " ".join(str(error).split()))
    return without_credentials(text)[:200]


def _retry_after(headers: Any) -> float:
    with suppress(urllib3.exceptions.InvalidHeader):
        return urllib3.Retry().parse_retry_after(headers.get("Retry-After", "0"))
    return 0.0


def fetch(
    entry: Entry,
    destination: Path,
    *,
    attempts: int = 5,
    timeout: float | tuple[float, float] = (15.0, 60.0),
    progress: Callable[[int, int | None], object] | None = None,
    session: requests.Session | None = None,
    backoff: float = 2.0,
    allow_http: bool = False,
) -> Path:
    """Download `entry` to `destination`, which is written only once the file is whole and right.

    What has come lies in ``<destination>.part``, with its origin in ``<destination>.part.json``; a later
    attempt, or a later process, asks only for the rest. Without a registered checksum the first download is
    trusted and noted in ``<destination>.sha256``, which later downloads must match.

    Parameters
    ----------
    entry
        The file's row of the registry.
    destination
        Where it goes. A file there is kept if it can be shown to be right, else replaced.
    attempts
        Failed attempts in a row to give up after; one that brings the file 1 MiB further starts the count
        anew.
    timeout
        Seconds to wait for a connection and for data.
    progress
        Called with bytes done and bytes in all (None if not known).
    session
        Used for the requests; without one, a plain one that respects the environment's proxies.
    backoff
        Seconds before the second attempt; doubled each time, at most 60, unless the server asks for more.
    allow_http
        Accept an address without TLS.

    Returns
    -------
    `destination`.

    Raises
    ------
    LatentomeError
        If the file has no address or one that is not https, the disk is too small, the server refuses or
        lacks it, or what came is not what the registry, or the first download, says.
    """
    if not entry.url:
        raise LatentomeError(
            f"{entry.key}: no address is known that serves it; expected it as {destination}; place it there "
            f"by hand ({entry.note})"
        )
    if not entry.url.startswith("https://") and not (allow_http and entry.url.startswith("http://")):
        raise LatentomeError(
            f"{entry.key}: its url is {shown(entry.url)}; expected https://...; correct the registry"
        )
    destination.parent.mkdir(parents=True, exist_ok=True)
    download = _Download(entry, destination, timeout, progress, allow_http)
    if download.is_there():
        return destination
    with download.part.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LatentomeError(
                f"{destination}: another process is fetching it; wait for that one, or end it, then run again"
            ) from None
        try:
            with nullcontext(session) if session else requests.Session() as client:
                download.run(client, attempts, backoff)
        finally:
            if download.part.exists() and not download.part.stat().st_size:
                download.part.unlink()
                download.state.unlink(missing_ok=True)
    return destination
