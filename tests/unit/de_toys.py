"""Simulated counts with known truth, and R, for the tests of the statistics."""

import numpy as np

from workflow_scripts.lib.stats.deseq2 import _start_r


def nb_counts(rng, mean, dispersion):
    """Draw counts with variance mean + dispersion mean^2; `dispersion` broadcasts over rows [genes]."""
    size = np.broadcast_to(1.0 / np.reshape(dispersion, (-1, 1)), np.shape(mean))
    return rng.negative_binomial(size, size / (size + mean))


def two_groups(seed, genes=300, replicates=6, de=0.1, effect_sd=1.5, depth_sd=0.25):
    """Counts [genes x samples], design, size factors, true log2 fold changes, dispersions."""
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.normal(5.2, 1.5, genes))
    dispersion = np.exp(np.log(0.02 + 3.0 / mean) + rng.normal(0, 0.6, genes))
    lfc = np.zeros(genes)
    affected = rng.choice(genes, int(de * genes), replace=False)
    lfc[affected] = rng.normal(0, effect_sd, affected.size)
    group = np.repeat([0.0, 1.0], replicates)
    depth = np.exp(rng.normal(0, depth_sd, 2 * replicates))
    expected = mean[:, None] * 2.0 ** (lfc[:, None] * (group - 0.5)) * depth
    design = np.column_stack([np.ones(group.size), group])
    return nb_counts(rng, expected, dispersion), design, depth, lfc, dispersion


def r_matrix(counts):
    """The counts as an R integer matrix."""
    ro = _start_r()
    counts = np.asarray(counts)
    return ro.r.matrix(ro.IntVector(counts.ravel(order="F").astype(int).tolist()), nrow=len(counts))


def r_vector(values):
    """The values as an R numeric vector."""
    return _start_r().FloatVector(np.ravel(values).tolist())


def in_r(code, *arguments):
    """Evaluate an R function on the arguments and return its value as an array."""
    return np.array(_start_r().r(code)(*arguments))
