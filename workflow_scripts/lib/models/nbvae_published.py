"""The NB-VAE exactly as the published notebook has it, errors included; kept to reproduce its numbers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

DISPERSION_SIZE = 10.0
"""theta of every gene, 1 / alpha."""
KL_WEIGHT = 1e-4


class PublishedNBVAE(nn.Module):
    """Linear G-64, ReLU, two heads 64-2; Linear 2-64, ReLU, 64-G = log mean, plus the log size factor.

    Torch's default initialisation, in the order of the notebook's layers, so that a seed gives its weights.
    Noise is drawn from torch's global generator, as there.

    Parameters
    ----------
    genes, hidden, latent
        Layer sizes.
    """

    def __init__(self, genes: int, hidden: int = 64, latent: int = 2) -> None:
        super().__init__()
        self.encoder = nn.Linear(genes, hidden)
        self.to_mean = nn.Linear(hidden, latent)
        self.to_log_variance = nn.Linear(hidden, latent)
        self.decoder = nn.Linear(latent, hidden)
        self.to_log_rate = nn.Linear(hidden, genes)

    def forward(self, log_counts: Tensor, log_size_factors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log mean (size factor left in), latent mean and log-variance.

        Parameters
        ----------
        log_counts
            log1p of the raw counts, shape [samples x genes].
        log_size_factors
            Natural log, shape [samples x 1].

        Returns
        -------
        tuple of Tensor
            Shapes [samples x genes], [samples x latent], [samples x latent].
        """
        hidden = torch.relu(self.encoder(log_counts))
        mean, log_variance = self.to_mean(hidden), self.to_log_variance(hidden)
        latent = mean + torch.randn_like(log_variance) * torch.exp(0.5 * log_variance)
        return self.to_log_rate(torch.relu(self.decoder(latent))) + log_size_factors, mean, log_variance


def published_loss(counts: Tensor, log_mean: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """The notebook's loss: the summed NB log-likelihood against 1e-4 times the *mean* KL.

    Parameters
    ----------
    counts, log_mean
        Shape [samples x genes].
    mean, log_variance
        Shape [samples x latent].
    """
    size = torch.tensor(DISPERSION_SIZE)
    likelihood = torch.distributions.NegativeBinomial(total_count=size, logits=log_mean - torch.log(size))
    kl = -0.5 * torch.mean(1 + log_variance - mean**2 - log_variance.exp())
    return -(likelihood.log_prob(counts).sum() - KL_WEIGHT * kl)
