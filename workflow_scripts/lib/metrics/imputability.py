"""Which genes can be imputed: whether what the model says of them varies more than it is unsure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

FEWEST_UMIS = 50
"""Of a gene in all spots, below which nothing can be said of where it is expressed."""
LEAST_SHARE = 0.7
"""Of the variance of a gene's log rate that must be structure rather than uncertainty. Well counted genes without any
structure reach 0.4 on average, a tenth of them 0.54: what varies then is the noise of their loadings."""


class GeneSums:
    """Sums over spots of each gene's log rates and of their uncertainty, gathered a block at a time.

    Parameters
    ----------
    genes
        Number of genes.
    """

    def __init__(self, genes: int) -> None:
        self.spots = 0
        self.rate, self.log, self.square, self.variance = (np.zeros(genes) for _ in range(4))

    def add(self, rate: np.ndarray, sd: np.ndarray) -> None:
        """Add a block: rates and sd, [spots x genes] each."""
        logs = np.log(rate.astype(np.float64))
        self.spots += len(rate)
        self.rate += rate.sum(axis=0, dtype=np.float64)
        self.log += logs.sum(axis=0)
        self.square += (logs**2).sum(axis=0)
        self.variance += np.log1p((sd / rate).astype(np.float64) ** 2).sum(axis=0)


def imputable_genes(counts: sparse.csr_matrix, sums: GeneSums, dispersion: np.ndarray) -> pd.DataFrame:
    """Flag genes that can be imputed.

    A gene can if it has at least 50 UMIs in all, and at least 70 % of the variance that its log rate has over the
    spots, var + E[posterior variance], is that of the posterior means.

    Parameters
    ----------
    counts
        CSR [spots x genes].
    sums
        Of the imputed rates.
    dispersion
        Of each gene.

    Returns
    -------
    pandas.DataFrame
        ``mean_count, share_detected, dispersion, rate, sd`` (root mean posterior variance of the log rate: relative
        sd), ``imputable, reason``.
    """
    total = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel()
    detected = np.asarray((counts > 0).sum(axis=0), dtype=np.float64).ravel()
    unsure = sums.variance / sums.spots
    spread = np.maximum(sums.square / sums.spots - (sums.log / sums.spots) ** 2, 0)
    share = spread / np.maximum(spread + unsure, 1e-300)
    reason = np.where(
        total < FEWEST_UMIS,
        f"fewer than {FEWEST_UMIS} UMIs",
        np.where(share < LEAST_SHARE, "varies less than it is uncertain", ""),
    )
    return pd.DataFrame({
        "mean_count": total / counts.shape[0], "share_detected": detected / counts.shape[0], "dispersion": dispersion,
        "rate": sums.rate / sums.spots, "sd": np.sqrt(np.expm1(unsure)), "imputable": reason == "", "reason": reason,
        "spread": np.sqrt(spread),
    })  # fmt: skip
