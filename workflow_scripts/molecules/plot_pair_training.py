"""Draw the validation score of models of molecules and expression changes while they train."""

from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.pair_data import pair_training
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        tables = [
            read_table(path, ("model", "seed", "name"), ("epoch", "value")).assign(
                direction=Path(path).parents[2].name
            )
            for path in given.histories
        ]
        long = pd.concat(tables)
        histories = long[long["name"] == "validation"][["direction", "model", "seed", "epoch", "value"]]
        figure, table = pair_training(histories, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
