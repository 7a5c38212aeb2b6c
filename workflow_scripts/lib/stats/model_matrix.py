"""Model matrices of checked formulas: R's treatment coding, DESeq2's names, through formulaic."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic import model_matrix as formulaic_matrix

from workflow_scripts.lib.data.samples import level_text, require_levels, safe_levels, source_of
from workflow_scripts.lib.data.text_table import numbers as read_numbers
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats.formula import Formula, parse_formula
from workflow_scripts.lib.wording import shown, unknown

_COLUMN = re.compile(r"(v[0-9]+)(?:\[(T\.)?l([0-9]+)\])?")


@dataclass(frozen=True)
class Encoded:
    """The design's columns under names that cannot mean anything to formulaic: v0, v1, levels l0, l1."""

    formula: Formula
    place: str
    safe: dict[str, str]
    levels: dict[str, list[str]]  # of factors, reference first
    data: pd.DataFrame


def _as_formula(formula: str | Formula) -> Formula:
    return parse_formula(formula) if isinstance(formula, str) else formula


def _factor_levels(name: str, values: pd.Series, reference: Mapping[str, object], place: str) -> list[str]:
    levels = sorted(set(values))  # code points, as R sorts in the C locale
    if name in reference:
        first = level_text(reference[name], name, levels)
        if first not in levels:
            what = f"reference level of {shown(name)},"
            raise LatentomeError(f"{place}: {unknown(what, first, levels)}; correct it")
        levels.sort(key=lambda level: level != first)
    if len(levels) == 1:
        raise LatentomeError(
            f"{place}: factor {shown(name)} has one level only, {shown(levels[0])}, in the {len(values)} "
            "samples kept; expected two or more; drop it from the design, or widen the subset"
        )
    return levels


def _numbers(name: str, values: pd.Series, place: str) -> pd.Series:
    numbers = read_numbers(values)
    wrong = values[~np.isfinite(numbers.to_numpy(float))]
    if len(wrong):
        raise LatentomeError(
            f"{place}: numeric column {shown(name)}, sample {shown(wrong.index[0])}: {shown(wrong.iloc[0])} "
            "is not a number; expected numbers; correct the cell, or take the column out of numeric"
        )
    return numbers


def encode(
    formula: str | Formula,
    samples: pd.DataFrame,
    reference: Mapping[str, object] | None,
    numeric: Iterable[str],
) -> Encoded:
    """Check the columns that `formula` uses and encode them; arguments and errors as in `model_matrix`."""
    formula, reference, numeric = _as_formula(formula), reference or {}, list(numeric)
    place = f"{source_of(samples)}, design {formula}"
    for name in (*formula.names, *numeric):
        if name not in samples.columns:
            raise LatentomeError(f"{place}: {unknown('column', name, samples.columns)}; correct the name")
    require_levels(samples, formula.names)
    for name in reference:
        if name not in samples.columns or name in numeric:
            factors = [column for column in samples.columns if column not in numeric]
            raise LatentomeError(f"{place}: {unknown('reference factor', name, factors)}; correct the name")
    safe = {name: f"v{i}" for i, name in enumerate(formula.names)}
    levels: dict[str, list[str]] = {}
    data = pd.DataFrame(index=samples.index)
    for name in formula.names:
        values = samples[name].astype(str)  # an .h5ad gives categories
        if name in numeric:
            data[safe[name]] = _numbers(name, values, place)
        else:
            levels[name] = _factor_levels(name, values, reference, place)
            data[safe[name]] = categories(values, levels[name])
    return Encoded(formula, place, safe, levels, data)


def categories(values: Iterable[str], levels: list[str]) -> pd.Categorical:
    """Return `values` as codes l0, l1, ... of their place in `levels`."""
    codes = [f"l{levels.index(value)}" for value in values]
    return pd.Categorical(codes, [f"l{i}" for i in range(len(levels))])


def _coefficient(column: str, design: Encoded) -> tuple[str, tuple[tuple[str, str | None], ...]]:
    """Return DESeq2's name of one of formulaic's columns, and its (factor, level) pairs."""
    if column == "Intercept":
        return "Intercept", ()
    named = {safe: name for name, safe in design.safe.items()}
    pairs: list[tuple[str, str | None]] = []
    words: list[str] = []
    for part in column.split(":"):
        match = _COLUMN.fullmatch(part)
        assert match is not None
        name = named[match[1]]
        if match[3] is None:
            pairs.append((name, None))
            words.append(name)
            continue
        spelled, _ = safe_levels(design.levels[name])
        level, base = design.levels[name][int(match[3])], design.levels[name][0]
        pairs.append((name, level))
        main = ":" not in column and match[2] is not None
        words.append(f"{name}_{spelled[level]}_vs_{spelled[base]}" if main else f"{name}{spelled[level]}")
    return ".".join(words), tuple(pairs)


def build(design: Encoded) -> tuple[pd.DataFrame, ModelSpec]:
    """Return the model matrix of `model_matrix`, and what builds the same columns of other data."""
    # formulaic takes the number of rows from the data, which `~ 1` alone does not name a column of.
    data = design.data.assign(rows=1.0)
    built = formulaic_matrix(design.formula.written(design.safe), data, context={})
    named = [_coefficient(str(column), design) for column in built.columns]
    matrix = pd.DataFrame(
        np.asarray(built, dtype=np.float64), index=design.data.index, columns=[name for name, _ in named]
    )
    if not matrix.columns.is_unique:
        raise LatentomeError(
            f"{design.place}: two coefficients are called "
            f"{shown(matrix.columns[matrix.columns.duplicated()][0])}; expected different names; rename a "
            "column or level of the sample sheet"
        )
    matrix.attrs = {"coefficients": dict(named), "source": design.place}
    return matrix, built.model_spec


def model_matrix(
    formula: str | Formula,
    samples: pd.DataFrame,
    reference: Mapping[str, object] | None = None,
    *,
    numeric: Iterable[str] = (),
) -> pd.DataFrame:
    """Build the model matrix of a design, with R's treatment coding.

    Parameters
    ----------
    formula
        Text for `parse_formula`, or its result.
    samples
        Sample sheet, all text.
    reference
        The reference level of a factor; the first in the C locale's order by default.
    numeric
        Columns to take as numbers. All others are factors, also those that look like numbers.

    Returns
    -------
    DataFrame, float64 [samples x coefficients]
        Columns are named as by DESeq2's ``resultsNames`` (``Intercept``, ``status_lactating_vs_virgin``,
        ``cell_typeluminal.statuslactating``) with safe levels; ``attrs["coefficients"]`` maps each to its
        (factor, level) pairs, level None for numeric columns. Where a formula leaves out a main effect
        (``~ a:b``), the columns span R's but are fewer, since R's are not of full rank.

    Raises
    ------
    LatentomeError
        If a column does not exist, lacks a value, has one level only or is not numeric though listed so, or
        a reference level does not exist.
    """
    return build(encode(formula, samples, reference, numeric))[0]
