"""The factor of the dispersions is found on counts that training did not fit."""

import numpy as np
import pytest
from scipy import sparse

from workflow_scripts.lib.training import dispersion_factor as module
from workflow_scripts.lib.training.dispersion_factor import FACTORS, dispersion_factor


class Known:
    """A model whose expected rates are the gene means, as fitted."""

    def __init__(self, rates):
        self.found = rates

    def rates(self, counts, graph):
        return self.found


class Rates:
    def __init__(self, rates):
        self.values, self.shape = rates, rates.shape

    def block(self, start, stop):
        return self.values[start:stop]


def simulated(phi, spots=400, genes=80):
    rng = np.random.default_rng(0)
    share = rng.dirichlet(np.full(genes, 3.0))
    rate = share * rng.gamma(1 / phi, phi, (spots, genes))
    return sparse.csr_matrix(rng.poisson(2000 * rate).astype(np.int32)), np.tile(share, (spots, 1))


@pytest.mark.parametrize("wrong", [1 / 16, 1 / 4, 1.0])
def test_dispersions_that_are_too_small_are_made_larger(monkeypatch, wrong):
    counts, share = simulated(0.4)
    monkeypatch.setattr(module, "estimate_dispersion", lambda rates, seen: np.full(80, 0.4 * wrong))
    found = dispersion_factor(Known(Rates(share)), counts, None, 0)
    assert found in FACTORS and found == pytest.approx(1 / wrong, rel=1.01)


def test_the_split_is_that_of_training():
    counts, _ = simulated(0.4, 50, 20)
    train, held_out = module.validation_split(counts, 3)
    assert (train + held_out != counts).nnz == 0
    assert held_out.sum() == pytest.approx(0.1 * counts.sum(), rel=0.05)
    again = module.validation_split(counts, 3)[1]
    assert (held_out != again).nnz == 0
