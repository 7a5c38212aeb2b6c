"""Draw annotation and domains on the tissue."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.spatial_domains import spatial_domains
from workflow_scripts.lib.plots.spatial_tables import read_spatial_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        domain_map = read_spatial_table(given.domain_map)
        domains = read_spatial_table(given.domains)
        figure, table = spatial_domains(domain_map, domains, simulated=params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
