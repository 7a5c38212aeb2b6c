"""Draw what a data set of pairs has, and how well its changes repeat."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.pair_data import pairs_overview
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        splits = read_table(given.splits, ("split", "part"), ("pairs", "molecules", "shared_scaffolds"))
        noise = read_table(
            given.noise,
            ("cell_id",),
            ("time_h", "pairs", "molecules", "sd", "replicate_pearson", "random_pearson"),
        )
        figure, table = pairs_overview(splits, noise, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
