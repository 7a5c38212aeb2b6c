"""Whether predictive negative binomials of counts are as wide as they should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import kstwo, nbinom

LEAST_MEAN = 5.0  # below it an interval of whole counts covers far more than its level, whatever the model


@dataclass(frozen=True)
class Coverage:
    """Share of counts in the central interval, the share the model itself expects there, and how many were looked at.

    Whole counts make `expected` exceed the level; compare `observed` with it.
    """

    observed: float
    expected: float
    counts: int


def randomised_pit(counts: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, seed: int) -> np.ndarray:
    """Randomised probability integral transform: uniform on (0, 1) if the counts follow the model (Czado et al. 2009).

    Parameters
    ----------
    counts
        Integers, [spots x genes].
    mean
        Predicted, positive, [spots x genes].
    dispersion
        alpha of variance = mean + alpha mean^2, [genes] or [spots x genes]; 0 for Poisson.
    seed
        Of the randomisation within a count.

    Returns
    -------
    numpy.ndarray
        float64, [spots x genes].
    """
    below, at = (_cdf(counts - less, mean, dispersion) for less in (1, 0))
    return below + np.random.default_rng(seed).random(np.shape(counts)) * (at - below)


def ecdf_deviation(pit: np.ndarray) -> float:
    """Largest distance of the empirical distribution from the uniform one (Kolmogorov-Smirnov); 0 is calibrated.

    Parameters
    ----------
    pit
        Values in [0, 1], any shape.
    """
    values = np.sort(np.ravel(pit))
    steps = np.arange(len(values) + 1) / len(values)
    return float(max((steps[1:] - values).max(), (values - steps[:-1]).max()))


def chance_deviation(number: int) -> float:
    """Deviation that calibrated predictions of so many independent counts stay below in 95 of 100 cases."""
    return float(kstwo.ppf(0.95, number))


def interval_coverage(
    counts: np.ndarray,
    mean: np.ndarray,
    dispersion: np.ndarray,
    level: float = 0.9,
    least_mean: float = LEAST_MEAN,
) -> Coverage:
    """Coverage of central predictive intervals, where the predicted mean is at least `least_mean`.

    Parameters
    ----------
    counts, mean, dispersion
        As in `randomised_pit`.
    level
        Of the interval, from the (1 - level) / 2 to the (1 + level) / 2 quantile.
    least_mean
        Counts with a smaller predicted mean are left out.

    Returns
    -------
    Coverage
        NaN shares if no mean is large enough.
    """
    counts, mean, dispersion = np.broadcast_arrays(counts, mean, dispersion)
    kept = mean >= least_mean
    if not kept.any():
        return Coverage(float("nan"), float("nan"), 0)
    counts, mean, dispersion = counts[kept], mean[kept], dispersion[kept]
    size, chance = _parameters(mean, dispersion)
    low, high = (nbinom.ppf(tail, size, chance) for tail in ((1 - level) / 2, (1 + level) / 2))
    expected = _cdf(high, mean, dispersion) - _cdf(low - 1, mean, dispersion)
    return Coverage(float(((counts >= low) & (counts <= high)).mean()), float(expected.mean()), len(counts))


def _parameters(mean: np.ndarray, dispersion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scipy's size and success probability; a Poisson is the limit of a large size."""
    size = 1 / np.maximum(np.asarray(dispersion, dtype=np.float64), 1e-8)
    return size, size / (size + mean)


def _cdf(counts: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    return nbinom.cdf(counts, *_parameters(mean, dispersion))
