"""From signatures and their split to a trained VAE or S-VQ-VAE."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.svqvae import SVQVAE
from workflow_scripts.lib.models.vae import PublishedVAE, SignatureVAE, VAEShape

from .loop import fit
from .objective import Objective
from .seeds import derive_seed
from .settings import FitResult, TrainingSettings
from .signature_models import Network, SignatureModel, one_hot_lines
from .signatures import PublishedVAEObjective, SignatureVAEObjective, SVQVAEObjective

MIN_OF_LINE = 20
"""Training signatures of a cell line below which it is not conditioned on."""
PUBLISHED_BATCH = {"vae": 512, "svqvae": 256}


def train_signature_model(
    model: str,
    matrix: np.ndarray,
    sheet: pd.DataFrame,
    parts: pd.Series,
    settings: Mapping[str, Any],
    seed: int,
    *,
    device: str = "auto",
    compute_threads: int = 1,
    checkpoint_dir: Path | None = None,
    log_dir: Path | None = None,
    label: str = "model",
) -> tuple[SignatureModel, FitResult]:
    """Train on the training perturbagens; ours stop when the validation perturbagens are explained no better.

    Parameters
    ----------
    model
        ``vae``, ``vae_linear``, ``vae_published``, ``svqvae`` or ``svqvae_published``.
    matrix
        Shape [signatures x genes].
    sheet
        With ``cell_id`` and ``pcl_id``.
    parts
        ``train``, ``validation`` or ``test`` of each signature; the test signatures are not looked at.
    settings
        Of the config: `vae`, `svqvae`, or for the published models their ``epochs`` alone.
    seed
        Of weights, order and noise. The published models draw their weights from the global generator.
    device, compute_threads, checkpoint_dir, log_dir, label
        As `loop.fit` takes them.

    Raises
    ------
    LatentomeError
        If there is nothing to train on.
    """
    # The start of the weights is computed with them as well.
    torch.set_num_threads(compute_threads)
    coded, published = model.startswith("svqvae"), model.endswith("_published")
    use = (sheet.pcl_id != "").to_numpy() if coded else np.ones(len(sheet), bool)
    train, held = (use & (parts == name).to_numpy() for name in ("train", "validation"))
    if not train.any():
        raise LatentomeError(
            f"{label}: no training signature{' of a known class' if coded else ''}; check the split"
        )
    classes: list[str] = []
    lines: list[str] = []
    network: Network
    objective: Objective
    if coded:
        classes = sorted(sheet.pcl_id[train].unique())
        held &= sheet.pcl_id.isin(classes).to_numpy()
        network, objective = _coded(matrix, sheet, train, held, classes, settings, published, seed)
    elif published:
        network = PublishedVAE(genes=matrix.shape[1])
        objective = PublishedVAEObjective(
            network, {"signatures": torch.tensor(matrix[train]), "validation": torch.tensor(matrix[held])}
        )
    else:
        count = sheet.cell_id[train].value_counts()
        lines = sorted(count.index[count >= MIN_OF_LINE])
        network, objective = _ours(matrix, sheet, train, held, lines, settings, model == "vae_linear", seed)
    result = fit(
        objective,
        TrainingSettings(
            epochs=settings["epochs"],
            batch_size=PUBLISHED_BATCH["svqvae" if coded else "vae"] if published else settings["batch_size"],
            seed=seed,
            device=device,
            compute_threads=compute_threads,
            # As published, training never stops early and the last weights are kept.
            patience=None if published or not held.any() else settings["patience"],
            keep_best=not published,
            validate_every=max(1, settings["epochs"] // 50) if published else 1,
        ),
        checkpoint_dir=checkpoint_dir,
        log_dir=log_dir,
        label=label,
    )
    return SignatureModel(model, seed, network.cpu(), lines, classes), result


def _ours(
    matrix: np.ndarray,
    sheet: pd.DataFrame,
    train: np.ndarray,
    held: np.ndarray,
    lines: list[str],
    settings: Mapping[str, Any],
    is_linear: bool,
    seed: int,
) -> tuple[SignatureVAE, Objective]:
    cells = one_hot_lines(sheet.cell_id.tolist(), lines)
    scale = torch.tensor(matrix[train].std(axis=0)).clamp(min=0.05)
    shape = VAEShape(
        matrix.shape[1], len(lines), settings["hidden"], settings["latent"], settings["blocks"], is_linear
    )
    network = SignatureVAE(shape, scale, torch.Generator().manual_seed(derive_seed(seed, "weights")))
    network.start_from_components(torch.tensor(matrix[train]))
    data = {
        "signatures": torch.tensor(matrix[train]), "cell_lines": torch.tensor(cells[train]),
        "validation": torch.tensor(matrix[held]), "validation_cell_lines": torch.tensor(cells[held]),
    }  # fmt: skip
    names = ("learning_rate", "weight_decay", "warm_up", "free_nats")
    return network, SignatureVAEObjective(network, data, **{name: settings[name] for name in names})


def _coded(
    matrix: np.ndarray,
    sheet: pd.DataFrame,
    train: np.ndarray,
    held: np.ndarray,
    classes: list[str],
    settings: Mapping[str, Any],
    published: bool,
    seed: int,
) -> tuple[SVQVAE, Objective]:
    place = pd.Index(classes).get_indexer(sheet.pcl_id)
    data: dict[str, Tensor] = {
        "signatures": torch.tensor(matrix[train]), "classes": torch.tensor(place[train]),
        "validation": torch.tensor(matrix[held]), "validation_classes": torch.tensor(place[held]),
    }  # fmt: skip
    if published:
        network = SVQVAE(len(classes), matrix.shape[1])
        return network, SVQVAEObjective(network, data)
    network = SVQVAE(len(classes), matrix.shape[1], settings["hidden"])
    names = ("learning_rate", "margin", "decay")
    return network, SVQVAEObjective(network, data, **{name: settings[name] for name in names})
