"""The supervised vector-quantised VAE: sizes, the loss by hand on a toy, where each term's gradient goes."""

import numpy as np
import pytest
import torch

from workflow_scripts.lib.models.svqvae import (
    SVQVAE,
    code_perplexity,
    margin_svqvae_loss,
    published_svqvae_loss,
    straight_through,
)

X = torch.tensor([[1.0, -1.0], [0.5, 2.0]])
DECODED = torch.tensor([[0.0, -1.0], [0.5, 1.0]])
Z = [[0.5, -0.5], [0.25, 0.75]]
OWN = [[0.0, 0.0], [1.0, 1.0]]
NEAREST = [[0.0, 0.0], [0.0, 0.5]]


def leaves(*values):
    return [torch.tensor(value).requires_grad_() for value in values]


def test_published_size():
    assert sum(p.numel() for p in SVQVAE().parameters()) == 2_032_978


def test_published_loss_of_two_classes_by_hand():
    z, own, nearest = leaves(Z, OWN, NEAREST)
    found = published_svqvae_loss(X, DECODED, z, own, nearest, torch.tensor([False, True]))
    assert found.reconstruction.item() == pytest.approx((1 + 1) / 4)
    pull = (0.25 + 0.25 + 0.5625 + 0.0625) / 4
    push = (0.0625 + 0.0625) / 4
    assert found.pull.item() == pytest.approx(1.25 * pull)
    assert found.push.item() == pytest.approx(1.1 * push)
    assert found.loss.item() == pytest.approx(0.5 + 1.25 * pull - 1.1 * push)


def test_no_repulsion_where_the_nearest_code_is_the_true_one():
    z, own = leaves(Z, OWN)
    found = published_svqvae_loss(X, DECODED, z, own, own, torch.tensor([False, False]))
    assert found.push.item() == 0


def test_published_gradients_go_where_the_paper_sends_them():
    z, own, nearest = leaves(Z, OWN, NEAREST)
    found = published_svqvae_loss(X, DECODED, z, own, nearest, torch.tensor([False, True]))
    found.loss.backward()
    difference = np.array(OWN) - np.array(Z)
    away = np.array([[0, 0], [1, 1]]) * (np.array(NEAREST) - np.array(Z))
    np.testing.assert_allclose(own.grad, 2 * difference / 4, atol=1e-7)
    np.testing.assert_allclose(nearest.grad, -2 * away / 4, atol=1e-7)
    np.testing.assert_allclose(z.grad, 2 * (-0.25 * difference + 0.1 * away) / 4, atol=1e-7)


def test_published_repulsion_has_no_floor_and_ours_has():
    z, own, rival = torch.zeros(1, 2), torch.zeros(1, 2), torch.ones(1, 2)
    x = torch.zeros(1, 2)
    other = torch.tensor([True])
    published = [published_svqvae_loss(x, x, z, own, far * rival, other).loss.item() for far in (1, 10, 100)]
    assert published[2] < published[1] < published[0] < 0
    ours = [
        margin_svqvae_loss(x, x, z, own, far * rival, margin=0.5).loss.item() for far in (0.5, 1, 10, 100)
    ]
    assert ours == pytest.approx([1.1 * 0.25, 0, 0, 0])


def test_margin_loss_pushes_the_rival_and_pulls_the_true_code():
    z, own, rival = leaves([[0.0, 0.0]], [[0.5, 0.0]], [[0.0, 0.5]])
    margin_svqvae_loss(torch.zeros(1, 2), torch.zeros(1, 2), z, own, rival, margin=1.0).push.backward()
    assert own.grad[0, 0] > 0 and rival.grad[0, 1] < 0
    assert z.grad[0, 0] < 0 < z.grad[0, 1]


def test_straight_through_has_the_codes_value_and_the_encodings_gradient():
    z, own = leaves(Z, OWN)
    out = straight_through(z, own)
    torch.testing.assert_close(out, own)
    (out**2).sum().backward()
    torch.testing.assert_close(z.grad, 2 * own.detach())
    assert own.grad is None


def test_nearest_code_is_that_of_all_distances():
    torch.manual_seed(0)
    network, x = SVQVAE(5, 12, 7), torch.randn(20, 12)
    with torch.no_grad():
        network.codebook.weight.mul_(20)
    expected = torch.cdist(network.encode(x), network.codebook.weight)
    torch.testing.assert_close(network.distances(network.encode(x)), expected**2, atol=1e-4, rtol=1e-4)
    assert torch.equal(network.nearest(x), expected.argmin(dim=1))


@pytest.mark.parametrize(("used", "expected"), [([0, 0, 0, 0], 1), ([0, 1, 2, 3], 4), ([0, 0, 1, 1], 2)])
def test_perplexity_counts_the_codes_in_use(used, expected):
    assert code_perplexity(torch.tensor(used), 75) == pytest.approx(expected)
