"""Every claim of the L1000 study: as published, reproduced, corrected, verdict."""

from workflow_scripts.lib.claims import write_audit
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.l1000_claims import audit


def main(snakemake) -> None:
    params = snakemake.params
    write_audit(
        audit, params.datasets, snakemake.input, "l1000", set(params.simulated) == {True}, snakemake.output[0]
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("pandas",)):
        main(snakemake)
