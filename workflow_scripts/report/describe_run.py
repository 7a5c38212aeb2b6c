"""The run as a Workflow Run RO-Crate: a machine-readable description of what made which file from what."""

import json
from pathlib import Path

import yaml

from workflow_scripts.lib.crate import moments, named_in, write_crate
from workflow_scripts.lib.data.registry import read_registry
from workflow_scripts.lib.logs import job_log


def main(snakemake) -> None:
    folder = Path(snakemake.output[0]).parent
    config = yaml.safe_load(Path(snakemake.input.config).read_text(encoding="utf-8"))
    environment = json.loads(Path(snakemake.input.environment).read_text(encoding="utf-8"))
    used = [
        config["datasets"][study][name]
        for study, names in snakemake.params.datasets.items()
        for name in names
    ]
    code = Path(snakemake.input.workflow).relative_to(folder)
    results = [*snakemake.input.results, snakemake.input.environment]
    write_crate(
        folder,
        workflow=f"{code}/Snakefile",
        inputs=[str(Path(snakemake.input.config).relative_to(folder))],
        results=sorted({str(Path(path).relative_to(folder)) for path in results}),
        raw=named_in(used, read_registry(snakemake.input.registry)),
        environment=environment,
        when=moments(folder / "logs"),
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], packages=("rocrate",)):
        main(snakemake)
