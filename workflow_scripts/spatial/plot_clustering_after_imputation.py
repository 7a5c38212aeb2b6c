"""Draw clusters before and after imputation."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.spatial_domains import clustering_after_imputation
from workflow_scripts.lib.plots.spatial_tables import read_spatial_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        after_imputation = read_spatial_table(given.after_imputation)
        figure, table = clustering_after_imputation(after_imputation, simulated=params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
