"""Tokens of SMILES without loss, the recurrent autoencoder, its batches and its draws."""

import math

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from workflow_scripts.lib.data.molecules import canonical
from workflow_scripts.lib.data.notation import NOTATIONS
from workflow_scripts.lib.data.smiles_tokens import (
    END,
    NUMBER,
    PAD,
    START,
    TOKENS,
    UNKNOWN,
    decode,
    encode,
    lengths,
    tokenise,
)
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.smiles_coders import SmilesShape, SmilesVAE, choose, smiles_view
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.settings import TrainingSettings
from workflow_scripts.lib.training.smiles import SmilesObjective, bigram_loss, by_length
from workflow_scripts.lib.training.smiles_model import draw_molecules

encode_all = NOTATIONS["smiles"].encode_all
MOLECULES = [
    "CCCS(=O)c1ccc2[nH]c(=NC(=O)OC)[nH]c2c1",
    "CC(C)(C)C(=O)C(Oc1ccc(Cl)cc1)n1ccnc1",
    "C[C@@H](N)C(=O)[O-]",
    "[Na+].[13CH3]C([2H])([2H])Br",
    "F/C=C\\F",
    "C1CC%10CCCC%10C1",
    "Cl[Pt](Cl)([NH3])[NH3]",
    "Sc1ccccc1",
    "[Sc+3]",
    "c1cc[se]c1",
    "[O-][N+](=O)c1cncs1",
]
SMALL = SmilesShape(latent=4, embedding=12, hidden=16, layers=2, longest=30)


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("smiles", MOLECULES)
def test_molecules_come_back_as_they_were(smiles):
    assert decode(encode(smiles)) == smiles
    assert "".join(tokenise(smiles)) == smiles


def test_atoms_are_whole_where_they_are_atoms():
    assert tokenise("Sc1ccccc1")[:2] == ["S", "c"]
    assert tokenise("[Sc+3]") == ["[", "Sc", "+", "3", "]"]
    assert tokenise("CCl") == ["C", "Cl"]
    assert tokenise("[Co]Co") == ["[", "Co", "]", "C", "o"]
    assert tokenise("[nH]") == ["[", "n", "H", "]"]


def test_vocabulary_has_no_token_twice():
    assert len(set(TOKENS)) == len(TOKENS) == len(NUMBER)
    assert len(TOKENS) < 256


@pytest.mark.parametrize(("smiles", "token"), [("CCX", "'X'"), ("C C", "' '"), ("", "no token")])
def test_what_is_no_smiles_is_refused_by_name(smiles, token):
    with pytest.raises(LatentomeError, match=f"SMILES {smiles!r}.*{token}"):
        encode(smiles)


def test_many_are_padded_at_the_end():
    found = encode_all(["CC", "CCO"])
    assert found.tolist() == [
        [START, NUMBER["C"], NUMBER["C"], END, PAD],
        [START, NUMBER["C"], NUMBER["C"], NUMBER["O"], END],
    ]
    assert lengths(found).tolist() == [4, 5]
    with pytest.raises(LatentomeError, match="no molecule"):
        encode_all([])


def test_decoding_stops_at_the_end_and_shows_what_is_no_token():
    c = NUMBER["C"]
    assert decode([START, c, END, c]) == "C"
    assert decode([c, PAD, c]) == "C?C"


@pytest.fixture
def model():
    torch.manual_seed(0)
    return SmilesVAE(SMALL).eval()


def test_published_size_follows_from_the_vocabulary():
    shape = SmilesShape()
    model = SmilesVAE(shape)
    # published with 38 tokens: 230,872 and 230,566
    more = len(TOKENS) - 38
    assert count(model.encoder) == 230_872 + 128 * more
    assert count(model.decoder) == 230_566 + (128 + 129) * more


def test_padding_changes_nothing(model):
    alone, padded = encode_all(["CCO"]), encode_all(["CCO", "CCCCCCCCCCCCC"])
    with torch.no_grad():
        first = model.encoder(torch.from_numpy(alone))[0]
        second = model.encoder(torch.from_numpy(padded))[0]
        z = torch.zeros(1, 4)
        losses = [
            model.decoder.negative_log_likelihood(z, torch.from_numpy(tokens)[:1])
            for tokens in (alone, padded)
        ]
    torch.testing.assert_close(first, second)
    torch.testing.assert_close(losses[0], losses[1])


def test_a_batch_read_in_halves_is_that_read_packed(model):
    molecules = [f"{'C' * (1 + k * 7 % 23)}O" for k in range(60)]
    tokens = torch.from_numpy(encode_all(molecules))
    assert len(set(molecules)) < len(molecules)
    found, z = model.encoder(tokens), torch.randn(60, SMALL.latent)
    packed = pack_padded_sequence(
        model.encoder.embedding(tokens.long()),
        (tokens != PAD).sum(dim=1),
        batch_first=True,
        enforce_sorted=False,
    )
    expected = model.encoder.head(model.encoder.recurrent(packed)[1][-1])
    torch.testing.assert_close(found, expected)
    weights = list(model.encoder.parameters())
    for one, other in zip(
        torch.autograd.grad(found.square().sum(), weights),
        torch.autograd.grad(expected.square().sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    nats = model.decoder.negative_log_likelihood(z, tokens)
    alone = [model.decoder.negative_log_likelihood(z[k : k + 1], tokens[k : k + 1]) for k in range(60)]
    torch.testing.assert_close(nats, torch.cat(alone))


def test_likelihood_is_that_of_the_tokens_drawn_one_by_one(model):
    tokens = torch.from_numpy(encode_all(["CCO"])).long()
    z = torch.randn(1, 4, generator=torch.Generator().manual_seed(1))
    decoder, total = model.decoder, 0.0
    with torch.no_grad():
        state = decoder.start(z).expand(2, -1, -1).contiguous()
        for now, after in zip(tokens[0, :-1], tokens[0, 1:], strict=True):
            inputs = torch.cat([decoder.embedding(now[None]), z], dim=1)[:, None]
            states, state = decoder.recurrent(inputs, state)
            total -= float(torch.log_softmax(decoder.out(states[0]), dim=1)[0, after])
        found = float(decoder.negative_log_likelihood(z, tokens))
        per_token = float(decoder.reconstruction_loss(z, tokens))
    assert found == pytest.approx(total, rel=1e-5)
    assert per_token == pytest.approx(total / 4, rel=1e-5)


def test_draws_have_their_probabilities():
    logits = torch.log(torch.tensor([[0.4, 0.2, 0.0, 0.1, 0.2, 0.1]])).repeat(20_000, 1)
    rng = torch.Generator().manual_seed(0)
    # padding (0), start (1) and unknown (3) are never drawn: .2 and .1 are left
    share = torch.bincount(choose(logits, rng, 1.0, 1.0), minlength=6) / 20_000
    np.testing.assert_allclose(share, [0, 0, 0, 0, 2 / 3, 1 / 3], atol=0.02)
    assert (choose(logits, rng, 0.0, 1.0) == 4).all()
    assert (choose(logits, rng, 1.0, 0.6) == 4).all()
    cold = torch.bincount(choose(logits, rng, 0.5, 1.0), minlength=6) / 20_000
    np.testing.assert_allclose(cold, [0, 0, 0, 0, 0.8, 0.2], atol=0.02)


def test_a_molecule_ends_once(model):
    found = model.decoder.sample(torch.randn(50, 4), torch.Generator().manual_seed(0)).numpy()
    assert found.shape[1] <= SMALL.longest + 1
    assert (found[:, 0] == START).all()
    for row in found:
        ends = np.flatnonzero(row == END)
        assert len(ends) <= 1
        if len(ends):
            assert (row[ends[0] + 1 :] == PAD).all()


def test_batches_hold_molecules_of_like_length():
    length = torch.randint(5, 60, (1234,), generator=torch.Generator().manual_seed(0))
    order = by_length(length, 32, torch.Generator().manual_seed(1))
    assert sorted(order.tolist()) == list(range(1234))
    batches = order.split(32)
    spread = np.mean([float(length[batch].max() - length[batch].min()) for batch in batches])
    assert spread < 5
    means = [float(length[batch].float().mean()) for batch in batches]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.5


def test_bigrams_have_the_likelihood_of_their_counts():
    tokens = encode_all(["CO"] * 3 + ["CC"])
    c, o = NUMBER["C"], NUMBER["O"]
    after_c = {o: 3 + 1, c: 1 + 1, END: 1 + 1}
    known = sum(after_c.values()) + 1e-6 * (len(TOKENS) - 3)
    after_o = {END: 3 + 1, c: 1, o: 1}
    whole = sum(after_o.values()) + 1e-6 * (len(TOKENS) - 3)
    first = {c: 4 + 1, o: 1, END: 1}
    start = sum(first.values()) + 1e-6 * (len(TOKENS) - 3)
    expected = -np.mean([math.log(5 / start), math.log(4 / known), math.log(4 / whole)])
    assert bigram_loss(tokens, encode_all(["CO"]), len(TOKENS)) == pytest.approx(expected, rel=1e-6)


def test_training_learns_and_the_divergence_rises(model):
    tokens = encode_all(["CCO", "CCN", "CCCO", "CCCN"] * 32)
    settings = {"learning_rate": 5e-3, "batch_size": 16, "divergence_weight": 0.01, "warm_up": 10}
    objective = SmilesObjective(model, tokens, tokens[:4], settings)
    result = fit(
        objective, TrainingSettings(epochs=30, batch_size=16, seed=0, device="cpu", tensorboard=False)
    )
    assert result.history[-1]["validation"] < 0.3 * result.history[0]["validation"]
    assert result.history[-1]["validation/reconstruction"] < bigram_loss(tokens, tokens[:4], len(TOKENS))
    # a likelihood pays for what the code says of the molecule
    assert result.history[-1]["validation"] > result.history[-1]["validation/reconstruction"]
    assert int(objective.state()["updates"]) == 30 * 8


@pytest.mark.parametrize("frozen", [True, False])
def test_tuning_reaches_tokens_that_pretraining_did_not_see(model, frozen):
    view = smiles_view(model, frozen)
    decoder = view.decoder(3)
    tokens = torch.from_numpy(encode_all(["C[C@@H](N)O"]))
    decoder.reconstruction_loss(torch.zeros(1, 3), tokens).backward()
    grads = [decoder.pretrained.out.weight.grad, decoder.pretrained.embedding.weight.grad]
    if frozen:
        assert grads == [None, None]
    else:
        assert all(grad[NUMBER["@"]].abs().max() > 0 for grad in grads)
    # the pretrained weights themselves stay as they were
    assert all(p.grad is None for p in model.parameters())


def test_selfies_come_back_or_are_refused():
    selfies = NOTATIONS["selfies"]
    assert len(set(selfies.tokens)) == len(selfies.tokens) and selfies.tokens[:4] == TOKENS[:4]
    for one in [
        *MOLECULES[:3],
        "F/C=C\\F",
        "c1ccncc1",
        "C[S@](=O)CC",
        "O=S(=O)(N)c1ccccc1",
        "CC(C)[N+](=O)[O-]",
    ]:
        assert canonical(selfies.decode(selfies.encode(one))) == canonical(one)
    with pytest.raises(LatentomeError, match=r"unknown symbol \[Pt\]|has no SELFIES"):
        selfies.encode("Cl[Pt](Cl)([NH3])[NH3]")
    with pytest.raises(LatentomeError, match="has no SELFIES"):
        selfies.encode("not a molecule")
    assert selfies.decode([START, UNKNOWN, 30, END]) == "?"


def test_every_string_of_selfies_is_a_molecule():
    shape = SmilesShape(latent=4, embedding=12, hidden=16, layers=2, longest=30, notation="selfies")
    torch.manual_seed(0)
    model = SmilesVAE(shape)
    assert model.decoder.out.out_features == len(NOTATIONS["selfies"].tokens)
    drawn = draw_molecules(model, 200, torch.Generator().manual_seed(0))
    # an untrained network ends some at once
    written = [one for one in drawn if one]
    assert len(written) > 50 and all(canonical(one) for one in written)
