"""Draws of the latent variables of trained NB-VAEs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workflow_scripts.lib.data.bulk import BulkCounts

from .export import load_model, names_digest
from .fit_nbvae import encode, restore


def draw_latents(weights: Sequence[str], data: BulkCounts, batch: np.ndarray, seed: int) -> list[np.ndarray]:
    """One draw of z from q(z | counts) of every trained model, [samples x latent] each.

    Parameters
    ----------
    weights
        Paths of model.safetensors, each beside its card.
    data
        The counts; their genes must be those of the card.
    batch
        Indicators, [samples x batches].
    seed
        Of the draws.
    """
    rng = np.random.default_rng(seed)
    draws = []
    for path in weights:
        state, card = load_model(path.rsplit("/", 1)[0], {"genes_digest": names_digest(data.counts.index)})
        mean, sd = encode(
            restore(state, card["architecture"]), data.counts.to_numpy().T, data.size_factors, batch
        )
        draws.append(mean + sd * rng.standard_normal(mean.shape))
    return draws
