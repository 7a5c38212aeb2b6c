"""Gaussian latent spaces: divergences and draws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed
import torch.distributed.nn
from torch import Tensor

# The first row that this process has of a batch, and all its rows, while several processes share it.
_shared: tuple[int, int] | None = None


@contextmanager
def rows_of_batch(first: int, total: int) -> Iterator[None]:
    """Within the block, tensors of the batch are rows `first` and following of `total`; the others are elsewhere."""
    global _shared
    before, _shared = _shared, (first, total)
    try:
        yield
    finally:
        _shared = before


def standard_normal(like: Tensor, rng: torch.Generator) -> Tensor:
    """Draws of N(0, 1), shaped as `like`: a row has the same ones whether or not its batch is shared out."""
    rows = len(like) if _shared is None else _shared[1]
    noise = torch.randn((rows, *like.shape[1:]), generator=rng, device=like.device, dtype=like.dtype)
    return noise if _shared is None else noise[_shared[0] : _shared[0] + len(like)]


def batch_mean(values: Tensor) -> Tensor:
    """Mean over the rows of the whole batch, whoever has them, shape [columns]."""
    if _shared is None:
        return values.mean(dim=0)
    total = torch.distributed.nn.all_reduce(values.sum(dim=0))
    return total / _shared[1]


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
    """Sum over latent dimensions of the batch's mean KL, each at least `free_nats` (Kingma et al. 2016); a scalar."""
    return batch_mean(kl_standard_normal(mean, log_variance)).clamp(min=free_nats).sum()


def draw(mean: Tensor, log_variance: Tensor, rng: torch.Generator) -> Tensor:
    """One draw of N(mean, exp(log_variance)) by the reparametrisation trick, same shape."""
    return mean + standard_normal(mean, rng) * torch.exp(0.5 * log_variance)


def draw_from(parameters: Tensor, rng: torch.Generator) -> Tensor:
    """One draw of the Gaussians whose means and log variances stand side by side, [points x 2 latent]."""
    mean, log_variance = parameters.chunk(2, dim=1)
    return draw(mean, log_variance, rng)
