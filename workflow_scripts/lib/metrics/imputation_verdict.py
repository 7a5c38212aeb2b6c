"""Is the imputation worth using? The model's held-out likelihood against the best baseline, over seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95
USE, GIVEN, RAW = "use the imputation", "use the rates given counts", "no gain, use raw"
GIVEN_COUNTS = "_given_counts"
EXPECTED, OWN = "gmm_vgae_expected", "gmm_vgae"
"""The two rates of ``imputed.h5ad``: expected ones (X), and those given the spot's own counts (a layer)."""
SAID = {EXPECTED: "expected rates", OWN: "rates given counts"}


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
        same model that sees the spot alone), the same with the neighbours of shuffled spots, and the verdict. Like is
        compared with like: the expected rates, in which no spot's noise is kept, with baselines and rivals that do not
        weigh the spot's own counts by a posterior either; rates given counts with all. The imputation is to be used if
        the expected rates predict better than every one of theirs in every seed, and the interval of their gain over
        the best that has all seeds is above 0. If only the rates given counts do, these.
    """
    others = scores[scores.kind.isin(["baseline", "rival"])]
    plain = others[~others.method.str.endswith(GIVEN_COUNTS)]
    floor = scores[scores.method == "gene_mean"].set_index("seed").log_likelihood
    best, best_plain = _best(others, floor), _best(plain, floor)
    pairs = {
        "gain_over_best_baseline": (OWN, best),
        "expected_gain_over_best_baseline": (EXPECTED, best_plain),
        "gain_over_gene_mean": (OWN, "gene_mean"),
        "spatial_gain": (OWN, "gmm_vgae_own"),
        "shuffled_gain": ("gmm_vgae_shuffled", "gmm_vgae_own"),
    }
    rows = [
        {"item": item, **paired_gain(scores, *pair), "note": f"{pair[0]} - {pair[1]}"}
        for item, pair in pairs.items()
        if set(pair) <= set(scores.method)
    ]
    verdict, notes = RAW, []
    for text, method, rivals in ((GIVEN, OWN, others), (USE, EXPECTED, plain)):
        ours = scores[scores.method == method].set_index("seed").log_likelihood
        highest = rivals.pivot(index="seed", columns="method", values="log_likelihood").max(axis=1)
        wins = int((ours - highest.reindex(ours.index) > 0).sum())
        # An interval needs several seeds: a rival with fewer is met in those that it has.
        seeds = rivals.groupby("method").seed.nunique()
        whole = rivals[rivals.method.map(seeds) == len(ours)]
        shown = bool(len(whole)) and paired_gain(scores, method, _best(whole, floor))["lower"] > 0
        if 0 < wins == len(ours) and shown:
            verdict = text
        notes.append(
            f"{SAID[method]} best in {wins} of {len(ours)} seed{'s' if len(ours) != 1 else ''}"
            f"{'' if shown else ', interval not above 0'}"
        )
    rows.append({"item": "verdict", "value": verdict, "note": ", ".join(notes)})
    return pd.DataFrame(rows, columns=["item", "value", "lower", "upper", "note"])


def _best(others: pd.DataFrame, floor: pd.Series) -> str:
    # Rivals may have fewer seeds, and seeds differ more than methods do.
    gain = others.log_likelihood - others.seed.map(floor)
    return str(gain.groupby(others.method, sort=True).mean().idxmax())
