"""Small objectives for the tests of the training loop."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import nn

from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.objective import Objective
from workflow_scripts.lib.training.seeds import seed_all
from workflow_scripts.lib.training.settings import TrainingSettings


def global_numpy_draw() -> float:
    """One draw as published models make them."""
    return np.random.rand()  # noqa: NPY002


class Line(Objective):
    """One linear layer, one optimiser; draws nothing global once it is made."""

    def __init__(self, n: int = 10, lr: float = 0.05) -> None:
        seeded = torch.Generator().manual_seed(0)
        super().__init__(nn.Linear(3, 1), {"x": torch.randn(n, 3, generator=seeded)})
        self.lr = lr
        self.seen: list[list[int]] = []
        with torch.no_grad():
            for p in self.network.parameters():
                p.copy_(torch.randn(p.shape, generator=seeded))

    def optimizers(self):
        return {"sgd": torch.optim.Adam(self.network.parameters(), lr=self.lr)}

    def losses(self, turn, index, rng):
        self.seen.append(index.tolist())
        x = self.rows("x", index)
        noisy = x + 0.1 * torch.randn(x.shape, generator=rng, device=x.device)
        error = (self.network(noisy) - x.sum(dim=1, keepdim=True)).square()
        return {"loss": error.mean(), "largest": error.max()}


class Scripted(Line):
    """A line whose validation scores are given in advance."""

    def __init__(self, scores: list[float]) -> None:
        super().__init__()
        self.scores = iter(scores)
        self.weights: list[torch.Tensor] = []
        self.noise: list[float] = []
        self.modes: list[bool] = []

    def validate(self, rng):
        self.weights.append(self.network.weight.detach().clone())
        self.noise.append(torch.rand(1, generator=rng).item())
        self.modes.append(self.network.training or torch.is_grad_enabled())
        return {"validation": next(self.scores), "other": 1.0}


class Adversarial(Objective):
    """Everything a checkpoint must carry.

    Two optimisers, batch statistics, dropout and draws from all three global generators, noise from the loop,
    a schedule by epoch, state of its own, a validation that does not fall steadily.
    """

    def __init__(self, pause: float = 0.0) -> None:
        n = 23
        network = nn.ModuleDict(
            {
                "generator": nn.Sequential(
                    nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 4)
                ),
                "critic": nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)),
            }
        )
        super().__init__(network, {"x": torch.randn(n, 4)})
        self.pause, self.weight, self.average = pause, 0.0, torch.zeros(4)
        self.played: list[tuple[int, str]] = []
        self.epochs: list[int] = []
        self.step = 0

    def optimizers(self):
        return {
            "critic": torch.optim.Adam(self.network["critic"].parameters(), lr=1e-2),
            "generator": torch.optim.SGD(self.network["generator"].parameters(), lr=1e-2, momentum=0.9),
        }

    def turns(self, step):
        self.step = step
        return ["critic", "critic", "generator"] if step % 2 == 0 else ["critic"]

    def on_epoch(self, epoch):
        self.epochs.append(epoch)
        self.weight = min(1.0, epoch / 3)
        torch.rand(1)

    def losses(self, turn, index, rng):
        time.sleep(self.pause)
        self.played.append((self.step, turn))
        x = self.rows("x", index)
        self.average = 0.9 * self.average + 0.1 * x.mean(dim=0)
        jitter = random.random() + global_numpy_draw()
        fake = self.network["generator"](torch.randn(x.shape, generator=rng) + 0.01 * jitter + self.average)
        judged = self.network["critic"](fake).mean()
        if turn == "critic":
            return {"loss": judged - self.network["critic"](x).mean() + self.weight * judged.square()}
        return {"loss": (fake - x).square().mean() - self.weight * judged, "judged": judged}

    def validate(self, rng):
        fake = self.network["generator"](torch.randn(self.data["x"].shape, generator=rng))
        # Best after the second epoch, so that a resume must bring back its weights.
        away = abs(self.epochs[-1] - 1)
        return {"validation": (fake - self.data["x"]).square().mean().item() + 10 * away}

    def state(self):
        return {"average": self.average}

    def load_state(self, state):
        self.average = state["average"]


def settings(**changes) -> TrainingSettings:
    return TrainingSettings(
        **{"epochs": 4, "batch_size": 4, "seed": 5, "device": "cpu", "tensorboard": False, **changes}
    )


def train_adversarial(folder: Path, pause: float = 0.0, **changes) -> bytes:
    """Train an `Adversarial` with checkpoints and logs in `folder`; weights, history, next draws as bytes."""
    seed_all(3)
    objective = Adversarial(pause)
    (folder / "started").touch()
    result = fit(objective, settings(**changes), checkpoint_dir=folder / "checkpoint", log_dir=folder / "log")
    tensors = {name: value.clone() for name, value in objective.network.state_dict().items()}
    tensors["drawn"] = torch.tensor([random.random(), global_numpy_draw(), torch.rand(1).item()])
    tensors["history"] = torch.tensor([list(row.values()) for row in result.history], dtype=torch.float64)
    return safetensors.torch.save(tensors)


def train_to_file(folder: Path, pause: float, changes: dict) -> None:
    """For a process of its own: `train_adversarial`, its bytes into ``folder/final``."""
    (folder / "final").write_bytes(train_adversarial(folder, pause, **changes))
