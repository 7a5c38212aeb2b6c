"""Draw generated beside real signatures."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.generated_signatures import generated_vs_real
from workflow_scripts.lib.plots.signature_tables import read_signature_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        scores = read_signature_table(snakemake.input.generated)
        points = read_signature_table(snakemake.input.generated_points)
        figure, table = generated_vs_real(scores, points, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
