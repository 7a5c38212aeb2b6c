"""Draw test molecules and what the first model draws for their expression changes."""

from pathlib import Path
from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.molecule_grid import molecule_grid
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        path = given.draws[0]
        draws = read_table(path, ("well", "true", "smiles"), ("draw",))
        figure, table = molecule_grid(
            draws, Path(path).parents[1].name, simulated=params.simulated, note=params.note
        )
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
