"""Count which molecules and scaffolds of every part of the split the pretraining of SMILES has seen."""

import pandas as pd

from workflow_scripts.lib.data.molecule_splits import PARTS, molecule_set, overlap
from workflow_scripts.lib.data.pairs_file import read_pairs_file
from workflow_scripts.lib.data.smiles_files import read_pretraining
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table


def main(snakemake) -> None:
    given = snakemake.input
    obs = read_pairs_file(given.pairs).obs
    seen = read_pretraining(given.pretraining)
    own = {part: molecule_set(obs.loc[obs["split"] == part, "smiles"]) for part in PARTS}
    rows = [{"part": part, **overlap(molecules, seen)} for part, molecules in own.items()]
    write_table(pd.DataFrame(rows), snakemake.output.overlap)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("rdkit",)):
        main(snakemake)
