"""The audit of the molecules study's claims, from small tables."""

import pandas as pd

from workflow_scripts.lib.metrics.molecules_claims import COLUMNS, NONE, audit


def pair_scores(rows):
    columns = ["method", "seed", "metric", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


TABLES = {
    "digits": {
        "images": pd.DataFrame(
            [("biaae", s, m, v) for s, shift in ((0, 0.0), (1, 0.1)) for m, v in
             (("accuracy", 0.5 + shift), ("digit_from_z_x", 0.15), ("digit_from_s_y", 0.8), ("information", 1.5),
              ("information_permuted", 0.01))] + [
                (name, 0, "accuracy", value)
                for name, value in (("cvae", 0.6), ("cvae_published", 0.3), ("biaae_published", 0.4))
            ],
            columns=["model", "seed", "metric", "value"],
        ),
        "ceilings": pd.DataFrame(
            [("x", "x", "test", 0.95), ("y", "y", "test", 0.85), ("y", "y", "train", 0.9), ("x", "y", "test", 0.2)],
            columns=["trained_on", "applied_to", "split", "accuracy"],
        ),
    },
    "plates": {
        "to_molecule": pair_scores(
            [("biaae", 0, "valid", 0.6, None, None), ("biaae", 0, "gain", -0.01, -0.05, 0.03),
             ("biaae", 0, "tanimoto_gain", 0.002, -0.01, 0.01)]
        ),
        "to_expression": pair_scores(
            [("biaae", 0, "rmse", 1.01, 0.9, 1.1), ("biaae", 0, "l2", 31.5, 28, 35),
             ("train_mean", 0, "rmse", 0.99, 0.9, 1.1), ("zero", 0, "rmse", 1.04, 0.9, 1.2)]
        ),
        "smiles": pd.DataFrame(
            [("held out", "rebuilt", 0.1), ("temperature 1", "valid", 0.55)], columns=["sampling", "metric", "value"]
        ),
        "ligands": pd.DataFrame(
            [("AKT1", "biaae", c, 0, "nearest_ligand", v) for c, v in (("knock-down", 0.21), ("other", 0.22))],
            columns=["target", "method", "condition", "seed", "metric", "value"],
        ),
    },
}  # fmt: skip


def test_every_claim_has_its_numbers_and_figure():
    found = audit(TABLES)
    assert tuple(found.columns) == COLUMNS and len(found) == 8
    said = found.set_index("claim")["corrected"]
    assert (
        "0.550 of draws are y's digit (chance 0.1, classifier of y 0.850, judge on true x 0.950)"
        in said.iloc[0]
    )
    assert found["interval"].iloc[0] == "digits: seeds 0.500 to 0.600"
    assert "z_x 0.150, from s_y 0.800" in said.iloc[1] and "1.500 nats, permuted 0.010" in said.iloc[2]
    assert said.iloc[3] == (
        "digits: accuracy: CVAE 0.600, its divergence as published 0.300; BiAAE trained as they are 0.400, "
        "by our recipe 0.550"
    )
    assert "recipe as published 0.400" in said.iloc[0]
    assert said.iloc[4] == (
        "plates: valid 0.600, nats per token gained by the change -0.010, similarity beyond another molecule's 0.002"
    )
    assert found["interval"].iloc[4] == "plates: -0.050 to +0.030"
    assert said.iloc[5] == "plates: RMSE 1.010 (L2 31.5), training mean 0.990, no change 1.040"
    assert said.iloc[6] == "plates: valid draws of the prior 0.550 at temperature 1; rebuilt exactly 0.100"
    assert said.iloc[7] == "plates: AKT1 0.210 (other conditions 0.220)"
    assert found["figure"].iloc[0] == "molecules/digits/conditional_generation.svg"
    assert found["figure"].iloc[7] == "molecules/plates/ligand_enrichment.svg"


def test_what_was_not_run_is_said():
    found = audit({"plates": {"smiles": TABLES["plates"]["smiles"]}})
    assert (found["corrected"] == NONE).sum() == 7
    assert (found["figure"] == "").sum() == 7
