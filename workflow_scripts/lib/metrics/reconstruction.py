"""How much of held-out signatures a model's reconstruction explains, beside what needs no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BLOCK = 4096


def explained_variance(values: np.ndarray, reconstructed: np.ndarray) -> float:
    """1 - sum of squared errors / sum of squares: z-scores are compared with zero, not with their mean.

    Parameters
    ----------
    values, reconstructed
        Shape [signatures x genes].
    """
    values = values.astype(np.float64)
    return float(1.0 - ((values - reconstructed) ** 2).sum() / (values**2).sum())


@dataclass(frozen=True)
class PrincipalComponents:
    """Principal components of training signatures.

    Attributes
    ----------
    mean
        Shape [genes].
    components
        Shape [components x genes], orthonormal rows, largest variance first.
    """

    mean: np.ndarray
    components: np.ndarray

    def scores(self, values: np.ndarray, count: int) -> np.ndarray:
        """Coordinates on the first `count` components, shape [signatures x count]."""
        return (values - self.mean) @ self.components[:count].T

    def reconstruct(self, values: np.ndarray, count: int) -> np.ndarray:
        """Signatures from their first `count` coordinates, shape [signatures x genes]."""
        return self.mean + self.scores(values, count) @ self.components[:count]


def principal_components(training: np.ndarray, most: int) -> PrincipalComponents:
    """Principal components of `training` [signatures x genes], `most` of them, by the genes' covariance."""
    mean = training.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((training.shape[1], training.shape[1]))
    for start in range(0, len(training), BLOCK):
        centred = training[start : start + BLOCK] - mean
        covariance += centred.T @ centred
    _, vectors = np.linalg.eigh(covariance)
    # An eigenvector's sign is LAPACK's choice.
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    return PrincipalComponents(mean, np.ascontiguousarray(vectors[:, ::-1][:, :most].T))


class LineMeans:
    """Mean training signature of each cell line; that of all for lines that were not trained on."""

    def __init__(self, training: np.ndarray, cell_lines: Sequence[str]) -> None:
        lines = np.asarray(cell_lines)
        self.all = training.mean(axis=0, dtype=np.float64)
        self.means = {
            line: training[lines == line].mean(axis=0, dtype=np.float64) for line in np.unique(lines)
        }

    def of(self, cell_lines: Sequence[str]) -> np.ndarray:
        """Means of some signatures' lines, float32 [signatures x genes]."""
        return np.array([self.means.get(line, self.all) for line in cell_lines], np.float32)


def trivial_reconstructions(training: np.ndarray, held_out: np.ndarray) -> dict[str, float]:
    """Explained variance of "always zero" and "always the training mean"; [signatures x genes] each."""
    mean = training.mean(axis=0, dtype=np.float64)
    return {
        "zero": explained_variance(held_out, np.zeros_like(held_out)),
        "mean": explained_variance(held_out, np.broadcast_to(mean, held_out.shape)),
    }


@dataclass(frozen=True)
class ExplainedVariance:
    """Explained variance with an interval.

    Attributes
    ----------
    value
        Of all signatures, see `explained_variance`.
    lower, upper
        95 % interval by resampled units: signatures of one compound are no independent evidence.
    """

    value: float
    lower: float
    upper: float


def explained_by_units(
    values: np.ndarray, reconstructed: np.ndarray, units: np.ndarray, seed: int, draws: int = 2000
) -> ExplainedVariance:
    """Explained variance, and its bootstrap interval over units.

    Parameters
    ----------
    values, reconstructed
        Shape [signatures x genes].
    units
        Compound of each signature.
    seed, draws
        Of the bootstrap.
    """
    exact = values.astype(np.float64)
    error, total = ((exact - reconstructed) ** 2).sum(axis=1), (exact**2).sum(axis=1)
    _, place = np.unique(units, return_inverse=True)
    count = place.max() + 1
    by_unit = np.column_stack([np.bincount(place, error, count), np.bincount(place, total, count)])
    drawn = by_unit[np.random.default_rng(seed).integers(0, count, (draws, count))].sum(axis=1)
    low, high = np.quantile(1 - drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return ExplainedVariance(float(1 - error.sum() / total.sum()), float(low), float(high))
