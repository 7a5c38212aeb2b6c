"""Draw the signatures in two principal components."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.signature_overview import expression_pca
from workflow_scripts.lib.plots.signature_tables import read_signature_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        expression_points = read_signature_table(snakemake.input.expression_points)
        figure, table = expression_pca(expression_points, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
