"""Where a model computes, and how to make that computation repeatable."""

from __future__ import annotations

import logging
import os
import platform
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment

from workflow_scripts.lib.errors import LatentomeError

from .gpu_slots import claim_gpu

log = logging.getLogger("latentome")

# A data set may take at most this share of the free device memory; the rest is for activations.
DATA_SHARE = 0.5


def resolve_device(name: str) -> torch.device:
    """Return the device that the config key ``device`` means on this machine.

    Parameters
    ----------
    name
        ``"auto"`` (CUDA if there is one, else the CPU), ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    torch.device
        Its ``type`` is also the name of Fabric's accelerator.

    Raises
    ------
    LatentomeError
        If CUDA is asked for and missing, or the name is none of the three.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise LatentomeError(
            f"device: {name!r} is not known; expected auto, cpu or cuda; mend config key device"
        )
    if name == "cpu":
        return torch.device("cpu")
    if name == "auto" and not torch.cuda.is_available():
        if os.environ.get("CUDA_VISIBLE_DEVICES"):
            log.warning("this job was given a GPU, but torch cannot use it: computing on the CPU")
        return torch.device("cpu")
    if not torch.cuda.is_available():
        reason = (
            f"torch {torch.__version__} finds no NVIDIA GPU here"
            if torch.version.cuda
            else f"torch {torch.__version__} is built without CUDA"
        )
        raise LatentomeError(
            f"device: cuda was asked for, but {reason}; expected a visible GPU (check nvidia-smi and "
            "CUDA_VISIBLE_DEVICES) and a CUDA build of torch (TORCH_BACKEND=auto make figures), "
            "or set device: cpu"
        )
    return torch.device("cuda", _own_gpu())


def _own_gpu() -> int:
    """Index of the GPU that this process computes on: of several, one that no other training holds."""
    count = torch.cuda.device_count()
    if count > 1:
        torch.cuda.set_device(
            claim_gpu([str(torch.cuda.get_device_properties(i).uuid) for i in range(count)])
        )
    return torch.cuda.current_device()


def make_fabric(device: torch.device, precision: str) -> Any:
    """Return a `Fabric` of one process on `device`.

    Raises
    ------
    LatentomeError
        If the CPU is to compute in half precision with a loss scale, which it cannot.
    """
    if precision == "16-mixed" and device.type == "cpu":
        raise LatentomeError("precision: 16-mixed needs a GPU; expected bf16-mixed or 32-true on the CPU")
    return Fabric(
        accelerator=device.type,
        devices=1 if device.type == "cpu" else [device.index],
        precision=precision,  # type: ignore[arg-type]
        # Named, or Fabric would read SLURM's variables and refuse some allocations.
        plugins=[LightningEnvironment()],
    )


def device_name(device: torch.device) -> str:
    """Return a readable name of `device`, such as ``"NVIDIA H200"`` or ``"cpu (x86_64)"``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({platform.machine()})"


def set_determinism(threads: int) -> None:
    """Make this process compute the same bytes from the same inputs.

    Parameters
    ----------
    threads
        CPU threads of one operation. Sums depend on how they are split, so this number is part of
        the result: it comes from ``compute_threads``, never from the number of free cores.

    Raises
    ------
    LatentomeError
        If `threads` is below 1.
    """
    if threads < 1:
        raise LatentomeError(f"compute_threads: {threads} given; expected at least 1")
    # cuBLAS reads this when its first handle is made, which no call here has done yet.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # A few CUDA operations have no deterministic form: a warning in the log, not a lost run.
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling every fresh tensor guards only against reading memory nobody wrote, and costs time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def fits(n_bytes: int, device: torch.device) -> bool:
    """Return whether `n_bytes` of data may stay on `device` (always true of the CPU)."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return n_bytes <= DATA_SHARE * free
