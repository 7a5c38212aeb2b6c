"""What the page of methods tells of a run: versions, parameters, data sets and their licences."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pandas as pd

PACKAGES = (
    "snakemake",
    "numpy",
    "scipy",
    "pandas",
    "anndata",
    "scikit-learn",
    "torch",
    "lightning-fabric",
    "safetensors",
    "rpy2",
    "scvi-tools",
    "scanpy",
    "squidpy",
    "torch-geometric",
    "rdkit",
    "selfies",
    "matplotlib",
    "altair",
    "vl-convert-python",
)
OWN_KEYS = ("title", "simulated")


def versions() -> list[tuple[str, str]]:
    """Return Python's and the packages' versions of the environment that built the pages."""
    found = [("python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Return a block of the config as rows of key and value; nested keys are joined by colons."""
    if isinstance(value, Mapping):
        rows: list[tuple[str, str]] = []
        for key, item in value.items():
            rows += flat(item, f"{prefix}: {key}" if prefix else str(key))
        return rows
    if isinstance(value, list) and not any(isinstance(item, Mapping | list) for item in value):
        return [(prefix, ", ".join(str(item) for item in value))]
    return [(prefix, "none" if value is None else str(value))]


def licences(registry: pd.DataFrame, files: Iterable[str]) -> list[tuple[str, str]]:
    """Return accession and licence of every registered file among `files` (``accession/file``), each pair once."""
    names = registry["accession"] + "/" + registry["file"]
    used = registry[names.isin(set(files))]
    pairs = (
        used[["accession", "licence"]]
        .fillna("none stated")
        .drop_duplicates()
        .sort_values(["accession", "licence"])
    )
    return list(pairs.itertuples(index=False, name=None))
