"""Pretrain the autoencoder of SMILES on MOSES, or take the weights that the config names."""

import logging
import shutil
from pathlib import Path

import pandas as pd
import torch

from workflow_scripts.lib.data.molecules import canonical
from workflow_scripts.lib.data.smiles_files import read_smiles, readable, some_of
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.generated_molecules import moses_scores
from workflow_scripts.lib.models.smiles_coders import SmilesVAE
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training import checkpoint
from workflow_scripts.lib.training.export import save_model, write_runtime
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.model_tables import history_table
from workflow_scripts.lib.training.seeds import derive_seed, seed_all
from workflow_scripts.lib.training.settings import TrainingSettings
from workflow_scripts.lib.training.smiles import SmilesObjective, bigram_loss
from workflow_scripts.lib.training.smiles_model import (
    architecture,
    card_settings,
    draw_molecules,
    load_smiles_model,
    rebuilt_share,
)

log = logging.getLogger("latentome")
HELD_OUT, REBUILT = 5_000, 1_000


@torch.no_grad()
def scores_of(model, objective, train, held_out, settings, seed):
    """Scores of the pretrained model on held-out molecules and of what its prior generates: sampling, metric, value."""
    rng = torch.Generator().manual_seed(derive_seed(seed, "prior"))
    found = objective.validate(torch.Generator().manual_seed(derive_seed(seed, "held out")))
    notation = model.shape.tokens
    bigram = bigram_loss(notation.encode_all(train), notation.encode_all(held_out), len(notation.tokens))
    rows = [
        ("held out", "nats_per_token", found["validation"]),
        ("held out", "reconstruction_per_token", found["reconstruction"]),
        ("held out", "bigram_nats_per_token", bigram),
        ("held out", "rebuilt", rebuilt_share(model, held_out[:REBUILT], rng)),
    ]
    known, reference = {canonical(one) for one in train}, [canonical(one) for one in held_out]
    for temperature in settings["temperatures"]:
        generated = draw_molecules(model, settings["generated"], rng, temperature)
        found = moses_scores(generated, known, reference)
        rows += [(f"temperature {temperature:g}", metric, value) for metric, value in found.items()]
    return pd.DataFrame(rows, columns=["sampling", "metric", "value"])


def main(snakemake) -> None:
    params, given, output = snakemake.params, snakemake.input, snakemake.output
    settings, seed = params.settings, params.settings["seed"]
    if given.get("pretrained"):
        model, _ = load_smiles_model(Path(given.pretrained[0]).parent)
        if model.shape.notation != settings["notation"]:
            raise LatentomeError(
                f"{given.pretrained[0]}: reads and writes {model.shape.notation}; expected {settings['notation']}, by "
                "config key molecules: smiles: notation; set pretrained to null to train one of that notation"
            )
        for source in given.pretrained:
            shutil.copyfile(source, Path(output.weights).parent / Path(source).name)
        return
    shape = card_settings(settings)
    train = some_of(read_smiles(given.train), settings["molecules"], derive_seed(seed, "molecules"))
    held_out = some_of(read_smiles(given.test), HELD_OUT, derive_seed(seed, "held out"))
    train, held_out = (
        readable(some, str(path), shape.longest, shape.tokens)
        for some, path in ((train, given.train), (held_out, given.test))
    )
    facts = {
        "study": "molecules", "model": "smiles_vae", "seed": seed, "settings": dict(settings),
        "molecules": len(train), "trained": True,
    }  # fmt: skip
    folder = checkpoint.checkpoint_folder(
        snakemake.config["checkpoint_dir"], "pretrain_smiles", {**facts, "code": params.code}
    )
    with checkpoint.lock(folder):
        seed_all(seed)
        model = SmilesVAE(shape)
        objective = SmilesObjective(
            model, shape.tokens.encode_all(train), shape.tokens.encode_all(held_out), settings
        )
        loop = TrainingSettings(
            epochs=settings["epochs"], batch_size=settings["batch_size"], seed=seed, device=params.device,
            compute_threads=params.compute_threads, keep_best=False, gradient_clip=settings["gradient_clip"],
        )  # fmt: skip
        result = fit(
            objective,
            loop,
            checkpoint_dir=folder,
            log_dir=Path(params.log_dir),
            label="autoencoder of SMILES",
        )
        model.cpu()
        scores = scores_of(model, objective, train, held_out, settings, seed)
        log.info("%s", scores.to_string(index=False))
        save_model(
            Path(output.weights).parent, model.state_dict(), {**facts, "architecture": architecture(shape)}
        )
        write_runtime(output.runtime, result.device, result.seconds, result.samples_per_second)
        write_table(history_table("smiles_vae", seed, result.history), output.history)
        write_table(scores, output.scores)
        checkpoint.discard(folder)


if __name__ == "__main__":
    with job_log(
        snakemake.log[0], ("torch", "lightning-fabric", "rdkit"), seed=snakemake.params.settings["seed"]
    ):
        main(snakemake)
