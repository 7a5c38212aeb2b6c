"""Spots stored by others: .h5ad files of any maker, and features (PCA scores) of sections without counts."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed, shown, unknown

from .spots import build_spots, note, set_labels

LAYERS = ("WM", "L1", "L2", "L3", "L4", "L5", "L6")
SYMBOLS = ("symbol", "gene_symbol", "gene_symbols", "gene_name", "gene_names", "feature_name", "SYMBOL")


def _are_counts(values: Any) -> bool:
    data = values.data if sparse.issparse(values) else np.asarray(values)
    return bool(data.size) and bool(
        np.isfinite(data).all() and (data >= 0).all() and (data == np.floor(data)).all()
    )


def _find_counts(data: anndata.AnnData, where: str) -> tuple[Any, pd.DataFrame, str]:
    """Return the raw counts, their genes and where they were: X, the layer counts, or raw."""
    places = [("X", data.X, data.var), ('layers["counts"]', data.layers.get("counts"), data.var)]
    if data.raw is not None:
        places.append(("raw.X", data.raw.X, data.raw.var))
    for place, values, var in places:
        if values is not None and _are_counts(values):
            return values, var, place
    looked = ", ".join(place for place, values, _ in places if values is not None) or "nowhere, X is empty"
    raise LatentomeError(
        f"{where}: no raw counts ({looked}: negative, fractional or missing values); expected whole counts in X, "
        'layers["counts"] or raw.X; the file was normalised: give the one from before'
    )


def read_h5ad_spots(
    path: str | Path,
    source: Mapping[str, str],
    label: str | None = None,
    unlabelled: Sequence[object] = (),
    keep: Mapping[str, Sequence[object]] | None = None,
    section: str | None = None,
) -> anndata.AnnData:
    """Read raw counts, coordinates and labels from a .h5ad.

    Parameters
    ----------
    path
        With ``obsm["spatial"]`` [spots x 2] and counts in ``X``, else ``layers["counts"]``, else ``raw.X``.
    source
        For ``uns["source"]``.
    label
        The ``obs`` column of labels, if any.
    unlabelled
        Its values that mean that a spot has none; missing ones always do.
    keep
        ``obs`` column -> values of the spots to keep, compared as text.
    section
        The ``obs`` column that tells sections apart, if any.

    Raises
    ------
    LatentomeError
        If the file is no AnnData, has no raw counts, no coordinates, or lacks a column that is asked for.
    """
    where = str(path)
    if not Path(path).is_file():
        raise LatentomeError(f"{where}: cannot be read (no such file); expected a file; check the path")
    try:
        data = anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError, TypeError) as error:
        empty = "the file is empty" if Path(path).stat().st_size == 0 else str(error).splitlines()[0]
        raise LatentomeError(
            f"{where}: no readable .h5ad file ({empty}); expected AnnData; download or write it again"
        ) from None
    for column in (label, section, *(keep or {})):
        if column is not None and column not in data.obs:
            raise LatentomeError(
                f"{where}: {unknown('obs column', column, data.obs.columns)}; mend the data set's block"
            )
    values, var, place = _find_counts(data, where)
    if "spatial" not in data.obsm:
        raise LatentomeError(
            f'{where}: obsm["spatial"] is missing (it has {listed(data.obsm) or "nothing"}); expected coordinates '
            "[spots x 2]; store them under this name"
        )
    symbols = next((var[name].astype(str).tolist() for name in SYMBOLS if name in var), None)
    xy = np.asarray(data.obsm["spatial"], dtype=np.float64)
    obs = data.obs.drop(columns=[name for name in ("label", "section") if name in data.obs])
    spots = build_spots(values, data.obs_names, var.index, xy, {**source, "taken from": place}, symbols, obs)
    if section is not None:
        spots.obs["section"] = pd.Categorical(data.obs[section].astype(str))
    if label is not None:
        set_labels(spots, data.obs[label], unlabelled)
        if spots.obs.label.isna().all():
            raise LatentomeError(
                f"{where}: no spot has a label in obs column {shown(label)}; expected some, or no label key"
            )
    for column, wanted in (keep or {}).items():
        kept = (
            data.obs.loc[spots.obs_names, column]
            .astype(str)
            .isin([str(value) for value in wanted])
            .to_numpy()
        )
        if kept.sum() < 2:
            raise LatentomeError(
                f"{where}: {int(kept.sum())} spots have {listed(wanted)} in obs column {shown(column)} (it has "
                f"{listed(data.obs[column].astype(str).unique())}); expected two or more; mend keep"
            )
        spots = spots[kept].copy()
        note(spots, f"spots with the wanted {column}", spots.n_obs)
    for column in ("label", "section"):
        if column in spots.obs:
            spots.obs[column] = spots.obs[column].cat.remove_unused_categories()
    return spots


def read_features(path: str | Path, source: Mapping[str, str]) -> anndata.AnnData:
    """Read stored features of labelled cortex sections.

    Parameters
    ----------
    path
        ``.npz`` with ``<section>_pca`` [spots x features], ``<section>_xy`` [spots x 2] (x, y) and
        ``<section>_label`` (0 white matter, 1 to 6 the layers) of every section.
    source
        For ``uns["source"]``.

    Returns
    -------
    AnnData of all sections, X float32 features; spots are called ``<section>_<row>``, since the file has no barcodes.

    Raises
    ------
    LatentomeError
        If the file is no such archive, or its arrays do not fit.
    """
    where = str(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in sorted(archive.files)}
    except (OSError, EOFError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise LatentomeError(
            f"{where}: no archive of arrays ({str(error).splitlines()[0]}); expected .npz with <section>_pca, _xy and "
            "_label; check that it was downloaded whole"
        ) from None
    sections = [name.removesuffix("_pca") for name in arrays if name.endswith("_pca")]
    if not sections:
        raise LatentomeError(
            f"{where}: no array is called <section>_pca (it has {listed(arrays)}); expected one a section"
        )
    for name in sections:
        shapes = [arrays.get(f"{name}_{part}", np.empty(0)).shape for part in ("pca", "xy", "label")]
        width = arrays[f"{sections[0]}_pca"].shape[1:]
        n = shapes[0][:1]
        if shapes != [n + width, (*n, 2), n] or len(width) != 1:
            raise LatentomeError(
                f"{where}: section {shown(name)}: _pca, _xy and _label have the shapes {shapes}; expected [spots x "
                f"{listed(width)}], [spots x 2] and [spots], the same in all sections"
            )
    codes = np.concatenate([arrays[f"{name}_label"] for name in sections])
    if not np.isin(codes, np.arange(len(LAYERS))).all():
        raise LatentomeError(
            f"{where}: a label is none of 0 to {len(LAYERS) - 1}; expected 0 white matter, 1 to 6 layers"
        )
    sizes = [len(arrays[f"{name}_label"]) for name in sections]
    values = np.vstack([arrays[f"{name}_pca"] for name in sections])
    spots = build_spots(
        values,
        [f"{name}_{row}" for name, size in zip(sections, sizes, strict=True) for row in range(size)],
        [f"PC{k + 1}" for k in range(values.shape[1])],
        np.vstack([arrays[f"{name}_xy"] for name in sections]),
        {**source, "values": "features"},
    )
    spots.obs["section"] = pd.Categorical(np.repeat(sections, sizes))
    set_labels(spots, pd.Series(np.array(LAYERS, dtype=object)[codes]))
    return spots
