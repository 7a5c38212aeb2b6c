"""Score a trained model of molecules and expression changes on the test pairs, once, with and without its condition."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.pairs_file import conditions, read_pairs_file
from workflow_scripts.lib.data.smiles_files import read_pretraining
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.expression_change import well_scores
from workflow_scripts.lib.metrics.pair_scores import averaged, expression_scores, molecule_scores, other_rows
from workflow_scripts.lib.stats.expression_predictors import group_means
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.export import load_model
from workflow_scripts.lib.training.molecule_pairs import (
    build_pair_model,
    conditional_nats,
    drawn_molecules,
    expected_change,
    pair_tensors,
)
from workflow_scripts.lib.training.seeds import derive_seed
from workflow_scripts.lib.training.smiles_model import load_smiles_model


def of_molecules(model, test, obs, train, pretraining, settings, seed, rng):
    """Scores of generated molecules, the molecules themselves, and what the true ones gain from their condition."""
    true = list(obs["smiles"])
    drawn = drawn_molecules(model, test.change, rng, settings["draws"])
    number = (test.tokens[:, 1:] != 0).sum(dim=1).numpy()
    other = other_rows(true, conditions(obs, "plate"), seed)
    exchanged = test.change[torch.from_numpy(other)].clone()
    # Most molecules have a dose of their own: it must not tell them apart.
    exchanged[:, -1] = test.change[:, -1]
    own, permuted = (
        conditional_nats(model, test.tokens, change, rng, settings["likelihood_draws"]).numpy() / number
        for change in (test.change, exchanged)
    )
    permuted[other < 0] = np.nan
    nats = {"nats_per_token": own, "nats_per_token_permuted": permuted, "gain": permuted - own}
    scores = pd.concat([molecule_scores(drawn, true, train, pretraining, seed), averaged(nats, true, seed)])
    rows = zip(obs.index, true, drawn, strict=True)
    listed = [(well, smiles, k, one) for well, smiles, some in rows for k, one in enumerate(some)]
    table = pd.DataFrame(listed, columns=["well", "true", "draw", "smiles"])
    return scores, table


def of_changes(model, test, obs, plain, settings, seed, rng):
    """Scores of predicted changes, and what they gain from their molecule."""
    true, measured = list(obs["smiles"]), test.change[:, :-1].numpy()
    other = other_rows(true, conditions(obs, "plate"), seed)
    own, permuted = (
        expected_change(model, tokens, rng, settings["draws"]).numpy()
        for tokens in (test.tokens, test.tokens[torch.from_numpy(other)])
    )
    scores = expression_scores(own, measured, plain, true, seed)
    wells = well_scores(own, measured)
    gain = np.where(other < 0, np.nan, well_scores(permuted, measured).rmse - wells.rmse)
    table = pd.DataFrame({"well": obs.index, "true": true, **vars(wells)})
    return pd.concat([scores, averaged({"gain": gain}, true, seed)]), table


def main(snakemake) -> None:
    params, given, names = snakemake.params, snakemake.input, snakemake.wildcards
    seed = int(names.seed)
    torch.set_num_threads(params.compute_threads)
    pairs = read_pairs_file(given.pairs)
    pretrained, _ = load_smiles_model(Path(given.smiles_weights).parent)
    model = build_pair_model(names.direction, pretrained, pairs.n_vars, params.settings)
    model.load_state_dict(load_model(Path(given.weights).parent)[0])
    model.eval()
    rng = torch.Generator().manual_seed(derive_seed(seed, "draws"))
    test = pair_tensors(pairs, "test", pretrained.shape.tokens)
    obs = pairs.obs[pairs.obs["split"] == "test"]
    train = pairs[(pairs.obs["split"] == "train").to_numpy()]
    if names.direction == "to_molecule":
        known = list(train.obs["smiles"])
        seen = read_pretraining(*given.pretraining).flat if given.pretraining else None
        scores, table = of_molecules(model, test, obs, known, seen, params.settings, seed, rng)
    else:
        plain = group_means(np.asarray(train.X), conditions(train.obs), conditions(obs))
        scores, table = of_changes(model, test, obs, plain, params.settings, seed, rng)
    scores.insert(0, "method", names.model)
    scores.insert(1, "kind", "model")
    scores.insert(2, "seed", seed)
    write_table(scores, snakemake.output.scores)
    write_table(table, snakemake.output.draws)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "rdkit"), seed=snakemake.wildcards.seed):
        main(snakemake)
