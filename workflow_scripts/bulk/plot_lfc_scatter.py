"""Draw every predictor's fold changes against DESeq2's."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.effects import lfc_scatter
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_contrasts


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        tables = {
            method: read_contrasts(paths)
            for method, paths in snakemake.input.items()
            if method != "published"
        }
        numbers = ("log2FoldChange", "epochs")
        tables["published"] = read_contrasts(snakemake.input.published, ("gene_id", "seed"), numbers)
        figure, table = lfc_scatter(tables, simulated=snakemake.params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
