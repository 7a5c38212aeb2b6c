"""Draw whether FDR, intervals and fold changes are what they claim to be."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.calibration import calibration
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_benchmark


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        benchmark = read_benchmark(snakemake.input.benchmark)
        params = snakemake.params
        figure, table = calibration(benchmark, simulated=params.simulated, nominal=params.padj)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
