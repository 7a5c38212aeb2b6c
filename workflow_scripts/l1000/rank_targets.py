"""Rank knock-downs by their likeness to each drug, and see where its targets are."""

import logging

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.l1000 import is_knock_down, read_parts, read_signatures
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.reconstruction import principal_components
from workflow_scripts.lib.metrics.target_ranking import drug_rows, summary_rows
from workflow_scripts.lib.tables import read_table, write_table
from workflow_scripts.lib.training.signature_models import load_models

log = logging.getLogger("latentome")


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    data = read_signatures(given.signatures)
    train = (read_parts(given.splits, data.sheet) == "train").to_numpy()
    knock_down = is_knock_down(data.sheet)
    log.info("%d knock-downs of %d genes", knock_down.sum(), data.sheet.pert_iname[knock_down].nunique())
    # The published 16 drugs keep their own targets; the Repurposing Hub has those of all others.
    pabon = read_table(given.published)
    own = pabon.groupby("drug").target.agg(list).to_dict()
    names = data.sheet.pert_iname.str.lower()
    hub = data.sheet.targets.str.upper().str.split("|")
    targets = pd.Series(
        [own.get(name, listed) for name, listed in zip(names, hub, strict=True)], index=names.index
    )
    cells = data.sheet.cell_id.tolist()
    values = {"raw": data.matrix}
    for model in load_models(given.models, data.genes.index):
        name = {"vae_published": "e3"}.get(model.name, model.name)
        values.setdefault(name, model.encode(data.matrix, cells)[0])
    size = values["vae"].shape[1]
    values["pca"] = principal_components(data.matrix[train], size).scores(data.matrix, size)
    # The null: knock-downs keep their signatures and lose their names.
    shuffled = data.sheet.copy()
    shuffled.loc[knock_down, "pert_iname"] = renamed(
        data.sheet.pert_iname[knock_down], params.seed
    ).to_numpy()
    drugs, scores = [], []
    for name, representation in [*values.items(), ("permuted", values["raw"])]:
        sheet = shuffled if name == "permuted" else data.sheet
        for matched in (True, False):
            facts = {"representation": name, "cells": "matched" if matched else "any"}
            rows = drug_rows(representation, sheet, knock_down, targets, list(own), matched)
            drugs += [{**facts, **row} for row in rows]
            scores += summary_rows(pd.DataFrame(rows), facts, params.seed)
    columns = [
        "representation",
        "cells",
        "drug",
        "targets",
        "n_signatures",
        "n_relevant",
        "items",
        "mean_first_rank",
    ]
    columns += ["best_first_rank", "null_rank", "genes", "auroc", "reciprocal_rank", "recall_at_10"]
    columns += ["first_rank_over_null", "of_pabon"]
    write_table(pd.DataFrame(drugs, columns=columns), snakemake.output.drugs)
    columns = ["representation", "cells", "metric", "value", "lower", "upper", "drugs"]
    write_table(pd.DataFrame(scores, columns=columns), snakemake.output.scores)


def renamed(genes: pd.Series, seed: int) -> pd.Series:
    """Gene names permuted among genes, so that all hairpins of a gene get the same other name."""
    names = np.sort(genes.unique())
    return genes.map(dict(zip(names, np.random.default_rng(seed).permutation(names), strict=True)))


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "torch"), seed=snakemake.params.seed):
        main(snakemake)
