"""The loop's cost against a bare hand-written torch loop, as a ratio measured in one run.

    python tests/bench/bench_training_loop.py

Both train the same small network on the same batches, in turns, so that a busy machine slows both. The bare
loop does nothing but permute, index, zero, forward, backward and step, and reads the loss once an epoch; the
loop also checks every loss, writes the CSV and TensorBoard, and checkpoints by the clock.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.objective import Objective
from workflow_scripts.lib.training.seeds import generator
from workflow_scripts.lib.training.settings import TrainingSettings


def gaussian_loss(output: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return (output - x).square().mean()


def nb_loss(output: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    log_mean, log_size = output.chunk(2, dim=1)
    mean, size = log_mean.clamp(max=12).exp(), log_size.clamp(-8, 8).exp()
    return -(
        torch.lgamma(x + size)
        - torch.lgamma(size)
        - torch.lgamma(x + 1)
        + size * (size / (size + mean)).log()
        + x * (mean / (size + mean) + 1e-8).log()
    ).mean()


def network(width: int, outputs: int) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 64), nn.ReLU(),
        nn.Linear(64, outputs),
    )  # fmt: skip


class Model(Objective):
    def __init__(self, x: torch.Tensor, loss, outputs: int) -> None:
        super().__init__(network(x.shape[1], outputs), {"x": x})
        self.loss = loss

    def optimizers(self):
        return {"adam": torch.optim.Adam(self.network.parameters(), lr=1e-3)}

    def losses(self, turn, index, rng):
        x = self.rows("x", index)
        return {"loss": self.loss(self.network(x.log1p()), x)}


def bare(
    x: torch.Tensor, loss, outputs: int, epochs: int, batch: int | None, threads: int
) -> tuple[float, nn.Module]:
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)
    model = network(x.shape[1], outputs)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    shuffle = generator(torch.device("cpu"), 1, "shuffle")
    started = time.perf_counter()
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=shuffle) if batch else torch.arange(len(x))
        for index in order.split(batch or len(x)):
            rows = x[index]
            optimizer.zero_grad(set_to_none=True)
            value = loss(model(rows.log1p()), rows)
            value.backward()
            optimizer.step()
        value.item()
    return time.perf_counter() - started, model


def looped(
    x: torch.Tensor, loss, outputs: int, epochs: int, batch: int | None, threads: int
) -> tuple[float, nn.Module]:
    model = Model(x, loss, outputs)
    settings = TrainingSettings(
        epochs=epochs, batch_size=batch, seed=1, device="cpu", compute_threads=threads
    )
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        fit(model, settings, checkpoint_dir=Path(folder) / "checkpoint", log_dir=Path(folder) / "log")
        return time.perf_counter() - started, model.network


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(0)
    cases = [
        ("NB, 12 x 6000, full batch", torch.poisson(torch.rand(12, 6000) * 50), nb_loss, 12000, 300, None),
        ("MSE, 5000 x 978, batch 512", torch.rand(5000, 978), gaussian_loss, 978, 30, 512),
    ]
    for name, x, loss, outputs, epochs, batch in cases:
        times: dict[str, list[float]] = {"bare": [], "loop": []}
        for repeat in range(-1, options.repeats):
            amount = 2 if repeat < 0 else epochs
            seconds, first = bare(x, loss, outputs, amount, batch, options.threads)
            more, second = looped(x, loss, outputs, amount, batch, options.threads)
            if repeat < 0:
                same = all(
                    torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
                )
                print(f"{name}: same weights after 2 epochs: {same}")
                continue
            times["bare"].append(seconds)
            times["loop"].append(more)
        ratios = [b / a for a, b in zip(times["bare"], times["loop"], strict=True)]
        steps = epochs * (1 if batch is None else -(-len(x) // batch))
        hand, ours = min(times["bare"]), min(times["loop"])
        print(
            f"{name}: bare {hand / steps * 1e3:.3f} ms a step, loop {ours / steps * 1e3:.3f}; "
            f"ratio of the best {ours / hand:.3f}, "
            f"median of pairs {statistics.median(ratios):.3f} (range {min(ratios):.3f} to {max(ratios):.3f})"
        )


if __name__ == "__main__":
    main()
