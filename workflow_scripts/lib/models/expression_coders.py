"""Encoder and decoder of an expression change with its dose, as published with BiAAE (Shayakhmetov et al. 2020).

A row is [genes + 1]: treated minus control of every gene, then the dose on the scale of `scaled_dose`.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .paired import View

DOSE_OFFSET = 0.001
"""Added to the scaled dose before its logarithm."""
EXPRESSION_WEIGHT = 6.0
"""Of the mean squared error of the genes, against that of the log dose."""


def scaled_dose(dose: np.ndarray | float) -> np.ndarray:
    """ln(1 + dose in uM) / ln 11, the dose's shape: 0 for none, 1 for 10 uM."""
    return np.log1p(np.asarray(dose, dtype=np.float64)) / math.log(11)


class ExpressionEncoder(nn.Module):
    """Two layers over the genes, then the log dose beside them, and two more.

    Parameters
    ----------
    genes
        Number.
    outputs
        Width of the last layer.
    """

    def __init__(self, genes: int, outputs: int) -> None:
        super().__init__()
        self.genes = nn.Sequential(
            nn.Linear(genes, 256), nn.BatchNorm1d(256), nn.LeakyReLU(), nn.Dropout(0.2),
            nn.Linear(256, 128), nn.BatchNorm1d(128), nn.LeakyReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Linear(129, 128), nn.BatchNorm1d(128), nn.LeakyReLU(), nn.Dropout(0.2), nn.Linear(128, outputs)
        )

    def forward(self, change: Tensor) -> Tensor:
        """Return [rows x outputs]."""
        dose = torch.log(change[:, -1:] + DOSE_OFFSET)
        return self.head(torch.cat([self.genes(change[:, :-1]), dose], dim=1))


class ExpressionDecoder(nn.Module):
    """Two layers that give the dose and what the genes are decoded from.

    Parameters
    ----------
    inputs
        Width of the latent space.
    genes
        Number.
    """

    def __init__(self, inputs: int, genes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, 64), nn.LeakyReLU(), nn.Linear(64, 65))
        self.genes = nn.Sequential(nn.LeakyReLU(), nn.Linear(64, 128), nn.LeakyReLU(), nn.Linear(128, genes))

    def forward(self, latent: Tensor) -> Tensor:
        """Change of every gene and scaled dose, [rows x genes + 1]."""
        found = self.layers(latent)
        return torch.cat([self.genes(found[:, :-1]), found[:, -1:].exp()], dim=1)

    def reconstruction_loss(self, latent: Tensor, change: Tensor) -> Tensor:
        """Six times the mean squared error of the genes, plus that of the log dose; a scalar."""
        found = self(latent)
        genes = functional.mse_loss(found[:, :-1], change[:, :-1])
        dose = functional.mse_loss(
            torch.log(found[:, -1] + DOSE_OFFSET), torch.log(change[:, -1] + DOSE_OFFSET)
        )
        return EXPRESSION_WEIGHT * genes + dose

    def sample(self, latent: Tensor, rng: torch.Generator) -> Tensor:
        """Rows [points x genes and dose] of latent points; this decoder draws nothing."""
        return self(latent)


def expression_view(genes: int) -> View:
    """Expression changes as a view."""

    def encoder(outputs: int) -> nn.Module:
        return ExpressionEncoder(genes, outputs)

    return View(encoder, encoder, lambda inputs: ExpressionDecoder(inputs, genes))
