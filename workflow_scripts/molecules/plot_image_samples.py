"""Draw test pairs and what each model draws for them."""

from pathlib import Path
from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.paired_images import image_samples
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    params = snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        samples = {
            Path(path).parents[1].name: read_table(path, ("kind",), ("pair", "pixel", "value"))
            for path in snakemake.input.samples
        }
        figure, table = image_samples(samples, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
