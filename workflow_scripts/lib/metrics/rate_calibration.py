"""Calibration of predicted counts, given the spot's own: randomised PIT and coverage."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd
from scipy import sparse

from .count_calibration import chance_deviation, ecdf_deviation, interval_coverage, randomised_pit

MOST_VALUES = 2_000_000
LEVELS = (0.5, 0.8, 0.9, 0.95)
GRID = np.linspace(0, 1, 41)


class GammaRates(Protocol):
    """Rates with a gamma posterior."""

    @property
    def shape(self) -> tuple[int, int]:
        """(spots, genes)."""

    def with_shape(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and shape of each rate, [spots x genes]."""


def calibration_table(
    rates: GammaRates, train: sparse.csr_matrix, held_out: sparse.csr_matrix, share: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Calibration of the negative binomial of held-out counts, beside the Poisson of the gene means.

    Parameters
    ----------
    rates
        The model's, given the training counts.
    train, held_out
        Parts of the counts, CSR [spots x genes].
    share
        Of the UMIs that was held out.
    seed
        Of the PIT's randomisation.

    Returns
    -------
    (calibration, coverage)
        ``method, seed, u, ecdf, deviation, by_chance, values`` and ``method, seed, level, coverage, expected,
        counts``; the
        coverage is of counts whose predicted mean is at least 5. About 2 million spots x genes are looked
        at, evenly over the spots. ``..._expressed`` are those with a predicted mean of at
        least 1, where counts say most: of smaller ones nearly all are 0, which any prediction gets right.
    """
    spots, genes = train.shape
    rows = np.unique(np.linspace(0, spots - 1, max(1, min(spots, MOST_VALUES // genes))).astype(int))
    found, sizes = zip(*(rates.with_shape(row, row + 1) for row in rows), strict=True)
    depth = np.asarray(train[rows].sum(axis=1), dtype=np.float64) * share / (1 - share)
    seen = held_out[rows].toarray()
    total = np.asarray(train.sum(axis=0), dtype=np.float64).ravel() + 0.5
    share_of_spot = np.vstack(found)
    mean, dispersion = share_of_spot / share_of_spot.sum(axis=1, keepdims=True) * depth, 1 / np.vstack(sizes)
    plain = depth * (total / total.sum())
    predictions = {
        "gmm_vgae": (mean, dispersion, np.ones_like(mean, dtype=bool)),
        "gmm_vgae_expressed": (mean, dispersion, mean >= 1),
        "gene_mean": (plain, np.zeros_like(mean), np.ones_like(mean, dtype=bool)),
        "gene_mean_expressed": (plain, np.zeros_like(mean), mean >= 1),
    }
    calibration, coverage = [], []
    for method, (expected, spread, chosen) in predictions.items():
        if not chosen.any():
            continue
        values = randomised_pit(seen, expected, spread, seed)[chosen]
        ecdf = np.searchsorted(np.sort(values), GRID, side="right") / len(values)
        calibration.append(
            pd.DataFrame({"method": method, "seed": seed, "u": GRID, "ecdf": ecdf}).assign(
                deviation=ecdf_deviation(values), by_chance=chance_deviation(len(values)), values=len(values)
            )
        )
        if method.endswith("_expressed"):
            continue
        for level in LEVELS:
            one = interval_coverage(seen, expected, spread, level)
            coverage.append(
                {
                    "method": method,
                    "seed": seed,
                    "level": level,
                    "coverage": one.observed,
                    "expected": one.expected,
                    "counts": one.counts,
                }
            )
    return pd.concat(calibration), pd.DataFrame(coverage)
