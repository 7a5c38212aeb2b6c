"""Means of the losses over an epoch, and the check that they are numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from workflow_scripts.lib.errors import LatentomeError


def check_finite(label: str, name: str, value: float, epoch: int, step: int) -> None:
    """Refuse a loss that is not a number; `epoch` and `step` count from 1."""
    if not math.isfinite(value):
        raise LatentomeError(
            f"{label}: {name} is {value} in epoch {epoch}, step {step}; expected a finite number; "
            "lower the learning rate, set gradient_clip, or look for extreme values in the input"
        )


class LossMeter:
    """Collects the losses of an epoch's turns, weighted by their samples.

    Parameters
    ----------
    label
        The run's name in errors.
    prefix
        Whether terms are named ``turn/name`` (several optimisers) or ``name``.
    read_every
        Turns whose losses stay on the device before they are read: reading waits for the device.
    """

    def __init__(self, label: str, prefix: bool, read_every: int) -> None:
        self.label, self.prefix, self.read_every = label, prefix, read_every
        self.totals: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.last: float | None = None
        self.unread: list[tuple[int, int, str, int, dict[str, Tensor]]] = []

    def add(self, epoch: int, step: int, turn: str, n: int, losses: dict[str, Tensor]) -> None:
        """Note the losses of one turn on `n` samples, a scalar each; `epoch` and `step` count from 1.

        Raises
        ------
        LatentomeError
            If a loss read now is not finite; on a GPU it may be one of an earlier step, which is named.
        """
        self.unread.append((epoch, step, turn, n, losses))
        if len(self.unread) >= self.read_every:
            self.read()

    def read(self) -> None:
        """Read what is still on the device, in one transfer."""
        unread, self.unread = self.unread, []
        if not unread:
            return
        flat = [value.detach().float().reshape(()) for *_, losses in unread for value in losses.values()]
        values = iter(torch.stack(flat).tolist())
        for epoch, step, turn, n, losses in unread:
            for name in losses:
                value = next(values)
                full = f"{turn}/{name}" if self.prefix else name
                check_finite(self.label, f"loss term {full}", value, epoch, step)
                self.totals[full] = self.totals.get(full, 0.0) + value * n
                self.counts[full] = self.counts.get(full, 0) + n
                if name == "loss":
                    self.last = value

    def means(self) -> dict[str, float]:
        """Return the means since the last call and start anew."""
        self.read()
        means = {name: total / self.counts[name] for name, total in self.totals.items()}
        self.totals, self.counts = {}, {}
        return means

    def state(self) -> dict[str, dict[str, float]]:
        """Return the sums so far, for a checkpoint within an epoch."""
        self.read()
        return {"totals": dict(self.totals), "counts": dict(self.counts)}

    def load_state(self, state: dict[str, dict[str, float]]) -> None:
        """Take back what `state` returned."""
        self.totals = dict(state["totals"])
        self.counts = {name: int(count) for name, count in state["counts"].items()}
