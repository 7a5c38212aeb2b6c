"""Draw what the NB-VAE says of the genes that DESeq2 gives no adjusted p-value."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import GENERATIVE_NUMBERS, read_contrasts
from workflow_scripts.lib.plots.untested import tested_vs_na


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        deseq2 = read_contrasts(snakemake.input.deseq2)
        nbvae = read_contrasts(snakemake.input.nbvae, numbers=GENERATIVE_NUMBERS)
        figure, table = tested_vs_na(deseq2, nbvae, simulated=snakemake.params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
