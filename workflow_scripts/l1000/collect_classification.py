"""Class prediction of all splits in one table."""

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import read_table, write_table


def main(snakemake) -> None:
    write_table(pd.concat([read_table(path) for path in snakemake.input]), snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("pandas",)):
        main(snakemake)
