"""Draw the scores of masked entries."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.imputation import masked_protocol
from workflow_scripts.lib.plots.spatial_tables import read_spatial_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        masked = read_spatial_table(given.masked)
        figure, table = masked_protocol(masked, simulated=params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
