"""What the training loop is asked for, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from workflow_scripts.lib.errors import LatentomeError

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True)
class TrainingSettings:
    """How one model is trained.

    Parameters
    ----------
    epochs
        Passes over the data.
    batch_size
        Samples a step; None for the full batch, in order.
    seed
        Seed of the loop's own generators (order of samples, noise, validation). The global generators are
        the script's: see `seeds.seed_all`.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    precision
        ``"32-true"``, ``"bf16-mixed"`` or ``"16-mixed"``.
    compute_threads
        CPU threads of one operation; part of the result.
    drop_last
        Leave out an epoch's last batch if it is short.
    patience
        Validations in a row without improvement after which training stops; None for never.
    min_delta
        A validation score improves if it is below the best by more than this.
    validate_every
        Epochs from one validation to the next; the last epoch is always validated.
    keep_best
        Leave the network with the weights of its best validation, not of its last step.
    checkpoint_every_epochs, checkpoint_every_seconds
        How often a checkpoint is written, at the earlier of the two; None for not by this measure. The
        seconds are looked at after every step, so an epoch of hours loses minutes.
    log_every
        Epochs from one row of the history, the CSV and TensorBoard to the next; validated epochs and the
        last always have one.
    tensorboard
        Whether TensorBoard files are written beside the CSV.
    gradient_clip
        Largest norm of the gradients of one optimiser's parameters; None for no limit.

    Raises
    ------
    LatentomeError
        If a value is out of range; the message names it.
    """

    epochs: int
    batch_size: int | None
    seed: int
    device: str = "auto"
    precision: str = "32-true"
    compute_threads: int = 1
    drop_last: bool = False
    patience: int | None = None
    min_delta: float = 0.0
    validate_every: int = 1
    keep_best: bool = True
    checkpoint_every_epochs: int | None = None
    checkpoint_every_seconds: float | None = 60.0
    log_every: int = 1
    tensorboard: bool = True
    gradient_clip: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work before any time is spent on it."""
        if self.precision not in PRECISIONS:
            raise LatentomeError(
                f"precision: {self.precision!r} is not known; expected one of {', '.join(PRECISIONS)}"
            )
        for name in ("epochs", "compute_threads", "validate_every", "log_every"):
            if getattr(self, name) < 1:
                raise LatentomeError(f"{name}: {getattr(self, name)} given; expected at least 1")
        for name in ("batch_size", "patience", "checkpoint_every_epochs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise LatentomeError(f"{name}: {value} given; expected at least 1, or null")
        if self.gradient_clip is not None and self.gradient_clip <= 0:
            raise LatentomeError(f"gradient_clip: {self.gradient_clip} given; expected above 0, or null")

    def fingerprint(self) -> dict[str, Any]:
        """Return the settings that the resulting bytes depend on, so a checkpoint of others is refused."""
        free = {"device", "checkpoint_every_epochs", "checkpoint_every_seconds", "tensorboard"}
        return {name: value for name, value in vars(self).items() if name not in free}


@dataclass
class Position:
    """How far a run has come; what JSON can say of a checkpoint.

    `epoch`, `batch` and `step` count what is done: epochs, batches of the running epoch, steps in all.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    samples: int = 0


@dataclass(frozen=True)
class FitResult:
    """What a training run came to.

    Attributes
    ----------
    epochs_run
        Epochs done, over all resumes.
    best_epoch, best_validation
        The epoch (from 1) and the score of the best validation; None without validation.
    history
        One dict a logged epoch: ``epoch``, ``step`` (both counts of what was done), the means of the losses
        over the epoch's samples, and ``validation`` with its companions where the epoch was validated.
    stopped_early
        Whether `patience` ran out.
    device
        Readable name of the device.
    seconds
        Seconds spent in the loop, over all resumes. Not repeatable: for runtime.json only.
    samples_per_second
        Training samples a second of these.
    """

    epochs_run: int
    best_epoch: int | None
    best_validation: float | None
    history: list[dict[str, Any]]
    stopped_early: bool
    device: str
    seconds: float
    samples_per_second: float
