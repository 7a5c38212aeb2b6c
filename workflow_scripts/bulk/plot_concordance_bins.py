"""Draw the agreement with DESeq2 by expression."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.effects import concordance_bins
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_benchmark


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        benchmark = read_benchmark(snakemake.input.benchmark)
        params = snakemake.params
        figure, table = concordance_bins(benchmark, params.contrasts, simulated=params.simulated)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
