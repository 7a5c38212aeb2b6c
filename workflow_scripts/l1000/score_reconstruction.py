"""How much of held-out perturbagens' signatures every model explains, beside zero, mean and principal components."""

import logging

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.l1000 import held_out_parts, read_parts, read_signatures, unit_of
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.latent_units import active_by_kl
from workflow_scripts.lib.metrics.reconstruction import LineMeans, explained_by_units, principal_components
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.signature_models import load_models

log = logging.getLogger("latentome")
COMPONENTS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 100)


def main(snakemake) -> None:
    data = read_signatures(snakemake.input.signatures)
    train, test = held_out_parts(read_parts(snakemake.input.splits, data.sheet), data.sheet)
    units = unit_of(data.sheet)[test].to_numpy()
    values, cells = data.matrix[test], data.sheet.cell_id[test].tolist()
    lines = data.sheet.cell_id[train].tolist()
    rows = []

    def score(model: str, seed, size: int, active: int, reconstructed: np.ndarray) -> None:
        found = explained_by_units(values, reconstructed, units, seed=0)
        rows.append(
            {
                "model": model, "seed": seed, "units": size, "active": active, "explained_variance": found.value,
                "lower": found.lower, "upper": found.upper, "n": len(values), "compounds": len(set(units)),
            }
        )  # fmt: skip
        log.info("%s, seed %s: explains %.4f", model, seed, found.value)

    sizes = set(COMPONENTS)
    for model in load_models(snakemake.input.models, data.genes.index):
        active = (
            len(model.codes)
            if not model.is_vae
            else len(active_by_kl(*model.encode(data.matrix[train], lines)))
        )
        size = len(model.codes) if not model.is_vae else model.latent
        sizes |= {active, size} if model.is_vae else set()
        score(model.name, model.seed, size, active, model.reconstruct(values, cells))
    most = min(int(train.sum()) - 1, data.matrix.shape[1])
    components = principal_components(data.matrix[train], most)
    for size in sorted(k for k in sizes if 0 < k <= most):
        score("pca", None, size, size, components.reconstruct(values, size))
    # Our VAE is told the cell line; so is this one.
    means = LineMeans(data.matrix[train], lines)
    residual = principal_components(data.matrix[train] - means.of(lines), most)
    for size in sorted(k for k in sizes if 0 < k <= most):
        again = means.of(cells) + residual.reconstruct(values - means.of(cells), size)
        score("pca_by_line", None, size, size, again)
    score("zero", None, 0, 0, np.zeros_like(values))
    score("mean", None, 0, 0, np.broadcast_to(components.mean, values.shape))
    write_table(pd.DataFrame(rows).astype({"seed": "Int64"}), snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "torch")):
        main(snakemake)
