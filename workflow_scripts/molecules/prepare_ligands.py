"""Standardise the known ligands of the proteins knocked down, once for all models."""

import pandas as pd

from workflow_scripts.lib.data.ligands import read_ligands
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table


def main(snakemake) -> None:
    params = snakemake.params
    tables = [
        pd.DataFrame({"target": target, "smiles": read_ligands(path, params.settings["most_unreadable"])})
        for target, path in zip(params.targets, snakemake.input.ligands, strict=True)
    ]
    write_table(pd.concat(tables), snakemake.output.ligands)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("rdkit",)):
        main(snakemake)
