"""Splitting counts into a part to train on and a part to be predicted."""

from __future__ import annotations

import numpy as np


def thin(counts: np.ndarray, held_out: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Binomial thinning: every read goes to the held-out part with probability `held_out`.

    Parameters
    ----------
    counts
        Integers, any shape.
    held_out
        Probability, between 0 and 1.
    seed
        Of numpy's generator.

    Returns
    -------
    (kept, held_out)
        Integers that sum to `counts`.
    """
    out = np.random.default_rng(seed).binomial(counts, held_out)
    return counts - out, out
