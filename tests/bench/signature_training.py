"""Training of the published VAE of signatures: our loop against a loop of its matrix products, and a plain loop.

    python tests/bench/signature_training.py [--rows 20000] [--repeats 5] [--threads 1]
    python tests/bench/signature_training.py --device cuda --rows 197316 --epochs 300

On the CPU one epoch each is run in turns, so that a busy machine slows all: ours (the training loop without
checkpoints and log); only the matrix products of a step, forward and backward, written into tensors that are there
already (the ceiling; the first layer needs no gradient of its input); and a DataLoader of single samples with Adam
that is neither fused nor for-each, as the seed's notebooks train. Ratios are medians over the repeats.

On CUDA ours is run once for the whole training, and its rate of floating-point operations compared with that of one
large product in fp32 and in bf16 on this device.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch.utils.data import DataLoader, TensorDataset

from workflow_scripts.lib.models.vae import PublishedVAE, published_vae_loss
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.settings import TrainingSettings
from workflow_scripts.lib.training.signatures import PublishedVAEObjective

GENES, BATCH = 978, 512
TARGETS = {"ceiling": 0.70, "plain": 1.3}
SHAPES = [(978, 1000), (1000, 1000), (1000, 100), (1000, 100), (100, 1000), (1000, 1000), (1000, 978)]
"""Inputs and outputs of the seven linear layers."""
# Forward and the weights' gradients of all layers, the inputs' gradients of all but the first.
FLOP = sum(2 * i * o * (3 if k else 2) for k, (i, o) in enumerate(SHAPES))
"""Floating-point operations of the matrix products, a sample."""


def ours(
    x: torch.Tensor, epochs: int, threads: int, device: str = "cpu", precision: str = "32-true"
) -> float:
    """Seconds in the loop."""
    torch.manual_seed(0)
    objective = PublishedVAEObjective(PublishedVAE(), {"signatures": x, "validation": x[:0]})
    settings = TrainingSettings(
        epochs=epochs, batch_size=BATCH, seed=0, device=device, precision=precision, compute_threads=threads,
        keep_best=False, tensorboard=False,
    )  # fmt: skip
    return fit(objective, settings).seconds


def products(size: int) -> Callable[[], None]:
    """The matrix products of one step on `size` samples."""
    parts = []
    for place, (inputs, outputs) in enumerate(SHAPES):
        x, w, g = torch.randn(size, inputs), torch.randn(outputs, inputs), torch.randn(size, outputs)
        parts.append(
            (x, w, g, torch.empty_like(g), torch.empty_like(w), torch.empty_like(x) if place else None)
        )

    def step() -> None:
        for x, w, g, y, dw, dx in parts:
            torch.mm(x, w.T, out=y)
            torch.mm(g.T, x, out=dw)
            if dx is not None:
                torch.mm(g, w, out=dx)

    return step


def ceiling(x: torch.Tensor, threads: int) -> float:
    """Seconds of an epoch's matrix products."""
    torch.set_num_threads(threads)
    whole, rest = divmod(len(x), BATCH)
    step, last = products(BATCH), products(rest or 1)
    step()
    started = time.perf_counter()
    for _ in range(whole):
        step()
    if rest:
        last()
    return time.perf_counter() - started


def plain(x: torch.Tensor, threads: int) -> float:
    """Seconds of an epoch as the notebooks train."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.manual_seed(0)
    network = PublishedVAE()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=False, foreach=False)
    started = time.perf_counter()
    total = 0.0
    for (rows,) in DataLoader(TensorDataset(x), batch_size=BATCH, shuffle=True):
        mean, log_variance = network.encode(rows)
        decoded = network.decode(mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance))
        loss, reconstruction = published_vae_loss(rows, decoded, mean, log_variance)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += reconstruction.item()
    return time.perf_counter() - started


def on_cpu(options: argparse.Namespace, x: torch.Tensor) -> None:
    runs: dict[str, Callable[[torch.Tensor], float]] = {
        "ours": lambda rows: ours(rows, 1, options.threads),
        "ceiling": lambda rows: ceiling(rows, options.threads),
        "plain": lambda rows: plain(rows, options.threads),
    }
    for run in runs.values():
        run(x[: 2 * BATCH])
    found: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(options.repeats):
        # Who is first changes, so that a load that comes and goes favours none.
        names = list(runs) if repeat % 2 == 0 else list(reversed(runs))
        for name in names:
            found[name].append(runs[name](x))
    print(
        f"{options.rows:,} x {GENES}, batch {BATCH}, {options.threads} thread(s), {options.repeats} repeats"
    )
    print(f"{'':10} {'samples/s':>10} {'best':>8} {'GFLOP/s':>8}")
    for name, seconds in found.items():
        rate, best = len(x) / statistics.median(seconds), len(x) / min(seconds)
        print(f"{name:10} {rate:10,.0f} {best:8,.0f} {rate * FLOP / 1e9:8.1f}")
    for name, target in TARGETS.items():
        ratios = [b / a for a, b in zip(found["ours"], found[name], strict=True)]
        middle = statistics.median(ratios)
        verdict = "reached" if middle >= target else "missed"
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"ours / {name:8} {middle:5.2f} ({spread}), target {target:.2f}: {verdict}")


def rate_of_products(kind: torch.dtype, size: int = 8192, repeats: int = 20) -> float:
    """Floating-point operations a second of one square product on CUDA, in full precision of its kind."""
    a, b = (torch.randn(size, size, device="cuda", dtype=kind) for _ in range(2))
    out = torch.empty_like(a)
    for _ in range(3):
        torch.mm(a, b, out=out)
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(repeats):
        torch.mm(a, b, out=out)
    torch.cuda.synchronize()
    return 2 * size**3 * repeats / (time.perf_counter() - started)


def on_cuda(options: argparse.Namespace, x: torch.Tensor) -> None:
    kinds = {"32-true": torch.float32, "bf16-mixed": torch.bfloat16}
    rates = {precision: rate_of_products(kind) for precision, kind in kinds.items()}
    print(
        f"{torch.cuda.get_device_name()}: {options.rows:,} x {GENES}, batch {BATCH}, {options.epochs} epochs"
    )
    for precision in kinds:
        ours(x, 1, options.threads, "cuda", precision)
        seconds = ours(x, options.epochs, options.threads, "cuda", precision)
        samples = options.epochs * len(x) / seconds
        shares = ", ".join(f"{100 * samples * FLOP / rate:.1f} % of {name}" for name, rate in rates.items())
        print(
            f"{precision:10} {seconds:8.1f} s {samples:12,.0f} samples/s; products of this device: {shares}"
        )
    print("; ".join(f"{name} products: {rate / 1e12:.1f} TFLOP/s" for name, rate in rates.items()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--epochs", type=int, default=300)
    options = parser.parse_args()
    x = torch.randn(options.rows, GENES, generator=torch.Generator().manual_seed(0))
    (on_cuda if options.device == "cuda" else on_cpu)(options, x)


if __name__ == "__main__":
    main()
