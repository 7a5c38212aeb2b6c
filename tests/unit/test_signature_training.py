"""The models of signatures trained by the loop on toys whose answer is known."""

import numpy as np
import pytest
import torch

from workflow_scripts.lib.models.svqvae import SVQVAE
from workflow_scripts.lib.models.vae import PublishedVAE, SignatureVAE, VAEShape
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.settings import TrainingSettings
from workflow_scripts.lib.training.signatures import (
    PublishedVAEObjective,
    SignatureVAEObjective,
    SVQVAEObjective,
)

GENES, PROGRAMMES, CLASSES = 40, 3, 4


@pytest.fixture(scope="module")
def toy():
    """Signatures of three programmes, a shift a cell line and noise; a class is a direction of the programmes."""
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(PROGRAMMES, GENES))
    centres = 2.5 * rng.normal(size=(CLASSES, PROGRAMMES))
    classes, cells = rng.integers(0, CLASSES, 600), rng.integers(0, 2, 600)
    scores = centres[classes] + 0.5 * rng.normal(size=(600, PROGRAMMES))
    shift = 1.5 * rng.normal(size=(2, GENES))
    values = scores @ loadings + shift[cells] + 0.5 * rng.normal(size=(600, GENES))
    return (
        torch.tensor(values, dtype=torch.float32), torch.eye(2)[torch.tensor(cells)], torch.tensor(classes)
    )  # fmt: skip


def settings(epochs, **more):
    return TrainingSettings(epochs=epochs, batch_size=64, seed=0, device="cpu", tensorboard=False, **more)


def train_vae(toy, linear=False, seed=0, epochs=60, **shape):
    values, cells, _ = toy
    network = SignatureVAE(
        VAEShape(GENES, 2, 32, 8, 1, linear=linear, **shape),
        values[:500].std(dim=0),
        torch.Generator().manual_seed(seed),
    )
    data = {
        "signatures": values[:500], "cell_lines": cells[:500], "validation": values[500:],
        "validation_cell_lines": cells[500:],
    }  # fmt: skip
    objective = SignatureVAEObjective(
        network, data, learning_rate=3e-3, weight_decay=1e-4, warm_up=20, free_nats=0.05
    )
    return network, fit(objective, settings(epochs))


@pytest.mark.parametrize("linear", [False, True])
def test_vae_explains_held_out_signatures(toy, linear):
    values, _, _ = toy
    network, result = train_vae(toy, linear)
    noise = 0.25 * values[500:].numel() / (values[500:] ** 2).sum().item()
    assert result.history[-1]["validation/explained_variance"] > 1 - 2 * noise
    assert not network.training


def test_same_seed_gives_the_same_bytes_and_another_does_not(toy):
    one, two, other = (train_vae(toy, seed=seed, epochs=3)[0].state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["output.weight"], other["output.weight"])


def test_published_vae_learns(toy):
    values, _, _ = toy
    torch.manual_seed(0)
    network = PublishedVAE(GENES, 32, 8)
    data = {"signatures": values[:500], "validation": values[500:]}
    result = fit(PublishedVAEObjective(network, data), settings(40))
    assert result.history[-1]["validation"] < 0.6 * (values[500:] ** 2).mean().item()


@pytest.mark.parametrize(("margin", "decay"), [(None, None), (0.02, None), (0.02, 0.9)])
def test_svqvae_finds_classes_without_labels(toy, margin, decay):
    values, _, classes = toy
    torch.manual_seed(0)
    network = SVQVAE(CLASSES, GENES, 64)
    data = {
        "signatures": values[:500], "classes": classes[:500], "validation": values[500:],
        "validation_classes": classes[500:],
    }  # fmt: skip
    objective = SVQVAEObjective(network, data, learning_rate=2e-3, margin=margin, decay=decay)
    result = fit(objective, settings(60))
    last = result.history[-1]
    assert last["validation/accuracy"] > 0.8
    assert last["validation/perplexity"] > 0.8 * CLASSES
    assert last["validation"] >= last["validation/with_label"] - 0.05


def test_moving_averages_without_memory_are_the_batchs_class_means(toy):
    values, _, classes = toy
    network = SVQVAE(CLASSES, GENES, 16)
    data = {
        "signatures": values, "classes": classes, "validation": values[:0], "validation_classes": classes[:0],
    }  # fmt: skip
    objective = SVQVAEObjective(network, data, margin=0.1, decay=0.0)
    before = network.codebook.weight.clone()
    index = torch.where(classes < 2)[0]
    network.train()
    objective.losses("adam", index, torch.Generator())
    encoded = network.encode(values)
    for k in range(2):
        torch.testing.assert_close(network.codebook.weight[k], encoded[classes == k].mean(dim=0))
    assert torch.equal(network.codebook.weight[2:], before[2:])
