"""The Kullback-Leibler divergence of a Gaussian latent space from its prior."""

from __future__ import annotations

from torch import Tensor


def kl_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) of each latent dimension in nats, same shape."""
    return 0.5 * (mean**2 + log_variance.exp() - 1.0 - log_variance)


def free_bits_kl(mean: Tensor, log_variance: Tensor, free_nats: float) -> Tensor:
    """Sum over latent dimensions of the mean KL over the batch, each at least `free_nats` (Kingma et al. 2016)."""
    return kl_standard_normal(mean, log_variance).mean(dim=0).clamp(min=free_nats).sum()
