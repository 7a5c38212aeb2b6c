"""Label-permutation null: how many genes each method calls when the labels are shuffled."""

import numpy as np
import torch

from workflow_scripts.lib.data.bulk import design_of, one_hot, read_bulk
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.differential_expression import called_fraction, tidy
from workflow_scripts.lib.stats.deseq2 import run_deseq2
from workflow_scripts.lib.stats.generative_de import contrast_likelihood, contrast_posterior
from workflow_scripts.lib.stats.shrinkage import expected_fdr
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.latents import draw_latents

LATENT_DRAW = 0


def main(snakemake) -> None:
    params = snakemake.params
    torch.set_num_threads(params.compute_threads)
    data = read_bulk(snakemake.input.counts)
    counts, numeric = data.counts.to_numpy(float), tuple(params.numeric)
    latents = draw_latents(
        snakemake.input.weights[:1], data, one_hot(data.samples, params.batch), LATENT_DRAW
    )
    rng = np.random.default_rng(params.seed)
    rows = []
    for draw in range(params.permutations):
        samples = data.samples.iloc[rng.permutation(len(data.samples))].set_axis(data.samples.index)
        design, contrast = design_of(samples, params.contrast, numeric)
        likelihood = contrast_likelihood(counts, data.size_factors, design, contrast, latents, params.factors)
        found, _ = contrast_posterior(likelihood, params.delta)
        called = {"nbvae": float((expected_fdr(found.prob_large) < params.padj).mean())}
        if params.with_deseq2:
            try:
                r = run_deseq2(
                    data.counts, samples, params.contrast["design"], params.contrast["contrast"],
                    reference=params.contrast.get("reference"), numeric=numeric, control=data.control,
                    size_factor_type=params.size_factor_type,
                )  # fmt: skip
                called["deseq2"] = called_fraction(r.table.padj, params.padj)
            except LatentomeError as error:
                raise LatentomeError(f"permutation {draw}: {error}") from None
        rows += [
            {
                "contrast": params.name,
                "method": method,
                "seed": draw,
                "metric": "called_fraction",
                "value": value,
                "n": len(counts),
            }
            for method, value in called.items()
        ]
    write_table(tidy("permutation", rows), snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "rpy2", "numpy"), seed=snakemake.params.seed):
        main(snakemake)
