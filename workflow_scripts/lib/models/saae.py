"""Supervised adversarial autoencoder: x is decoded from its private code and a code of y (Makhzani et al. 2015).

Nothing keeps the private code from carrying what y says, too: a baseline, as published with BiAAE.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .latent import standard_normal
from .paired import AdversarialModel, View, discriminator, tells_apart, wants_prior, weighted


@dataclass(frozen=True)
class SAAEWeights:
    """Weights of the reconstructions and of the wish that z_x look like N(0, I)."""

    x: float = 10.0
    y: float = 10.0
    prior: float = 2.0


class SAAE(AdversarialModel):
    """Private code of x, deterministic code of y.

    Parameters
    ----------
    x, y
        Views.
    private
        Width of z_x.
    condition
        Width of the code of y.
    weights
        Of the losses; `y` only if y is decoded.
    decodes_y
        Whether the code of y also has to rebuild y ("latent" SAAE).
    """

    def __init__(
        self, x: View, y: View, private: int, condition: int, weights: SAAEWeights, decodes_y: bool
    ) -> None:
        super().__init__()
        self.private, self.weights = private, weights
        self.encoder_x, self.encoder_y = x.encoder(private), y.encoder(condition)
        self.decoder_x = x.decoder(private + condition)
        self.decoder_y = y.decoder(condition) if decodes_y else None
        self.discriminators = nn.ModuleDict({"prior": discriminator(private)})

    def generator_losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Reconstructions and the discriminator's verdict, a scalar each."""
        z_x, z_y, w = self.encoder_x(x), self.encoder_y(y), self.weights
        found = {
            "reconstruction_x": (w.x, self.decoder_x.reconstruction_loss(torch.cat([z_x, z_y], dim=1), x)),
            "prior": (w.prior, wants_prior(self.discriminators["prior"], z_x)),
        }
        if self.decoder_y is not None:
            found["reconstruction_y"] = (w.y, self.decoder_y.reconstruction_loss(z_y, y))
        return weighted(found)

    def discriminator_losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Cross-entropy of the discriminator, a scalar."""
        with torch.no_grad():
            z_x = self.encoder_x(x)
        return weighted(
            {"prior": (1.0, tells_apart(self.discriminators["prior"], z_x, standard_normal(z_x, rng)))}
        )

    def condition_code(self, y: Tensor, rng: torch.Generator) -> Tensor:
        """Code of y, [pairs x condition]."""
        return self.encoder_y(y)

    def latents(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Private code of x, code of y, [pairs x width] each."""
        return {"z_x": self.encoder_x(x), "s_y": self.encoder_y(y)}
