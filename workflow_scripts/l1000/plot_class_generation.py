"""Draw the nearest neighbours of signatures that were generated for a class."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.class_generation import class_generation
from workflow_scripts.lib.plots.signature_tables import read_signature_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        shares = read_signature_table(snakemake.input.class_generation)
        neighbours = read_signature_table(snakemake.input.class_neighbours)
        figure, table = class_generation(shares, neighbours, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
