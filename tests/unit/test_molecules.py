"""Molecules: one SMILES for each, scaffolds, likeness; MOSES' scores on cases worked out by hand; splits."""

import math

import numpy as np
import pytest

from workflow_scripts.lib.data.molecule_splits import (
    check_split,
    molecule_set,
    not_among,
    overlap,
    split_pairs,
)
from workflow_scripts.lib.data.molecules import (
    canonical,
    fingerprints,
    maccs_key,
    properties,
    read_molecule,
    scaffold,
    standardise,
    standardise_all,
    tanimoto,
)
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.metrics.generated_molecules import (
    fingerprint_distance,
    frechet_distance,
    internal_diversity,
    moses_scores,
    nearest_similarity,
    novelty,
    scaffold_novelty,
    scaffold_similarity,
    uniqueness,
    validity,
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("OCC", "CCO"),
        ("CC(=O)[O-].[Na+]", "CC(=O)O"),
        ("Cl.CCN", "CCN"),
        ("C[NH3+]", "CN"),
        ("C[C@@H](N)C(=O)O", "C[C@@H](N)C(=O)O"),
        ("CN(=O)=O", "C[N+](=O)[O-]"),
        ("[NH4+].[O-]C=O", "O=CO"),
        ("CC[NH3+].F[P-](F)(F)(F)(F)F", "CCN"),
        ("CC(=O)N([2H])CCc1c[nH]c2ccc(OC)cc12", "CC(=O)NCCc1c[nH]c2ccc(OC)cc12"),
    ],
)
def test_molecules_are_standardised(raw, expected):
    assert standardise(raw) == canonical(expected)


@pytest.mark.parametrize("raw", ["C1CC", "c1ccc1x", "", "   ", "C(C)(C)(C)(C)C", None])
def test_what_is_no_molecule_is_none(raw):
    assert standardise(raw) is None
    assert read_molecule(raw) is None


def test_a_file_of_many_unreadable_smiles_is_refused():
    found = standardise_all(["CCO", "OCC", *["C" * k for k in range(1, 60)], "C1CC"], "drugs.csv")
    assert found.smiles[0] == found.smiles[1] == "CCO"
    assert found.smiles[-1] is None
    assert found.unreadable == [(61, "C1CC")]
    with pytest.raises(LatentomeError, match=r"drugs.csv: 2 of 3 SMILES cannot be read \('C1CC', 'x'\).*5%"):
        standardise_all(["CCO", "C1CC", "x"], "drugs.csv")
    with pytest.raises(LatentomeError, match="drugs.csv: no SMILES"):
        standardise_all([], "drugs.csv")


def test_scaffolds_are_rings_and_what_joins_them():
    assert scaffold("CCc1ccccc1") == "c1ccccc1"
    assert scaffold("CCO") == ""
    assert scaffold("O=C(c1ccccc1)C1CC1F") == canonical("O=C(c1ccccc1)C1CC1")


def test_likeness_is_bits_in_common_over_bits_in_either():
    first = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    second = np.array([[1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    np.testing.assert_allclose(tanimoto(first, second), [[1 / 3, 1, 0], [0, 0, 0]])


def test_fingerprints_agree_with_rdkit():
    from rdkit import Chem, DataStructs
    from rdkit.Chem import rdFingerprintGenerator

    some = ["CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1"]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    theirs = [generator.GetFingerprint(Chem.MolFromSmiles(one)) for one in some]
    expected = [DataStructs.BulkTanimotoSimilarity(one, theirs) for one in theirs]
    found = tanimoto(fingerprints(some), fingerprints(some))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_properties_of_aspirin():
    found = properties("CC(=O)Oc1ccccc1C(=O)O")
    assert found["molecular_weight"] == pytest.approx(180.16, abs=0.01)
    assert found["log_p"] == pytest.approx(1.31, abs=0.02)
    assert found["qed"] == pytest.approx(0.55, abs=0.01)
    assert found["sa_score"] == pytest.approx(1.58, abs=0.02)


def test_validity_counts_all_and_uniqueness_the_valid():
    share, valid = validity(["CCO", "OCC", "C1CC", "CCN"])
    assert share == 0.75
    assert valid == ["CCO", "CCO", "CCN"]
    assert uniqueness(valid) == pytest.approx(2 / 3)
    assert uniqueness(valid, at=2) == 0.5
    assert novelty(valid, {"CCO"}) == 0.5
    assert math.isnan(uniqueness([]))
    assert math.isnan(validity([])[0])
    assert math.isnan(novelty([], {"C"}))


def test_diversity_is_one_less_the_mean_likeness_with_itself_included():
    prints = np.array([[1, 1, 0, 0], [1, 0, 1, 0]], dtype=bool)
    # 1, 1/3, 1/3, 1
    assert internal_diversity(prints) == pytest.approx(1 - (2 + 2 / 3) / 4)
    # the root is taken of each molecule's mean
    assert internal_diversity(prints, p=2) == pytest.approx(1 - math.sqrt((1 + 1 / 9) / 2))
    three = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]], dtype=bool)
    means = [(1 + 1 / 9) / 3, (1 + 1 / 9) / 3, 1 / 3]
    assert internal_diversity(three, p=2) == pytest.approx(1 - np.mean(np.sqrt(means)))
    assert internal_diversity(prints[:1]) == 0


def test_nearest_of_a_reference():
    prints = np.array([[1, 1, 0, 0], [0, 0, 0, 1]], dtype=bool)
    reference = np.array([[1, 0, 1, 0], [1, 1, 1, 0]], dtype=bool)
    np.testing.assert_allclose(nearest_similarity(prints, reference), [2 / 3, 0])
    with pytest.raises(LatentomeError, match="no reference"):
        nearest_similarity(prints, reference[:0])


def test_scaffolds_are_compared_by_how_often_they_occur():
    benzene, pyridine = "Cc1ccccc1", "Cc1ccncc1"
    naphthalene, biphenyl = "Cc1ccc2ccccc2c1", "Cc1ccc(-c2ccccc2)cc1"
    # (2, 1) and (1, 1); one ring is not counted
    some = [naphthalene, "c1ccc2ccccc2c1", biphenyl, benzene]
    assert scaffold_similarity(some, [naphthalene, biphenyl, "CCO"]) == pytest.approx(3 / math.sqrt(5 * 2))
    assert math.isnan(scaffold_similarity([benzene], [benzene]))
    assert scaffold_novelty([benzene, pyridine, "CCO"], ["CCc1ccccc1"]) == 0.5


def test_frechet_distance_has_its_closed_form():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 3))
    assert frechet_distance(points, points) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(points + [1, 2, 0], points) == pytest.approx(5, rel=1e-9)
    # along the axes: sum of squared differences of standard deviations
    first = np.linalg.cholesky(np.diag([4.0, 1.0, 9.0])) @ np.linalg.solve(
        np.linalg.cholesky(np.cov(points.T)), (points - points.mean(axis=0)).T
    )
    whitened = np.linalg.solve(np.linalg.cholesky(np.cov(points.T)), (points - points.mean(axis=0)).T)
    assert frechet_distance(first.T, whitened.T) == pytest.approx(1 + 0 + 4, rel=1e-6)


def test_all_scores_of_a_set():
    training = ["CCO", "CCN", "Cc1ccccc1"]
    found = moses_scores(["CCO", "CCCl", "C1CC", "CCCl"], training, ["CCBr", "Oc1ccccc1", "CCC"])
    assert found["valid"] == 0.75
    assert found["unique"] == pytest.approx(2 / 3)
    assert found["novel"] == 0.5
    assert 0 < found["nearest_similarity"] < 1
    nothing = moses_scores(["x", "y"], training, ["CCC", "CCBr"])
    assert nothing["valid"] == 0
    assert math.isnan(nothing["internal_diversity"])
    assert math.isnan(fingerprint_distance(fingerprints([]), fingerprints(["CCC", "CCBr"])))


SMILES = [f"{'C' * k}{end}" for k in range(1, 21) for end in ("O", "N", "Cl", "c1ccccc1", "C1CC1")]


@pytest.mark.parametrize("kind", ["molecule", "maccs", "scaffold"])
def test_no_group_is_in_two_parts(kind):
    smiles = [canonical(one) for one in SMILES] * 2
    parts = split_pairs(kind, smiles, ["A"] * len(smiles), seed=0)
    group = {"molecule": str, "maccs": maccs_key, "scaffold": lambda one: scaffold(one) or one}[kind]
    check_split(parts, [group(one) for one in smiles])
    names = {group(one) for one in smiles}
    sizes = {
        part: len({group(one) for one, p in zip(smiles, parts, strict=True) if p == part})
        for part in set(parts)
    }
    quarter = len(names) // 4
    assert sizes == {"train": len(names) - 2 * quarter, "valid": quarter, "test": quarter}
    assert (parts == split_pairs(kind, smiles, ["A"] * len(smiles), seed=0)).all()
    assert (parts != split_pairs(kind, smiles, ["A"] * len(smiles), seed=1)).any()


def test_the_published_split_is_numpys_shuffle_of_first_appearances():
    smiles = [canonical(one) for one in SMILES[:41]]
    order = list(dict.fromkeys(smiles))
    # as the published code draws: numpy's old global generator
    np.random.seed(0)  # noqa: NPY002
    shuffled = np.random.permutation(len(order))  # noqa: NPY002
    parts = dict(zip(smiles, split_pairs("molecule", smiles, ["A"] * 41, seed=0), strict=True))
    assert {order[k] for k in shuffled[:10]} == {one for one, part in parts.items() if part == "valid"}
    assert {order[k] for k in shuffled[10:20]} == {one for one, part in parts.items() if part == "test"}


def test_a_cell_line_is_held_out_whole():
    smiles, cells = [canonical(one) for one in SMILES], ["A"] * 70 + ["B"] * 30
    parts = split_pairs("cell", smiles, cells, seed=0)
    assert set(parts[70:]) == {"test"}
    assert set(parts[:70]) == {"train", "valid"}
    assert set(split_pairs("cell", smiles, cells, 0, held_out_cell="A")[:70]) == {"test"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("molecule", ["C", "CC", "CCC"], ["A"] * 3), "3 groups.*at least 4"),
        (("cell", ["C"] * 3, ["A"] * 3), "all pairs are of A"),
        (("tissue", ["C"], ["A"]), "tissue.*molecule, maccs, scaffold, cell"),
    ],
)
def test_impossible_splits_say_why(arguments, message):
    with pytest.raises(LatentomeError, match=message):
        split_pairs(*arguments, seed=0)
    with pytest.raises(LatentomeError, match="no pair is of C.*held_out_cell"):
        split_pairs("cell", ["C"] * 4, ["A", "A", "B", "B"], 0, held_out_cell="C")


def test_a_poisoned_split_is_refused():
    parts = np.array(["train", "valid", "test", "test"])
    check_split(parts, ["a", "b", "c", "c"])
    with pytest.raises(LatentomeError, match="a is in train and in test"):
        check_split(parts, ["a", "b", "c", "a"])
    with pytest.raises(LatentomeError, match="valid empty"):
        check_split(np.array(["train", "test"]), ["a", "b"])


def test_overlap_counts_molecules_and_scaffolds():
    own = ["CCO", "Cc1ccccc1", "Cc1ccncc1", "C[C@@H](N)O"]
    pretrained = molecule_set(["CCO", "CCc1ccccc1", "CC(N)O"])
    found = overlap(molecule_set(own), pretrained)
    assert (found["molecules"], found["shared"], found["shared_without_stereo"]) == (4, 1, 2)
    assert (found["scaffolds"], found["shared_scaffolds"]) == (2, 1)
    assert not_among(own, pretrained).tolist() == [False, True, True, False]


def test_the_cell_line_held_out_is_small_but_not_tiny():
    smiles = [f"{'C' * (k % 30 + 1)}O" for k in range(200)]
    cells = ["A"] * 120 + ["B"] * 60 + ["C"] * 20
    assert set(np.array(cells)[split_pairs("cell", smiles, cells, 0) == "test"]) == {"C"}
    cells = ["A"] * 150 + ["B"] * 40 + ["C"] * 10
    assert set(np.array(cells)[split_pairs("cell", smiles, cells, 0) == "test"]) == {"B"}
