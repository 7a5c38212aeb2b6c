"""Simulated handwritten digits, for a demo without MNIST: strokes of random shape, slant, width and place."""

from __future__ import annotations

import gzip

import numpy as np

SIDE = 28
STROKES: dict[int, list[list[tuple[float, float]]]] = {
    0: [[(0.5, 0.1), (0.25, 0.3), (0.25, 0.7), (0.5, 0.9), (0.75, 0.7), (0.75, 0.3), (0.5, 0.1)]],
    1: [[(0.35, 0.25), (0.55, 0.1), (0.55, 0.9)]],
    2: [[(0.25, 0.25), (0.5, 0.1), (0.75, 0.3), (0.25, 0.9), (0.78, 0.9)]],
    3: [[(0.25, 0.15), (0.7, 0.15), (0.45, 0.45), (0.75, 0.68), (0.5, 0.9), (0.25, 0.8)]],
    4: [[(0.6, 0.1), (0.22, 0.6), (0.8, 0.6)], [(0.65, 0.35), (0.65, 0.9)]],
    5: [[(0.75, 0.1), (0.3, 0.1), (0.28, 0.45), (0.6, 0.42), (0.75, 0.68), (0.5, 0.9), (0.25, 0.82)]],
    6: [[(0.65, 0.1), (0.3, 0.5), (0.3, 0.8), (0.55, 0.9), (0.72, 0.7), (0.55, 0.52), (0.3, 0.65)]],
    7: [[(0.22, 0.12), (0.78, 0.12), (0.45, 0.9)]],
    8: [[(0.5, 0.48), (0.28, 0.3), (0.5, 0.1), (0.72, 0.3), (0.5, 0.48), (0.25, 0.7), (0.5, 0.9), (0.75, 0.7),
         (0.5, 0.48)]],
    9: [[(0.7, 0.35), (0.45, 0.48), (0.3, 0.3), (0.5, 0.1), (0.7, 0.3), (0.65, 0.9)]],
}  # fmt: skip
"""Points (x, y) of each digit's strokes in the unit square, y downwards."""
JITTER, WIDTH, EDGE = 0.035, (0.035, 0.065), 0.04


def simulate_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw digits.

    Every point of a digit's strokes moves by N(0, 0.035); the whole is scaled (0.8 to 1.1), slanted (shear -0.3 to 0.3)
    and shifted (up to 0.06); strokes are 0.07 to 0.13 of the side wide, with soft edges.

    Parameters
    ----------
    count
        Images.
    seed
        Of all draws.

    Returns
    -------
    images, digits
        uint8 [images x 28 x 28] and [images]; each digit about a tenth.
    """
    rng = np.random.default_rng(seed)
    digits = rng.integers(0, 10, count).astype(np.uint8)
    centres = (np.arange(SIDE) + 0.5) / SIDE
    x, y = np.meshgrid(centres, centres)
    images = np.empty((count, SIDE, SIDE), dtype=np.uint8)
    for image, digit in zip(images, digits, strict=True):
        scale, shear = rng.uniform(0.8, 1.1), rng.uniform(-0.3, 0.3)
        shift, width = rng.uniform(-0.06, 0.06, 2), rng.uniform(*WIDTH)
        nearest = np.full((SIDE, SIDE), np.inf)
        for stroke in STROKES[int(digit)]:
            points = np.array(stroke) - 0.5 + rng.normal(0, JITTER, (len(stroke), 2))
            points = scale * (points + np.stack([-shear * points[:, 1], np.zeros(len(points))], axis=1))
            points += 0.5 + shift
            for start, stop in zip(points[:-1], points[1:], strict=True):
                np.minimum(nearest, _distance(x, y, start, stop), out=nearest)
        image[:] = np.rint(255 * np.clip(1 - (nearest - width) / EDGE, 0, 1))
    return images, digits


def _distance(x: np.ndarray, y: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Distance of every pixel from a segment."""
    along = stop - start
    place = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / max(float(along @ along), 1e-12)
    place = np.clip(place, 0, 1)
    return np.hypot(x - start[0] - place * along[0], y - start[1] - place * along[1])


def idx_bytes(values: np.ndarray) -> bytes:
    """Return an IDX file of unsigned bytes of any shape, gzipped without a date."""
    head = bytes([0, 0, 8, values.ndim]) + b"".join(int(size).to_bytes(4, "big") for size in values.shape)
    return gzip.compress(head + np.ascontiguousarray(values, dtype=np.uint8).tobytes(), mtime=0)
