"""Draw the training of all models."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.learning import loss_curves
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_models


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        histories = read_models(snakemake.input.histories, ("seed", "name"), ("epoch", "value"))
        figure, table = loss_curves(histories, simulated=snakemake.params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
