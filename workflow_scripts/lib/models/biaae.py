"""BiAAE, the bidirectional adversarial autoencoder (Shayakhmetov et al. 2020, doi 10.3389/fphar.2020.00269)."""

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
class BiAAEWeights:
    """Weights of the losses.

    Attributes
    ----------
    x, y
        Of the reconstructions.
    prior
        Of the encoders' wish to look like N(0, I).
    independent_x, independent_y
        Of the wish that z_x, z_y be independent of the other parts.
    shared
        Of the distance between the shared codes of x and of y.
    """

    x: float = 10.0
    y: float = 10.0
    prior: float = 0.3
    independent_x: float = 1.0
    independent_y: float = 1.0
    shared: float = 0.1


class BiAAE(AdversarialModel):
    """Each view is a private code z and a code s that both views share; either view is drawn from the other's s.

    Parameters
    ----------
    x, y
        Views.
    latent
        Width of z and s of one view together.
    shared
        Width of s.
    weights
        Of the losses.
    decoded
        ``both``: each pair is decoded, and judged against the prior, with either shared code, as published; ``one``:
        with one of them at random, half the cost and the same loss on average.
    """

    def __init__(
        self, x: View, y: View, latent: int, shared: int, weights: BiAAEWeights, decoded: str = "both"
    ) -> None:
        super().__init__()
        self.private, self.weights, self.decoded = latent - shared, weights, decoded
        self.encoder_x, self.encoder_y = x.encoder(latent), y.encoder(latent)
        self.decoder_x, self.decoder_y = x.decoder(latent), y.decoder(latent)
        width = 2 * latent - shared
        self.discriminators = nn.ModuleDict(
            {name: discriminator(width) for name in ("prior", "independent_x", "independent_y")}
        )

    def _codes(self, encoder: nn.Module, view: Tensor) -> tuple[Tensor, Tensor]:
        code = encoder(view)
        return code[:, : self.private], code[:, self.private :]

    def _shared(self, s_x: Tensor, s_y: Tensor, rng: torch.Generator) -> list[Tensor]:
        """Shared codes that a pair is decoded from."""
        if self.decoded == "both":
            return [s_x, s_y]
        return [torch.where(torch.rand(len(s_x), 1, generator=rng, device=s_x.device) < 0.5, s_x, s_y)]

    def generator_losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Reconstructions, the three discriminators' verdicts, distance of the shared codes; a scalar each."""
        z_x, s_x = self._codes(self.encoder_x, x)
        z_y, s_y = self._codes(self.encoder_y, y)
        codes = self._shared(s_x, s_y, rng)
        rebuilt_x, rebuilt_y = (
            torch.stack([decoder.reconstruction_loss(torch.cat([z, s], dim=1), view) for s in codes]).mean()
            for decoder, z, view in ((self.decoder_x, z_x, x), (self.decoder_y, z_y, y))
        )
        judge, w = self.discriminators, self.weights
        both = torch.cat([torch.cat([z_x, s, z_y], dim=1) for s in codes])
        return weighted({
            "reconstruction_x": (w.x, rebuilt_x),
            "reconstruction_y": (w.y, rebuilt_y),
            "prior": (w.prior, wants_prior(judge["prior"], both)),
            "independent_x": (w.independent_x, wants_prior(judge["independent_x"], z_x, s_y.detach(), z_y.detach())),
            "independent_y": (w.independent_y, wants_prior(judge["independent_y"], z_x.detach(), s_x.detach(), z_y)),
            "shared": (w.shared, (s_x - s_y).norm(dim=1).mean()),
        })  # fmt: skip

    def discriminator_losses(self, x: Tensor, y: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Cross-entropy of each discriminator, a scalar each."""
        with torch.no_grad():
            z_x, s_x = self._codes(self.encoder_x, x)
            z_y, s_y = self._codes(self.encoder_y, y)
        both = torch.cat([torch.cat([z_x, s, z_y], dim=1) for s in self._shared(s_x, s_y, rng)])
        other_x = torch.cat([shuffled_rows(z_x, rng), s_y, z_y], dim=1)
        other_y = torch.cat([z_x, s_x, shuffled_rows(z_y, rng)], dim=1)
        judge = self.discriminators
        return weighted({
            "prior": (1.0, tells_apart(judge["prior"], both, standard_normal(both, rng))),
            "independent_x": (1.0, tells_apart(judge["independent_x"], torch.cat([z_x, s_y, z_y], dim=1), other_x)),
            "independent_y": (1.0, tells_apart(judge["independent_y"], torch.cat([z_x, s_x, z_y], dim=1), other_y)),
        })  # fmt: skip

    def generate_y(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """One y for every x [pairs, ...]: z_y from N(0, I), s from x."""
        _, shared = self._codes(self.encoder_x, x)
        z = standard_normal(shared.new_empty(len(shared), self.private), rng)
        return self.decoder_y.sample(torch.cat([z, shared], dim=1), rng)

    def condition_code(self, y: Tensor, rng: torch.Generator) -> Tensor:
        """Shared code of y, [pairs x shared]."""
        return self._codes(self.encoder_y, y)[1]

    def latents(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Private and shared codes of both views, [pairs x width] each."""
        z_x, s_x = self._codes(self.encoder_x, x)
        z_y, s_y = self._codes(self.encoder_y, y)
        return {"z_x": z_x, "s_x": s_x, "z_y": z_y, "s_y": s_y}
