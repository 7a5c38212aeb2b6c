"""Splits by the unit that must generalise: no compound, scaffold or cell line on two sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError

PARTS = ("train", "validation", "test")


def split_units(
    units: Sequence[str], shares: Sequence[float], seed: int, strata: Sequence[str] | None = None
) -> pd.Series:
    """Assign each unit to a part.

    Parameters
    ----------
    units
        Unit of each sample, such as its compound.
    shares
        Of the units in train, validation and test; they sum to 1.
    seed
        Of the shuffling.
    strata
        A label of each sample; units of one label are spread over the parts. A unit has its first sample's label.

    Returns
    -------
    pandas.Series
        Part of each sample, in order.

    Raises
    ------
    LatentomeError
        If the shares do not sum to 1, or there are fewer units than parts wanted.
    """
    if len(shares) != len(PARTS) or abs(sum(shares) - 1) > 1e-9 or min(shares) < 0:
        raise LatentomeError(f"split: shares {list(shares)}; expected three that are >= 0 and sum to 1")
    labels = pd.Series("" if strata is None else list(strata), index=range(len(units)), dtype=object)
    first = labels.groupby(pd.Series(list(units)), sort=True).first()
    wanted = sum(share > 0 for share in shares)
    if len(first) < wanted:
        raise LatentomeError(f"split: {len(first)} different units for {wanted} parts; expected more data")
    rng = np.random.default_rng(seed)
    # Units in an order in which every stretch has each label as often as the whole has.
    order = pd.DataFrame({"label": first.to_numpy(), "key": rng.random(len(first))}, index=first.index)
    within = order.groupby("label").key
    order["place"] = (within.rank() - rng.random(len(order))) / within.transform("size")
    ordered = order.sort_values("place", kind="stable").index
    bounds = np.round(np.cumsum(shares) * len(ordered)).astype(int)
    bounds = _none_empty(bounds, shares)
    part = np.empty(len(ordered), object)
    for name, start, end in zip(PARTS, [0, *bounds[:-1]], bounds, strict=True):
        part[start:end] = name
    return pd.Series(list(units)).map(pd.Series(part, index=ordered))


def _none_empty(bounds: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Give a part that was asked for, and got nothing by rounding, a unit of the largest."""
    sizes = np.diff([0, *bounds])
    for k, share in enumerate(shares):
        if share > 0 and sizes[k] == 0:
            sizes[int(sizes.argmax())] -= 1
            sizes[k] = 1
    return np.cumsum(sizes)


def leaks(units: Sequence[str], parts: Sequence[str]) -> list[str]:
    """Units that stand in more than one part; none, if the split is sound."""
    table = pd.DataFrame({"unit": list(units), "part": list(parts)})
    count = table.groupby("unit").part.nunique()
    return count.index[count > 1].tolist()
