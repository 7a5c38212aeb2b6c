"""Generate molecules for knock-downs, and compare them with known ligands of the proteins knocked down."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.ligands import read_knock_down, read_ligands
from workflow_scripts.lib.data.pairs_file import read_pairs_file
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.ligand_scores import ligand_scores
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.export import load_model
from workflow_scripts.lib.training.molecule_pairs import (
    build_pair_model,
    change_rows,
    drawn_molecules,
    pair_tensors,
)
from workflow_scripts.lib.training.seeds import derive_seed
from workflow_scripts.lib.training.smiles_model import load_smiles_model


def main(snakemake) -> None:
    params, given, names = snakemake.params, snakemake.input, snakemake.wildcards
    seed, number = int(names.seed), params.settings["ligand_draws"]
    torch.set_num_threads(params.compute_threads)
    pairs = read_pairs_file(given.pairs)
    pretrained, _ = load_smiles_model(Path(given.smiles_weights).parent)
    model = build_pair_model("to_molecule", pretrained, pairs.n_vars, params.settings)
    model.load_state_dict(load_model(Path(given.weights).parent)[0])
    model.eval()
    train = pair_tensors(pairs, "train").change
    tables = []
    for target, profile, ligands in zip(params.targets, given.profiles, given.ligands, strict=True):
        rng = torch.Generator().manual_seed(derive_seed(seed, "ligands", target))
        change = read_knock_down(profile, list(pairs.var_names))
        own = torch.from_numpy(change_rows(change[None], np.array([np.nan]))).expand(number, -1)
        # The same model under conditions that have nothing to do with the target.
        other = train[torch.randint(len(train), (number,), generator=rng)]
        known = read_ligands(ligands)
        for condition, rows in (("knock-down", own), ("other", other)):
            drawn = [one for some in drawn_molecules(model, rows, rng, 1) for one in some]
            tables.append(ligand_scores(drawn, known, seed).assign(target=target, condition=condition))
    found = pd.concat(tables).assign(method=names.model, kind="model", seed=seed)
    write_table(
        found[
            ["target", "method", "kind", "condition", "seed", "metric", "value", "low", "high", "molecules"]
        ],
        snakemake.output.scores,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "rdkit"), seed=snakemake.wildcards.seed):
        main(snakemake)
