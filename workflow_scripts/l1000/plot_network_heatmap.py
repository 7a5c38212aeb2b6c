"""Draw the distances between the codes of classes."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.class_network import network_heatmap
from workflow_scripts.lib.plots.signature_tables import read_distances
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        distances = read_distances(snakemake.input.distance)
        figure, table = network_heatmap(
            distances, snakemake.wildcards.model, simulated=params.simulated, note=params.note
        )
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
