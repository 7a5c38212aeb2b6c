"""How the models of L1000 signatures are trained: the VAEs and the S-VQ-VAEs, published and ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from workflow_scripts.lib.models.latent import draw, free_bits_kl, kl_standard_normal
from workflow_scripts.lib.models.svqvae import (
    CodedNetwork,
    SVQVAELoss,
    code_perplexity,
    margin_svqvae_loss,
    published_svqvae_loss,
    straight_through,
)
from workflow_scripts.lib.models.vae import PublishedVAE, SignatureVAE, published_vae_loss

from .objective import Objective


def adam(
    parameters: Iterable[nn.Parameter], learning_rate: float, amsgrad: bool = False
) -> torch.optim.Optimizer:
    """Adam in one fused kernel a step, which small networks gain most from."""
    return torch.optim.Adam(parameters, lr=learning_rate, amsgrad=amsgrad, fused=True)


class PublishedVAEObjective(Objective):
    """The published training: Adam at 1e-3, z sampled in validation too.

    Parameters
    ----------
    network
        The model.
    data
        ``signatures`` [training signatures x genes]; ``validation`` [signatures x genes], may be empty.
    """

    shares_batches = True

    def __init__(self, network: PublishedVAE, data: Mapping[str, Tensor]) -> None:
        super().__init__(network, data)
        self.model = network

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam at 1e-3."""
        return {"adam": adam(self.model.parameters(), 1e-3)}

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """The published loss, a scalar; its reconstruction part is what the notebooks print."""
        signatures = self.rows("signatures", index)
        decoded, mean, log_variance = self._sampled(signatures, rng)
        loss, reconstruction = published_vae_loss(signatures, decoded, mean, log_variance)
        return {"loss": loss, "reconstruction": reconstruction.detach()}

    def _sampled(self, signatures: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.model.encode(signatures)
        return self.model.decode(draw(mean, log_variance, rng)), mean, log_variance

    def validate(self, rng: torch.Generator) -> dict[str, float] | None:
        """Mean squared error of the validation signatures, z sampled as published."""
        signatures = self.data["validation"]
        if not len(signatures):
            return None
        decoded, _, _ = self._sampled(signatures, rng)
        return {"validation": float(((decoded - signatures) ** 2).mean())}


class SignatureVAEObjective(Objective):
    """Negative ELBO in nats, with a warm-up of the KL's weight and free bits.

    Parameters
    ----------
    network
        The model.
    data
        ``signatures`` [training signatures x genes] and ``cell_lines`` one-hot; ``validation`` and
        ``validation_cell_lines``, signatures of other perturbagens.
    learning_rate, weight_decay
        Of AdamW.
    warm_up
        Epochs over which the KL's weight grows from 0 to 1.
    free_nats
        Least KL of a latent dimension that is paid for.
    """

    shares_batches = True

    def __init__(
        self,
        network: SignatureVAE,
        data: Mapping[str, Tensor],
        *,
        learning_rate: float,
        weight_decay: float,
        warm_up: int,
        free_nats: float,
    ) -> None:
        super().__init__(network, data)
        self.model = network
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.warm_up, self.free_nats, self.kl_weight = warm_up, free_nats, 1.0

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW on all parameters, weight decay on matrices."""
        parameters = list(self.model.parameters())
        # Biases, norms and log-variances have no reason to be small.
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": self.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        return {"adamw": torch.optim.AdamW(groups, lr=self.learning_rate, fused=True)}

    def on_epoch(self, epoch: int) -> None:
        """KL warm-up."""
        self.kl_weight = min(1.0, (epoch + 1) / max(self.warm_up, 1))

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Loss per signature, a scalar: reconstruction and KL in nats."""
        signatures, cells = self.rows("signatures", index), self.rows("cell_lines", index)
        mean, log_variance = self.model.encode(signatures, cells)
        decoded = self.model.decode(draw(mean, log_variance, rng), cells)
        reconstruction = self.model.negative_log_likelihood(signatures, decoded).mean()
        kl = free_bits_kl(mean, log_variance, self.free_nats)
        return {
            "loss": reconstruction + self.kl_weight * kl,
            "reconstruction": reconstruction.detach(),
            "kl": kl.detach(),
        }

    def validate(self, rng: torch.Generator) -> dict[str, float] | None:
        """Negative ELBO of the validation signatures, and the variance that the posterior mean explains."""
        signatures, cells = self.data["validation"], self.data["validation_cell_lines"]
        if not len(signatures):
            return None
        mean, log_variance = self.model.encode(signatures, cells)
        decoded = self.model.decode(draw(mean, log_variance, rng), cells)
        kl = kl_standard_normal(mean, log_variance).sum(dim=1)
        elbo = (self.model.negative_log_likelihood(signatures, decoded) + kl).mean()
        error = ((self.model.decode(mean, cells) - signatures) ** 2).sum()
        return {"validation": float(elbo), "explained_variance": float(1 - error / (signatures**2).sum())}


class SVQVAEObjective(Objective):
    """The S-VQ-VAE with the published loss or a bounded one, codes by gradient or by moving averages.

    Parameters
    ----------
    network
        The model.
    data
        ``signatures`` [training signatures x genes], or images, and ``classes`` int64; ``validation`` and
        ``validation_classes``.
    learning_rate
        Of Adam (amsgrad), 1e-4 as published.
    margin
        Of the bounded repulsion, in mean squared distance per hidden unit; None for the published one.
    decay
        Of the codes' moving averages (van den Oord et al. 2017, appendix A); None for codes by gradient.
    """

    def __init__(
        self,
        network: CodedNetwork,
        data: Mapping[str, Tensor],
        *,
        learning_rate: float = 1e-4,
        margin: float | None = None,
        decay: float | None = None,
    ) -> None:
        super().__init__(network, data)
        self.model = network
        self.learning_rate, self.margin, self.decay = learning_rate, margin, decay
        if decay is not None:
            self.model.codebook.weight.requires_grad_(False)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam with amsgrad on all parameters that have a gradient."""
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        return {"adam": adam(parameters, self.learning_rate, amsgrad=True)}

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Loss of a batch, a scalar; the code is that of the true class."""
        found, encoded, classes = self._of(self.rows("signatures", index), self.rows("classes", index))
        if self.decay is not None and self.model.training:
            self._follow(encoded.detach(), classes, self.decay)
        return {
            "loss": found.loss,
            "reconstruction": found.reconstruction.detach(),
            "pull": found.pull.detach(),
            "push": found.push.detach(),
        }

    def _of(self, signatures: Tensor, classes: Tensor) -> tuple[SVQVAELoss, Tensor, Tensor]:
        encoded = self.model.encode(signatures)
        own = self.model.codebook(classes)
        decoded = self.model.decode(straight_through(encoded, own))
        distance = self.model.distances(encoded.detach()).detach()
        if self.margin is None:
            nearest = distance.argmin(dim=1)
            rival = self.model.codebook(nearest)
            found = published_svqvae_loss(signatures, decoded, encoded, own, rival, nearest != classes)
        else:
            others = distance.scatter(1, classes[:, None], float("inf"))
            rival = self.model.codebook(others.argmin(dim=1))
            found = margin_svqvae_loss(signatures, decoded, encoded, own, rival, self.margin)
        return found, encoded, classes

    def _follow(self, encoded: Tensor, classes: Tensor, decay: float) -> None:
        """Move each class's code towards the mean of its encodings in this batch."""
        codes = self.model.codebook.weight
        sums = torch.zeros_like(codes).index_add_(0, classes, encoded)
        counts = torch.zeros(len(codes), device=codes.device).index_add_(
            0, classes, torch.ones_like(classes, dtype=codes.dtype)
        )
        present = counts > 0
        means = sums[present] / counts[present, None]
        codes.data[present] = decay * codes.data[present] + (1 - decay) * means

    def validate(self, rng: torch.Generator) -> dict[str, float] | None:
        """Reconstruction with the label given (as published) and without, nearest-code accuracy, codes in use."""
        signatures, classes = self.data["validation"], self.data["validation_classes"]
        if not len(signatures):
            return None
        nearest = self.model.nearest(signatures)
        decoded = self.model.decode(self.model.codebook.weight)
        return {
            "validation": float(((decoded[nearest] - signatures) ** 2).mean()),
            "with_label": float(((decoded[classes] - signatures) ** 2).mean()),
            "accuracy": float((nearest == classes).double().mean()),
            "perplexity": code_perplexity(nearest, len(self.model.codebook.weight)),
        }
