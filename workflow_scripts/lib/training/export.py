"""How a trained model leaves a job: weights, model card, metrics and runtime, as bytes that do not change.

``model.safetensors`` holds the weights and ``model.json``, the model card, all that is needed to use them.
The card carries the SHA-256 of the weights, so that those of different runs are never taken together.
"""

from __future__ import annotations

import hashlib
import json
import platform
import resource
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import to_json, write_atomic, write_json

FORMAT_VERSION = 1
WEIGHTS = "model.safetensors"
CARD = "model.json"
PACKAGES = ("latentome", "torch", "lightning-fabric", "numpy", "safetensors")


def save_model(folder: str | Path, network_state: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write ``model.safetensors`` and ``model.json`` into `folder`.

    Parameters
    ----------
    folder
        Made if missing.
    network_state
        The network's ``state_dict``, tensors of any shape on any device.
    card
        Architecture, hyper-parameters, feature names or their digest (`names_digest`), data digest, seed:
        JSON values, without dates or paths. Added are ``format_version``, ``weights_sha256``, ``versions``.

    Raises
    ------
    LatentomeError
        If a value of the card is not JSON, or infinite.
    """
    folder = Path(folder)
    # Copies, for tied weights share memory and safetensors refuses that.
    tensors = {
        name: value.detach().to("cpu", copy=True).contiguous() for name, value in network_state.items()
    }
    data = safetensors.torch.save(tensors)
    full = {
        "versions": versions(),
        **card,
        "format_version": FORMAT_VERSION,
        "weights_sha256": hashlib.sha256(data).hexdigest(),
    }
    text = to_json(full, CARD)
    write_atomic(folder / WEIGHTS, data)
    write_atomic(folder / CARD, text)


def load_model(
    folder: str | Path, expect: Mapping[str, Any] | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the weights and the card that `save_model` wrote.

    Parameters
    ----------
    folder
        Holds ``model.safetensors`` and ``model.json``.
    expect
        Entries the card must have, such as the digest of the feature names of the data at hand.

    Returns
    -------
    state, card
        Tensors on the CPU by name, in the shape they were saved in; the card with all its entries.

    Raises
    ------
    LatentomeError
        If a file is missing or damaged, the card has an unknown format version, belongs to other weights, or
        differs from `expect`.
    """
    folder = Path(folder)
    for name in (WEIGHTS, CARD):
        if not (folder / name).is_file():
            raise LatentomeError(
                f"{folder / name} is missing; expected {WEIGHTS} and {CARD} side by side; train the model, "
                "or mend config key pretrained"
            )
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LatentomeError(
            f"{path} is not JSON ({error}); expected a model card; train the model anew"
        ) from None
    found = card.get("format_version") if isinstance(card, dict) else None
    if found != FORMAT_VERSION:
        raise LatentomeError(
            f"{path} has format_version {found!r}; expected {FORMAT_VERSION}; train the model anew, or use "
            "the release of Latentome that wrote it"
        )
    data = (folder / WEIGHTS).read_bytes()
    if hashlib.sha256(data).hexdigest() != card.get("weights_sha256"):
        raise LatentomeError(
            f"{folder / WEIGHTS} is not the file that {path} describes (SHA-256 differs); expected both of "
            "one run; copy or train both anew"
        )
    for key, value in (expect or {}).items():
        if card.get(key) != json.loads(to_json(value, key)):
            raise LatentomeError(
                f"{path}: {key} is {_short(card.get(key))}; expected {_short(value)}; use a model trained on "
                "this data, or data prepared as the model's was"
            )
    return safetensors.torch.load(data), card


def write_runtime(
    path: str | Path, device: str, seconds: float, samples_per_second: float | None = None, **more: Any
) -> None:
    """Write ``runtime.json``: what a run cost. Not repeatable, so nothing else reads it.

    Parameters
    ----------
    path
        The file.
    device
        Readable name of the device.
    seconds
        Wall-clock seconds.
    samples_per_second
        Training samples a second, if anything was trained.
    **more
        Further entries.
    """
    gpu = torch.cuda.max_memory_allocated() if torch.cuda.is_initialized() else None
    content = {
        "device": device,
        "seconds": seconds,
        "samples_per_second": samples_per_second,
        # Linux counts in KiB.
        "peak_host_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "peak_gpu_bytes": gpu,
    }
    write_json(path, {**content, **more})


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Return the versions of Python and of those `packages` that are installed."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def names_digest(names: Iterable[str]) -> str:
    """Return a SHA-256 of `names` and their order, such as the genes a model was trained on."""
    return hashlib.sha256(json.dumps(list(names)).encode()).hexdigest()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
