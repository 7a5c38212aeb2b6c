"""How scVI is trained here: alone, on the job's own device, leaving nothing behind."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch


def trainer_settings(device: torch.device) -> dict[str, Any]:
    """Arguments of `train` of a model of scvi-tools, handed on to Lightning's Trainer.

    Under SLURM, Lightning would of itself write a checkpoint on SIGUSR1 into a folder that all trainings share,
    requeue the job, and go on from whatever checkpoint lies there: another seed's.

    Parameters
    ----------
    device
        As `resolve_device` returns it: with its number, if it is a GPU.
    """
    from lightning.pytorch.plugins.environments import LightningEnvironment

    return {
        "accelerator": device.type,
        "devices": 1 if device.type == "cpu" else [device.index or 0],
        "plugins": [LightningEnvironment()],
        # A folder that nobody makes: one that is there is searched for checkpoints, whatever the environment.
        "default_root_dir": str(Path(tempfile.gettempdir()) / f"scvi_{uuid4()}"),
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "logger": False,
    }
