"""Kullback-Leibler divergences of Gaussian latent spaces."""

from __future__ import annotations

import torch
from torch import Tensor


def kl_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) of each latent dimension in nats, same shape."""
    return 0.5 * (mean**2 + log_variance.exp() - 1.0 - log_variance)


def kl_gaussians(
    mean: Tensor, log_variance: Tensor, prior_mean: Tensor, prior_log_variance: Tensor
) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(prior_mean, exp(prior_log_variance))) of each dimension, nats, same shape."""
    ratio = log_variance - prior_log_variance
    distance = (mean - prior_mean) ** 2 * torch.exp(-prior_log_variance)
    return 0.5 * (distance + ratio.exp() - 1.0 - ratio)


def free_bits_kl(mean: Tensor, log_variance: Tensor, free_nats: float) -> Tensor:
    """Sum over latent dimensions of the mean KL over the batch, each at least `free_nats` (Kingma et al. 2016)."""
    return kl_standard_normal(mean, log_variance).mean(dim=0).clamp(min=free_nats).sum()


def draw(mean: Tensor, log_variance: Tensor, rng: torch.Generator) -> Tensor:
    """One draw of N(mean, exp(log_variance)) by the reparametrisation trick, same shape."""
    noise = torch.randn(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
    return mean + noise * torch.exp(0.5 * log_variance)


def draw_from(parameters: Tensor, rng: torch.Generator) -> Tensor:
    """One draw of the Gaussians whose means and log variances stand side by side, [points x 2 latent]."""
    mean, log_variance = parameters.chunk(2, dim=1)
    return draw(mean, log_variance, rng)
