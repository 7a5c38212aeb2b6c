"""The NB-VAEs' likelihoods against scipy, their training against the gene mean."""

import numpy as np
import pytest
import torch
from scipy import stats

from workflow_scripts.lib.data.simulate_counts import simulate_counts
from workflow_scripts.lib.data.thinning import thin
from workflow_scripts.lib.models.nbvae import kl_standard_normal, nb_log_prob, zinb_log_prob
from workflow_scripts.lib.models.nbvae_published import PublishedNBVAE, published_loss
from workflow_scripts.lib.stats.dispersion import dispersion_posterior
from workflow_scripts.lib.stats.nb_glm import fit_glm, log_likelihood
from workflow_scripts.lib.stats.size_factors import size_factors
from workflow_scripts.lib.training.fit_nbvae import card, encode, restore, train_nbvae
from workflow_scripts.lib.training.seeds import derive_seed

SETTINGS = {
    "hidden": 32, "latent": 2, "learning_rate": 0.01, "epochs": 150, "patience": 3, "held_out_fraction": 0.1,
    "warm_up": 20,
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    made = simulate_counts(400, 5, 0.3, seed=3)
    counts = made.counts[made.counts.sum(axis=1) >= 10].to_numpy()
    return counts, size_factors(counts)


@pytest.fixture(scope="module")
def trained(data):
    counts, factors = data
    return train_nbvae("nbvae", counts.T, factors, np.zeros((10, 0)), SETTINGS, 1, device="cpu")


def test_likelihoods_are_those_of_scipy():
    rng = np.random.default_rng(0)
    mean, alpha = rng.uniform(0.5, 200, (5, 30)), rng.uniform(0.05, 2, 30)
    counts = rng.poisson(mean) * (rng.random(mean.shape) < 0.8)
    size = 1 / alpha
    expected = stats.nbinom.logpmf(counts, size, size / (size + mean))
    arguments = [torch.tensor(x, dtype=torch.float64) for x in (counts, np.log(mean), np.log(alpha))]
    np.testing.assert_allclose(nb_log_prob(*arguments), expected, rtol=1e-8, atol=1e-8)
    logit = torch.tensor(-1.0, dtype=torch.float64)
    extra = 1 / (1 + np.exp(1.0))
    inflated = np.log(np.where(counts == 0, extra, 0) + (1 - extra) * np.exp(expected))
    np.testing.assert_allclose(zinb_log_prob(*arguments, logit), inflated, rtol=1e-8, atol=1e-8)


def test_kl_is_torchs():
    mean, log_variance = torch.randn(7, 3), torch.randn(7, 3)
    normal = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    expected = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum(dim=1)
    torch.testing.assert_close(kl_standard_normal(mean, log_variance), expected)


def test_published_loss_is_the_notebooks():
    rng = np.random.default_rng(1)
    counts, log_mean = rng.poisson(20, (4, 9)), rng.normal(3, 0.3, (4, 9))
    mean, log_variance = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    likelihood = stats.nbinom.logpmf(counts, 10, 10 / (10 + np.exp(log_mean))).sum()
    kl = -0.5 * np.mean(1 + log_variance - mean**2 - np.exp(log_variance))
    tensors = [torch.tensor(x, dtype=torch.float64) for x in (counts, log_mean, mean, log_variance)]
    assert float(published_loss(*tensors)) == pytest.approx(-(likelihood - 1e-4 * kl), rel=1e-6)


def test_published_network_has_its_parameters():
    parameters = sum(p.numel() for p in PublishedNBVAE(18178).parameters())
    assert parameters == 18178 * 64 + 64 + 2 * (64 * 2 + 2) + 2 * 64 + 64 + 64 * 18178 + 18178


def test_thinning_splits_every_read():
    counts = np.random.default_rng(2).poisson(50, (20, 300))
    kept, out = thin(counts, 0.1, seed=4)
    np.testing.assert_array_equal(kept + out, counts)
    assert out.sum() / counts.sum() == pytest.approx(0.1, abs=0.002)


def test_training_beats_the_gene_mean_on_held_out_counts(data, trained):
    counts, factors = data
    kept, out = thin(counts.T, 0.1, derive_seed(1, "thinning"))
    design, log_factors = np.ones((10, 1)), np.log(factors * 0.9)
    alpha = dispersion_posterior(kept.T.astype(float), log_factors, design).mean
    mean = fit_glm(kept.T.astype(float), log_factors, design, alpha).mean / 9
    floor = -log_likelihood(out.T.astype(float), mean, alpha).sum() / out.sum()
    assert trained.result.best_validation < floor


def test_same_seed_same_weights_and_a_card_restores_them(data, trained):
    counts, factors = data
    again = train_nbvae("nbvae", counts.T, factors, np.zeros((10, 0)), SETTINGS, 1, device="cpu")
    state = trained.network.state_dict()
    assert all(torch.equal(value, again.network.state_dict()[name]) for name, value in state.items())
    other = train_nbvae(
        "nbvae", counts.T, factors, np.zeros((10, 0)), {**SETTINGS, "epochs": 10}, 2, device="cpu"
    )
    assert not torch.equal(other.network.bias, trained.network.bias)
    mean, _ = encode(restore(state, card(trained.network)), counts.T, factors, np.zeros((10, 0)))
    np.testing.assert_array_equal(mean, trained.latent_mean)


def test_rates_do_not_know_the_depth(trained, data):
    counts, factors = data
    twice, _ = encode(trained.network, 2 * counts.T, 2 * factors, np.zeros((10, 0)))
    np.testing.assert_allclose(twice, trained.latent_mean, atol=1e-4)
