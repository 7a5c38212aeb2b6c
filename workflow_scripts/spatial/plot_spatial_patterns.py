"""Draw genes on the tissue before and after imputation."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.spatial_maps import spatial_patterns
from workflow_scripts.lib.plots.spatial_tables import read_spatial_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        patterns = read_spatial_table(given.patterns)
        figure, table = spatial_patterns(patterns, simulated=params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
