"""Tables that every trained model leaves beside its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


def latent_table(
    model: str, seed: int, samples: Sequence[str], mean: np.ndarray, sd: np.ndarray
) -> pd.DataFrame:
    """model, seed, sample, z1..zK, sd1..sdK of mean and standard deviation [samples x K]."""
    columns = {f"z{k + 1}": mean[:, k] for k in range(mean.shape[1])}
    columns |= {f"sd{k + 1}": sd[:, k] for k in range(sd.shape[1])}
    return pd.DataFrame({"model": model, "seed": seed, "sample": samples, **columns})


def history_table(model: str, seed: int, history: list[dict[str, Any]]) -> pd.DataFrame:
    """model, seed, epoch, name, value."""
    rows = [
        (model, seed, row["epoch"], name, value)
        for row in history
        for name, value in row.items()
        if name not in ("epoch", "step")
    ]
    return pd.DataFrame(rows, columns=["model", "seed", "epoch", "name", "value"])
