"""Draw the over-represented GO biological processes of both methods."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.enrichment import NUMBERS, TEXT, enrichment
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_contrasts


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        tables = read_contrasts(snakemake.input.enrichment, TEXT, NUMBERS)
        params = snakemake.params
        figure, table = enrichment(tables, "GO_BP", simulated=params.simulated, padj=params.padj)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
