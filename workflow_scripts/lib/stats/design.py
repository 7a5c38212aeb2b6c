"""What is wrong with a design, in words, and contrasts of its coefficients."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.samples import level_text
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats.formula import Formula, parse_formula
from workflow_scripts.lib.stats.model_matrix import Encoded, build, categories, encode, model_matrix
from workflow_scripts.lib.wording import listed, shown, unknown

log = logging.getLogger(__name__)

__all__ = ["Formula", "check_design", "contrast_vector", "model_matrix", "parse_formula"]

Contrast = str | Sequence[object] | Mapping[str, float]


def _rank(values: np.ndarray) -> int:
    norms = np.linalg.norm(values, axis=0)
    return int(np.linalg.matrix_rank(values / np.where(norms > 0, norms, 1)))


def _confounded(matrix: pd.DataFrame, design: Encoded) -> str:
    """Say which column of a rank-deficient matrix follows from which others, and by which factors."""
    values, coefficients = matrix.to_numpy(), matrix.attrs["coefficients"]
    last = next(j for j in range(values.shape[1]) if _rank(values[:, : j + 1]) == _rank(values[:, :j]))
    pairs = coefficients[matrix.columns[last]]
    if not values[:, last].any():
        cell = " and ".join(f"{name} = {level}" for name, level in pairs)
        return f"{matrix.columns[last]} cannot be estimated, since no sample has {cell}"
    weights = np.linalg.lstsq(values[:, :last], values[:, last], rcond=None)[0]
    parts = [c for c, weight in zip(matrix.columns, weights, strict=False) if abs(weight) > 1e-6]
    found = f"{matrix.columns[last]} follows from {', '.join(parts)}"
    involved = {name for column in (matrix.columns[last], *parts) for name, _ in coefficients[column]}
    for one, other in combinations([name for name in design.levels if name in involved], 2):
        seen = design.data[[design.safe[one], design.safe[other]]].drop_duplicates()
        forward, backward = seen[design.safe[one]].is_unique, seen[design.safe[other]].is_unique
        if forward and backward:
            found += f'; factors "{one}" and "{other}" are the same split of the samples'
        elif forward or backward:
            inner, outer = (one, other) if forward else (other, one)
            found += f'; each level of "{inner}" lies within one level of "{outer}"'
    return found


def check_design(
    formula: str | Formula,
    samples: pd.DataFrame,
    reference: Mapping[str, object] | None = None,
    *,
    numeric: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the model matrix of a design whose every coefficient and dispersion can be estimated.

    Parameters and the result are those of `model_matrix`.

    Raises
    ------
    LatentomeError
        As `model_matrix`; and if there are fewer samples than coefficients, if factors are confounded (which
        are, is said), or if no residual degree of freedom is left.
    """
    design = encode(formula, samples, reference, numeric)
    matrix, _ = build(design)
    count, width = matrix.shape
    if count < width:
        raise LatentomeError(
            f"{design.place}: {count} samples for {width} coefficients ({listed(matrix.columns)}); expected "
            "more samples than coefficients; drop a factor or an interaction"
        )
    if _rank(matrix.to_numpy()) < width:
        raise LatentomeError(
            f"{design.place}: the design is confounded: {_confounded(matrix, design)}; expected effects that "
            "the samples can tell apart; drop one of these factors, or an interaction"
        )
    if count == width:
        raise LatentomeError(
            f"{design.place}: {count} samples for {width} coefficients leave no residual degree of freedom "
            "(one replicate a group); expected replicates, without which dispersion has no estimate; add "
            "samples or drop a factor"
        )
    return matrix


def contrast_vector(
    formula: str | Formula,
    samples: pd.DataFrame,
    contrast: Contrast,
    *,
    reference: Mapping[str, object] | None = None,
    numeric: Iterable[str] = (),
) -> np.ndarray:
    """Return the weights of a contrast on the columns of `model_matrix`.

    Parameters
    ----------
    formula, samples, reference, numeric
        As for `model_matrix`.
    contrast
        ``[factor, numerator, denominator]``, ``{coefficient: weight}``, or one coefficient's name. If the
        factor interacts with others, the first form is the effect at their reference levels (and at 0 of
        numeric columns), as in DESeq2; that is logged.

    Returns
    -------
    ndarray, float64 [coefficients]

    Raises
    ------
    LatentomeError
        If a factor, level or coefficient does not exist (those that do are listed), the two levels are the
        same, or a weight is no number.
    """
    design = encode(formula, samples, reference, numeric)
    matrix, spec = build(design)
    if isinstance(contrast, str | Mapping):
        weights = {contrast: 1.0} if isinstance(contrast, str) else contrast
        return _weighted(weights, list(matrix.columns), design.place)
    if len(contrast) != 3:
        raise LatentomeError(
            f"{design.place}, contrast {shown(list(contrast))}: expected [factor, numerator, denominator] or "
            "{coefficient: weight}; write it so"
        )
    factor, *values = contrast
    place = f"{design.place}, contrast {shown(list(contrast))}"
    if not isinstance(factor, str) or factor not in design.levels:
        raise LatentomeError(f"{place}: {unknown('factor', factor, design.levels)}; correct the name")
    name, levels = factor, design.levels[factor]
    numerator, denominator = (level_text(value, name, levels) for value in values)
    for level in (numerator, denominator):
        if level not in levels:
            raise LatentomeError(f"{place}: {unknown(f'level of {shown(name)},', level, levels)}; correct it")
    if numerator == denominator:
        raise LatentomeError(
            f"{place}: numerator and denominator are the same; expected two levels; correct one"
        )
    others = dict.fromkeys(n for term in design.formula.terms if name in term for n in term if n != name)
    if others:
        at = ", ".join(f"{n} = {design.levels[n][0] if n in design.levels else 0}" for n in others)
        log.warning("%s: %s interacts, so this is its effect at %s", place, shown(name), at)
    rows = pd.DataFrame({safe: [0.0, 0.0] for safe in design.safe.values()}).assign(rows=1.0)
    for other, there in design.levels.items():
        pair = [numerator, denominator] if other == name else [there[0]] * 2
        rows[design.safe[other]] = categories(pair, there)
    over, under = np.asarray(spec.get_model_matrix(rows, context={}), dtype=np.float64)
    return over - under


def _weighted(weights: Mapping[str, object], columns: list[str], place: str) -> np.ndarray:
    vector = np.zeros(len(columns))
    for name, weight in weights.items():
        if name not in columns:
            raise LatentomeError(
                f"{place}, contrast: {unknown('coefficient', name, columns)}; correct the name"
            )
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not np.isfinite(weight):
            raise LatentomeError(
                f"{place}, contrast: the weight of {shown(name)} is {shown(weight)}; expected a number; "
                "correct it"
            )
        vector[columns.index(name)] = weight
    if not vector.any():
        raise LatentomeError(f"{place}, contrast: every weight is 0; expected one that is not; correct it")
    return vector
