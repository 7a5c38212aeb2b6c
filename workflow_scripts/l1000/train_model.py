"""Train one model of signatures with one seed, or take weights that the dataset's block names."""

import hashlib
from pathlib import Path

import numpy as np

from workflow_scripts.lib.data.l1000 import read_parts, read_signatures
from workflow_scripts.lib.files import write_json
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training import checkpoint
from workflow_scripts.lib.training.export import load_model, names_digest, save_model, write_runtime
from workflow_scripts.lib.training.fit_signatures import train_signature_model
from workflow_scripts.lib.training.model_tables import history_table
from workflow_scripts.lib.training.parallel import gpus_of, relaunched
from workflow_scripts.lib.training.seeds import seed_all
from workflow_scripts.lib.training.signature_models import architecture, restore


def main(snakemake) -> None:
    params, output, given = snakemake.params, snakemake.output, snakemake.input
    model, seed = snakemake.wildcards.model, int(snakemake.wildcards.seed)
    data = read_signatures(given.signatures)
    parts = read_parts(given.splits, data.sheet)
    folder_out = output.weights.rsplit("/", 1)[0]
    facts = {
        "study": "l1000",
        "dataset": snakemake.wildcards.dataset,
        "model": model,
        "seed": seed,
        "genes_digest": names_digest(data.genes.index),
        "data_digest": hashlib.sha256(np.ascontiguousarray(data.matrix)).hexdigest()[:16],
        "settings": dict(params.settings),
        "trained": True,
    }
    if given.pretrained:
        folder = Path(given.pretrained[0]).parent
        state, found = load_model(folder, {"genes_digest": facts["genes_digest"]})
        restore(state, found, f"{folder}/model.json")
        save_model(folder_out, state, {**found, "model": model, "seed": seed, "trained": False})
        write_json(output.metrics, {"pretrained": True})
        write_runtime(output.runtime, "cpu", 0.0)
        write_table(history_table(model, seed, []), output.history)
        return
    rows = hashlib.sha256(
        repr((parts.tolist(), data.sheet[["cell_id", "pcl_id"]].to_numpy().tolist())).encode()
    )
    key = {**facts, "inputs": rows.hexdigest(), "code": params.code}
    folder = checkpoint.checkpoint_folder(snakemake.config["checkpoint_dir"], "train_model", key)
    with checkpoint.lock(folder):
        seed_all(seed)
        trained, result = train_signature_model(
            model, data.matrix, data.sheet, parts, params.settings, seed,
            device=params.device, compute_threads=params.compute_threads, checkpoint_dir=folder,
            log_dir=Path(params.log_dir), label=f"{snakemake.wildcards.dataset} {model} seed {seed}",
        )  # fmt: skip
        card = {
            **facts,
            "architecture": architecture(trained.network),
            "cell_lines": trained.cell_lines,
            "classes": trained.classes,
        }
        save_model(folder_out, trained.network.state_dict(), card)
        metrics = {
            "best_validation": result.best_validation,
            "best_epoch": result.best_epoch,
            "epochs_run": result.epochs_run,
            "stopped_early": result.stopped_early,
        }
        write_json(output.metrics, metrics)
        write_runtime(output.runtime, result.device, result.seconds, result.samples_per_second)
        write_table(history_table(model, seed, result.history), output.history)
        checkpoint.discard(folder)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "lightning-fabric"), seed=snakemake.wildcards.seed):
        # With several GPUs, in a process each; an S-VQ-VAE trains in one, whatever the rule asks for.
        shared = not snakemake.wildcards.model.startswith("svqvae")
        if not (shared and relaunched(gpus_of(snakemake.resources))):
            main(snakemake)
