"""Training of the spatial model: what it sees, what it must not see, and that a seed decides every byte."""

import inspect
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from spot_toys import SETTINGS, network, tissue, weights

from workflow_scripts.lib.data.neighbours import neighbour_graph
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.training import fit_spots, validation_counts
from workflow_scripts.lib.training.fit_spots import fit_mixture, train_spot_model
from workflow_scripts.lib.training.spot_model import architecture, restore
from workflow_scripts.lib.training.spot_scores import (
    SpotScores,
    fit_scores,
)
from workflow_scripts.lib.training.spots import SpotObjective
from workflow_scripts.spatial import score_rates, train_spots


@pytest.fixture(scope="module")
def toy():
    _, counts, graph = tissue()
    return counts, graph


@pytest.fixture(scope="module")
def trained(toy):
    return train(*toy)


def train(observed, graph, seed=1, **changes):
    named = {name: changes.pop(name) for name in ("checkpoint_dir", "compute_threads") if name in changes}
    return train_spot_model(observed, graph, {**SETTINGS, **changes}, seed, device="cpu", **named)[0]


def rates_of(model, counts, graph):
    return model.rates(counts, graph).block(0, counts.shape[0])


def test_the_number_of_gaussians_is_chosen_by_bic():
    rng = np.random.default_rng(0)
    three = rng.normal(0, 0.3, (120, 2)) + 5 * np.repeat([[0, 0], [1, 0], [0, 1]], 40, axis=0)
    assert fit_mixture(three, None, 0).n_components == 3
    assert fit_mixture(three, 5, 0).n_components == 5
    # fewer spots than the most Gaussians that are tried
    assert fit_mixture(three[::12], None, 0).n_components <= 10


# the training


def test_training_explains_held_out_counts_and_keeps_pi_on_the_simplex(toy):
    _, counts, graph = tissue(200, 100, "visium")
    model, result = train_spot_model(counts, graph, {**SETTINGS, "epochs": 40}, 1, device="cpu")
    scores = [row["validation"] for row in result.history if "validation" in row]
    assert result.best_validation == min(scores) < scores[0]
    train_part, held_out, _ = validation_counts.ordered_split(counts, 1)
    share = np.asarray(train_part.sum(axis=0)).ravel() + 0.5
    gene_mean = -(held_out @ np.log(share / share.sum())).sum() / held_out.sum()
    assert result.best_validation < gene_mean - 0.02
    pi = torch.softmax(model.network.prior_logits.detach(), 0)
    assert (pi > 0).all() and float(pi.sum()) == pytest.approx(1, abs=1e-6)
    mean, log_variance = (torch.from_numpy(part) for part in model.posterior(counts, graph))
    found = model.network.responsibilities(mean, log_variance).detach()
    torch.testing.assert_close(found.sum(dim=1), torch.ones(200))
    assert (model.network.loading_sd != SETTINGS["loading_sd"]).all()
    # no draw is made, but the rates are near the mean over draws, nearer than the rates at the posterior mean
    noise = torch.randn(50_000, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        z = mean[0] + noise * torch.exp(0.5 * log_variance[0])
        drawn = model.network.log_rates(z).double().exp().mean(dim=0).numpy()
        plain = model.network.log_rates(mean[:1]).double().exp().numpy()[0]
    gap, without = (
        np.abs(part / drawn - 1).max() for part in (model.rates(counts, graph).block(0, 1)[0], plain)
    )
    assert gap < 0.01 and gap < without


def test_the_expected_counts_of_every_gene_add_up_to_the_observed_ones(toy, trained):
    counts, graph = toy
    depth, seen = np.asarray(counts.sum(axis=1)).ravel(), np.asarray(counts.sum(axis=0)).ravel()
    expected = depth @ rates_of(trained, counts, graph)
    assert np.abs(expected[seen > 0] / seen[seen > 0] - 1).max() < 0.005
    # a gene without counts keeps a rate
    assert 0 < expected[seen == 0].max() < 1


def test_rates_are_of_spots_and_genes_and_follow_the_genes(toy, trained):
    counts, graph = toy
    plain = rates_of(trained, counts, graph)
    assert plain.shape == (150, 60) and (plain > 0).all() and np.allclose(plain.sum(axis=1), 1)
    order = np.random.default_rng(1).permutation(60)
    moved = counts[:, order].tocsr()
    found = rates_of(train(moved, graph), moved, graph)
    assert np.abs(found - plain[:, order]).max() < 1e-5
    # it is about the genes: unmoved, they would be far off
    assert np.abs(found - plain).max() > 0.01
    counts, graph = counts[:60], graph[:60, :60]  # as many spots as genes
    square = rates_of(train(counts, graph), counts, graph)
    assert square.shape == (60, 60) and np.abs(square - square.T).max() > 0.01


def test_the_order_of_genes_moves_nothing_that_is_drawn_or_learnt(toy, trained):
    counts, graph = toy
    order = np.arange(59, -1, -1)  # turns round the two genes that have one UMI each in the same spot
    moved = counts[:, order].tocsr()
    plain, other = validation_counts.ordered_split(counts, 7), validation_counts.ordered_split(moved, 7)
    assert all((one != two).nnz == 0 for one, two in zip(plain[:2], other[:2], strict=True))
    whole = plain[0] + plain[1]
    assert (whole[:, plain[2]] != counts).nnz == 0 and (whole[:, other[2]] != moved).nnz == 0
    assert plain[1].sum() == pytest.approx(0.1 * counts.sum(), rel=0.05)
    again = train(moved, graph)
    assert torch.equal(again.network.loadings[:, order], trained.network.loadings)
    assert torch.equal(again.network.score_components[order], trained.network.score_components)
    assert torch.equal(again.network.projection, trained.network.projection)


def test_a_seed_decides_every_byte(toy, trained):
    again = train(*toy, compute_threads=1)
    assert weights(again) == weights(trained)
    assert rates_of(again, *toy).tobytes() == rates_of(trained, *toy).tobytes()
    assert weights(train(*toy, seed=2)) != weights(trained)


def test_a_killed_run_goes_on_to_the_same_bytes(toy, tmp_path, monkeypatch):
    whole = train(*toy, epochs=8, validate_every=1)
    real, calls = SpotObjective.validate, []

    def failing(self, rng):
        calls.append(1)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return real(self, rng)

    monkeypatch.setattr(SpotObjective, "validate", failing)
    saving = fit_spots.TrainingSettings
    monkeypatch.setattr(
        fit_spots, "TrainingSettings", lambda **given: saving(**given, checkpoint_every_epochs=1)
    )
    with pytest.raises(KeyboardInterrupt):
        train(*toy, epochs=8, validate_every=1, checkpoint_dir=tmp_path)
    resumed = train(*toy, epochs=8, validate_every=1, checkpoint_dir=tmp_path)
    assert len(calls) == 9  # six epochs, the killed one, and it again with the last
    assert weights(resumed) == weights(whole)


def test_a_graph_without_edges_trains_without_the_edge_decoder(toy):
    counts, _ = toy
    empty = sparse.csr_matrix((150, 150), dtype=np.float32)
    model, result = train_spot_model(counts, empty, SETTINGS, 1, device="cpu")
    assert "edges" not in result.history[-1] and float(model.network.edge_slope.detach()) == 0
    assert np.isfinite(rates_of(model, counts, empty)).all()
    scores = model.scores.of_neighbourhoods(counts, empty, [0, 2])
    assert np.array_equal(scores[:, 0], scores[:, 1])


def test_a_spot_without_neighbours_or_counts_is_fine(toy):
    counts, graph = toy
    graph, counts = graph.tolil(), counts.tolil()
    for spot in (0, 77, 149):
        graph[spot], graph[:, spot] = 0, 0
    counts[77] = 0
    graph, counts = (sparse.csr_matrix(part) for part in (graph, counts))
    for part in (graph, counts):
        part.eliminate_zeros()
    model, result = train_spot_model(counts, graph, SETTINGS, 1, device="cpu")
    assert result.history[-1]["edges"] > 0
    found = rates_of(model, counts, graph)
    assert np.isfinite(found).all() and (found > 0).all()


def test_the_edge_loss_is_of_neighbours_and_random_pairs():
    graph = neighbour_graph(np.c_[np.arange(30.0), np.zeros(30)], {"kind": "knn", "k": 1})
    counts = sparse.csr_matrix(np.ones((30, 12), dtype=np.int32))
    scores = np.random.default_rng(0).normal(size=(30, 2, 5)).astype(np.float32)
    model = network()
    objective = SpotObjective(model, scores, counts, None, graph, SETTINGS)
    seen = []

    def logits(left, right):
        seen.append((left, right))
        return (left - right).sum(dim=1)

    model.edge_logits = logits
    index = torch.arange(30)
    mean = model.encode(torch.from_numpy(scores))[0].detach()
    found = objective._edges(index, mean, torch.Generator().manual_seed(0))
    # every positive pair is an edge: find the partner by its embedding
    partner = (seen[0][1][:, None] - mean[None]).abs().sum(dim=2).argmin(dim=1).numpy().copy()
    assert (np.asarray(graph[np.arange(30), partner]).ravel() > 0).all()
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    expected = sum(
        loss((left - right).sum(dim=1), torch.full((30,), target))
        for (left, right), target in zip(seen, (1.0, 0.0), strict=True)
    )
    torch.testing.assert_close(found, expected)


def test_features_are_modelled_with_their_noise():
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], 40)
    features = rng.normal(0, 1, (3, 8))[groups] * 3 + rng.normal(0, 0.5, (120, 8))
    graph = neighbour_graph(np.c_[np.arange(120.0), rng.normal(0, 0.1, 120)], {"kind": "knn", "k": 4})
    model = train(features, graph, epochs=60, rank=4, latent=3, learning_rate=0.01)
    assert model.network.shape.likelihood == "features"
    mean, _ = model.posterior(features, graph)
    with torch.no_grad():
        fitted = model.network.features(torch.from_numpy(mean)).numpy()
    assert ((features - fitted) ** 2).mean() < 0.3 * features.var(axis=0).mean()
    assert np.abs(model.network.log_noise.detach().numpy()).max() > 0.1


# what it must not see


def test_no_function_of_training_takes_labels():
    for function in (train_spot_model, fit_scores, fit_mixture, SpotScores.of_neighbourhoods, SpotObjective):
        # `label` names the run
        names = set(inspect.signature(function).parameters) - {"label"}
        assert not any("label" in name for name in names)


def spots_file(path, counts, labels):
    genes = [f"g{k}" for k in range(counts.shape[1])]
    obs = pd.DataFrame({"label": pd.Categorical(labels)}, index=[f"b{k}" for k in range(counts.shape[0])])
    xy = np.random.default_rng(0).uniform(size=(len(obs), 2))
    whole = anndata.AnnData(
        counts.astype(np.int32), obs=obs, var=pd.DataFrame(index=genes), obsm={"spatial": xy}
    )
    whole.write_h5ad(path)
    return str(path)


def job(folder, spots, graph, settings, **files):
    folder.mkdir()
    sparse.save_npz(folder / "graph.npz", graph)
    output = {name: str(folder / file) for name, file in files.items()}
    given = SimpleNamespace(spots=spots, graph=str(folder / "graph.npz"), pretrained=[])
    params = SimpleNamespace(
        settings=settings, share=0.1, device="cpu", compute_threads=1, log_dir=str(folder / "log"),
        code="", pretrained=None, control_seeds=[0],
    )  # fmt: skip
    return SimpleNamespace(
        input=given, output=SimpleNamespace(**output), params=params,
        wildcards=SimpleNamespace(seed="0", dataset="toy"), config={"checkpoint_dir": str(folder / "checkpoints")},
    )  # fmt: skip


def test_weights_do_not_change_with_the_labels(toy, tmp_path):
    counts, graph = toy
    labels = np.repeat(["a", "b", "c"], 50)
    files = {
        "weights": "model.safetensors", "metrics": "m.json", "runtime": "r.json", "history": "h.tsv"
    }  # fmt: skip
    found = []
    for name, own in (("true", labels), ("permuted", np.random.default_rng(0).permutation(labels))):
        spots = spots_file(tmp_path / f"{name}.h5ad", counts, own)
        train_spots.main(job(tmp_path / name, spots, graph, SETTINGS, **files))
        found.append(
            [(tmp_path / name / files[part]).read_bytes() for part in ("weights", "metrics", "history")]
        )
    assert found[0] == found[1]


def test_nothing_that_predicts_held_out_counts_sees_them(toy, tmp_path, monkeypatch):
    """Held-out entries set to 1e6 leave the rates of the model, its controls and every baseline unchanged."""
    counts, graph = toy
    spots = spots_file(tmp_path / "spots.h5ad", counts, np.repeat("a", 150))
    split, score, found = score_rates.thin_counts, score_rates.held_out_scores, []

    def poisoned(*given):
        train_part, held_out = split(*given)
        held_out.data[:] = 10**6
        return train_part, held_out

    def watched(rates, *given):
        found[-1].append(rates.block(0, 150).tobytes())
        return score(rates, *given)

    monkeypatch.setattr(score_rates, "held_out_scores", watched)
    tables = []
    for name, thin in (("plain", split), ("poisoned", poisoned)):
        monkeypatch.setattr(score_rates, "thin_counts", thin)
        found.append([])
        made = job(
            tmp_path / name, spots, graph, SETTINGS, scores="s.tsv", calibration="c.tsv", coverage="v.tsv"
        )
        score_rates.main(made)
        tables.append(pd.read_csv(made.output.scores, sep="\t"))
    assert len(found[0]) == len(tables[0]) >= 16 and found[0] == found[1]
    # the poison was there: what is scored with it changed
    assert (tables[0].log_likelihood != tables[1].log_likelihood).all()


def test_too_small_data_are_refused(toy):
    counts, graph = toy
    with pytest.raises(LatentomeError, match="toy: 9 spots; expected at least 10; check the filters$"):
        train_spot_model(counts[:9], graph[:9, :9], SETTINGS, 1, label="toy")
    with pytest.raises(
        LatentomeError, match="toy: 4 genes in 150 spots, but 4 latent.*lower config key"
    ) as error:
        train_spot_model(counts[:, :4].tocsr(), graph, SETTINGS, 1, label="toy")
    assert "\n" not in str(error.value)
    with pytest.raises(LatentomeError, match="60 genes in 12 spots, but 20 latent"):
        train_spot_model(counts[:12], graph[:12, :12], {**SETTINGS, "latent": 20}, 1)


def test_ten_spots_and_a_chosen_number_of_gaussians_are_enough(toy):
    counts, graph = toy
    model = train(counts[:10], graph[:10, :10], components=None, epochs=2)
    assert 1 <= model.network.shape.components <= 10


def test_a_model_comes_back_from_its_weights_and_card(toy, trained):
    card = {"architecture": architecture(trained)}
    again = restore(trained.network.state_dict(), card, "model.json")
    assert again.hops == (0, 1, 2)
    assert rates_of(again, *toy).tobytes() == rates_of(trained, *toy).tobytes()


@pytest.mark.parametrize("fault", ["vae", "no card", "text", "larger", "missing"])
def test_weights_of_another_architecture_are_refused(trained, fault):
    state, found = dict(trained.network.state_dict()), architecture(trained)
    if fault == "missing":
        del state["edge_slope"]
    card = {
        "vae": {"architecture": {"inputs": 978, "hidden": 64, "latent": 16}},
        "no card": {},
        "text": {"architecture": "vae"},
        "larger": {"architecture": {**found, "latent": 5}},
        "missing": {"architecture": found},
    }[fault]
    with pytest.raises(
        LatentomeError, match=r"x/model.json: the weights are not those .*pretrained"
    ) as error:
        restore(state, card, "x/model.json")
    assert "\n" not in str(error.value)
    assert fault != "missing" or "edge_slope" in str(error.value)
