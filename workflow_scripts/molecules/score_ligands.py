"""Generate molecules for knock-downs, and compare them with known ligands of the proteins knocked down."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.ligands import read_knock_down
from workflow_scripts.lib.data.molecules import fingerprints
from workflow_scripts.lib.data.pairs_file import read_pairs_file
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.ligand_scores import ligand_scores, over_conditions
from workflow_scripts.lib.tables import read_table, write_table
from workflow_scripts.lib.training.export import load_model
from workflow_scripts.lib.training.molecule_pairs import (
    build_pair_model,
    change_rows,
    drawn_molecules,
)
from workflow_scripts.lib.training.seeds import derive_seed
from workflow_scripts.lib.training.smiles_model import load_smiles_model

CONDITIONS = 20


def drawn_for(model, changes, number, rng):
    """Strings that the model draws for each change at the usual dose, `number` each."""
    rows = torch.from_numpy(change_rows(changes, np.full(len(changes), np.nan)))
    drawn = [one for (one,) in drawn_molecules(model, rows.repeat_interleave(number, dim=0), rng, 1)]
    return [drawn[k * number : (k + 1) * number] for k in range(len(changes))]


def other_changes(train, ligands, seed):
    """Changes of some training molecules that are no known ligands, one well each."""
    free = train[~train.obs["smiles"].isin(ligands).to_numpy()]
    wells = free.obs.sample(frac=1, random_state=seed).drop_duplicates("smiles").index[:CONDITIONS]
    return np.asarray(free[wells].X)


def main(snakemake) -> None:
    params, given, names = snakemake.params, snakemake.input, snakemake.wildcards
    seed, number = int(names.seed), params.settings["ligand_draws"]
    torch.set_num_threads(params.compute_threads)
    pairs = read_pairs_file(given.pairs)
    pretrained, _ = load_smiles_model(Path(given.smiles_weights).parent)
    model = build_pair_model("to_molecule", pretrained, pairs.n_vars, params.settings)
    model.load_state_dict(load_model(Path(given.weights).parent)[0])
    model.eval()
    train = pairs[(pairs.obs["split"] == "train").to_numpy()]
    tables = []
    ligands = read_table(given.ligands, ("target", "smiles"))
    for target, profile in zip(params.targets, given.profiles, strict=True):
        rng = torch.Generator().manual_seed(derive_seed(seed, "ligands", target))
        known = list(ligands.loc[ligands["target"] == target, "smiles"])
        prints = fingerprints(known)
        change = read_knock_down(profile, list(pairs.var_names))
        (drawn,) = drawn_for(model, change[None], number, rng)
        own = ligand_scores(drawn, prints, seed)
        # The same model under single conditions that have nothing to do with the target.
        changes = other_changes(train, known, derive_seed(seed, "conditions", target))
        others = [
            ligand_scores(some, prints, seed) for some in drawn_for(model, changes, max(number // 5, 1), rng)
        ]
        tables.append(own.assign(target=target, condition="knock-down"))
        tables.append(over_conditions(others).assign(target=target, condition="other"))
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
