"""The NB-VAE and its published ancestor: likelihoods, losses, sizes, seeds, cards, and a training that learns."""

import json

import numpy as np
import pytest
import torch
from scipy.stats import nbinom
from torch.distributions import Normal, kl_divergence

from workflow_scripts.lib.data.thinning import thin
from workflow_scripts.lib.models.nbvae import (
    NBVAE,
    NBVAEShape,
    nb_log_prob,
    zinb_log_prob,
)
from workflow_scripts.lib.models.nbvae_published import PublishedNBVAE, published_loss
from workflow_scripts.lib.training.fit_nbvae import VARIANTS, build, card, encode, restore, train_nbvae
from workflow_scripts.lib.training.nbvae import NBVAEObjective
from workflow_scripts.lib.training.seeds import derive_seed

SETTINGS = {
    "hidden": 32, "latent": 2, "learning_rate": 0.01, "epochs": 200, "patience": 4, "held_out_fraction": 0.1,
    "warm_up": 40,
}  # fmt: skip


def numpy_nb(counts, mean, alpha):
    return nbinom.logpmf(counts, 1 / alpha, 1 / (1 + alpha * mean))


@pytest.fixture(scope="module")
def tensors():
    rng = np.random.default_rng(0)
    log_mean = rng.normal(2, 2, (6, 30))
    log_dispersion = rng.uniform(np.log(1e-3), np.log(5), 30)
    counts = rng.poisson(np.exp(log_mean))
    counts[0, :10] = 0
    return counts, log_mean, log_dispersion


def test_nb_log_prob_is_that_of_scipy(tensors):
    counts, log_mean, log_dispersion = tensors
    found = nb_log_prob(*(torch.tensor(x, dtype=torch.float64) for x in tensors))
    expected = numpy_nb(counts, np.exp(log_mean), np.exp(log_dispersion))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-7, atol=1e-8)


def test_nb_log_prob_in_single_precision(tensors):
    counts, log_mean, log_dispersion = tensors
    found = nb_log_prob(*(torch.tensor(x, dtype=torch.float32) for x in tensors))
    expected = numpy_nb(counts, np.exp(log_mean), np.exp(log_dispersion))
    np.testing.assert_allclose(found.numpy(), expected, atol=0.02)


def test_zinb_log_prob_in_closed_form(tensors):
    counts, log_mean, log_dispersion = tensors
    logit = np.linspace(-5, 3, 30)
    share = 1 / (1 + np.exp(-logit))
    nb = np.exp(numpy_nb(counts, np.exp(log_mean), np.exp(log_dispersion)))
    expected = np.log(share * (counts == 0) + (1 - share) * nb)
    found = zinb_log_prob(*(torch.tensor(x, dtype=torch.float64) for x in (*tensors, logit)))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-7, atol=1e-8)


def test_zinb_probabilities_sum_to_one():
    counts = torch.arange(3000, dtype=torch.float64)[:, None]
    args = (torch.tensor(x, dtype=torch.float64) for x in ([np.log(20.0)], [np.log(0.5)], [0.3]))
    assert zinb_log_prob(counts, *args).exp().sum().item() == pytest.approx(1, abs=1e-9)


def test_published_loss_by_hand():
    rng = np.random.default_rng(1)
    counts = rng.poisson(20, (5, 40))
    log_mean, mean, log_variance = rng.normal(3, 1, (5, 40)), rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    likelihood = numpy_nb(counts, np.exp(log_mean), 0.1).sum()
    kl = -0.5 * np.mean(1 + log_variance - mean**2 - np.exp(log_variance))
    parts = (torch.tensor(x, dtype=torch.float64) for x in (counts, log_mean, mean, log_variance))
    assert published_loss(*parts).item() == pytest.approx(-(likelihood - 1e-4 * kl), rel=1e-6)


def test_published_size():
    genes = 18_178
    with torch.device("meta"):
        network = PublishedNBVAE(genes)
    expected = genes * 64 + 64 + 2 * (64 * 2 + 2) + 2 * 64 + 64 + 64 * genes + genes
    assert sum(p.numel() for p in network.parameters()) == expected


def test_published_seed_and_size_factor():
    def first(seed):
        torch.manual_seed(seed)
        network = PublishedNBVAE(25)
        return network, network(torch.ones(3, 25), torch.zeros(3, 1))[0]

    network, output = first(42)
    torch.testing.assert_close(first(42)[1], output, rtol=0, atol=0)
    assert not torch.equal(first(43)[1], output)
    counts = torch.ones(3, 25)
    torch.manual_seed(0)
    without = network(counts, torch.zeros(3, 1))[0]
    torch.manual_seed(0)
    torch.testing.assert_close(network(counts, torch.full((3, 1), 0.7))[0], without + 0.7)


@pytest.fixture(scope="module")
def data():
    """300 genes, two groups of 10 samples; a third of the genes differ by a factor of about e."""
    rng = np.random.default_rng(3)
    mean = np.exp(rng.normal(4, 1, 300))
    effect = np.where(rng.random(300) < 0.33, rng.normal(0, 1.0, 300), 0.0)
    group = np.repeat([-0.5, 0.5], 10)
    depth = np.exp(rng.normal(0, 0.2, 20))
    expected = mean * np.exp(group[:, None] * effect) * depth[:, None]
    return rng.negative_binomial(20, 20 / (20 + expected)), depth, np.zeros((20, 0)), group


def weights_of(seed, variant="nbvae"):
    counts = np.random.default_rng(0).poisson(30, (6, 40))
    return build(variant, counts, np.ones(6), 1, SETTINGS, seed).state_dict()


@pytest.mark.parametrize("variant", VARIANTS)
def test_seed_gives_the_weights(variant):
    torch.manual_seed(1)
    one = weights_of(5, variant)
    torch.manual_seed(2)
    again, other = weights_of(5, variant), weights_of(6, variant)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["encoder.weight"], other["encoder.weight"])
    assert ("zero_logit" in one) == (variant == "nbvae_zinb")
    assert ("decoder.weight" in one) != (variant == "nbvae_linear")


def test_first_guess_is_the_gene_mean():
    counts = np.random.default_rng(0).poisson(30, (6, 40))
    network = build("nbvae", counts, np.full(6, 2.0), 0, SETTINGS, 0)
    np.testing.assert_allclose(network.bias.exp().detach(), counts.mean(axis=0) / 2, rtol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_card_round_trip(variant, data):
    counts, depth, *_ = data
    batch = np.tile([0.0, 1.0], 10)[:, None]
    network = build(variant, counts, depth, 1, SETTINGS, 3).eval()
    again = restore(network.state_dict(), json.loads(json.dumps(card(network))))
    for one, other in zip(
        encode(network, counts, depth, batch), encode(again, counts, depth, batch), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    latent, flags = torch.ones(20, SETTINGS["latent"]), torch.tensor(batch, dtype=torch.float32)
    torch.testing.assert_close(again.decode(latent, flags), network.decode(latent, flags), rtol=0, atol=0)
    torch.testing.assert_close(again.trend(), network.trend(), rtol=0, atol=0)


def test_encoder_does_not_see_depth():
    """Ten times the reads at ten times the size factor is the same sample."""
    network = build("nbvae", np.full((4, 30), 50), np.ones(4), 0, SETTINGS, 0)
    counts = np.random.default_rng(2).poisson(50, (4, 30))
    one, deep = (encode(network, counts * k, np.full(4, float(k)), np.zeros((4, 0)))[0] for k in (1, 10))
    np.testing.assert_allclose(one, deep, atol=1e-5)


def test_trend_of_the_dispersion():
    blank = torch.zeros(3)
    network = NBVAE(NBVAEShape(3), blank, blank + 1, torch.tensor([0.0, 2.0, 9.0]), torch.Generator())
    expected = np.log(np.exp(-3) + np.exp(1 - np.array([0.0, 2.0, 9.0])))
    np.testing.assert_allclose(network.trend().detach(), expected, rtol=1e-5)


def test_elbo_by_hand(data):
    """Loss of one step: sums over genes, the mean over samples, the KL's weight, priors shared out."""
    counts, depth, batch, _ = data
    network = build("nbvae", counts, depth * 0.9, 0, SETTINGS, 0)
    parts = {"counts": counts, "held_out": counts, "size_factors": depth, "batch": batch}
    tensors = {name: torch.tensor(x, dtype=torch.float32) for name, x in parts.items()}
    objective = NBVAEObjective(network, tensors, fraction=0.9, learning_rate=0.01, warm_up=10)
    objective.on_epoch(4)
    index = torch.arange(20)
    found = objective.losses("adam", index, torch.Generator().manual_seed(3))
    mean, log_variance = network.encode(tensors["counts"], tensors["size_factors"] * 0.9, tensors["batch"])
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(3))
    rate = network.decode(mean + noise * (log_variance / 2).exp(), tensors["batch"]).exp().detach().numpy()
    likelihood = numpy_nb(counts, rate * 0.9 * depth[:, None], np.exp(-2.0)).sum(axis=1)
    sd = (log_variance / 2).exp()
    kl = kl_divergence(Normal(mean, sd), Normal(0.0, 1.0)).sum(dim=1).mean().item()
    trend = network.trend().detach().numpy()
    prior = 0.5 * (network.loadings.detach().numpy() ** 2).sum() / 0.25 + 0.5 * ((-2 - trend) ** 2).sum()
    assert found["reconstruction"].item() == pytest.approx(-likelihood.mean(), rel=1e-4)
    assert found["kl"].item() == pytest.approx(kl, rel=1e-4)
    assert found["loss"].item() == pytest.approx(-likelihood.mean() + 0.5 * kl + prior / 20, rel=1e-4)


def test_thinning_keeps_every_read():
    counts = np.random.default_rng(0).poisson(40, (30, 500))
    kept, held_out = thin(counts, 0.1, 4)
    np.testing.assert_array_equal(kept + held_out, counts)
    assert kept.min() >= 0 and held_out.min() >= 0
    share = held_out.sum() / counts.sum()
    assert share == pytest.approx(0.1, abs=5 * np.sqrt(0.09 / counts.sum()))
    assert held_out.var() == pytest.approx(held_out.mean(), rel=0.05)  # a thinned Poisson is a Poisson
    assert abs(np.corrcoef(kept.ravel(), held_out.ravel())[0, 1]) < 0.05  # and independent of the rest
    assert np.array_equal(thin(counts, 0.1, 4)[1], held_out) and not np.array_equal(
        thin(counts, 0.1, 5)[1], held_out
    )


def group_in_latent(trained, group):
    """Multiple correlation of the group with the latent means."""
    latent = trained.latent_mean - trained.latent_mean.mean(axis=0)
    fitted = latent @ np.linalg.lstsq(latent, group, rcond=None)[0]
    return np.corrcoef(fitted, group)[0, 1]


@pytest.fixture(scope="module")
def trained(data):
    counts, depth, batch, _ = data
    return train_nbvae("nbvae", counts, depth, batch, SETTINGS, 0, device="cpu")


def held_out_score(log_rate, alpha, held_out, depth):
    """Negative log-likelihood in nats per held-out count."""
    return -numpy_nb(held_out, np.exp(log_rate) * 0.1 * depth[:, None], alpha).sum() / held_out.sum()


def test_training_beats_the_gene_means(trained, data):
    counts, depth, batch, group = data
    kept, held_out = thin(counts, 0.1, derive_seed(0, "thinning"))
    network = trained.network
    mean, _ = encode(network, kept, depth * 0.9, batch)
    with torch.no_grad():
        log_rate = (
            network.decode(torch.tensor(mean, dtype=torch.float32), torch.zeros(20, 0)).double().numpy()
        )
    alpha = network.log_dispersion.detach().exp().double().numpy()
    ours = held_out_score(log_rate, alpha, held_out, depth)
    rates = np.log((kept / (0.9 * depth[:, None])).mean(axis=0))
    gene_mean = min(held_out_score(rates, a, held_out, depth) for a in (alpha, 0.05, 0.1, 0.2, 0.4))
    assert ours < gene_mean - 0.002
    assert trained.result is not None
    assert group_in_latent(trained, group) > 0.8, "the latent space does not see the groups"
    assert not network.training and (trained.latent_sd > 0).all()


def test_training_is_byte_deterministic(trained, data):
    counts, depth, batch, _ = data
    torch.manual_seed(123)
    again = train_nbvae("nbvae", counts, depth, batch, SETTINGS, 0, device="cpu")
    for name, tensor in trained.network.state_dict().items():
        assert tensor.numpy().tobytes() == again.network.state_dict()[name].numpy().tobytes(), name
    assert trained.latent_mean.tobytes() == again.latent_mean.tobytes()
    other = train_nbvae("nbvae", counts, depth, batch, {**SETTINGS, "epochs": 10}, 1, device="cpu")
    assert other.latent_mean.tobytes() != again.latent_mean.tobytes()


@pytest.mark.parametrize("variant", ["nbvae_linear", "nbvae_zinb"])
def test_rivals_train(variant, data):
    counts, depth, batch, group = data
    found = train_nbvae(variant, counts, depth, batch, SETTINGS, 0, device="cpu")
    assert np.isfinite(found.latent_mean).all() and group_in_latent(found, group) > 0.8
