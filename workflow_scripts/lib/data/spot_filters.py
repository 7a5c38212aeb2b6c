"""Which spots and genes are kept, and what the summary says of them."""

from __future__ import annotations

from typing import Any

import anndata
import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError

from .spots import note


def filter_spots(spots: anndata.AnnData, min_spots: int, min_counts: int, where: str) -> anndata.AnnData:
    """Keep spots with enough counts and genes seen in enough spots, counted in ``uns["reading"]``.

    Dropping one may bring another below its limit, so it repeats until all that is left passes; the largest such
    set is unique, whatever is dropped first.

    Parameters
    ----------
    spots
        Counts.
    min_spots
        Least number of kept spots with a count of a gene; 1 drops the genes without any.
    min_counts
        Least number of UMIs of a spot over the kept genes.
    where
        The file, for errors.

    Raises
    ------
    LatentomeError
        If no gene or fewer than two spots are left.
    """
    seen = spots.X > 0
    rows, columns = np.ones(spots.n_obs, bool), np.ones(spots.n_vars, bool)
    empty = int((np.asarray(seen.sum(axis=0)).ravel() == 0).sum())
    while True:
        kept_rows = rows & (np.asarray(spots.X @ columns.astype(np.int64)).ravel() >= min_counts)
        kept_columns = columns & (np.asarray(seen.T @ kept_rows.astype(np.int64)).ravel() >= min_spots)
        if (kept_rows == rows).all() and (kept_columns == columns).all():
            break
        rows, columns = kept_rows, kept_columns
    note(spots, "genes without a count", empty)
    if not columns.any() or rows.sum() < 2:
        raise LatentomeError(
            f"{where}: {int(columns.sum())} of {spots.n_vars} genes and {int(rows.sum())} of {spots.n_obs} spots pass "
            f"min_spots: {min_spots} and min_counts: {min_counts} ({empty} genes have no count at all); expected a "
            "gene and two spots at least; check the file, or lower the limits"
        )
    kept = spots[rows, columns].copy()
    note(kept, "spots kept", kept.n_obs)
    note(kept, "genes kept", kept.n_vars)
    return kept


def summarize_spots(spots: anndata.AnnData) -> pd.DataFrame:
    """What was read and kept: columns ``item`` and ``value``."""
    rows: list[tuple[str, object]] = list(spots.uns.get("source", {}).items())
    rows += sorted(spots.uns.get("reading", {}).items())
    if spots.uns["source"]["values"] == "counts":
        totals = np.asarray(spots.X.sum(axis=1, dtype=np.int64)).ravel()
        rows += [("UMIs", int(totals.sum())), ("median UMIs per spot", float(np.median(totals)))]
        rows.append(("share of zeros", 1 - spots.X.nnz / (spots.n_obs * spots.n_vars)))
    rows.append(("spots at the place of another", int(pd.DataFrame(_places(spots)).duplicated().sum())))
    if "label" in spots.obs:
        rows.append(("spots with a label", int(spots.obs.label.notna().sum())))
        counts = spots.obs.label.value_counts(sort=False)
        rows += [(f"label {name}", int(count)) for name, count in counts.items()]
    if "section" in spots.obs:
        counts = spots.obs.section.value_counts(sort=False)
        rows += [(f"section {name}", int(count)) for name, count in counts.items()]
    return pd.DataFrame(rows, columns=["item", "value"])


def _places(spots: anndata.AnnData) -> dict[str, Any]:
    places: dict[str, Any] = {"x": spots.obsm["spatial"][:, 0], "y": spots.obsm["spatial"][:, 1]}
    if "section" in spots.obs:
        places["section"] = spots.obs.section.to_numpy()
    return places
