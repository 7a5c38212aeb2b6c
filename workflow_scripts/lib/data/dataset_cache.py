"""Files that squidpy or scanpy has downloaded before, so that they need not come twice."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from workflow_scripts.lib.files import replacing

from .registry import Entry

log = logging.getLogger("latentome")


def cached_places(file: str, folders: Iterable[str | Path]) -> list[Path]:
    """Where the two libraries put a file below their dataset folders.

    Parameters
    ----------
    file
        As in the registry: ``visium_hne_adata.h5ad`` (squidpy's name of a data set), or, of one of 10x's samples,
        ``raw/V1_Adult_Mouse_Brain/filtered_feature_bc_matrix.h5``.
    folders
        ``scanpy.settings.datasetdir`` (``data``), squidpy's own before 1.8 (``~/.cache/squidpy``).

    Returns
    -------
    Paths, there or not, in the order of preference.
    """
    path = PurePosixPath(file)
    sample, name = path.parent.name, path.name
    below = (
        # squidpy since 1.8, then its development version, then scanpy.visium_sge
        [f"{kind}{sample}/{form}" for kind in ("visium/", "visium_10x/", "") for form in (name, f"{sample}_{name}")]
        if sample
        else [f"anndata/{name}", name]
    )  # fmt: skip
    return [Path(folder).expanduser() / place for folder in folders for place in below]


def copy_cached(entry: Entry, destination: Path, folders: Iterable[str | Path]) -> bool:
    """Copy a registered file from a cache, if it is there with the registered checksum.

    Parameters
    ----------
    entry
        The file's row of the registry; without a sha256 nothing is taken, for the libraries do not check either.
    destination
        Where it goes.
    folders
        See `cached_places`.

    Returns
    -------
    bool
        Whether `destination` is there now.
    """
    if not entry.sha256:
        return False
    for place in cached_places(entry.file, folders):
        if not place.is_file():
            continue
        with place.open("rb") as handle:
            found = hashlib.file_digest(handle, "sha256").hexdigest()
        if found == entry.sha256:
            with replacing(destination) as fresh:
                shutil.copyfile(place, fresh)
            log.info("%s: taken from %s", entry.key, place)
            return True
        log.warning("%s: %s is left alone: its sha256 is %s, not the registered one", entry.key, place, found)
    return False
