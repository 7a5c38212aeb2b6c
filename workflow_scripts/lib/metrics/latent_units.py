"""Which latent dimensions carry anything: by the KL from the prior, by their weights, by what they do to data."""

from __future__ import annotations

import numpy as np

WEIGHT_NORM = 0.5
"""Least norm of a dimension's row in the layer of the mean; the published models leave a gap of 0.4 around it."""
KL_NATS = 0.01
MEAN_MAGNITUDE = 0.5


def active_by_weight(weight: np.ndarray, least: float = WEIGHT_NORM) -> np.ndarray:
    """Dimensions whose row of the mean's layer has a norm above `least`; `weight` is [latent x hidden]."""
    return np.flatnonzero(np.linalg.norm(weight, axis=1) > least)


def active_by_kl(mean: np.ndarray, log_variance: np.ndarray, least: float = KL_NATS) -> np.ndarray:
    """Dimensions whose average KL from the prior is above `least` nats; both are [signatures x latent]."""
    kl = 0.5 * (mean**2 + np.exp(log_variance) - 1.0 - log_variance)
    return np.flatnonzero(kl.mean(axis=0) > least)


def signature_nodes(mean: np.ndarray, least: float = MEAN_MAGNITUDE) -> np.ndarray:
    """The published "signature nodes": dimensions of mean |mu| above `least`; `mean` is [signatures x latent]."""
    return np.flatnonzero(np.abs(mean).mean(axis=0) > least)
