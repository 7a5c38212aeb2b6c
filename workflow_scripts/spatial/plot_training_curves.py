"""Draw the training of every seed."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.spatial_tables import read_training
from workflow_scripts.lib.plots.spatial_training import training_curves
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    params = snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        histories = read_training(snakemake.input.histories)
        figure, table = training_curves(histories, simulated=params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
