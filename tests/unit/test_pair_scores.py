"""Scores of generated molecules and predicted changes: cases by hand, and that chance scores as chance."""

import numpy as np
import pandas as pd
import pytest
from rdkit import DataStructs
from rdkit.Chem import MolFromSmiles, rdFingerprintGenerator
from sklearn.linear_model import Ridge

from workflow_scripts.lib.data.ligands import read_knock_down, read_ligands
from workflow_scripts.lib.data.molecules import fingerprints
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.metrics.expression_change import pair_noise
from workflow_scripts.lib.metrics.ligand_scores import ligand_scores, over_conditions
from workflow_scripts.lib.metrics.pair_scores import (
    averaged,
    expression_scores,
    molecule_scores,
    other_molecules,
    other_rows,
)
from workflow_scripts.lib.stats.expression_predictors import RIDGE, group_means, kernel_ridge, similar_changes

TRUE = ["CCO", "CCO", "Oc1ccccc1", "CC(N)=O"]


def value(table, metric):
    return float(table.set_index("metric").loc[metric, "value"])


def likeness(one, two):
    maker = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    return DataStructs.TanimotoSimilarity(*(maker.GetFingerprint(MolFromSmiles(s)) for s in (one, two)))


def test_wells_of_a_molecule_count_as_one():
    found = averaged({"score": np.array([1.0, 3.0, 5.0, np.nan])}, TRUE, 0)
    assert (value(found, "score"), found.molecules[0]) == (3.5, 2)
    assert found.low[0] <= 3.5 <= found.high[0]


def test_generated_molecules_by_hand():
    drawn = [["OCC", "CCO"], ["CCC", "C1CC"], ["Oc1ccccc1", "c1ccccc1C"], ["nonsense", "("]]
    found = molecule_scores(drawn, TRUE, ["CCC"], {"CCC", "CCO"}, 0)
    assert value(found, "valid") == pytest.approx(5 / 8)
    # ethanol twice: 4 distinct molecules of 5 valid ones, propane is known
    assert value(found, "unique") == pytest.approx(4 / 5)
    assert value(found, "novel") == pytest.approx(3 / 4)
    assert value(found, "novel_to_pretraining") == pytest.approx(2 / 4)
    # by molecule: ethanol 2 of 2 and 0 of 2, phenol 1 of 2, acetamide none
    assert value(found, "exact") == pytest.approx((0.5 + 0.5 + 0) / 3)
    # only phenol has a ring
    assert value(found, "scaffold_match") == pytest.approx(1.0)
    expected = np.mean([(1 + likeness("CCO", "CCC")) / 2, (1 + likeness("Oc1ccccc1", "Cc1ccccc1")) / 2])
    assert value(found, "tanimoto") == pytest.approx(expected)
    assert found.set_index("metric").loc["tanimoto", "molecules"] == 2
    # what is drawn for ethanol and phenol, against the molecule that takes their place
    other = dict(zip(TRUE, other_molecules(TRUE, 0), strict=True))
    of_ethanol = [likeness(other["CCO"], one) for one in ("CCO", "CCC")]
    of_phenol = [likeness(other["Oc1ccccc1"], one) for one in ("Oc1ccccc1", "Cc1ccccc1")]
    assert value(found, "tanimoto_other") == pytest.approx((np.mean(of_ethanol) + np.mean(of_phenol)) / 2)


def test_nothing_valid_is_scored_without_a_similarity():
    found = molecule_scores([["("]] * 4, TRUE, ["CCC"], set(), 0)
    assert value(found, "valid") == 0 and value(found, "exact") == 0
    assert np.isnan(value(found, "tanimoto")) and np.isnan(value(found, "qed"))


@pytest.mark.parametrize("seed", range(5))
def test_conditions_are_another_molecules(seed):
    others, rows = other_molecules(TRUE, seed), other_rows(TRUE, ["plate"] * 4, seed)
    assert all(one != two for one, two in zip(TRUE, others, strict=True))
    assert others[0] == others[1] and set(others) == set(TRUE)
    assert all(TRUE[row] == other for row, other in zip(rows, others, strict=True))
    # only within the group, and not at all where a molecule is alone
    assert other_rows(TRUE, ["a", "b", "a", "c"], seed).tolist() == [2, -1, 0, -1]


def test_a_perfect_and_a_mean_prediction():
    rng = np.random.default_rng(0)
    measured = rng.normal(0, 1, (4, 60))
    mean = measured.mean(axis=0)
    plain_rows = np.tile(mean, (4, 1))
    perfect = expression_scores(measured, measured, plain_rows, TRUE, 0)
    assert value(perfect, "rmse") == 0 and value(perfect, "r2") == 1 and value(perfect, "recall") == 1
    plain = expression_scores(plain_rows, measured, plain_rows, TRUE, 0)
    assert value(plain, "r2") == pytest.approx(0) and value(plain, "gain_over_mean") == 0
    assert value(perfect, "gain_over_mean") == pytest.approx(value(plain, "rmse"))
    assert value(plain, "gene_pearson") == 0


def test_noise_of_replicates_and_of_different_molecules():
    rng = np.random.default_rng(1)
    effect = rng.normal(0, 1, (30, 200))
    changes = np.repeat(effect, 2, axis=0) + rng.normal(0, 1, (60, 200))
    sheet = pd.DataFrame({"cell_id": "A", "time_h": 6.0, "smiles": np.repeat([f"m{k}" for k in range(30)], 2),
                          "dose_um": 10.0, "controls": 8})  # fmt: skip
    row = pair_noise(changes, sheet, 0).iloc[0]
    assert row.replicate_pearson == pytest.approx(0.5, abs=0.03)
    assert row.ceiling_pearson == pytest.approx(np.sqrt(0.5), abs=0.03)
    assert row.random_pearson == pytest.approx(0, abs=0.02)
    assert (row.pairs, row.molecules, row.replicates) == (60, 30, 30)


def test_molecules_of_like_changes_come_first():
    changes = np.eye(3)[[0, 0, 1, 2]] + 0.01
    wanted = np.array([[0.9, 0.1, 0.0]])
    assert similar_changes(changes, wanted, ["a", "a", "b", "c"], 2) == [["a", "b"]]
    assert similar_changes(changes, wanted, ["a", "a", "b", "c"], 4) == [["a", "b", "c", "a"]]


def test_a_molecule_is_the_same_without_its_stereochemistry():
    found = molecule_scores(
        [["CC(N)C(=O)O"]] * 4, ["C[C@H](N)C(=O)O"] * 2 + ["CCO"] * 2, ["C[C@@H](N)C(=O)O"], None, 0
    )
    assert value(found, "exact") == 0.5 and value(found, "novel") == 0
    assert "novel_to_pretraining" not in set(found.metric)


def test_means_of_a_group_and_of_all_where_it_has_none():
    changes = np.array([[1.0, 0.0], [3.0, 0.0], [8.0, 3.0]])
    found = group_means(changes, ["a", "a", "b"], ["b", "a", "c"])
    assert found.tolist() == [[8.0, 3.0], [2.0, 0.0], [4.0, 1.0]]


@pytest.mark.parametrize(("molecules", "bits"), [(40, 30), (20, 30)])
def test_ridge_of_many_wells_a_molecule_is_that_of_all_wells(molecules, bits):
    rng = np.random.default_rng(2)
    of_molecule, wanted = rng.random((molecules, bits)) < 0.3, rng.random((5, bits)) < 0.3
    prints = of_molecule[rng.integers(0, molecules, 3 * molecules)]
    changes = rng.normal(0, 1, (3 * molecules, 4)) + prints[:, :4]
    centre = prints.mean(axis=0)
    model = Ridge(alpha=RIDGE, fit_intercept=False).fit(prints - centre, changes - changes.mean(axis=0))
    expected = model.predict(wanted - centre) + changes.mean(axis=0)
    np.testing.assert_allclose(kernel_ridge(prints, changes, wanted), expected)


def test_similar_changes_are_those_of_the_best_well_of_each_molecule():
    rng = np.random.default_rng(3)
    changes, wanted = rng.normal(size=(700, 12)), rng.normal(size=(600, 12))
    molecules = [f"m{k}" for k in rng.integers(0, 40, 700)]
    found = similar_changes(changes, wanted, molecules, 3)
    for row in (0, 511, 512, 599):
        likeness = [np.corrcoef(wanted[row], one)[0, 1] for one in changes]
        order = [molecules[place] for place in np.argsort(likeness)[::-1]]
        assert found[row] == list(dict.fromkeys(order))[:3]
    assert similar_changes(changes[:2], wanted[:1], ["a", "a"], 3) == [["a", "a", "a"]]


def test_conditions_are_summed_up_by_their_range():
    tables = [ligand_scores([one], fingerprints(["CCO"]), 0) for one in ("CCO", "c1ccccc1")]
    found = over_conditions(tables).set_index("metric").loc["nearest_ligand"]
    low = likeness("c1ccccc1", "CCO")
    assert (found.value, found.low, found.high) == pytest.approx(
        ((1 + low) / 2, low, 1.0)
    ) and found.molecules == 2


def test_likeness_to_ligands_by_hand():
    found = ligand_scores(["OCC", "CCO", "c1ccccc1", "("], fingerprints(["CCO", "CCN"]), 0)
    near = [1.0, max(likeness("c1ccccc1", one) for one in ("CCO", "CCN"))]
    assert value(found, "nearest_ligand") == pytest.approx(np.mean(near))
    assert (
        value(found, "like_a_ligand") == 0.5 and value(found, "valid") == 0.75 and value(found, "best") == 1
    )
    nothing = ligand_scores(["("], fingerprints(["CCO"]), 0)
    assert np.isnan(value(nothing, "nearest_ligand")) and value(nothing, "valid") == 0


def test_knock_downs_are_read_in_either_form(tmp_path):
    for name, text in (
        ("with name", ",hsa:1,hsa:2,hsa:9\nAKT1,0.5,-1,2\n"),
        ("plain", "hsa:9,hsa:1,hsa:2\n2,0.5,-1\n"),
    ):
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        assert read_knock_down(path, ["2", "1", "7"]).tolist() == [-1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hsa:1,hsa:2\n0.5\n", "two lines of as many values"),
        ("hsa:1,hsa:2\n0.5,x\n", "gene hsa:2: 'x'"),
        ("hsa:8,hsa:9\n0.5,1\n", "has 0 of 2 genes"),
        ("hsa:1,hsa:2\n0.5,nan\n", "not finite"),
    ],
)
def test_bad_knock_downs(tmp_path, text, said):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(LatentomeError, match=said) as error:
        read_knock_down(path, ["1", "2"])
    assert "bad.csv" in str(error.value)


def test_ligands_are_standardised_and_distinct(tmp_path):
    path = tmp_path / "ligands.csv"
    path.write_text("\ufeffOCC\nCCO\nCC(=O)[O-].[Na+]\n", encoding="utf-8")
    assert read_ligands(path) == ["CC(=O)O", "CCO"]
    path.write_text("(\n)\nCCO\n")
    with pytest.raises(LatentomeError, match="2 of 3 SMILES cannot be read"):
        read_ligands(path)
