"""How the autoencoder of SMILES is pretrained: batches of molecules of like length, the divergence's weight rising."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workflow_scripts.lib.data.smiles_tokens import PAD, START
from workflow_scripts.lib.models.latent import draw, kl_standard_normal
from workflow_scripts.lib.models.smiles_coders import SmilesVAE

from .objective import Objective

POOL = 50
"""Batches whose molecules are sorted by length together: enough that a batch has next to no padding."""


class SmilesObjective(Objective):
    """Nats per token and the latent space's divergence.

    Parameters
    ----------
    model
        Autoencoder.
    tokens
        int16 [molecules x tokens], padded.
    held_out
        The same, of molecules to validate on.
    settings
        ``learning_rate``; ``batch_size``, that of the loop; ``divergence_weight`` and ``warm_up``, the updates over
        which it rises from 0.
    """

    def __init__(
        self, model: SmilesVAE, tokens: np.ndarray, held_out: np.ndarray, settings: Mapping[str, Any]
    ) -> None:
        super().__init__(model, {"tokens": torch.from_numpy(tokens)})
        self.model, self.settings = model, settings
        self.held_out = torch.from_numpy(held_out)
        self.length = torch.from_numpy((tokens != PAD).sum(axis=1))
        self.updates = 0

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam."""
        rate = self.settings["learning_rate"]
        return {"adam": torch.optim.Adam(self.model.parameters(), lr=rate, fused=True)}

    def order(self, rng: torch.Generator) -> Tensor:
        """Molecules [molecules] sorted by length within pools of 50 batches, pools and batches in random order."""
        return by_length(self.length, self.settings["batch_size"], rng)

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Losses of a batch, cut to its longest molecule; a scalar each."""
        tokens = self.rows("tokens", index)
        tokens = tokens[:, : int((tokens != PAD).sum(dim=1).max())]
        weight = self.settings["divergence_weight"]
        if self.settings["warm_up"]:
            weight *= min(1.0, self.updates / self.settings["warm_up"])
        self.updates += 1
        return self.model.losses(tokens, rng, weight)

    def validate(self, rng: torch.Generator) -> dict[str, float] | None:
        """Nats per held-out token: the bound of the likelihood (the divergence included), and rebuilding alone."""
        bound, rebuilt, number = 0.0, 0.0, 0
        for part in self.held_out.split(512):
            tokens = part[:, : int((part != PAD).sum(dim=1).max())].to(next(self.model.parameters()).device)
            mean, log_variance = self.model.encoder(tokens).chunk(2, dim=1)
            z = draw(mean, log_variance, rng)
            bound += float(self.model.decoder.negative_log_likelihood(z, tokens).sum())
            bound += float(kl_standard_normal(mean, log_variance).sum())
            rebuilt += float(self.model.decoder.negative_log_likelihood(mean, tokens).sum())
            number += int((tokens[:, 1:] != PAD).sum())
        return {"validation": bound / number, "reconstruction": rebuilt / number}

    def state(self) -> dict[str, Tensor]:
        """Updates so far, a scalar, on which the divergence's weight depends."""
        return {"updates": torch.tensor(self.updates)}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take back `state`'s updates."""
        self.updates = int(state["updates"])


def by_length(length: Tensor, batch_size: int, rng: torch.Generator) -> Tensor:
    """Random order in which consecutive batches hold molecules of like length.

    Parameters
    ----------
    length
        Of each molecule, shape [molecules].
    batch_size
        Molecules of a batch.
    rng
        Of the order.
    """
    order = torch.randperm(len(length), generator=rng)
    pools = [pool[length[pool].argsort(stable=True)] for pool in order.split(batch_size * POOL)]
    batches = [batch for pool in pools for batch in pool.split(batch_size)]
    # A short batch stays last, or it would shift the others' borders.
    last = [batches.pop()] if len(batches[-1]) < batch_size else []
    shuffled = torch.randperm(len(batches), generator=rng).tolist()
    return torch.cat([batches[place] for place in shuffled] + last)


def bigram_loss(tokens: np.ndarray, held_out: np.ndarray, number: int) -> float:
    """Nats per held-out token of a model that knows only the token before: counts of pairs, plus one.

    Parameters
    ----------
    tokens, held_out
        int16 [molecules x tokens], padded.
    number
        Of the notation's tokens.
    """
    counts = np.ones((number, number))
    np.add.at(counts, _pairs(tokens), 1)
    # Tokens that training never shows, or that never follow, get next to no share.
    seen = np.isin(np.arange(number), tokens)
    seen[[PAD, START]] = False
    counts[:, ~seen] = 1e-6
    share = counts / counts.sum(axis=1, keepdims=True)
    return float(-np.log(share[_pairs(held_out)]).mean())


def _pairs(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = tokens[:, :-1].ravel(), tokens[:, 1:].ravel()
    kept = second != PAD
    return first[kept].astype(int), second[kept].astype(int)
