"""Join the domains of all seeds: their agreement with the annotation, and the first seed's map."""

import shutil

import pandas as pd

from workflow_scripts.lib.files import replacing
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import read_table, write_table


def main(snakemake) -> None:
    given, output = snakemake.input, snakemake.output
    scores = pd.concat([read_table(path) for path in given.scores])
    write_table(scores.assign(tuned=scores.section.astype(str).isin(snakemake.params.tuned)), output.domains)
    write_table(pd.concat([read_table(path) for path in given.after]), output.after)
    with replacing(output.domain_map) as path:
        shutil.copyfile(given.maps[0], path)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("pandas",)):
        main(snakemake)
