"""Figures of molecules and expression changes: what they say, what they draw, and the table beside them."""

import numpy as np
import pandas as pd
import pytest
from figure_scripts import check_figures, heavy_imports

from workflow_scripts.lib.plots.molecule_grid import molecule_grid
from workflow_scripts.lib.plots.pair_data import pair_training, pairs_overview, smiles_pretraining
from workflow_scripts.lib.plots.pair_scores import (
    EXPRESSION,
    GENERATION,
    expression_prediction,
    expression_verdict,
    knock_down_gains,
    ligand_enrichment,
    molecule_generation,
)
from workflow_scripts.lib.plots.style import save_figure

FIGURES = (
    "pairs_overview", "smiles_pretraining", "pair_training", "expression_prediction", "molecule_generation",
    "molecule_grid", "ligand_enrichment",
)  # fmt: skip
SHOWN = {"simulated": True, "note": "Split by scaffold"}


def words(figure):
    return " ".join(text.get_text() for text in figure.findobj(match=lambda a: hasattr(a, "get_text")))


def scores(metrics, methods):
    rows = [
        (method, kind, str(seed), metric, value + seed / 100, value - 0.05, value + 0.1, 20)
        for method, (kind, value, seeds) in methods.items()
        for seed in range(seeds)
        for metric in metrics
    ]
    return pd.DataFrame(
        rows, columns=["method", "kind", "seed", "metric", "value", "low", "high", "molecules"]
    )


@pytest.fixture
def expression():
    methods = {"zero": ("baseline", -0.2, 1), "train_mean": ("baseline", 0.0, 1), "kernel_ridge": ("baseline", -0.1, 1),
               "replicates": ("ceiling", 0.0, 1), "biaae": ("model", 0.045, 2)}  # fmt: skip
    return scores([*EXPRESSION, "l2", "recall", "gene_pearson", "unused"], methods)


def saved(figure, table, folder):
    save_figure(figure, table, [folder / f"figure.{kind}" for kind in ("svg", "png", "tsv")])
    return (folder / "figure.svg").read_bytes()


def test_the_training_mean_is_named_first(expression, tmp_path):
    # its interval reaches below 0: that is no win
    assert expression_verdict(expression) == "Nothing beats the training mean"
    figure, table = expression_prediction(expression, **SHOWN)
    assert "Nothing beats the training mean" in words(figure) and "imulated" in words(figure)
    assert table["method"].iloc[0] == "Nothing beats the training mean"
    assert "unused" not in set(table["metric"])
    assert saved(figure, table, tmp_path) == saved(*expression_prediction(expression, **SHOWN), tmp_path)
    better = expression.assign(low=expression["low"] + 0.01)
    assert expression_verdict(better) == "Nearer than the training mean: BiAAE"
    assert expression_verdict(better[better["metric"] == "rmse"]) == "No training mean to compare with"
    assert expression_verdict(better.assign(molecules=4)).startswith("Too few test molecules")


@pytest.mark.parametrize(("gain", "said"), [(0.02, "No model shows"), (0.2, "Conditional signal: BiAAE")])
def test_a_conditional_signal_needs_its_whole_interval_above_nothing(gain, said):
    table = scores(list(GENERATION), {"biaae": ("model", gain, 2), "prior": ("baseline", 0.1, 1)})
    figure, _ = molecule_generation(table[(table["metric"] != "gain") | (table["kind"] == "model")], **SHOWN)
    assert said in words(figure)


def test_knock_downs_are_compared_with_the_same_model(tmp_path):
    rows = [
        ("AKT1", "biaae", "model", condition, seed, "nearest_ligand", value, value - 0.01, value + 0.01, 90)
        for seed in ("0", "1")
        for condition, value in (("knock-down", 0.3), ("other", 0.2 if seed == "0" else 0.29))
    ]
    rows += [("MTOR", "biaae", "model", c, "0", "nearest_ligand", v, v - 0.01, v + 0.01, 90)
             for c, v in (("knock-down", 0.3), ("other", 0.2))]  # fmt: skip
    rows.append(("AKT1", "prior", "baseline", "", "0", "nearest_ligand", 0.25, 0.24, 0.26, 100))
    columns = ["target", "method", "kind", "condition", "seed", "metric", "value", "low", "high", "molecules"]
    table = pd.DataFrame(rows, columns=columns)
    found = knock_down_gains(table)
    assert found.loc[("AKT1", "biaae"), "gain"] == pytest.approx(0.055)
    assert found["clear"].tolist() == [False, True]
    figure, kept = ligand_enrichment(table, **SHOWN)
    assert "MTOR: BiAAE" in words(figure) and "AKT1: BiAAE" not in words(figure)
    assert len(kept) == len(table)
    saved(figure, kept, tmp_path)


def test_what_the_pairs_are(tmp_path):
    splits = pd.DataFrame(
        [(k, p, 10, 8, np.nan if p == "train" or k == "scaffold" else 3) for k in ("molecule", "scaffold")
         for p in ("train", "valid", "test")],
        columns=["split", "part", "pairs", "molecules", "shared_scaffolds"],
    )  # fmt: skip
    noise = pd.DataFrame(
        {"cell_id": ["A", "B"], "time_h": [6.0, np.nan], "pairs": [20, 10], "molecules": [9, 5], "sd": [1.0, 0.5],
         "replicate_pearson": [0.2, np.nan], "random_pearson": [0.1, 0.0]}
    )  # fmt: skip
    figure, table = pairs_overview(splits, noise, **SHOWN)
    said = words(figure)
    assert "30 pairs" in said and "0.50 to 1.00" in said and "A, 6 h" in said
    assert said.count("3 scaffolds of training") == 1 and len(table) == 8
    saved(figure, table, tmp_path)


def test_training_curves_of_both_directions_and_of_pretraining(tmp_path):
    curves = pd.DataFrame(
        [
            (d, "biaae", "0", epoch, 2.0 / epoch)
            for d in ("to_molecule", "to_expression")
            for epoch in (1, 2, 3)
        ],
        columns=["direction", "model", "seed", "epoch", "value"],
    )
    figure, table = pair_training(curves, **SHOWN)
    assert "BiAAE" in words(figure) and len(table) == 6
    assert "no training history" in words(pair_training(curves.head(3), **SHOWN)[0])
    history = pd.DataFrame({"epoch": [1, 2, 1, 2], "value": [0.8, 0.7, 0.6, 0.5],
                            "name": ["validation"] * 2 + ["validation/reconstruction"] * 2})  # fmt: skip
    rows = [("held out", "bigram_nats_per_token", 1.6), ("held out", "rebuilt", 0.2)]
    rows += [
        (f"temperature {t}", m, 0.6)
        for t in (1, 0)
        for m in ("valid", "unique", "novel", "internal_diversity")
    ]
    figure, table = smiles_pretraining(history, pd.DataFrame(rows, columns=["sampling", "metric", "value"]))
    assert "20.0% of held-out molecules" in words(figure) and "imulated" not in words(figure)
    assert len(table) == len(rows) + 4
    saved(figure, table, tmp_path)


def test_molecules_are_drawn_as_they_come(tmp_path):
    rows = [(f"w{k}", true, j, smiles) for k, true in enumerate(("CCO", "c1ccccc1O", "CCO"))
            for j, smiles in enumerate(("CCO", "C1CC", "CCN"))]  # fmt: skip
    draws = pd.DataFrame(rows, columns=["well", "true", "draw", "smiles"])
    figure, table = molecule_grid(draws, "biaae", **SHOWN)
    # a molecule is shown once, whatever its wells
    assert table["true"].tolist() == ["CCO"] * 3 + ["c1ccccc1O"] * 3
    assert table["valid"].tolist() == [True, False, True] * 2
    assert table["tanimoto"].iloc[0] == 1
    assert words(figure).count("not a molecule") == 2
    assert saved(figure, table, tmp_path) == saved(*molecule_grid(draws, "biaae", **SHOWN), tmp_path)


def test_every_figure_has_a_script_a_rule_and_a_caption_and_is_light():
    rules = check_figures("molecules", FIGURES)
    assert rules.count("plot_") >= 2 * len(FIGURES)
    assert heavy_imports("molecules", FIGURES, ("torch", "sklearn")) == []
