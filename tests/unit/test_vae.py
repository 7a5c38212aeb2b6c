"""The VAEs of signatures: sizes, closed-form losses, and what the ELBO is made of."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from workflow_scripts.lib.models.latent import free_bits_kl, kl_standard_normal
from workflow_scripts.lib.models.vae import PublishedVAE, SignatureVAE, VAEShape, published_vae_loss


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_published_size():
    network = PublishedVAE()
    assert sum(p.numel() for p in network.parameters()) == 4_261_178
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    assert parts == {"encoder": 1_980_000, "mu": 100_100, "logvar": 100_100, "decoder": 2_080_978}


def test_published_loss_by_hand_and_its_hidden_weight():
    x, y, mean, log_variance = (
        drawn(5, 978),
        drawn(5, 978, seed=1),
        drawn(5, 100, seed=2),
        drawn(5, 100, seed=3),
    )
    loss, reconstruction = published_vae_loss(x, y, mean, log_variance)
    a, b, m, v = (t.double().numpy() for t in (x, y, mean, log_variance))
    kl = 0.5 * (m**2 + np.exp(v) - 1 - v)
    assert reconstruction.item() == pytest.approx(((a - b) ** 2).mean(), rel=1e-6)
    assert loss.item() == pytest.approx(((a - b) ** 2).mean() + kl.mean(), rel=1e-6)
    # 978 / 2 times it is 1/2 sum of squares + beta sum of KL, beta = 978 / 200.
    elbo = 0.5 * ((a - b) ** 2).sum(axis=1).mean() + 4.89 * kl.sum(axis=1).mean()
    assert 978 / 2 * loss.item() == pytest.approx(elbo, rel=1e-6)


def test_published_output_stays_within_ten():
    network = PublishedVAE(20, 8, 3)
    decoded = network.decode(100 * drawn(50, 3))
    assert decoded.abs().max() <= 10
    assert network.decode(drawn(4, 3)).abs().max() < 10


def test_published_layers_are_the_networks_own():
    network, x = PublishedVAE(20, 8, 3), drawn(6, 20)
    layers = network.layers(x)
    assert {name: value.shape[1] for name, value in layers.items()} == {
        "e1": 8,
        "e2": 8,
        "e3": 3,
        "d2": 8,
        "d1": 8,
    }
    torch.testing.assert_close(layers["e3"], network.encode(x)[0])
    decoded = 10 * torch.tanh(network.decoder[4](layers["d1"]))
    torch.testing.assert_close(decoded, network.decode(layers["e3"]))


def test_kl_is_that_of_torch():
    mean, log_variance = drawn(7, 3), drawn(7, 3, seed=1)
    expected = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_standard_normal(mean, log_variance), expected)
    assert kl_standard_normal(torch.zeros(2, 4), torch.zeros(2, 4)).abs().max() == 0


def test_free_bits_hold_each_dimension_up_and_leave_informative_ones_alone():
    mean = torch.stack([torch.zeros(50), 3 * drawn(50, 1)[:, 0]], dim=1).requires_grad_()
    log_variance = torch.zeros(50, 2)
    kl = kl_standard_normal(mean, log_variance).mean(dim=0)
    assert free_bits_kl(mean, log_variance, 0.1).item() == pytest.approx(0.1 + kl[1].item())
    free_bits_kl(mean, log_variance, 0.1).backward()
    assert mean.grad[:, 0].abs().max() == 0
    assert mean.grad[:, 1].abs().max() > 0


def network_of(**shape):
    return SignatureVAE(
        VAEShape(12, 3, 16, 4, 2, **shape), torch.linspace(0.5, 2, 12), torch.Generator().manual_seed(0)
    )


@pytest.mark.parametrize("linear", [False, True])
def test_likelihood_is_that_of_torch(linear):
    network = network_of(linear=linear)
    x, cells = drawn(6, 12), torch.eye(3)[[0, 1, 2, 0, 1, 2]]
    decoded = network.decode(network.encode(x, cells)[0], cells)
    expected = -Normal(decoded, (0.5 * network.log_noise).exp()).log_prob(x).sum(dim=1)
    torch.testing.assert_close(network.negative_log_likelihood(x, decoded), expected)


@pytest.mark.parametrize("linear", [False, True])
def test_the_cell_line_is_seen_by_both_halves(linear):
    network = network_of(linear=linear)
    x, z = drawn(1, 12), drawn(1, 4)
    one, two = torch.eye(3)[:1], torch.eye(3)[1:2]
    assert not torch.allclose(network.encode(x, one)[0], network.encode(x, two)[0])
    assert not torch.allclose(network.decode(z, one), network.decode(z, two))


def test_weights_come_from_the_generator_alone():
    torch.manual_seed(1)
    one = network_of().state_dict()
    torch.manual_seed(2)
    two = network_of().state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
