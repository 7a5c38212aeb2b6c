"""Training of the molecules study: SMILES without padding against a padded loop; what a turn of adversaries costs.

    python tests/bench/molecules_training.py [--molecules 4000] [--batch 128] [--repeats 3] [--threads 1] [--moses FILE]

All are run in turns in one process, so that a busy machine slows all; ratios are medians over the repeats.

`smiles`: tokens a second of our training loop, batches of molecules of like length cut to their longest, packed in the
encoder, against the same network and optimiser on batches padded to 150 tokens in random order, as the published code
has them. Molecules are those of MOSES if the file is given, else enumerated ones.

`adversarial`: seconds of a step of BiAAE on image pairs in our loop, discriminators and generators in turn, against
its forward and backward passes and updates alone, called one after the other without a loop.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from workflow_scripts.lib.data.noisy_mnist import noisy_pairs
from workflow_scripts.lib.data.notation import NOTATIONS
from workflow_scripts.lib.data.simulate_digits import simulate_digits
from workflow_scripts.lib.data.simulate_wells import enumerate_molecules
from workflow_scripts.lib.data.smiles_files import read_smiles, some_of
from workflow_scripts.lib.data.smiles_tokens import PAD
from workflow_scripts.lib.models.paired_models import build
from workflow_scripts.lib.models.smiles_coders import SmilesShape, SmilesVAE
from workflow_scripts.lib.training.images import IMAGES
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.paired import AdversarialObjective, prepared
from workflow_scripts.lib.training.settings import TrainingSettings
from workflow_scripts.lib.training.smiles import SmilesObjective

PADDED = 150
TARGETS = {"smiles": 3.0, "adversarial": 1.15}
SMILES_SETTINGS = {"learning_rate": 1e-3, "divergence_weight": 0.01, "warm_up": 0}


def loop_seconds(objective, options: argparse.Namespace) -> float:
    """Seconds of one epoch in our loop."""
    settings = TrainingSettings(
        epochs=1, batch_size=options.batch, seed=0, device="cpu", compute_threads=options.threads, keep_best=False,
        tensorboard=False, drop_last=True,
    )  # fmt: skip
    return fit(objective, settings).seconds


def ours_smiles(tokens: np.ndarray, options: argparse.Namespace) -> float:
    """Seconds of an epoch of our loop; nothing is validated."""

    class Training(SmilesObjective):
        def validate(self, rng: torch.Generator) -> None:
            return None

    torch.manual_seed(0)
    settings = {**SMILES_SETTINGS, "batch_size": options.batch}
    return loop_seconds(Training(SmilesVAE(SmilesShape()), tokens, tokens[:1], settings), options)


class PaddedVAE(SmilesVAE):
    """Every batch at 150 tokens: the encoder runs through the padding, and so does the decoder."""

    def losses(self, tokens: torch.Tensor, rng: torch.Generator, divergence_weight: float):
        ends = (tokens != PAD).sum(dim=1) - 1
        states, _ = self.encoder.recurrent(self.encoder.embedding(tokens))
        last = states[torch.arange(len(tokens)), ends]
        mean, log_variance = self.encoder.head(last).chunk(2, dim=1)
        z = mean + torch.randn(mean.shape, generator=rng) * torch.exp(0.5 * log_variance)
        inputs = torch.cat(
            [self.decoder.embedding(tokens[:, :-1]), z[:, None].expand(-1, PADDED - 1, -1)], dim=2
        )
        states, _ = self.decoder.recurrent(inputs, self.decoder._state(z))
        logits = self.decoder.out(states).transpose(1, 2)
        nats = torch.nn.functional.cross_entropy(logits, tokens[:, 1:], ignore_index=PAD, reduction="none")
        loss = (nats.sum(dim=1) / ends).mean()
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
        return {"loss": loss + divergence_weight * divergence}


def padded_smiles(tokens: np.ndarray, options: argparse.Namespace) -> float:
    """Seconds of an epoch of a plain loop over padded batches."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model, rng = PaddedVAE(SmilesShape()), torch.Generator().manual_seed(0)
    whole = torch.full((len(tokens), PADDED), PAD, dtype=torch.long)
    whole[:, : tokens.shape[1]] = torch.from_numpy(tokens).long()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batches = torch.randperm(len(whole), generator=rng).split(options.batch)
    batches = [batch for batch in batches if len(batch) == options.batch]
    started = time.perf_counter()
    for index in batches:
        optimizer.zero_grad()
        model.losses(whole[index], rng, 0.01)["loss"].backward()
        optimizer.step()
    return time.perf_counter() - started


def image_data(options: argparse.Namespace) -> dict[str, torch.Tensor]:
    """Simulated image pairs."""
    pairs = noisy_pairs(*simulate_digits(options.images, 0), 0, "train")
    return {name: torch.from_numpy(getattr(pairs, name))[:, None] for name in "xy"}


def biaae() -> AdversarialObjective:
    """Fresh BiAAE of images."""
    torch.manual_seed(0)
    return build("biaae", IMAGES, IMAGES, {"latent": 16, "shared": 4})


def adversarial_loop(data: dict[str, torch.Tensor], options: argparse.Namespace) -> float:
    """Seconds of an epoch of our loop."""
    return loop_seconds(AdversarialObjective(biaae(), data), options)


def adversarial_passes(data: dict[str, torch.Tensor], options: argparse.Namespace) -> float:
    """Seconds of the forward and backward passes and updates of as many steps, batches cut beforehand."""
    torch.set_num_threads(options.threads)
    model = biaae().train()
    rng = torch.Generator().manual_seed(0)
    objective = AdversarialObjective(model, data)
    optimizers = objective.optimizers()
    sides = {
        "discriminators": (model.discriminator_losses, list(model.discriminators.parameters())),
        "generators": (model.generator_losses, model.generators()),
    }
    parts = zip(data["x"].split(options.batch), data["y"].split(options.batch), strict=True)
    batches = [(prepared(x), prepared(y)) for x, y in parts if len(x) == options.batch]
    started = time.perf_counter()
    for place, (x, y) in enumerate(batches):
        side = "generators" if place % 2 else "discriminators"
        losses, parameters = sides[side]
        optimizers[side].zero_grad(set_to_none=True)
        losses(x, y, rng)["loss"].backward(inputs=parameters)
        optimizers[side].step()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--molecules", type=int, default=4000)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--moses", type=Path, help="MOSES' table of SMILES")
    options = parser.parse_args()
    known = read_smiles(options.moses) if options.moses else list(enumerate_molecules()["smiles"])
    tokens = NOTATIONS["smiles"].encode_all(some_of(known, options.molecules, 0))
    data = image_data(options)
    used = len(tokens) // options.batch * options.batch
    number = (tokens != PAD).sum() * used / len(tokens)
    ratios: dict[str, list[float]] = {"smiles": [], "adversarial": []}
    for _ in range(options.repeats):
        padded, ours = padded_smiles(tokens, options), ours_smiles(tokens, options)
        ratios["smiles"].append(padded / ours)
        print(f"smiles: {number / ours:,.0f} tokens/s, padded to {PADDED} {number / padded:,.0f}", flush=True)
        passes, loop = adversarial_passes(data, options), adversarial_loop(data, options)
        ratios["adversarial"].append(loop / passes)
        steps = len(data["x"]) // options.batch
        print(
            f"adversarial: {1e3 * loop / steps:.1f} ms a step, passes alone {1e3 * passes / steps:.1f} ms",
            flush=True,
        )
    faster, dearer = (statistics.median(ratios[name]) for name in ("smiles", "adversarial"))
    print(f"smiles: {faster:.2f} times the tokens a second (wanted: at least {TARGETS['smiles']})")
    print(f"adversarial: {dearer:.3f} times the passes alone (wanted: at most {TARGETS['adversarial']})")


if __name__ == "__main__":
    main()
