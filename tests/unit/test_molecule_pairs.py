"""Pairs on disk and as tensors, both directions of the models, simulated wells and the pretrained autoencoder."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from workflow_scripts.lib.data.molecule_splits import molecule_set
from workflow_scripts.lib.data.molecules import canonical
from workflow_scripts.lib.data.notation import NOTATIONS
from workflow_scripts.lib.data.pairs_file import pool, read_pairs_file, write_pairs_file
from workflow_scripts.lib.data.simulate_wells import ACTIVE, CONTROLS, enumerate_molecules, simulate_wells
from workflow_scripts.lib.data.smiles_files import (
    pretraining_molecules,
    read_pretraining,
    read_smiles,
    readable,
    some_of,
)
from workflow_scripts.lib.data.smiles_tokens import START
from workflow_scripts.lib.data.treated_pairs import TreatedPairs
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.metrics.generated_molecules import validity
from workflow_scripts.lib.models.smiles_coders import SmilesShape, SmilesVAE
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.export import save_model
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.molecule_pairs import (
    DIRECTIONS,
    build_pair_model,
    change_rows,
    conditional_nats,
    drawn_molecules,
    expected_change,
    pair_tensors,
    score_on_the_way,
)
from workflow_scripts.lib.training.paired import objective_of
from workflow_scripts.lib.training.settings import TrainingSettings
from workflow_scripts.lib.training.smiles_model import (
    architecture,
    draw_molecules,
    load_smiles_model,
    rebuilt_share,
)

SMALL = SmilesShape(latent=4, embedding=12, hidden=16, layers=2, longest=30)
SMILES = ["CCO", "c1ccccc1O", "CC(=O)N", "CCN", "CCCl", "CCBr", "OCCO", "CCCC"]
BIAAE = {"architecture": "biaae", "latent": 6, "shared": 3, "frozen": False}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def pretrained():
    torch.manual_seed(0)
    return SmilesVAE(SMALL).eval()


def treated(smiles=SMILES, genes=5, start=0):
    number = len(smiles)
    sheet = pd.DataFrame(
        {"plate": "P", "cell_id": "A", "time_h": 6.0, "dose_um": 10.0, "pert_id": "p", "raw_smiles": smiles,
         "smiles": smiles, "controls": 4},
        index=[f"w{k}" for k in range(start, start + number)],
    )  # fmt: skip
    changes = np.random.default_rng(start).normal(0, 1, (number, genes)).astype(np.float32)
    left_out = pd.DataFrame(columns=["well", "pert_id", "raw_smiles", "reason"])
    return TreatedPairs(changes, [str(k) for k in range(genes)], sheet, left_out)


@pytest.fixture
def pairs(tmp_path):
    parts = np.array(["train"] * 4 + ["valid"] * 2 + ["test"] * 2, dtype=object)
    write_pairs_file(
        tmp_path / "pairs.h5ad", treated(), {"molecule": parts, "maccs": parts[::-1]}, "molecule"
    )
    return read_pairs_file(tmp_path / "pairs.h5ad")


def test_files_are_pooled_in_their_common_genes():
    first, second = treated(genes=5), treated(genes=4, start=8)
    second = TreatedPairs(second.changes[:, ::-1], second.genes[::-1], second.sheet, second.left_out)
    found = pool([first, second], "mine")
    assert found.genes == ["0", "1", "2", "3"] and len(found.sheet) == 16
    np.testing.assert_array_equal(found.changes[8:], treated(genes=4, start=8).changes)
    with pytest.raises(LatentomeError, match="well w0 is there twice"):
        pool([first, treated()], "mine")
    with pytest.raises(LatentomeError, match="no gene in common"):
        pool([first, TreatedPairs(second.changes, list("abcd"), second.sheet, second.left_out)], "mine")


def test_pairs_come_back_with_every_split(pairs):
    assert pairs.obs["split"].tolist() == ["train"] * 4 + ["valid"] * 2 + ["test"] * 2
    assert pairs.obs["split_maccs"].tolist()[0] == "test" and pairs.uns["split_kind"] == "molecule"
    tensors = pair_tensors(pairs, "test")
    assert tensors.change.shape == (2, 6) and tensors.change[:, -1].tolist() == [1.0, 1.0]
    assert (tensors.tokens[:, 0] == START).all()
    with pytest.raises(LatentomeError, match="none in part other"):
        pair_tensors(pairs, "other")


def test_doses_have_the_published_scale():
    rows = change_rows(np.zeros((4, 1)), np.array([10.0, 0.04, 3.33, np.nan]))
    np.testing.assert_allclose(rows[:, 1], [1.0, 0.01636, 0.6112, 1.0], atol=5e-5)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", ["biaae", "cvae", "saae", "vib"])
def test_models_train_in_both_directions(pretrained, pairs, direction, name):
    torch.manual_seed(1)
    settings = {"architecture": name, "latent": 6, "shared": 3, "private": 3, "condition": 3, "frozen": False,
                "learning_rate": 1e-3, "discriminator_steps": 1, "generator_steps": 1}  # fmt: skip
    model = build_pair_model(direction, pretrained, 5, settings)
    data = pair_tensors(pairs, "train")
    score = score_on_the_way(model, direction, pair_tensors(pairs, "valid"))
    objective = objective_of(model, data.views(direction), settings, score)
    result = fit(objective, TrainingSettings(epochs=4, batch_size=4, seed=0, device="cpu"))
    assert math.isfinite(result.best_validation)
    test = pair_tensors(pairs, "test")
    if direction == "to_molecule":
        drawn = drawn_molecules(model, test.change, rng(), 3)
        assert [len(some) for some in drawn] == [3, 3]
        assert conditional_nats(model, test.tokens, test.change, rng(), 4).shape == (2,)
    else:
        assert expected_change(model, test.tokens, rng(), 3).shape == (2, 5)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_what_is_trained_does_not_know_the_test_rows(pretrained, pairs, direction):
    settings = {**BIAAE, "learning_rate": 1e-3, "discriminator_steps": 1, "generator_steps": 1}
    poisoned = pairs.copy()
    held_out = (poisoned.obs["split"] == "test").to_numpy()
    poisoned.X[held_out] = 1e6
    poisoned.obs.loc[held_out, "smiles"] = "c1ccccc1" * 3
    poisoned.obs.loc[held_out, "dose_um"] = 1e6
    weights = []
    for data in (pairs, poisoned):
        torch.manual_seed(1)
        model = build_pair_model(direction, pretrained, 5, settings)
        score = score_on_the_way(model, direction, pair_tensors(data, "valid"))
        objective = objective_of(model, pair_tensors(data, "train").views(direction), settings, score)
        result = fit(objective, TrainingSettings(epochs=3, batch_size=4, seed=0, device="cpu"))
        weights.append((model.state_dict(), result.best_validation))
    assert weights[0][1] == weights[1][1]
    assert all(torch.equal(one, weights[1][0][name]) for name, one in weights[0][0].items())


def planted(number=160):
    """Chains that end in O raise five genes, those that end in N lower them; every fourth length is held out."""
    length = 2 + np.arange(number) // 2 % 20
    smiles = [f"{'C' * long}{'ON'[k % 2]}" for k, long in enumerate(length)]
    sign = np.where(np.arange(number) % 2 == 0, 1.0, -1.0)
    found = treated(smiles, genes=5)
    found.sheet["smiles"] = smiles
    changes = (sign[:, None] + 0.3 * found.changes).astype(np.float32)
    parts = np.where(length % 4 == 0, "test", "train").astype(object)
    return TreatedPairs(changes, found.genes, found.sheet, found.left_out), parts, sign


@pytest.mark.parametrize("name", ["biaae", "cvae"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_planted_signal_is_found_in_both_directions(pretrained, tmp_path, direction, name):
    found, parts, sign = planted()
    write_pairs_file(tmp_path / "pairs.h5ad", found, {"molecule": parts}, "molecule")
    data = read_pairs_file(tmp_path / "pairs.h5ad")
    weights = {"biaae": {"x": 5, "y": 1, "shared": 0.5}, "cvae": {"x": 5, "divergence": 0.05}}[name]
    settings = {"architecture": name, "latent": 6, "shared": 3, "frozen": False, "weights": weights,
                "learning_rate": 3e-3, "discriminator_steps": 1, "generator_steps": 1}  # fmt: skip
    torch.manual_seed(1)
    model = build_pair_model(direction, pretrained, 5, settings)
    objective = objective_of(model, pair_tensors(data, "train").views(direction), settings)
    fit(
        objective,
        TrainingSettings(
            epochs=120 if name == "biaae" else 70, batch_size=30, seed=0, device="cpu", tensorboard=False
        ),
    )
    model.eval()
    test, sign = pair_tensors(data, "test"), sign[parts == "test"]
    if direction == "to_expression":
        change = expected_change(model, test.tokens, rng(), 10).mean(dim=1).numpy()
        assert np.corrcoef(change, sign)[0, 1] > 0.8
    else:
        own, other = (
            conditional_nats(model, test.tokens, change, rng(), 16)
            for change in (test.change, test.change.roll(1, 0))
        )
        # one letter of two is to be told: ln 2 at least for a model that knows it
        assert float((other - own).mean()) > 0.5


def test_conditional_likelihood_is_the_mean_over_draws(pretrained, pairs):
    torch.manual_seed(2)
    model = build_pair_model("to_molecule", pretrained, 5, BIAAE).eval()
    test = pair_tensors(pairs, "test")
    found = conditional_nats(model, test.tokens, test.change, rng(), 3)
    same = rng()
    with torch.no_grad():
        each = [
            model.decoder_x.negative_log_likelihood(model.generation_latent(test.change, same), test.tokens)
            for _ in range(3)
        ]
    expected = -torch.log(torch.stack([torch.exp(-one.double()) for one in each]).mean(dim=0))
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)


def test_enumerated_molecules_are_moses_like():
    known = enumerate_molecules()
    assert len(known) > 2_000 and known["smiles"].is_unique
    assert known[list(ACTIVE)].to_numpy().max() == 2
    assert all(canonical(one) == one for one in known["smiles"][::50])
    assert not known["smiles"].str.contains(r"[@+/\\]|Si|I|P").any()


def test_simulated_wells_have_the_planted_noise():
    found = simulate_wells(60, 3)
    obs = found.wells.obs
    treated_wells = (obs["pert_type"] == "trt_cp").to_numpy()
    assert treated_wells.sum() == 120 and (~treated_wells).sum() == 4 * CONTROLS
    # a well's change minus the truth is its own noise and that of the controls' median
    for plate in obs["rna_plate"].unique():
        own = (obs["rna_plate"] == plate).to_numpy()
        control = np.median(found.wells.X[own & ~treated_wells], axis=0)
        rows = obs.index[own & treated_wells]
        left = found.wells[rows].X - control - found.truth[rows].X
        assert np.sqrt((left**2).mean()) == pytest.approx(0.6 * np.sqrt(1 + np.pi / 2 / CONTROLS), rel=0.05)
    again = simulate_wells(60, 3)
    assert np.array_equal(again.wells.X, found.wells.X) and found.gene_info["pr_is_lm"].eq("1").all()


def test_lists_of_smiles_are_read_in_either_form(tmp_path):
    table, plain = tmp_path / "table.csv", tmp_path / "plain.smi"
    table.write_text("SMILES,SPLIT\nCCO,train\nCC,train\n")
    plain.write_text("CCO name\nCC\n\n")
    assert read_smiles(table) == read_smiles(plain) == ["CCO", "CC"]
    (tmp_path / "empty.csv").write_text("SMILES,SPLIT\n")
    with pytest.raises(LatentomeError, match=r"empty\.csv: no SMILES"):
        read_smiles(tmp_path / "empty.csv")
    assert (
        sorted(some_of(["a", "b", "c"], None, 0)) == ["a", "b", "c"]
        and len(some_of(["a", "b", "c"], 2, 0)) == 2
    )


def test_molecules_that_the_tokeniser_does_not_know_are_left_out(caplog):
    assert readable(["CCO", "C!C", "C" * 50], "mine", 40) == ["CCO"]
    assert "2 of 3 molecules left out" in caplog.text
    with pytest.raises(LatentomeError, match="mine: no molecule to train on"):
        readable(["C!C"], "mine", 40)


def test_a_pretrained_model_comes_back_and_another_is_refused(pretrained, tmp_path):
    save_model(tmp_path, pretrained.state_dict(), {"architecture": architecture(SMALL)})
    again, _ = load_smiles_model(tmp_path)
    assert draw_molecules(pretrained, 5, rng()) == draw_molecules(again, 5, rng())
    assert 0 <= rebuilt_share(again, SMILES, rng()) <= 1
    save_model(
        tmp_path, pretrained.state_dict(), {"architecture": {**architecture(SMALL), "tokens": "other"}}
    )
    with pytest.raises(LatentomeError, match="its tokens have other numbers"):
        load_smiles_model(tmp_path)


def test_a_model_that_knows_a_molecule_rebuilds_it():
    torch.manual_seed(0)
    model = SmilesVAE(SMALL)
    tokens = torch.from_numpy(NOTATIONS["smiles"].encode_all(["CCO"] * 32))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimiser.zero_grad()
        model.losses(tokens, rng(), 0.0)["loss"].backward()
        optimiser.step()
    model.eval()
    assert rebuilt_share(model, ["CCO"], rng()) == 1
    assert rebuilt_share(model, ["CCN"], rng()) == 0


def test_the_weights_that_come_with_the_project_generate_molecules():
    model, card = load_smiles_model(Path(__file__).parents[2] / "resources/molecules/smiles_vae")
    assert card["molecules"] == 200_000
    drawn = draw_molecules(model, 300, rng())
    valid, molecules = validity(drawn)
    # 0.73 of 10,000
    assert valid > 0.6 and len(set(molecules)) > 0.95 * len(molecules)
    tokens = torch.from_numpy(
        NOTATIONS["smiles"].encode_all(["CC(=O)Nc1ccc(O)cc1", "COc1ccccc1C(=O)N1CCCC1"])
    )
    with torch.no_grad():
        nats = model.decoder.negative_log_likelihood(torch.zeros(2, 44), tokens)
    assert (nats / (tokens[:, 1:] != 0).sum(dim=1) < 1.2).all()


def test_what_pretraining_has_seen_follows_from_its_card():
    smiles = [f"{'C' * k}O" for k in range(1, 30)]
    card = {"settings": {"molecules": 10, "seed": 3}}
    found = pretraining_molecules(smiles, card)
    assert len(found) == 10 and set(found["smiles"]) <= {canonical(one) for one in smiles}
    assert found.equals(pretraining_molecules(smiles, card))
    assert not found.equals(pretraining_molecules(smiles, {"settings": {"molecules": 10, "seed": 4}}))
    assert len(pretraining_molecules([*smiles, "("], {"settings": {"molecules": None, "seed": 3}})) == 29


def test_molecules_of_the_pretraining_come_back_from_their_file(tmp_path):
    molecules = ["OCC", "C[C@H](N)c1ccccc1", "CCO", "c1ccncc1", "C/C=C/[2H]", "("]
    found = pretraining_molecules(molecules, {"settings": {"molecules": None, "seed": 0}})
    write_table(found, tmp_path / "molecules.tsv.gz")
    known = [canonical(one) for one in molecules[:-1]]
    assert read_pretraining(tmp_path / "molecules.tsv.gz") == molecule_set(known)
