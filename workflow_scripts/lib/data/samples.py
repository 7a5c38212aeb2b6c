"""Sample sheets: read as text, joined to the counts by name, with levels that survive YAML and R."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import close_match, listed, shown, unknown

from .text_table import read_table

log = logging.getLogger(__name__)

# "none" is a treatment, so not here.
MISSING_LEVELS = {"", "NA", "N/A", "NaN", "nan", "na", "n/a", "#N/A", "NULL", "?"}
_YAML_BOOLEANS = {True: {"yes", "true", "on"}, False: {"no", "false", "off"}}
_EXCLUDED = {"yes", "y", "true", "1", "x", "exclude", "excluded"}
_INCLUDED = {"", "no", "n", "false", "0", "na", "include", "included"}


def source_of(samples: pd.DataFrame) -> str:
    """Return the path that `samples` was read from, for error messages."""
    return str(samples.attrs.get("source", "the sample sheet"))


def read_samples(path: str | Path, *, sample_column: str | None = None) -> pd.DataFrame:
    """Read a sample sheet.

    Parameters
    ----------
    path
        Text separated by tab, comma or semicolon, with a header line.
    sample_column
        The column with the sample names as the count table spells them; by default the first.

    Returns
    -------
    DataFrame [samples x columns]
        All text, stripped, indexed by sample name, in the file's order; ``attrs["source"]`` is the path.

    Raises
    ------
    LatentomeError
        If the file is no table (see `text_table.read_table`), a line has too few or too many fields, the
        column does not exist, or a sample name is empty or not unique.
    """
    table = read_table(path)
    table.check_widths()
    header = table.header
    if sample_column is not None and sample_column not in header:
        place = f"{table.source}, line {table.header_line}"
        raise LatentomeError(f"{place}: {unknown('sample_column', sample_column, header)}; correct it")
    key = 0 if sample_column is None else header.index(sample_column)
    cells = table.frame().apply(lambda column: column.str.strip())
    names = cells.pop(key)
    for row, name in names.items():
        if not name:
            raise LatentomeError(
                f"{table.at(int(row))}, column {shown(header[key] or 1)}: the sample name is empty; expected "
                "a name on each line; fill or remove the line"
            )
    twice = names[names.duplicated(keep=False)]
    if len(twice):
        lines = twice.index[twice == twice.iloc[0]]
        raise LatentomeError(
            f"{table.at(int(lines[0]))}: the sample {shown(twice.iloc[0])} stands {len(lines)} times, again "
            f"at line {', '.join(str(table.header_line + 1 + row) for row in lines[1:6])}; expected one line "
            "a sample; remove or rename the others"
        )
    samples = cells.set_axis([header[c] or "row" for c in cells.columns], axis=1)
    samples.index = pd.Index(names.tolist(), name="sample")
    samples.attrs["source"] = table.source
    return samples


def _excluded(samples: pd.DataFrame) -> pd.Series:
    """Return which rows a column ``exclude`` or ``excluded`` marks."""
    marked = pd.Series(False, index=samples.index)
    for column in samples.columns:
        if column.lower() not in ("exclude", "excluded"):
            continue
        marks = samples[column].str.lower()
        odd = marks[~marks.isin(_EXCLUDED | _INCLUDED)]
        if len(odd):
            raise LatentomeError(
                f"{source_of(samples)}, column {shown(column)}, sample {shown(odd.index[0])}: "
                f"{shown(odd.iloc[0])} is neither yes nor no; expected yes, no or nothing; correct the cell"
            )
        marked |= marks.isin(_EXCLUDED)
    return marked


def keep_samples(samples: pd.DataFrame, subset: Mapping[str, Sequence[object]] | None = None) -> pd.DataFrame:
    """Drop the rows marked excluded and those outside `subset`.

    Parameters
    ----------
    samples
        As `read_samples` returns it. A column ``exclude`` (yes, no or empty) marks rows to drop.
    subset
        For each column, the levels to keep.

    Raises
    ------
    LatentomeError
        If a column or level of `subset` does not exist, an exclusion mark is unclear, or nothing is left.
    """
    source = source_of(samples)
    marked = _excluded(samples)
    if marked.any():
        log.info("%s: excluded samples: %s", source, listed(samples.index[marked], 20))
    keep = ~marked
    for column, values in (subset or {}).items():
        if column not in samples.columns:
            raise LatentomeError(f"{source}: {unknown('subset column', column, samples.columns)}; correct it")
        there = sorted(set(samples[column]))
        wanted = [level_text(v, column, there) for v in ([values] if isinstance(values, str) else values)]
        for level in wanted:
            if level not in there:
                what = f"subset level in column {shown(column)},"
                raise LatentomeError(f"{source}: {unknown(what, level, there)}; correct it")
        keep &= samples[column].isin(wanted)
    if not keep.any():
        raise LatentomeError(
            f"{source}: no sample is left after exclusion and subset ({dict(subset or {})}); expected some; "
            "widen the subset"
        )
    return samples[keep]


def join_samples(
    counts: pd.DataFrame,
    samples: pd.DataFrame,
    *,
    subset: Mapping[str, Sequence[object]] | None = None,
    columns: Iterable[str] = (),
) -> pd.DataFrame:
    """Match the sample sheet to the counts by name, never by position.

    Parameters
    ----------
    counts
        [genes x samples]; only its column names are used.
    samples
        As `read_samples` returns it.
    subset
        For each column, the levels to keep; see `keep_samples`.
    columns
        The columns that the design uses: no kept sample may lack a value there.

    Returns
    -------
    DataFrame
        The kept rows, in the order of the counts' columns; ``counts[result.index]`` goes with it.

    Raises
    ------
    LatentomeError
        If a column of the counts is not in the sheet, a kept sample is not in the counts, or a value is
        missing.
    """
    source = source_of(samples)
    kept = keep_samples(samples, subset)
    names = [str(name) for name in counts.columns]
    spare = [name for name in names if name not in samples.index]
    absent = [name for name in kept.index if name not in set(names)]
    fitting = [column for column in samples.columns if set(names) <= set(samples[column])]
    advice = f"set sample_column: {fitting[0]}, which has these names" if fitting else "make the names alike"
    if spare:
        raise LatentomeError(
            f"{source}: {len(spare)} of the counts' {len(names)} samples {'are' if len(spare) > 1 else 'is'} "
            f"not in the sheet: {listed(spare)}{close_match(spare[0], samples.index)}; expected a line for "
            f"each column of the counts; {advice}"
        )
    if absent:
        raise LatentomeError(
            f"{source}: {len(absent)} of the sheet's {len(kept)} samples "
            f"{'have' if len(absent) > 1 else 'has'} no column in the counts: "
            f"{listed(absent)}{close_match(absent[0], names)}; expected a column of counts for each; "
            f"{advice}, or mark the line excluded"
        )
    joined = kept.loc[[name for name in names if name in kept.index]]
    require_levels(joined, columns)
    return joined


def require_levels(samples: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise a `LatentomeError` if one of `columns` does not exist or lacks a value for a sample."""
    source = source_of(samples)
    for column in columns:
        if column not in samples.columns:
            raise LatentomeError(f"{source}: {unknown('design column', column, samples.columns)}; correct it")
        lacking = samples.index[samples[column].astype(str).isin(MISSING_LEVELS)]
        if len(lacking):
            raise LatentomeError(
                f"{source}, column {shown(column)}: no value for sample{'s' * (len(lacking) > 1)} "
                f"{listed(lacking)}; expected one, since the design uses the column; fill it in, or mark the "
                "sample excluded"
            )


def level_text(value: object, column: str, levels: Iterable[str] | None = None) -> str:
    """Return a level as the sample sheet spells it, whatever YAML made of it.

    Parameters
    ----------
    value
        From the config: text, or what YAML takes ``NO``, ``on``, ``1`` or ``2015-01-01`` for.
    column
        The column it is a level of, for the message.
    levels
        The levels there are. A boolean or number is restored if exactly one of them reads like it.

    Raises
    ------
    LatentomeError
        If `value` is a boolean that cannot be restored, empty, or a list.
    """
    if isinstance(value, str):
        return value.strip()
    there = [] if levels is None else list(levels)
    fitting: list[str] = []
    if isinstance(value, bool):
        fitting = [level for level in there if level.lower() in _YAML_BOOLEANS[value]]
    elif isinstance(value, int | float):
        fitting = [level for level in there if _number(level) == value]
    if len(fitting) == 1:
        return fitting[0]
    if value is None or isinstance(value, bool | list | tuple | dict):
        words = " or ".join(sorted(_YAML_BOOLEANS[value])) if isinstance(value, bool) else "no plain text"
        known = f"; there are: {listed(there, 12)}" if there else ""
        raise LatentomeError(
            f"config, level of column {shown(column)}: YAML read {value} (from {words}), so the level is "
            f'unclear; expected text{known}; write the level in quotes, such as "NO"'
        )
    return str(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def safe_levels(levels: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Map levels to names that R, formulas and file names take as they are, and back.

    Parameters
    ----------
    levels
        Text; repeats are ignored.

    Returns
    -------
    (level -> safe name, safe name -> level)
        Safe names are unique ASCII letters, digits and underscores and start with a letter. A level that is
        one already keeps it.
    """
    there = sorted(set(levels))
    safe = {level: level for level in there if re.fullmatch("[A-Za-z][A-Za-z0-9_]*", level)}
    taken = set(safe)
    for level in there:
        if level in safe:
            continue
        ascii_only = unicodedata.normalize("NFKD", level).encode("ascii", "ignore").decode("ascii")
        signed = re.sub("[+]$", "_pos", re.sub("-$", "_neg", ascii_only))  # CD4+ and CD4-
        stem = re.sub("[^A-Za-z0-9]+", "_", signed).strip("_")
        stem = stem if stem[:1].isalpha() else f"x{stem}"
        name, repeat = stem, 1
        while name in taken:
            repeat += 1
            name = f"{stem}_{repeat}"
        safe[level] = name
        taken.add(name)
    return safe, {name: level for level, name in safe.items()}
