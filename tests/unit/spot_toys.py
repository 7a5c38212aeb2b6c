"""Small tissues, networks and settings for the tests of the spatial model."""

import numpy as np
import torch
from scipy import sparse

from workflow_scripts.lib.data.neighbours import neighbour_graph
from workflow_scripts.lib.data.simulate_spots import simulate_spots
from workflow_scripts.lib.models.gmm_vgae import GMMVGAE, GMMVGAEShape
from workflow_scripts.lib.training.spot_rates import ModelRates

SETTINGS = {
    "hops": [0, 1, 2], "rank": 10, "latent": 4, "components": 3, "hidden": 16, "epochs": 6, "batch_size": 64,
    "patience": 8, "min_delta": 1e-5, "validate_every": 2, "learning_rate": 3e-3, "loading_sd": 0.05,
    "edge_weight": 1.0, "negatives": 1,
}  # fmt: skip


def tissue(spots=150, genes=60, platform="slideseq", seed=1):
    """Simulated spots and the graph of their neighbours; the genes are the first ones, so that not all are rare."""
    made = simulate_spots(platform, seed, spots=spots)
    graph = neighbour_graph(made.spots[["x", "y"]].to_numpy(), {"kind": "auto"})
    return made, made.counts[:, :genes].tocsr(), graph


def network(outputs=12, latent=3, components=4, hops=2, inputs=5, hidden=8, seed=0, likelihood="counts"):
    """A network with random weights everywhere."""
    shape = GMMVGAEShape(inputs, hops, outputs, latent, components, hidden, likelihood)
    rng = torch.Generator().manual_seed(seed)
    made = GMMVGAE(shape, rng)
    with torch.no_grad():
        for value in made.parameters():
            value.copy_(0.5 * torch.randn(value.shape, generator=rng))
    return made


def posteriors(spots, latent, seed=0):
    """Random means and log variances of spots."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(spots, latent, generator=rng), 0.5 * torch.randn(spots, latent, generator=rng) - 1


def constant_rates(spots, shares):
    """Rates that are the same in every spot, from a network whose loadings are zero."""
    made = network(outputs=len(shares), latent=2)
    with torch.no_grad():
        made.loadings.zero_()
        made.offset.copy_(torch.from_numpy(np.log(shares)))
    return ModelRates(made, np.zeros((spots, 2), np.float32), np.zeros((spots, 2), np.float32))


def negative_binomial(mean, dispersion, seed):
    """Counts of variance mean + dispersion mean^2."""
    size = np.broadcast_to(1 / np.asarray(dispersion), mean.shape)
    return sparse.csr_matrix(np.random.default_rng(seed).negative_binomial(size, size / (size + mean)))


def weights(model) -> bytes:
    return b"".join(value.numpy().tobytes() for value in model.network.state_dict().values())
