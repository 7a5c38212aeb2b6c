"""Gaussian-mixture variational graph autoencoder that decodes expression, at the spot's own depth.

The encoder is a simple graph convolution (Wu et al. 2019, SGC): averages over neighbours are linear and are taken
once, before training, for several numbers of hops; what is learnt acts on one spot at a time, so that minibatches need
no neighbour sampling. The prior is a mixture of Gaussians (Jiang et al. 2017, VaDE). Two decoders: log-linear
expression rates, and the probability of an edge between two spots.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

LIKELIHOODS = ("counts", "features")


@dataclass(frozen=True)
class GMMVGAEShape:
    """Sizes of the network.

    Parameters
    ----------
    inputs
        Scores of a spot at one number of hops.
    hops
        Numbers of hops at which the scores are given.
    outputs
        Genes, or stored features.
    latent
        Latent dimensions.
    components
        Gaussians of the prior.
    hidden
        Units of the residual networks; 0 for a linear encoder.
    likelihood
        ``counts`` or ``features`` (Gaussian).
    """

    inputs: int
    hops: int
    outputs: int
    latent: int
    components: int
    hidden: int
    likelihood: str = "counts"

    def as_dict(self) -> dict[str, Any]:
        """Return the sizes as the model card keeps them."""
        return asdict(self)


class GMMVGAE(nn.Module):
    """Encoder, mixture prior and both decoders.

    Parameters
    ----------
    shape
        Sizes.
    rng
        Generator of the first weights, on the CPU.
    """

    loading_sd: Tensor
    score_depth: Tensor
    score_centre: Tensor
    score_components: Tensor

    def __init__(self, shape: GMMVGAEShape, rng: torch.Generator) -> None:
        super().__init__()
        self.shape = shape
        latent, width = shape.latent, shape.hops * shape.latent
        # How counts become scores: log1p(depth x share), centred, on principal components of unit variance.
        self.register_buffer("score_depth", torch.ones(()))
        self.register_buffer("score_centre", torch.zeros(shape.outputs))
        self.register_buffer("score_components", torch.zeros(shape.outputs, shape.inputs))
        self.projection = nn.Parameter(torch.eye(shape.inputs, latent))
        self.hop_weights = nn.Parameter(torch.full((shape.hops, latent), 1 / shape.hops))
        self.residual = _head(width, shape.hidden, latent, rng)
        self.log_variance = _head(width, shape.hidden, latent, rng, start=-2.0)
        self.loadings = nn.Parameter(torch.zeros(latent, shape.outputs))
        self.offset = nn.Parameter(torch.zeros(shape.outputs))
        # sd of the loadings' prior, one a latent dimension; set by empirical Bayes, not by gradient
        self.register_buffer("loading_sd", torch.ones(latent))
        # of the features' noise; unused by counts
        self.log_noise = nn.Parameter(
            torch.zeros(shape.outputs), requires_grad=shape.likelihood == "features"
        )
        self.prior_logits = nn.Parameter(torch.zeros(shape.components))
        self.prior_means = nn.Parameter(torch.zeros(shape.components, latent))
        self.prior_log_variances = nn.Parameter(torch.zeros(shape.components, latent))
        self.edge_slope = nn.Parameter(torch.zeros(()))
        self.edge_offset = nn.Parameter(torch.zeros(()))

    def encode(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior of each spot.

        Parameters
        ----------
        scores
            Shape [spots x hops x inputs].

        Returns
        -------
        mean, log_variance
            Shape [spots x latent] each.
        """
        projected = scores @ self.projection
        return self._mean(projected), self.log_variance(projected.flatten(1)).clamp(-8.0, 4.0)

    def posterior_mean(self, scores: Tensor) -> Tensor:
        """The first of `encode` alone, [spots x latent]."""
        return self._mean(scores @ self.projection)

    def _mean(self, projected: Tensor) -> Tensor:
        return (projected * self.hop_weights).sum(dim=1) + self.residual(projected.flatten(1))

    def log_rates(self, z: Tensor) -> Tensor:
        """Log of the expected share of every gene among a spot's UMIs, [spots x genes]."""
        return functional.log_softmax(torch.addmm(self.offset, z, self.loadings), dim=1)

    def features(self, z: Tensor) -> Tensor:
        """Expected features, [spots x features]."""
        return z @ self.loadings + self.offset

    def negative_log_likelihood(self, observed: Tensor, z: Tensor) -> Tensor:
        """Of each spot, nats, without terms of the data alone; shape [spots].

        Counts: Poisson with mean depth x rate. Since the rates of a spot sum to 1, its total is its depth and only
        sum_g x_g log rate_g depends on the network.
        """
        if self.shape.likelihood == "counts":
            return -(observed * self.log_rates(z)).sum(dim=1)
        error = (observed - self.features(z)) ** 2 * torch.exp(-self.log_noise)
        return 0.5 * (error + self.log_noise).sum(dim=1)

    def posterior_rates(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Mean of the rates under the posterior, [spots x genes]; no draw is made.

        The log of an unnormalised rate is Gaussian, so that its mean has a closed form (log-normal). These means are
        divided by their sum: on simulated spots within 1 % of the mean of the normalised rates.
        """
        return functional.softmax(self._posterior_logits(mean, log_variance), dim=1)

    def posterior_log_rates(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Log of `posterior_rates`, [spots x genes], finite however small they are."""
        return functional.log_softmax(self._posterior_logits(mean, log_variance), dim=1)

    def _posterior_logits(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        variance = log_variance.exp() @ self.loadings**2
        return torch.addmm(self.offset, mean, self.loadings).add_(variance, alpha=0.5)

    def component_divergences(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """KL of each spot's posterior from each Gaussian of the prior, nats, [spots x components]."""
        precision = torch.exp(-self.prior_log_variances)
        quadratic = (
            (log_variance.exp() + mean**2) @ precision.T
            - 2 * mean @ (self.prior_means * precision).T
            + (self.prior_means**2 * precision).sum(dim=1)
        )
        logs = self.prior_log_variances.sum(dim=1) - log_variance.sum(dim=1, keepdim=True)
        return 0.5 * (quadratic + logs - self.shape.latent)

    def responsibilities(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Share of each Gaussian in a spot, softmax(log pi - KL): those that make the divergence least.

        Returns
        -------
        torch.Tensor
            Shape [spots x components], rows sum to 1; computed in log space, finite in any dimension.
        """
        logs = functional.log_softmax(self.prior_logits, dim=0)
        return functional.softmax(logs - self.component_divergences(mean, log_variance), dim=1)

    def divergence(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """KL of q(z) q(c) from p(z, c) at the best q(c), nats, shape [spots].

        That is sum_c gamma_c (KL_c + log gamma_c / pi_c) of VaDE (Jiang et al. 2017, eq. 12), at its minimum
        -log sum_c pi_c exp(-KL_c).
        """
        logs = functional.log_softmax(self.prior_logits, dim=0)
        return -torch.logsumexp(logs - self.component_divergences(mean, log_variance), dim=1)

    def edge_logits(self, left: Tensor, right: Tensor) -> Tensor:
        """Log odds that two spots are neighbours, falling with their squared distance; shape [pairs]."""
        distance = ((left - right) ** 2).mean(dim=1)
        return self.edge_offset - functional.softplus(self.edge_slope) * distance


def _head(inputs: int, hidden: int, outputs: int, rng: torch.Generator, start: float = 0.0) -> nn.Module:
    """Return a network with one hidden layer that starts at the constant `start`."""
    if hidden == 0:
        last = nn.Linear(inputs, outputs)
        layers: list[nn.Module] = [last]
    else:
        first, last = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)
        bound = 1 / math.sqrt(inputs)
        with torch.no_grad():
            first.weight.uniform_(-bound, bound, generator=rng)
            first.bias.uniform_(-bound, bound, generator=rng)
        layers = [first, nn.ReLU(), last]
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, start)
    return nn.Sequential(*layers)
