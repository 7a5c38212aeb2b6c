"""Tables as pages show them: numbers shortened, their exact values kept for sorting."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

MOST_ROWS = 250
"""Rows of a table that a page shows; longer ones are downloads only."""


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and what it is sorted by."""

    text: str
    value: str


@dataclass(frozen=True)
class Column:
    """A column's heading, and whether it holds numbers."""

    name: str
    numeric: bool


@dataclass(frozen=True)
class PageTable:
    """A table of a page."""

    columns: list[Column]
    rows: list[list[Cell]]


def shown_number(value: float) -> str:
    """Return a number with four significant digits and a true minus sign."""
    text = f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e6 else f"{value:.4g}"
    return text.replace("-", "\u2212")


def page_table(table: pd.DataFrame) -> PageTable:
    """Return a table for a page; missing values are empty cells, columns without any value are left out."""
    kept = table.dropna(axis="columns", how="all")
    columns, parts = [], []
    for name in kept.columns:
        values = kept[name]
        numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        columns.append(Column(str(name), numeric))
        if numeric:
            parts.append(
                [Cell("", "") if pd.isna(v) else Cell(shown_number(v), repr(float(v))) for v in values]
            )
        else:
            parts.append([Cell("", "") if pd.isna(v) else Cell(str(v), str(v)) for v in values])
    return PageTable(columns, [list(row) for row in zip(*parts, strict=True)])
