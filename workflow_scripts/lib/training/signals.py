"""Requests to stop: SIGTERM and SIGUSR1, which a cluster sends before it takes a node away."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

# EX_TEMPFAIL of sysexits.h: nothing is wrong, run me again.
EXIT_RERUN = os.EX_TEMPFAIL
RERUN = "checkpoint written, run again to go on"
"""How the last line ends of a training that was asked to stop."""
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


@dataclass
class StopRequest:
    """The name of the signal that asked the process to stop, or None."""

    name: str | None = None


@contextmanager
def stop_requests(active: bool) -> Iterator[StopRequest]:
    """Turn SIGTERM and SIGUSR1 within the block into a `StopRequest` that the block polls.

    Does nothing if `active` is false or outside the main thread, where Python allows no handlers.
    """
    request = StopRequest()

    def note(number: int, frame: FrameType | None) -> None:
        request.name = signal.Signals(number).name

    if not active or threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            # None: a handler not installed from Python, which cannot be put back.
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
