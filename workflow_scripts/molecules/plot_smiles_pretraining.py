"""Draw how the autoencoder of SMILES was pretrained, and what its prior generates."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.pair_data import smiles_pretraining
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    given = snakemake.input
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        history = read_table(given.history, ("name",), ("epoch", "value"))
        scores = read_table(given.scores, ("sampling", "metric"), ("value",))
        figure, table = smiles_pretraining(history, scores)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
