"""Which latent dimensions carry anything: by the KL from the prior, by their weights, by what they do to data."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import r2_score

WEIGHT_NORM = 0.5
"""Least norm of a dimension's row in the layer of the mean; the published models leave a gap of 0.4 around it."""
KL_NATS = 0.01
MEAN_MAGNITUDE = 0.5
MOST_FITTED = 3000


def active_by_weight(weight: np.ndarray, least: float = WEIGHT_NORM) -> np.ndarray:
    """Dimensions whose row of the mean's layer has a norm above `least`; `weight` is [latent x hidden]."""
    return np.flatnonzero(np.linalg.norm(weight, axis=1) > least)


def unit_kl(mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """Average KL of each dimension from the prior, nats; both are [signatures x latent]."""
    kl = 0.5 * (mean**2 + np.exp(log_variance) - 1.0 - log_variance)
    return kl.mean(axis=0)


def active_by_kl(mean: np.ndarray, log_variance: np.ndarray, least: float = KL_NATS) -> np.ndarray:
    """Dimensions whose average KL from the prior is above `least` nats; both are [signatures x latent]."""
    return np.flatnonzero(unit_kl(mean, log_variance) > least)


def signature_nodes(mean: np.ndarray, least: float = MEAN_MAGNITUDE) -> np.ndarray:
    """The published "signature nodes": dimensions of mean |mu| above `least`; `mean` is [signatures x latent]."""
    return np.flatnonzero(np.abs(mean).mean(axis=0) > least)


def class_means(mean: np.ndarray, classes: pd.Series, units: np.ndarray, min_signatures: int) -> pd.DataFrame:
    """Mean of each latent unit over the signatures of each class.

    Parameters
    ----------
    mean
        Shape [signatures x latent].
    classes
        Class of each signature, "" for none.
    units
        Units wanted.
    min_signatures
        Signatures that a class must have.

    Returns
    -------
    pandas.DataFrame
        Columns ``pcl_id``, ``unit``, ``mean``, ``n``.
    """
    count = classes[classes != ""].value_counts()
    kept = sorted(count.index[count >= min_signatures])
    rows = [
        (name, int(unit), float(mean[(classes == name).to_numpy(), unit].mean()), int(count[name]))
        for name in kept
        for unit in units
    ]
    return pd.DataFrame(rows, columns=["pcl_id", "unit", "mean", "n"])


def programme_recovery(
    latent: np.ndarray, cell_lines: np.ndarray, activity: np.ndarray, train: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """Held-out R2 of each known programme regressed on latent units and the cell line.

    Kernel ridge regression: a gene's answer to a programme saturates, and so does what a latent unit says of it. The
    cell line is given, because a model that is conditioned on it keeps it out of its latent space.

    Parameters
    ----------
    latent
        Shape [signatures x units].
    cell_lines
        Of each signature.
    activity
        Truth, [signatures x programmes].
    train, test
        bool [signatures], of different perturbagens.
    """
    if latent.shape[1] == 0:
        return np.zeros(activity.shape[1])
    fitted = np.flatnonzero(train)[:: max(1, int(train.sum()) // MOST_FITTED)]
    scaled = (latent - latent[fitted].mean(axis=0)) / np.maximum(latent[fitted].std(axis=0), 1e-9)
    lines = (cell_lines[:, None] == np.unique(cell_lines)).astype(float)
    inputs = np.hstack([scaled, lines])
    model = KernelRidge(kernel="rbf", gamma=0.5 / inputs.shape[1], alpha=0.1)
    model.fit(inputs[fitted], activity[fitted] - activity[fitted].mean(axis=0))
    predicted = model.predict(inputs[test]) + activity[fitted].mean(axis=0)
    return np.asarray(r2_score(activity[test], predicted, multioutput="raw_values"))
