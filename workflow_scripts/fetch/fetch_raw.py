"""Rule fetch_raw: download one raw file of the registry, resumed and checked."""

from pathlib import Path
from typing import Any

from workflow_scripts.lib.data.fetch import fetch
from workflow_scripts.lib.data.registry import read_registry
from workflow_scripts.lib.logs import job_log


def main(snakemake: Any) -> None:
    """Fetch the file that the rule's parameter names, as ``<accession>/<file>``."""
    with job_log(snakemake.log[0], ("requests",)):
        registry = read_registry(snakemake.input.registry)
        fetch(registry.get(snakemake.params.file), Path(snakemake.output[0]))


if __name__ == "__main__":
    main(snakemake)
