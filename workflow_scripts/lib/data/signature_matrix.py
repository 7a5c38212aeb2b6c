"""Matrices of signatures in any of their forms: GCTX, GCT, or a plain table of signatures x genes."""

from __future__ import annotations

import gzip
import logging
import shutil
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import replacing
from workflow_scripts.lib.wording import listed

from .gct import read_gct
from .gctx import as_text, locate, read_ids, read_matrix, read_metadata
from .gctx_blocks import Report

log = logging.getLogger("latentome")

GENE_COLUMNS = ("pr_gene_id", "pr_gene_symbol")
TEXT_FORMS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
BLOCK_BYTES = 1 << 22


@dataclass(frozen=True)
class StoredMatrix:
    """A file of signatures, its values not read yet.

    Attributes
    ----------
    path
        The file.
    signatures
        Ids of its signatures, in file order.
    genes
        Ids of its genes, in file order, by each naming that the file has: ``id`` and perhaps `GENE_COLUMNS`.
    sheet
        What the file says of its signatures, indexed by id; without columns if it says nothing.
    read
        Values float32 [signatures x genes] of places of genes and of signatures.
    """

    path: Path
    signatures: list[str]
    genes: dict[str, list[str]]
    sheet: pd.DataFrame
    read: Callable[[np.ndarray, np.ndarray], np.ndarray]


def unpack(source: str | Path, target: str | Path) -> None:
    """Unpack a gzipped matrix to disk in bounded memory.

    Raises
    ------
    LatentomeError
        If the file is no gzip or is cut short; nothing is then left at `target`.
    """
    size = Path(source).stat().st_size
    try:
        with replacing(target) as path, gzip.open(source, "rb") as packed, path.open("wb") as out:
            log.info("unpacking %s, %.1f GB", source, size / 1e9)
            shutil.copyfileobj(packed, out, BLOCK_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise LatentomeError(
            f"{source}: cannot be unpacked ({error}); it is cut short or no gzip; delete it and fetch it again"
        ) from None


def open_matrix(path: str | Path, report: Report | None = None) -> StoredMatrix:
    """Look into a matrix file, by the end of its name.

    Parameters
    ----------
    path
        ``.gctx``, ``.gct``, or ``.csv`` / ``.tsv`` (also gzipped): a signature a line, its id first, genes in the head.
    report
        Progress of reading a GCTX.

    Raises
    ------
    LatentomeError
        If the form is unknown or the file is damaged.
    """
    path = Path(path)
    if path.suffix == ".gctx":
        rows = read_metadata(path, "row")
        return StoredMatrix(
            path,
            read_ids(path, "column"),
            {"id": rows.index.tolist(), **_namings(rows)},
            read_metadata(path, "column"),
            lambda genes, signatures: read_matrix(path, genes, signatures, report),
        )
    if path.suffix == ".gct":
        table = read_gct(path)
        names = {"id": table.rows.index.tolist(), **_namings(table.rows)}
        values, sheet = table.matrix, table.columns
    elif path.name.endswith(TEXT_FORMS):
        values, sheet, names = _read_text_matrix(path)
    else:
        raise LatentomeError(
            f"{path}: unknown form; expected .gctx, .gctx.gz, .gct, {', '.join(TEXT_FORMS)}; rename or convert it"
        )
    signatures = sheet.index.astype(str).tolist()
    twice = pd.Index(signatures)[pd.Index(signatures).duplicated()].unique()
    if len(twice):
        raise LatentomeError(
            f"{path}: signature ids come more than once: {listed(twice)}; expected each once"
        )
    return StoredMatrix(
        path,
        signatures,
        names,
        sheet,
        lambda genes, columns: values[np.ix_(columns, genes)].astype(np.float32),
    )


def _namings(rows: pd.DataFrame) -> dict[str, list[str]]:
    return {name: as_text(rows[name].to_numpy()) for name in GENE_COLUMNS if name in rows}


def _read_text_matrix(path: Path) -> tuple[np.ndarray, pd.DataFrame, dict[str, list[str]]]:
    separator = "," if ".csv" in path.name else "\t"
    try:
        table = pd.read_csv(path, sep=separator, index_col=0, dtype={0: str})
        values = table.to_numpy(np.float32)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise LatentomeError(
            f"{path}: cannot be read as a table of numbers ({error}); expected a signature a line, its id first, and "
            "Entrez ids in the head"
        ) from None
    return values, pd.DataFrame(index=table.index.astype(str)), {"id": table.columns.astype(str).tolist()}


def find_landmarks(
    stored: StoredMatrix, landmarks: pd.DataFrame, missing_allowed: int = 0
) -> tuple[np.ndarray, list[str]]:
    """Places of the landmark genes in a matrix [landmarks], by whichever of its namings fits best.

    Parameters
    ----------
    stored
        The matrix.
    landmarks
        From `read_landmarks`: indexed by Entrez id, with ``pr_gene_symbol``.
    missing_allowed
        Landmarks that may be missing.

    Returns
    -------
    places
        A place for every landmark, -1 where the matrix has none.
    missing
        Entrez ids of these.

    Raises
    ------
    LatentomeError
        If more are missing.
    """
    best = np.full(len(landmarks), -1)
    for name, ids in stored.genes.items():
        for wanted in (landmarks.index, landmarks.pr_gene_symbol):
            places = pd.Index(ids).get_indexer_for(wanted) if pd.Index(ids).is_unique else None
            if places is not None and (places >= 0).sum() > (best >= 0).sum():
                best = places
                log.info("%s: %d landmarks found by %s", stored.path, (places >= 0).sum(), name)
    missing = landmarks.index[best < 0].tolist()
    if len(missing) > missing_allowed:
        raise LatentomeError(
            f"{stored.path}: {len(missing)} of {len(landmarks)} landmark genes are not among its "
            f"{len(stored.genes['id'])} genes ({listed(missing)}); expected Entrez ids or symbols of the gene_info "
            "table; take the gene_info of the same series, or allow it with missing_landmarks"
        )
    return best, missing


def match(stored: StoredMatrix, wanted: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Places of signatures in the matrix [found], in the order of `wanted`, and the ids that it lacks."""
    found = locate(stored.signatures, wanted)
    return found.places, found.missing
