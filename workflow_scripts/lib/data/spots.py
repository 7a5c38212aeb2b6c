"""Spots of a tissue section with their counts: the table that every reader builds, its checks, filters and summary."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed, shown

from .prepared import read_prepared

log = logging.getLogger(__name__)

MAX_COUNT = 2**31 - 1
MISSING = ("", "NA", "nan", "NaN", "None", "<NA>")
"""How other programs write that a spot has no label."""
RAW = "give raw counts, not normalised or log values"


def as_counts(
    values: Any, barcodes: Sequence[str], genes: Sequence[str], where: str, most: int = MAX_COUNT
) -> sparse.csr_matrix:
    """Return `values` as integer counts, exactly, or refuse them.

    Parameters
    ----------
    values
        [spots x genes], dense or sparse, of any number type.
    barcodes, genes
        Names of its rows and columns, for errors.
    where
        The file, for errors.
    most
        Largest count allowed.

    Returns
    -------
    csr_matrix, int32 [spots x genes], without stored zeros, columns sorted.

    Raises
    ------
    LatentomeError
        If a value is missing, infinite, negative, not whole or above `most`; spot and gene are named.
    """
    matrix = sparse.csr_matrix(values, copy=True)
    matrix.sum_duplicates()
    data = matrix.data
    with np.errstate(invalid="ignore"):
        bad = ~np.isfinite(data) | (data < 0) | (data != np.floor(data)) | (data > most)
    if bad.any():
        place = int(bad.argmax())
        row = int(np.searchsorted(matrix.indptr, place, side="right")) - 1
        value = data[place]
        if not np.isfinite(value):
            fault = "is missing or infinite"
        elif value < 0:
            fault = "is negative"
        else:
            fault = "is above 2^31-1" if value > most else "is not a whole number"
        raise LatentomeError(
            f"{where}: spot {shown(barcodes[row])}, gene {shown(genes[matrix.indices[place]])}: the count {value:g} "
            f"{fault}; expected whole counts of 0 or more; {RAW}"
        )
    matrix.eliminate_zeros()
    return matrix.astype(np.int32)


def build_spots(
    values: Any,
    barcodes: Sequence[str],
    genes: Sequence[str],
    xy: np.ndarray,
    source: Mapping[str, str],
    symbols: Sequence[str] | None = None,
    obs: pd.DataFrame | None = None,
) -> anndata.AnnData:
    """Assemble what a reader found, checked.

    Parameters
    ----------
    values
        Counts [spots x genes], dense or sparse, see `as_counts`; with ``source["values"] = "features"`` they are
        real numbers and stay float32.
    barcodes, genes
        Names, each once.
    xy
        [spots x 2]: x to the right (column), y down (row), in the file's unit.
    source
        ``format``, ``platform``, file names; ``counts`` is the file that errors name.
    symbols
        Gene symbols, if the file has them beside the ids; where one is empty, the id stands for it.
    obs
        Further columns, rows as in `barcodes`.

    Returns
    -------
    AnnData with ``obsm["spatial"]``, ``uns["source"]`` and the numbers of spots and genes in ``uns["reading"]``.

    Raises
    ------
    LatentomeError
        See `as_counts` and `check_spots`.
    """
    barcodes, genes, where = [str(name) for name in barcodes], [str(name) for name in genes], source["counts"]
    _check_unique(barcodes, "barcode", where)
    _check_unique(genes, "gene", where)
    features = source.get("values") == "features"
    matrix = np.asarray(values, np.float32) if features else as_counts(values, barcodes, genes, where)
    index = pd.Index(barcodes, dtype=object)
    table = pd.DataFrame(index=index) if obs is None else obs.set_axis(index, axis=0)
    var = pd.DataFrame(index=pd.Index(genes, dtype=object))
    if symbols is not None:
        var["symbol"] = [
            gene if str(name).strip() in ("", "nan", "None") else str(name)
            for gene, name in zip(genes, symbols, strict=True)
        ]
    spots = anndata.AnnData(matrix, obs=table, var=var, obsm={"spatial": np.asarray(xy, np.float64)})
    spots.uns["source"] = {"values": "counts", **{key: str(value) for key, value in source.items()}}
    note(spots, "spots read", spots.n_obs)
    note(spots, "genes read", spots.n_vars)
    check_spots(spots, where)
    return spots


def note(spots: anndata.AnnData, item: str, value: int) -> None:
    """Keep a number of the reading for the summary."""
    spots.uns.setdefault("reading", {})[item] = int(value)
    log.info("%s: %d", item, value)


def _check_unique(names: Sequence[str], what: str, where: str) -> None:
    index = pd.Index(names)
    if index.has_duplicates:
        twice = index[index.duplicated()].unique()
        raise LatentomeError(
            f"{where}: the {what} {shown(twice[0])} stands {int((index == twice[0]).sum())} times"
            + (f", and {len(twice) - 1} others too" if len(twice) > 1 else "")
            + f"; expected each {what} once; rename, merge or remove them"
        )


def check_spots(spots: anndata.AnnData, where: str) -> None:
    """Refuse spots that break the contract of ``spots.h5ad``.

    Parameters
    ----------
    spots
        X int32 CSR counts [spots x genes] (float32 [spots x features] where ``uns["source"]["values"]`` is
        ``features``), unique names, ``obsm["spatial"]`` float64 [spots x 2], ``obs["label"]`` and
        ``obs["section"]`` categorical if there are any.
    where
        The file, for errors.

    Raises
    ------
    LatentomeError
        At the first breach.
    """
    if spots.n_obs < 2:
        raise LatentomeError(
            f"{where}: there {'is one spot' if spots.n_obs else 'are no spots'}; expected at least 2, since "
            "nothing is spatial about fewer; check the file and the filters"
        )
    if spots.n_vars == 0:
        raise LatentomeError(f"{where}: there are no genes; expected a column for each gene; check the file")
    _check_unique(spots.obs_names, "barcode", where)
    _check_unique(spots.var_names, "gene", where)
    if "spatial" not in spots.obsm:
        raise LatentomeError(
            f'{where}: obsm["spatial"] is missing (it has {listed(spots.obsm) or "nothing"}); expected '
            "coordinates [spots x 2]; store them under this name"
        )
    xy = np.asarray(spots.obsm["spatial"])
    if xy.ndim != 2 or xy.shape[1] != 2 or xy.dtype != np.float64:
        raise LatentomeError(
            f'{where}: obsm["spatial"] is {xy.dtype} of shape {xy.shape}; expected float64 [spots x 2], x and y'
        )
    lost = ~np.isfinite(xy).all(axis=1)
    if lost.any():
        raise LatentomeError(
            f"{where}: spot {shown(spots.obs_names[lost.argmax()])} has no coordinates (missing or infinite), one of "
            f"{int(lost.sum())} such; expected two numbers for each; complete the positions or drop the spots"
        )
    for column in ("label", "section"):
        if column in spots.obs and spots.obs[column].dtype != "category":
            raise LatentomeError(
                f'{where}: obs["{column}"] is {spots.obs[column].dtype}; expected categories'
            )
    features = spots.uns.get("source", {}).get("values") == "features"
    if features:
        right = not sparse.issparse(spots.X) and spots.X.dtype == np.float32 and np.isfinite(spots.X).all()
        expected = "finite float32 features"
    else:
        right = isinstance(spots.X, sparse.csr_matrix | sparse.csr_array) and spots.X.dtype == np.int32
        right = right and bool((spots.X.data >= 0).all())
        expected = "int32 counts of 0 or more as CSR"
    if not right:
        raise LatentomeError(
            f"{where}: X is not as it should be; expected {expected}; run prepare_spots again"
        )


def read_spots(path: str | Path) -> anndata.AnnData:
    """Read a ``spots.h5ad`` and check it, see `check_spots`.

    Raises
    ------
    LatentomeError
        If the file is missing, unreadable or breaks the contract.
    """
    spots = read_prepared(path, "prepare_spots")
    check_spots(spots, str(path))
    return spots


def set_labels(spots: anndata.AnnData, labels: pd.Series, unlabelled: Sequence[object] = ()) -> None:
    """Store labels as categories in ``obs["label"]``, in alphabetical order.

    Parameters
    ----------
    spots
        Changed in place.
    labels
        One for each spot, in order; missing where a spot has none.
    unlabelled
        Values that mean that a spot has no label.
    """
    text = pd.Series(labels.astype(object).to_numpy(), index=spots.obs_names)
    text = text.map(str, na_action="ignore")
    text = text.mask(text.isin([*MISSING, *(str(value) for value in unlabelled)]))
    spots.obs["label"] = pd.Categorical(text, categories=sorted(text.dropna().unique()))
