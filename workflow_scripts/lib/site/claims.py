"""The table of published claims, as pages show it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Claim:
    """One published claim; every part is a list of lines, one a data set where several are told apart."""

    study: str
    claim: str
    as_published: list[str]
    reproduced: list[str]
    corrected: list[str]
    interval: list[str]
    verdict: list[str]
    figure: str
    code: str


COLUMNS = ("as_published", "reproduced", "corrected", "interval", "verdict")


def lines(text: object, datasets: Collection[str]) -> list[str]:
    """Return a cell as lines: one a data set if every part after a semicolon begins with a data set's name."""
    if pd.isna(text) or not str(text):
        return []
    names = "|".join(re.escape(name) for name in sorted(datasets, key=len, reverse=True))
    if not names:
        return [str(text)]
    parts = re.split(rf"; (?=(?:{names}): )", str(text))
    return [re.sub(rf"^(?:{names}): ", "", parts[0])] if len(parts) == 1 and len(datasets) == 1 else parts


def page_claims(table: pd.DataFrame, study: str, datasets: Collection[str]) -> list[Claim]:
    """Return a study's claims for its page.

    Parameters
    ----------
    table
        ``results/<study>/claims.tsv``.
    study
        The study.
    datasets
        Names of the data sets that ran.
    """
    found = []
    for _, row in table.iterrows():
        parts = {column: lines(row[column], datasets) for column in COLUMNS}
        path = "" if pd.isna(row["figure"]) else str(row["figure"])
        place = re.fullmatch(r"(?:results/figures/)?\w+/(\w+)/(\w+)\.svg", path)
        figure = f"{study}.html#{place[1]}-{place[2]}" if place else ""
        found.append(
            Claim(study, str(row["claim"]), **parts, figure=figure, code=f"lib/metrics/{study}_claims.py")
        )
    return found
