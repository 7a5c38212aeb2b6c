"""How much of held-out signatures a model's reconstruction explains, beside what needs no model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    values = training.astype(np.float64)
    mean = values.mean(axis=0)
    centred = values - mean
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return PrincipalComponents(mean, np.ascontiguousarray(vectors[:, ::-1][:, :most].T))


def trivial_reconstructions(training: np.ndarray, held_out: np.ndarray) -> dict[str, float]:
    """Explained variance of "always zero" and "always the training mean"."""
    mean = training.mean(axis=0, dtype=np.float64)
    return {
        "zero": explained_variance(held_out, np.zeros_like(held_out)),
        "mean": explained_variance(held_out, np.broadcast_to(mean, held_out.shape)),
    }
