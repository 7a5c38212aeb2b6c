"""Count which molecules and scaffolds of every part of the split the pretraining of SMILES has seen."""

from pathlib import Path

import pandas as pd

from workflow_scripts.lib.data.molecule_splits import PARTS, overlap
from workflow_scripts.lib.data.pairs_file import read_pairs_file
from workflow_scripts.lib.data.smiles_files import read_smiles
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.smiles_model import load_smiles_model, pretraining_molecules


def main(snakemake) -> None:
    given = snakemake.input
    obs = read_pairs_file(given.pairs).obs
    _, card = load_smiles_model(Path(given.smiles_weights).parent)
    seen = pretraining_molecules(read_smiles(given.moses), card)
    rows = [
        {"part": part, **overlap(obs.loc[obs["split"] == part, "smiles"].unique(), seen)} for part in PARTS
    ]
    write_table(pd.DataFrame(rows), snakemake.output.overlap)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("rdkit", "torch")):
        main(snakemake)
