"""Expression rates of a trained spatial model: expected, with their sd, and given the spot's own counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from workflow_scripts.lib.models.gmm_vgae import GMMVGAE
from workflow_scripts.lib.stats.rate_baselines import Rates, blocks

PRIOR_WEIGHT = 100.0
"""Sum of squared means that the pooled dispersion counts as, beside a gene's own."""
DISPERSION_RANGE = (1e-5, 100.0)
MOST_SPOTS = 20_000
"""Spots on which dispersions and the loadings' uncertainty are worked out, at most."""


@dataclass(frozen=True)
class Residuals:
    """What dispersions are estimated from: sums over spots, shape [genes] each.

    Attributes
    ----------
    excess
        Of (x - mu)^2 - mu.
    squares
        Of mu^2.
    """

    excess: np.ndarray
    squares: np.ndarray

    def dispersion(self, pooled_factor: float = 1.0) -> np.ndarray:
        """Phi of variance = mu + phi mu^2 of each gene, by moments, shrunk to that of all genes.

        Parameters
        ----------
        pooled_factor
            Times which the pooled dispersion is what genes are shrunk to: those of few UMIs, for they have little else.

        Returns
        -------
        numpy.ndarray
            float64, shape [genes], within `DISPERSION_RANGE`.
        """
        pooled = pooled_factor * max(self.excess.sum() / self.squares.sum(), 1e-4)
        shrunk = (self.excess + PRIOR_WEIGHT * pooled) / (self.squares + PRIOR_WEIGHT)
        return np.clip(shrunk, *DISPERSION_RANGE)


@dataclass(frozen=True)
class Uncertainty:
    """What the rates' sd needs beside the network.

    Attributes
    ----------
    residuals
        Of the counts that the rates were fitted to.
    dispersion
        From them, of each gene, shape [genes].
    loading_factors
        Cholesky factors of the covariance of each gene's loadings and offset, float32
        [genes x (latent + 1) x (latent + 1)].
    """

    residuals: Residuals
    dispersion: np.ndarray
    loading_factors: np.ndarray


@dataclass(frozen=True)
class ModelRates:
    """Expected shares of the genes among a spot's UMIs: the decoder's, negative binomial noise removed.

    Attributes
    ----------
    network
        The model.
    mean, log_variance
        Posterior of the latent variables, [spots x latent].
    """

    network: GMMVGAE
    mean: np.ndarray
    log_variance: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(spots, genes)."""
        return len(self.mean), self.network.shape.outputs

    def block(self, start: int, stop: int) -> np.ndarray:
        """Rates of spots `start` to before `stop`, float64 [spots x genes]; strictly positive, rows sum to 1."""
        with torch.no_grad():
            rates = self.network.posterior_rates(
                torch.from_numpy(self.mean[start:stop]), torch.from_numpy(self.log_variance[start:stop])
            )
        found = rates.double().numpy()
        return found / found.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class OwnRates:
    """Rates given the spot's own counts: the mean of the gamma posterior under the negative binomial model.

    With x ~ Poisson(depth x lambda) and lambda ~ Gamma(mean rate, shape 1 / phi), the posterior mean of lambda is
    rate (x + 1 / phi) / (depth x rate + 1 / phi): what a spot shows of a gene counts the more, the deeper it is and
    the more the gene varies beyond what the model explains.

    Attributes
    ----------
    rates
        Expected ones.
    counts
        What was seen, CSR [spots x genes].
    dispersion
        phi of each gene, shape [genes].
    """

    rates: ModelRates | Rates
    counts: sparse.csr_matrix
    dispersion: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(spots, genes)."""
        return self.rates.shape

    def block(self, start: int, stop: int) -> np.ndarray:
        """Rates of spots `start` to before `stop`, float64 [spots x genes]; strictly positive, rows sum to 1."""
        found, _ = self.with_shape(start, stop)
        return found / found.sum(axis=1, keepdims=True)

    def with_shape(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and shape of each rate's gamma posterior, float64 [spots x genes] each."""
        seen = self.counts[start:stop].toarray().astype(np.float64)
        found = given_counts(self.rates.block(start, stop), seen, self.dispersion)
        return found, seen + 1 / self.dispersion


def given_counts(rate: np.ndarray, seen: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Posterior means of the rates under the gamma prior of `OwnRates`; rows sum to nearly 1.

    Parameters
    ----------
    rate
        Expected, [spots x genes].
    seen
        The spots' own counts, [spots x genes].
    dispersion
        phi of each gene, shape [genes].
    """
    size = 1 / dispersion
    return rate * (seen + size) / (seen.sum(axis=1, keepdims=True) * rate + size)


def residuals(rates: ModelRates | Rates, counts: sparse.csr_matrix) -> Residuals:
    """Residuals of counts about their rates, summed over the spots, or over 20,000 of them.

    Parameters
    ----------
    rates
        Expected shares.
    counts
        Counts that they were fitted to, CSR [spots x genes].
    """
    excess, squares = np.zeros(counts.shape[1]), np.zeros(counts.shape[1])
    for start, stop in some_blocks(counts.shape):
        seen = counts[start:stop].toarray().astype(np.float64)
        mean = rates.block(start, stop) * seen.sum(axis=1, keepdims=True)
        excess += ((seen - mean) ** 2 - mean).sum(axis=0)
        squares += (mean**2).sum(axis=0)
    return Residuals(excess, squares)


def estimate_uncertainty(rates: ModelRates, counts: sparse.csr_matrix) -> Uncertainty:
    """Dispersions, and the Laplace approximation of the loadings' posterior.

    The precision of gene g's loadings and offset is their prior's plus sum_i w_ig z_i z_i', where
    w = mu / (1 + phi mu) is the weight of a negative binomial regression with log link.

    Parameters
    ----------
    rates, counts
        As in `residuals`.
    """
    found = residuals(rates, counts)
    dispersion = found.dispersion()
    latent, genes = rates.network.shape.latent, counts.shape[1]
    precision = np.zeros((genes, (latent + 1) ** 2))
    seen_spots = 0
    for start, stop in some_blocks(counts.shape):
        depth = np.asarray(counts[start:stop].sum(axis=1), dtype=np.float64).ravel()
        mean = rates.block(start, stop) * depth[:, None]
        z = np.hstack([rates.mean[start:stop].astype(np.float64), np.ones((stop - start, 1))])
        outer = (z[:, :, None] * z[:, None, :]).reshape(stop - start, -1)
        precision += (mean / (1 + dispersion * mean)).T @ outer
        seen_spots += stop - start
    precision *= counts.shape[0] / seen_spots
    prior = np.append(rates.network.loading_sd.double().numpy() ** -2.0, 1e-3)
    whole = precision.reshape(genes, latent + 1, latent + 1) + np.diag(prior)
    factors = np.linalg.cholesky(np.linalg.inv(whole))
    return Uncertainty(found, dispersion, factors.astype(np.float32))


def rates_with_sd(rates: ModelRates, known: Uncertainty, depths: np.ndarray, start: int, stop: int) -> tuple:
    """Rates and their posterior sd.

    The log of a rate varies with the spot's latent variables (Laplace, at the negative binomial's weights) and with
    the gene's loadings; the two add up, and the sd is that of a log-normal.

    Parameters
    ----------
    rates
        Expected shares.
    known
        From `estimate_uncertainty`.
    depths
        UMIs of each spot, shape [spots].
    start, stop
        Block of spots.

    Returns
    -------
    rate, sd
        float32 [spots x genes] each.
    """
    with torch.no_grad():
        rate = torch.from_numpy(rates.block(start, stop)).float()
        depth = torch.from_numpy(np.asarray(depths[start:stop], dtype=np.float32))[:, None]
        weight = rate * depth / (1 + torch.from_numpy(known.dispersion).float() * rate * depth)
        latent = _latent_variance(rates.network, rate, weight)
        z = torch.from_numpy(rates.mean[start:stop])
        z = torch.cat([z, torch.ones(len(z), 1)], dim=1)
        factors = torch.from_numpy(known.loading_factors)
        loading = torch.zeros_like(rate)
        for column in range(factors.shape[2]):
            loading += (z @ factors[:, :, column].T) ** 2
        sd = rate * torch.sqrt(torch.expm1((latent + loading).clamp(max=10.0)))
    return rate.numpy(), sd.numpy()


def _latent_variance(network: GMMVGAE, rate: Tensor, weight: Tensor) -> Tensor:
    """Variance of the log rates through the latent variables, [spots x genes]; their prior is taken as N(0, 1)."""
    loadings = network.loadings.detach()
    size = len(loadings)
    outer = (loadings[:, None, :] * loadings[None, :, :]).reshape(size * size, -1)
    centre = rate @ loadings.T
    first = weight @ loadings.T
    information = (weight @ outer.T).reshape(-1, size, size)
    information = (
        information - centre[:, :, None] * first[:, None, :] - first[:, :, None] * centre[:, None, :]
    )
    information = information + weight.sum(dim=1)[:, None, None] * centre[:, :, None] * centre[:, None, :]
    covariance = torch.linalg.inv(information + torch.eye(size))
    factor = torch.linalg.cholesky(0.5 * (covariance + covariance.transpose(1, 2)))
    found = torch.zeros_like(rate)
    for column in range(size):
        one = factor[:, :, column]
        found += (one @ loadings - (one * centre).sum(dim=1, keepdim=True)) ** 2
    return found


def some_blocks(shape: tuple[int, int], most: int = MOST_SPOTS) -> list[tuple[int, int]]:
    """Return blocks of all spots, or twenty or more that are spread evenly and hold about `most` spots together."""
    whole = blocks(shape)
    if shape[0] <= most:
        return whole
    step = min(whole[0][1], most // 20)
    starts = np.linspace(0, shape[0] - step, most // step).astype(int)
    return [(int(start), int(start) + step) for start in starts]
