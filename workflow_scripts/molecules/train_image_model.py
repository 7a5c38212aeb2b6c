"""Train BiAAE or a rival on Noisy MNIST with one seed."""

import hashlib
from pathlib import Path

import torch

from workflow_scripts.lib.data.image_pairs import read_pairs
from workflow_scripts.lib.files import write_json
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.models.image_coders import ImageEncoder
from workflow_scripts.lib.models.paired_models import build
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training import checkpoint
from workflow_scripts.lib.training.export import load_model, save_model, write_runtime
from workflow_scripts.lib.training.images import DIGITS, IMAGES, accuracy_on_the_way
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.model_tables import history_table
from workflow_scripts.lib.training.paired import objective_of
from workflow_scripts.lib.training.seeds import seed_all
from workflow_scripts.lib.training.settings import TrainingSettings


def main(snakemake) -> None:
    params, output, settings = snakemake.params, snakemake.output, snakemake.params.settings
    name, seed = snakemake.wildcards.model, int(snakemake.wildcards.seed)
    splits = read_pairs(snakemake.input.pairs)
    classifier = ImageEncoder(DIGITS)
    classifier.load_state_dict(load_model(Path(snakemake.input.classifier).parent)[0])
    facts = {
        "study": "molecules", "dataset": snakemake.wildcards.dataset, "model": name, "seed": seed,
        "data_digest": hashlib.sha256(Path(snakemake.input.pairs).read_bytes()).hexdigest()[:16],
        "settings": dict(settings), "trained": True,
    }  # fmt: skip
    folder = checkpoint.checkpoint_folder(
        snakemake.config["checkpoint_dir"], "train_image_model", {**facts, "code": params.code}
    )
    with checkpoint.lock(folder):
        seed_all(seed)
        model = build(settings["architecture"], IMAGES, IMAGES, settings)
        train, valid = splits["train"], splits["valid"]
        data = {"x": torch.from_numpy(train.x)[:, None], "y": torch.from_numpy(train.y)[:, None]}
        held_out = {"y": torch.from_numpy(valid.y)[:, None], "digit": torch.from_numpy(valid.digit).long()}
        score = accuracy_on_the_way(model, classifier.eval(), held_out)
        loop = TrainingSettings(
            epochs=settings["epochs"], batch_size=settings["batch_size"], seed=seed, device=params.device,
            compute_threads=params.compute_threads, keep_best=False, drop_last=True,
        )  # fmt: skip
        label = f"{snakemake.wildcards.dataset} {name} seed {seed}"
        result = fit(
            objective_of(model, data, settings, score), loop, checkpoint_dir=folder, log_dir=Path(params.log_dir),
            label=label,
        )  # fmt: skip
        model.cpu()
        save_model(
            Path(output.weights).parent, model.state_dict(), {**facts, "architecture": {"class": name}}
        )
        updates = result.history[-1]["step"]
        write_json(output.metrics, {"epochs": result.epochs_run, "updates": updates})
        write_runtime(output.runtime, result.device, result.seconds, result.samples_per_second)
        write_table(history_table(name, seed, result.history), output.history)
        checkpoint.discard(folder)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "lightning-fabric"), seed=snakemake.wildcards.seed):
        main(snakemake)
