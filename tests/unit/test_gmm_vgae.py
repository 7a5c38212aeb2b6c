"""The spatial model's network: mixture prior, closed forms and both decoders against independent references."""

import numpy as np
import pytest
import torch
from scipy.stats import poisson
from spot_toys import network, posteriors
from torch.distributions import Independent, Normal, kl_divergence

from workflow_scripts.lib.models.gmm_vgae import GMMVGAE, GMMVGAEShape


def normal(mean, log_variance):
    return Independent(Normal(mean, torch.exp(0.5 * log_variance)), 1)


def component_reference(model, mean, log_variance):
    """KL of every spot from every Gaussian by torch.distributions, float64."""
    mean, log_variance = mean.double(), log_variance.double()
    prior = model.prior_means.double(), model.prior_log_variances.double()
    q = normal(
        mean[:, None].expand(-1, len(prior[0]), -1), log_variance[:, None].expand(-1, len(prior[0]), -1)
    )
    return kl_divergence(q, normal(*(part[None].expand(len(mean), -1, -1) for part in prior)))


@pytest.mark.parametrize("latent", [1, 3, 40])
def test_component_divergences_are_those_of_torch(latent):
    model, (mean, log_variance) = network(latent=latent, inputs=latent), posteriors(30, latent)
    found = model.component_divergences(mean, log_variance).detach().double()
    assert found.shape == (30, 4)
    torch.testing.assert_close(found, component_reference(model, mean, log_variance), rtol=1e-4, atol=1e-4)


def test_divergence_is_vade_at_its_best_responsibilities():
    model, (mean, log_variance) = network(), posteriors(50, 3)
    kl = component_reference(model, mean, log_variance)
    log_pi = torch.log_softmax(model.prior_logits.double(), 0)

    def vade(gamma):
        return (gamma * (kl + torch.log(gamma) - log_pi)).sum(dim=1)

    # Bayes by hand, in linear space
    gamma = torch.exp(log_pi - kl) / torch.exp(log_pi - kl).sum(dim=1, keepdim=True)
    torch.testing.assert_close(
        model.responsibilities(mean, log_variance).double(), gamma, rtol=1e-4, atol=1e-6
    )
    found = model.divergence(mean, log_variance).double()
    torch.testing.assert_close(found, vade(gamma), rtol=1e-5, atol=1e-5)
    for weight in (0.01, 0.1):
        assert (vade((1 - weight) * gamma + weight / 4) > found).all()


def test_divergence_is_within_three_errors_of_monte_carlo():
    model, (mean, log_variance) = network(), posteriors(4, 3)
    rng = torch.Generator().manual_seed(1)
    draws = 40_000
    gamma = model.responsibilities(mean, log_variance).detach().double()
    log_pi = torch.log_softmax(model.prior_logits.detach().double(), 0)
    exact = model.divergence(mean, log_variance).detach().numpy()
    for spot in range(4):
        one = mean[spot].double(), log_variance[spot].double()
        noise = torch.randn(draws, 3, generator=rng, dtype=torch.float64)
        z = one[0] + noise * torch.exp(0.5 * one[1])
        c = torch.multinomial(gamma[spot], draws, replacement=True, generator=rng)
        prior = normal(model.prior_means.detach().double()[c], model.prior_log_variances.detach().double()[c])
        values = normal(*one).log_prob(z) + torch.log(gamma[spot])[c] - prior.log_prob(z) - log_pi[c]
        error = float(values.std()) / np.sqrt(draws)
        assert error < 0.05 and abs(float(values.mean()) - exact[spot]) < 3 * error


def test_one_component_is_the_divergence_of_two_normals():
    model, (mean, log_variance) = network(components=1), posteriors(20, 3)
    expected = component_reference(model, mean, log_variance)[:, 0]
    torch.testing.assert_close(model.divergence(mean, log_variance).double(), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(model.responsibilities(mean, log_variance), torch.ones(20, 1))


def test_responsibilities_are_finite_far_from_every_mean_in_40_dimensions():
    model = network(latent=40, inputs=40, components=6)
    with torch.no_grad():
        model.prior_means.mul_(100)
        model.prior_log_variances.fill_(-6.0)
    mean, log_variance = posteriors(25, 40)
    # in linear space every density is 0
    assert not torch.exp(-model.component_divergences(mean, log_variance)).any()
    found = model.responsibilities(mean, log_variance)
    assert torch.isfinite(found).all() and torch.isfinite(model.divergence(mean, log_variance)).all()
    torch.testing.assert_close(found.sum(dim=1), torch.ones(25))
    model.divergence(mean, log_variance).sum().backward()
    assert torch.isfinite(model.prior_means.grad).all() and torch.isfinite(model.prior_logits.grad).all()


def test_rates_are_shares_and_the_likelihood_is_poisson_up_to_the_data():
    model, (z, _) = network(outputs=15), posteriors(8, 3)
    rates = model.log_rates(z).exp().detach().double().numpy()
    assert rates.shape == (8, 15) and np.allclose(rates.sum(axis=1), 1, atol=1e-6)
    counts = np.random.default_rng(0).poisson(4, (8, 15))
    depth = counts.sum(axis=1, keepdims=True)
    found = model.negative_log_likelihood(torch.from_numpy(counts).float(), z).detach().numpy()
    # what the network does not move: the same counts at equal shares
    equal = depth[:, 0] * np.log(15)
    expected = poisson.logpmf(counts, depth / 15).sum(axis=1) - poisson.logpmf(counts, depth * rates).sum(
        axis=1
    )
    np.testing.assert_allclose(found - equal, expected, rtol=1e-4, atol=1e-3)


def test_likelihood_of_features_is_normal_up_to_a_constant():
    model, (z, _) = network(outputs=6, likelihood="features"), posteriors(9, 3)
    values = torch.randn(9, 6, generator=torch.Generator().manual_seed(2))
    expected = -normal(model.features(z), model.log_noise.expand(9, -1)).log_prob(values)
    found = model.negative_log_likelihood(values, z)
    torch.testing.assert_close(found + 6 / 2 * np.log(2 * np.pi), expected, rtol=1e-5, atol=1e-4)
    assert model.log_noise.requires_grad and not network().log_noise.requires_grad


def test_posterior_rates_are_the_ratio_of_monte_carlo_means():
    model, (mean, log_variance) = network(outputs=10), posteriors(3, 3)
    with torch.no_grad():
        model.loadings.mul_(0.5)
    found = model.posterior_rates(mean, log_variance).detach().double()
    assert torch.allclose(found.sum(dim=1), torch.ones(3).double(), atol=1e-6)
    rng = torch.Generator().manual_seed(3)
    for spot in range(3):
        z = mean[spot] + torch.randn(200_000, 3, generator=rng) * torch.exp(0.5 * log_variance[spot])
        raw = torch.exp(z @ model.loadings + model.offset).detach().double()
        total = raw.mean(dim=0).sum()
        error = (raw - found[spot] * raw.sum(dim=1, keepdim=True)).std(dim=0) / total / np.sqrt(len(z))
        assert ((raw.mean(dim=0) / total - found[spot]).abs() < 4 * error).all()


def test_edges_are_less_likely_the_farther_two_spots_are():
    model = network()
    for slope in (-3.0, 0.0, 2.0):
        with torch.no_grad():
            model.edge_slope.fill_(slope)
        left = torch.zeros(6, 3)
        right = torch.linspace(0, 4, 6)[:, None].expand(-1, 3)
        logits = model.edge_logits(left, right).detach()
        assert (logits.diff() < 0).all() and torch.equal(logits, model.edge_logits(right, left).detach())
        assert logits[0] == model.edge_offset


@pytest.mark.parametrize("hidden", [0, 16])
def test_encoder_starts_as_the_mean_of_the_components_over_hops(hidden):
    model = GMMVGAE(GMMVGAEShape(6, 3, 20, 4, 2, hidden), torch.Generator().manual_seed(0))
    scores = torch.randn(11, 3, 6, generator=torch.Generator().manual_seed(1))
    mean, log_variance = model.encode(scores)
    torch.testing.assert_close(mean, scores[:, :, :4].mean(dim=1))
    assert torch.equal(log_variance, torch.full((11, 4), -2.0))


def test_first_weights_come_from_the_generator_given():
    shape = GMMVGAEShape(6, 3, 20, 4, 2, 16)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, same, other = (GMMVGAE(shape, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True))
    assert not torch.equal(first.residual[0].weight, other.residual[0].weight)
    torch.manual_seed(5)
    assert torch.equal(before, torch.get_rng_state())


def test_rates_follow_the_genes_and_are_no_symmetric_matrix():
    model, (mean, log_variance) = network(outputs=12), posteriors(12, 3)
    square = model.posterior_rates(mean, log_variance).detach()
    assert (square - square.T).abs().max() > 0.01
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.loadings.copy_(model.loadings[:, order].clone())
        model.offset.copy_(model.offset[order].clone())
    torch.testing.assert_close(model.posterior_rates(mean, log_variance).detach(), square[:, order])
    assert model.posterior_rates(mean[:7], log_variance[:7]).shape == (7, 12)
