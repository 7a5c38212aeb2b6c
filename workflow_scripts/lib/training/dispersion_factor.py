"""How far a spot's own counts are to be trusted beside expected rates, found on counts that those have not seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from workflow_scripts.lib.stats.rate_baselines import Rates

from .spot_rates import ModelRates, given_counts, residuals, some_blocks
from .validation_counts import validation_split

FACTORS = tuple(4.0**power for power in range(-1, 6))
MOST_SPOTS = 500
"""Spots that the factors are compared on, at most."""


def dispersion_factor(
    fit: Callable[[sparse.csr_matrix], ModelRates | Rates], counts: sparse.csr_matrix, seed: int
) -> float:
    """Factor of the pooled dispersion with which `OwnRates` predict the training's validation counts best.

    A gene of many UMIs shows its own dispersion. Genes of few are shrunk to the pooled one, which those of many
    dominate; how much the rare ones vary beyond what is expected, only held-out counts tell. A spot's rates sum to 1,
    so that only the log rates of its held-out counts tell one factor from another.

    Parameters
    ----------
    fit
        Gives expected rates from counts: a baseline's function, or ``rates`` of a model that was trained on `counts`
        with `seed`, whose validation counts it has not been fitted to.
    counts
        CSR int [spots x genes].
    seed
        Of the validation counts.

    Returns
    -------
    float
        One of `FACTORS`, 1/4 to 1,024.
    """
    seen, held_out = validation_split(counts, seed)
    expected = fit(seen)
    found = residuals(expected, seen)
    dispersions = [found.dispersion(factor) for factor in FACTORS]
    gains = np.zeros(len(FACTORS))
    for start, stop in some_blocks(seen.shape, MOST_SPOTS):
        rate, own = expected.block(start, stop), seen[start:stop].toarray().astype(np.float64)
        held = held_out[start:stop].tocoo()
        for place, dispersion in enumerate(dispersions):
            rates = given_counts(rate, own, dispersion)
            gains[place] += held.data @ np.log(rates[held.row, held.col] / rates.sum(axis=1)[held.row])
    return FACTORS[int(np.argmax(gains))]
