"""From counts to a trained NB-VAE: thinning, initialisation, training, latent space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workflow_scripts.lib.data.thinning import thin
from workflow_scripts.lib.models.nbvae import NBVAE, NBVAEShape

from .loop import fit
from .nbvae import NBVAEObjective
from .seeds import derive_seed
from .settings import FitResult, TrainingSettings

VARIANTS: dict[str, dict[str, Any]] = {
    "nbvae": {},
    "nbvae_linear": {"linear": True},
    "nbvae_zinb": {"likelihood": "zinb"},
}
VALIDATE_EVERY = 10


@dataclass(frozen=True)
class TrainedNBVAE:
    """A trained model and its view of the samples.

    Attributes
    ----------
    network
        On the CPU, in evaluation mode.
    latent_mean, latent_sd
        Of q(z | all counts), shape [samples x latent].
    result
        What the loop said; None for loaded weights.
    """

    network: NBVAE
    latent_mean: np.ndarray
    latent_sd: np.ndarray
    result: FitResult | None


def build(
    variant: str,
    counts: np.ndarray,
    size_factors: np.ndarray,
    batches: int,
    settings: Mapping[str, Any],
    seed: int,
) -> NBVAE:
    """An untrained network whose bias starts at the gene means.

    Parameters
    ----------
    variant
        One of `VARIANTS`.
    counts
        Shape [samples x genes].
    size_factors
        Shape [samples].
    batches
        Columns of the batch indicators.
    settings
        ``hidden`` and ``latent``.
    seed
        Of the initial weights.
    """
    normalised = counts / size_factors[:, None]
    log_input = np.log1p(normalised)
    shape = NBVAEShape(counts.shape[1], batches, settings["hidden"], settings["latent"], **VARIANTS[variant])
    return NBVAE(
        shape,
        torch.tensor(log_input.mean(axis=0), dtype=torch.float32),
        torch.tensor(log_input.std(axis=0), dtype=torch.float32).clamp(min=0.1),
        torch.tensor(np.log(np.maximum(normalised.mean(axis=0), 1e-2)), dtype=torch.float32),
        torch.Generator().manual_seed(derive_seed(seed, "weights")),
    )


def encode(
    network: NBVAE, counts: np.ndarray, size_factors: np.ndarray, batch: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of q(z | counts), shape [samples x latent] each."""
    with torch.no_grad():
        mean, log_variance = network.encode(
            torch.tensor(counts, dtype=torch.float32),
            torch.tensor(size_factors, dtype=torch.float32),
            torch.tensor(batch, dtype=torch.float32),
        )
    return mean.double().numpy(), torch.exp(0.5 * log_variance).double().numpy()


def train_nbvae(
    variant: str,
    counts: np.ndarray,
    size_factors: np.ndarray,
    batch: np.ndarray,
    settings: Mapping[str, Any],
    seed: int,
    *,
    device: str = "auto",
    compute_threads: int = 1,
    checkpoint_dir: Path | None = None,
    log_dir: Path | None = None,
    label: str = "nbvae",
) -> TrainedNBVAE:
    """Train on thinned counts, stop when the held-out part is predicted no better, encode all counts.

    Parameters
    ----------
    variant
        One of `VARIANTS`.
    counts
        Integers, [samples x genes].
    size_factors
        Shape [samples].
    batch
        Indicators, [samples x batches].
    settings
        ``hidden``, ``latent``, ``learning_rate``, ``epochs``, ``patience``, ``held_out_fraction``, ``warm_up``.
    seed
        Of thinning, weights and noise.
    device, compute_threads, checkpoint_dir, log_dir, label
        As `loop.fit` takes them.
    """
    fraction = 1.0 - settings["held_out_fraction"]
    kept, held_out = thin(counts, settings["held_out_fraction"], derive_seed(seed, "thinning"))
    network = build(variant, kept, size_factors * fraction, batch.shape[1], settings, seed)
    objective = NBVAEObjective(
        network,
        {
            "counts": torch.tensor(kept, dtype=torch.float32),
            "held_out": torch.tensor(held_out, dtype=torch.float32),
            "size_factors": torch.tensor(size_factors, dtype=torch.float32),
            "batch": torch.tensor(batch, dtype=torch.float32),
        },
        fraction=fraction,
        learning_rate=settings["learning_rate"],
        warm_up=settings["warm_up"],
    )
    result = fit(
        objective,
        TrainingSettings(
            epochs=settings["epochs"],
            batch_size=None,
            seed=seed,
            device=device,
            compute_threads=compute_threads,
            patience=settings["patience"],
            min_delta=1e-6,
            validate_every=VALIDATE_EVERY,
            log_every=VALIDATE_EVERY,
        ),
        checkpoint_dir=checkpoint_dir,
        log_dir=log_dir,
        label=label,
    )
    network = network.cpu()
    return TrainedNBVAE(network, *encode(network, counts, size_factors, batch), result)


def card(network: NBVAE) -> dict[str, Any]:
    """Architecture entry of the model card."""
    return {"class": "NBVAE", **asdict(network.shape)}


def restore(state: Mapping[str, torch.Tensor], architecture: Mapping[str, Any]) -> NBVAE:
    """The network of a saved card and its weights, in evaluation mode; shapes are the card's."""
    shape = NBVAEShape(**{key: value for key, value in architecture.items() if key != "class"})
    blank = torch.zeros(shape.genes)
    network = NBVAE(shape, blank, blank, blank, torch.Generator())
    network.load_state_dict(dict(state))
    return network.eval()
