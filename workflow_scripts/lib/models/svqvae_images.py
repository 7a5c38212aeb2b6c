"""The S-VQ-VAE of the MNIST tutorial: convolutions around a codebook with one code a digit."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .svqvae import CodedNetwork

PIXELS = 28
CHANNELS, SIDE = 50, 8
"""Shape of a code: 50 channels of 8 x 8."""


class ImageSVQVAE(CodedNetwork):
    """Two convolutions and tanh, a codebook with a code a class, two transposed convolutions and tanh.

    Images have the shape [images x 1 x 28 x 28] and values from -1 to 1; z and codes are flat, 50 x 8 x 8 = 3,200.

    Parameters
    ----------
    classes
        Number of codes.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 20, 5, stride=2), nn.ReLU(), nn.Conv2d(20, CHANNELS, 5), nn.ReLU(), nn.Flatten(), nn.Tanh()
        )  # fmt: skip
        self.codebook = nn.Embedding(classes, CHANNELS * SIDE**2)
        self.decoder = nn.Sequential(
            nn.Unflatten(1, (CHANNELS, SIDE, SIDE)), nn.ConvTranspose2d(CHANNELS, 20, 3, stride=3), nn.ReLU(),
            nn.ConvTranspose2d(20, 1, 5), nn.Tanh(),
        )  # fmt: skip
        self.spread_codes()

    def encode(self, inputs: Tensor) -> Tensor:
        """z, shape [images x 3200], from 0 to 1: tanh of a ReLU."""
        return self.encoder(inputs)

    def decode(self, codes: Tensor) -> Tensor:
        """Images of codes, shape [codes x 1 x 28 x 28], within -1 and 1."""
        return self.decoder(codes)


def scaled(images: Tensor) -> Tensor:
    """Bytes [images x 28 x 28] as the network takes them: [images x 1 x 28 x 28], -1 for 0 and 1 for 255."""
    return (images.float() / 127.5 - 1.0)[:, None]


def class_means(images: Tensor, classes: Tensor, count: int) -> Tensor:
    """Mean image of each class, [count x 1 x 28 x 28]: the best that can be said of an image by its class alone."""
    chosen = nn.functional.one_hot(classes, count).to(images.dtype)
    sums = chosen.T @ images.flatten(1)
    return (sums / chosen.sum(0).clamp(min=1)[:, None]).reshape(count, *images.shape[1:])


def nearest_mean(images: Tensor, means: Tensor) -> Tensor:
    """Class whose mean image is the nearest in pixels, int64 [images]."""
    flat, centres = images.flatten(1), means.flatten(1)
    return ((centres**2).sum(1) - 2 * flat @ centres.T).argmin(dim=1)


@torch.no_grad()
def scores_beside_means(
    network: ImageSVQVAE, images: Tensor, classes: Tensor, means: Tensor, typical: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Nearest codes, and accuracy and squared error a pixel of them and of predictors without a network.

    Parameters
    ----------
    network
        Trained, on the CPU.
    images, classes
        Shape [images x 1 x 28 x 28], and int64.
    means, typical
        Mean image of each class and of all, of the training images.
    """
    nearest = torch.cat([network.nearest(part) for part in images.split(1000)])
    decoded, by_mean = network.decode(network.codebook.weight), nearest_mean(images, means)

    def error(pictures: Tensor, chosen: Tensor) -> float:
        parts = zip(images.split(1000), chosen.split(1000), strict=True)
        return sum(float(((pictures[c] - part) ** 2).double().sum()) for part, c in parts) / images.numel()

    count = len(means)
    found, true = (
        torch.bincount(values, minlength=count).double() / len(classes) for values in (nearest, classes)
    )
    return nearest, {
        "reconstruction_with_label": error(decoded, classes),
        "reconstruction_nearest": error(decoded, nearest),
        "accuracy": float((nearest == classes).double().mean()),
        # The mean over all permutations of the labels.
        "accuracy_permuted": float(found @ true),
        "accuracy_most_frequent": float(true.max()),
        "class_mean_with_label": error(means, classes),
        "class_mean_nearest": error(means, by_mean),
        "class_mean_accuracy": float((by_mean == classes).double().mean()),
        "mean_image": error(typical[None], torch.zeros_like(classes)),
        "images": len(classes),
    }
