"""What a checkpoint of the training loop holds, and how a run takes it up."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow_scripts.lib.errors import LatentomeError

from .seeds import generator, global_state, restore_global_state
from .settings import Position

if TYPE_CHECKING:
    from .loop import Loop

log = logging.getLogger("latentome")


def _facts(loop: Loop) -> dict[str, Any]:
    return {**loop.settings.fingerprint(), "n_samples": loop.objective.n_samples}


def state_of(loop: Loop) -> dict[str, Any]:
    """All that the rest of a run depends on; the same in every process that trains the model."""
    return {
        "facts": _facts(loop),
        "position": vars(loop.at),
        "meter": loop.meter.state(),
        "network": loop.network.state_dict(),
        "monitor": loop.monitor.state(),
        "optimizers": {name: value.state_dict() for name, value in loop.optimizers.items()},
        "precision": loop.fabric.strategy.precision.state_dict(),
        "objective": loop.objective.state(),
        "order": loop.order,
        "shuffle": loop.shuffle.get_state(),
        "noise": loop.noise.get_state(),
        "device": loop.device.type,
        "global": global_state(loop.device),
    }


def restore(loop: Loop, state: dict[str, Any], folder: Path) -> None:
    """Put a run where the one that wrote `state` was, whatever their numbers of processes.

    Raises
    ------
    LatentomeError
        If the checkpoint in `folder` belongs to a run with other settings, or to another network.
    """
    if state["facts"] != _facts(loop):
        raise LatentomeError(
            f"checkpoint folder {folder} belongs to a run with other settings; expected "
            f"{_facts(loop)}, found {state['facts']}; remove the folder to start anew"
        )
    loop.at, loop.order = Position(**state["position"]), state["order"]
    # First, so that whatever it sets or draws is overwritten by what the interrupted run had.
    if loop.order is not None:
        loop.objective.on_epoch(loop.at.epoch)
    try:
        loop.network.load_state_dict(state["network"])
        for name, optimizer in loop.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
    except (RuntimeError, KeyError, ValueError) as error:
        raise LatentomeError(
            f"checkpoint folder {folder} does not fit this network ({str(error).splitlines()[0]}); "
            "expected the same model; remove the folder to start anew"
        ) from error
    loop.monitor.load_state(state["monitor"])
    loop.meter.load_state(state["meter"])
    loop.fabric.strategy.precision.load_state_dict(state["precision"])
    loop.objective.load_state(state["objective"])
    loop.shuffle.set_state(state["shuffle"])
    if state["device"] == loop.device.type:
        loop.noise.set_state(state["noise"])
    else:
        log.warning("%s: resumed on another device; the result will differ in its digits", loop.label)
        loop.noise = generator(loop.device, loop.settings.seed, "noise", loop.at.step)
    restore_global_state(state["global"], loop.device)
    log.info("%s: resumed after epoch %d, step %d", loop.label, loop.at.epoch, loop.at.step)
