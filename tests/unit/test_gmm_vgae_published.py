"""The published GMM-VGAE: network, losses and pseudo-graph against NumPy, training, and what it costs."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from scipy.stats import multivariate_normal
from torch_geometric.nn import GCNConv

from workflow_scripts.lib.data.published_spots import (
    central_spots,
    check_size,
    published_features,
    published_graph,
)
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models import gmm_vgae_published as published
from workflow_scripts.lib.models.gmm_vgae_published import EdgeTarget, PublishedGMMVGAE
from workflow_scripts.lib.training import gmm_vgae_published as training
from workflow_scripts.lib.training.gmm_vgae_published import PARTS, JointObjective, train_published
from workflow_scripts.lib.training.published_epoch import dense_epoch
from workflow_scripts.lib.training.seeds import seed_all

SPOTS, GENES = 40, 30
SETTINGS = {"pretraining_epochs": 20, "epochs": 12, "seed": 3}


def grid(count, width=8):
    return np.array([(i % width, i // width) for i in range(count)], dtype=float)


@pytest.fixture
def toy():
    rng = np.random.default_rng(0)
    features = np.log1p(rng.poisson(1.0, (SPOTS, GENES))).astype(np.float32)
    return features, published_graph(grid(SPOTS))


@pytest.fixture
def network():
    seed_all(1)
    return PublishedGMMVGAE(GENES, 3, hidden=6, latent=4)


def operator_by_numpy(graph):
    joined = graph + np.eye(len(graph))
    scale = np.diag(joined.sum(axis=1) ** -0.5)
    return scale @ joined @ scale


def entropy_by_numpy(decoded, target):
    x, t = decoded.astype(np.float64), target.astype(np.float64)
    return -(t * np.maximum(np.log(x), -100) + (1 - t) * np.maximum(np.log1p(-x), -100))


def weights_by_numpy(graph):
    size, edges = graph.size, graph.sum()
    target = graph + np.eye(len(graph))
    return target, np.where(target == 1, (size - edges) / edges, 1.0)


def numpy_of(*tensors):
    return [tensor.detach().double().numpy() for tensor in tensors]


@pytest.mark.parametrize(("genes", "first"), [(3592, 862_080), (2688, 645_120), (3000, 720_000)])
def test_first_layer_has_the_parameters_of_the_released_weights(genes, first):
    # Section 151675 has 3592 spots, the mouse brain 2688: the released imputation models, by their sizes.
    sizes = {name: value.numel() for name, value in PublishedGMMVGAE(genes, 7).named_parameters()}
    assert sizes.pop("base.weight") == first
    assert sorted(sizes.values()) == [7, 280, 280, 9600, 9600]


def test_weights_are_uniform_within_the_published_range_and_in_the_seed_s_order():
    torch.manual_seed(5)
    network = PublishedGMMVGAE(50, 7)
    torch.manual_seed(5)
    for layer, (inputs, outputs) in zip(
        (network.base, network.to_mean, network.to_log_std), [(50, 240), (240, 40), (240, 40)], strict=True
    ):
        reach = np.sqrt(6 / (inputs + outputs))
        expected = torch.rand(inputs, outputs) * 2 * reach - reach
        assert torch.equal(layer.weight, expected.float())
        assert 0.99 * reach < layer.weight.abs().max() <= reach
    assert torch.equal(network.centres, torch.randn(7, 40))
    assert torch.equal(network.log_variances, torch.randn(7, 40))
    assert torch.equal(network.pi, torch.full((7,), 1 / 7))


def test_graph_of_five_nearest_is_symmetric_and_without_loops():
    positions = np.random.default_rng(2).normal(size=(30, 2))
    graph = published_graph(positions)
    for i, j in itertools.combinations(range(30), 2):
        near = [
            np.sum(np.linalg.norm(positions - positions[a], axis=1) < np.linalg.norm(positions[a] - positions[b])) <= 5
            for a, b in ((i, j), (j, i))
        ]  # fmt: skip
        assert graph[i, j] == graph[j, i] == any(near)
    assert not graph.diagonal().any()


def test_central_spots_are_the_nearest_to_the_mean_position():
    positions = grid(49, width=7)
    assert central_spots(positions, 5).tolist() == [17, 23, 24, 25, 31]
    # of the largest section alone, wherever the others lie
    both = np.vstack([positions[:9] + 0.1, positions])
    sections = pd.Series(["small"] * 9 + ["large"] * len(positions))
    assert central_spots(both, 5, sections).tolist() == [26, 32, 33, 34, 40]
    assert central_spots(positions, None).tolist() == list(range(49))


def test_too_many_spots_name_the_memory_and_the_key():
    with pytest.raises(LatentomeError, match=r"6000 spots need about 1.9 GB.*spatial\.published\.spots"):
        check_size(6000)
    with pytest.raises(LatentomeError, match="expected more than 5"):
        check_size(5)


def test_imputation_mode_takes_as_many_genes_as_spots_and_all_when_there_are_too_few():
    rng = np.random.default_rng(1)
    rates = rng.gamma(1.0, 2.0, 120)
    counts = sparse.csr_matrix(rng.poisson(rates * rng.gamma(2.0, 0.5, (SPOTS, 120))).astype(np.int32))
    given = published_features(counts)
    assert given.can_impute and given.values.shape == (SPOTS, SPOTS)
    dense = counts.toarray()
    expected = np.log1p(dense / dense.sum(axis=1, keepdims=True) * 1e4)[:, given.genes]
    np.testing.assert_allclose(given.values, expected, rtol=1e-5)
    few = published_features(counts[:, :20])
    assert not few.can_impute and few.values.shape == (SPOTS, 20)
    with pytest.raises(LatentomeError, match="expected integer counts"):
        published_features(counts.astype(np.float32))


def test_forward_is_two_propagations_and_an_inner_product(toy, network):
    features, graph = toy
    operator = published.propagation_operator(torch.tensor(graph))
    np.testing.assert_allclose(operator.to_dense(), operator_by_numpy(graph), atol=1e-7)
    torch.manual_seed(4)
    mean, log_std, z = network.encode(torch.tensor(features), operator)
    torch.manual_seed(4)
    noise = torch.randn(SPOTS, 4).numpy()
    a = operator_by_numpy(graph)
    w0, w1, w2 = numpy_of(network.base.weight, network.to_mean.weight, network.to_log_std.weight)
    hidden = np.maximum(a @ features @ w0, 0)
    np.testing.assert_allclose(mean.detach(), a @ hidden @ w1, atol=1e-5)
    np.testing.assert_allclose(log_std.detach(), a @ hidden @ w2, atol=1e-5)
    expected = a @ hidden @ w1 + noise * np.exp(a @ hidden @ w2)
    np.testing.assert_allclose(z.detach(), expected, atol=1e-5)
    np.testing.assert_allclose(
        network.decode(z).detach(), 1 / (1 + np.exp(-expected @ expected.T)), atol=1e-5
    )


def test_a_convolution_is_that_of_torch_geometric(toy, network):
    features, graph = toy
    theirs = GCNConv(GENES, 6, bias=False)
    theirs.lin.weight.data = network.base.weight.data.T.clone()
    edges = torch.tensor(np.stack(graph.nonzero()))
    operator = published.propagation_operator(torch.tensor(graph))
    found = network.base(torch.tensor(features), operator)
    torch.testing.assert_close(found, theirs(torch.tensor(features), edges), atol=1e-5, rtol=1e-5)


def test_edge_loss_and_its_weights(toy):
    _, graph = toy
    decoded = torch.rand(SPOTS, SPOTS)
    target, weights = weights_by_numpy(graph)
    edges = EdgeTarget.of(torch.tensor(graph))
    np.testing.assert_allclose(edges.weights, weights, rtol=1e-6)
    norm = SPOTS**2 / (2 * (SPOTS**2 - graph.sum()))
    assert published.edge_norm(torch.tensor(graph)) == pytest.approx(norm)
    expected = norm * (weights * entropy_by_numpy(decoded.numpy(), target)).mean()
    assert edges.loss(decoded, norm).item() == pytest.approx(expected, rel=1e-5)


def test_edge_loss_of_a_hub_with_a_target_of_two(toy):
    _, graph = toy
    graph = graph.copy()
    graph[3, 3] = graph[7, 7] = True
    decoded = (torch.rand(SPOTS, SPOTS) * 0.9 + 0.05).requires_grad_()
    target, weights = weights_by_numpy(graph)
    assert target[3, 3] == 2 and weights[3, 3] == 1
    loss = EdgeTarget.of(torch.tensor(graph)).loss(decoded, 1.5)
    loss.backward()
    x = decoded.detach().double().numpy()
    expected = 1.5 * (weights * entropy_by_numpy(x, target)).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    slope = 1.5 * weights * (x - target) / (x * (1 - x)) / x.size
    np.testing.assert_allclose(decoded.grad, slope, rtol=1e-4, atol=1e-7)


def test_joint_loss_with_its_errors(network):
    rng = np.random.default_rng(6)
    mean, log_std, z = (torch.tensor(rng.normal(size=(9, 4)) / 2, dtype=torch.float32) for _ in range(3))
    means, variances = rng.normal(size=(3, 4)), rng.gamma(2.0, 1.0, (3, 4))
    network.start_mixture(*(torch.tensor(v) for v in ([0.5, 0.3, 0.2], means, variances)))
    found = published.joint_loss(network, torch.tensor(2.0), 25, mean, log_std, z)
    m, s, draws, pi, centres, log_variances = numpy_of(
        mean, log_std, z, network.pi, network.centres, network.log_variances
    )
    normals = [
        multivariate_normal(c, np.diag(np.exp(v))) for c, v in zip(centres, log_variances, strict=True)
    ]
    density = np.stack([p * normal.pdf(draws) for p, normal in zip(pi, normals, strict=True)], axis=1)
    shares = (density + 0.01) / (density + 0.01).sum(axis=1, keepdims=True)
    kl1 = kl2 = 0.0
    for i in range(9):
        for c in range(3):
            inner = (
                log_variances[c]
                + np.exp(s[i] - log_variances[c])
                + (m[i] - centres[c]) ** 2 / np.exp(log_variances[c])
            )
            kl1 += 0.5 * shares[i, c] * inner.sum() / 9
            kl2 += shares[i, c] * np.log(pi[c] / shares[i, c]) / 9
        kl2 += 0.5 * (1 + s[i]).sum() / 9
    assert found.edges.item() == pytest.approx(0.01 * 25 * 2.0)
    assert found.kl1.item() == pytest.approx(kl1, rel=1e-6)
    assert found.kl2.item() == pytest.approx(kl2, rel=1e-6)
    assert found.loss.item() == pytest.approx(0.5 + kl1 - kl2, rel=1e-6)
    assert network.predict(z).tolist() == density.argmax(axis=1).tolist()


def test_in_forty_dimensions_the_floor_makes_all_components_equal():
    seed_all(0)
    network = PublishedGMMVGAE(5, 7)
    floored = network.floored_densities(torch.randn(20, 40))
    shares = floored / floored.sum(dim=1, keepdim=True)
    torch.testing.assert_close(shares, torch.full_like(shares, 1 / 7))


def test_unconflicted_spots():
    centres = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 9.0]])
    z = torch.tensor([[0.1, 0.0], [2.0, 0.0], [3.9, 0.0]])
    assert published.unconflicted(z, centres, 0.002, 0.001).tolist() == [True, False, True]
    # No spot falls below 1 / K, whatever its distance; a threshold above it excludes.
    far = z + 1000
    assert published.unconflicted(far, centres, 1 / 3 - 1e-9, -1.0).all()
    assert published.unconflicted(z, centres, 0.99, 0.0).tolist() == [False, False, False]


def rewired_by_loops(graph, z, centres, component, chosen):
    """The published double loop, on a dense matrix."""
    places = np.flatnonzero(chosen)
    hubs = [places[np.argmin(((z[places] - centre) ** 2).sum(axis=1))] for centre in centres]
    result = graph.copy()
    for k in places:
        hub = hubs[component[k]]
        neighbours = np.flatnonzero(result[k])
        if hub not in neighbours and component[k] == component[hub]:
            result[k, hub] = True
        for j in neighbours:
            if chosen[j] and hub in neighbours and component[k] != component[j]:
                result[k, j] = False
    return result


@pytest.mark.parametrize("seed", range(5))
def test_rewiring_is_the_published_double_loop(toy, seed):
    rng = np.random.default_rng(seed)
    z, centres = rng.normal(size=(SPOTS, 2)), rng.normal(size=(3, 2))
    component, chosen = rng.integers(0, 3, SPOTS), rng.random(SPOTS) < 0.7
    graph = toy[1]
    # Twice, for only the second time the spots have their hub as neighbour.
    for _ in range(2):
        expected = rewired_by_loops(graph, z, centres, component, chosen)
        found = published.rewire(*(torch.tensor(v) for v in (graph, z, centres, component, chosen))).numpy()
        np.testing.assert_array_equal(found, expected)
        graph = found
    assert (graph != graph.T).any() and not (toy[1] & ~graph).all()


def test_rewiring_without_a_clear_spot_is_refused(toy):
    z, centres = torch.zeros(SPOTS, 2), torch.zeros(3, 2)
    nothing = torch.zeros(SPOTS, dtype=torch.int64)
    with pytest.raises(LatentomeError, match="no spot is assigned clearly"):
        published.rewire(torch.tensor(toy[1]), z, centres, nothing, nothing.bool())


@pytest.fixture
def run(toy):
    return train_published(*toy, 3, SETTINGS)


def test_training_is_repeatable_and_another_seed_is_another_run(toy, run):
    again = train_published(*toy, 3, SETTINGS)
    assert again.embeddings.tobytes() == run.embeddings.tobytes()
    assert again.parts.tobytes() == run.parts.tobytes()
    other = train_published(*toy, 3, {**SETTINGS, "seed": 4})
    assert np.abs(other.embeddings - run.embeddings).max() > 0.1


def test_training_as_a_plain_loop(toy, run):
    """The published order of draws and steps, with torch's own scheduler."""
    features, graph = torch.tensor(toy[0]), torch.tensor(toy[1])
    seed_all(SETTINGS["seed"])
    network = PublishedGMMVGAE(GENES, 3)
    operator, norm = published.propagation_operator(graph), published.edge_norm(graph)
    edges = EdgeTarget.of(graph)
    adam = torch.optim.Adam(network.parameters(), lr=1e-5)
    for _ in range(SETTINGS["pretraining_epochs"]):
        adam.zero_grad()
        z = network.encode(features, operator)[2]
        edges.loss(network.decode(z), norm).backward()
        adam.step()
    mixture = training.GaussianMixture(3, covariance_type="diag").fit(z.detach().numpy())
    network.start_mixture(
        *(torch.from_numpy(v) for v in (mixture.weights_, mixture.means_, mixture.covariances_))
    )
    adam = torch.optim.Adam(network.parameters(), lr=1e-4, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(adam, step_size=10, gamma=0.9)
    beta1, beta2, stable, best = 0.002, 0.001, 0, torch.zeros(SPOTS, dtype=torch.bool)
    for epoch in range(SETTINGS["epochs"]):
        adam.zero_grad()
        mean, log_std, z = network.encode(features, operator)
        np.testing.assert_allclose(run.embeddings[epoch], z.detach(), atol=1e-5)
        if epoch % 5 == 0:
            current = published.unconflicted(z.detach(), network.centres.detach(), beta1, beta2)
        for _ in range((epoch == 0) + (epoch % 2 == 0)):
            graph = published.rewire(graph, z.detach(), network.centres.detach(), network.predict(z), current)
        stable = stable if best.sum() < current.sum() else stable + 1
        best = current if best.sum() < current.sum() else best
        if stable >= 5:
            stable, beta1, beta2 = 0, beta1 * 0.95, beta2 * 0.85
        edges = EdgeTarget.of(graph).loss(network.decode(z), norm)
        loss = published.joint_loss(network, edges, SPOTS, mean[best], log_std[best], z[best]).loss
        assert loss.item() == pytest.approx(run.parts[epoch, 0], rel=1e-5)
        loss.backward()
        adam.step()
        scheduler.step()
    np.testing.assert_allclose(network.base.weight.detach(), run.network.base.weight.detach(), atol=1e-6)


def test_training_ends_at_a_mixture_weight_below_zero(toy, monkeypatch):
    begun = JointObjective.on_epoch

    def sinking(self, epoch):
        begun(self, epoch)
        if epoch == 5:
            self.model.pi.data[0] = -1.0

    monkeypatch.setattr(JointObjective, "on_epoch", sinking)
    run = train_published(*toy, 3, SETTINGS)
    assert "loss" in run.failure and len(run.embeddings) == len(run.parts) == 5
    assert np.isfinite(run.parts).all()


def test_a_resumed_training_gives_the_same_bytes(toy, run, tmp_path, monkeypatch):
    noted = JointObjective._note

    def killed(self, z, losses):
        if self.epoch == 7:
            raise KeyboardInterrupt
        noted(self, z, losses)

    plan = training.TrainingSettings
    monkeypatch.setattr(
        training, "TrainingSettings", lambda *a, **k: plan(*a, **k, checkpoint_every_epochs=1)
    )
    monkeypatch.setattr(JointObjective, "_note", killed)
    with pytest.raises(KeyboardInterrupt):
        train_published(*toy, 3, SETTINGS, checkpoint_dir=tmp_path)
    monkeypatch.setattr(JointObjective, "_note", noted)
    again = train_published(*toy, 3, SETTINGS, checkpoint_dir=tmp_path)
    assert again.embeddings.tobytes() == run.embeddings.tobytes()
    assert again.parts.tobytes() == run.parts.tobytes()


def test_what_is_logged_of_an_epoch(toy, run):
    assert run.embeddings.shape == (12, SPOTS, 40) and run.parts.shape == (12, len(PARTS))
    parts = dict(zip(PARTS, run.parts.T, strict=True))
    np.testing.assert_allclose(parts["loss"], parts["edges"] + parts["kl1"] - parts["kl2"], rtol=1e-6)
    assert parts["graph_edges"][-1] != toy[1].sum()
    assert 0 < run.moved < 0.01 and run.failure == ""


@pytest.mark.parametrize(
    ("part", "low", "high"), [("edges", 3.7, 4.1), ("epoch", 2.3, 4.1), ("propagation", 1.8, 2.3)]
)
def test_the_decoder_s_memory_grows_with_the_square_of_the_spots(part, low, high):
    costs = {}
    for spots in (400, 800):
        features = np.random.default_rng(0).random((spots, 20), dtype=np.float32)
        costs[spots] = dense_epoch(features, published_graph(grid(spots, width=20)), part=part)
        assert costs[spots].kept_bytes == 2 * 4 * spots**2 and costs[spots].seconds > 0
    assert low < costs[800].allocated_bytes / costs[400].allocated_bytes < high
    if part == "edges":
        # Logits, their sigmoid, the entropies, and a gradient of each of the first two; with the two kept, seven.
        assert costs[800].allocated_bytes / (4 * 800**2) == pytest.approx(5, abs=0.3)


def test_an_unknown_part_is_refused(toy):
    with pytest.raises(ValueError, match="epoch, edges, propagation"):
        dense_epoch(*toy, part="memory")
