"""The config of this run, as it was resolved, beside its results."""

import json

import yaml

from workflow_scripts.lib.files import write_atomic
from workflow_scripts.lib.logs import job_log


def main(snakemake) -> None:
    plain = json.loads(json.dumps(snakemake.params.config))
    write_atomic(snakemake.output[0], yaml.safe_dump(plain, sort_keys=True, allow_unicode=True))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake)
