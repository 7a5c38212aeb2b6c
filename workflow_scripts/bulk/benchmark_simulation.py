"""Simulated truth, several seeds: false discoveries, power, coverage and error of every method."""

import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.bulk import BulkCounts
from workflow_scripts.lib.data.simulate_counts import simulate_counts
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.differential_expression import against_truth, tidy
from workflow_scripts.lib.stats.apeglm import shrink
from workflow_scripts.lib.stats.baselines import log_ratio, mean_log
from workflow_scripts.lib.stats.deseq2 import run_deseq2
from workflow_scripts.lib.stats.generative_de import contrast_likelihood, de_table
from workflow_scripts.lib.stats.size_factors import size_factors
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.fit_nbvae import train_nbvae

CONTRAST = ["condition", "treated", "control"]


def plain(data: BulkCounts, lfc: np.ndarray) -> pd.DataFrame:
    """A table that has nothing but estimates."""
    return pd.DataFrame(
        {"gene_id": data.counts.index, "log2FoldChange": lfc, "lfcSE": np.nan, "padj": np.nan}
    )


def methods(data: BulkCounts, seed: int, params) -> dict[str, pd.DataFrame]:
    """DE table of every method on one simulated dataset."""
    counts = data.counts.to_numpy(float)
    treated = (data.samples.condition == "treated").to_numpy()
    design = np.column_stack([np.ones(treated.size), treated]).astype(float)
    contrast = np.array([0.0, 1.0])
    r = run_deseq2(data.counts, data.samples, "~ condition", CONTRAST)
    shrunken = r.table.copy()
    shrunken["log2FoldChange"], shrunken["lfcSE"] = shrink(
        counts, data.size_factors, design, 1, r.dispersions.dispersion.to_numpy(),
        r.table.log2FoldChange.to_numpy(), r.table.lfcSE.to_numpy(),
    )  # fmt: skip
    trained = train_nbvae(
        "nbvae", counts.T.astype(int), data.size_factors, np.zeros((treated.size, 0)), params.settings, seed,
        device=params.device, compute_threads=params.compute_threads, label=f"simulation seed {seed}",
    )  # fmt: skip
    noise = np.random.default_rng(seed).standard_normal(trained.latent_mean.shape)
    latent = trained.latent_mean + trained.latent_sd * noise
    factors = params.settings["latent_factors"]
    order = np.random.default_rng(seed).permutation(treated.size)
    tables = {"deseq2": r.table, "deseq2_shrunken": shrunken}
    for name, matrix, draws in (
        ("nbvae", design, [latent]),
        ("nbvae_without_latent", design, []),
        ("nbvae_permuted", design[order], [latent]),
    ):
        likelihood = contrast_likelihood(counts, data.size_factors, matrix, contrast, draws, factors)
        tables[name] = de_table(data, likelihood, params.delta)
    tables["mean_log"] = plain(data, mean_log(data.normalised, design, contrast))
    tables["log_ratio"] = plain(data, log_ratio(data.normalised, treated, ~treated))
    tables["zero"] = plain(data, np.zeros(len(counts)))
    return tables


def main(snakemake) -> None:
    params = snakemake.params
    torch.set_num_threads(params.compute_threads)
    rows = []
    for seed in params.simulation["seeds"]:
        made = simulate_counts(
            params.simulation["genes"], params.simulation["replicates"], params.simulation["de_fraction"],
            seed + 1000, batch=False,
        )  # fmt: skip
        counts = made.counts[made.counts.sum(axis=1) >= 10]
        truth = made.truth.set_index("gene_id").true_lfc
        symbols = made.truth.set_index("gene_id").symbol
        data = BulkCounts(counts, made.samples, size_factors(counts.to_numpy()), symbols, None)
        for method, table in methods(data, seed, params).items():
            rows += [
                {
                    "contrast": "simulation",
                    "method": method,
                    "seed": seed,
                    "bin": name,
                    "metric": metric,
                    "value": value,
                    "n": n,
                }
                for metric, name, value, n in against_truth(table, truth, params.padj)
            ]
    write_table(tidy("simulation", rows), snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "rpy2", "numpy"), seeds=snakemake.params.simulation["seeds"]):
        main(snakemake)
