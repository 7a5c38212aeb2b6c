"""Negative binomial variational autoencoder of bulk counts, with its zero-inflated and linear variants."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus


def nb_log_prob(counts: Tensor, log_mean: Tensor, log_dispersion: Tensor) -> Tensor:
    """Negative binomial log-probability, variance = mu + alpha mu^2.

    Parameters
    ----------
    counts, log_mean
        Shape [samples x genes]; natural log of the mean.
    log_dispersion
        Natural log of alpha, shape [genes].

    Returns
    -------
    Tensor
        Shape [samples x genes], natural log.
    """
    size = torch.exp(-log_dispersion)
    log_alpha_mean = log_mean + log_dispersion
    return (
        torch.lgamma(counts + size)
        - torch.lgamma(size)
        - torch.lgamma(counts + 1)
        - (counts + size) * softplus(log_alpha_mean)
        + counts * log_alpha_mean
    )


def zinb_log_prob(counts: Tensor, log_mean: Tensor, log_dispersion: Tensor, zero_logit: Tensor) -> Tensor:
    """Zero-inflated negative binomial log-probability (Lopez et al. 2018, eq. 4).

    Parameters
    ----------
    counts, log_mean, log_dispersion
        As in `nb_log_prob`.
    zero_logit
        Logit of the extra probability of zero, broadcast to [samples x genes].

    Returns
    -------
    Tensor
        Shape [samples x genes], natural log.
    """
    nb = nb_log_prob(counts, log_mean, log_dispersion) + logsigmoid(-zero_logit)
    return torch.where(counts > 0, nb, torch.logaddexp(logsigmoid(zero_logit), nb))


@dataclass(frozen=True)
class NBVAEShape:
    """Sizes and variants of an `NBVAE`; all of it is in the model card."""

    genes: int
    batches: int = 0
    hidden: int = 64
    latent: int = 4
    likelihood: str = "nb"
    linear: bool = False


class NBVAE(nn.Module):
    """Counts of sample i, gene g ~ NB(s_i exp(b_g + v_g' batch_i + w_g' h(z_i)), alpha_g), z ~ N(0, I).

    alpha_g has a log-normal prior around the learned trend a0 + a1 / mean_g. With ``linear`` the decoder is
    b + W z: a negative binomial factor model (the GLM-PCA family; Svensson et al. 2020 for its encoder).

    Parameters
    ----------
    shape
        Sizes and variants.
    mean, sd
        Of log1p(counts / size factor) per gene, to standardise the encoder's input, shape [genes].
    log_rate
        Natural log of the mean normalised count, where the decoder's bias starts, shape [genes].
    generator
        Source of the initial weights.
    """

    def __init__(
        self, shape: NBVAEShape, mean: Tensor, sd: Tensor, log_rate: Tensor, generator: torch.Generator
    ):
        super().__init__()
        self.shape = shape
        width = shape.latent if shape.linear else shape.hidden
        self.input_mean: Tensor
        self.input_sd: Tensor
        self.log_rate: Tensor
        self.register_buffer("input_mean", mean.clone())
        self.register_buffer("input_sd", sd.clone())
        self.register_buffer("log_rate", log_rate.clone())
        self.encoder = nn.Linear(shape.genes + shape.batches, shape.hidden)
        self.to_mean = nn.Linear(shape.hidden, shape.latent)
        self.to_log_variance = nn.Linear(shape.hidden, shape.latent)
        self.decoder = nn.Identity() if shape.linear else nn.Linear(shape.latent, shape.hidden)
        self.loadings = nn.Parameter(torch.empty(shape.genes, width))
        self.bias = nn.Parameter(log_rate.clone())
        self.batch_effect = nn.Parameter(torch.zeros(shape.genes, shape.batches))
        self.log_dispersion = nn.Parameter(torch.full((shape.genes,), -2.0))
        self.log_trend = nn.Parameter(torch.tensor([-3.0, 1.0]))
        zero_inflated = shape.likelihood == "zinb"
        self.zero_logit = nn.Parameter(torch.full((shape.genes,), -4.0)) if zero_inflated else None
        with torch.no_grad():
            for layer in (self.encoder, self.to_mean, self.to_log_variance, self.decoder):
                if isinstance(layer, nn.Linear):
                    layer.weight.normal_(0.0, layer.in_features**-0.5, generator=generator)
                    layer.bias.zero_()
            self.to_log_variance.weight.mul_(0.1)
            self.to_log_variance.bias.fill_(-2.0)
            self.loadings.normal_(0.0, 0.3 if shape.linear else 0.05, generator=generator)

    def encode(self, counts: Tensor, size_factors: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x), shape [samples x latent] each.

        Parameters
        ----------
        counts
            Shape [samples x genes].
        size_factors
            Shape [samples].
        batch
            One-hot, shape [samples x batches].
        """
        standard = (torch.log1p(counts / size_factors[:, None]) - self.input_mean) / self.input_sd
        hidden = torch.tanh(self.encoder(torch.cat([standard, batch], dim=1)))
        return self.to_mean(hidden), self.to_log_variance(hidden).clamp(-14, 4)

    def features(self, latent: Tensor) -> Tensor:
        """Hidden features h(z) that the loadings act on, shape [samples x width]."""
        return latent if self.shape.linear else torch.tanh(self.decoder(latent))

    def decode(self, latent: Tensor, batch: Tensor) -> Tensor:
        """Natural log of the rate at unit size factor, shape [samples x genes]; no size factor is added here."""
        return self.bias + batch @ self.batch_effect.T + self.features(latent) @ self.loadings.T

    def log_prob(self, counts: Tensor, log_mean: Tensor) -> Tensor:
        """Log-probability of counts under this model's likelihood, shape [samples x genes]."""
        if self.zero_logit is None:
            return nb_log_prob(counts, log_mean, self.log_dispersion)
        return zinb_log_prob(counts, log_mean, self.log_dispersion, self.zero_logit)

    def trend(self) -> Tensor:
        """Natural log of the trend dispersion of every gene, shape [genes]."""
        return torch.logaddexp(self.log_trend[0], self.log_trend[1] - self.log_rate)
