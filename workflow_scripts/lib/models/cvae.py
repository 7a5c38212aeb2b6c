"""Conditional VAE with a learned prior p(z | y) (Sohn et al. 2015)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .latent import draw, draw_from, kl_gaussians
from .paired import JointEncoder, VariationalModel, View, weighted


@dataclass(frozen=True)
class CVAEWeights:
    """Weights of the reconstruction and of the divergence of the posterior from the prior."""

    x: float = 10.0
    divergence: float = 0.01


class CVAE(VariationalModel):
    """Posterior q(z | x, y), prior p(z | y), decoder p(x | z, code of y).

    Parameters
    ----------
    x, y
        Views.
    latent
        Width of z, and of the code of y.
    weights
        Of the losses.
    prior_mean_counts
        False takes the prior's mean for the posterior's in the divergence, as the published code did: the prior's mean
        then never learns. Only to measure what that cost.
    """

    def __init__(
        self, x: View, y: View, latent: int, weights: CVAEWeights, prior_mean_counts: bool = True
    ) -> None:
        super().__init__()
        self.latent, self.weights, self.prior_mean_counts = latent, weights, prior_mean_counts
        width = 2 * latent
        self.encoder = JointEncoder(x.short_encoder(width), y.short_encoder(width), 2 * width, width)
        self.prior = y.encoder(width)
        self.condition = y.short_encoder(latent)
        self.decoder_x = x.decoder(width)

    def losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Reconstruction and divergence, a scalar each."""
        mean, log_variance = self.encoder(x, y).chunk(2, dim=1)
        prior_mean, prior_log_variance = self.prior(y).chunk(2, dim=1)
        z = torch.cat([draw(mean, log_variance, rng), self.condition(y)], dim=1)
        if self.prior_mean_counts:
            divergence = kl_gaussians(mean, log_variance, prior_mean, prior_log_variance)
        else:
            divergence = kl_gaussians(mean, log_variance, torch.zeros_like(mean), prior_log_variance)
        return weighted({
            "reconstruction_x": (self.weights.x, self.decoder_x.reconstruction_loss(z, x)),
            "divergence": (self.weights.divergence, divergence.sum(dim=1).mean()),
        })  # fmt: skip

    def condition_code(self, y: Tensor, rng: torch.Generator) -> Tensor:
        """Draw of the prior and code of y, [pairs x 2 latent]."""
        return torch.cat([draw_from(self.prior(y), rng), self.condition(y)], dim=1)

    def latents(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Posterior mean; mean of the prior and code of y; [pairs x width] each."""
        prior = self.prior(y).chunk(2, dim=1)[0]
        return {
            "code_x": self.encoder(x, y).chunk(2, dim=1)[0],
            "s_y": torch.cat([prior, self.condition(y)], dim=1),
        }
