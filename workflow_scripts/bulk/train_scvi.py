"""scVI as a rival: held-out log-likelihood on the same thinned counts."""

import anndata
import numpy as np
import torch

from workflow_scripts.lib.data.bulk import read_bulk
from workflow_scripts.lib.data.thinning import thin
from workflow_scripts.lib.files import write_json
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.models.nbvae import nb_log_prob
from workflow_scripts.lib.seeds import derive_seed
from workflow_scripts.lib.training.device import resolve_device
from workflow_scripts.lib.training.scvi_trainer import trainer_settings


def main(snakemake) -> None:
    import scvi

    params = snakemake.params
    seed, settings = int(snakemake.wildcards.seed), params.settings
    device = resolve_device(params.device)
    torch.set_num_threads(params.compute_threads)
    scvi.settings.seed = seed
    data = read_bulk(snakemake.input.counts)
    kept, held_out = thin(
        data.counts.to_numpy().T, settings["held_out_fraction"], derive_seed(seed, "thinning")
    )
    usable = kept.sum(axis=0) > 0
    adata = anndata.AnnData(kept[:, usable].astype(np.float32), obs=data.samples.copy())
    scvi.model.SCVI.setup_anndata(adata, categorical_covariate_keys=list(params.batch) or None)
    model = scvi.model.SCVI(adata, n_latent=settings["latent"], gene_likelihood="nb", n_layers=1)
    model.train(
        max_epochs=params.epochs, batch_size=len(adata), train_size=1.0, plan_kwargs={"lr": 2e-2},
        **trainer_settings(device),
    )  # fmt: skip
    rate = model.get_normalized_expression(adata, library_size="latent", n_samples=20, return_numpy=True)
    ratio = settings["held_out_fraction"] / (1 - settings["held_out_fraction"])
    log_mean = torch.log(torch.tensor(np.maximum(rate, 1e-12) * ratio, dtype=torch.float32))
    log_dispersion = -model.module.px_r.detach().cpu()
    score = nb_log_prob(torch.tensor(held_out[:, usable], dtype=torch.float32), log_mean, log_dispersion)
    value = -float(score.double().sum()) / held_out.sum()
    write_json(snakemake.output.metrics, {"held_out_nats_per_count": value, "epochs_run": params.epochs})


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("scvi-tools", "torch"), seed=snakemake.wildcards.seed):
        main(snakemake)
