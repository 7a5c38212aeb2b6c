"""Draw the training of all models of signatures."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.signature_tables import read_histories
from workflow_scripts.lib.plots.signature_training import signature_training
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        histories = read_histories(snakemake.input.histories)
        figure, table = signature_training(histories, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
