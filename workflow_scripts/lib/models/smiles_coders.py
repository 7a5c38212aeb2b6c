"""Recurrent encoder and decoder of SMILES, and the variational autoencoder that they are pretrained in.

Sizes as published with BiAAE (Shayakhmetov et al. 2020). Where the published code padded every batch to 150 tokens,
batches here are read in two halves, short and long molecules, each cut to its longest. On a CPU that is three times
faster than packed sequences, whose backward pass fills the whole batch's gradient anew for every token.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from workflow_scripts.lib.data.notation import NOTATIONS, Notation
from workflow_scripts.lib.data.smiles_tokens import END, PAD, START, UNKNOWN

from .latent import draw, kl_standard_normal
from .paired import View

LEAST_HALVED = 48
"""Molecules of a batch below which one pass over all costs less than two over its halves."""


@dataclass(frozen=True)
class SmilesShape:
    """Sizes of the networks.

    Attributes
    ----------
    latent
        Dimensions of z.
    embedding, hidden, layers
        Of the tokens, and of the recurrent layers.
    longest
        Tokens that a generated molecule has at most.
    notation
        Of `NOTATIONS`.
    """

    latent: int = 44
    embedding: int = 128
    hidden: int = 128
    layers: int = 2
    longest: int = 120
    notation: str = "smiles"

    @property
    def tokens(self) -> Notation:
        """How its networks write a molecule."""
        return NOTATIONS[self.notation]

    def as_dict(self) -> dict[str, Any]:
        """Sizes by name, for the model card."""
        return asdict(self)


class SmilesEncoder(nn.Module):
    """Recurrent network over the tokens; its state after the last one through two linear layers.

    Takes token numbers [molecules x tokens], padded, and gives [molecules x 2 latent]: mean and log variance.
    """

    def __init__(self, shape: SmilesShape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(shape.tokens.tokens), shape.embedding, padding_idx=PAD)
        self.recurrent = nn.GRU(shape.embedding, shape.hidden, shape.layers, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(shape.hidden, shape.hidden), nn.LeakyReLU(), nn.Linear(shape.hidden, 2 * shape.latent)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Return [molecules x 2 latent]; a molecule that comes several times is read once."""
        distinct, place = torch.unique(tokens, dim=0, return_inverse=True)
        rows, parts = halves(distinct)
        return torch.cat([self._read(part) for part in parts])[rows.argsort()[place]]

    def _read(self, tokens: Tensor) -> Tensor:
        states, _ = self.recurrent(self.embedding(tokens))
        last = (tokens != PAD).sum(dim=1) - 1
        return self.head(states[torch.arange(len(tokens), device=tokens.device), last])


class SmilesDecoder(nn.Module):
    """Recurrent network that sees z beside every token, and starts from it."""

    def __init__(self, shape: SmilesShape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(len(shape.tokens.tokens), shape.embedding, padding_idx=PAD)
        self.start = nn.Linear(shape.latent, shape.hidden)
        self.recurrent = nn.GRU(shape.embedding + shape.latent, shape.hidden, shape.layers, batch_first=True)
        self.out = nn.Linear(shape.hidden, len(shape.tokens.tokens))

    def _state(self, z: Tensor) -> Tensor:
        return self.start(z).expand(self.shape.layers, -1, -1).contiguous()

    def token_losses(self, z: Tensor, tokens: Tensor) -> Tensor:
        """Cross-entropy of every next token (int64), nats, [molecules x tokens - 1]; 0 for padding."""
        inputs = torch.cat(
            [self.embedding(tokens[:, :-1]), z[:, None].expand(-1, tokens.shape[1] - 1, -1)], dim=2
        )
        states, _ = self.recurrent(inputs, self._state(z))
        logits = self.out(states)
        return functional.cross_entropy(
            logits.transpose(1, 2), tokens[:, 1:], ignore_index=PAD, reduction="none"
        )

    def negative_log_likelihood(self, z: Tensor, tokens: Tensor) -> Tensor:
        """Of each molecule, nats, all its tokens and the end, shape [molecules]."""
        rows, parts = halves(tokens)
        points = z[rows].split([len(part) for part in parts])
        nats = [self.token_losses(*both).sum(dim=1) for both in zip(points, parts, strict=True)]
        return torch.cat(nats)[rows.argsort()]

    def reconstruction_loss(self, z: Tensor, tokens: Tensor) -> Tensor:
        """Mean over molecules [molecules x tokens] of their nats per token, the end included; a scalar."""
        number = (tokens[:, 1:] != PAD).sum(dim=1)
        return (self.negative_log_likelihood(z, tokens) / number).mean()

    @torch.no_grad()
    def sample(
        self, z: Tensor, rng: torch.Generator, temperature: float = 1.0, nucleus: float = 1.0
    ) -> Tensor:
        """Draw a molecule for every z, token by token.

        Parameters
        ----------
        z
            Shape [molecules x latent].
        rng
            Of the draws.
        temperature
            Divides the logits; 0 takes the likeliest token (greedy, as published).
        nucleus
            Tokens are drawn from the fewest that hold this probability together (Holtzman et al. 2020).

        Returns
        -------
        torch.Tensor
            Token numbers, int16 [molecules x at most longest], from `START` on, padded after the end. A molecule that
            has not ended by then has no `END`.
        """
        state = self._state(z)
        token = torch.full((len(z),), START, device=z.device)
        found, ended = [token], torch.zeros(len(z), dtype=torch.bool, device=z.device)
        for _ in range(self.shape.longest):
            inputs = torch.cat([self.embedding(token), z], dim=1)[:, None]
            states, state = self.recurrent(inputs, state)
            token = choose(self.out(states[:, 0]), rng, temperature, nucleus).masked_fill(ended, PAD)
            found.append(token)
            ended |= token == END
            if ended.all():
                break
        return torch.stack(found, dim=1).to(torch.int16)


def halves(tokens: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Short and long molecules of a batch, each half cut to its longest; small batches stay whole.

    Parameters
    ----------
    tokens
        Token numbers, padded, [molecules x tokens].

    Returns
    -------
    rows
        Place in the batch of each row of the halves, one after the other, shape [molecules].
    parts
        int64 [molecules of the half x its longest].
    """
    length = (tokens != PAD).sum(dim=1)
    rows = length.argsort(stable=True)
    split = rows.tensor_split(2) if len(rows) >= LEAST_HALVED else (rows,)
    return rows, [tokens[part, : int(length[part].max())].long() for part in split]


def choose(logits: Tensor, rng: torch.Generator, temperature: float, nucleus: float) -> Tensor:
    """Draw a token [rows] of each row of logits [rows x tokens]; no padding, start or unknown is drawn."""
    logits = logits.clone()
    logits[:, [PAD, START, UNKNOWN]] = -torch.inf
    if temperature == 0:
        return logits.argmax(dim=1)
    probability = functional.softmax(logits / temperature, dim=1)
    if nucleus < 1:
        ordered, order = probability.sort(dim=1, descending=True)
        # the token that reaches the share is kept
        ordered[ordered.cumsum(dim=1) - ordered >= nucleus] = 0
        probability = torch.zeros_like(probability).scatter_(1, order, ordered)
    return torch.multinomial(probability, 1, generator=rng)[:, 0]


class SmilesVAE(nn.Module):
    """Variational autoencoder of SMILES."""

    def __init__(self, shape: SmilesShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder, self.decoder = SmilesEncoder(shape), SmilesDecoder(shape)

    def losses(self, tokens: Tensor, rng: torch.Generator, divergence_weight: float) -> dict[str, Tensor]:
        """Nats per token, KL of the latent space, and their weighted sum ``loss``; a scalar each."""
        mean, log_variance = self.encoder(tokens).chunk(2, dim=1)
        tokens_loss = self.decoder.reconstruction_loss(draw(mean, log_variance, rng), tokens)
        divergence = kl_standard_normal(mean, log_variance).sum(dim=1).mean()
        return {
            "loss": tokens_loss + divergence_weight * divergence,
            "tokens": tokens_loss.detach(),
            "divergence": divergence.detach(),
        }

    def prior(self, number: int, rng: torch.Generator) -> Tensor:
        """Latent points of N(0, I), [number x latent]."""
        return torch.randn(number, self.shape.latent, generator=rng, device=self.decoder.out.weight.device)


class TunedEncoder(nn.Module):
    """A pretrained encoder of SMILES under a new head: tokens to [molecules x outputs]."""

    def __init__(self, pretrained: SmilesEncoder, latent: int, outputs: int) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.head = nn.Sequential(
            nn.Linear(2 * latent, 256), nn.BatchNorm1d(256), nn.LeakyReLU(), nn.Linear(256, outputs)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Return [molecules x outputs]."""
        return self.head(self.pretrained(tokens))


class TunedDecoder(nn.Module):
    """A pretrained decoder of SMILES after new layers."""

    def __init__(self, pretrained: SmilesDecoder, inputs: int) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.layers = nn.Sequential(
            nn.Linear(inputs, 128), nn.LeakyReLU(), nn.Linear(128, 512), nn.LeakyReLU(),
            nn.Linear(512, pretrained.shape.latent),
        )  # fmt: skip

    def forward(self, latent: Tensor) -> Tensor:
        """Latent points of the pretrained decoder, [molecules x its latent width]."""
        return self.layers(latent)

    def reconstruction_loss(self, latent: Tensor, tokens: Tensor) -> Tensor:
        """Mean over molecules of their nats per token, a scalar."""
        return self.pretrained.reconstruction_loss(self(latent), tokens)

    def negative_log_likelihood(self, latent: Tensor, tokens: Tensor) -> Tensor:
        """Of each molecule, nats, shape [molecules]."""
        return self.pretrained.negative_log_likelihood(self(latent), tokens)

    def sample(self, latent: Tensor, rng: torch.Generator) -> Tensor:
        """Molecules drawn at the temperature of training, int16 [molecules x tokens]."""
        return self.pretrained.sample(self(latent), rng)


def smiles_view(pretrained: SmilesVAE, frozen: bool) -> View:
    """SMILES as a view; every network that is made starts from a copy of the pretrained one.

    Parameters
    ----------
    pretrained
        Autoencoder of SMILES.
    frozen
        Keep its embeddings, recurrent and output layers as they are, as published. Tokens that pretraining never saw
        can then not be learnt.
    """
    shape = pretrained.shape

    def encoder(outputs: int) -> nn.Module:
        copy = SmilesEncoder(shape)
        copy.load_state_dict(pretrained.encoder.state_dict())
        if frozen:
            _freeze(copy.embedding, copy.recurrent)
        return TunedEncoder(copy, shape.latent, outputs)

    def decoder(inputs: int) -> nn.Module:
        copy = SmilesDecoder(shape)
        copy.load_state_dict(pretrained.decoder.state_dict())
        if frozen:
            _freeze(copy.embedding, copy.recurrent, copy.out)
        return TunedDecoder(copy, inputs)

    return View(encoder, encoder, decoder)


def _freeze(*networks: nn.Module) -> None:
    for network in networks:
        network.requires_grad_(False)
