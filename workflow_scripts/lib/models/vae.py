"""Variational autoencoders of L1000 signatures: as published, and conditioned on the cell line with a true ELBO."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .latent import kl_standard_normal

CLIP = 10.0
"""Bound of level-5 z-scores; the published decoder is 10 tanh."""
LAYERS = ("e1", "e2", "e3", "d2", "d1")
"""What the paper calls the activations that it compares, see `PublishedVAE.layers`."""


class PublishedVAE(nn.Module):
    """The VAE of Xue, Ding & Lu (2020): 978-1000-1000-100-1000-1000-978, tanh everywhere, output times ten.

    Parameters
    ----------
    genes, hidden, latent
        Layer sizes.
    """

    def __init__(self, genes: int = 978, hidden: int = 1000, latent: int = 100) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(genes, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh()
        )
        self.mu = nn.Linear(hidden, latent)
        self.logvar = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, genes),
            nn.Tanh(),
        )  # fmt: skip

    @property
    def mean_weight(self) -> Tensor:
        """Weight of the layer that gives the mean of z, shape [latent x hidden]."""
        return self.mu.weight

    def encode(self, signatures: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of z, shape [signatures x latent] each."""
        hidden = self.encoder(signatures)
        return self.mu(hidden), self.logvar(hidden)

    def decode(self, latent: Tensor) -> Tensor:
        """Signatures, shape [signatures x genes], within -10 and 10."""
        return CLIP * self.decoder(latent)

    def layers(self, signatures: Tensor) -> dict[str, Tensor]:
        """Activations that the published study compares, by its names.

        ``e1`` and ``e2`` are the encoder's tanh layers, ``e3`` the mean of z, ``d2`` and ``d1`` the decoder's
        first and second tanh layers, decoding ``e3``; [signatures x width] each.
        """
        e1 = self.encoder[1](self.encoder[0](signatures))
        e2 = self.encoder[3](self.encoder[2](e1))
        e3 = self.mu(e2)
        d2 = self.decoder[1](self.decoder[0](e3))
        d1 = self.decoder[3](self.decoder[2](d2))
        return dict(zip(LAYERS, (e1, e2, e3, d2, d1), strict=True))


def published_vae_loss(
    signatures: Tensor, decoded: Tensor, mean: Tensor, log_variance: Tensor
) -> tuple[Tensor, Tensor]:
    """The published loss and its reconstruction part.

    Both terms are means, the first over genes, the second over latent dimensions, so that the KL weighs
    genes / (2 latent) = 4.89 times what it does in the ELBO of unit variance.

    Parameters
    ----------
    signatures, decoded
        Shape [signatures x genes].
    mean, log_variance
        Shape [signatures x latent].
    """
    reconstruction = ((decoded - signatures) ** 2).mean()
    return reconstruction + kl_standard_normal(mean, log_variance).mean(), reconstruction


@dataclass(frozen=True)
class VAEShape:
    """Sizes of a `SignatureVAE`; all of it is in the model card."""

    genes: int = 978
    cell_lines: int = 0
    hidden: int = 512
    latent: int = 32
    blocks: int = 2
    linear: bool = False


class ResidualBlock(nn.Module):
    """x + W2 silu(W1 norm(x)): depth that starts as the identity."""

    def __init__(self, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = linear(width, width, generator)
        self.outer = linear(width, width, generator, scale=0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return x + self.outer(torch.nn.functional.silu(self.inner(self.norm(x))))


def linear(inputs: int, outputs: int, generator: torch.Generator, scale: float = 1.0) -> nn.Linear:
    """A linear layer with normal weights of variance 1 / inputs times `scale` squared, and no bias yet."""
    layer = nn.Linear(inputs, outputs)
    with torch.no_grad():
        layer.weight.normal_(0.0, scale * inputs**-0.5, generator=generator)
        layer.bias.zero_()
    return layer


class SignatureVAE(nn.Module):
    """x ~ N(f(z, cell line), diag(exp(log_noise))), z ~ N(0, I), one noise variance a gene.

    Encoder and decoder are each a linear map plus a residual network. `start_from_components` makes the linear maps
    probabilistic principal components, so that training begins at the best linear model and not below it; with
    ``linear`` there is nothing else. The decoder is not squashed: a clipped z-score of 10 is rare, and a tanh bends
    every other value.

    Parameters
    ----------
    shape
        Sizes.
    scale
        Standard deviation of each gene, shape [genes]; the encoder sees z-scores of it.
    generator
        Source of the initial weights.
    """

    def __init__(self, shape: VAEShape, scale: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        self.shape = shape
        inputs, codes, width = shape.genes + shape.cell_lines, shape.latent + shape.cell_lines, shape.hidden
        self.scale: Tensor
        self.register_buffer("scale", scale.clone())
        self.linear_mu = linear(inputs, shape.latent, generator)
        self.linear_output = linear(codes, shape.genes, generator, scale=0.1)
        self.log_variance = nn.Parameter(torch.zeros(shape.latent))
        self.log_noise = nn.Parameter(2 * torch.log(scale))
        if not shape.linear:
            self.encoder = _residual_network(inputs, width, shape.blocks, generator)
            self.decoder = _residual_network(codes, width, shape.blocks, generator)
            self.mu = linear(width, shape.latent, generator, scale=0.1)
            self.logvar = linear(width, shape.latent, generator, scale=0.1)
            self.output = linear(width, shape.genes, generator, scale=0.01)

    @torch.no_grad()
    def start_from_components(self, signatures: Tensor) -> None:
        """Set the linear maps, and the variances, to probabilistic PCA of `signatures` [signatures x genes].

        Tipping & Bishop (1999): W = V (L - s I)^1/2 of the leading eigenvectors V and eigenvalues L of the covariance,
        s the mean of the other eigenvalues; z given x has mean M^-1 W' (x - mean) and covariance s M^-1, M = W'W + s I.
        """
        latent, genes = self.shape.latent, self.shape.genes
        if latent >= genes:
            raise ValueError(f"{latent} latent dimensions for {genes} genes; expected fewer")
        values = signatures / self.scale
        mean = values.mean(dim=0, dtype=torch.double)
        covariance = torch.zeros(genes, genes, dtype=torch.double)
        for part in values.split(4096):
            centred = part.double() - mean
            covariance += centred.T @ centred / len(values)
        eigenvalues, vectors = torch.linalg.eigh(covariance)
        # An eigenvector's sign is LAPACK's choice.
        vectors = vectors * vectors.gather(0, vectors.abs().argmax(dim=0)[None]).sign()
        leading, others = eigenvalues.flip(0)[:latent], eigenvalues.flip(0)[latent:]
        rest = others.clamp(min=0).mean().clamp(min=1e-3)
        weight = vectors.flip(1)[:, :latent] * (leading - rest).clamp(min=1e-3).sqrt()
        inverse = torch.linalg.inv(weight.T @ weight + rest * torch.eye(latent, dtype=torch.double))
        projection = inverse @ weight.T
        posterior = rest * inverse
        # Residual variance of each gene, (I - W P) S (I - W P)', plus what the posterior leaves open.
        left = torch.eye(genes, dtype=torch.double) - weight @ projection
        noise = ((left @ covariance) * left).sum(dim=1) + ((weight @ posterior) * weight).sum(dim=1)
        self.linear_mu.weight.zero_()
        self.linear_mu.weight[:, :genes] = projection.float()
        self.linear_mu.bias.copy_(-(projection @ mean))
        self.linear_output.weight.zero_()
        self.linear_output.weight[:, :latent] = weight.float()
        self.linear_output.bias.copy_(mean)
        self.log_variance.copy_(posterior.diagonal().log())
        self.log_noise.copy_(noise.clamp(min=1e-4).log() + 2 * torch.log(self.scale))

    @property
    def mean_weight(self) -> Tensor:
        """Weight of the linear map to the mean of z, shape [latent x genes and cell lines]."""
        return self.linear_mu.weight

    def encode(self, signatures: Tensor, cell_lines: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of z, shape [signatures x latent] each; `cell_lines` one-hot."""
        inputs = torch.cat([signatures / self.scale, cell_lines], dim=1)
        mean, log_variance = self.linear_mu(inputs), self.log_variance.expand(len(inputs), -1)
        if not self.shape.linear:
            hidden = self.encoder(inputs)
            mean, log_variance = mean + self.mu(hidden), log_variance + self.logvar(hidden)
        return mean, log_variance.clamp(-12.0, 6.0)

    def decode(self, latent: Tensor, cell_lines: Tensor) -> Tensor:
        """Expected signatures, shape [signatures x genes]."""
        codes = torch.cat([latent, cell_lines], dim=1)
        output = self.linear_output(codes)
        if not self.shape.linear:
            output = output + self.output(self.decoder(codes))
        return output * self.scale

    def negative_log_likelihood(self, signatures: Tensor, decoded: Tensor) -> Tensor:
        """In nats, summed over genes, shape [signatures]."""
        error = (signatures - decoded) ** 2 * torch.exp(-self.log_noise)
        return 0.5 * (error + self.log_noise + torch.log(torch.tensor(2 * torch.pi))).sum(dim=1)


def _residual_network(inputs: int, width: int, blocks: int, generator: torch.Generator) -> nn.Sequential:
    inner = [ResidualBlock(width, generator) for _ in range(blocks)]
    return nn.Sequential(linear(inputs, width, generator), *inner, nn.LayerNorm(width), nn.SiLU())
