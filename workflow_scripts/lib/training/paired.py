"""How models of paired views are trained: adversaries in turns, or one loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

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
    learning_rate
        Of Adam.
    falls_over
        Epochs over whose second half the learning rate falls linearly, towards 0; None: it does not.
    """

    def __init__(
        self, model: PairedModel, data: Mapping[str, Tensor], score: Score | None = None, *,
        learning_rate: float = 3e-4, falls_over: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(model, data)
        self.score, self.learning_rate, self.falls_over = score, learning_rate, falls_over
        self.adams: dict[str, torch.optim.Optimizer] = {}

    def adam(self, parameters: Iterable[nn.Parameter], **settings: Any) -> torch.optim.Adam:
        """Adam at the learning rate on what is trained of `parameters`."""
        trained = [one for one in parameters if one.requires_grad]
        return torch.optim.Adam(trained, lr=self.learning_rate, fused=True, **settings)

    def on_epoch(self, epoch: int) -> None:
        """Set the learning rate of the epoch (from 0)."""
        if self.falls_over is None:
            return
        for optimizer in self.adams.values():
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate * min(1.0, 2 * (1 - epoch / self.falls_over))

    def pair(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return rows of x and of y, [pairs, ...] each, as the networks take them."""
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
    discriminator_steps, generator_steps
        Batches in turn.
    **settings
        ``learning_rate`` and ``falls_over``, as in `PairedObjective`; betas are 0.5 and 0.9.
    """

    def __init__(
        self, model: AdversarialModel, data: Mapping[str, Tensor], score: Score | None = None, *,
        discriminator_steps: int = 1, generator_steps: int = 1, **settings: Any,
    ) -> None:  # fmt: skip
        super().__init__(model, data, score, **settings)
        self.model = model
        self.steps = discriminator_steps, generator_steps

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam for the discriminators, one for all else."""
        self.adams = {
            "discriminators": self.adam(self.model.discriminators.parameters(), betas=BETAS),
            "generators": self.adam(self.model.generators(), betas=BETAS),
        }
        return self.adams

    def turns(self, step: int) -> Sequence[str]:
        """Who steps on this batch."""
        return [turn(step, *self.steps)]

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Losses of the side whose turn it is, a scalar each."""
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
    **settings
        ``learning_rate`` and ``falls_over``, as in `PairedObjective`.
    """

    def __init__(
        self, model: VariationalModel, data: Mapping[str, Tensor], score: Score | None = None, **settings: Any
    ) -> None:
        super().__init__(model, data, score, **settings)
        self.model = model

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam on all that is trained."""
        self.adams = {"adam": self.adam(self.model.parameters())}
        return self.adams

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Losses of the model, a scalar each."""
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
        ``learning_rate``, and ``epochs`` if it falls (``linear_decay``); of adversarial models ``discriminator_steps``
        and ``generator_steps``.
    """
    own = {
        "learning_rate": settings["learning_rate"],
        "falls_over": settings["epochs"] if settings.get("linear_decay") else None,
    }
    if isinstance(model, AdversarialModel):
        return AdversarialObjective(
            model, data, score, discriminator_steps=settings["discriminator_steps"],
            generator_steps=settings["generator_steps"], **own,
        )  # fmt: skip
    assert isinstance(model, VariationalModel)
    return VariationalObjective(model, data, score, **own)


def prepared(rows: Tensor) -> Tensor:
    """Images, which alone are kept as bytes, become values 0 to 1 of the same shape; all else stays as it is."""
    return rows.float() / 255 if rows.dtype == torch.uint8 else rows
