"""Join the claims of all studies."""

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import read_table, write_table

COLUMNS = ["study", "claim", "as_published", "reproduced", "corrected", "interval", "verdict", "figure"]


def main(snakemake) -> None:
    tables = [read_table(path, tuple(COLUMNS), text=tuple(COLUMNS)) for path in snakemake.input]
    write_table(
        pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS), snakemake.output[0]
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake)
