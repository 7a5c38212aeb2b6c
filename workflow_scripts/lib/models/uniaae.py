"""UniAAE, the one-directional rival of BiAAE: x has a private code only (Shayakhmetov et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .latent import standard_normal
from .paired import (
    AdversarialModel,
    View,
    discriminator,
    shuffled_rows,
    tells_apart,
    wants_prior,
    weighted,
)


@dataclass(frozen=True)
class UniAAEWeights:
    """Weights of the losses: reconstructions, wish to look like N(0, I), wish that z_x, s and z_y be independent."""

    x: float = 10.0
    y: float = 10.0
    prior: float = 0.3
    independent: float = 1.0


class UniAAE(AdversarialModel):
    """x is decoded from its private code and the code s of y; y from its own two codes.

    Parameters
    ----------
    x, y
        Views.
    latent
        Width of z and s of y together.
    shared
        Width of s.
    weights
        Of the losses.
    """

    def __init__(self, x: View, y: View, latent: int, shared: int, weights: UniAAEWeights) -> None:
        super().__init__()
        self.private, self.weights = latent - shared, weights
        self.encoder_x, self.encoder_y = x.encoder(self.private), y.encoder(latent)
        self.decoder_x, self.decoder_y = x.decoder(latent), y.decoder(latent)
        width = 2 * latent - shared
        self.discriminators = nn.ModuleDict({name: discriminator(width) for name in ("prior", "independent")})

    def _codes(self, y: Tensor) -> tuple[Tensor, Tensor]:
        code = self.encoder_y(y)
        return code[:, : self.private], code[:, self.private :]

    def generator_losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Reconstructions and the two discriminators' verdicts, a scalar each."""
        z_x, (z_y, s) = self.encoder_x(x), self._codes(y)
        judge, w = self.discriminators, self.weights
        return weighted({
            "reconstruction_x": (w.x, self.decoder_x.reconstruction_loss(torch.cat([z_x, s], dim=1), x)),
            "reconstruction_y": (w.y, self.decoder_y.reconstruction_loss(torch.cat([z_y, s], dim=1), y)),
            "prior": (w.prior, wants_prior(judge["prior"], z_x, s, z_y)),
            "independent": (w.independent, wants_prior(judge["independent"], z_x, s.detach(), z_y)),
        })  # fmt: skip

    def discriminator_losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Cross-entropy of each discriminator, a scalar each."""
        with torch.no_grad():
            z_x, (z_y, s) = self.encoder_x(x), self._codes(y)
        encoded = torch.cat([z_x, s, z_y], dim=1)
        apart = torch.cat([shuffled_rows(z_x, rng), s, shuffled_rows(z_y, rng)], dim=1)
        judge = self.discriminators
        return weighted({
            "prior": (1.0, tells_apart(judge["prior"], encoded, standard_normal(encoded, rng))),
            "independent": (1.0, tells_apart(judge["independent"], encoded, apart)),
        })  # fmt: skip

    def condition_code(self, y: Tensor, rng: torch.Generator) -> Tensor:
        """Code s of y, [pairs x shared]."""
        return self._codes(y)[1]

    def latents(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Private codes of both views, s of y, [pairs x width] each."""
        z_y, s = self._codes(y)
        return {"z_x": self.encoder_x(x), "z_y": z_y, "s_y": s}
