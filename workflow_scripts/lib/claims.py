"""From a study's tables to its audited claims on disk: what the studies' audits share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from .tables import read_table, write_table

Tables = dict[str, dict[str, pd.DataFrame]]


def write_audit(
    audit: Callable[[Tables], pd.DataFrame],
    inputs: Mapping[str, Mapping[str, Sequence[str]]],
    files: Sequence[str],
    study: str,
    simulated: bool,
    path: str | Path,
) -> None:
    """Audit a study's claims and write them, figures with their folder.

    Parameters
    ----------
    audit
        From tables by dataset and name to rows of claims; ``figure`` is empty where a claim has none.
    inputs
        Paths by dataset and name; several of one name are put below each other.
    files
        Where these paths are on this machine, in their order: elsewhere, if an object store holds the results.
    study
        Its name.
    simulated
        Whether all datasets are; the study's name then says so.
    path
        The table.
    """
    paths_of = [paths for of_one in inputs.values() for paths in of_one.values()]
    here = dict(zip((path for paths in paths_of for path in paths), files, strict=True))
    tables = {
        dataset: {
            name: pd.concat([read_table(here[path]) for path in paths], ignore_index=True)
            for name, paths in of_one.items()
        }
        for dataset, of_one in inputs.items()
    }
    table = audit(tables)
    table["figure"] = ("results/figures/" + table.figure).where(table.figure != "", "")
    if simulated:
        table["study"] = f"{study} (simulated demo)"
    write_table(table, path)
