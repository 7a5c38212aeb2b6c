"""Count which molecules and scaffolds of every part of the split the pretraining of SMILES has seen."""

import json
from pathlib import Path

import pandas as pd

from workflow_scripts.lib.data.molecule_splits import PARTS, overlap
from workflow_scripts.lib.data.pairs_file import read_pairs_file
from workflow_scripts.lib.data.smiles_files import pretraining_molecules, read_smiles
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table


def main(snakemake) -> None:
    given = snakemake.input
    obs = read_pairs_file(given.pairs).obs
    card = json.loads(Path(given.smiles_card).read_text())
    seen = pretraining_molecules(read_smiles(given.moses), card)
    rows = [
        {"part": part, **overlap(obs.loc[obs["split"] == part, "smiles"].unique(), seen)} for part in PARTS
    ]
    write_table(pd.DataFrame(rows), snakemake.output.overlap)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("rdkit",)):
        main(snakemake)
