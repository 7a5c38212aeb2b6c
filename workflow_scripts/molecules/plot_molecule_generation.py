"""Draw how good the molecules are that are generated for expression changes."""

from typing import Any

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.pair_scores import molecule_generation
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        scores = pd.concat(
            read_table(path, ("method", "kind", "seed", "metric"), ("value", "low", "high", "molecules"))
            for path in [*given.scores, given.baselines]
        )
        figure, table = molecule_generation(scores, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
