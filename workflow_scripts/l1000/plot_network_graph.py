"""Draw every class with its nearest neighbour."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.class_network import network_graph
from workflow_scripts.lib.plots.signature_tables import read_signature_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        edges, nodes = (read_signature_table(path) for path in (snakemake.input.edges, snakemake.input.nodes))
        figure, table = network_graph(
            edges, nodes, snakemake.wildcards.model, simulated=params.simulated, note=params.note
        )
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
