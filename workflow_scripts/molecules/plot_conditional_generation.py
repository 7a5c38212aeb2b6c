"""Draw how often models draw the digit that they were given."""

from typing import Any

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.paired_images import conditional_generation
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        scores = pd.concat(read_table(path, ("model", "seed", "metric"), ("value",)) for path in given.scores)
        ceilings = read_table(given.ceilings, ("trained_on", "applied_to", "split"), ("epoch", "accuracy"))
        figure, table = conditional_generation(scores, ceilings, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
