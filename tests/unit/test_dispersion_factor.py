"""The factor of the pooled dispersion is found on counts that the expected rates were not fitted to."""

import numpy as np
import pytest
from scipy import sparse

from workflow_scripts.lib.stats.rate_baselines import gene_mean
from workflow_scripts.lib.training import dispersion_factor as module
from workflow_scripts.lib.training.dispersion_factor import FACTORS, dispersion_factor
from workflow_scripts.lib.training.spot_rates import residuals

FEW = 60
"""Genes of many UMIs; all others have few."""


def simulated(phi_many, phi_few, spots=500):
    """Counts of some genes of many UMIs and of two thousand of few, with a dispersion each."""
    rng = np.random.default_rng(0)
    share = np.r_[rng.uniform(0.5, 1.5, FEW) / FEW, rng.uniform(0.5, 1.5, 2000) / 2000]
    phi = np.r_[np.full(FEW, phi_many), np.full(2000, phi_few)]
    rate = share * rng.gamma(1 / phi, phi, (spots, len(share)))
    return sparse.csr_matrix(rng.poisson(600 * rate).astype(np.int32))


@pytest.mark.parametrize("times", [1, 4, 16])
def test_what_rare_genes_vary_beyond_the_others_is_found(times):
    counts = simulated(0.2, 0.2 * times)
    found = dispersion_factor(gene_mean, counts, 0)
    assert found in FACTORS and found == pytest.approx(times, rel=0.01)


def test_it_is_the_factor_that_predicts_other_counts_best():
    counts = simulated(0.05, 0.8)
    seen, held_out = module.validation_split(counts, 7)
    rates, own = gene_mean(seen).block(0, 500), seen.toarray()
    gains = []
    for factor in FACTORS:
        given = module.given_counts(rates, own, residuals(gene_mean(seen), seen).dispersion(factor))
        gains.append((held_out.toarray() * np.log(given / given.sum(axis=1, keepdims=True))).sum())
    assert dispersion_factor(gene_mean, counts, 7) == FACTORS[int(np.argmax(gains))]


def test_the_split_is_that_of_training():
    counts = simulated(0.4, 0.4, 50)
    train, held_out = module.validation_split(counts, 3)
    assert (train + held_out != counts).nnz == 0
    assert held_out.sum() == pytest.approx(0.1 * counts.sum(), rel=0.05)
    again = module.validation_split(counts, 3)[1]
    assert (held_out != again).nnz == 0
