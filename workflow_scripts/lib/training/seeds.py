"""Seeds and the states of random number generators.

The training loop draws from generators of its own, seeded by `derive_seed`. The global generators belong to
the models: one that is run as published draws from them in the order its authors' code did.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from workflow_scripts.lib.seeds import derive_seed


def seed_all(seed: int) -> None:
    """Seed the global generators of Python, NumPy and torch (all devices)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.manual_seed(seed)


def generator(device: torch.device, seed: int, *names: object) -> torch.Generator:
    """Return a generator on `device` seeded by `derive_seed`; no global generator is touched."""
    return torch.Generator(device=device).manual_seed(derive_seed(seed, *names))


def global_state(device: torch.device) -> dict[str, Any]:
    """Return the states of the global generators, as plain values and tensors."""
    numpy_state: Any = np.random.get_state(legacy=False)  # noqa: NPY002
    return {
        "python": random.getstate(),
        "numpy": {
            **numpy_state,
            "state": {**numpy_state["state"], "key": numpy_state["state"]["key"].tolist()},
        },
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }


def restore_global_state(state: dict[str, Any], device: torch.device) -> None:
    """Put the global generators back to what `global_state` saw."""
    random.setstate(state["python"])
    numpy_state = state["numpy"]
    key = np.array(numpy_state["state"]["key"], dtype=np.uint32)
    np.random.set_state({**numpy_state, "state": {**numpy_state["state"], "key": key}})  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if device.type == "cuda" and state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"], device)
