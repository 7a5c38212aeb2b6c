"""Joint multimodal VAE, JMVAE-kl (Suzuki, Nakayama & Matsuo 2016, arXiv:1611.01891, eq. 8)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .latent import draw, draw_from, kl_gaussians, kl_standard_normal
from .paired import JointEncoder, VariationalModel, View, weighted


@dataclass(frozen=True)
class JMVAEWeights:
    """Weights of the reconstructions, of all divergences, and of the alignment among these."""

    x: float = 10.0
    y: float = 10.0
    divergence: float = 0.01
    alignment: float = 1.0


class JMVAE(VariationalModel):
    """One z for both views; q(z | x) and q(z | y) are drawn to the joint posterior q(z | x, y).

    Both views are rebuilt from the joint posterior, as in the paper; the code published with BiAAE rebuilt each view
    from its own posterior, which is another model.

    Parameters
    ----------
    x, y
        Views.
    latent
        Width of z.
    weights
        Of the losses.
    """

    def __init__(self, x: View, y: View, latent: int, weights: JMVAEWeights) -> None:
        super().__init__()
        self.weights = weights
        width = 2 * latent
        self.encoder_x, self.encoder_y = x.encoder(width), y.encoder(width)
        self.encoder = JointEncoder(x.short_encoder(width), y.short_encoder(width), 2 * width, width)
        self.decoder_x, self.decoder_y = x.decoder(latent), y.decoder(latent)

    def losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Reconstructions, divergence of the joint posterior from N(0, I) and from those of one view; a scalar each."""
        mean, log_variance = self.encoder(x, y).chunk(2, dim=1)
        z = draw(mean, log_variance, rng)
        ones = [part for one in (self.encoder_x(x), self.encoder_y(y)) for part in one.chunk(2, dim=1)]
        alignment = kl_gaussians(mean, log_variance, *ones[:2]) + kl_gaussians(mean, log_variance, *ones[2:])
        w = self.weights
        return weighted({
            "reconstruction_x": (w.x, self.decoder_x.reconstruction_loss(z, x)),
            "reconstruction_y": (w.y, self.decoder_y.reconstruction_loss(z, y)),
            "divergence": (w.divergence, kl_standard_normal(mean, log_variance).sum(dim=1).mean()),
            "alignment": (w.divergence * w.alignment, alignment.sum(dim=1).mean()),
        })  # fmt: skip

    def generate_y(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """One y for every x [pairs, ...]: z from q(z | x)."""
        return self.decoder_y.sample(draw_from(self.encoder_x(x), rng), rng)

    def condition_code(self, y: Tensor, rng: torch.Generator) -> Tensor:
        """Draw of q(z | y), [pairs x latent]."""
        return draw_from(self.encoder_y(y), rng)

    def latents(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Means of q(z | x) and q(z | y), [pairs x latent] each."""
        means = [encoded.chunk(2, dim=1)[0] for encoded in (self.encoder_x(x), self.encoder_y(y))]
        return {"code_x": means[0], "s_y": means[1]}
