"""scVI as a rival: its rates on the same held-out counts; it knows nothing of space."""

import anndata
import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.held_out_counts import held_out_scores, thin_counts
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.device import resolve_device

FLOOR = 1e-9


class ScviRates:
    """Posterior mean of scVI's rates, a block at a time."""

    def __init__(self, model, adata, usable: np.ndarray, shape: tuple[int, int]) -> None:
        self.model, self.adata, self.usable, self.shape = model, adata, usable, shape

    def block(self, start: int, stop: int) -> np.ndarray:
        """Rates of spots `start` to before `stop`."""
        found = np.full((stop - start, self.shape[1]), FLOOR)
        found[:, self.usable] += self.model.get_normalized_expression(
            self.adata, indices=np.arange(start, stop), n_samples=10, return_numpy=True
        )
        return found / found.sum(axis=1, keepdims=True)


def main(snakemake) -> None:
    import scvi

    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    device = resolve_device(params.device)
    torch.set_num_threads(params.compute_threads)
    scvi.settings.seed = seed
    spots = read_spots(snakemake.input.spots)
    train, held_out = thin_counts(spots.X, params.share, seed)
    usable = np.asarray(train.sum(axis=0)).ravel() > 0
    # a spot that lost all its UMIs has no library size
    kept = np.asarray(train.sum(axis=1)).ravel() > 0
    adata = anndata.AnnData(train[:, usable].astype(np.float32))
    scvi.model.SCVI.setup_anndata(adata)
    model = scvi.model.SCVI(adata, n_latent=params.latent, gene_likelihood="nb", n_layers=1)
    size = max(32, min(128, int(kept.sum()) // 4))
    model.train(
        max_epochs=params.epochs, accelerator=device.type, devices=1, batch_size=size, train_size=0.9,
        early_stopping=True, early_stopping_patience=15, check_val_every_n_epoch=1, enable_progress_bar=False,
        logger=False, enable_model_summary=False,
    )  # fmt: skip
    found = held_out_scores(ScviRates(model, adata, usable, train.shape), train, held_out, params.share)
    row = {
        "method": "scvi", "kind": "rival", "seed": seed, "log_likelihood": found.log_likelihood,
        "pearson": found.pearson, "genes_scored": found.genes, "held_out_umis": int(found.umis.sum()),
    }  # fmt: skip
    write_table(pd.DataFrame([row]), snakemake.output.scores)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("scvi-tools", "torch"), seed=snakemake.wildcards.seed):
        main(snakemake)
