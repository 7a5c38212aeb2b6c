"""Images as a view of the paired models, and the classifiers by which they are judged."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from workflow_scripts.lib.models.image_coders import ImageDecoder, ImageEncoder
from workflow_scripts.lib.models.paired import PairedModel, View

from .objective import Objective
from .paired import Score, prepared

IMAGES = View(ImageEncoder, lambda width: ImageEncoder(width, short=True), ImageDecoder)
DIGITS = 10
VALIDATED = 2_000
"""Pairs that the conditional accuracy is looked at on the way."""


class ClassifierObjective(Objective):
    """Cross-entropy of the digit: the encoder's architecture with ten outputs, as published.

    Parameters
    ----------
    network
        Of ten outputs.
    data
        ``images``, uint8 [images x 1 x 28 x 28], and ``digit``, int64 [images].
    held_out
        The same, to validate on.
    learning_rate
        Of Adam.
    """

    def __init__(
        self,
        network: ImageEncoder,
        data: Mapping[str, Tensor],
        held_out: Mapping[str, Tensor],
        learning_rate: float,
    ) -> None:
        super().__init__(network, data)
        self.classifier, self.held_out, self.learning_rate = network, held_out, learning_rate

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam."""
        return {"adam": torch.optim.Adam(self.classifier.parameters(), lr=self.learning_rate, fused=True)}

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Nats per image, a scalar."""
        logits = self.classifier(prepared(self.rows("images", index)))
        return {"loss": functional.cross_entropy(logits, self.rows("digit", index))}

    def validate(self, rng: torch.Generator) -> dict[str, float]:
        """Nats per held-out image, and accuracy."""
        device = next(self.classifier.parameters()).device
        digit = self.held_out["digit"].to(device)
        logits = classified(self.classifier, self.held_out["images"].to(device))
        right = float((logits.argmax(dim=1) == digit).float().mean())
        return {"validation": float(functional.cross_entropy(logits, digit)), "accuracy": right}


@torch.no_grad()
def classified(classifier: ImageEncoder, images: Tensor, block: int = 4096) -> Tensor:
    """Logits of images kept as bytes or as values 0 to 1, [images x digits]."""
    return torch.cat([classifier(prepared(part)) for part in images.split(block)])


@torch.no_grad()
def drawn(model: PairedModel, y: Tensor, rng: torch.Generator, block: int = 4096) -> Tensor:
    """Draw one x for every y (bytes or values), values 0 to 1, [pairs x 1 x 28 x 28]."""
    return torch.cat([model.generate(prepared(part), rng) for part in y.split(block)])


def accuracy_on_the_way(
    model: PairedModel, classifier: ImageEncoder, held_out: Mapping[str, Tensor]
) -> Score:
    """Score for the training loop: one minus the conditional accuracy on validation pairs, and the accuracy.

    Parameters
    ----------
    model, classifier
        What is trained, and what judges it.
    held_out
        ``y`` [pairs x 1 x 28 x 28] and ``digit`` [pairs].
    """

    def score(rng: torch.Generator) -> dict[str, float]:
        device = next(model.parameters()).device
        y, digit = held_out["y"][:VALIDATED].to(device), held_out["digit"][:VALIDATED].to(device)
        logits = classified(classifier.to(device), drawn(model, y, rng))
        right = float((logits.argmax(dim=1) == digit).float().mean())
        return {"validation": 1 - right, "accuracy": right}

    return score
