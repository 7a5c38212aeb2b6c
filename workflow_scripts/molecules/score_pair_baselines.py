"""Score on the test pairs what any model has to beat: simple predictors, and molecules not made for them."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.molecules import fingerprints, tanimoto
from workflow_scripts.lib.data.pairs_file import conditions, read_pairs_file
from workflow_scripts.lib.data.smiles_files import read_pretraining
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.expression_change import replicate_agreement
from workflow_scripts.lib.metrics.pair_scores import averaged, expression_scores, molecule_scores, of_the_set
from workflow_scripts.lib.stats.expression_predictors import PREDICTORS, group_means, similar_changes
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.seeds import derive_seed
from workflow_scripts.lib.training.smiles_model import draw_molecules, load_smiles_model


def of_changes(train, test, seed):
    """Scores of the simple predictors of expression changes, and what replicates leave to be predicted."""
    prints, wanted = (fingerprints(list(some.obs["smiles"])) for some in (train, test))
    changes, measured, molecules = (
        np.asarray(train.X, float),
        np.asarray(test.X, float),
        list(test.obs["smiles"]),
    )
    groups, wanted_groups = conditions(train.obs), conditions(test.obs)
    plain = group_means(changes, groups, wanted_groups)
    predicted = {name: predict(prints, changes, wanted) for name, predict in PREDICTORS.items()}
    if len(set(groups + wanted_groups)) > 1:
        predicted["group_mean"] = plain
    tables = {
        name: expression_scores(found, measured, plain, molecules, seed) for name, found in predicted.items()
    }
    # Replicates: wells of one molecule, dose, cell line and time, if the dose is known.
    known = test.obs["dose_um"].notna().to_numpy()
    condition = (
        test.obs["smiles"]
        + " "
        + test.obs["dose_um"].astype(str)
        + " "
        + pd.Series(wanted_groups, test.obs_names)
    )
    found = replicate_agreement(measured[known], list(condition[known]))
    limits = {"rmse": found["ceiling_rmse"], "pearson": found["ceiling_pearson"]}
    return {**tables, "replicates": of_the_set(limits, test.obs["smiles"].nunique())}


def of_molecules(pretrained, train, test, pretraining, settings, seed):
    """Scores of molecules not made for their pair: from the prior, the training set, and the nearest of it."""
    true, known = list(test.obs["smiles"]), sorted(set(train.obs["smiles"]))
    number, rng = settings["draws"], np.random.default_rng(derive_seed(seed, "random molecules"))
    torch_rng = torch.Generator().manual_seed(derive_seed(seed, "prior"))
    prior = draw_molecules(pretrained, number * len(true), torch_rng)
    near = similar_changes(
        np.asarray(train.X, float), np.asarray(test.X, float), list(train.obs["smiles"]), number
    )
    drawn = {
        "prior": [prior[k * number : (k + 1) * number] for k in range(len(true))],
        "random_training": [list(rng.choice(known, number)) for _ in true],
        "similar_change": near,
    }
    tables = {name: molecule_scores(some, true, known, pretraining, seed) for name, some in drawn.items()}
    # the best that the training set has
    best = tanimoto(fingerprints(true), fingerprints(known)).max(axis=1).astype(float)
    return {**tables, "nearest_training": averaged({"tanimoto": best, "best_tanimoto": best}, true, seed)}


def main(snakemake) -> None:
    given, settings, seed = (
        snakemake.input,
        snakemake.params.settings,
        snakemake.params.settings["split_seed"],
    )
    torch.set_num_threads(snakemake.params.compute_threads)
    pairs = read_pairs_file(given.pairs)
    train, test = (pairs[(pairs.obs["split"] == part).to_numpy()] for part in ("train", "test"))
    pretrained, _ = load_smiles_model(Path(given.smiles_weights).parent)
    seen = read_pretraining(*given.pretraining).flat if given.pretraining else None
    for tables, path in (
        (of_changes(train, test, seed), snakemake.output.to_expression),
        (of_molecules(pretrained, train, test, seen, settings, seed), snakemake.output.to_molecule),
    ):
        kinds = {"replicates": "ceiling", "nearest_training": "ceiling"}
        whole = pd.concat(
            [
                table.assign(method=name, kind=kinds.get(name, "baseline"), seed=seed)
                for name, table in tables.items()
            ]
        )
        write_table(whole[["method", "kind", "seed", "metric", "value", "low", "high", "molecules"]], path)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "rdkit", "scipy"), seed=snakemake.params.settings["split_seed"]):
        main(snakemake)
