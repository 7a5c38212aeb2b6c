"""Encoder, decoder and classifier of 28 x 28 images, as published with BiAAE (Shayakhmetov et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

PIXELS = 28
FEATURES = 64
"""Width of what the convolutions make of an image: 16 channels of 2 x 2."""


class ImageEncoder(nn.Module):
    """Two convolutions, then two hidden layers or none.

    Takes images [images x 1 x 28 x 28] of values 0 to 1 and gives [images x outputs].

    Parameters
    ----------
    outputs
        Width of the last layer.
    short
        Only one linear layer after the convolutions, as in the condition's and the joint encoders.
    """

    def __init__(self, outputs: int, short: bool = False) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, 32, 3, stride=3, padding=1, bias=False), nn.ReLU(), nn.Dropout2d(0.2), nn.MaxPool2d(2, 2),
            nn.Conv2d(32, 16, 3, stride=2, padding=1, bias=False), nn.ReLU(), nn.MaxPool2d(2, 1), nn.Flatten(),
        )  # fmt: skip
        self.head: nn.Module
        if short:
            self.head = nn.Linear(FEATURES, outputs)
        else:
            self.head = nn.Sequential(
                nn.Linear(FEATURES, 128, bias=False), nn.BatchNorm1d(128), nn.LeakyReLU(), nn.Dropout(0.2),
                nn.Linear(128, 128, bias=False), nn.BatchNorm1d(128), nn.LeakyReLU(), nn.Dropout(0.2),
                nn.Linear(128, outputs),
            )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """Return [images x outputs]."""
        return self.head(self.convolutions(images))


class ImageDecoder(nn.Module):
    """Two linear layers and three transposed convolutions, sigmoid at the end.

    Parameters
    ----------
    inputs
        Width of the latent space.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, 128), nn.ELU(), nn.Linear(128, FEATURES), nn.ELU(), nn.Unflatten(1, (16, 2, 2)),
            nn.ConvTranspose2d(16, 32, 3, stride=2), nn.ELU(),
            nn.ConvTranspose2d(32, 64, 5, stride=3, padding=1), nn.ELU(),
            nn.ConvTranspose2d(64, 1, 2, stride=2, padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, latent: Tensor) -> Tensor:
        """Images of latent points, [points x 1 x 28 x 28], 0 to 1."""
        return self.layers(latent)

    def reconstruction_loss(self, latent: Tensor, images: Tensor) -> Tensor:
        """Mean squared error over images and pixels, a scalar."""
        return functional.mse_loss(self(latent), images)

    def sample(self, latent: Tensor, rng: torch.Generator) -> Tensor:
        """Images [points x 1 x 28 x 28] of latent points; this decoder draws nothing."""
        return self(latent)
