"""Train a classifier of each view: the judge of generated images, and the ceilings of any model given y."""

from pathlib import Path

import pandas as pd
import torch

from workflow_scripts.lib.data.image_pairs import read_pairs
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.models.image_coders import ImageEncoder
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.export import save_model
from workflow_scripts.lib.training.images import DIGITS, ClassifierObjective, classified
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.seeds import seed_all
from workflow_scripts.lib.training.settings import TrainingSettings

VIEWS = {"x": "view 1, rotated", "y": "view 2, noisy"}


def images_of(pairs, view):
    """Images of a view and their digits, as tensors."""
    return {
        "images": torch.from_numpy(getattr(pairs, view))[:, None],
        "digit": torch.from_numpy(pairs.digit).long(),
    }


def main(snakemake) -> None:
    params, output, settings = snakemake.params, snakemake.output, snakemake.params.settings
    splits = read_pairs(snakemake.input.pairs)
    rows = []
    for view in VIEWS:
        seed_all(settings["seed"])
        network = ImageEncoder(DIGITS)
        objective = ClassifierObjective(
            network,
            images_of(splits["train"], view),
            images_of(splits["valid"], view),
            settings["learning_rate"],
        )
        loop = TrainingSettings(
            epochs=settings["epochs"], batch_size=settings["batch_size"], seed=settings["seed"], device=params.device,
            compute_threads=params.compute_threads, keep_best=False, drop_last=True,
        )  # fmt: skip
        label = f"{snakemake.wildcards.dataset} classifier of {VIEWS[view]}"
        result = fit(objective, loop, log_dir=Path(params.log_dir) / view, label=label)
        network.cpu()
        save_model(
            Path(output[view]).parent, network.state_dict(), {"view": view, "epochs": result.epochs_run}
        )
        for row in result.history:
            rows.append((view, view, row["epoch"], "valid", row["validation/accuracy"]))
        for other in VIEWS:
            test = images_of(splits["test"], other)
            right = classified(network, test["images"]).argmax(dim=1) == test["digit"]
            rows.append((view, other, result.epochs_run, "test", float(right.float().mean())))
    columns = ["trained_on", "applied_to", "epoch", "split", "accuracy"]
    write_table(pd.DataFrame(rows, columns=columns), output.ceilings)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "lightning-fabric"), seed=snakemake.params.settings["seed"]):
        main(snakemake)
