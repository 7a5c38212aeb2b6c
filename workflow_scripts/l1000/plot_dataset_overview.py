"""Draw what the filters leave, and the cell lines."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.signature_overview import dataset_overview
from workflow_scripts.lib.plots.signature_tables import read_signature_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        counts = read_signature_table(snakemake.input.counts)
        cell_lines = read_signature_table(snakemake.input.cell_lines)
        figure, table = dataset_overview(counts, cell_lines, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
