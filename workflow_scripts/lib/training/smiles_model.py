"""A pretrained autoencoder of SMILES: its card, how it is built anew from it, and what its prior generates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workflow_scripts.lib.data.molecules import canonical
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.smiles_coders import SmilesShape, SmilesVAE

from .export import load_model, names_digest

BLOCK = 2_000


def architecture(shape: SmilesShape) -> dict[str, Any]:
    """Return what `load_smiles_model` needs beside the weights: sizes, and which number stands for which token."""
    return {**shape.as_dict(), "tokens": names_digest(shape.tokens.tokens)}


def load_smiles_model(folder: str | Path) -> tuple[SmilesVAE, dict[str, Any]]:
    """Read a pretrained autoencoder and its card.

    Raises
    ------
    LatentomeError
        If the folder has no such model, or its tokens are not those of this release.
    """
    state, card = load_model(folder)
    try:
        sizes = dict(card["architecture"])
        tokens, shape = sizes.pop("tokens"), SmilesShape(**sizes)
        if tokens != names_digest(shape.tokens.tokens):
            raise ValueError("its tokens have other numbers")
        model = SmilesVAE(shape)
        model.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise LatentomeError(
            f"{folder}: the weights are not those of an autoencoder of SMILES ({reason}); expected weights and card of "
            "rule pretrain_smiles; mend config key molecules: smiles: pretrained, or set it to null to train one"
        ) from None
    return model.eval(), card


@torch.no_grad()
def draw_molecules(
    model: SmilesVAE, number: int, rng: torch.Generator, temperature: float = 1.0, nucleus: float = 1.0
) -> list[str]:
    """Strings from the prior, valid or not.

    Parameters
    ----------
    model
        Autoencoder.
    number
        How many.
    rng
        Of latent points and tokens.
    temperature, nucleus
        As `SmilesDecoder.sample` takes them.
    """
    found: list[str] = []
    while len(found) < number:
        z = model.prior(min(BLOCK, number - len(found)), rng)
        drawn = model.decoder.sample(z, rng, temperature, nucleus)
        found += [model.shape.tokens.decode(row.tolist()) for row in drawn]
    return found


@torch.no_grad()
def rebuilt_share(model: SmilesVAE, smiles: Sequence[str], rng: torch.Generator) -> float:
    """Share of molecules that come back from their posterior mean as the same molecule, decoded greedily."""
    tokens = torch.from_numpy(model.shape.tokens.encode_all(smiles))
    back: list[str] = []
    for part in tokens.split(BLOCK):
        mean, _ = model.encoder(part).chunk(2, dim=1)
        drawn = model.decoder.sample(mean, rng, temperature=0)
        back += [model.shape.tokens.decode(row.tolist()) for row in drawn]
    return float(np.mean([canonical(one) == canonical(two) for one, two in zip(smiles, back, strict=True)]))


def card_settings(settings: Mapping[str, Any]) -> SmilesShape:
    """Sizes that the config gives."""
    return SmilesShape(**{name: settings[name] for name in SmilesShape().as_dict()})
