"""How like known ligands of a protein generated molecules are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.molecules import canonical, fingerprints

from .generated_molecules import nearest_similarity
from .retrieval import bootstrap_mean

LIKE = 0.4
"""Tanimoto similarity from which a molecule counts as like a known ligand."""


def ligand_scores(drawn: Sequence[str], ligands: np.ndarray, seed: int) -> pd.DataFrame:
    """Similarity of generated molecules to the nearest known ligand.

    Parameters
    ----------
    drawn
        Strings, valid or not.
    ligands
        Fingerprints of known ligands, bool [ligands x bits].
    seed
        Of the bootstrap over generated molecules.

    Returns
    -------
    pandas.DataFrame
        metric, value, low, high, molecules. ``nearest_ligand``: mean over valid distinct molecules of the Tanimoto
        similarity to the nearest ligand; ``like_a_ligand``: share of those at 0.4 or more; ``best``: the largest;
        ``valid``: share of all strings.
    """
    known = [canonical(one) for one in drawn]
    valid = sorted({one for one in known if one is not None})
    near = nearest_similarity(fingerprints(valid), ligands) if valid else np.empty(0)
    rows = []
    for metric, values in (("nearest_ligand", near), ("like_a_ligand", (near >= LIKE).astype(float))):
        low, high = bootstrap_mean(values, seed)
        rows.append((metric, values.mean() if len(values) else np.nan, low, high, len(valid)))
    rows.append(("best", near.max(initial=0.0) if len(near) else np.nan, np.nan, np.nan, len(valid)))
    rows.append(("valid", sum(one is not None for one in known) / len(known), np.nan, np.nan, len(known)))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high", "molecules"])


def over_conditions(scores: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean of each metric over several conditions, `low` and `high` their smallest and largest value.

    Parameters
    ----------
    scores
        From `ligand_scores`, one a condition.
    """
    groups = pd.concat(scores).groupby("metric", sort=False)
    found = groups["value"].agg(value="mean", low="min", high="max")
    return found.assign(molecules=groups["molecules"].sum()).reset_index()
