"""Draw the latent units that carry signatures, and the classes' means in them."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.latent_nodes import signature_nodes
from workflow_scripts.lib.plots.signature_tables import read_signature_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        latent_units = read_signature_table(snakemake.input.latent_units)
        class_nodes = read_signature_table(snakemake.input.class_nodes)
        figure, table = signature_nodes(
            latent_units, class_nodes, simulated=params.simulated, note=params.note
        )
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
