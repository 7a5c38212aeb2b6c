"""Draw the distribution of marker genes by layer."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.marker_genes import stacked_violins
from workflow_scripts.lib.plots.spatial_tables import read_spatial_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        violins = read_spatial_table(given.violins)
        figure, table = stacked_violins(violins, simulated=params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
