"""VCCA-private, deep variational canonical correlation analysis (Wang, Yan, Lee & Livescu 2016, arXiv:1610.03454)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .latent import draw, kl_standard_normal
from .paired import VariationalModel, View, weighted


@dataclass(frozen=True)
class VCCAWeights:
    """Weights of the reconstructions and of the divergences."""

    x: float = 10.0
    y: float = 10.0
    divergence: float = 0.01


class VCCAPrivate(VariationalModel):
    """A private code of each view and a shared one that is inferred from y.

    To generate x, its private code is drawn from N(0, I); the published code put y's private code in its place.

    Parameters
    ----------
    x, y
        Views.
    latent
        Width of a private and the shared code together.
    shared
        Width of the shared code.
    weights
        Of the losses.
    """

    def __init__(self, x: View, y: View, latent: int, shared: int, weights: VCCAWeights) -> None:
        super().__init__()
        self.private, self.weights = latent - shared, weights
        self.encoder_x, self.encoder_y = x.encoder(2 * self.private), y.encoder(2 * latent)
        self.decoder_x, self.decoder_y = x.decoder(latent), y.decoder(latent)

    def losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Reconstructions and divergences from N(0, I), a scalar each."""
        mean_x, log_variance_x = self.encoder_x(x).chunk(2, dim=1)
        mean_y, log_variance_y = self.encoder_y(y).chunk(2, dim=1)
        z_x, code_y = draw(mean_x, log_variance_x, rng), draw(mean_y, log_variance_y, rng)
        z_x_and_s = torch.cat([z_x, code_y[:, self.private :]], dim=1)
        divergences = [
            kl_standard_normal(*pair).sum(dim=1).mean()
            for pair in ((mean_x, log_variance_x), (mean_y, log_variance_y))
        ]
        w = self.weights
        return weighted({
            "reconstruction_x": (w.x, self.decoder_x.reconstruction_loss(z_x_and_s, x)),
            "reconstruction_y": (w.y, self.decoder_y.reconstruction_loss(code_y, y)),
            "divergence": (w.divergence, divergences[0] + divergences[1]),
        })  # fmt: skip

    def condition_code(self, y: Tensor, rng: torch.Generator) -> Tensor:
        """Draw of the shared code, [pairs x shared]."""
        mean, log_variance = self.encoder_y(y).chunk(2, dim=1)
        return draw(mean[:, self.private :], log_variance[:, self.private :], rng)

    def latents(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Means of the private codes and of the shared one, [pairs x width] each."""
        mean_y = self.encoder_y(y).chunk(2, dim=1)[0]
        return {
            "z_x": self.encoder_x(x).chunk(2, dim=1)[0],
            "z_y": mean_y[:, : self.private],
            "s_y": mean_y[:, self.private :],
        }
