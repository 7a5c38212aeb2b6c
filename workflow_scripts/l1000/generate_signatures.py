"""Signatures generated from the prior against real held-out ones, beside a Gaussian, a shuffle and other real ones."""

import logging

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.l1000 import held_out_parts, read_parts, read_signatures, unit_of
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.generation import compare_samples, gaussian_like, shuffled_genes
from workflow_scripts.lib.metrics.reconstruction import principal_components
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.signature_models import load_models

log = logging.getLogger("latentome")
POINTS = 1000
FEWEST = 12
SCORES = ["model", "seed", "sample", "metric", "value", "n"]
POINT = ["model", "seed", "sample", "pc1", "pc2", "share1", "share2"]


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    rng = np.random.default_rng(params.seed)
    data = read_signatures(given.signatures)
    train, test = held_out_parts(read_parts(given.splits, data.sheet), data.sheet)
    # Two halves of the held-out perturbagens: one to be compared with, one that shows what real data reach.
    units = unit_of(data.sheet).to_numpy()
    half = np.isin(units, rng.permutation(np.unique(units[test]))[::2])
    first, second = (rng.permutation(np.flatnonzero(test & side)) for side in (half, ~half))
    size = min(params.most, first.size, second.size)
    if size < FEWEST:
        log.warning("%d held-out signatures: too few to compare generated ones with", size)
        write_table(pd.DataFrame(columns=SCORES), snakemake.output.scores)
        write_table(pd.DataFrame(columns=POINT), snakemake.output.points)
        return
    real, other = data.matrix[first[:size]], data.matrix[second[:size]]
    scores, points = [], []

    def add(model, seed, sample: str, values: np.ndarray) -> None:
        found = compare_samples(real, values, params.seed)
        scores.extend(
            {"model": model, "seed": seed, "sample": sample, "metric": metric, "value": value, "n": size}
            for metric, value in found.items()
        )
        log.info("%s, %s: %s", model, sample, found)

    add("real", None, "real", other)
    add("gaussian", None, "gaussian", gaussian_like(data.matrix[train], size, rng).astype(np.float32))
    add(
        "shuffled",
        None,
        "shuffled",
        shuffled_genes(data.matrix[rng.choice(np.flatnonzero(train), size)], rng),
    )
    lines = data.sheet.cell_id[train].to_numpy()
    seen = set()
    for model in load_models(given.models, data.genes.index):
        cells = rng.choice(lines, size).tolist()
        values = model.sample(size, cells, rng)
        add(model.name, model.seed, "generated", values)
        # The posterior of all training signatures together, where the prior is not it.
        chosen = rng.choice(np.flatnonzero(train), size)
        again = model.resample(data.matrix[chosen], data.sheet.cell_id.iloc[chosen].tolist(), rng)
        add(model.name, model.seed, "aggregate", again)
        if model.name in seen:
            continue
        seen.add(model.name)
        # As published: the components of both together.
        both = np.vstack([real, values])
        components = principal_components(both, 2)
        spread = components.scores(both, 2)
        share = spread.var(axis=0) / both.var(axis=0, dtype=np.float64).sum()
        kind = np.repeat(["real", "generated"], size)
        table = pd.DataFrame({"model": model.name, "seed": model.seed, "sample": kind})
        table = table.assign(pc1=spread[:, 0], pc2=spread[:, 1], share1=share[0], share2=share[1])
        points.append(table.groupby("sample", sort=False).head(POINTS))
    write_table(pd.DataFrame(scores).astype({"seed": "Int64"}), snakemake.output.scores)
    write_table(pd.concat(points), snakemake.output.points)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "torch", "scikit-learn"), seed=snakemake.params.seed):
        main(snakemake)
