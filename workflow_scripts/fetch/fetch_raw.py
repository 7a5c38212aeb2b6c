"""Rule fetch_raw: download one raw file of the registry, resumed and checked, unless a dataset cache has it."""

from pathlib import Path
from typing import Any

from workflow_scripts.lib.data.dataset_cache import copy_cached
from workflow_scripts.lib.data.fetch import fetch
from workflow_scripts.lib.data.registry import read_registry
from workflow_scripts.lib.logs import job_log


def main(snakemake: Any) -> None:
    """Fetch the file that the rule's parameter names, as ``<accession>/<file>``."""
    with job_log(snakemake.log[0], ("requests",)):
        registry = read_registry(snakemake.input.registry)
        entry, destination = registry.get(snakemake.params.file), Path(snakemake.output[0])
        if not copy_cached(entry, destination, snakemake.params.dataset_caches):
            fetch(entry, destination)


if __name__ == "__main__":
    main(snakemake)
