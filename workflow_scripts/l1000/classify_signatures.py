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
FACTS = ["representation", "features", "classifier", "split", "labels"]
COLUMNS = [
    *FACTS,
    *(
        "accuracy",
        "accuracy_lower",
        "accuracy_upper",
        "balanced_accuracy",
        "balanced_lower",
        "balanced_upper",
    ),
    *("macro_f1", "top5", "n", "units", "classes"),
]
LATENT = ("raw", "pca", "e3", "sig", "vae")


def representations(models, data, labelled: np.ndarray, train: np.ndarray) -> dict[str, np.ndarray]:
    """Representation of the labelled signatures by name; what is learned is learned on the training perturbagens."""
    values, cells = data.matrix[labelled], data.sheet.cell_id.iloc[labelled].tolist()
    found = {"raw": values}
    for model in models:
        if model.name == "vae":
            found["vae"] = model.encode(values, cells)[0]
        elif model.name == "vae_published":
            layers = model.layers(values)
            nodes = signature_nodes(layers["e3"][train[labelled]])
            found |= layers | ({"sig": layers["e3"][:, nodes]} if nodes.size else {})
        else:
            found[model.name] = model.encode(values, cells)[0]
    size = found["vae"].shape[1]
    return found | {"pca": principal_components(data.matrix[train], size).scores(values, size)}


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
    if not labelled.size:
        log.warning("no class has %d signatures of %d compounds", params.min_signatures, params.min_compounds)
        write_table(pd.DataFrame(columns=COLUMNS), snakemake.output[0])
        return
    values = representations(
        load_models(snakemake.input.models, data.genes.index), data, labelled, parts == "train"
    )
    classes, units, parts = data.sheet.pcl_id.to_numpy()[labelled], units[labelled], parts[labelled]
    cells = pool_small_lines(data.sheet.cell_id.to_numpy()[labelled], params.min_of_line)
    rows = []

    def score(name: str, classifier: str, labels: str, truth: np.ndarray, pieces: list) -> None:
        began = time.monotonic()
        predicted, rank = predict(values[name], truth, pieces, classifiers(params.seed)[classifier])
        tested = np.concatenate([test for _, test in pieces])
        found = class_scores(truth[tested], predicted[tested], rank[tested], units[tested], params.seed)
        facts = zip(FACTS, (name, values[name].shape[1], classifier, split, labels), strict=True)
        rows.append({**dict(facts), **found, "classes": len(set(truth))})
        seconds = time.monotonic() - began
        log.info("%s, %s, %s labels: %.3f in %.1f s", name, classifier, labels, found["accuracy"], seconds)

    def pieces_of(truth: np.ndarray) -> list:
        return list(folds(split, truth, units, cells, params.seed, params.folds, parts))

    pieces = pieces_of(classes) if len(set(classes)) > 1 else []
    if not pieces:
        log.warning("fewer than two classes, or cell lines, to tell apart: nothing to predict")
    for name in values if pieces else ():
        for classifier in classifiers(params.seed):
            if classifier == "boosting" and values[name].shape[1] > BOOSTED:
                continue
            if classifier != "majority" or name == "raw":
                score(name, classifier, "true", classes, pieces)
        for draw in range(params.permutations if name in LATENT else 0):
            shuffled = permuted_within(classes, units, draw)
            score(name, "logistic", "permuted", shuffled, pieces_of(shuffled))
    write_table(pd.DataFrame(rows, columns=COLUMNS), snakemake.output[0])


if __name__ == "__main__":
    with (
        job_log(snakemake.log[0], ("numpy", "torch", "scikit-learn"), seed=snakemake.params.seed),
        threadpool_limits(1),
    ):
        main(snakemake)
