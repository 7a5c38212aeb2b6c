"""Join the held-out scores of all seeds and methods, and say whether imputation helps."""

import logging

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.imputation_verdict import imputation_verdict
from workflow_scripts.lib.tables import read_table, write_table

log = logging.getLogger("latentome")


def joined(paths, numbers) -> pd.DataFrame:
    """Tables below each other, some columns as numbers."""
    whole = pd.concat([read_table(path) for path in paths])
    return whole.assign(**{name: pd.to_numeric(whole[name]) for name in numbers})


def main(snakemake) -> None:
    given, output = snakemake.input, snakemake.output
    scores = joined(
        given.scores, ("seed", "log_likelihood", "pearson", "genes_scored", "held_out_umis")
    ).sort_values(["kind", "method", "seed"], kind="stable")
    write_table(scores, output.scores)
    verdict = imputation_verdict(scores)
    write_table(verdict, output.verdict)
    calibration = joined(given.calibration, ("seed", "u", "ecdf", "deviation", "by_chance", "values"))
    mean = calibration.groupby(["method", "u"], sort=False, as_index=False)
    write_table(
        mean.agg(ecdf=("ecdf", "mean"), deviation=("deviation", "max"), by_chance=("by_chance", "max")),
        output.calibration,
    )
    coverage = joined(given.coverage, ("seed", "level", "coverage", "expected", "counts"))
    found = coverage.groupby(["method", "level"], sort=False, as_index=False)
    write_table(
        found.agg(coverage=("coverage", "mean"), expected=("expected", "mean"), counts=("counts", "sum")),
        output.coverage,
    )
    log.info("%s: %s", snakemake.wildcards.dataset, verdict.set_index("item").value["verdict"])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("pandas", "scipy")):
        main(snakemake)
