"""List the molecules that the model of SMILES was pretrained on, with their scaffolds: once, for every dataset."""

import json
from pathlib import Path

from workflow_scripts.lib.data.smiles_files import pretraining_molecules, read_smiles
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table


def main(snakemake) -> None:
    card = json.loads(Path(snakemake.input.smiles_card).read_text())
    found = pretraining_molecules(read_smiles(snakemake.input.moses), card)
    write_table(found, snakemake.output.molecules)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("rdkit",)):
        main(snakemake)
