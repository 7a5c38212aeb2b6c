"""Is the imputation worth using? The model's held-out likelihood against the best baseline, over seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95
USE, RAW = "use the imputation", "no gain, use raw"


def paired_gain(scores: pd.DataFrame, method: str, other: str) -> dict[str, float]:
    """Mean difference in log-likelihood over the seeds that both have, with a Student interval.

    Parameters
    ----------
    scores
        ``method``, ``seed``, ``log_likelihood``.
    method, other
        Their names.

    Returns
    -------
    dict
        ``value``, ``lower``, ``upper`` (95 %; NaN with one seed), nats per UMI; all NaN if no seed has both.
    """
    wide = scores.pivot(index="seed", columns="method", values="log_likelihood")
    gain = (wide[method] - wide[other]).dropna().to_numpy()
    if len(gain) < 2:
        return {"value": float(gain.sum()) if len(gain) else np.nan, "lower": np.nan, "upper": np.nan}
    value = float(gain.mean())
    half = stats.t.ppf(0.5 + LEVEL / 2, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
    return {"value": value, "lower": value - float(half), "upper": value + float(half)}


def imputation_verdict(scores: pd.DataFrame) -> pd.DataFrame:
    """Verdict on a data set.

    Parameters
    ----------
    scores
        ``method, kind, seed, log_likelihood`` of every method and seed.

    Returns
    -------
    pandas.DataFrame
        ``item, value, lower, upper, note``: gain over the best baseline or rival, gain by neighbours (against the
        same model that sees the spot alone), the same with the neighbours of shuffled spots, and the verdict: the
        imputation is to be used if its gain over every baseline is above 0 in every seed.
    """
    others = scores[scores.kind.isin(["baseline", "rival"])]
    best = str(others.groupby("method", sort=True).log_likelihood.mean().idxmax())
    pairs = {
        "gain_over_best_baseline": ("gmm_vgae", best),
        "gain_over_gene_mean": ("gmm_vgae", "gene_mean"),
        "spatial_gain": ("gmm_vgae", "gmm_vgae_own"),
        "shuffled_gain": ("gmm_vgae_shuffled", "gmm_vgae_own"),
        "expected_gain_over_best_baseline": ("gmm_vgae_expected", best),
    }
    rows = [
        {"item": item, **paired_gain(scores, *pair), "note": f"{pair[0]} - {pair[1]}"}
        for item, pair in pairs.items()
        if set(pair) <= set(scores.method)
    ]
    ours = scores[scores.method == "gmm_vgae"].set_index("seed").log_likelihood
    rival = others.pivot(index="seed", columns="method", values="log_likelihood").max(axis=1)
    wins = int((ours - rival.reindex(ours.index) > 0).sum())
    verdict = USE if 0 < wins == len(ours) else RAW
    rows.append({"item": "verdict", "value": verdict, "note": f"best in {wins} of {len(ours)} seeds"})
    return pd.DataFrame(rows, columns=["item", "value", "lower", "upper", "note"])
