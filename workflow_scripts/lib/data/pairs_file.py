"""Pairs of a molecule and its expression change on disk, with every split."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import replacing

from .prepared import read_prepared
from .treated_pairs import TreatedPairs

log = logging.getLogger("latentome")

COLUMNS = ("smiles", "raw_smiles", "dose_um", "time_h", "cell_id", "pert_id", "plate", "controls")


def pool(parts: Sequence[TreatedPairs], where: str) -> TreatedPairs:
    """Pairs of several files together, in the genes that all of them have, in the order of the first.

    Parameters
    ----------
    parts
        Of at least one file.
    where
        Name of the dataset, for the error.

    Raises
    ------
    LatentomeError
        If they have no gene in common, or a well is in two of them.
    """
    genes = [gene for gene in parts[0].genes if all(gene in set(part.genes) for part in parts[1:])]
    if not genes:
        raise LatentomeError(
            f"{where}: the files of wells have no gene in common; expected landmark genes in all"
        )
    changes = []
    for part in parts:
        place = {gene: k for k, gene in enumerate(part.genes)}
        changes.append(part.changes[:, [place[gene] for gene in genes]])
    sheet = pd.concat([part.sheet for part in parts])
    twice = sheet.index[sheet.index.duplicated()]
    if len(twice):
        raise LatentomeError(
            f"{where}: well {twice[0]} is there twice; expected each well in one file; drop it"
        )
    left_out = pd.concat([part.left_out for part in parts], ignore_index=True)
    return TreatedPairs(np.concatenate(changes), genes, sheet, left_out)


def only_pairs(pairs: TreatedPairs, kept: np.ndarray, reason: str, where: str) -> TreatedPairs:
    """Leave out some pairs and list them.

    Parameters
    ----------
    pairs
        Pairs.
    kept
        bool, [pairs].
    reason
        Why the others are left out.
    where
        Name of the dataset, for the error.

    Raises
    ------
    LatentomeError
        If no pair is left.
    """
    if not kept.any():
        raise LatentomeError(f"{where}: all {len(kept)} pairs are left out: {reason}; change that setting")
    gone = pairs.sheet.loc[~kept, ["pert_id", "raw_smiles"]].rename_axis("well").reset_index()
    if len(gone):
        log.info("%s: %d pairs left out: %s", where, len(gone), reason)
    left_out = pd.concat([pairs.left_out, gone.assign(reason=reason)], ignore_index=True)
    return TreatedPairs(pairs.changes[kept], pairs.genes, pairs.sheet[kept], left_out)


def write_pairs_file(
    path: str | Path, pairs: TreatedPairs, splits: Mapping[str, np.ndarray], split: str
) -> None:
    """Write ``pairs.h5ad``: changes, what is known of the wells, splits as ``split_KIND``, the one used as ``split``.

    Parameters
    ----------
    path
        Written whole or not at all.
    pairs
        Pairs.
    splits
        Part of each pair, shape [pairs], by kind of split.
    split
        The kind that models are trained with.
    """
    obs = pairs.sheet[list(COLUMNS)].copy()
    for name in ("smiles", "raw_smiles", "cell_id", "pert_id", "plate"):
        obs[name] = obs[name].astype(str)
    for kind, parts in splits.items():
        obs[f"split_{kind}"] = parts
    obs["split"] = splits[split]
    data = anndata.AnnData(pairs.changes.astype(np.float32), obs, pd.DataFrame(index=pd.Index(pairs.genes)))
    data.uns["split_kind"] = split
    with replacing(path) as part:
        data.write_h5ad(part)


def read_pairs_file(path: str | Path) -> anndata.AnnData:
    """Read what `write_pairs_file` wrote.

    Raises
    ------
    LatentomeError
        If the file cannot be read, a column is missing or a change is not finite.
    """
    data = read_prepared(path, "prepare_pairs")
    missing = [name for name in (*COLUMNS, "split") if name not in data.obs]
    if missing:
        raise LatentomeError(f"{path}: no column {missing[0]}; expected what rule prepare_pairs writes")
    if not np.isfinite(data.X).all():
        raise LatentomeError(f"{path}: a change is not finite; expected what rule prepare_pairs writes")
    for name in data.obs.columns:
        if isinstance(data.obs[name].dtype, pd.CategoricalDtype):
            data.obs[name] = data.obs[name].astype(str)
    return data


def conditions(obs: pd.DataFrame, *further: str) -> list[str]:
    """Cell line and time of each pair, and `further` columns, as one string each."""
    columns = ["cell_id", "time_h", *further]
    return list(obs[columns].astype(str).agg(" ".join, axis=1))
