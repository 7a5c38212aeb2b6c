"""Supervised vector-quantised VAE of L1000 signatures (Xue, Ding & Lu 2020): one code a class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .vae import CLIP

COMMITMENT, REPULSION, REPULSION_COMMITMENT = 0.25, 1.0, 0.1
"""Published weights: of z's pull to its class's code, of the nearest other code's push, and of z's from it."""


class CodedNetwork(nn.Module):
    """What all supervised VQ-VAEs share: a codebook with a code a class, and the nearest code of an input."""

    codebook: nn.Embedding

    def encode(self, inputs: Tensor) -> Tensor:
        """z, shape [inputs x hidden]."""
        raise NotImplementedError

    def decode(self, codes: Tensor) -> Tensor:
        """Outputs of codes, in the inputs' shape."""
        raise NotImplementedError

    def distances(self, encoded: Tensor) -> Tensor:
        """Squared Euclidean distance of each encoding to each code, shape [inputs x classes]."""
        codes = self.codebook.weight
        return (encoded**2).sum(1, keepdim=True) - 2 * encoded @ codes.T + (codes**2).sum(1)

    def nearest(self, inputs: Tensor) -> Tensor:
        """Label-free class: that of the nearest code, int64 [inputs]."""
        return self.distances(self.encode(inputs)).argmin(dim=1)

    def spread_codes(self) -> None:
        """Draw the codes as published: uniform within 1 / classes of 0."""
        reach = 1.0 / len(self.codebook.weight)
        with torch.no_grad():
            self.codebook.weight.uniform_(-reach, reach)


class SVQVAE(CodedNetwork):
    """Encoder tanh(W1 x + b1), a codebook with a code a class, decoder 10 tanh(W2 q + b2).

    Parameters
    ----------
    classes, genes, hidden
        Sizes; a code has the width of the hidden layer.
    """

    def __init__(self, classes: int = 75, genes: int = 978, hidden: int = 1000) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(genes, hidden), nn.Tanh())
        self.codebook = nn.Embedding(classes, hidden)
        self.decoder = nn.Sequential(nn.Linear(hidden, genes), nn.Tanh())
        self.spread_codes()

    def encode(self, signatures: Tensor) -> Tensor:
        """z, shape [signatures x hidden]."""
        return self.encoder(signatures)

    def decode(self, codes: Tensor) -> Tensor:
        """Signatures of codes, shape [codes x genes], within -10 and 10."""
        return CLIP * self.decoder(codes)


@dataclass(frozen=True)
class SVQVAELoss:
    """Terms of the loss of one batch, each a scalar."""

    loss: Tensor
    reconstruction: Tensor
    pull: Tensor
    push: Tensor


def published_svqvae_loss(
    signatures: Tensor, decoded: Tensor, encoded: Tensor, own: Tensor, nearest: Tensor, other: Tensor
) -> SVQVAELoss:
    """The published loss (their eq. 4); nothing bounds its repulsion from below.

    Parameters
    ----------
    signatures, decoded
        Shape [batch x genes].
    encoded, own, nearest
        z, the code of the true class, the nearest code, shape [batch x hidden].
    other
        Whether the nearest code is not the true class's, bool [batch].
    """
    still, wrong = encoded.detach(), other[:, None].to(encoded.dtype)
    reconstruction = ((decoded - signatures) ** 2).mean()
    pull = ((own - still) ** 2).mean() + COMMITMENT * ((own.detach() - encoded) ** 2).mean()
    push = (
        REPULSION * (wrong * (nearest - still) ** 2).mean()
        + REPULSION_COMMITMENT * (wrong * (nearest.detach() - encoded) ** 2).mean()
    )
    return SVQVAELoss(reconstruction + pull - push, reconstruction, pull, push)


def margin_svqvae_loss(
    signatures: Tensor, decoded: Tensor, encoded: Tensor, own: Tensor, rival: Tensor, margin: float
) -> SVQVAELoss:
    """Ours: the rival code is pushed away only until it is `margin` farther than the true one.

    Parameters
    ----------
    signatures, decoded, encoded, own
        As in `published_svqvae_loss`.
    rival
        The nearest code of another class, shape [batch x hidden].
    margin
        Mean squared distance per hidden unit, > 0.
    """
    still = encoded.detach()
    reconstruction = ((decoded - signatures) ** 2).mean()
    pull = ((own - still) ** 2).mean() + COMMITMENT * ((own.detach() - encoded) ** 2).mean()

    def hinge(z: Tensor, true: Tensor, false: Tensor) -> Tensor:
        gap = ((z - true) ** 2).mean(dim=1) - ((z - false) ** 2).mean(dim=1)
        return torch.relu(gap + margin).mean()

    push = REPULSION * hinge(still, own, rival) + REPULSION_COMMITMENT * hinge(
        encoded, own.detach(), rival.detach()
    )
    return SVQVAELoss(reconstruction + pull + push, reconstruction, pull, push)


def straight_through(encoded: Tensor, code: Tensor) -> Tensor:
    """The code as value, [inputs x hidden]; the gradient goes to the encoding, none to the codebook."""
    return encoded + (code - encoded).detach()


def code_perplexity(classes: Tensor, count: int) -> float:
    """exp(entropy) of how often each of `count` codes is the nearest, int [inputs]: how many are in use."""
    share = torch.bincount(classes, minlength=count).double() / max(classes.numel(), 1)
    return float(torch.exp(-(share * torch.log(share.clamp(min=1e-300))).sum()))
