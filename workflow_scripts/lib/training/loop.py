"""The one training loop, on Lightning Fabric."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.latent import rows_of_batch

from . import checkpoint
from .device import device_name, make_fabric, resolve_device, set_determinism
from .loop_state import restore, state_of
from .meter import LossMeter, check_finite
from .monitor import Monitor
from .objective import Objective
from .parallel import join, leave
from .progress import Progress
from .seeds import generator
from .settings import FitResult, Position, TrainingSettings
from .signals import EXIT_RERUN, RERUN, StopRequest, stop_requests

log = logging.getLogger("latentome")

# Losses stay on a GPU for this many turns before they are read: reading one waits for the device.
READ_EVERY = 64


def fit(
    objective: Objective,
    settings: TrainingSettings,
    *,
    checkpoint_dir: Path | None = None,
    log_dir: Path | None = None,
    label: str = "training",
) -> FitResult:
    """Train the network of `objective`; on return it has its final weights and is in evaluation mode.

    The same objective, settings, torch and device type give the same bytes, whether or not the run was killed
    and resumed on its way. Nothing is drawn from the global random number generators but by the objective.

    Parameters
    ----------
    objective
        The model's side, its network initialised.
    settings
        The loop's side.
    checkpoint_dir
        Folder of this run's checkpoints, held under `checkpoint.lock` by the caller, who also discards it
        once the outputs are written. A run found there is resumed, a finished one only read.
        None: no checkpoints, and SIGTERM ends the process at once.
    log_dir
        Folder of ``training.csv`` and ``tensorboard/``; None for neither.
    label
        The run's name in progress and errors.

    Returns
    -------
    FitResult

    Raises
    ------
    LatentomeError
        If a loss or the validation is not finite, CUDA is asked for and missing, `patience` is set but the
        objective does not validate, or the checkpoint belongs to another run.
    SystemExit
        With status 75 after SIGTERM or SIGUSR1, the checkpoint written: run again to go on. With status 0 in all
        but the first of several processes that train together (see `parallel`), once the model is trained.
    """
    loop = Loop(objective, settings, checkpoint_dir, label)
    with stop_requests(active=checkpoint_dir is not None) as request:
        return loop.run(request, log_dir)


class _Step(nn.Module):
    """The losses as a forward pass, so that precision (and DDP) reach whatever methods they call."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.network = objective.network
        self.losses = objective.losses

    def forward(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        return self.losses(turn, index, rng)


class Loop:
    """One run of `fit`: the network, its optimisers, and how far they have come."""

    def __init__(
        self, objective: Objective, settings: TrainingSettings, folder: Path | None, label: str
    ) -> None:
        self.objective, self.settings, self.folder, self.label = objective, settings, folder, label
        self.network = objective.network
        if objective.n_samples < 1:
            raise LatentomeError(f"{label}: no samples to train on; expected at least 1; check the split")
        self.device = resolve_device(settings.device)
        set_determinism(settings.compute_threads)
        self.share = join(self.device)
        if not self.share.alone and not objective.shares_batches:
            raise LatentomeError(
                f"{label}: {self.share.processes} processes were started, but this model trains in one; ask for one "
                "GPU (--set-resources RULE:gpu=1)"
            )
        self.fabric = make_fabric(self.device, settings.precision)
        self.forward = self.fabric.setup_module(_Step(objective))
        objective.to(self.device)
        self.optimizers = objective.optimizers()
        self.steppers: dict[str, Any] = {
            name: self.fabric.setup_optimizers(value) for name, value in self.optimizers.items()
        }
        self.several = len(self.optimizers) > 1
        self.shuffle = generator(torch.device("cpu"), settings.seed, "shuffle")
        self.noise = generator(self.device, settings.seed, "noise")
        self.at = Position()
        self.order: Tensor | None = None
        self.all = torch.arange(objective.n_samples, device=self.device)
        self.monitor = Monitor(settings.patience, settings.min_delta, settings.keep_best)
        self.meter = LossMeter(label, self.several, 1 if self.device.type == "cpu" else READ_EVERY)
        self.targets: dict[str, list[Tensor]] = {}
        self.agreed: str | None = None

    def run(self, request: StopRequest, log_dir: Path | None) -> FitResult:
        """Train to the end, see `fit`."""
        at, settings = self.at, self.settings
        self.network.train()
        if self.folder is not None and (found := checkpoint.load(self.folder)) is not None:
            restore(self, found, self.folder)
            at = self.at
        self.saved = self.clock = time.monotonic()
        self.saved_epoch = at.epoch
        total = settings.epochs * self.objective.n_samples
        progress = Progress(
            self.label, settings.epochs, total, at.history, at.samples,
            log_dir if self.share.rank == 0 else None, settings.tensorboard,
        )  # fmt: skip
        log.info("%s: training on %s", self.label, device_name(self.device))
        try:
            while at.epoch < settings.epochs and not self.monitor.stopped:
                self._epoch(request, progress)
        finally:
            progress.close()
        self._save_if_due(request, finished=True)
        leave(self.share)
        if self.monitor.weights:
            self.network.load_state_dict(self.monitor.weights)
        self.network.eval()
        self.network.zero_grad(set_to_none=True)
        self._tick()
        return FitResult(
            epochs_run=at.epoch,
            best_epoch=self.monitor.best_epoch,
            best_validation=self.monitor.best,
            history=at.history,
            stopped_early=self.monitor.stopped,
            device=device_name(self.device),
            seconds=at.seconds,
            samples_per_second=at.samples / at.seconds if at.seconds else 0.0,
        )

    def _epoch(self, request: StopRequest, progress: Progress) -> None:
        at, settings = self.at, self.settings
        if self.order is None:
            self.objective.on_epoch(at.epoch)
            self.order = self.all if settings.batch_size is None else self.objective.order(self.shuffle)
        for name, optimizer in self.optimizers.items():
            parameters = (p for group in optimizer.param_groups for p in group["params"])
            self.targets[name] = [p for p in parameters if p.requires_grad]
        size = settings.batch_size or len(self.order)
        batches = self.order.to(self.device).split(size)
        if settings.drop_last and len(batches) > 1 and len(batches[-1]) < size:
            batches = batches[:-1]
        for index in batches[at.batch :]:
            self._step(index, request)
            at.batch += 1
            at.step += 1
            at.samples += len(index)
            progress.advance(at.epoch, at.samples, self.meter.last)
            self._save_if_due(request)
        self._end_epoch(progress)
        self._save_if_due(request)

    def _step(self, index: Tensor, request: StopRequest) -> None:
        turns = self.objective.turns(self.at.step)
        for turn in self.optimizers if turns is None else turns:
            self.optimizers[turn].zero_grad(set_to_none=True)
            # One player's turn leaves no gradient on another's weights.
            inputs = {"inputs": self.targets[turn]} if self.several else {}
            if self.share.alone:
                losses = self.forward(turn, index, self.noise)
                self.fabric.backward(losses["loss"], **inputs)
            else:
                losses = self._shared_backward(turn, index, request, inputs)
            self.meter.add(self.at.epoch + 1, self.at.step + 1, turn, len(index), losses)
            if self.settings.gradient_clip is not None:
                self.fabric.clip_gradients(
                    self.forward,
                    self.steppers[turn],
                    max_norm=self.settings.gradient_clip,
                    error_if_nonfinite=False,
                )
            self.steppers[turn].step()

    def _shared_backward(
        self, turn: str, index: Tensor, request: StopRequest, inputs: dict[str, Any]
    ) -> dict[str, Tensor]:
        """Leave the whole batch's gradients in every process, and agree on whether one was asked to stop."""
        rows = self.share.rows(len(index))
        part, weight = index[rows], (rows.stop - rows.start) / len(index)
        if len(index) < self.share.processes:
            # Too few to share out: all compute the same.
            losses, weight = self.forward(turn, index, self.noise), 1 / self.share.processes
        else:
            with rows_of_batch(rows.start, len(index)):
                losses = self.forward(turn, part, self.noise)
        self.fabric.backward(losses["loss"] * weight, **inputs)
        stop = torch.tensor(float(request.name is not None), device=self.device)
        values = torch.stack([stop, *(weight * value.detach().float() for value in losses.values())])
        stop, *sums = self.share.sum_gradients(self.targets[turn], values)
        if stop > 0:
            self.agreed = request.name or "a signal to another process"
        return dict(zip(losses, sums, strict=True))

    def _end_epoch(self, progress: Progress) -> None:
        at, settings = self.at, self.settings
        row: dict[str, Any] = {"epoch": at.epoch + 1, "step": at.step, **self.meter.means()}
        last = at.epoch + 1 == settings.epochs
        scores = None
        if last or (at.epoch + 1) % settings.validate_every == 0:
            scores = self._validate()
            row.update(scores or {})
        at.epoch, at.batch, self.order = at.epoch + 1, 0, None
        if last or scores or at.epoch % settings.log_every == 0:
            at.history.append(row)
            progress.row()

    def _validate(self) -> dict[str, float] | None:
        at, settings = self.at, self.settings
        scores = None
        if type(self.objective).validate is not Objective.validate:
            self.network.eval()
            with torch.no_grad():
                scores = self.objective.validate(generator(self.device, settings.seed, "validation"))
            self.network.train()
        if scores is None:
            if settings.patience is not None:
                raise LatentomeError(
                    f"{self.label}: patience is {settings.patience}, but this model has no validation; "
                    "expected patience null, or a validation split"
                )
            return None
        score = float(scores["validation"])
        if not self.share.alone:
            score = self.share.of_first(score)
        check_finite(self.label, "validation", score, at.epoch + 1, at.step)
        self.monitor.note(score, at.epoch + 1, self.network)
        others = {
            f"validation/{name}": float(value) for name, value in scores.items() if name != "validation"
        }
        return {"validation": score, **others}

    def _tick(self) -> None:
        now = time.monotonic()
        self.at.seconds += now - self.clock
        self.clock = now

    def _save_if_due(self, request: StopRequest, finished: bool = False) -> None:
        if self.folder is None:
            return
        at, settings = self.at, self.settings
        epochs, seconds = settings.checkpoint_every_epochs, settings.checkpoint_every_seconds
        due = epochs is not None and at.batch == 0 and at.epoch - self.saved_epoch >= epochs
        due = due or (seconds is not None and time.monotonic() - self.saved >= seconds)
        # A signal that came since the last step is not known to the other processes yet.
        asked = request.name if self.share.alone else self.agreed
        if (due or finished or asked) and self.share.rank == 0:
            self._tick()
            checkpoint.save(self.folder, state_of(self))
            self.saved, self.saved_epoch = time.monotonic(), at.epoch
        if asked:
            log.warning("%s: %s received; %s", self.label, asked, RERUN)
            raise SystemExit(EXIT_RERUN)
