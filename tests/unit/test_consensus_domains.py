"""Consensus domains: planted tissue, seeds, isolated spots, numbers of domains, memory."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import pdist
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from workflow_scripts.lib.data.neighbours import neighbour_graph
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats import consensus_domains as consensus
from workflow_scripts.lib.stats.consensus_domains import consensus_domains, latent_space, shared_space
from workflow_scripts.lib.stats.spatial_domains import explained_variation, spatial_domains

FEW = {"hops": (2, 4), "starts": 6}


def lattice(rows, columns):
    y, x = np.mgrid[:rows, :columns]
    return np.column_stack([x.ravel(), y.ravel()]).astype(float)


def layers(rows=40, columns=40, k=5, noise=1.5, features=8, seed=0):
    """Bands of equal height with means of their own, and noise that hides them in a single spot."""
    generator = np.random.default_rng(seed)
    xy = lattice(rows, columns)
    truth = (xy[:, 1] * k // rows).astype(int)
    means = generator.normal(size=(k, features))
    space = means[truth] + noise * generator.normal(size=(len(xy), features))
    return space, neighbour_graph(xy, {"kind": "auto"}), truth


def test_the_latent_space_keeps_the_distances_of_the_decoded_spots():
    generator = np.random.default_rng(0)
    mean, loadings = generator.normal(size=(50, 4)) + 3, generator.normal(size=(4, 200))
    space = latent_space(mean.astype(np.float32), loadings)
    assert space.shape == (50, 4)
    np.testing.assert_allclose(pdist(space), pdist(mean @ loadings), rtol=1e-5)
    np.testing.assert_allclose(space.mean(axis=0), 0, atol=1e-5)


def test_the_latent_space_does_not_depend_on_how_the_latent_variables_are_scaled_and_mixed():
    generator = np.random.default_rng(1)
    mean, loadings = generator.normal(size=(40, 3)), generator.normal(size=(3, 30))
    mixed = generator.normal(size=(3, 3))
    other = latent_space(mean @ np.linalg.inv(mixed), mixed @ loadings)
    np.testing.assert_allclose(pdist(other), pdist(latent_space(mean, loadings)))


def test_the_latent_space_of_fewer_genes_than_latent_variables_has_a_dimension_a_gene():
    generator = np.random.default_rng(2)
    mean, loadings = generator.normal(size=(20, 5)), generator.normal(size=(5, 2))
    assert latent_space(mean, loadings).shape == (20, 2)
    np.testing.assert_allclose(pdist(latent_space(mean, loadings)), pdist(mean @ loadings))


def test_decoded_spots_are_never_formed():
    generator = np.random.default_rng(3)
    mean, loadings = generator.normal(size=(5000, 5)), generator.normal(size=(5, 10_000))
    tracemalloc.start()
    latent_space(mean, loadings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5000 * 10_000 * 8 / 50


def test_planted_layers_are_recovered_where_single_spots_do_not_show_them():
    space, graph, truth = layers()
    alone = GaussianMixture(5, covariance_type="tied", n_init=5, random_state=0).fit_predict(space)
    found = consensus_domains(space, graph, 5, seed=0)
    # Not above .8: five layers differ in four directions, and three components are kept.
    assert adjusted_rand_score(truth, found.domains) > adjusted_rand_score(truth, alone) + 0.4


def test_more_domains_than_components_are_told_apart():
    xy = lattice(48, 48)
    truth = (xy[:, 0] // 12 * 4 + xy[:, 1] // 16).astype(int)
    generator = np.random.default_rng(5)
    codes = np.unique(truth, return_inverse=True)[1]
    space = generator.normal(size=(codes.max() + 1, 10))[codes] + 0.5 * generator.normal(size=(len(xy), 10))
    found = consensus_domains(space, neighbour_graph(xy, {"kind": "auto"}), codes.max() + 1, 0, hops=(2, 4))
    assert adjusted_rand_score(codes, found.domains) > 0.6


def test_what_is_returned_is_a_partition_with_probabilities():
    space, graph, _ = layers(20, 20, 3)
    found = consensus_domains(space, graph, 3, 0, **FEW)
    assert found.domains.dtype == np.int32 and found.domains.shape == (400,)
    assert found.probability.dtype == np.float32 and found.probability.shape == (400, 3)
    np.testing.assert_allclose(found.probability.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(found.probability.argmax(axis=1), found.domains)
    assert (np.diff(np.bincount(found.domains, minlength=3)) <= 0).all()


def test_mixtures_agree_on_plain_structure_and_less_on_none():
    space, graph, _ = layers(30, 30, 2, noise=0.3)
    noise = np.random.default_rng(0).normal(size=space.shape)
    plain = consensus_domains(space, graph, 2, 0, **FEW).agreement
    none = consensus_domains(noise, graph, 2, 0, **FEW).agreement
    assert 0 <= none < 0.9 < plain <= 1


def test_the_same_seed_gives_the_same_bytes_and_another_one_other_probabilities():
    space, graph, _ = layers(20, 20, 4)
    first, second, other = (consensus_domains(space, graph, 4, seed, **FEW) for seed in (3, 3, 4))
    assert first.domains.tobytes() == second.domains.tobytes()
    assert first.probability.tobytes() == second.probability.tobytes()
    assert first.agreement == second.agreement
    assert first.probability.tobytes() != other.probability.tobytes()


def test_seeds_agree_on_layers():
    space, graph, _ = layers()
    first, second = (consensus_domains(space, graph, 5, seed).domains for seed in (0, 1))
    assert adjusted_rand_score(first, second) > 0.9


def test_the_unit_place_and_rotation_of_the_space_do_not_matter():
    space, graph, _ = layers(20, 20, 3)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
    first = consensus_domains(space, graph, 3, 0, **FEW).probability
    second = consensus_domains(1000 * space @ turn + 50, graph, 3, 0, **FEW).probability
    np.testing.assert_allclose(first, second, atol=1e-3)


def test_alignment_undoes_any_renumbering_of_the_members():
    generator = np.random.default_rng(0)
    truth = generator.dirichlet(np.full(4, 0.2), size=300).astype(np.float32)
    orders = [generator.permutation(4) for _ in range(9)]
    noise = generator.uniform(0, 0.05, size=(9, 300, 4)).astype(np.float32)
    members = np.stack([(truth + part)[:, order].T for part, order in zip(noise, orders, strict=True)])
    found = consensus._align(members)
    together = [tuple(np.asarray(order)[back]) for order, back in zip(orders, found, strict=True)]
    assert len(set(together)) == 1
    assert consensus._agreement(members, found) > 0.9


def test_isolated_spots_get_the_domain_of_their_own_features():
    space, graph, truth = layers(30, 30, 2, noise=0.3)
    graph = graph.tolil()
    for spot in (5, 880):
        graph[spot, :] = 0
        graph[:, spot] = 0
    found = consensus_domains(space, graph.tocsr(), 2, 0, **FEW)
    assert adjusted_rand_score(truth, found.domains) > 0.95
    assert (found.domains[5] == np.bincount(found.domains[truth == 0]).argmax()) and (
        found.domains[880] == np.bincount(found.domains[truth == 1]).argmax()
    )
    assert np.isfinite(found.probability).all()


def test_no_neighbours_at_all_is_no_smoothing():
    space, _, truth = layers(20, 20, 2, noise=0.1)
    found = consensus_domains(space, sparse.csr_matrix((400, 400), dtype=np.float32), 2, 0, **FEW)
    assert adjusted_rand_score(truth, found.domains) > 0.95


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_more_domains_than_the_data_support_leave_numbers_unused_and_break_nothing():
    space = np.repeat([[0.0, 1.0], [5.0, 2.0]], 60, axis=0)
    graph = neighbour_graph(lattice(12, 10), {"kind": "auto"})
    found = consensus_domains(space, sparse.csr_matrix(graph.shape), 6, 0, **FEW)
    assert np.isfinite(found.probability).all()
    assert adjusted_rand_score(space[:, 0], found.domains) == 1
    assert set(found.domains) == {0, 1}


def test_one_domain_and_one_feature():
    space, graph, truth = layers(20, 20, 2, noise=0.3)
    one = consensus_domains(space, graph, 1, 0, **FEW)
    assert (one.domains == 0).all() and one.agreement == 1
    single = consensus_domains(truth[:, None] + 0.0, graph, 2, 0, **FEW)
    assert adjusted_rand_score(truth, single.domains) > 0.9


def test_spots_em_did_not_see_get_domains_too(monkeypatch):
    space, graph, truth = layers(60, 60, 3, noise=0.7)
    whole = consensus_domains(space, graph, 3, 0, **FEW)
    monkeypatch.setattr(consensus, "MOST_SPOTS", 600)
    monkeypatch.setattr(consensus, "BLOCK", 1000)
    part = consensus_domains(space, graph, 3, 0, **FEW)
    assert part.domains.shape == (3600,)
    assert adjusted_rand_score(truth, part.domains) > 0.85
    assert adjusted_rand_score(whole.domains, part.domains) > 0.9


def test_memory_grows_with_the_spots_not_with_their_square(monkeypatch):
    monkeypatch.setattr(consensus, "MOST_SPOTS", 1000)

    def peak(rows):
        space, graph, _ = layers(rows, 100, 3)
        tracemalloc.start()
        consensus_domains(space, graph, 3, 0, hops=(1, 2), starts=2)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(400) < 4.5 * peak(100)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda space, graph: (space[1:], graph, 2), "the same spots"),
        (lambda space, graph: (np.where(np.arange(8) == 3, np.nan, space), graph, 2), "not finite"),
        (lambda space, graph: (space, graph, 0), "expected 1 to 400"),
        (lambda space, graph: (space, graph, 401), "expected 1 to 400"),
        (lambda space, graph: (np.ones_like(space), graph, 2), "are the same"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(change, message):
    space, graph, _ = layers(20, 20, 2)
    with pytest.raises(LatentomeError, match=message) as error:
        consensus_domains(*change(space, graph), 0)
    assert "\n" not in str(error.value)


def test_means_and_loadings_of_two_models_are_refused():
    with pytest.raises(LatentomeError, match="from one model"):
        latent_space(np.zeros((3, 2)), np.zeros((4, 5)))


def test_explained_variation_is_what_domains_take_of_morans_covariance():
    space, graph, truth = layers(20, 20, 4, noise=2.0)
    dense = graph.toarray()

    def covariance(values):
        return sum(dense[i, j] * values[i] @ values[j] for i, j in zip(*np.nonzero(dense), strict=True))

    own = space - np.stack([space[truth == t].mean(axis=0) for t in range(4)])[truth]
    expected = 1 - covariance(own) / covariance(space - space.mean(axis=0))
    assert explained_variation(space, truth, graph) == pytest.approx(expected)
    assert explained_variation(space, np.zeros(400), graph) == pytest.approx(0)
    assert explained_variation(np.ones((400, 2)), truth, graph) == 0
    noise = np.random.default_rng(1).normal(size=space.shape)
    follows_noise = GaussianMixture(20, covariance_type="spherical", random_state=0).fit_predict(
        space + noise
    )
    assert explained_variation(space, truth, graph) > explained_variation(space, follows_noise, graph)


def test_wide_noisy_layers_are_smoothed_and_narrow_clear_ones_are_not():
    space, graph, truth = layers()
    wide = spatial_domains(space, space, graph, 5, 0)
    np.testing.assert_array_equal(wide, consensus_domains(space, graph, 5, 0).domains)
    xy = lattice(24, 24)
    # squares of three by three spots
    truth = ((xy[:, 0] // 3 + 2 * (xy[:, 1] // 3)) % 4).astype(int)
    generator = np.random.default_rng(0)
    clear = generator.normal(size=(4, 6))[truth] * 2 + 0.3 * generator.normal(size=(len(xy), 6))
    found = spatial_domains(clear, clear, neighbour_graph(xy, {"kind": "auto"}), 4, 0)
    assert adjusted_rand_score(truth, found) > 0.98


def test_distances_of_the_shared_space_are_the_mean_of_the_models():
    generator = np.random.default_rng(0)
    spots = generator.normal(size=(50, 4))
    turns = [np.linalg.qr(generator.normal(size=(4, 4)))[0] for _ in range(3)]
    models = [spots @ (turn * scale) + 7 for turn, scale in zip(turns, (1, 2, 3), strict=True)]
    mean = np.mean([pdist(model, "sqeuclidean") for model in models], axis=0)
    np.testing.assert_allclose(pdist(shared_space(models), "sqeuclidean"), mean, rtol=1e-9)
    assert shared_space(models[:1]) is models[0]


def test_models_that_err_apart_are_right_together():
    _, graph, truth = layers(30, 30, 4)
    noisy = [layers(30, 30, 4, noise=2.5, seed=seed)[0] for seed in range(3)]
    alone = [
        adjusted_rand_score(truth, consensus_domains(space, graph, 4, 0, **FEW).domains) for space in noisy
    ]
    together = adjusted_rand_score(truth, consensus_domains(shared_space(noisy), graph, 4, 0, **FEW).domains)
    assert together > np.mean(alone)
