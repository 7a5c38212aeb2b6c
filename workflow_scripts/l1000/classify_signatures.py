"""Predict a signature's perturbagen class from every representation, one kind of split a job."""

import logging
import time

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from workflow_scripts.lib.data.l1000 import read_parts, read_signatures, unit_of
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.class_prediction import (
    BOOSTED,
    choose_labelled,
    class_scores,
    classifiers,
    folds,
    permuted_within,
    pool_small_lines,
    predict,
)
from workflow_scripts.lib.metrics.latent_units import signature_nodes
from workflow_scripts.lib.metrics.reconstruction import principal_components
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.signature_models import load_models

log = logging.getLogger("latentome")
LATENT = ("raw", "pca", "e3", "sig", "vae")


def representations(models, data, train: np.ndarray) -> dict[str, np.ndarray]:
    """Representation of every signature by name; what is learned is learned on the training perturbagens."""
    cells = data.sheet.cell_id.tolist()
    found = {"raw": data.matrix}
    for model in models:
        if model.name == "vae":
            found["vae"] = model.encode(data.matrix, cells)[0]
        elif model.name == "vae_published":
            layers = model.layers(data.matrix)
            nodes = signature_nodes(layers["e3"][train])
            found |= layers | ({"sig": layers["e3"][:, nodes]} if nodes.size else {})
    size = found["vae"].shape[1]
    components = principal_components(data.matrix[train], size)
    return found | {"pca": components.scores(data.matrix, size)}


def main(snakemake) -> None:
    params, split = snakemake.params, snakemake.wildcards.split
    data = read_signatures(snakemake.input.signatures)
    parts = read_parts(snakemake.input.splits, data.sheet).to_numpy()
    units = unit_of(data.sheet).to_numpy()
    labelled = choose_labelled(
        data.sheet.pcl_id.to_numpy(),
        units,
        params.min_signatures,
        params.min_compounds,
        params.most,
        params.seed,
    )
    values = representations(load_models(snakemake.input.models, data.genes.index), data, parts == "train")
    classes, units, parts = data.sheet.pcl_id.to_numpy()[labelled], units[labelled], parts[labelled]
    cells = pool_small_lines(data.sheet.cell_id.to_numpy()[labelled], params.min_of_line)
    rows = []

    def score(name: str, classifier: str, model, labels: str, truth: np.ndarray, pieces: list) -> None:
        began = time.monotonic()
        predicted, rank = predict(values[name][labelled], truth, pieces, model)
        tested = np.concatenate([test for _, test in pieces])
        found = class_scores(truth[tested], predicted[tested], rank[tested], units[tested], params.seed)
        facts = {
            "representation": name,
            "features": values[name].shape[1],
            "classifier": classifier,
            "split": split,
        }
        rows.append({**facts, "labels": labels, **found, "classes": len(set(truth))})
        log.info(
            "%s, %s, %s labels: %.3f in %.1f s",
            name,
            classifier,
            labels,
            found["accuracy"],
            time.monotonic() - began,
        )

    def pieces_of(truth: np.ndarray) -> list:
        return list(folds(split, truth, units, cells, params.seed, params.folds, parts))

    pieces = pieces_of(classes) if len(set(classes)) > 1 else []
    if not pieces:
        log.warning(
            "fewer than two classes with %d compounds each, or one cell line: nothing to predict",
            params.min_compounds,
        )
    for name in values if pieces else ():
        for classifier, model in classifiers(params.seed).items():
            if classifier == "boosting" and values[name].shape[1] > BOOSTED:
                continue
            if classifier != "majority" or name == "raw":
                score(name, classifier, model, "true", classes, pieces)
        for draw in range(params.permutations if name in LATENT else 0):
            shuffled = permuted_within(classes, units, draw)
            score(
                name,
                "logistic",
                classifiers(params.seed)["logistic"],
                "permuted",
                shuffled,
                pieces_of(shuffled),
            )
    columns = ["representation", "features", "classifier", "split", "labels", "accuracy", "accuracy_lower"]
    columns += ["accuracy_upper", "balanced_accuracy", "macro_f1", "top5", "n", "units", "classes"]
    write_table(pd.DataFrame(rows, columns=columns), snakemake.output[0])


if __name__ == "__main__":
    with (
        job_log(snakemake.log[0], ("numpy", "torch", "scikit-learn"), seed=snakemake.params.seed),
        threadpool_limits(1),
    ):
        main(snakemake)
