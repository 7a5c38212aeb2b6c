"""Noisy MNIST: a rotated digit, paired with another image of that digit under noise (Wang et al., ICML 2015)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.seeds import derive_seed

ANGLE = np.pi / 4
"""View 1 is rotated by up to this, either way, radians."""
TRAINING = 50_000
"""Of MNIST's 60,000 training images; the other 10,000 are for validation."""
BLOCK = 10_000


@dataclass(frozen=True)
class ImagePairs:
    """One split of Noisy MNIST.

    Attributes
    ----------
    x
        View 1, uint8 [pairs x 28 x 28].
    y
        View 2, uint8 [pairs x 28 x 28].
    digit
        uint8 [pairs].
    angle
        Of view 1, radians, float32 [pairs].
    source
        Image that view 2 was made of, by its row in the split, int32 [pairs].
    """

    x: np.ndarray
    y: np.ndarray
    digit: np.ndarray
    angle: np.ndarray
    source: np.ndarray


def split_images(images: np.ndarray, labels: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Training and validation part of a training file: the first five sixths and the rest (50,000 and 10,000).

    Images [n x 28 x 28] and labels [n] of each.
    """
    stop = len(images) * TRAINING // 60_000
    return {"train": (images[:stop], labels[:stop]), "valid": (images[stop:], labels[stop:])}


def noisy_pairs(images: np.ndarray, labels: np.ndarray, seed: int, split: str) -> ImagePairs:
    """Build one split: every image rotated, and a random one of the same digit with uniform noise added.

    The partner comes from the same split, with replacement, so that no test image is seen in training. Images are kept
    as bytes, to 1/255.

    Parameters
    ----------
    images
        uint8 [images x 28 x 28].
    labels
        Digits, [images].
    seed
        Of angles, partners and noise.
    split
        Name that the draws belong to.

    Raises
    ------
    LatentomeError
        If images and labels differ in number, or there are none.
    """
    if len(images) != len(labels) or len(images) == 0:
        raise LatentomeError(
            f"Noisy MNIST, {split}: {len(images)} images and {len(labels)} labels; "
            "expected as many of both; fetch both files again"
        )
    rng = np.random.default_rng(derive_seed(seed, "noisy_mnist", split))
    angle = rng.uniform(-ANGLE, ANGLE, len(images)).astype(np.float32)
    source = np.empty(len(images), dtype=np.int32)
    for digit in np.unique(labels):
        places = np.flatnonzero(labels == digit)
        source[places] = rng.choice(places, len(places))
    x, y = np.empty_like(images), np.empty_like(images)
    for start in range(0, len(images), BLOCK):
        part = slice(start, start + BLOCK)
        x[part] = _rotated(images[part], angle[part])
        noise = rng.random(images[part].shape, dtype=np.float32)
        y[part] = np.rint(np.minimum(images[source[part]] / np.float32(255) + noise, 1) * 255)
    return ImagePairs(x, y, labels.astype(np.uint8), angle, source)


def _rotated(images: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Turn images about their centre, bilinear, nothing outside the frame; uint8, same shape."""
    count, height, width = images.shape
    rows, columns = np.meshgrid(
        np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij"
    )
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    from_row = cos * rows + sin * columns + (height - 1) / 2
    from_column = cos * columns - sin * rows + (width - 1) / 2
    which = np.broadcast_to(np.arange(count)[:, None, None], from_row.shape)
    found = ndimage.map_coordinates(
        images.astype(np.float32), [which, from_row, from_column], order=1, mode="constant", prefilter=False
    )
    return np.rint(found).clip(0, 255).astype(np.uint8)
