"""Calibration of predicted counts, given the spot's own: randomised PIT and coverage."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.stats.rate_baselines import blocks

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
        counts``; the coverage is of counts whose predicted mean is at least 5. About 2 million spots x genes are looked
        at, evenly over the spots. ``..._expressed`` are those of all spots with a predicted mean of at least 1, where
        counts say most: of smaller ones nearly all are 0, which any prediction gets right.
    """
    total = np.asarray(train.sum(axis=0), dtype=np.float64).ravel() + 0.5
    plain = total / total.sum()
    spots, genes = train.shape
    looked_at = np.zeros(spots, dtype=bool)
    looked_at[np.linspace(0, spots - 1, max(1, min(spots, MOST_VALUES // genes))).astype(int)] = True
    parts: dict[str, list[np.ndarray]] = {"": [], "_expressed": []}
    for start, stop in blocks(train.shape):
        found, shape = rates.with_shape(start, stop)
        depth = np.asarray(train[start:stop].sum(axis=1), dtype=np.float64) * share / (1 - share)
        mean = found / found.sum(axis=1, keepdims=True) * depth
        values = np.stack([held_out[start:stop].toarray(), mean, 1 / shape, plain * depth])
        parts[""].append(values[:, looked_at[start:stop]].reshape(len(values), -1))
        parts["_expressed"].append(values[:, mean >= 1])
    calibration, coverage = [], []
    for kind, some in parts.items():
        seen, mean, dispersion, by_gene = np.concatenate(some, axis=1)
        if not len(seen):
            continue
        for method, expected, spread in (
            ("gmm_vgae", mean, dispersion),
            ("gene_mean", by_gene, np.zeros_like(mean)),
        ):
            facts = {"method": method + kind, "seed": seed}
            pit = randomised_pit(seen, expected, spread, seed)
            ecdf = np.searchsorted(np.sort(pit), GRID, side="right") / len(pit)
            scores = {
                "deviation": ecdf_deviation(pit),
                "by_chance": chance_deviation(len(pit)),
                "values": len(pit),
            }
            calibration.append(pd.DataFrame({**facts, "u": GRID, "ecdf": ecdf, **scores}))
            if kind:
                continue
            for level in LEVELS:
                one = interval_coverage(seen, expected, spread, level)
                coverage.append(
                    {**facts, "level": level, "coverage": one.observed, "expected": one.expected, "counts": one.counts}
                )  # fmt: skip
    return pd.concat(calibration), pd.DataFrame(coverage)
