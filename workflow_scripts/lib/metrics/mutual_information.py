"""Mutual information of a view and a frozen code, estimated afterwards and with the same budget for every model.

The published estimate was trained beside the moving model, with other learning rates for other models, so that its
values were not comparable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from torch import Tensor, nn
from torch.nn import functional

from workflow_scripts.lib.errors import LatentomeError

LOOK_EVERY = 100
FARTHEST = 10.0
"""Deviations at which a value is cut off."""


@dataclass(frozen=True)
class Budget:
    """What one estimate may cost.

    Attributes
    ----------
    steps, batch
        Updates of the critic, and pairs of each.
    learning_rate
        Of Adam.
    hidden
        Width of its two hidden layers.
    """

    steps: int = 2000
    batch: int = 256
    learning_rate: float = 1e-3
    hidden: int = 256


class Critic(nn.Module):
    """Scores every pair of a batch: a scalar product of what each side is mapped to (van den Oord et al. 2018)."""

    def __init__(self, first: int, second: int, hidden: int, width: int = 32) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Sequential(
                nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, width)
            )
            for size in (first, second)
        )  # fmt: skip

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Score of each pair, [first x second]."""
        return self.first(first) @ self.second(second).T


def information(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], seed: int, budget: Budget
) -> float:
    """Lower bound of the mutual information in nats, on pairs that the critic was not trained on.

    InfoNCE (van den Oord et al. 2018, arXiv:1807.03748): of `batch` candidates, how much better than chance is the
    partner found. Its variance is small, and it cannot exceed ln(batch); the bound of Donsker and Varadhan, as
    published, is noisy and biased upwards in small batches. A fifth of the training pairs decides which of the
    critics on the way is taken; the first one scores all pairs alike, and its bound is 0.

    Parameters
    ----------
    train, test
        Pairs to train the critic on and to estimate from: float [pairs x dimensions] each.
    seed
        Of the critic's weights and batches.
    budget
        Steps, batch and size.

    Raises
    ------
    LatentomeError
        If there are fewer test pairs than a batch, or fewer training pairs than five.
    """
    fifth = len(train[0]) // 5
    if min(fifth, len(test[0])) < budget.batch:
        raise LatentomeError(
            f"mutual information: {len(train[0])} training and {len(test[0])} test pairs; expected at least 5 and 1 "
            f"batches of {budget.batch}; lower the batch"
        )
    scale = [_scale(some) for some in train]
    fitted, decided, final = (
        [
            torch.from_numpy(np.clip((some - mean) / sd, -FARTHEST, FARTHEST).astype(np.float32))
            for some, (mean, sd) in zip(pair, scale, strict=True)
        ]
        for pair in ([some[fifth:] for some in train], [some[:fifth] for some in train], test)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        critic = Critic(train[0].shape[1], train[1].shape[1], budget.hidden)
    rng = torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(critic.parameters(), lr=budget.learning_rate, fused=True)
    best, found = 0.0, 0.0
    for step in range(1, budget.steps + 1):
        rows = torch.randint(len(fitted[0]), (budget.batch,), generator=rng)
        loss = _cross_entropy(critic, *(some[rows] for some in fitted))
        adam.zero_grad()
        loss.backward()
        adam.step()
        look = step % LOOK_EVERY == 0 or step == budget.steps
        if look and (bound := _bound(critic, decided, budget.batch)) > best:
            best, found = bound, _bound(critic, final, budget.batch)
    return found


def _scale(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each dimension, this at least a tenth of the typical one: a pixel may never be lit."""
    deviation = values.std(axis=0)
    return values.mean(axis=0), np.maximum(deviation, max(0.1 * np.sqrt((deviation**2).mean()), 1e-6))


@torch.no_grad()
def _bound(critic: Critic, pairs: list[Tensor], batch: int) -> float:
    """ln(batch) less the cross-entropy, over whole batches in the order given."""
    whole = torch.arange(len(pairs[0]) // batch * batch).split(batch)
    found = [float(_cross_entropy(critic, *(some[rows] for some in pairs))) for rows in whole]
    return math.log(batch) - float(np.mean(found))


def _cross_entropy(critic: Critic, first: Tensor, second: Tensor) -> Tensor:
    scores, partner = critic(first, second), torch.arange(len(first))
    return 0.5 * (functional.cross_entropy(scores, partner) + functional.cross_entropy(scores.T, partner))


def probe_accuracy(code: np.ndarray, digit: np.ndarray, seed: int, folds: int = 5) -> float:
    """Accuracy of a linear classifier of `digit` from a code, each case predicted by a model that has not seen it.

    Parameters
    ----------
    code
        [cases x dimensions].
    digit
        Classes, [cases].
    seed
        Of the folds.
    folds
        Number.
    """
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    right = np.zeros(len(digit), dtype=bool)
    scaled = (code - code.mean(axis=0)) / (code.std(axis=0) + 1e-9)
    for train, test in split.split(scaled, digit):
        model = LogisticRegression(max_iter=200).fit(scaled[train], digit[train])
        right[test] = model.predict(scaled[test]) == digit[test]
    return float(right.mean())


def probe_r_squared(code: np.ndarray, value: np.ndarray, seed: int, folds: int = 5) -> float:
    """Share of the variance of `value` that a linear model of the code explains, each case predicted unseen.

    Parameters
    ----------
    code
        [cases x dimensions].
    value
        Shape [cases].
    seed, folds
        As in `probe_accuracy`.
    """
    rest = np.empty(len(value))
    for train, test in KFold(folds, shuffle=True, random_state=seed).split(code):
        rest[test] = value[test] - LinearRegression().fit(code[train], value[train]).predict(code[test])
    return float(1 - (rest @ rest) / ((value - value.mean()) ** 2).sum())
