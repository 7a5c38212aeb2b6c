"""Draw how well classes are predicted from every representation."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.class_scores import class_prediction
from workflow_scripts.lib.plots.signature_tables import read_signature_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        classification = read_signature_table(snakemake.input.classification)
        figure, table = class_prediction(classification, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
