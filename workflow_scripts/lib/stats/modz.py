"""MODZ: level-5 signatures from level-4 replicates (Subramanian et al. 2017, and cmapM's ``distil``)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

CLIP = 10.0
LEAST_CORRELATION = 0.01
"""A replicate that agrees with no other still weighs a little."""


def robust_z(wells: np.ndarray, least: float = 0.1) -> np.ndarray:
    """Each gene's z-score over the wells of a plate by median and 1.4826 MAD (at least `least`), clipped.

    Parameters
    ----------
    wells
        All wells of one plate, shape [wells x genes].
    least
        Floor of the spread.
    """
    centre = np.median(wells, axis=0)
    spread = 1.4826 * np.median(np.abs(wells - centre), axis=0)
    return np.clip((wells - centre) / np.maximum(spread, least), -CLIP, CLIP)


@dataclass(frozen=True)
class Modz:
    """Consensus of the replicates of one perturbation.

    Attributes
    ----------
    signature
        Weighted mean of the replicates' z-scores, clipped, shape [genes].
    weights
        Of the replicates, sum 1, shape [replicates].
    correlation
        75 % quantile of the replicates' pairwise Spearman correlations (LINCS: ``distil_cc_q75``); NaN of one.
    """

    signature: np.ndarray
    weights: np.ndarray
    correlation: float


def modz(replicates: np.ndarray) -> Modz:
    """Consensus signature: replicates weighted by their mean Spearman correlation with the others.

    Parameters
    ----------
    replicates
        Level-4 z-scores of the landmark genes, shape [replicates x genes].

    Returns
    -------
    Modz
    """
    clipped = np.clip(replicates.astype(np.float64), -CLIP, CLIP)
    n = len(clipped)
    if n == 1:
        return Modz(clipped[0], np.ones(1), float("nan"))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.nan_to_num(np.corrcoef(rankdata(clipped, axis=1)))
    others = ~np.eye(n, dtype=bool)
    raw = np.where(others, np.maximum(correlation, LEAST_CORRELATION), 0.0).sum(axis=1)
    weights = raw / raw.sum()
    # Hazen's quantile is MATLAB's, in which LINCS computed it.
    agreement = float(np.quantile(correlation[np.triu(others)], 0.75, method="hazen"))
    return Modz(np.clip(weights @ clipped, -CLIP, CLIP), weights, agreement)


def modz_by(replicates: np.ndarray, groups: pd.Series) -> tuple[np.ndarray, pd.DataFrame]:
    """MODZ of every group of replicates.

    Parameters
    ----------
    replicates
        Shape [wells x genes].
    groups
        Name of each well's perturbation, shape [wells]; missing names are left out.

    Returns
    -------
    signatures
        float32, shape [groups x genes], groups in order of appearance.
    facts
        ``replicates`` and ``distil_cc_q75`` of each, indexed by the group's name.
    """
    indices = groups.reset_index(drop=True).groupby(groups.to_numpy()).indices
    places = {name: indices[name] for name in groups.dropna().unique()}
    found = {name: modz(replicates[place]) for name, place in places.items()}
    signatures = np.array([part.signature for part in found.values()], np.float32)
    facts = pd.DataFrame(
        {
            "replicates": [place.size for place in places.values()],
            "distil_cc_q75": [part.correlation for part in found.values()],
        },
        index=pd.Index(list(found), name="group"),
    )
    return signatures.reshape(len(found), replicates.shape[1]), facts
