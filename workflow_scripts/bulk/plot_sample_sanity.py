"""Draw the samples, their depth and the verdicts of the sanity checks."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.samples import CHECKS, NUMBERS, sample_sanity
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        samples = read_table(snakemake.input.samples, ("sample",), NUMBERS)
        sanity = read_table(snakemake.input.sanity, CHECKS)
        params = snakemake.params
        figure, table = sample_sanity(samples, sanity, params.factors, simulated=params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
