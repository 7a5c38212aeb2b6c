"""Trained models of signatures as the analyses use them: encode, decode, reconstruct, whatever the architecture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.svqvae import SVQVAE
from workflow_scripts.lib.models.vae import LAYERS, PublishedVAE, SignatureVAE, VAEShape

from .export import load_model, names_digest

BATCH = 8192
Network = SignatureVAE | PublishedVAE | SVQVAE


def one_hot_lines(cell_ids: Sequence[str], lines: Sequence[str]) -> np.ndarray:
    """Indicators [signatures x lines], float32; a line that was not trained on has none."""
    places = pd.Index(lines).get_indexer(pd.Index(cell_ids))
    out = np.zeros((len(places), len(lines)), np.float32)
    out[np.flatnonzero(places >= 0), places[places >= 0]] = 1.0
    return out


@dataclass(frozen=True)
class SignatureModel:
    """A trained model.

    Attributes
    ----------
    name, seed
        Which; no seed for published weights.
    network
        In evaluation mode, on the CPU.
    cell_lines
        Cell lines that it is conditioned on; empty for most.
    classes
        Perturbagen class of each code of an S-VQ-VAE; else empty.
    """

    name: str
    seed: int | None
    network: Network
    cell_lines: list[str]
    classes: list[str]

    @property
    def is_vae(self) -> bool:
        """Whether it has a Gaussian latent space."""
        return not isinstance(self.network, SVQVAE)

    @property
    def latent(self) -> int:
        """Latent dimensions."""
        if isinstance(self.network, SignatureVAE):
            return self.network.shape.latent
        if isinstance(self.network, PublishedVAE):
            return self.network.mu.out_features
        return self.network.codebook.embedding_dim

    def _batches(
        self,
        work: Callable[[Tensor, Tensor], tuple[Tensor, ...]],
        values: np.ndarray,
        cell_ids: Sequence[str],
    ) -> tuple[np.ndarray, ...]:
        cells = one_hot_lines(cell_ids, self.cell_lines)
        found = []
        with torch.no_grad():
            for start in range(0, max(len(values), 1), BATCH):
                part = torch.tensor(values[start : start + BATCH], dtype=torch.float32)
                found.append(work(part, torch.tensor(cells[start : start + BATCH])))
        return tuple(np.concatenate([part[k].numpy() for part in found]) for k in range(len(found[0])))

    def encode(self, values: np.ndarray, cell_ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
        """Mean and log-variance of z [signatures x latent]; an S-VQ-VAE's encoding has no variance."""

        def work(part: Tensor, cells: Tensor) -> tuple[Tensor, ...]:
            if isinstance(self.network, SVQVAE):
                return (self.network.encode(part),)
            if isinstance(self.network, SignatureVAE):
                return self.network.encode(part, cells)
            return self.network.encode(part)

        found = self._batches(work, values, cell_ids)
        return found[0], found[1] if len(found) == 2 else None

    def decode(self, latent: np.ndarray, cell_ids: Sequence[str]) -> np.ndarray:
        """Signatures of latent points or codes, [points x genes]."""

        def work(part: Tensor, cells: Tensor) -> tuple[Tensor, ...]:
            if isinstance(self.network, SignatureVAE):
                return (self.network.decode(part, cells),)
            return (self.network.decode(part),)

        return self._batches(work, latent, cell_ids)[0]

    def reconstruct(self, values: np.ndarray, cell_ids: Sequence[str]) -> np.ndarray:
        """Decoded posterior mean, [signatures x genes]; of an S-VQ-VAE the decoded nearest code, no label used."""
        if isinstance(self.network, SVQVAE):
            return self.decode(self.codes[self.distances(values).argmin(axis=1)], cell_ids)
        return self.decode(self.encode(values, cell_ids)[0], cell_ids)

    def with_noise(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Decoded signatures [signatures x genes] plus each gene's noise if the model has one; else as they are."""
        if not isinstance(self.network, SignatureVAE):
            return values
        noise = torch.exp(0.5 * self.network.log_noise).detach().numpy()
        return values + (rng.normal(size=values.shape) * noise).astype(np.float32)

    def sample(self, count: int, cell_ids: Sequence[str], rng: np.random.Generator) -> np.ndarray:
        """Signatures of z ~ N(0, I), [count x genes]."""
        return self.with_noise(self.decode(rng.normal(size=(count, self.latent)), cell_ids), rng)

    def resample(self, values: np.ndarray, cell_ids: Sequence[str], rng: np.random.Generator) -> np.ndarray:
        """Signatures of z ~ q(z | x) for given [signatures x genes], as many: draws from the aggregate posterior."""
        mean, log_variance = self.encode(values, cell_ids)
        spread = np.exp(0.5 * log_variance) if log_variance is not None else 0.0
        return self.with_noise(self.decode(mean + spread * rng.normal(size=mean.shape), cell_ids), rng)

    @property
    def codes(self) -> np.ndarray:
        """Codebook of an S-VQ-VAE, [classes x hidden]."""
        if not isinstance(self.network, SVQVAE):
            raise TypeError(f"{self.name} has no codes")
        return self.network.codebook.weight.detach().numpy()

    def distances(self, values: np.ndarray) -> np.ndarray:
        """Squared distance of each signature's encoding to each code, [signatures x classes]."""
        network = self.network
        if not isinstance(network, SVQVAE):
            raise TypeError(f"{self.name} has no codes")
        none = [""] * len(values)
        return self._batches(lambda part, _: (network.distances(network.encode(part)),), values, none)[0]

    @property
    def mean_weight(self) -> np.ndarray | None:
        """Weight of the layer that gives a VAE's mean, [latent x inputs]."""
        return None if isinstance(self.network, SVQVAE) else self.network.mean_weight.detach().numpy()

    def layers(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Activations [signatures x width] of a published VAE by the paper's names, see `PublishedVAE.layers`."""
        network = self.network
        if not isinstance(network, PublishedVAE):
            raise TypeError(f"{self.name} has no published layers")
        found = self._batches(
            lambda part, _: tuple(network.layers(part).values()), values, [""] * len(values)
        )
        return dict(zip(LAYERS, found, strict=True))


def architecture(network: Network) -> dict[str, Any]:
    """The model card's entry from which `restore` builds the network anew."""
    if isinstance(network, SignatureVAE):
        return {"class": "SignatureVAE", **asdict(network.shape)}
    if isinstance(network, PublishedVAE):
        first, latent = network.encoder[0], network.mu.out_features
        return {
            "class": "PublishedVAE",
            "genes": first.in_features,
            "hidden": first.out_features,
            "latent": latent,
        }
    codes, hidden = network.codebook.weight.shape
    return {"class": "SVQVAE", "classes": codes, "genes": network.encoder[0].in_features, "hidden": hidden}


def restore(state: Mapping[str, Tensor], card: Mapping[str, Any], where: str) -> SignatureModel:
    """The model of saved weights and their card, which has their shapes.

    Raises
    ------
    LatentomeError
        If the card describes another kind of model.
    """
    sizes = {key: value for key, value in card.get("architecture", {}).items() if key != "class"}
    kind = card.get("architecture", {}).get("class")
    network: Network
    if kind == "SignatureVAE":
        shape = VAEShape(**sizes)
        network = SignatureVAE(shape, torch.ones(shape.genes), torch.Generator())
    elif kind == "PublishedVAE":
        network = PublishedVAE(**sizes)
    elif kind == "SVQVAE":
        network = SVQVAE(**sizes)
    else:
        raise LatentomeError(
            f"{where}: architecture {kind!r} is no model of signatures; expected SignatureVAE, PublishedVAE or SVQVAE; "
            "mend config key pretrained"
        )
    network.load_state_dict(dict(state))
    return SignatureModel(
        card["model"], card.get("seed"), network.eval(), card.get("cell_lines", []), card.get("classes", [])
    )


def load_models(paths: Sequence[str | Path], genes: Sequence[str]) -> list[SignatureModel]:
    """Models whose ``model.safetensors`` are at `paths`, checked to be of these genes in this order."""
    found = []
    for path in paths:
        folder = Path(path).parent
        state, card = load_model(folder, {"genes_digest": names_digest(genes)})
        found.append(restore(state, card, str(folder)))
    return found
