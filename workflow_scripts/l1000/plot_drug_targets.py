"""Draw how near drugs lie to the knock-downs of their targets."""

from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.drug_targets import drug_targets
from workflow_scripts.lib.plots.signature_tables import read_signature_table
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        scores = read_signature_table(snakemake.input.targets)
        drugs = read_signature_table(snakemake.input.target_drugs)
        figure, table = drug_targets(scores, drugs, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
