"""How models of paired views are trained: adversaries in turns, or one loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from workflow_scripts.lib.models.paired import AdversarialModel, PairedModel, VariationalModel

from .objective import Objective

BETAS = (0.5, 0.9)
Score = Callable[[torch.Generator], dict[str, float]]


def turn(step: int, discriminator_steps: int, generator_steps: int) -> str:
    """Who steps on a batch: first the discriminators `discriminator_steps` times, then the generators, and so on."""
    whole = discriminator_steps + generator_steps
    return "discriminators" if step % whole < discriminator_steps else "generators"


class PairedObjective(Objective):
    """What both kinds share: rows of x and y, and a score on validation pairs.

    Parameters
    ----------
    model
        Network.
    data
        ``x`` and ``y``, first dimension pairs.
    score
        Called with a generator: ``validation`` and other scores of the model as it is; None: no validation.
    """

    def __init__(self, model: PairedModel, data: Mapping[str, Tensor], score: Score | None = None) -> None:
        super().__init__(model, data)
        self.score = score

    def pair(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return rows of x and of y as the networks take them."""
        return prepared(self.rows("x", index)), prepared(self.rows("y", index))

    def validate(self, rng: torch.Generator) -> dict[str, float] | None:
        """Score of the model as it is."""
        return None if self.score is None else self.score(rng)


class AdversarialObjective(PairedObjective):
    """Encoders and decoders against discriminators, an exact number of batches each in turn.

    Parameters
    ----------
    model, data, score
        As in `PairedObjective`.
    learning_rate
        Of Adam, betas 0.5 and 0.9.
    discriminator_steps, generator_steps
        Batches in turn.
    """

    def __init__(
        self, model: AdversarialModel, data: Mapping[str, Tensor], score: Score | None = None, *,
        learning_rate: float = 3e-4, discriminator_steps: int = 1, generator_steps: int = 1,
    ) -> None:  # fmt: skip
        super().__init__(model, data, score)
        self.model, self.learning_rate = model, learning_rate
        self.steps = discriminator_steps, generator_steps

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam for the discriminators, one for all else."""
        judges = list(self.model.discriminators.parameters())
        return {
            "discriminators": torch.optim.Adam(judges, lr=self.learning_rate, betas=BETAS, fused=True),
            "generators": torch.optim.Adam(
                self.model.generators(), lr=self.learning_rate, betas=BETAS, fused=True
            ),
        }

    def turns(self, step: int) -> Sequence[str]:
        """Who steps on this batch."""
        return [turn(step, *self.steps)]

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Losses of the side whose turn it is."""
        x, y = self.pair(index)
        if turn == "discriminators":
            return self.model.discriminator_losses(x, y, rng)
        return self.model.generator_losses(x, y, rng)


class VariationalObjective(PairedObjective):
    """One loss, one Adam.

    Parameters
    ----------
    model, data, score
        As in `PairedObjective`.
    learning_rate
        Of Adam.
    """

    def __init__(
        self, model: VariationalModel, data: Mapping[str, Tensor], score: Score | None = None, *,
        learning_rate: float = 3e-4,
    ) -> None:  # fmt: skip
        super().__init__(model, data, score)
        self.model, self.learning_rate = model, learning_rate

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam on all that is trained."""
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        return {"adam": torch.optim.Adam(parameters, lr=self.learning_rate, fused=True)}

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Losses of the model."""
        return self.model.losses(*self.pair(index), rng)


def objective_of(
    model: PairedModel, data: Mapping[str, Tensor], settings: Mapping[str, Any], score: Score | None = None
) -> PairedObjective:
    """Objective that belongs to a model.

    Parameters
    ----------
    model, data, score
        As in `PairedObjective`.
    settings
        ``learning_rate``; of adversarial models ``discriminator_steps`` and ``generator_steps``.
    """
    rate = settings["learning_rate"]
    if isinstance(model, AdversarialModel):
        return AdversarialObjective(
            model, data, score, learning_rate=rate, discriminator_steps=settings["discriminator_steps"],
            generator_steps=settings["generator_steps"],
        )  # fmt: skip
    assert isinstance(model, VariationalModel)
    return VariationalObjective(model, data, score, learning_rate=rate)


def prepared(rows: Tensor) -> Tensor:
    """Images, which alone are kept as bytes, become values 0 to 1; all else stays as it is."""
    return rows.float() / 255 if rows.dtype == torch.uint8 else rows
