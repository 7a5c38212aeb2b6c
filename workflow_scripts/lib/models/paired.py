"""What the models of two paired views share: x, which is to be generated, and y, the condition."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from .latent import standard_normal


class Decoder(Protocol):
    """Anything that turns latent points into objects of a view."""

    def reconstruction_loss(self, latent: Tensor, target: Tensor) -> Tensor:
        """Mean loss of decoding `target` from `latent`, a scalar."""

    def sample(self, latent: Tensor, rng: torch.Generator) -> Tensor:
        """Objects of latent points [points x latent], in the shape that a `target` has."""


@dataclass(frozen=True)
class View:
    """How networks of one view are made.

    Attributes
    ----------
    encoder
        From a width to a network: objects to [objects x width].
    short_encoder
        The same, smaller; for joint encoders and conditions.
    decoder
        From a latent width to a `Decoder`.
    """

    encoder: Callable[[int], nn.Module]
    short_encoder: Callable[[int], nn.Module]
    decoder: Callable[[int], Any]


class PairedModel(nn.Module, ABC):
    """A model of x given y.

    Attributes
    ----------
    private
        Width of the code that is drawn from N(0, I) when x is generated; 0 if there is none.
    decoder_x
        Decoder of x.
    """

    private: int = 0
    decoder_x: Any

    def generate(self, y: Tensor, rng: torch.Generator) -> Tensor:
        """Draw one x for every y, [pairs, ...]."""
        return self.decoder_x.sample(self.generation_latent(y, rng), rng)

    def generation_latent(self, y: Tensor, rng: torch.Generator) -> Tensor:
        """Draw what x is decoded from: the private code from N(0, I), beside it what y gives, [pairs x latent]."""
        given = self.condition_code(y, rng)
        private = standard_normal(given.new_empty(len(given), self.private), rng)
        return torch.cat([private, given], dim=1)

    @abstractmethod
    def condition_code(self, y: Tensor, rng: torch.Generator) -> Tensor:
        """What `generate` takes from y, noise of its own included, [pairs x latent]; information of x is its."""

    @abstractmethod
    def latents(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Latent parts by name, [pairs x latent] each, without noise: what linear probes look at."""


class AdversarialModel(PairedModel):
    """A model whose encoders and decoders play against discriminators."""

    discriminators: nn.ModuleDict

    @abstractmethod
    def generator_losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Losses of encoders and decoders, a scalar each; ``loss`` is their weighted sum."""

    @abstractmethod
    def discriminator_losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Losses of the discriminators, a scalar each; ``loss`` is their sum."""

    def generators(self) -> list[nn.Parameter]:
        """Return all that is no discriminator's and is trained."""
        others = {id(parameter) for parameter in self.discriminators.parameters()}
        return [p for p in self.parameters() if id(p) not in others and p.requires_grad]


class VariationalModel(PairedModel):
    """A model with one loss."""

    @abstractmethod
    def losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Losses, a scalar each; ``loss`` is their weighted sum."""


class JointEncoder(nn.Module):
    """Both views through an encoder each, then three layers.

    Parameters
    ----------
    x, y
        Encoders of the views.
    width
        Sum of their outputs.
    outputs
        Width of the last layer.
    """

    def __init__(self, x: nn.Module, y: nn.Module, width: int, outputs: int) -> None:
        super().__init__()
        self.x, self.y = x, y
        self.layers = nn.Sequential(
            nn.Linear(width, 128), nn.LeakyReLU(), nn.Linear(128, 128), nn.LeakyReLU(), nn.Linear(128, outputs)
        )  # fmt: skip

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return [pairs x outputs]."""
        return self.layers(torch.cat([self.x(x), self.y(y)], dim=1))


def discriminator(inputs: int) -> nn.Sequential:
    """Three layers from a latent point to one logit: that it is from the prior (or shuffled), not from the encoders."""
    return nn.Sequential(
        nn.Linear(inputs, 1024), nn.LeakyReLU(0.2), nn.Linear(1024, 512), nn.LeakyReLU(0.2), nn.Linear(512, 1)
    )  # fmt: skip


def wants_prior(network: nn.Module, *parts: Tensor) -> Tensor:
    """Loss of encoders that want their points (`parts` side by side, [points x width]) taken for the prior's."""
    logits = network(torch.cat(parts, dim=1))
    return functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def tells_apart(network: nn.Module, encoded: Tensor, prior: Tensor) -> Tensor:
    """Loss of a discriminator: cross-entropy of 0 for `encoded` and 1 for `prior`, as many of each; a scalar."""
    logits = network(torch.cat([encoded, prior]))
    target = torch.cat([torch.zeros(len(encoded), 1), torch.ones(len(prior), 1)]).to(logits)
    return functional.binary_cross_entropy_with_logits(logits, target)


def shuffled_rows(values: Tensor, rng: torch.Generator) -> Tensor:
    """Rows in random order: the same marginal distribution, independent of the other parts."""
    return values[torch.randperm(len(values), generator=rng, device=values.device)]


def weighted(losses: dict[str, tuple[float, Tensor]]) -> dict[str, Tensor]:
    """Return ``loss``, the weighted sum, and each loss by its name, detached; a scalar each."""
    total = torch.stack([weight * value for weight, value in losses.values()]).sum()
    return {"loss": total, **{name: value.detach() for name, (_, value) in losses.items()}}
