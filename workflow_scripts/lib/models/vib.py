"""Variational information bottleneck from y to x (Alemi et al. 2016, arXiv:1612.00410)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .latent import draw, draw_from, kl_standard_normal
from .paired import VariationalModel, View, weighted


@dataclass(frozen=True)
class VIBWeights:
    """Weights of the prediction and of the divergence."""

    x: float = 10.0
    divergence: float = 0.01


class VIB(VariationalModel):
    """x is decoded from q(z | y) alone: what y does not say of x, is averaged over.

    Parameters
    ----------
    x, y
        Views.
    latent
        Width of z.
    weights
        Of the losses.
    """

    def __init__(self, x: View, y: View, latent: int, weights: VIBWeights) -> None:
        super().__init__()
        self.weights = weights
        self.encoder_y, self.decoder_x = y.encoder(2 * latent), x.decoder(latent)

    def losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Prediction and divergence, a scalar each."""
        mean, log_variance = self.encoder_y(y).chunk(2, dim=1)
        z = draw(mean, log_variance, rng)
        return weighted({
            "reconstruction_x": (self.weights.x, self.decoder_x.reconstruction_loss(z, x)),
            "divergence": (self.weights.divergence, kl_standard_normal(mean, log_variance).sum(dim=1).mean()),
        })  # fmt: skip

    def condition_code(self, y: Tensor, rng: torch.Generator) -> Tensor:
        """Draw of q(z | y), [pairs x latent]."""
        return draw_from(self.encoder_y(y), rng)

    def latents(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Mean of q(z | y), [pairs x latent]."""
        return {"s_y": self.encoder_y(y).chunk(2, dim=1)[0]}
