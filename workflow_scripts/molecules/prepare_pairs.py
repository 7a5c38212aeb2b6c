"""From wells of level-3 expression to pairs of molecule and expression change, their splits and their noise."""

import logging

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.molecule_splits import (
    GROUPS,
    KINDS,
    check_split,
    molecule_set,
    not_among,
    overlap,
    split_pairs,
)
from workflow_scripts.lib.data.notation import NOTATIONS
from workflow_scripts.lib.data.pairs_file import only_pairs, pool, write_pairs_file
from workflow_scripts.lib.data.signature_pairs import read_signature_pairs
from workflow_scripts.lib.data.signatures import read_landmarks
from workflow_scripts.lib.data.smiles_files import read_pretraining
from workflow_scripts.lib.data.treated_pairs import pair_with_controls
from workflow_scripts.lib.data.well_sources import (
    read_ready_pairs,
    read_smiles_table,
    read_wells,
    treated_and_vehicle,
)
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.expression_change import pair_noise
from workflow_scripts.lib.tables import write_table

log = logging.getLogger("latentome")


def splits_of(sheet, wanted, settings):
    """Part of each pair by every kind of split that these pairs allow; `wanted` must be among them."""
    found = {}
    for kind in KINDS:
        try:
            parts = split_pairs(
                kind,
                list(sheet["smiles"]),
                list(sheet["cell_id"]),
                settings["split_seed"],
                settings["held_out_cell"],
            )
        except LatentomeError as error:
            if kind == wanted:
                raise
            log.info("no split by %s: %s", kind, error)
            continue
        if kind in GROUPS:
            check_split(parts, [GROUPS[kind](one) for one in sheet["smiles"]])
        found[kind] = parts
    return found


def split_facts(sheet, splits):
    """split, part, pairs, molecules, and how many of its molecules and scaffolds the training part has too."""
    rows = []
    for kind, parts in splits.items():
        train = molecule_set(sheet["smiles"][parts == "train"])
        for part in ("train", "valid", "test"):
            own = molecule_set(sheet["smiles"][parts == part])
            shared = overlap(own, train) if part != "train" else {}
            number = {"pairs": int((parts == part).sum()), "molecules": len(own.molecules)}
            names = ("shared", "shared_without_stereo", "shared_scaffolds")
            known = {name: shared.get(name, np.nan) for name in names}
            rows.append({"split": kind, "part": part, **number, **known})
    return pd.DataFrame(rows)


def main(snakemake) -> None:
    params, given, output, dataset = (
        snakemake.params, snakemake.input, snakemake.output, snakemake.wildcards.dataset
    )  # fmt: skip
    settings = params.settings
    landmarks = read_landmarks(given.gene_info[0])
    smiles = read_smiles_table(given.smiles[0]) if given.smiles else {}
    parts = []
    sheets = iter(given.inst_info)
    for path, source in zip(given.wells, params.sources, strict=True):
        sheet = next(sheets) if source.get("inst_info") else None
        constants = source.get("constants", {})
        wells = read_wells(path, landmarks, smiles, constants, settings["missing_landmarks"], sheet)
        parts.append(pair_with_controls(treated_and_vehicle(wells), str(path), settings["most_unreadable"]))
    most = settings["most_unreadable"]
    parts += [read_ready_pairs(path, list(landmarks.index), most) for path in given.ready_pairs]
    for path, sheet in zip(given.signatures[::2], given.signatures[1::2], strict=True):
        parts.append(
            read_signature_pairs(path, sheet, landmarks, smiles, settings["missing_landmarks"], most)
        )
    pairs = pool(parts, dataset)
    if given.pretraining:
        unseen = not_among(list(pairs.sheet["smiles"]), read_pretraining(given.pretraining[0]))
        pairs = only_pairs(pairs, unseen, "seen in pretraining", dataset)
    written = {one: NOTATIONS[params.notation].can_write(one) for one in pairs.sheet["smiles"].unique()}
    kept = pairs.sheet["smiles"].map(written).to_numpy(bool)
    pairs = only_pairs(pairs, kept, f"cannot be written in {params.notation}", dataset)
    splits = splits_of(pairs.sheet, settings["split"], settings)
    write_pairs_file(output.pairs, pairs, splits, settings["split"])
    write_table(pairs.left_out, output.left_out)
    facts = split_facts(pairs.sheet, splits)
    log.info("%s, split by %s:\n%s", dataset, settings["split"], facts.to_string(index=False))
    write_table(facts, output.splits)
    write_table(pair_noise(pairs.changes, pairs.sheet, settings["split_seed"]), output.noise)


if __name__ == "__main__":
    with job_log(
        snakemake.log[0], ("rdkit", "anndata", "h5py"), seed=snakemake.params.settings["split_seed"]
    ):
        main(snakemake)
