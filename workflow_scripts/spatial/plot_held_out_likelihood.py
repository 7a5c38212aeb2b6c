"""Draw the likelihood of held-out counts."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.imputation import held_out_likelihood
from workflow_scripts.lib.plots.spatial_tables import read_spatial_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        held_out = read_spatial_table(given.held_out)
        verdict = read_spatial_table(given.verdict)
        figure, table = held_out_likelihood(held_out, verdict, simulated=params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
