"""What a person sees of a running training: a bar, log lines, a CSV and TensorBoard."""

from __future__ import annotations

import csv
import io
import logging
import sys
import time
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from workflow_scripts.lib.files import write_atomic

log = logging.getLogger("latentome")

LOG_SECONDS = 5.0
# Of epochs faster than this TensorBoard gets only some: it would cost a twentieth of a small model's time.
TENSORBOARD_SECONDS = 0.1
CSV_NAME = "training.csv"


class Progress:
    """Reports on one run; none of it is part of the result.

    Parameters
    ----------
    label
        The run's name in bar and log lines.
    epochs, samples
        Epochs, and training samples, of the whole run if it does not stop early.
    history
        The rows so far (shared with the loop, which appends); of a resumed run those up to its checkpoint.
    samples_done
        Samples behind a resumed run.
    log_dir
        Folder of ``training.csv`` and ``tensorboard/``; None for neither.
    tensorboard
        Whether TensorBoard files are written.
    """

    def __init__(
        self,
        label: str,
        epochs: int,
        samples: int,
        history: list[dict[str, Any]],
        samples_done: int,
        log_dir: Path | None,
        tensorboard: bool,
    ) -> None:
        self.label, self.epochs, self.samples = label, epochs, samples
        self.history = history
        self.at_start = samples_done
        self.started = self.said = time.monotonic()
        self.bar = tqdm(
            total=samples,
            initial=samples_done,
            desc=label,
            unit=" samples",
            unit_scale=True,
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
        )
        self.columns: list[str] = []
        self.csv = None if log_dir is None else log_dir / CSV_NAME
        self.handle: IO[str] | None = None
        self._rewrite_csv()
        self.writer = _tensorboard(log_dir, history) if log_dir is not None and tensorboard else None
        self.drawn, self.drawn_epoch = 0.0, history[-1]["epoch"] if history else 0

    def advance(self, epoch: int, samples_done: int, loss: float | None) -> None:
        """Move the bar and, every few seconds, log a line. `epoch` counts epochs done."""
        if not self.bar.disable:
            self.bar.update(samples_done - self.bar.n)
        now = time.monotonic()
        if now - self.said < LOG_SECONDS:
            return
        self.said = now
        rate = (samples_done - self.at_start) / (now - self.started)
        left = int((self.samples - samples_done) / rate) if rate else 0
        log.info(
            "%s: epoch %d/%d, loss %s, %.0f samples/s, at most %d:%02d:%02d left",
            self.label,
            min(epoch + 1, self.epochs),
            self.epochs,
            "-" if loss is None else f"{loss:.6g}",
            rate,
            left // 3600,
            left % 3600 // 60,
            left % 60,
        )

    def row(self) -> None:
        """Write the newest row of the history to the CSV and TensorBoard."""
        row = self.history[-1]
        if self.csv is not None:
            if row.keys() <= set(self.columns):
                if self.handle is None:
                    self.handle = self.csv.open("a", encoding="utf-8", newline="")
                self._csv_writer(self.handle).writerow(row)
                self.handle.flush()
            else:
                self._rewrite_csv()
        if time.monotonic() - self.drawn >= TENSORBOARD_SECONDS:
            self._draw(row)

    def close(self) -> None:
        """Finish the bar and the files."""
        self.bar.close()
        if self.handle is not None:
            self.handle.close()
        if self.writer is not None:
            if self.history and self.history[-1]["epoch"] > self.drawn_epoch:
                self._draw(self.history[-1])
            self.writer.close()

    def _draw(self, row: dict[str, Any]) -> None:
        if self.writer is None:
            return
        for name, value in row.items():
            if name not in ("epoch", "step"):
                self.writer.add_scalar(name, value, row["epoch"])
        self.drawn, self.drawn_epoch = time.monotonic(), row["epoch"]

    def _csv_writer(self, handle: Any) -> csv.DictWriter[str]:
        return csv.DictWriter(handle, self.columns, lineterminator="\n")

    def _rewrite_csv(self) -> None:
        # From the history on a resume, so that rows beyond the checkpoint or torn by a kill go; and when a
        # row brings a new column.
        if self.csv is None:
            return
        if self.handle is not None:
            self.handle.close()
            self.handle = None
        self.columns = list(dict.fromkeys(name for row in self.history for name in row))
        text = io.StringIO()
        writer = self._csv_writer(text)
        if self.columns:
            writer.writeheader()
        writer.writerows(self.history)
        write_atomic(self.csv, text.getvalue())


def _tensorboard(log_dir: Path, history: list[dict[str, Any]]) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        log.warning("tensorboard is not installed: no TensorBoard files (the CSV has the same numbers)")
        return None
    purge = history[-1]["epoch"] + 1 if history else 0
    return SummaryWriter(str(log_dir / "tensorboard"), purge_step=purge)
