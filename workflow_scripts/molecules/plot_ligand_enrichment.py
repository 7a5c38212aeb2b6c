"""Draw how like known ligands the molecules are that were generated for knock-downs."""

from typing import Any

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.pair_scores import ligand_enrichment
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        text = ("target", "method", "kind", "condition", "seed", "metric")
        scores = pd.concat(
            read_table(path, text, ("value", "low", "high", "molecules"))
            for path in [*given.scores, given.baselines]
        )
        figure, table = ligand_enrichment(scores, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
