"""How far a spot's own counts are to be trusted beside the model: a factor of the dispersions, by held-out counts."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from workflow_scripts.lib.stats.rate_baselines import blocks

from .spot_model import SpotModel
from .spot_rates import MOST_SPOTS, estimate_dispersion, given_counts
from .validation_counts import validation_split

FACTORS = tuple(2.0**power for power in range(-2, 6))


def dispersion_factor(
    model: SpotModel, counts: sparse.csr_matrix, graph: sparse.csr_matrix, seed: int
) -> float:
    """Factor of the dispersions with which `OwnRates` predict the training's validation counts best.

    The network has fitted the counts from whose residuals dispersions are estimated, so that these are too small, the
    more so the fewer spots there are. The tenth of the UMIs that training held out to know when to stop is not fitted.
    A spot's rates sum to 1, so that only the log rates of its held-out counts tell one factor from another.

    Parameters
    ----------
    model
        As trained on `counts` and `graph`.
    counts
        CSR int [spots x genes].
    graph
        Neighbours, CSR [spots x spots].
    seed
        That the model was trained with.

    Returns
    -------
    float
        One of `FACTORS`, 1/4 to 32.
    """
    seen, held_out = validation_split(counts, seed)
    expected = model.rates(seen, graph)
    dispersion = estimate_dispersion(expected, seen)
    step = -(-counts.shape[0] // MOST_SPOTS)
    if step > 1:
        rows = slice(None, None, step)
        seen, held_out = seen[rows], held_out[rows]
        expected = type(expected)(expected.network, expected.mean[rows], expected.log_variance[rows])
    gains = np.zeros(len(FACTORS))
    for start, stop in blocks(seen.shape):
        rate, own = expected.block(start, stop), seen[start:stop].toarray().astype(np.float64)
        held = held_out[start:stop].tocoo()
        for place, factor in enumerate(FACTORS):
            found = given_counts(rate, own, factor * dispersion)
            gains[place] += held.data @ np.log(found[held.row, held.col] / found.sum(axis=1)[held.row])
    return FACTORS[int(np.argmax(gains))]
