"""Noisy MNIST on disk: one safetensors file of all splits, the same bytes from the same images and seed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import write_atomic

from .idx import read_idx
from .noisy_mnist import ImagePairs

SPLITS = ("train", "valid", "test")
SIDE = 28
TOLERANCE = 0.003


def read_digits(paths: tuple[str, str] | list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Images [n x 28 x 28] and digits [n], uint8, of an IDX file each.

    Raises
    ------
    LatentomeError
        If they are no images of 28 x 28, or not as many labels below 10.
    """
    images, digits = (read_idx(path) for path in paths)
    if images.shape[1:] != (SIDE, SIDE) or digits.shape != images.shape[:1] or digits.max(initial=0) > 9:
        raise LatentomeError(
            f"{paths[0]} holds {images.shape} values and {paths[1]} {digits.shape}; expected n x 28 x 28 and n "
            "digits below 10; give images first and labels second"
        )
    return images, digits


def write_pairs(path: str | Path, splits: Mapping[str, ImagePairs], seed: int) -> None:
    """Write all splits and their seed into one file, whole or not at all."""
    arrays = {
        f"{split}_{name}": np.ascontiguousarray(values)
        for split, pairs in splits.items()
        for name, values in vars(pairs).items()
    }
    write_atomic(path, save(arrays, {"seed": str(seed)}))


def read_pairs(path: str | Path) -> dict[str, ImagePairs]:
    """Read what `write_pairs` wrote.

    Raises
    ------
    LatentomeError
        If the file is damaged or of another kind.
    """
    try:
        arrays = load_file(path)
        return {
            split: ImagePairs(**{name: arrays[f"{split}_{name}"] for name in ImagePairs.__dataclass_fields__})
            for split in SPLITS
        }
    except (SafetensorError, KeyError, OSError) as error:
        raise LatentomeError(
            f"{path}: no image pairs ({error}); expected the file of rule build_image_pairs; delete it and run again"
        ) from None


def statistics(splits: Mapping[str, ImagePairs], images: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Facts of each split by which a rebuilt set is known: means, spread and saturation of the views.

    Parameters
    ----------
    splits
        Pairs.
    images
        What they were made of, by split, uint8, shape [images x 28 x 28].

    Returns
    -------
    pandas.DataFrame
        split, pairs, mean_x, mean_y, sd_y, saturated_y (share of pixels at 1), digits_agree (share of pairs whose y is
        some image of this split with x's digit, plus what is not below 0), largest_angle (radians).
    """
    rows = []
    for split, pairs in splits.items():
        y = pairs.y.astype(np.float32) / 255
        # rounding to bytes may take 1
        same = (pairs.y + 1.0 >= images[split][pairs.source]).all(axis=(1, 2))
        rows.append({
            "split": split, "pairs": len(pairs.x), "mean_x": float(pairs.x.mean(dtype=np.float64)) / 255,
            "mean_y": float(y.mean(dtype=np.float64)), "sd_y": float(y.std(dtype=np.float64)),
            "saturated_y": float((pairs.y == 255).mean()),
            "digits_agree": float((same & (pairs.digit[pairs.source] == pairs.digit)).mean()),
            "largest_angle": float(np.abs(pairs.angle).max()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def check_statistics(facts: pd.DataFrame, expected: Mapping[str, float], where: str) -> None:
    """Refuse a set whose views are not as they are known to be.

    Parameters
    ----------
    facts
        From `statistics`.
    expected
        Value of some of its columns in the training split.
    where
        Name of the dataset.

    Raises
    ------
    LatentomeError
        If a value is more than 0.003 off, or a pair's digits differ.
    """
    train = facts.set_index("split").loc["train"]
    for name, value in expected.items():
        if abs(train[name] - value) > TOLERANCE:
            raise LatentomeError(
                f"{where}: {name} of the training pairs is {train[name]:.4f}; expected {value} within {TOLERANCE}; "
                "these are other images: fetch them again, or change the dataset's key statistics"
            )
    if (facts["digits_agree"] < 1).any():
        raise LatentomeError(
            f"{where}: some y is no image of x's digit; expected one of the same split; report this"
        )
