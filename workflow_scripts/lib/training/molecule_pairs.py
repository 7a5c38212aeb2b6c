"""Molecules and their expression changes as the two views of the paired models, in either direction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anndata
import numpy as np
import torch
from torch import Tensor

from workflow_scripts.lib.data.notation import NOTATIONS, Notation
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.expression_coders import expression_view, scaled_dose
from workflow_scripts.lib.models.paired import PairedModel
from workflow_scripts.lib.models.paired_models import build
from workflow_scripts.lib.models.smiles_coders import SmilesVAE, smiles_view

from .paired import Score

DIRECTIONS = ("to_molecule", "to_expression")
"""What is generated from the other: x of the models."""
UNKNOWN_DOSE = 10.0
"""uM, where a file of ready pairs has none: the usual dose of LINCS."""
DRAWS, VALIDATED = 4, 500
"""Draws of the private code for each pair, and pairs, that are looked at on the way."""


@dataclass(frozen=True)
class PairTensors:
    """Pairs as networks take them.

    Attributes
    ----------
    tokens
        int16 [pairs x tokens], padded.
    change
        Change of every gene, then the scaled dose, float32 [pairs x genes + 1].
    """

    tokens: Tensor
    change: Tensor

    def views(self, direction: str) -> dict[str, Tensor]:
        """Which is x, which is y: tokens [pairs x length] and change [pairs x genes and dose]."""
        names = ("tokens", "change") if direction == "to_molecule" else ("change", "tokens")
        return {view: getattr(self, name) for view, name in zip("xy", names, strict=True)}


def pair_tensors(pairs: anndata.AnnData, part: str, notation: Notation = NOTATIONS["smiles"]) -> PairTensors:
    """Pairs of one part of the split, molecules in the notation of the networks.

    Raises
    ------
    LatentomeError
        If there is none.
    """
    some = pairs[(pairs.obs["split"] == part).to_numpy()]
    if some.n_obs == 0:
        raise LatentomeError(f"pairs: none in part {part}; expected some; take another config key split")
    return PairTensors(
        torch.from_numpy(notation.encode_all(list(some.obs["smiles"]))),
        torch.from_numpy(change_rows(np.asarray(some.X), some.obs["dose_um"].to_numpy(float))),
    )


def change_rows(changes: np.ndarray, dose_um: np.ndarray) -> np.ndarray:
    """Changes with the scaled dose beside them, float32 [pairs x genes + 1].

    Parameters
    ----------
    changes
        log2, [pairs x genes].
    dose_um
        [pairs]; NaN is taken for 10 uM.
    """
    dose = scaled_dose(np.where(np.isnan(dose_um), UNKNOWN_DOSE, dose_um))
    return np.hstack([changes, dose[:, None]]).astype(np.float32)


def build_pair_model(
    direction: str, pretrained: SmilesVAE, genes: int, settings: Mapping[str, Any]
) -> PairedModel:
    """Model with fresh weights, its networks of SMILES pretrained.

    Parameters
    ----------
    direction
        One of `DIRECTIONS`.
    pretrained
        Autoencoder of SMILES.
    genes
        Number.
    settings
        ``architecture``, ``frozen``, and what `build` takes.
    """
    smiles, expression = smiles_view(pretrained, settings["frozen"]), expression_view(genes)
    x, y = (smiles, expression) if direction == "to_molecule" else (expression, smiles)
    return build(settings["architecture"], x, y, settings)


@torch.no_grad()
def conditional_nats(
    model: PairedModel, tokens: Tensor, y: Tensor, rng: torch.Generator, draws: int
) -> Tensor:
    """Nats of each molecule given its condition: minus the log of its mean likelihood.

    The mean is over draws of what it is decoded from. The more draws, the nearer to the exact value, from above; of all
    models the same number is taken.

    Parameters
    ----------
    model
        Of direction ``to_molecule``.
    tokens
        [pairs x tokens].
    y
        Conditions, [pairs x genes + 1].
    rng
        Of the draws.
    draws
        Number.

    Returns
    -------
    torch.Tensor
        Shape [pairs].
    """
    found = []
    for part, given in zip(tokens.split(512), y.split(512), strict=True):
        each = torch.stack(
            [
                -model.decoder_x.negative_log_likelihood(model.generation_latent(given, rng), part)
                for _ in range(draws)
            ]
        )
        found.append(math.log(draws) - torch.logsumexp(each, dim=0))
    return torch.cat(found)


@torch.no_grad()
def expected_change(model: PairedModel, tokens: Tensor, rng: torch.Generator, draws: int) -> Tensor:
    """Mean over draws of the change that is generated for each molecule, the dose left out, [pairs x genes]."""
    found = []
    for part in tokens.split(512):
        drawn = [model.generate(part, rng)[:, :-1] for _ in range(draws)]
        found.append(torch.stack(drawn).mean(dim=0))
    return torch.cat(found)


@torch.no_grad()
def drawn_molecules(model: PairedModel, y: Tensor, rng: torch.Generator, draws: int) -> list[list[str]]:
    """Strings generated for each condition, valid or not: `draws` for each of the [pairs]."""
    found: list[list[str]] = [[] for _ in range(len(y))]
    for _ in range(draws):
        tokens = torch.cat([_padded(model.generate(part, rng), model) for part in y.split(512)])
        for row, one in zip(tokens.tolist(), found, strict=True):
            one.append(model.decoder_x.pretrained.shape.tokens.decode(row))
    return found


def _padded(tokens: Tensor, model: PairedModel) -> Tensor:
    """Tokens at the width of the longest molecule that can be drawn."""
    width = model.decoder_x.pretrained.shape.longest + 1
    return torch.nn.functional.pad(tokens, (0, width - tokens.shape[1]))


def score_on_the_way(model: PairedModel, direction: str, held_out: PairTensors) -> Score:
    """Score for the training loop on validation pairs: nats per token of the true molecule, or the error of the change.

    Parameters
    ----------
    model
        What is trained.
    direction
        One of `DIRECTIONS`.
    held_out
        Validation pairs.
    """
    # evenly over the pairs, which lie plate by plate
    chosen = torch.linspace(0, len(held_out.tokens) - 1, min(VALIDATED, len(held_out.tokens))).long()
    tokens, change = held_out.tokens[chosen], held_out.change[chosen]

    def score(rng: torch.Generator) -> dict[str, float]:
        device = next(model.parameters()).device
        if direction == "to_molecule":
            nats = conditional_nats(model, tokens.to(device), change.to(device), rng, DRAWS)
            return {"validation": float(nats.sum()) / int((tokens[:, 1:] != 0).sum())}
        error = expected_change(model, tokens.to(device), rng, DRAWS) - change[:, :-1].to(device)
        return {"validation": float((error**2).mean())}

    return score
