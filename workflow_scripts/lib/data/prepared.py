"""Reading the .h5ad files that the workflow prepares."""

from __future__ import annotations

from pathlib import Path

import anndata

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.output_cache import to_delete


def read_prepared(path: str | Path, rule: str) -> anndata.AnnData:
    """Read an .h5ad file that a rule of the workflow wrote.

    Parameters
    ----------
    path
        The file, or a link to it in Snakemake's cache between workflows.
    rule
        The rule's name, for the message.

    Raises
    ------
    LatentomeError
        If the file is missing, cut short or damaged; it names the cache's entry, if it comes from there.
    """
    if not Path(path).is_file():
        raise LatentomeError(f"{path} does not exist; run the rule {rule}, which makes it")
    try:
        return anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError) as error:
        raise LatentomeError(
            f"{path}: no readable .h5ad file ({str(error).splitlines()[0]}); expected AnnData; delete "
            f"{to_delete(path)} and run the rule {rule} again"
        ) from None
