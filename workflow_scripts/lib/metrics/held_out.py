"""The floor of the held-out score: a mean and a dispersion per gene."""

from __future__ import annotations

import numpy as np

from workflow_scripts.lib.data.thinning import thin
from workflow_scripts.lib.seeds import derive_seed
from workflow_scripts.lib.stats.dispersion import dispersion_posterior
from workflow_scripts.lib.stats.nb_glm import fit_glm, log_likelihood


def gene_mean_score(
    counts: np.ndarray, size_factors: np.ndarray, batch: np.ndarray, held_out: float, seed: int
) -> float:
    """Held-out negative log-likelihood of a gene-wise mean and dispersion (and batch), nats per count.

    Parameters
    ----------
    counts
        Integers, [samples x genes].
    size_factors
        Shape [samples].
    batch
        Indicators, [samples x batches].
    held_out
        Share of the reads that is predicted.
    seed
        The models' seed: the same reads are held out.
    """
    kept, out = thin(counts, held_out, derive_seed(seed, "thinning"))
    design = np.column_stack([np.ones(len(kept)), batch])
    log_factors = np.log(size_factors * (1 - held_out))
    train = kept.T.astype(float)
    alpha = dispersion_posterior(train, log_factors, design).mean
    mean = fit_glm(train, log_factors, design, alpha).mean * held_out / (1 - held_out)
    return float(-log_likelihood(out.T.astype(float), mean, alpha).sum() / out.sum())
