"""The bulk study's counts.h5ad as the scripts use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats.design import contrast_vector, model_matrix

from .prepared import read_prepared


@dataclass(frozen=True)
class BulkCounts:
    """Tested genes of a data set.

    Attributes
    ----------
    counts
        Integers, [genes x samples]; gene ids and sample names are its labels.
    samples
        The sample sheet, all text, indexed by sample.
    size_factors
        Shape [samples].
    symbols
        Gene symbols by gene id; empty where unknown.
    control
        Boolean mask of the genes that define the size factors, or None for all.
    """

    counts: pd.DataFrame
    samples: pd.DataFrame
    size_factors: np.ndarray
    symbols: pd.Series
    control: np.ndarray | None

    @property
    def normalised(self) -> np.ndarray:
        """Counts over size factors, [genes x samples]."""
        return self.counts.to_numpy() / self.size_factors


def read_bulk(path: str | Path) -> BulkCounts:
    """Read counts.h5ad and keep the tested genes.

    Parameters
    ----------
    path
        Written by the rule prepare_counts.

    Raises
    ------
    LatentomeError
        If the file cannot be read or a column of the file contract is missing.
    """
    data = read_prepared(path, "prepare_counts")
    for frame, name, column in (
        (data.obs, "obs", "size_factor"),
        (data.var, "var", "symbol"),
        (data.var, "var", "tested"),
    ):
        if column not in frame:
            raise LatentomeError(
                f"{path}: {name} has no column {column}; expected a file of the rule prepare_counts"
            )
    data = data[:, data.var.tested.to_numpy(bool)]
    counts = pd.DataFrame(np.asarray(data.X).T.astype(np.int64), index=data.var_names, columns=data.obs_names)
    control = (
        data.var["size_factor_gene"].to_numpy(bool) if "size_factor_gene" in data.var else np.zeros(0, bool)
    )
    samples = data.obs.drop(columns=["size_factor", "library_size"]).astype(str)
    return BulkCounts(
        counts.rename_axis(index="gene_id", columns="sample"),
        samples,
        data.obs["size_factor"].to_numpy(float),
        data.var["symbol"].astype(str),
        control if control.any() else None,
    )


def one_hot(samples: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Batch columns as indicators without their first level, float [samples x levels]."""
    if not columns:
        return np.zeros((len(samples), 0))
    return pd.get_dummies(samples[columns], drop_first=True).to_numpy(float)


def design_of(
    samples: pd.DataFrame, parts: Mapping[str, Any], numeric: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Model matrix [samples x coefficients] and contrast weights [coefficients] of a contrast's config block."""
    options: dict[str, Any] = {"reference": parts.get("reference"), "numeric": numeric}
    matrix = model_matrix(parts["design"], samples, **options)
    return matrix.to_numpy(float), contrast_vector(parts["design"], samples, parts["contrast"], **options)
