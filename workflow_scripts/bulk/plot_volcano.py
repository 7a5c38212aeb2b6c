"""Draw effect against evidence of DESeq2 and the NB-VAE."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_contrasts
from workflow_scripts.lib.plots.volcano import METHODS, volcano


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        tables = {method: read_contrasts(snakemake.input[method]) for method in METHODS}
        params = snakemake.params
        figure, table = volcano(tables, simulated=params.simulated, padj=params.padj, lfc_cut=params.lfc_cut)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
