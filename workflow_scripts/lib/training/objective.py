"""What a model gives the training loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from .device import fits


class Objective(ABC):
    """A network, its data, and how to compute its losses. The loop does the rest.

    Draw noise from the `rng` that a method is given, never from a generator of your own: `rng` is saved
    in checkpoints and lives on the training device. A model run as published may draw from the global
    generators; the loop draws nothing from them and saves them too.

    Parameters
    ----------
    network
        All that is trained or kept. Its ``state_dict`` is what checkpoints hold and `fit` leaves behind.
    data
        Named tensors, moved to the training device when they fit; read rows with `rows`.
    n_samples
        Samples of an epoch; by default the length of the first tensor of `data`.

    Attributes
    ----------
    shares_batches
        Whether a batch's loss is the mean of its samples' losses, apart from what `latent.batch_mean` takes over the
        whole batch, and all noise comes from `latent.standard_normal`: then several processes may share a batch.
    """

    shares_batches = False

    def __init__(self, network: nn.Module, data: Mapping[str, Tensor], n_samples: int | None = None) -> None:
        self.network = network
        self.data = dict(data)
        self.n_samples = len(next(iter(self.data.values()))) if n_samples is None else n_samples

    @abstractmethod
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return the named optimisers, one or several. Called once, when the network is on its device."""

    @abstractmethod
    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return the scalar losses of one turn on the samples `index`, int64 [batch] on the training device.

        ``"loss"`` is minimised by the optimiser named `turn`; only that optimiser's parameters get
        gradients. The other entries are logged. With one optimiser the entries are logged by their own names,
        with several as ``turn/name``.
        """

    def turns(self, step: int) -> Sequence[str] | None:
        """Return the optimisers that step on this batch, in order, repeats allowed; None (default) for all.

        `step` counts batches from 0 over all epochs.
        """
        return None

    def order(self, rng: torch.Generator) -> Tensor:
        """Return the samples of one epoch in order, int64 [samples] on the CPU; default: a permutation.

        Not asked for with ``batch_size=None``. `rng` is the loop's generator for order, on the CPU.
        """
        return torch.randperm(self.n_samples, generator=rng)

    def validate(self, rng: torch.Generator) -> dict[str, float] | None:
        """Return ``"validation"`` (lower is better) and further scores to log, or None; default: None.

        Called in evaluation mode without gradients. `rng` starts from the same state every time, so that
        two epochs are compared on the same noise.
        """
        return None

    def on_epoch(self, epoch: int) -> None:  # noqa: B027
        """Set what depends on the epoch (counted from 0), such as a KL weight; default: nothing.

        Called before every epoch and once more when a run resumes within it, after which network,
        optimisers, `load_state` and generators are restored. What it sets on the objective itself
        must follow from `epoch` alone, or belong to `state`.
        """

    def state(self) -> dict[str, Tensor]:
        """Return what must survive a resume, of any shape, and is neither network nor optimiser; default: nothing."""
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:  # noqa: B027
        """Take back `state`'s tensors, which are on the CPU."""

    def to(self, device: torch.device) -> None:
        """Move the data to `device` if it fits there, with room left for activations."""
        if fits(sum(tensor.numel() * tensor.element_size() for tensor in self.data.values()), device):
            self.data = {name: tensor.to(device) for name, tensor in self.data.items()}

    def rows(self, name: str, index: Tensor) -> Tensor:
        """Return rows `index` of ``data[name]`` on the device of `index`, wherever the data is."""
        tensor = self.data[name]
        if tensor.device == index.device:
            return tensor[index]
        return tensor[index.to(tensor.device)].to(index.device)
