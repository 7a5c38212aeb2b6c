"""Generative differential expression of one contrast from the trained NB-VAEs, and its permuted-label null."""

import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.bulk import design_of, one_hot, read_bulk
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.stats.generative_de import contrast_likelihood, contrast_posterior, de_table
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.latents import draw_latents


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    torch.set_num_threads(params.compute_threads)
    data = read_bulk(snakemake.input.counts)
    counts = data.counts.to_numpy(float)
    design, contrast = design_of(data.samples, params.contrast, tuple(params.numeric))
    latents = draw_latents(snakemake.input.weights, data, one_hot(data.samples, params.batch), params.seed)
    whole = contrast_likelihood(counts, data.size_factors, design, contrast, latents, params.factors)
    write_table(de_table(data, whole, params.delta), output.table)
    each = {
        f"seed{seed}": contrast_posterior(whole.of_draw(place, len(latents)), params.delta)[0].mean
        for place, seed in enumerate(params.seeds)
    }
    write_table(pd.DataFrame({"gene_id": data.counts.index, **each}), output.seeds)
    order = np.random.default_rng(params.seed).permutation(len(design))
    null = contrast_likelihood(
        counts, data.size_factors, design[order], contrast, latents[:1], params.factors
    )
    write_table(de_table(data, null, params.delta), output.permuted)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "numpy", "scipy"), contrast=snakemake.wildcards.contrast):
        main(snakemake)
