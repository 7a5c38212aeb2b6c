"""Compare molecules that were not generated for a knock-down with known ligands of the protein."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.ligands import read_knock_down
from workflow_scripts.lib.data.molecules import fingerprints
from workflow_scripts.lib.data.pairs_file import read_pairs_file
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.ligand_scores import ligand_scores
from workflow_scripts.lib.stats.expression_predictors import similar_changes
from workflow_scripts.lib.tables import read_table, write_table
from workflow_scripts.lib.training.seeds import derive_seed
from workflow_scripts.lib.training.smiles_model import draw_molecules, load_smiles_model

SIMILAR = 20


def main(snakemake) -> None:
    params, given = snakemake.params, snakemake.input
    seed, number = params.settings["split_seed"], params.settings["ligand_draws"]
    torch.set_num_threads(params.compute_threads)
    pairs = read_pairs_file(given.pairs)
    train = pairs[(pairs.obs["split"] == "train").to_numpy()]
    molecules = list(train.obs["smiles"])
    pretrained, _ = load_smiles_model(Path(given.smiles_weights).parent)
    tables = []
    ligands = read_table(given.ligands, ("target", "smiles"))
    for target, profile in zip(params.targets, given.profiles, strict=True):
        rng = torch.Generator().manual_seed(derive_seed(seed, "ligands", target))
        change = read_knock_down(profile, list(pairs.var_names))
        known = fingerprints(list(ligands.loc[ligands["target"] == target, "smiles"]))
        drawn = {
            "prior": draw_molecules(pretrained, number, rng),
            "random_training": sorted(set(molecules)),
            "similar_change": similar_changes(
                np.asarray(train.X, float), change[None].astype(float), molecules, SIMILAR
            )[0],
        }
        tables += [
            ligand_scores(some, known, seed).assign(target=target, method=name)
            for name, some in drawn.items()
        ]
    found = pd.concat(tables).assign(kind="baseline", condition="", seed=seed)
    write_table(
        found[
            ["target", "method", "kind", "condition", "seed", "metric", "value", "low", "high", "molecules"]
        ],
        snakemake.output.scores,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "rdkit"), seed=snakemake.params.settings["split_seed"]):
        main(snakemake)
