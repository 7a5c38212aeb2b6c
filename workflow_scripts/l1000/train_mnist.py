"""Train the S-VQ-VAE of the MNIST tutorial with one seed; score it beside the mean image of each digit."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.idx import read_idx
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import write_json
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.models.svqvae_images import (
    PIXELS,
    ImageSVQVAE,
    class_means,
    scaled,
    scores_beside_means,
)
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training import checkpoint
from workflow_scripts.lib.training.export import save_model, write_runtime
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.model_tables import history_table
from workflow_scripts.lib.training.seeds import seed_all
from workflow_scripts.lib.training.settings import TrainingSettings
from workflow_scripts.lib.training.signatures import SVQVAEObjective

MODEL, DIGITS, BATCH, LEARNING_RATE = "svqvae_images", 10, 256, 1e-3
EVERY = 5  # of the test images one is scored while it trains (their first half is the easier); none decides anything


def read_digits(paths, most=None):
    """The first `most` images [images x 1 x 28 x 28] from -1 to 1, and their digits."""
    images, digits = (read_idx(path) for path in paths)
    if (
        images.shape[1:] != (PIXELS, PIXELS)
        or digits.shape != images.shape[:1]
        or digits.max(initial=0) >= DIGITS
    ):
        raise LatentomeError(
            f"{paths[0]} holds {images.shape} values and {paths[1]} {digits.shape}; expected n x 28 x 28 and n "
            "digits below 10; give images first and labels second"
        )
    return scaled(torch.tensor(images[:most])), torch.tensor(digits[:most]).long()


def tidy(values, names):
    """One row an entry: its indices, then the value."""
    columns = [*(axis.ravel() for axis in np.indices(values.shape)), values.ravel()]
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


def main(snakemake) -> None:
    params, output, seed = snakemake.params, snakemake.output, int(snakemake.wildcards.seed)
    images, digits = read_digits(snakemake.input.train, params.settings["images"])
    test, test_digits = read_digits(snakemake.input.test)
    files = b"".join(Path(path).read_bytes() for path in (*snakemake.input.train, *snakemake.input.test))
    facts = {
        "study": "l1000", "dataset": snakemake.wildcards.dataset, "model": MODEL, "seed": seed,
        "data_digest": hashlib.sha256(files).hexdigest()[:16], "settings": dict(params.settings), "trained": True,
    }  # fmt: skip
    key = {**facts, "code": params.code}
    folder = checkpoint.checkpoint_folder(snakemake.config["checkpoint_dir"], "train_mnist", key)
    with checkpoint.lock(folder):
        seed_all(seed)
        network, epochs = ImageSVQVAE(DIGITS), params.settings["epochs"]
        data = {
            "signatures": images, "classes": digits,
            "validation": test[::EVERY], "validation_classes": test_digits[::EVERY],
        }  # fmt: skip
        loop = TrainingSettings(
            epochs=epochs, batch_size=BATCH, seed=seed, device=params.device, compute_threads=params.compute_threads,
            validate_every=max(1, epochs // 12), keep_best=False,
        )  # fmt: skip
        objective = SVQVAEObjective(network, data, learning_rate=LEARNING_RATE)
        names = {
            "log_dir": Path(params.log_dir),
            "label": f"{snakemake.wildcards.dataset} {MODEL} seed {seed}",
        }
        result = fit(objective, loop, checkpoint_dir=folder, **names)
        network = network.cpu()
        card = {**facts, "architecture": {"class": "ImageSVQVAE", "classes": DIGITS}}
        save_model(Path(output.weights).parent, network.state_dict(), card)
        means, metrics, counts = class_means(images, digits, DIGITS), {"epochs": result.epochs_run}, []
        for split, pictures, labels in (("train", images, digits), ("test", test, test_digits)):
            nearest, scores = scores_beside_means(network, pictures, labels, means, images.mean(dim=0))
            metrics |= {f"{split}_{name}": value for name, value in scores.items()}
            table = torch.bincount(labels * DIGITS + nearest, minlength=DIGITS**2).reshape(DIGITS, DIGITS)
            counts.append(tidy(table.numpy(), ("digit", "code", "count")).assign(split=split))
        write_json(output.metrics, metrics)
        write_runtime(output.runtime, result.device, result.seconds, result.samples_per_second)
        write_table(history_table(MODEL, seed, result.history), output.history)
        write_table(pd.concat(counts)[["split", "digit", "code", "count"]], output.codes)
        codes = network.codebook.weight.detach()
        apart, pixels = torch.cdist(codes.double(), codes.double()), network.decode(codes).detach()[:, 0]
        write_table(tidy(apart.numpy(), ("code_a", "code_b", "distance")), output.distances)
        write_table(tidy(pixels.numpy(), ("code", "row", "column", "value")), output.decoded)
        checkpoint.discard(folder)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "lightning-fabric"), seed=snakemake.wildcards.seed):
        main(snakemake)
