"""Training of Bio_GMM_VGAE (STGMVA 1.0.0) as published: all spots a step, seeds and noise in their order.

Source: github.com/narutoten520/Bio_GMM_VGAE, commit b0f8cee, ``model.py``; R's mclust is not in it: the spots
are clustered after training, from the draws of z that are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.mixture import GaussianMixture
from torch import Tensor

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.gmm_vgae_published import (
    EdgeTarget,
    PublishedGMMVGAE,
    edge_norm,
    joint_loss,
    propagation_operator,
    rewire,
    unconflicted,
)

from .loop import fit
from .objective import Objective
from .seeds import seed_all
from .settings import FitResult, TrainingSettings

PRETRAINING_RATE, JOINT_RATE, WEIGHT_DECAY = 1e-5, 1e-4, 1e-4
STEP, DECAY = 10, 0.9
"""The joint learning rate is multiplied by `DECAY` every `STEP` epochs."""
BETA1, BETA2 = 0.002, 0.001
PARTS = ("loss", "edges", "kl1", "kl2", "unconflicted", "graph_edges", "largest_target")
"""Logged of each joint epoch; the last three are numbers of spots, directed edges, and the target's maximum."""


class PretrainingObjective(Objective):
    """Edge loss alone, Adam at 1e-5; ``data`` holds ``features`` and ``operator``, `graph` is bool [N x N]."""

    def __init__(self, network: PublishedGMMVGAE, data: Mapping[str, Tensor], graph: Tensor) -> None:
        super().__init__(network, data)
        self.model, self.norm = network, edge_norm(graph)
        self.edges = EdgeTarget.of(graph)
        self.z = torch.empty(0)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam on all parameters."""
        return {"adam": torch.optim.Adam(self.model.parameters(), lr=PRETRAINING_RATE)}

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """The edge loss, a scalar, on one draw of z, which is kept: the last, before its step, starts the mixture."""
        _, _, z = self.model.encode(self.data["features"], self.data["operator"])
        self.z = z.detach()
        return {"loss": self.edges.loss(self.model.decode(z), self.norm)}

    def state(self) -> dict[str, Tensor]:
        """The last draw of z, [spots x latent]."""
        return {"z": self.z}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take back `state`'s draw."""
        self.z = state["z"]


class JointObjective(Objective):
    """Edge loss and divergence from the mixture, the graph rewired every second epoch.

    Parameters
    ----------
    network
        Pre-trained, its mixture started.
    data
        ``features`` and ``operator``.
    graph
        Bool [spots x spots].
    epochs
        Epochs of which draws of z are kept.
    """

    def __init__(
        self, network: PublishedGMMVGAE, data: Mapping[str, Tensor], graph: Tensor, epochs: int
    ) -> None:
        super().__init__(network, data)
        self.model, self.graph, self.norm = network, graph.clone(), edge_norm(graph)
        self.edges = EdgeTarget.of(graph)
        self.current = torch.zeros(len(graph), dtype=torch.bool)
        self.largest = self.current.clone()
        self.stable, self.beta1, self.beta2, self.epoch, self.done = 0, BETA1, BETA2, 0, 0
        self.embeddings = torch.zeros(epochs, len(graph), network.centres.shape[1])
        self.parts = torch.zeros(epochs, len(PARTS), dtype=torch.double)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam with weight decay on all parameters, the mixture's too."""
        parameters = self.model.parameters()
        self.adam = torch.optim.Adam(parameters, lr=JOINT_RATE, weight_decay=WEIGHT_DECAY)
        return {"adam": self.adam}

    def on_epoch(self, epoch: int) -> None:
        """StepLR."""
        self.epoch = epoch
        for group in self.adam.param_groups:
            group["lr"] = JOINT_RATE * DECAY ** (epoch // STEP)

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """The joint loss and its parts, a scalar each, after choice of spots and rewiring."""
        mean, log_std, z = self.model.encode(self.data["features"], self.data["operator"])
        with torch.no_grad():
            self._choose(z)
        chosen = self.largest
        edge_loss = self.edges.loss(self.model.decode(z), self.norm)
        found = joint_loss(self.model, edge_loss, len(z), mean[chosen], log_std[chosen], z[chosen])
        self._note(z, [found.loss, found.edges, found.kl1, found.kl2])
        return {name: getattr(found, name) for name in PARTS[:4]}

    def _choose(self, z: Tensor) -> None:
        if self.epoch % 5 == 0:
            self.current = unconflicted(z, self.model.centres, self.beta1, self.beta2)
        if self.epoch == 0:
            self._rewire(z)
        # The largest choice so far is used, until a larger one comes.
        if self.largest.sum() < self.current.sum():
            self.largest = self.current
        else:
            self.stable += 1
        if self.stable >= 5:
            self.stable, self.beta1, self.beta2 = 0, self.beta1 * 0.95, self.beta2 * 0.85
        if self.epoch % 2 == 0 and self.epoch <= 100:
            self._rewire(z)

    def _rewire(self, z: Tensor) -> None:
        self.graph = rewire(self.graph, z, self.model.centres, self.model.predict(z), self.current)
        self.edges = EdgeTarget.of(self.graph)

    def _note(self, z: Tensor, losses: list[Tensor]) -> None:
        largest = 2 if len(self.edges.twice) else 1
        facts = (int(self.largest.sum()), int(self.graph.sum()), largest)
        self.embeddings[self.epoch] = z.detach()
        self.parts[self.epoch] = torch.tensor([*(value.item() for value in losses), *facts])
        self.done = self.epoch + 1

    def state(self) -> dict[str, Tensor]:
        """Graph [spots x spots], choices [spots], thresholds and what is kept of each epoch."""
        numbers = torch.tensor([self.stable, self.beta1, self.beta2, self.done], dtype=torch.double)
        names = ("graph", "current", "largest", "embeddings", "parts")
        return {"numbers": numbers, **{name: getattr(self, name) for name in names}}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take back `state`'s tensors."""
        for name in ("graph", "current", "largest", "embeddings", "parts"):
            setattr(self, name, state[name])
        stable, self.beta1, self.beta2, done = state["numbers"].tolist()
        self.stable, self.done = int(stable), int(done)
        self.edges = EdgeTarget.of(self.graph)


@dataclass(frozen=True)
class PublishedRun:
    """What a published training came to.

    Attributes
    ----------
    network
        With its last weights.
    operator
        Sparse float32 [spots x spots].
    embeddings
        Draw of z in each joint epoch, before its step, float32 [epochs x spots x latent].
    parts
        `PARTS` of each joint epoch, float64 [epochs x parts].
    pretraining
        Result of the pre-training.
    moved
        Norm of the change of the first layer in pre-training over its norm before.
    failure
        Why joint training ended before its last epoch; empty if it did not.
    """

    network: PublishedGMMVGAE
    operator: Tensor
    embeddings: np.ndarray
    parts: np.ndarray
    pretraining: FitResult
    moved: float
    failure: str


def train_published(
    features: np.ndarray,
    graph: np.ndarray,
    clusters: int,
    settings: Mapping[str, Any],
    *,
    compute_threads: int = 1,
    checkpoint_dir: Path | None = None,
    log_dir: Path | None = None,
    label: str = "published GMM-VGAE",
) -> PublishedRun:
    """Pre-train, start the mixture once, train jointly; on the CPU, as published, and without any label.

    Parameters
    ----------
    features
        Float32 [spots x genes].
    graph
        Bool [spots x spots], symmetric.
    clusters
        Mixture components.
    settings
        ``pretraining_epochs`` (published: 1000), ``epochs`` (50) and ``seed``, that of the global generators.
    compute_threads, checkpoint_dir, log_dir, label
        As `loop.fit` takes them.

    Raises
    ------
    LatentomeError
        If a loss is not finite for another reason than a mixture weight of 0 or less.
    """
    torch.set_num_threads(compute_threads)
    seed_all(settings["seed"])
    network = PublishedGMMVGAE(features.shape[1], clusters)
    edges = torch.tensor(graph)
    data = {"features": torch.tensor(features), "operator": propagation_operator(edges)}
    before = network.base.weight.detach().clone()

    def run(objective: Objective, stage: str, epochs: int) -> FitResult:
        plan = TrainingSettings(
            epochs, None, settings["seed"], device="cpu", compute_threads=compute_threads,
            log_every=max(1, epochs // 50), keep_best=False,
        )  # fmt: skip
        folders = (folder / stage if folder else None for folder in (checkpoint_dir, log_dir))
        return fit(
            objective, plan, checkpoint_dir=next(folders), log_dir=next(folders), label=f"{label}, {stage}"
        )

    first = PretrainingObjective(network, data, edges)
    result = run(first, "pretraining", settings["pretraining_epochs"])
    moved = float((network.base.weight.detach() - before).norm() / before.norm())
    # From NumPy's global generator, as the published call without a random_state.
    mixture = GaussianMixture(clusters, covariance_type="diag").fit(first.z.numpy())
    network.start_mixture(
        *(torch.from_numpy(v) for v in (mixture.weights_, mixture.means_, mixture.covariances_))
    )
    joint, failure = JointObjective(network, data, edges, settings["epochs"]), ""
    try:
        run(joint, "joint", settings["epochs"])
    except LatentomeError as error:
        if joint.done < 2 or bool((network.pi > 0).all()):
            raise
        failure = str(error)
        joint.done -= 1
    network.eval()
    embeddings = joint.embeddings[: joint.done].numpy()
    return PublishedRun(
        network, data["operator"], embeddings, joint.parts[: joint.done].numpy(), result, moved, failure
    )
