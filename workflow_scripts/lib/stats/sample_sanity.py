"""Does the sample sheet fit the counts? Principal components, confounding, marker genes, suspected swaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

COMPONENTS = 4
TOP_GENES = 500
COLUMNS = ["check", "factor", "sample", "value", "expected", "verdict", "message"]


def principal_components(values: np.ndarray, top: int = TOP_GENES) -> tuple[np.ndarray, np.ndarray]:
    """Samples on the leading components of the most variable genes (as DESeq2's plotPCA).

    Parameters
    ----------
    values
        log2-like expression, [genes x samples].
    top
        Genes kept, by variance.

    Returns
    -------
    (scores, share)
        [samples x components] and the explained share of each component; signs are fixed by the largest score.
    """
    chosen = values[np.argsort(-values.var(axis=1), kind="stable")[:top]]
    centred = (chosen - chosen.mean(axis=1, keepdims=True)).T
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    count = min(COMPONENTS, singular.size)
    scores = left[:, :count] * singular[:count]
    scores *= np.sign(scores[np.abs(scores).argmax(axis=0), np.arange(count)])
    return scores, singular[:count] ** 2 / max((singular**2).sum(), 1e-300)


def row(check: str, verdict: str, message: str, **more: object) -> dict[str, object]:
    """One line of the sanity table; `more` are its other columns."""
    return {
        "check": check,
        "factor": "",
        "sample": "",
        "value": np.nan,
        "expected": "",
        **more,
        "verdict": verdict,
        "message": message,
    }


def confounding(samples: pd.DataFrame, factors: Sequence[str]) -> list[dict[str, object]]:
    """Pairs of sheet columns that determine each other, wholly or one way.

    Parameters
    ----------
    samples
        Sheet, text.
    factors
        Columns of the designs; they are compared with every column that has 2 to n-1 levels.
    """
    rows: list[dict[str, object]] = []
    usable = [name for name in samples if 2 <= samples[name].nunique() < len(samples)]
    for place, first in enumerate(usable):
        for second in usable[place + 1 :]:
            if first not in factors and second not in factors:
                continue
            pairs = len(samples[[first, second]].drop_duplicates())
            if pairs == samples[first].nunique() == samples[second].nunique():
                message = f"{first} and {second} are the same split of the samples: their effects cannot be told apart"
                rows.append(
                    row(
                        "confounding",
                        "warning",
                        message,
                        factor=f"{first}, {second}",
                        value=1.0,
                        expected="< 1",
                    )
                )
    if not rows:
        rows.append(row("confounding", "ok", "no two columns of the sheet are the same split of the samples"))
    return rows


def separation(
    scores: np.ndarray, share: np.ndarray, samples: pd.DataFrame, factors: Sequence[str]
) -> list[dict[str, object]]:
    """How much of a component's variance lies between levels of each factor; scores [samples x components]."""
    rows = []
    for factor in factors:
        groups = samples[factor]
        if not 1 < groups.nunique() < len(groups):
            continue
        means = pd.DataFrame(scores).groupby(groups.to_numpy()).transform("mean").to_numpy()
        shares = (means**2).sum(axis=0) / np.maximum((scores**2).sum(axis=0), 1e-300)
        between, component = float(shares.max()), int(shares.argmax()) + 1
        chance = (groups.nunique() - 1) / (len(groups) - 1)
        verdict = "ok" if between > (1 + chance) / 2 else "warning"
        message = f"{between:.0%} of the variance of component {component} lies between levels of {factor}; "
        message += f"chance {chance:.0%}"
        rows.append(
            row(
                "separation",
                verdict,
                message,
                factor=factor,
                value=between,
                expected=f"> {(1 + chance) / 2:.2f}",
            )
        )
    return rows


def nearest_group(scores: np.ndarray, samples: pd.DataFrame, factor: str) -> list[dict[str, object]]:
    """Samples that lie nearer to another level's centroid than to their own (left out of it): suspected swaps.

    Scores are [samples x components]. Where more than a quarter of the samples do, the components do not show this
    factor (patients of a cohort), and nothing can be told from them.
    """
    groups = samples[factor].to_numpy()
    levels = sorted(set(groups))
    if len(levels) < 2 or len(levels) == len(groups):
        return []
    rows = []
    for place, (sample, own) in enumerate(zip(samples.index, groups, strict=True)):
        others = np.arange(len(groups)) != place
        distance = {}
        for level in levels:
            members = (groups == level) & others
            if members.any():
                distance[level] = float(np.linalg.norm(scores[members].mean(axis=0) - scores[place]))
        best = min(distance, key=lambda level: distance[level])
        if own in distance and best != own and distance[best] < 0.5 * distance[own]:
            message = f"sample {sample} is labelled {own} but lies with {best}: swapped or mislabelled?"
            rows.append(
                row(
                    "swap",
                    "warning",
                    message,
                    factor=factor,
                    sample=sample,
                    value=distance[best] / distance[own],
                    expected=">= 0.5",
                )
            )
    if len(rows) > max(2, len(groups) // 4):
        message = f"levels of {factor} do not lie apart in the first components: swaps cannot be told there"
        return [row("swap", "ok", message, factor=factor, value=len(rows) / len(groups), expected="<= 0.25")]
    return rows


def marker_scores(
    log_expression: pd.DataFrame,
    symbols: pd.Series,
    samples: pd.DataFrame,
    markers: Mapping[str, Mapping[str, Sequence[str]]],
) -> list[dict[str, object]]:
    """Whether the markers of a level are highest in the samples that carry it.

    Parameters
    ----------
    log_expression
        log2 normalised counts, [genes x samples].
    symbols
        Symbol by gene id.
    samples
        Sheet.
    markers
        factor -> level -> gene symbols or ids.
    """
    rows: list[dict[str, object]] = []
    for factor, levels in markers.items():
        score = {}
        for level, names in levels.items():
            found = log_expression[symbols.isin(names).to_numpy() | log_expression.index.isin(names)]
            if found.empty:
                rows.append(
                    row(
                        "markers",
                        "warning",
                        f"no marker of {level} is among the genes: {', '.join(names)}",
                        factor=factor,
                    )
                )
                continue
            score[level] = found.sub(found.mean(axis=1), axis=0).mean(axis=0)
        cuts: dict[str, float] = {}
        for level, value in score.items():
            inside = (samples[factor] == level).to_numpy()
            if not inside.any() or inside.all():
                continue
            low, high = value[inside].median(), value[~inside].median()
            verdict = "ok" if low - high > 1 else "warning"
            message = f"markers of {factor} {level}: {low - high:+.1f} log2 in samples so labelled against the others"
            rows.append(
                row("markers", verdict, message, factor=factor, value=float(low - high), expected="> 1")
            )
            cuts[level] = (low + high) / 2 if verdict == "ok" else np.nan
        for sample, own in samples[factor].items():
            for level, value in score.items():
                if own == level or own not in score:
                    continue
                if value[sample] > cuts.get(level, np.nan) and score[own][sample] < cuts.get(own, np.nan):
                    text = f"sample {sample} is labelled {own} but carries the markers of {level}: swapped?"
                    expected = f"< {cuts[level]:.1f}"
                    rows.append(
                        row(
                            "swap",
                            "warning",
                            text,
                            factor=factor,
                            sample=sample,
                            value=float(value[sample]),
                            expected=expected,
                        )
                    )
    return rows


def marked_split(
    log_expression: pd.DataFrame, symbols: pd.Series, samples: pd.DataFrame, factors: Sequence[str],
    markers: Mapping[str, Mapping[str, Sequence[str]]],
) -> list[dict[str, object]]:  # fmt: skip
    """Two-level columns that are the same split as a marker-verified factor although they bear another name."""
    rows: list[dict[str, object]] = []
    for factor, levels in markers.items():
        for other in factors:
            if other == factor or samples[other].nunique() != samples[factor].nunique():
                continue
            if len(samples[[factor, other]].drop_duplicates()) == samples[factor].nunique():
                message = (
                    f"{other} is {factor} under another name: its contrast compares {' with '.join(levels)}"
                )
                rows.append(
                    row(
                        "mislabelled_factor",
                        "warning",
                        message,
                        factor=other,
                        value=1.0,
                        expected="another split",
                    )
                )
    return rows
