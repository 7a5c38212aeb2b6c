"""Bio_GMM_VGAE (STGMVA 1.0.0) as its authors' code has it, errors included; kept to show what it computes.

A variational graph autoencoder of spots whose decoder gives the spots' graph, and nothing else: what the
authors store as imputed genes is the decoded adjacency matrix. All is dense, spots x spots.
Source: github.com/narutoten520/Bio_GMM_VGAE, commit b0f8cee, ``model.py`` and ``preprocess.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workflow_scripts.lib.errors import LatentomeError

HIDDEN, LATENT = 240, 40
FLOOR = 0.01
"""Added to every component's density before the responsibilities are normalised."""
EDGE_WEIGHT = 0.01
"""Of the edge loss in joint training, times the number of spots."""


class GraphConvolution(nn.Module):
    """Propagation of a linear map without bias, weights drawn from U(-r, r) with r = sqrt(6 / (in + out)).

    torch_geometric's ``GCNConv(bias=False)`` is the same function; it stores the weight transposed, so that a
    seed would give other weights than the published code's.

    Parameters
    ----------
    inputs, outputs
        Sizes.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        reach = math.sqrt(6.0 / (inputs + outputs))
        self.weight = nn.Parameter(torch.rand(inputs, outputs) * 2 * reach - reach)

    def forward(self, features: Tensor, operator: Tensor) -> Tensor:
        """Outputs of each spot, shape [spots x outputs], from features [spots x inputs]."""
        return torch.sparse.mm(operator, features @ self.weight)


class PublishedGMMVGAE(nn.Module):
    """Two graph convolutions to a Gaussian z, inner-product decoder, Gaussian mixture of the latent space.

    Weights and noise come from torch's global generator, in the published order.

    Parameters
    ----------
    genes
        Input features; in the published imputation mode this is the number of spots.
    clusters
        Mixture components K.
    hidden, latent
        Layer sizes.
    """

    def __init__(self, genes: int, clusters: int, hidden: int = HIDDEN, latent: int = LATENT) -> None:
        super().__init__()
        self.base = GraphConvolution(genes, hidden)
        self.to_mean = GraphConvolution(hidden, latent)
        self.to_log_std = GraphConvolution(hidden, latent)
        # Nothing keeps pi above 0 or its sum at 1.
        self.pi = nn.Parameter(torch.ones(clusters) / clusters)
        self.centres = nn.Parameter(torch.randn(clusters, latent))
        self.log_variances = nn.Parameter(torch.randn(clusters, latent))

    def encode(self, features: Tensor, operator: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, log standard deviation and a draw of z, each [spots x latent]; drawn at inference as well.

        Parameters
        ----------
        features
            Normalised log expression, shape [spots x genes].
        operator
            D^-1/2 (A + I) D^-1/2, sparse, shape [spots x spots], see `propagation_operator`.
        """
        hidden = torch.relu(self.base(features, operator))
        mean, log_std = self.to_mean(hidden, operator), self.to_log_std(hidden, operator)
        # Drawn on the CPU whatever the device: the seed's noise is then the published one.
        noise = torch.randn(mean.shape).to(mean.device)
        return mean, log_std, mean + noise * torch.exp(log_std)

    @staticmethod
    def decode(z: Tensor) -> Tensor:
        """Probability of an edge between each two spots, sigmoid(z z^T), shape [spots x spots]."""
        return torch.sigmoid(z @ z.T)

    def start_mixture(self, weights: Tensor, means: Tensor, variances: Tensor) -> None:
        """Overwrite the mixture, in double precision as published.

        Parameters
        ----------
        weights
            Shape [K].
        means, variances
            Shape [K x latent].
        """
        self.pi = nn.Parameter(weights.double())
        self.centres = nn.Parameter(means.double())
        self.log_variances = nn.Parameter(torch.log(variances.double()))

    def floored_densities(self, z: Tensor) -> Tensor:
        """pi_c N(z; mu_c, sigma_c^2) + 0.01, shape [spots x K]: not in logarithms, so it underflows to the floor."""
        squares = (z[:, None] - self.centres) ** 2 / torch.exp(self.log_variances)
        log_density = -0.5 * (math.log(2 * math.pi) + self.log_variances + squares).sum(dim=2)
        return torch.exp(torch.log(self.pi) + log_density) + FLOOR

    def predict(self, z: Tensor) -> Tensor:
        """Component of the largest floored density, the first of equal ones, int64 [spots]."""
        return self.floored_densities(z).argmax(dim=1)


def propagation_operator(adjacency: Tensor) -> Tensor:
    """D^-1/2 (A + I) D^-1/2 with D from A + I, sparse float32 [spots x spots], from a bool A of that shape."""
    joined = adjacency.double() + torch.eye(len(adjacency), dtype=torch.double)
    scale = joined.sum(dim=1).rsqrt()
    return (scale[:, None] * joined * scale).float().to_sparse().coalesce()


@dataclass(frozen=True)
class EdgeTarget:
    """What the decoder is to give, A + I, and the weight of each pair.

    Attributes
    ----------
    target
        Float32 [spots x spots], at most 1.
    weights
        Float32 [spots x spots].
    twice
        Spots whose target with themselves is 2, int64: joint training puts a 1 on the diagonal of A at the hubs.
        Earlier versions of torch took such a target for a cross entropy; today's end with an error.
    """

    target: Tensor
    weights: Tensor
    twice: Tensor

    @classmethod
    def of(cls, adjacency: Tensor) -> EdgeTarget:
        """Weight (N^2 - sum A) / sum A where the target is 1, else 1, from a bool A [spots x spots]."""
        count, edges = adjacency.numel(), float(adjacency.sum())
        twice = adjacency.diagonal().nonzero()[:, 0]
        target = adjacency.float().fill_diagonal_(1)
        weights = torch.where(target == 1, (count - edges) / edges, 1.0)
        weights[twice, twice] = 1.0
        return cls(target, weights, twice)

    def loss(self, decoded: Tensor, norm: float) -> Tensor:
        """Weighted cross entropy, its mean over all pairs times `norm`, a scalar."""
        entropy = F.binary_cross_entropy(decoded.view(-1), self.target.view(-1), self.weights.view(-1))
        if len(self.twice):
            # Linear in the target: the entropy of 2 is that of 1, and once more what 1 adds to that of 0.
            own = decoded[self.twice, self.twice]
            one, zero = (
                F.binary_cross_entropy(own, torch.full_like(own, t), reduction="sum") for t in (1, 0)
            )
            entropy = entropy + (one - zero) / decoded.numel()
        return norm * entropy


def edge_norm(adjacency: Tensor) -> float:
    """N^2 / (2 (N^2 - sum A)) of the graph A [N x N] before training; joint training keeps it while A changes."""
    count, edges = adjacency.numel(), float(adjacency.sum())
    return count / (2 * (count - edges))


@dataclass(frozen=True)
class JointLoss:
    """Terms of the loss of joint training, each a scalar; ``loss = edges + kl1 - kl2``."""

    loss: Tensor
    edges: Tensor
    kl1: Tensor
    kl2: Tensor


def joint_loss(
    network: PublishedGMMVGAE, edge_loss: Tensor, spots: int, mean: Tensor, log_std: Tensor, z: Tensor
) -> JointLoss:
    """The published loss: VaDE's divergence, but with the log standard deviation where it needs the log-variance.

    Parameters
    ----------
    network
        Its mixture is used.
    edge_loss
        `EdgeTarget.loss`, a scalar.
    spots
        All spots, whether chosen or not.
    mean, log_std, z
        Of the unconflicted spots, shape [chosen x latent].
    """
    shares = network.floored_densities(z)
    shares = shares / shares.sum(dim=1, keepdim=True)
    log_variances, centres = network.log_variances, network.centres
    spread = torch.exp(log_std[:, None] - log_variances)
    offset = (mean[:, None] - centres) ** 2 / torch.exp(log_variances)
    kl1 = 0.5 * (shares * (log_variances + spread + offset).sum(dim=2)).sum(dim=1).mean()
    kl2 = (shares * torch.log(network.pi / shares)).sum(dim=1).mean() + 0.5 * (1 + log_std).sum(dim=1).mean()
    edges = EDGE_WEIGHT * spots * edge_loss
    return JointLoss(edges + kl1 - kl2, edges, kl1, kl2)


def unconflicted(z: Tensor, centres: Tensor, beta1: float, beta2: float) -> Tensor:
    """Spots whose Student-t assignment is above `beta1` and leads the second by more than `beta2`, bool [spots].

    With K components the largest assignment is at least 1 / K, so that the published ``beta1 = 0.002`` never
    excludes a spot.

    Parameters
    ----------
    z
        Shape [spots x latent].
    centres
        Shape [K x latent].
    beta1, beta2
        Thresholds.
    """
    similarity = 1.0 / (1.0 + ((z[:, None].double() - centres.double()) ** 2).sum(dim=2))
    first, second = (similarity / similarity.sum(dim=1, keepdim=True)).topk(2, dim=1).values.T
    return (first > beta1) & (first - second > beta2)


def rewire(adjacency: Tensor, z: Tensor, centres: Tensor, component: Tensor, chosen: Tensor) -> Tensor:
    """The published pseudo-graph, bool [spots x spots]: not symmetric, and with one hub a component.

    Every chosen spot gets an edge to its component's hub, the chosen spot nearest to the centre, if the hub is
    of the same component (a hub gets one to itself); a spot that had that edge already loses its edges to chosen
    spots of other components.

    Parameters
    ----------
    adjacency
        Bool [spots x spots].
    z, centres
        Shape [spots x latent] and [K x latent].
    component
        Predicted component of each spot, int64 [spots].
    chosen
        Unconflicted spots, bool [spots].

    Raises
    ------
    LatentomeError
        If no spot is chosen: the published code ends there, too.
    """
    places = chosen.nonzero()[:, 0]
    if not len(places):
        raise LatentomeError(
            "published GMM-VGAE: no spot is assigned clearly to a component; expected some; "
            "use more spots or another seed"
        )
    nearest = torch.cdist(centres.double(), z[places].double()).argmin(dim=1)
    hub = places[nearest][component]
    rows = torch.arange(len(adjacency), device=adjacency.device)
    linked = adjacency[rows, hub]
    changed = adjacency.clone()
    apart = component[:, None] != component
    changed &= ~(apart & chosen & (chosen & linked)[:, None])
    gains = chosen & ~linked & (component == component[hub])
    changed[rows[gains], hub[gains]] = True
    return changed
