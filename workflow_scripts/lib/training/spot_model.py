"""A trained Gaussian-mixture VGAE: the posterior of spots, their rates, and how it is built anew from its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.gmm_vgae import GMMVGAE, GMMVGAEShape

from .spot_rates import ModelRates
from .spot_scores import SpotScores, winsorise

POSTERIOR_BLOCK = 8192


@dataclass(frozen=True)
class SpotModel:
    """A trained model.

    Attributes
    ----------
    network
        On the CPU.
    hops
        Numbers of hops of its encoder.
    """

    network: GMMVGAE
    hops: tuple[int, ...]

    @property
    def scores(self) -> SpotScores:
        """How it sees counts."""
        net = self.network
        return SpotScores(
            float(net.score_depth), net.score_centre.double().numpy(), net.score_components.double().numpy()
        )

    def posterior(
        self, observed: sparse.csr_matrix | np.ndarray, graph: sparse.csr_matrix
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and log variance of each spot's latent variables, float32 [spots x latent] each; nothing is drawn."""
        if self.network.shape.likelihood == "features":
            observed = winsorise(np.asarray(observed))
        scores = torch.from_numpy(self.scores.of_neighbourhoods(observed, graph, self.hops))
        with torch.no_grad():
            parts = [self.network.encode(part) for part in scores.split(POSTERIOR_BLOCK)]
        return torch.cat([part[0] for part in parts]).numpy(), torch.cat([part[1] for part in parts]).numpy()

    def rates(self, counts: sparse.csr_matrix, graph: sparse.csr_matrix) -> ModelRates:
        """Rates [spots x genes] of spots by their counts and graph [spots x spots], worked out a block at a time."""
        mean, log_variance = self.posterior(counts, graph)
        return ModelRates(self.network, mean, log_variance)


def architecture(model: SpotModel) -> dict[str, Any]:
    """Return what `restore` needs beside the weights, for the model card."""
    return {**model.network.shape.as_dict(), "hop_counts": list(model.hops)}


def restore(state: Mapping[str, torch.Tensor], card: Mapping[str, Any], where: str) -> SpotModel:
    """Rebuild a trained model from its weights and card.

    Parameters
    ----------
    state
        Weights by name, of the shapes that the card gives.
    card
        With ``architecture``.
    where
        Path of the card, for the error.

    Raises
    ------
    LatentomeError
        If the card has no architecture of this model, or the weights do not fit it.
    """
    try:
        sizes = dict(card["architecture"])
        hops = tuple(sizes.pop("hop_counts"))
        network = GMMVGAE(GMMVGAEShape(**sizes), torch.Generator().manual_seed(0))
        network.load_state_dict(dict(state))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise LatentomeError(
            f"{where}: the weights are not those of a GMM-VGAE ({reason}); expected the card and "
            "weights of rule train_spots; train the model anew, or mend config key pretrained"
        ) from None
    return SpotModel(network.eval(), hops)
