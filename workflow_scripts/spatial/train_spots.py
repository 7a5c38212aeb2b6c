"""Train the Gaussian-mixture VGAE on all counts with one seed, or take weights that the dataset's block names."""

import hashlib
from pathlib import Path

import pandas as pd
from scipy import sparse

from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.files import write_json
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training import checkpoint
from workflow_scripts.lib.training.export import load_model, names_digest, save_model, write_runtime
from workflow_scripts.lib.training.fit_spots import train_spot_model
from workflow_scripts.lib.training.spot_model import architecture, restore


def main(snakemake) -> None:
    params, output, given = snakemake.params, snakemake.output, snakemake.input
    seed, dataset = int(snakemake.wildcards.seed), snakemake.wildcards.dataset
    spots, graph = read_spots(given.spots), sparse.load_npz(given.graph)
    folder_out = output.weights.rsplit("/", 1)[0]
    # Not the labels: training never sees them.
    digest = hashlib.sha256(spots.X.data.tobytes() + spots.X.indices.tobytes() + graph.indices.tobytes())
    facts = {
        "study": "spatial", "dataset": dataset, "model": "gmm_vgae", "seed": seed,
        "genes_digest": names_digest(spots.var_names), "data_digest": digest.hexdigest()[:16],
        "settings": dict(params.settings), "trained": True,
    }  # fmt: skip
    if given.pretrained:
        folder = Path(given.pretrained[0]).parent
        state, found = load_model(folder, {"genes_digest": facts["genes_digest"]})
        restore(state, found, f"{folder}/model.json")
        save_model(folder_out, state, {**found, "seed": seed, "trained": False})
        write_json(output.metrics, {"pretrained": True})
        write_runtime(output.runtime, "cpu", 0.0)
        write_table(pd.DataFrame(columns=["epoch", "step", "loss"]), output.history)
        return
    folder = checkpoint.checkpoint_folder(
        snakemake.config["checkpoint_dir"], "train_spots", {**facts, "code": params.code}
    )
    with checkpoint.lock(folder):
        model, result = train_spot_model(
            spots.X, graph, params.settings, seed, device=params.device, compute_threads=params.compute_threads,
            checkpoint_dir=folder, log_dir=Path(params.log_dir), label=f"{dataset} gmm_vgae seed {seed}",
        )  # fmt: skip
        save_model(folder_out, model.network.state_dict(), {**facts, "architecture": architecture(model)})
        metrics = {
            "best_validation": result.best_validation,
            "best_epoch": result.best_epoch,
            "epochs_run": result.epochs_run,
            "stopped_early": result.stopped_early,
            "components": model.network.shape.components,
        }
        write_json(output.metrics, metrics)
        write_runtime(output.runtime, result.device, result.seconds, result.samples_per_second)
        write_table(pd.DataFrame(result.history), output.history)
        checkpoint.discard(folder)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "lightning-fabric"), seed=snakemake.wildcards.seed):
        main(snakemake)
