"""Draw how well every model predicts held-out counts."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.learning import held_out
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_benchmark


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        benchmark = read_benchmark(snakemake.input.benchmark)
        figure, table = held_out(benchmark, simulated=snakemake.params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
