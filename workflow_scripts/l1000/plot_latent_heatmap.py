"""Draw single signatures in every latent unit."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.latent_nodes import latent_heatmap
from workflow_scripts.lib.plots.signature_tables import read_signature_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        latent_sample = read_signature_table(snakemake.input.latent_sample)
        figure, table = latent_heatmap(latent_sample, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
