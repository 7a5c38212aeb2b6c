"""Train one NB-VAE with one seed, or take weights that the dataset's block names."""

import hashlib
from pathlib import Path

import numpy as np

from workflow_scripts.lib.data.bulk import one_hot, read_bulk
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import write_json
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training import checkpoint
from workflow_scripts.lib.training.export import load_model, names_digest, save_model, write_runtime
from workflow_scripts.lib.training.fit_nbvae import card, encode, restore, train_nbvae
from workflow_scripts.lib.training.model_tables import history_table, latent_table
from workflow_scripts.lib.training.parallel import gpus_of, relaunched
from workflow_scripts.lib.training.seeds import seed_all


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    model, seed = snakemake.wildcards.model, int(snakemake.wildcards.seed)
    settings = params.settings
    data = read_bulk(snakemake.input.counts)
    counts, batch = data.counts.to_numpy().T, one_hot(data.samples, params.batch)
    facts = {
        "study": "bulk",
        "dataset": snakemake.wildcards.dataset,
        "model": model,
        "seed": seed,
        "genes_digest": names_digest(data.counts.index),
        "data_digest": hashlib.sha256(np.ascontiguousarray(counts)).hexdigest()[:16],
        "settings": dict(settings),
        "batch": list(params.batch),
        "trained": True,
    }
    if snakemake.input.pretrained:
        folder = Path(snakemake.input.pretrained[0]).parent
        state, found = load_model(folder, {"genes_digest": facts["genes_digest"]})
        if found.get("architecture", {}).get("class") != "NBVAE":
            raise LatentomeError(f"{folder}/model.json: architecture is no NBVAE; mend config key pretrained")
        network = restore(state, found["architecture"])
        mean, sd = encode(network, counts, data.size_factors, batch)
        save_model(output.weights.rsplit("/", 1)[0], state, {**found, "trained": False})
        write_json(output.metrics, {"pretrained": True})
        write_runtime(output.runtime, "cpu", 0.0)
        write_table(history_table(model, seed, []), output.history)
    else:
        inputs = [np.asarray(data.size_factors).tolist(), np.asarray(batch).tolist()]
        key = {**facts, "inputs": inputs, "code": params.code}
        folder = checkpoint.checkpoint_folder(snakemake.config["checkpoint_dir"], "train_nbvae", key)
        with checkpoint.lock(folder):
            seed_all(seed)
            trained = train_nbvae(
                model, counts, data.size_factors, batch, settings, seed,
                device=params.device, compute_threads=params.compute_threads, checkpoint_dir=folder,
                log_dir=Path(params.log_dir), label=f"{snakemake.wildcards.dataset} {model} seed {seed}",
            )  # fmt: skip
            mean, sd, result = trained.latent_mean, trained.latent_sd, trained.result
            save_model(
                output.weights.rsplit("/", 1)[0],
                trained.network.state_dict(),
                {**facts, "architecture": card(trained.network)},
            )
            metrics = {
                "held_out_nats_per_count": result.best_validation,
                "best_epoch": result.best_epoch,
                "epochs_run": result.epochs_run,
                "stopped_early": result.stopped_early,
            }
            write_json(output.metrics, metrics)
            write_runtime(output.runtime, result.device, result.seconds, result.samples_per_second)
            write_table(history_table(model, seed, result.history), output.history)
            checkpoint.discard(folder)
    write_table(latent_table(model, seed, data.counts.columns, mean, sd), output.latent)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "lightning-fabric"), seed=snakemake.wildcards.seed):
        # With several GPUs, in a process each.
        if not relaunched(gpus_of(snakemake.resources)):
            main(snakemake)
