"""Draw estimated against true ratios of spike-ins."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.spikes import NUMBERS, TEXT, spike_in
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        spikes = read_table(snakemake.input.spike_in, TEXT, NUMBERS)
        figure, table = spike_in(spikes, simulated=snakemake.params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
