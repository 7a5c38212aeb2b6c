"""How the spatial model is trained: held-out counts decide when to stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.nn import functional

from workflow_scripts.lib.models.gmm_vgae import GMMVGAE

from .objective import Objective

VALIDATED = 20_000
"""Spots whose held-out counts are looked at after an epoch, at most."""
BLOCK_VALUES = 2**20
"""Spots x genes worked on at a time outside training: larger arrays go back to the system and cost page faults."""
PRIOR_EPOCHS = frozenset((5, 10, 15, 20, 30, 40, 60, 80, 120, 160, 240))
"""Epochs before which the loadings' prior is set anew."""
PRIOR_RANGE = (0.005, 0.5)


class SpotObjective(Objective):
    """Negative ELBO of the spots, with edges as an auxiliary term and a Gaussian prior on the loadings.

    Parameters
    ----------
    network
        The model.
    scores
        Encoder's input, float32 [spots x hops x inputs].
    observed
        What is decoded: counts, CSR [spots x genes], or features, float32 [spots x features].
    held_out
        Counts to validate on, CSR [spots x genes], or features; None: no validation.
    graph
        Neighbours, CSR; None or ``edge_weight`` 0: no edge decoder.
    settings
        ``learning_rate``, ``loading_sd`` (sd of the loadings' prior), ``edge_weight``, ``negatives`` (random pairs
        for each edge).
    """

    def __init__(
        self,
        network: GMMVGAE,
        scores: np.ndarray,
        observed: sparse.csr_matrix | np.ndarray,
        held_out: sparse.csr_matrix | np.ndarray | None,
        graph: sparse.csr_matrix | None,
        settings: Mapping[str, Any],
    ) -> None:
        super().__init__(
            network, {"scores": torch.from_numpy(np.ascontiguousarray(scores, dtype=np.float32))}
        )
        self.model = network
        self.observed, self.held_out = observed, held_out
        self.settings = settings
        self.block = max(16, BLOCK_VALUES // network.shape.outputs)
        self.edge_weight = settings["edge_weight"] if graph is not None and graph.nnz else 0.0
        if graph is not None:
            self.first = torch.from_numpy(graph.indptr[:-1].astype(np.int64))
            self.degree = torch.from_numpy(np.diff(graph.indptr).astype(np.int64))
            self.neighbour = torch.from_numpy(graph.indices.astype(np.int32))

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam on all that is trained."""
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        return {"adam": torch.optim.Adam(parameters, lr=self.settings["learning_rate"], fused=True)}

    def on_epoch(self, epoch: int) -> None:
        """Set the sd of the loadings' prior anew, by empirical Bayes."""
        if epoch in PRIOR_EPOCHS and self.model.shape.likelihood == "counts":
            self.model.loading_sd.copy_(self._prior_sd())

    @torch.no_grad()
    def _prior_sd(self) -> Tensor:
        """Root mean square over genes of each dimension's loadings, their Laplace variance included (MacKay 1992)."""
        model = self.model
        information = torch.zeros_like(model.loadings)
        stop = min(self.n_samples, VALIDATED)
        chosen = torch.arange(stop) * self.n_samples // stop
        for index in chosen.to(model.loadings.device).split(self.block):
            mean, log_variance = model.encode(self.rows("scores", index))
            rates = model.posterior_rates(mean, log_variance)
            depth = dense_rows(self.observed, index).sum(dim=1, keepdim=True)
            information += (mean**2 + log_variance.exp()).T @ (rates * depth)
        information *= self.n_samples / stop
        variance = 1 / (information + model.loading_sd[:, None] ** -2)
        return torch.sqrt((model.loadings**2 + variance).mean(dim=1)).clamp(*PRIOR_RANGE)

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Loss per spot in nats, its parts beside it; a scalar each."""
        mean, log_variance = self.model.encode(self.rows("scores", index))
        noise = torch.randn(mean.shape, generator=rng, device=mean.device)
        z = mean + noise * torch.exp(0.5 * log_variance)
        expression = self.model.negative_log_likelihood(dense_rows(self.observed, index), z).mean()
        divergence = self.model.divergence(mean, log_variance).mean()
        scaled = self.model.loadings / self.model.loading_sd[:, None]
        penalty = (scaled**2).sum() / (2 * self.n_samples)
        loss = expression + divergence + penalty
        parts = {"expression": expression.detach(), "divergence": divergence.detach()}
        if self.edge_weight:
            edges = self._edges(index, mean, rng)
            loss = loss + self.edge_weight * edges
            parts["edges"] = edges.detach()
        return {"loss": loss, **parts}

    def _edges(self, index: Tensor, mean: Tensor, rng: torch.Generator) -> Tensor:
        """Cross-entropy of one neighbour of every spot and of random pairs, nats."""
        degree = self.degree[index.cpu()].to(index.device)
        picked = (torch.rand(len(index), generator=rng, device=index.device) * degree).long()
        place = (self.first[index.cpu()] + picked.cpu()).clamp(max=len(self.neighbour) - 1)
        other = self.neighbour[place].long().to(index.device)
        positive = self.model.edge_logits(mean, self.model.posterior_mean(self.rows("scores", other)))
        has = (degree > 0).float()
        found = (functional.softplus(-positive) * has).sum() / has.sum().clamp(min=1)
        for _ in range(self.settings["negatives"]):
            # The batch is a random draw of spots, so its own spots in another order are random pairs.
            order = torch.randperm(len(index), generator=rng, device=index.device)
            negative = self.model.edge_logits(mean, mean[order])
            found = found + functional.softplus(negative).mean() / self.settings["negatives"]
        return found

    def validate(self, rng: torch.Generator) -> dict[str, float] | None:
        """Negative log-likelihood of held-out counts per UMI, at the posterior mean of the rates."""
        if self.held_out is None:
            return None
        total, weight = 0.0, 0.0
        device = self.model.loadings.device
        stop = min(self.n_samples, VALIDATED)
        # evenly over the spots, which may lie in the order of the tissue
        chosen = torch.arange(stop) * self.n_samples // stop
        for index in chosen.to(device).split(self.block):
            mean, log_variance = self.model.encode(self.rows("scores", index))
            held = dense_rows(self.held_out, index)
            if self.model.shape.likelihood == "features":
                total += float(self.model.negative_log_likelihood(held, mean).sum())
                weight += held.numel()
                continue
            total -= float((held * self.model.posterior_log_rates(mean, log_variance)).sum())
            weight += float(held.sum())
        return {"validation": total / max(weight, 1.0)}


def dense_rows(matrix: sparse.csr_matrix | np.ndarray, index: Tensor) -> Tensor:
    """Return rows of a matrix on the CPU as float32 on the device of `index`, [rows x columns]."""
    rows = matrix[index.cpu().numpy()].astype(np.float32, copy=False)
    return torch.from_numpy(rows.toarray() if sparse.issparse(rows) else rows).to(index.device)
