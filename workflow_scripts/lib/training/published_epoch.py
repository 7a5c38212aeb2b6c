"""What one epoch of the published GMM-VGAE costs: time and memory of dense arrays, spots x spots."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from workflow_scripts.lib.models.gmm_vgae_published import PublishedGMMVGAE, propagation_operator

from .gmm_vgae_published import JointObjective
from .seeds import seed_all


@dataclass(frozen=True)
class EpochCost:
    """What one epoch costs.

    Attributes
    ----------
    seconds
        Wall-clock time.
    allocated_bytes
        Sum over all tensors that it allocates, freed within it or not.
    kept_bytes
        The target and the weights, [spots x spots] each, that stay from epoch to epoch.
    """

    seconds: float
    allocated_bytes: int
    kept_bytes: int


def dense_epoch(features: np.ndarray, graph: np.ndarray, clusters: int = 7, part: str = "epoch") -> EpochCost:
    """Run one published epoch of joint training on the CPU and measure it; a first, unmeasured one warms up.

    Parameters
    ----------
    features, graph, clusters
        As `train_published` takes them.
    part
        ``epoch`` (choice of spots, rewiring, forward, loss, backward, step), ``edges`` (decoder and edge loss, forward
        and backward) or ``propagation`` (the encoder, forward and backward).

    Raises
    ------
    ValueError
        If `part` is another.
    """
    seed_all(0)
    network = PublishedGMMVGAE(features.shape[1], clusters)
    edges = torch.tensor(graph)
    data = {"features": torch.tensor(features), "operator": propagation_operator(edges)}
    objective = JointObjective(network, data, edges, 1)
    adam, rng = objective.optimizers()["adam"], torch.Generator()
    latent = network.encode(data["features"], data["operator"])[2].detach().requires_grad_()

    def epoch() -> None:
        adam.zero_grad()
        objective.losses("adam", torch.arange(len(graph)), rng)["loss"].backward()
        adam.step()

    work = {
        "epoch": epoch,
        "edges": lambda: objective.edges.loss(network.decode(latent), objective.norm).backward(),
        "propagation": lambda: network.encode(data["features"], data["operator"])[2].sum().backward(),
    }
    if part not in work:
        raise ValueError(f"part: {part!r} given; expected one of {', '.join(work)}")
    work[part]()
    start = time.perf_counter()
    work[part]()
    seconds = time.perf_counter() - start
    with TemporaryDirectory() as folder:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace:
            work[part]()
        path = Path(folder, "trace.json")
        trace.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    sizes = [event["args"]["Bytes"] for event in events if event.get("name") == "[memory]"]
    held = (objective.edges.target, objective.edges.weights)
    kept = sum(value.numel() * value.element_size() for value in held)
    return EpochCost(seconds, sum(size for size in sizes if size > 0), kept)
