"""Every claim of the molecules study: as published, reproduced, corrected, verdict."""

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.molecules_claims import audit
from workflow_scripts.lib.tables import read_table, write_table


def main(snakemake) -> None:
    tables = {
        dataset: {
            name: pd.concat(map(read_table, paths), ignore_index=True) for name, paths in inputs.items()
        }
        for dataset, inputs in snakemake.params.datasets.items()
    }
    table = audit(tables)
    table["figure"] = ("results/figures/" + table.figure).where(table.figure != "", "")
    if set(snakemake.params.simulated) == set(tables):
        table["study"] = "molecules (simulated demo)"
    write_table(table, snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("pandas",)):
        main(snakemake)
