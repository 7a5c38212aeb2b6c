"""The published L1000 models' files (Xue, Ding & Lu 2020), and their tensors by our networks' names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from workflow_scripts.lib.errors import LatentomeError

from .legacy_weights import read_legacy_weights

VAES = ("SMP", "GP", "SMGP")
SVQVAE_PARTS = {
    "S_VQ_VAE_encode.pth": "encoder",
    "S_VQ_VAE_embedding.pth": "codebook",
    "S_VQ_VAE_decode.pth": "decoder",
}
VAE_PARTS = {"encode": "encoder", "mu": "mu", "logvar": "logvar", "decode": "decoder"}
SVQVAE_SHAPES = {
    "encoder.0.weight": (1000, 978), "encoder.0.bias": (1000,), "codebook.weight": (75, 1000),
    "decoder.0.weight": (978, 1000), "decoder.0.bias": (978,),
}  # fmt: skip
VAE_SHAPES = {
    "encoder.0.weight": (1000, 978), "encoder.0.bias": (1000,), "encoder.2.weight": (1000, 1000),
    "encoder.2.bias": (1000,), "mu.weight": (100, 1000), "mu.bias": (100,), "logvar.weight": (100, 1000),
    "logvar.bias": (100,), "decoder.0.weight": (1000, 100), "decoder.0.bias": (1000,),
    "decoder.2.weight": (1000, 1000), "decoder.2.bias": (1000,), "decoder.4.weight": (978, 1000),
    "decoder.4.bias": (978,),
}  # fmt: skip


def _read(files: dict[Path, str], shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    state = {}
    for path, part in files.items():
        for name, value in read_legacy_weights(path).items():
            full = f"{part}.{name}"
            if shapes.get(full) != value.shape:
                raise LatentomeError(
                    f"{path}: {name} is {value.shape}; expected {shapes.get(full, 'no such tensor')}: is it another "
                    "model's file?"
                )
            state[full] = value
    return state


def read_svqvae(folder: str | Path) -> dict[str, np.ndarray]:
    """State of the published S-VQ-VAE, by the names and in the shapes of `models.svqvae.SVQVAE`; checked.

    Raises
    ------
    LatentomeError
        If a file is missing or holds another model.
    """
    folder = Path(folder)
    missing = [name for name in SVQVAE_PARTS if not (folder / name).exists()]
    if missing:
        raise LatentomeError(
            f"{folder}: lacks {', '.join(missing)}; expected the published S-VQ-VAE's three files"
        )
    return _read({folder / name: part for name, part in SVQVAE_PARTS.items()}, SVQVAE_SHAPES)


def read_vae(folder: str | Path, name: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """State of a published VAE as far as its files are there, and the parts that are not.

    Parameters
    ----------
    folder
        With ``VAE_<part>_<name>.pth``.
    name
        One of `VAES`.

    Returns
    -------
    state
        By the names and of the shapes of `models.vae.PublishedVAE`; the shape is checked.
    missing
        Of ``encoder``, ``mu``, ``logvar``, ``decoder``.
    """
    folder = Path(folder)
    files = {folder / f"VAE_{stem}_{name}.pth": part for stem, part in VAE_PARTS.items()}
    present = {path: part for path, part in files.items() if path.exists()}
    return _read(present, VAE_SHAPES), [part for path, part in files.items() if path not in present]
