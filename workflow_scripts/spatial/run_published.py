"""Run the published GMM-VGAE on the central spots of a section and measure what its imputed matrix is."""

import hashlib
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from workflow_scripts.lib.data.published_spots import (
    CLUSTERS,
    MOST_SPOTS,
    central_spots,
    check_size,
    label_codes,
    published_features,
    published_graph,
)
from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.files import replacing
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.published_imputation import (
    findings_table,
    gene_findings,
    inference_findings,
    size_findings,
)
from workflow_scripts.lib.metrics.published_selection import (
    cluster_spots,
    epoch_scores,
    own_labels,
    published_epoch,
    selection_findings,
)
from workflow_scripts.lib.models.gmm_vgae_published import PublishedGMMVGAE
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training import checkpoint
from workflow_scripts.lib.training.export import write_runtime
from workflow_scripts.lib.training.gmm_vgae_published import PARTS, train_published

SHOWN = 200
"""Spots, and genes, of the part of the matrix that is kept for a figure."""


def epochs_table(run, scores):
    """Logged epochs of both stages; only those of joint training have clusters."""
    first = pd.DataFrame(run.pretraining.history)[["epoch", "loss"]].assign(stage="pretraining")
    joint = pd.DataFrame(run.parts, columns=list(PARTS)).join(scores)
    joint = joint.assign(stage="joint", epoch=range(1, len(joint) + 1))
    return pd.concat([first, joint])[["stage", "epoch", *PARTS, *scores.columns]]


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    settings, dataset, start = dict(params.settings), snakemake.wildcards.dataset, time.perf_counter()
    spots = read_spots(snakemake.input.spots)
    whole = spots.shape
    places = central_spots(spots.obsm["spatial"], settings.get("spots"), spots.obs.get("section"))
    check_size(len(places), settings.get("most_spots", MOST_SPOTS))
    spots = spots[places].copy()
    positions = np.asarray(spots.obsm["spatial"], dtype=float)
    graph, given = published_graph(positions), published_features(spots.X)
    labels = label_codes(spots.obs.get("label"))
    clusters = CLUSTERS if labels is None else max(2, labels.max() + 1)
    facts = {"dataset": dataset, "settings": settings, "input": hashlib.sha256(given.values).hexdigest()}
    folder = checkpoint.checkpoint_folder(
        snakemake.config["checkpoint_dir"], "run_published", {**facts, "code": params.code}
    )
    with checkpoint.lock(folder), threadpool_limits(params.compute_threads):
        run = train_published(
            given.values,
            graph,
            clusters,
            settings,
            compute_threads=params.compute_threads,
            checkpoint_dir=folder,
            log_dir=Path(params.log_dir),
            label=f"{dataset}, published GMM-VGAE",
        )
        trained = time.perf_counter() - start
        predicted = np.stack([cluster_spots(z, positions, clusters) for z in run.embeddings])
        # Without labels the published code scores itself against clusters of its own.
        truth = own_labels(given.values, positions, clusters) if labels is None else labels
        scores = epoch_scores(predicted, truth)
        best = published_epoch(scores)
        shown = torch.from_numpy(run.embeddings[-1 if best is None else best])
        matrix = PublishedGMMVGAE.decode(shown).numpy()
        rows = [
            *size_findings(
                given.values.shape, whole[1] >= whole[0], run.network, run.moved, run.parts, run.failure
            ),
            *gene_findings(matrix, given.values, graph),
            *inference_findings(run.network, given.values, run.operator, settings["seed"]),
            *selection_findings(predicted, truth, settings["seed"], circular=labels is None),
        ]
        write_table(findings_table(rows), output.findings)
        write_table(epochs_table(run, scores), output.epochs)
        few = slice(min(SHOWN, len(places), len(given.genes)))
        with replacing(output.matrix) as temporary, temporary.open("wb") as stream:
            np.savez(
                stream,
                matrix=matrix[few, few].astype(np.float32),
                graph=graph[few, few].astype(np.float32),
                expression=given.values[few, few],
                positions=positions[few],
                spots=spots.obs_names[few].to_numpy(str),
                genes=spots.var_names[given.genes[few]].to_numpy(str),
            )
        seconds = time.perf_counter() - start
        write_runtime(output.runtime, run.pretraining.device, seconds, None, training_seconds=trained)
        checkpoint.discard(folder)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "lightning-fabric", "scanpy", "scikit-learn")):
        main(snakemake)
