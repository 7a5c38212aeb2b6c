"""Signatures generated for a class, and the classes of their nearest held-out neighbours."""

import logging

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.l1000 import held_out_parts, read_parts, read_signatures
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.generation import neighbour_classes, shares
from workflow_scripts.lib.metrics.latent_units import signature_nodes
from workflow_scripts.lib.tables import read_table, write_table
from workflow_scripts.lib.training.signature_models import SignatureModel, load_models

log = logging.getLogger("latentome")
COUNT = 500
"""Signatures generated a class, as published."""


def by_posterior(model: SignatureModel, data, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Decode z ~ q(z | x) of a class's training signatures."""
    chosen = rng.choice(rows, COUNT)
    cells = data.sheet.cell_id.iloc[chosen].tolist()
    mean, log_variance = model.encode(data.matrix[chosen], cells)
    return model.decode(mean + np.exp(0.5 * log_variance) * rng.normal(size=mean.shape), cells)


def by_pattern(model: SignatureModel, pattern: dict[int, float], cells: list[str], rng) -> np.ndarray:
    """As published: some nodes set by hand, the others N(0, 1)."""
    latent = rng.normal(size=(COUNT, model.latent))
    for unit, value in pattern.items():
        latent[:, unit] = value
    return model.decode(latent, cells)


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    rng = np.random.default_rng(params.seed)
    data = read_signatures(given.signatures)
    train, test = held_out_parts(read_parts(given.splits, data.sheet), data.sheet)
    classes = data.sheet.pcl_id.to_numpy()
    train &= classes != ""
    reference = np.flatnonzero(test & (classes != ""))
    count = pd.Series(classes[train]).value_counts()
    wanted = [name for name in count.index[count >= params.min_signatures] if name in set(classes[reference])]
    log.info("%d classes with training and held-out compounds", len(wanted))
    hand = read_table(given.patterns)
    rows, neighbours = [], []
    kept = classes[reference]
    base = pd.Series(kept).value_counts(normalize=True)

    def add(model, seed, method: str, name: str, found: np.ndarray) -> None:
        facts = {"model": model, "seed": seed, "method": method, "pcl_id": name}
        share = float((found == name).mean()) if found.size else float("nan")
        rows.append(
            {
                **facts,
                "share": share,
                "base_rate": base[name],
                "n_generated": found.size,
                "n_reference": kept.size,
            }
        )
        neighbours.extend(shares(found, facts))

    for name in wanted:
        # The ceiling: real signatures of the class's training compounds in place of generated ones.
        own = data.matrix[train & (classes == name)]
        add("real", None, "real", name, neighbour_classes(own, data.matrix[reference], kept))
    for model in load_models(given.models, data.genes.index):
        if not wanted:
            continue
        mean, _ = model.encode(data.matrix[train], data.sheet.cell_id[train].tolist())
        nodes = signature_nodes(mean)
        cells = rng.choice(data.sheet.cell_id[train], COUNT).tolist()
        any_z = neighbour_classes(
            model.decode(rng.normal(size=(COUNT, model.latent)), cells), data.matrix[reference], kept
        )
        for name in wanted:
            own = classes[train] == name
            made = by_posterior(model, data, np.flatnonzero(train)[own], rng)
            add(
                model.name,
                model.seed,
                "posterior",
                name,
                neighbour_classes(made, data.matrix[reference], kept),
            )
            pattern = hand[hand.pcl_id == name].set_index("unit").value.to_dict()
            if model.name != "weights_smgp":
                # The published values are of the published nodes; here a class's own means take their place.
                pattern = {unit: mean[own, unit].mean() for unit in nodes}
            if pattern:
                made = by_pattern(model, pattern, cells, rng)
                near = neighbour_classes(made, data.matrix[reference], kept, "euclidean")
                add(model.name, model.seed, "pattern", name, near)
            add(model.name, model.seed, "prior", name, any_z)
    columns = ["model", "seed", "method", "pcl_id"]
    table = pd.DataFrame(rows, columns=[*columns, "share", "base_rate", "n_generated", "n_reference"])
    write_table(table.astype({"seed": "Int64"}), snakemake.output.scores)
    table = pd.DataFrame(neighbours, columns=[*columns, "neighbour", "share"])
    write_table(table.astype({"seed": "Int64"}), snakemake.output.neighbours)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "torch", "scikit-learn"), seed=snakemake.params.seed):
        main(snakemake)
