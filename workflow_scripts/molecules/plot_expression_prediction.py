"""Draw how near predicted expression changes come to measured ones."""

from typing import Any

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.pair_scores import expression_prediction
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        scores = pd.concat(
            read_table(path, ("method", "kind", "seed", "metric"), ("value", "low", "high", "molecules"))
            for path in [*given.scores, given.baselines]
        )
        figure, table = expression_prediction(scores, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
