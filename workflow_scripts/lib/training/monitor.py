"""Early stopping, and the weights of the best validation."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class Monitor:
    """Follows one validation score, of which lower is better.

    Parameters
    ----------
    patience
        Validations in a row without improvement after which `stopped` turns true; None for never.
    min_delta
        A score improves if it is below the best by more than this.
    keep_best
        Whether the weights of the best score are kept.
    """

    def __init__(self, patience: int | None, min_delta: float, keep_best: bool) -> None:
        self.patience, self.min_delta, self.keep_best = patience, min_delta, keep_best
        self.best_epoch: int | None = None
        self.best: float | None = None
        self.stale = 0
        self.stopped = False
        self.weights: dict[str, Tensor] = {}

    def note(self, score: float, epoch: int, network: nn.Module) -> None:
        """Note the finite `score` of `network` after `epoch` epochs."""
        if self.best is None or score < self.best - self.min_delta:
            self.best, self.best_epoch, self.stale = score, epoch, 0
            if self.keep_best:
                self._keep(network)
        else:
            self.stale += 1
            self.stopped = self.patience is not None and self.stale >= self.patience

    def _keep(self, network: nn.Module) -> None:
        for name, value in network.state_dict().items():
            # In place, once there is a place: a model that improves every epoch would allocate every epoch.
            if name in self.weights:
                self.weights[name].copy_(value)
            else:
                self.weights[name] = value.detach().clone()

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        names = ("best_epoch", "best", "stale", "stopped", "weights")
        return {name: getattr(self, name) for name in names}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        for name, value in state.items():
            setattr(self, name, value)
