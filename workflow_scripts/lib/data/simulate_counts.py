"""Simulated bulk counts with known truth: the demo's raw files and the simulation benchmark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

LOG_MEAN, LOG_MEAN_SD = 5.2, 2.0
"""Natural log of the mean normalised count of genes: those of GSE60450 are close to this log-normal."""
TREND_ASYMPTOTE, TREND_EXTRA_POISSON, TREND_VARIANCE = 0.0096386, 3.4119, 0.5234
"""Dispersion trend of GSE60450 under its six groups, as DESeq2 fits it: asymptote, 1/mean term, prior variance."""
EFFECT_SD = 1.5
"""Standard deviation of the log2 fold change of a differentially expressed gene."""
SIZE_FACTOR_SD = 0.25
BATCH_SD = 0.4
SET_SIZES = (15, 60)


@dataclass(frozen=True)
class SimulatedCounts:
    """Counts and the truth that made them.

    Attributes
    ----------
    counts
        Integers, [genes x samples].
    samples
        Indexed by sample: condition (control, treated) and batch (a, b).
    truth
        gene_id, symbol, true_lfc (log2, treated over control), mean, dispersion, batch_lfc (log2).
    gene_sets
        Name -> gene ids; those called ``..._UP`` or ``..._DOWN`` are planted.
    """

    counts: pd.DataFrame
    samples: pd.DataFrame
    truth: pd.DataFrame
    gene_sets: dict[str, list[str]]


def simulate_counts(
    genes: int, replicates: int, de_fraction: float, seed: int, *, batch: bool = True, planted_sets: int = 6
) -> SimulatedCounts:
    """Negative binomial counts of two groups with a realistic dispersion trend.

    Parameters
    ----------
    genes
        Number of genes.
    replicates
        Samples a group.
    de_fraction
        Share of differentially expressed genes; the others have a log2 fold change of exactly zero.
    seed
        Of numpy's generator.
    batch
        Whether half of the samples of each group come from a second batch that shifts half of the genes.
    planted_sets
        Gene sets planted among the up- and among the down-regulated genes each; ten times as many are random.

    Returns
    -------
    SimulatedCounts
    """
    rng = np.random.default_rng(seed)
    mean = np.exp(np.clip(rng.normal(LOG_MEAN, LOG_MEAN_SD, genes), np.log(2), np.log(1e5)))
    trend = np.log(TREND_ASYMPTOTE + TREND_EXTRA_POISSON / mean)
    dispersion = np.exp(trend + rng.normal(0, np.sqrt(TREND_VARIANCE), genes))
    lfc = np.zeros(genes)
    affected = rng.choice(genes, int(round(de_fraction * genes)), replace=False)
    lfc[affected] = rng.normal(0, EFFECT_SD, affected.size)
    group = np.repeat([0, 1], replicates)
    in_batch = np.tile([0, 1], replicates)[: 2 * replicates] if batch else np.zeros(2 * replicates, dtype=int)
    batch_lfc = (
        np.where(rng.random(genes) < 0.5, rng.normal(0, BATCH_SD, genes), 0.0) if batch else np.zeros(genes)
    )
    depth = np.exp(rng.normal(0, SIZE_FACTOR_SD, 2 * replicates))
    log2_rate = np.log2(mean)[:, None] + lfc[:, None] * (group - 0.5) + batch_lfc[:, None] * in_batch
    expected = 2.0**log2_rate * depth
    size = 1.0 / dispersion[:, None]
    counts = rng.negative_binomial(np.broadcast_to(size, expected.shape), size / (size + expected))
    names = [f"SIM{i:05d}" for i in range(1, genes + 1)]
    symbols = _symbols(lfc, mean)
    sample_names = [f"{'treated' if g else 'control'}_{i % replicates + 1}" for i, g in enumerate(group)]
    samples = pd.DataFrame(
        {
            "condition": np.where(group == 1, "treated", "control"),
            "batch": np.where(in_batch == 1, "b", "a"),
        },
        index=pd.Index(sample_names, name="sample"),
    )
    truth = pd.DataFrame(
        {
            "gene_id": names,
            "symbol": symbols,
            "true_lfc": lfc,
            "mean": mean,
            "dispersion": dispersion,
            "batch_lfc": batch_lfc,
        }
    )
    return SimulatedCounts(
        pd.DataFrame(counts.astype(np.int64), index=pd.Index(names, name="gene_id"), columns=sample_names),
        samples,
        truth,
        _gene_sets(rng, np.array(names), lfc, planted_sets),
    )


def _symbols(lfc: np.ndarray, mean: np.ndarray) -> list[str]:
    """Up1, Down1 ... for affected genes, the best measured large effects first; Gene1 ... for the others."""
    symbols = np.array([f"Gene{i}" for i in range(1, lfc.size + 1)], dtype=object)
    for name, sign in (("Up", 1), ("Down", -1)):
        places = np.flatnonzero(sign * lfc > 0)
        places = places[np.argsort(-np.abs(lfc[places]) * np.log(mean[places]), kind="stable")]
        symbols[places] = [f"{name}{i}" for i in range(1, places.size + 1)]
    return symbols.tolist()


def _gene_sets(
    rng: np.random.Generator, names: np.ndarray, lfc: np.ndarray, planted: int
) -> dict[str, list[str]]:
    sets: dict[str, list[str]] = {}
    for name, places in (("UP", np.flatnonzero(lfc > 0.5)), ("DOWN", np.flatnonzero(lfc < -0.5))):
        for i in range(planted):
            total = int(rng.integers(*SET_SIZES))
            inside = min(total // 2, places.size)
            members = np.concatenate(
                [
                    rng.choice(places, inside, replace=False),
                    rng.choice(names.size, total - inside, replace=False),
                ]
            )
            sets[f"SIMULATED_PROGRAMME_{i + 1}_{name}"] = sorted(set(names[members]))
    for i in range(20 * planted):
        sets[f"SIMULATED_RANDOM_{i + 1}"] = sorted(
            names[rng.choice(names.size, int(rng.integers(*SET_SIZES)), replace=False)]
        )
    return sets
