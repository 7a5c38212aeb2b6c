"""Join the as-published model's fold changes of all seeds."""

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import read_table, write_table


def main(snakemake) -> None:
    write_table(pd.concat(map(read_table, snakemake.input), ignore_index=True), snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake)
