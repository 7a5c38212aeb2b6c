"""Train BiAAE or a rival on molecules and expression changes, in one direction, with one seed."""

import hashlib
from pathlib import Path

from workflow_scripts.lib.data.pairs_file import read_pairs_file
from workflow_scripts.lib.files import write_json
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training import checkpoint
from workflow_scripts.lib.training.export import names_digest, save_model, write_runtime
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.model_tables import history_table
from workflow_scripts.lib.training.molecule_pairs import build_pair_model, pair_tensors, score_on_the_way
from workflow_scripts.lib.training.paired import objective_of
from workflow_scripts.lib.training.seeds import seed_all
from workflow_scripts.lib.training.settings import TrainingSettings
from workflow_scripts.lib.training.smiles_model import load_smiles_model


def main(snakemake) -> None:
    params, output, settings = snakemake.params, snakemake.output, snakemake.params.settings
    names, seed = snakemake.wildcards, int(snakemake.wildcards.seed)
    pairs = read_pairs_file(snakemake.input.pairs)
    pretrained, card = load_smiles_model(Path(snakemake.input.smiles_weights).parent)
    facts = {
        "study": "molecules", "dataset": names.dataset, "direction": names.direction, "model": names.model,
        "seed": seed,
        "data_digest": hashlib.sha256(Path(snakemake.input.pairs).read_bytes()).hexdigest()[:16],
        "genes_digest": names_digest(pairs.var_names), "smiles_model": card["weights_sha256"],
        "settings": dict(settings), "trained": True,
    }  # fmt: skip
    folder = checkpoint.checkpoint_folder(
        snakemake.config["checkpoint_dir"], "train_pair_model", {**facts, "code": params.code}
    )
    with checkpoint.lock(folder):
        seed_all(seed)
        model = build_pair_model(names.direction, pretrained, pairs.n_vars, settings)
        train, valid = (pair_tensors(pairs, part, pretrained.shape.tokens) for part in ("train", "valid"))
        score = score_on_the_way(model, names.direction, valid)
        loop = TrainingSettings(
            epochs=settings["epochs"], batch_size=settings["batch_size"], seed=seed, device=params.device,
            compute_threads=params.compute_threads, drop_last=True, patience=settings["patience"],
            validate_every=settings["validate_every"], gradient_clip=settings["gradient_clip"],
        )  # fmt: skip
        result = fit(
            objective_of(model, train.views(names.direction), settings, score), loop,
            checkpoint_dir=folder, log_dir=Path(params.log_dir),
            label=f"{names.dataset} {names.model} {names.direction.replace('_', ' ')} seed {seed}",
        )  # fmt: skip
        model.cpu()
        save_model(Path(output.weights).parent, model.state_dict(), facts)
        metrics = {
            "epochs": result.epochs_run,
            "best_epoch": result.best_epoch,
            "best_validation": result.best_validation,
        }
        write_json(output.metrics, metrics)
        write_runtime(output.runtime, result.device, result.seconds, result.samples_per_second)
        write_table(history_table(names.model, seed, result.history), output.history)
        checkpoint.discard(folder)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "lightning-fabric"), seed=snakemake.wildcards.seed):
        main(snakemake)
