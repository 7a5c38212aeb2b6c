"""The masked-value protocol, with the rules that need no model beside the model."""

import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.held_out_counts import SCALE, mask_values, masked_baselines, masked_scores
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.fit_spots import train_spot_model

NAMES = {
    "library size": "library_only",
    "count of one": "count_of_one",
    "gene mean": "gene_mean_nonzero",
    "neighbour mean": "smooth_1",
}


def predicted_values(rates, masked) -> np.ndarray:
    """log1p(1e4 x count / depth) at the mean of the count, given that it is not zero."""
    order = np.argsort(masked.spots, kind="stable")
    found = np.empty(len(order))
    for start in range(0, rates.shape[0], 512):
        stop = min(start + 512, rates.shape[0])
        part = order[np.searchsorted(masked.spots[order], start) : np.searchsorted(masked.spots[order], stop)]
        block = rates.block(start, stop)
        depth = masked.depths[masked.spots[part]]
        mean = np.maximum(block[masked.spots[part] - start, masked.genes[part]] * depth, 1e-9)
        found[part] = np.log1p(SCALE * mean / -np.expm1(-mean) / depth)
    return found


def main(snakemake) -> None:
    params = snakemake.params
    spots, graph = read_spots(snakemake.input.spots), sparse.load_npz(snakemake.input.graph)
    counts = spots.X.data[spots.X.data > 0]
    single = float((counts == 1).mean())
    rows = []
    for seed in params.seeds:
        masked = mask_values(spots.X, params.share, seed)
        predictions = {NAMES[name]: values for name, values in masked_baselines(masked, graph).items()}
        model, _ = train_spot_model(
            masked.visible, graph, params.settings, seed, device=params.device,
            compute_threads=params.compute_threads, label=f"{snakemake.wildcards.dataset} masked seed {seed}",
        )  # fmt: skip
        predictions["gmm_vgae"] = predicted_values(model.rates(masked.visible, graph), masked)
        rows += [
            {"method": method, "seed": seed, **masked_scores(values, masked), "share_single": single}
            for method, values in predictions.items()
        ]
    write_table(pd.DataFrame(rows), snakemake.output.masked)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "scikit-learn")):
        main(snakemake)
