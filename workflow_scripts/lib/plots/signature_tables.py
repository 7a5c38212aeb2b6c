"""The L1000 study's tables as its figures read them: which columns are text, numbers and flags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from .tables import read_table


class Columns(NamedTuple):
    """Columns that a table must have; flags are 0 and 1, or False and True."""

    text: Sequence[str]
    numbers: Sequence[str]
    flags: Sequence[str] = ()


_INTERVAL = ("value", "lower", "upper")
TABLES = {
    "counts": Columns(("source", "step"), ("signatures", "perturbagens", "names", "cell_lines")),
    "cell_lines": Columns(("source", "cell_id", "pert_type"), ("signatures", "perturbagens")),
    "expression_points": Columns(
        ("sig_id", "pert_type", "cell_id", "source", "pcl_id", "pert_iname"),
        ("pc1", "pc2", "share1", "share2"),
    ),
    "history": Columns(("model", "seed", "name"), ("epoch", "value")),
    "reconstruction": Columns(
        ("model", "seed"), ("units", "active", "explained_variance", "lower", "upper", "n", "compounds")
    ),
    "latent_units": Columns(
        ("model", "seed", "unit"),
        ("kl", "weight_norm", "mean_abs"),
        ("active_kl", "active_weight", "signature_node"),
    ),
    "latent_sample": Columns(("model", "seed", "sig_id", "pert_iname", "pcl_id", "unit"), ("value",)),
    "class_nodes": Columns(("model", "seed", "pcl_id", "unit"), ("mean", "n")),
    "programmes": Columns(("model", "seed", "programme"), ("r2", "n")),
    "generated": Columns(("model", "seed", "sample", "metric"), ("value", "n")),
    "generated_points": Columns(("model", "seed", "sample"), ("pc1", "pc2", "share1", "share2")),
    "class_generation": Columns(
        ("model", "seed", "method", "pcl_id"), ("share", "base_rate", "n_generated", "n_reference")
    ),
    "class_neighbours": Columns(("model", "seed", "method", "pcl_id", "neighbour"), ("share",)),
    "classification": Columns(
        ("representation", "classifier", "split", "labels"),
        (
            *("features", "accuracy", "accuracy_lower", "accuracy_upper", "balanced_accuracy"),
            *("balanced_lower", "balanced_upper", "macro_f1", "top5", "n", "units", "classes"),
        ),
    ),
    "codes": Columns(("model", "seed", "preparation", "labels", "metric"), (*_INTERVAL, "n", "compounds")),
    "targets": Columns(("representation", "cells", "metric"), (*_INTERVAL, "drugs")),
    "target_drugs": Columns(
        ("representation", "cells", "drug", "targets"),
        (
            *("n_signatures", "n_relevant", "items", "mean_first_rank", "best_first_rank", "null_rank"),
            *("auroc", "reciprocal_rank", "recall_at_10"),
        ),
        ("of_pabon",),
    ),
    "edges": Columns(("target", "source"), ("distance", "weight"), ("mutual",)),
    "nodes": Columns(("pcl_id",), ("norm", "signatures")),
    "units": Columns(("model", "unit"), ("weight_norm",), ("active",)),
    "decoded": Columns(("pcl_id", "symbol", "direction"), ("value", "rank")),
}


def read_signature_table(path: str | Path, name: str = "") -> pd.DataFrame:
    """Read a table of the L1000 study.

    Parameters
    ----------
    path
        The file.
    name
        Which of `TABLES` it is; by default the file's stem.
    """
    columns = TABLES[name or Path(path).stem]
    table = read_table(path, (*columns.text, *columns.flags), columns.numbers)
    for flag in columns.flags:
        table[flag] = table[flag].isin(["1", "1.0", "True", "true"])
    for whole in ("seed", "unit"):
        # A column of whole numbers and empty cells is written as 0.0, 1.0, ...
        if whole in table:
            table[whole] = table[whole].str.removesuffix(".0")
    return table


def read_histories(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Read the histories of all models and seeds into one table."""
    tables = [read_signature_table(path, "history") for path in paths]
    if not tables:
        return pd.DataFrame(
            {name: pd.Series(dtype=object) for name in (*TABLES["history"].text, "epoch", "value")}
        )
    table = pd.concat(tables, ignore_index=True)
    # What a model says of validation beside its loss is written as validation/accuracy.
    return table.assign(name=table["name"].str.removeprefix("validation/"))


def read_distances(path: str | Path) -> pd.DataFrame:
    """Read the distances between classes, indexed by class both ways."""
    names = read_table(path, ("pcl_id",))["pcl_id"].tolist()
    return read_table(path, ("pcl_id",), names).set_index("pcl_id")[names]
