"""Draw what linear probes find in the parts of the latent spaces."""

from typing import Any

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.paired_images import latent_probes
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    params = snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        tables = [
            read_table(path, ("model", "seed", "metric"), ("value",)) for path in snakemake.input.scores
        ]
        figure, table = latent_probes(
            pd.concat(tables, ignore_index=True), simulated=params.simulated, note=params.note
        )
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
