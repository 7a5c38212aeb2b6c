"""Which latent units carry something, what classes do to them, and whether planted programmes can be read off."""

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.l1000 import held_out_parts, read_parts, read_signatures
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.latent_units import (
    active_by_kl,
    active_by_weight,
    class_means,
    programme_recovery,
    signature_nodes,
    unit_kl,
)
from workflow_scripts.lib.metrics.reconstruction import principal_components
from workflow_scripts.lib.tables import read_table, write_table
from workflow_scripts.lib.training.signature_models import load_models

SHOWN = 300


def unit_rows(model, mean: np.ndarray, log_variance: np.ndarray, labelled: np.ndarray) -> pd.DataFrame:
    """One row a latent unit; the signature nodes are the published study's, of labelled signatures where there are."""
    units = np.arange(mean.shape[1])
    nodes = signature_nodes(mean[labelled] if labelled.any() else mean)
    table = {
        "model": model.name, "seed": model.seed, "unit": units, "kl": unit_kl(mean, log_variance),
        "weight_norm": np.linalg.norm(model.mean_weight, axis=1),
        "mean_abs": np.abs(mean[labelled] if labelled.any() else mean).mean(axis=0),
        "active_kl": np.isin(units, active_by_kl(mean, log_variance)).astype(int),
        "active_weight": np.isin(units, active_by_weight(model.mean_weight)).astype(int),
        "signature_node": np.isin(units, nodes).astype(int),
    }  # fmt: skip
    return pd.DataFrame(table)


def main(snakemake) -> None:
    given, output, params = snakemake.input, snakemake.output, snakemake.params
    data = read_signatures(given.signatures)
    train, test = held_out_parts(read_parts(given.splits, data.sheet), data.sheet)
    labelled = (data.sheet.pcl_id != "").to_numpy()
    shown = np.sort(np.random.default_rng(0).permutation(len(data.sheet))[:SHOWN])
    truth = (
        read_table(given.truth, ("sig_id",), text=("sig_id",)).set_index("sig_id") if given.truth else None
    )
    activity = truth.loc[data.sheet.index].to_numpy() if truth is not None else None
    units, samples, classes, programmes = [], [], [], []
    sizes, cells = set(), data.sheet.cell_id.to_numpy()
    for model in load_models(given.models, data.genes.index):
        mean, log_variance = model.encode(data.matrix, data.sheet.cell_id.tolist())
        table = unit_rows(model, mean, log_variance, labelled)
        units.append(table)
        key = {"model": model.name, "seed": model.seed}
        part = data.sheet.iloc[shown][["pert_iname", "pcl_id"]].reset_index()
        for unit in range(mean.shape[1]):
            samples.append(part.assign(**key, unit=unit, value=mean[shown, unit]))
        nodes = np.flatnonzero(table.signature_node)
        classes.append(class_means(mean, data.sheet.pcl_id, nodes, params.min_signatures).assign(**key))
        if activity is not None:
            sizes.add(len(nodes))
            found = programme_recovery(mean[:, nodes], cells, activity, train, test)
            programmes += [
                {**key, "programme": n, "r2": r, "n": test.sum()} for n, r in zip(truth, found, strict=True)
            ]
    if activity is not None:
        components = principal_components(data.matrix[train], max(sizes | {1}))
        found = programme_recovery(
            components.scores(data.matrix, max(sizes | {1})), cells, activity, train, test
        )
        programmes += [
            {"model": "pca", "seed": None, "programme": n, "r2": r, "n": test.sum()}
            for n, r in zip(truth, found, strict=True)
        ]
    write_table(pd.concat(units), output.units)
    columns = ["model", "seed", "sig_id", "pert_iname", "pcl_id", "unit", "value"]
    write_table(pd.concat(samples)[columns], output.sample)
    write_table(pd.concat(classes)[["model", "seed", "pcl_id", "unit", "mean", "n"]], output.classes)
    columns = ["model", "seed", "programme", "r2", "n"]
    write_table(pd.DataFrame(programmes, columns=columns).astype({"seed": "Int64"}), output.programmes)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "torch")):
        main(snakemake)
