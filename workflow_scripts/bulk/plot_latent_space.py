"""Draw the latent space of our NB-VAE and of the published one."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.latent import latent_space
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_models, read_table


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        latents = read_models(snakemake.input.latents, ("seed", "sample"), latent=True)
        shown = {model: latents[model] for model in ("nbvae", "published") if model in latents}
        samples = read_table(snakemake.input.samples, ("sample",))
        figure, table = latent_space(
            shown, samples, params.factors, params.published, simulated=params.simulated
        )
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
