"""Draw what the published imputed matrix is."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.published_imputation import published_matrix
from workflow_scripts.lib.plots.spatial_tables import read_published_matrix, read_spatial_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        figure, table = published_matrix(
            read_published_matrix(given.matrix),
            read_spatial_table(given.findings),
            read_spatial_table(given.epochs),
            simulated=params.simulated,
            note=params.note,
        )
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
