"""Draw marker genes under the published labels and under the true design."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.markers import CHANGE_NUMBERS, published_contrast
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        markers = read_table(snakemake.input.markers, ("symbol", "sample"), ("normalised_count",))
        changes = read_table(snakemake.input.changes, ("symbol", "contrast", "method"), CHANGE_NUMBERS)
        samples = read_table(snakemake.input.samples, ("sample",))
        figure, table = published_contrast(
            markers, changes, samples, params.factors, params.published, simulated=params.simulated
        )
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
