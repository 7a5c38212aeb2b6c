"""Predict held-out counts with the model, its controls and every baseline; calibration of the predictions."""

import logging
from functools import partial
from pathlib import Path

import pandas as pd
from scipy import sparse

from workflow_scripts.lib.data.neighbours import shuffled
from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.held_out_counts import held_out_scores, thin_counts
from workflow_scripts.lib.metrics.rate_calibration import calibration_table
from workflow_scripts.lib.stats.rate_baselines import in_memory
from workflow_scripts.lib.stats.rate_rivals import baselines
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.dispersion_factor import dispersion_factor
from workflow_scripts.lib.training.fit_spots import train_spot_model
from workflow_scripts.lib.training.spot_rates import OwnRates, residuals

log = logging.getLogger("latentome")
GIVEN_COUNTS = ("gene_mean", "log_svd_5", "log_svd_15", "knn")
"""Baselines that are also scored as the model is: with the posterior of the rates given the spot's own counts."""


def main(snakemake) -> None:
    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    dataset, share = snakemake.wildcards.dataset, params.share
    spots, graph = read_spots(snakemake.input.spots), sparse.load_npz(snakemake.input.graph)
    # First of all: nothing below sees the held-out counts until they are scored.
    train, held_out = thin_counts(spots.X, share, seed)
    rows = []

    def score(method, kind, rates):
        found = held_out_scores(rates, train, held_out, share)
        log.info("%s seed %d: %s %.4f nats per UMI", dataset, seed, method, found.log_likelihood)
        rows.append(
            {
                "method": method,
                "kind": kind,
                "seed": seed,
                "log_likelihood": found.log_likelihood,
                "pearson": found.pearson,
                "genes_scored": found.genes,
                "held_out_umis": int(found.umis.sum()),
            }
        )

    def given_counts(method, fit, rates):
        factor = dispersion_factor(fit, train, seed)
        log.info("%s seed %d: %s, pooled dispersion times %g", dataset, seed, method, factor)
        return OwnRates(rates, train, residuals(rates, train).dispersion(factor))

    for method, fit in baselines(graph, seed).items():
        found = fit(train)
        rates = in_memory(found) if method in GIVEN_COUNTS else found
        score(method, "baseline", rates)
        if method in GIVEN_COUNTS:
            score(f"{method}_given_counts", "baseline", given_counts(method, fit, rates))
    alone = {**params.settings, "hops": [0], "edge_weight": 0.0}
    runs = {"gmm_vgae": (graph, params.settings)}
    if seed in params.control_seeds:
        runs["gmm_vgae_own"] = (graph, alone)
        runs["gmm_vgae_shuffled"] = (shuffled(graph, seed, spots.obs.get("section")), params.settings)
    for method, (neighbours, settings) in runs.items():
        model, _ = train_spot_model(
            train, neighbours, settings, seed, device=params.device, compute_threads=params.compute_threads,
            log_dir=Path(params.log_dir) / method, label=f"{dataset} {method} seed {seed}",
        )  # fmt: skip
        expected = model.rates(train, neighbours)
        own = given_counts(method, partial(model.rates, graph=neighbours), expected)
        score(method, "model" if method == "gmm_vgae" else "control", own)
        if method == "gmm_vgae":
            score("gmm_vgae_expected", "model", expected)
            calibration, coverage = calibration_table(own, train, held_out, share, seed)
    write_table(pd.DataFrame(rows), snakemake.output.scores)
    write_table(calibration, snakemake.output.calibration)
    write_table(coverage, snakemake.output.coverage)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "scikit-learn"), seed=snakemake.wildcards.seed):
        main(snakemake)
