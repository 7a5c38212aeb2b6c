"""Differential expression from the NB-VAE: the decoder conditioned on a design, its posterior, any contrast.

The trained model says log rate = b_g + w_g' h(z_i). To ask about groups, the decoder's last layer is refitted with
the design beside the latent factors that the design does not explain,

    log rate_ig = x_i' beta_g + u_i' w_g,    u = residual of the latent draw after the design,

and its posterior is taken by Laplace's approximation at every node of the dispersion's posterior (a last-layer
Laplace approximation, Daxberger et al. 2021). The factors u are a sample's own deviation, not its group's: the
effect of a group is its mean over new samples, so their variance is added back as a random effect. One draw of z a
seed; draws and dispersion nodes together are the mixture that `shrinkage` takes as a gene's likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.bulk import BulkCounts

from .dispersion import dispersion_posterior
from .nb_glm import GlmFit, penalty
from .shrinkage import EffectPosterior, EffectPrior, expected_fdr, fit_prior, posterior

LN2 = np.log(2.0)
FEWEST_NODES = 5


@dataclass(frozen=True)
class ContrastLikelihood:
    """Normal mixture that stands for each gene's likelihood of its log2 fold change, shape [genes x nodes]."""

    means: np.ndarray
    sds: np.ndarray
    weights: np.ndarray
    dispersion: np.ndarray

    @property
    def estimate(self) -> np.ndarray:
        """Unshrunken estimate, log2, shape [genes]."""
        return (self.weights * self.means).sum(axis=1)

    def of_draw(self, draw: int, draws: int) -> ContrastLikelihood:
        """The likelihood by one of the latent draws alone (all of it, if the draws were not told apart)."""
        nodes = self.means.shape[1] // draws
        if self.means.shape[1] % draws or nodes < FEWEST_NODES:
            return self
        part = slice(draw * nodes, (draw + 1) * nodes)
        return ContrastLikelihood(
            self.means[:, part], self.sds[:, part], self.weights[:, part] * draws, self.dispersion
        )


def residual_factors(latent: np.ndarray, design: np.ndarray, at_most: int | None = None) -> np.ndarray:
    """Directions of the latent draw that the design does not span, unit variance, shape [samples x factors].

    Parameters
    ----------
    latent
        Shape [samples x latent].
    design
        Shape [samples x coefficients].
    at_most
        Upper limit; one factor per five residual degrees of freedom in any case.
    """
    n = len(design)
    free = n - np.linalg.matrix_rank(design)
    limit = free // 5 if at_most is None else min(at_most, free // 5)
    residual = latent - design @ np.linalg.lstsq(design, latent, rcond=None)[0]
    left, values, _ = np.linalg.svd(residual, full_matrices=False)
    least = max(1e-3 * values.max(initial=0.0), 1e-9 * float(np.linalg.norm(latent)))
    count = max(min(limit, int((values > least).sum())), 0)
    return left[:, :count] * np.sqrt(n)


def contrast_likelihood(
    counts: np.ndarray,
    size_factors: np.ndarray,
    design: np.ndarray,
    contrast: np.ndarray,
    latents: Sequence[np.ndarray] = (),
    at_most: int | None = None,
) -> ContrastLikelihood:
    """Likelihood of every gene's log2 fold change, dispersion and latent factors integrated out.

    Parameters
    ----------
    counts
        Shape [genes x samples].
    size_factors
        Shape [samples].
    design
        Model matrix, shape [samples x coefficients].
    contrast
        Weights of the coefficients, shape [coefficients].
    latents
        One draw of z a seed, shape [samples x latent] each; none for the design alone.
    at_most
        Latent factors used at most, see `residual_factors`; 0 for none.

    Returns
    -------
    ContrastLikelihood
    """
    log_factors = np.log(size_factors)
    factors = [residual_factors(latent, design, at_most) for latent in latents] or [design[:, :0]]
    if all(factor.shape[1] == 0 for factor in factors):
        factors = factors[:1]
    spread = contrast @ np.linalg.pinv(design.T @ design) @ contrast
    free = len(design) - np.linalg.matrix_rank(design)
    means, sds, weights, dispersion = [], [], [], []
    for factor in factors:
        full = np.hstack([design, factor])
        padded = np.concatenate([contrast, np.zeros(factor.shape[1])])
        ridge = np.diag(penalty(full))

        def effect(
            fit: GlmFit, padded: np.ndarray = padded, ridge: np.ndarray = ridge, factor: np.ndarray = factor
        ) -> tuple[np.ndarray, np.ndarray]:
            solved = np.linalg.solve(
                fit.information + ridge, np.broadcast_to(padded[:, None], (*fit.beta.shape, 1))
            )
            own = fit.beta[:, design.shape[1] :] @ factor.T
            return fit.beta @ padded, solved[:, :, 0] @ padded + spread * (own**2).sum(axis=1) / free

        found = dispersion_posterior(counts, log_factors, full, summarise=effect)
        for node, (mean, variance) in enumerate(found.fits):
            means.append(mean / LN2)
            sds.append(np.sqrt(variance) / LN2)
            weights.append(found.weights[:, node] / len(factors))
        dispersion.append(found.mean)
    return ContrastLikelihood(
        np.array(means).T, np.array(sds).T, np.array(weights).T, np.exp(np.mean(np.log(dispersion), axis=0))
    )


def contrast_posterior(
    likelihood: ContrastLikelihood, threshold: float
) -> tuple[EffectPosterior, EffectPrior]:
    """Posterior of every gene's log2 fold change under a prior learned from all genes.

    Parameters
    ----------
    likelihood
        From `contrast_likelihood`.
    threshold
        delta of P(|log2 fold change| > delta).
    """
    prior = fit_prior(likelihood.means, likelihood.sds, likelihood.weights)
    return posterior(likelihood.means, likelihood.sds, likelihood.weights, prior, threshold), prior


def de_table(data: BulkCounts, likelihood: ContrastLikelihood, delta: float) -> pd.DataFrame:
    """The generative DE table of a contrast.

    ``padj`` is the posterior expected FDR of calling a gene and all more probable ones; ``pvalue`` stays empty, for
    there is none. ``log2FoldChange`` and ``lfcSE`` are posterior mean and sd, ``prob_de`` is
    P(|log2 fold change| > delta), ``lfc_lower`` and ``lfc_upper`` bound the effect if there is one.

    Parameters
    ----------
    data
        The counts.
    likelihood
        From `contrast_likelihood` on them.
    delta
        log2.
    """
    found, _ = contrast_posterior(likelihood, delta)
    return pd.DataFrame(
        {
            "gene_id": data.counts.index,
            "symbol": data.symbols.reindex(data.counts.index).to_numpy(),
            "baseMean": data.normalised.mean(axis=1),
            "log2FoldChange": found.mean,
            "lfcSE": found.sd,
            "pvalue": np.nan,
            "padj": expected_fdr(found.prob_large),
            "lfc_lower": found.lower,
            "lfc_upper": found.upper,
            "prob_de": found.prob_large,
            "prob_null": found.prob_null,
            "lfc_unshrunken": likelihood.estimate,
            "dispersion": likelihood.dispersion,
        }
    )
