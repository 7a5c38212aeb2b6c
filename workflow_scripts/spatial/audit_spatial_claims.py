"""Every claim of the spatial study: as published, reproduced, corrected, verdict."""

from workflow_scripts.lib.claims import write_audit
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.spatial_claims import audit


def main(snakemake) -> None:
    params = snakemake.params
    simulated = set(params.simulated) == set(params.datasets)
    write_audit(audit, params.datasets, snakemake.input, "spatial", simulated, snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("pandas",)):
        main(snakemake)
