"""Draw imputed against noise-free rates."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.imputation import planted_truth
from workflow_scripts.lib.plots.spatial_tables import read_spatial_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        truth = read_spatial_table(given.truth)
        figure, table = planted_truth(truth, simulated=params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
