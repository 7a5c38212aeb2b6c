"""Snakemake's cache between workflows, whose entries stand in the results as links."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from workflow_scripts.lib.errors import LatentomeError

CACHE_ENTRY = re.compile(r"[0-9a-f]{64}")
"""How the name of a file in Snakemake's cache between workflows begins."""


def cache_entry(path: str | Path) -> Path | None:
    """The file in Snakemake's cache between workflows, there or not, to which a path is a link; else None."""
    path = Path(path)
    entry = path.readlink() if path.is_symlink() else None
    return entry if entry is not None and CACHE_ENTRY.match(entry.name) else None


def to_delete(path: str | Path) -> str:
    """Say what has to go before a damaged file can be made again: it, and the cache's entry to which it is a link."""
    entry = cache_entry(path)
    return f"it and {entry}, to which it is a link," if entry else "it"


def check_output_cache(location: str) -> None:
    """Refuse a cache between workflows that is not there, before the first job and not after it.

    Parameters
    ----------
    location
        ``SNAKEMAKE_OUTPUT_CACHE``: a folder, or an address where an object store holds the results.

    Raises
    ------
    LatentomeError
        If it is empty, or a folder that does not exist or cannot be written.
    """
    if not location:
        raise LatentomeError(
            "--cache needs a folder: mkdir one and export SNAKEMAKE_OUTPUT_CACHE with its absolute path"
        )
    if "://" in location:
        return
    if not Path(location).is_absolute() or not Path(location).is_dir() or not os.access(location, os.W_OK):
        raise LatentomeError(
            f"SNAKEMAKE_OUTPUT_CACHE={location}: expected the absolute path of a folder that is there and can be "
            "written; mkdir it or correct the path"
        )


def check_links(raw_dir: str) -> None:
    """Refuse links among raw and prepared data whose entries the cache no longer has: Snakemake blames another process.

    Parameters
    ----------
    raw_dir
        Folder of downloads, relative to the working folder, where ``results`` is too.

    Raises
    ------
    LatentomeError
        Naming the links.
    """
    found = [*Path("results").glob("*/*/*"), *Path(raw_dir).rglob("*")]
    lost = [path for path in found if cache_entry(path) and not path.exists()]
    if lost:
        names = " ".join(shlex.quote(str(path)) for path in lost)
        raise LatentomeError(
            f"{lost[0]} is a link to {cache_entry(lost[0])}, which the cache no longer has; to have it made again: "
            f"rm {names}"
        )
