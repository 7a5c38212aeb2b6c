"""scVI as a rival: its rates on the same held-out counts; it knows nothing of space."""

import anndata
import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.held_out_counts import held_out_scores, thin_counts
from workflow_scripts.lib.stats.rate_baselines import Rates, gene_mean
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.device import resolve_device
from workflow_scripts.lib.training.scvi_trainer import trainer_settings

TRAIN_SHARE = 0.9


def scvi_rates(model, adata, usable: np.ndarray, train) -> Rates:
    """Posterior mean of scVI's rates, mixed with the gene mean as every baseline is."""

    def estimate(start: int, stop: int) -> np.ndarray:
        found = np.zeros((stop - start, train.shape[1]))
        found[:, usable] = model.get_normalized_expression(
            adata, indices=np.arange(start, stop), n_samples=10, return_numpy=True
        )
        return found

    return Rates(train.shape, gene_mean(train).gene_mean, estimate)


def batch_size(spots: int) -> int:
    """At most 128, and such that no training batch is a single spot, which batch normalisation refuses."""
    most = max(2, min(128, spots // 4))
    seen = int(np.ceil(TRAIN_SHARE * spots))
    return next((size for size in range(most, 1, -1) if seen % size != 1), most)


def main(snakemake) -> None:
    import scvi

    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    device = resolve_device(params.device)
    torch.set_num_threads(params.compute_threads)
    scvi.settings.seed = seed
    spots = read_spots(snakemake.input.spots)
    train, held_out = thin_counts(spots.X, params.share, seed)
    usable = np.asarray(train.sum(axis=0)).ravel() > 0
    adata = anndata.AnnData(train[:, usable].astype(np.float32))
    scvi.model.SCVI.setup_anndata(adata)
    model = scvi.model.SCVI(adata, n_latent=params.latent, gene_likelihood="nb", n_layers=1)
    model.train(
        max_epochs=params.epochs, batch_size=batch_size(len(adata)), train_size=TRAIN_SHARE, early_stopping=True,
        early_stopping_patience=15, check_val_every_n_epoch=1, **trainer_settings(device),
    )  # fmt: skip
    found = held_out_scores(scvi_rates(model, adata, usable, train), train, held_out, params.share)
    row = {
        "method": "scvi", "kind": "rival", "seed": seed, "log_likelihood": found.log_likelihood,
        "pearson": found.pearson, "genes_scored": found.genes, "held_out_umis": int(found.umis.sum()),
    }  # fmt: skip
    write_table(pd.DataFrame([row]), snakemake.output.scores)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("scvi-tools", "torch"), seed=snakemake.wildcards.seed):
        main(snakemake)
