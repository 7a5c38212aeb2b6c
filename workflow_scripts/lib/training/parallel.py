"""Several processes that train one model: each takes its share of every batch, and all make the same step.

One process a GPU, started by torchrun, which `relaunched` does for a script, or by a site's srun with torchrun's
variables set. A batch's gradient is the sum of the shares' gradients, so that the steps are those of one process at the
same batch size but for rounding. Not `DistributedDataParallel`: it waits for a gradient of every parameter, and where
several optimisers take turns most have none.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from workflow_scripts.lib.errors import LatentomeError

from .signals import EXIT_RERUN, SIGNALS

CHECKPOINT_SECONDS = 100
"""That torchrun leaves its processes to write a checkpoint; of the 120 that profiles/slurm leaves the job."""


@dataclass(frozen=True)
class Share:
    """One process among several.

    Attributes
    ----------
    rank
        Number of the process, from 0; the first alone writes files.
    processes
        How many there are.
    """

    rank: int = 0
    processes: int = 1

    @property
    def alone(self) -> bool:
        """Whether there is no other process."""
        return self.processes == 1

    def rows(self, total: int) -> slice:
        """Rows of a batch that are this process's: consecutive, and as many as the others' but for one."""
        return slice(total * self.rank // self.processes, total * (self.rank + 1) // self.processes)

    def sum_gradients(self, parameters: Sequence[Tensor], values: Tensor) -> Tensor:
        """Add up gradients, in place, and `values` over the processes, in one exchange.

        Parameters
        ----------
        parameters
            Tensors whose ``grad`` is of this process's rows; None counts as nothing, and stays None if it is so here
            alone, since which parameters a turn reaches is the same everywhere.
        values
            Further numbers, shape [any], float32 on the parameters' device.

        Returns
        -------
        Tensor
            The sums of `values`, same shape.
        """
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([*(g.reshape(-1).float() for g in gradients), values])
        dist.all_reduce(flat)
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()
        return flat[start:]

    def of_first(self, value: float) -> float:
        """The first process's `value`, so that all decide alike."""
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]


# Once the model is trained, the first process goes on alone.
_left = False


def rank() -> int:
    """Number of this process among those that train one model; 0 if it is alone."""
    return int(os.environ.get("RANK", "0")) if "WORLD_SIZE" in os.environ else 0


def gpus_of(resources: Mapping[str, Any]) -> int:
    """GPUs that a rule asks for by ``gpu``, or by ``gres`` as in gpu:2 and gpu:a100:2; 0 if none."""
    number = re.fullmatch(r"gpu(?::[^:]+)?:(\d+)", str(resources.get("gres") or ""))
    return int(resources.get("gpu") or (number.group(1) if number else 0))


def join(device: torch.device) -> Share:
    """Meet the other processes that torchrun started, or be alone.

    Raises
    ------
    LatentomeError
        If the others cannot be reached.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1 or _left:
        return Share()
    if not dist.is_initialized():
        try:
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        except (ValueError, RuntimeError) as error:
            raise LatentomeError(
                f"{processes} processes were to train together, but they do not meet ({error}); expected torchrun's "
                "variables RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT; start the job anew, or ask for one GPU"
            ) from None
    return Share(dist.get_rank(), processes)


def leave(share: Share) -> None:
    """End all processes but the first, which goes on alone; called once the model is trained.

    Raises
    ------
    SystemExit
        With status 0 in every process but the first.
    """
    global _left
    if share.alone:
        return
    dist.barrier()
    dist.destroy_process_group()
    _left = True
    if share.rank:
        raise SystemExit(0)


def relaunched(processes: int) -> bool:
    """Run the running script in several processes, if it is not one of them already, and wait for their end.

    Parameters
    ----------
    processes
        How many; the GPUs that the job asked for.

    Returns
    -------
    bool
        True in the process that has waited and has nothing more to do; False in one that has to train.

    Raises
    ------
    SystemExit
        With 75 after SIGTERM or SIGUSR1 (see `signals`), else with torchrun's status if it is not 0.
    """
    if processes < 2 or "WORLD_SIZE" in os.environ:
        return False
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    start += ["--signals-to-handle", "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"]
    start += ["--shutdown-timeout", f"{CHECKPOINT_SECONDS}"]
    running = subprocess.Popen([*start, *sys.argv], env={**os.environ, "OMP_NUM_THREADS": "1"})

    asked = False

    def hand_on(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        # torchrun hands on the signal, and waits for the checkpoint.
        with suppress(ProcessLookupError):
            running.terminate()

    before = {number: signal.signal(number, hand_on) for number in SIGNALS}
    try:
        code = running.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
    if code:
        raise SystemExit(EXIT_RERUN if asked else code)
    return True
