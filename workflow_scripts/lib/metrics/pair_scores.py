"""Scores of what models and simple methods make of held-out pairs, with intervals over molecules, not wells."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.molecules import canonical, fingerprints, properties, scaffold, without_stereo

from .expression_change import gene_correlation, mean_by_molecule, r_squared, well_scores
from .generated_molecules import moses_scores
from .retrieval import bootstrap_mean

COLUMNS = ["metric", "value", "low", "high", "molecules"]


def averaged(values: Mapping[str, np.ndarray], molecules: Sequence[str], seed: int) -> pd.DataFrame:
    """Mean over molecules of each metric, with its 95 % bootstrap interval; NaN left out.

    Parameters
    ----------
    values
        Of each pair, by metric, shape [pairs].
    molecules
        Of each pair.
    seed
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        metric, value, low, high, molecules.
    """
    rows = []
    names = np.asarray(molecules, dtype=str)
    for metric, all_values in values.items():
        known = np.isfinite(all_values)
        means = mean_by_molecule(all_values[known], names[known]) if known.any() else np.empty(0)
        low, high = bootstrap_mean(means, seed)
        rows.append((metric, means.mean() if len(means) else np.nan, low, high, len(means)))
    return pd.DataFrame(rows, columns=COLUMNS)


def of_the_set(values: Mapping[str, float], molecules: int) -> pd.DataFrame:
    """Metrics of all molecules together: metric, value, molecules; no interval."""
    rows = [(metric, value, np.nan, np.nan, molecules) for metric, value in values.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def expression_scores(
    predicted: np.ndarray, measured: np.ndarray, plain: np.ndarray, molecules: Sequence[str], seed: int
) -> pd.DataFrame:
    """Scores of predicted changes.

    Parameters
    ----------
    predicted, measured
        log2, [pairs x genes].
    plain
        Mean change of the training pairs of each pair's group, [pairs x genes], from `group_means`: what ``r2`` and
        ``gain_over_mean`` are measured against.
    molecules
        Of each pair.
    seed
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        metric (``rmse``, ``l2``, ``pearson``, ``recall``, ``gain_over_mean``: how much less the RMSE is than that of
        the mean, well by well; of all pairs together ``r2`` and ``gene_pearson``), value,
        low, high, molecules.
    """
    wells = well_scores(predicted, measured)
    gain = well_scores(plain, measured).rmse - wells.rmse
    found = averaged({**vars(wells), "gain_over_mean": gain}, molecules, seed)
    whole = {
        "r2": r_squared(predicted, measured, plain),
        "gene_pearson": float(gene_correlation(predicted, measured).mean()),
    }
    return pd.concat([found, of_the_set(whole, len(set(molecules)))], ignore_index=True)


def molecule_scores(
    drawn: Sequence[Sequence[str]],
    true: Sequence[str],
    train: Collection[str],
    pretraining: Collection[str] | None,
    seed: int,
) -> pd.DataFrame:
    """Scores of molecules that were generated for each held-out pair.

    Parameters
    ----------
    drawn
        Strings for each pair, valid or not.
    true
        Canonical SMILES of each pair.
    train
        Canonical SMILES of the training pairs.
    pretraining
        SMILES without stereochemistry of the molecules that the model of SMILES was pretrained on; None: not known.
    seed
        Of the other molecules that are compared with, and of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        metric, value, low, high, molecules. By molecule: ``tanimoto`` (mean of the valid draws to the true one),
        ``tanimoto_other`` (to another held-out molecule), ``tanimoto_gain`` (their difference), ``best_tanimoto``,
        ``scaffold_match`` and ``exact`` (shares of all draws, invalid ones counted). Of all draws: those of
        `moses_scores`, ``novel_to_pretraining`` (of the distinct valid), ``qed`` and ``sa_score``.
    """
    other = other_molecules(true, seed)
    molecules = {one: canonical(one) for some in drawn for one in some}
    valid = sorted({one for one in molecules.values() if one is not None})
    held = sorted(set(true))
    prints = dict(zip(valid, fingerprints(valid), strict=True))
    held_prints = dict(zip(held, fingerprints(held), strict=True))
    values: dict[str, list[float]] = {
        name: [] for name in ("tanimoto", "tanimoto_other", "best_tanimoto", "scaffold_match", "exact")
    }
    for some, one, another in zip(drawn, true, other, strict=True):
        good = [found for found in (molecules[raw] for raw in some) if found is not None]
        near, far = (
            np.array([_tanimoto(prints[found], held_prints[target]) for found in good])
            for target in (one, another)
        )
        values["tanimoto"].append(near.mean() if good else np.nan)
        values["tanimoto_other"].append(far.mean() if good else np.nan)
        values["best_tanimoto"].append(near.max() if good else np.nan)
        wanted = scaffold(one)
        values["scaffold_match"].append(
            sum(scaffold(found) == wanted for found in good) / len(some) if wanted else np.nan
        )
        # Without stereochemistry, which the pretraining's molecules do not have.
        values["exact"].append(
            sum(without_stereo(found) == without_stereo(one) for found in good) / len(some)
        )
    arrays = {name: np.array(column, dtype=float) for name, column in values.items()}
    arrays["tanimoto_gain"] = arrays["tanimoto"] - arrays["tanimoto_other"]
    flat = [raw for some in drawn for raw in some]
    whole = moses_scores(flat, set(train) | {without_stereo(one) for one in train}, held)
    if pretraining is not None:
        unseen = [without_stereo(one) not in pretraining for one in valid]
        whole["novel_to_pretraining"] = float(np.mean(unseen)) if unseen else np.nan
    each = [properties(one) for one in valid]
    for name in ("qed", "sa_score"):
        whole[name] = float(np.mean([one[name] for one in each])) if each else np.nan
    return pd.concat([averaged(arrays, true, seed), of_the_set(whole, len(held))], ignore_index=True)


def other_molecules(molecules: Sequence[str], seed: int) -> list[str]:
    """Another molecule of the same list for each, each distinct one as often replaced by the same other.

    The distinct molecules are shuffled and each takes the next one's place, so that none keeps its own.
    """
    distinct = list(dict.fromkeys(molecules))
    order = np.random.default_rng(seed).permutation(len(distinct))
    after = {distinct[one]: distinct[two] for one, two in zip(order, np.roll(order, -1), strict=True)}
    return [after[one] for one in molecules]


def other_rows(molecules: Sequence[str], groups: Sequence[str], seed: int) -> np.ndarray:
    """A row of another molecule of the same group for each row, int [pairs]; -1 where the group has no other.

    Parameters
    ----------
    molecules
        Of each pair.
    groups
        Of each pair: cell line, time and plate, which are not to tell one row from another.
    seed
        Of the exchange.
    """
    names, places = np.asarray(molecules, dtype=object), np.asarray(groups, dtype=object)
    rng, found = np.random.default_rng(seed), np.full(len(names), -1)
    for group in dict.fromkeys(groups):
        own = np.flatnonzero(places == group)
        if len(set(names[own])) < 2:
            continue
        rows = {name: own[names[own] == name] for name in dict.fromkeys(names[own])}
        found[own] = [rng.choice(rows[one]) for one in other_molecules(list(names[own]), seed)]
    return found


def _tanimoto(first: np.ndarray, second: np.ndarray) -> float:
    either = int((first | second).sum())
    return int((first & second).sum()) / either if either else 0.0
