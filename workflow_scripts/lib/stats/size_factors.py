"""Size factors: how deep each library was sequenced, relative to the others."""

from __future__ import annotations

import numpy as np

from workflow_scripts.lib.errors import LatentomeError


def median_of_ratios(counts: np.ndarray, control: np.ndarray | None = None) -> np.ndarray:
    """Median-of-ratios size factors (Anders & Huber 2010, eq. 5; DESeq2's ``type="ratio"``).

    Parameters
    ----------
    counts
        Counts, shape [genes x samples].
    control
        Optional boolean mask over genes: only these enter the median (spike-ins, housekeeping genes).

    Returns
    -------
    numpy.ndarray
        Size factors, shape [samples], without unit.

    Raises
    ------
    LatentomeError
        If no gene is counted in every sample, so that no geometric mean exists.
    """
    counts = np.asarray(counts, dtype=float)
    usable = (counts > 0).all(axis=1)
    if control is not None:
        usable &= control
    if not usable.any():
        raise LatentomeError(
            "size factors: every gene has a zero in at least one sample, so the median of ratios does not exist; "
            "set `size_factors: poscounts` in the dataset's block"
        )
    log_counts = np.log(counts[usable])
    return np.exp(np.median(log_counts - log_counts.mean(axis=1, keepdims=True), axis=0))


def poscounts(counts: np.ndarray, control: np.ndarray | None = None) -> np.ndarray:
    """Size factors from the positive counts of each gene (DESeq2's ``type="poscounts"``).

    Parameters
    ----------
    counts
        Counts, shape [genes x samples].
    control
        Optional boolean mask over genes.

    Returns
    -------
    numpy.ndarray
        Size factors, shape [samples], scaled to a geometric mean of one.
    """
    counts = np.asarray(counts, dtype=float)
    if control is not None:
        counts = counts[control]
    log_counts = np.where(counts > 0, np.log(np.maximum(counts, 1)), 0.0)
    log_mean = log_counts.mean(axis=1)
    factors = np.empty(counts.shape[1])
    for sample in range(counts.shape[1]):
        usable = counts[:, sample] > 0
        if not usable.any():
            raise LatentomeError(f"size factors: sample number {sample + 1} has no count above zero")
        factors[sample] = np.exp(np.median(log_counts[usable, sample] - log_mean[usable]))
    return factors / np.exp(np.log(factors).mean())


def size_factors(counts: np.ndarray, method: str = "ratio", control: np.ndarray | None = None) -> np.ndarray:
    """Size factors [samples] of counts [genes x samples] by a dataset's method (``ratio`` or ``poscounts``)."""
    return {"ratio": median_of_ratios, "poscounts": poscounts}[method](counts, control)
