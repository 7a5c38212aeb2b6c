"""The as-published NB-VAE with one seed: its architecture, labels, units and gene order, errors included."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.bulk import read_bulk
from workflow_scripts.lib.data.published_order import published_order
from workflow_scripts.lib.data.samples import level_text
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import write_json
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.models.nbvae_published import PublishedNBVAE
from workflow_scripts.lib.tables import read_table, write_table
from workflow_scripts.lib.training import checkpoint
from workflow_scripts.lib.training.export import names_digest, save_model, write_runtime
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.model_tables import history_table, latent_table
from workflow_scripts.lib.training.nbvae import PublishedObjective
from workflow_scripts.lib.training.seeds import seed_all
from workflow_scripts.lib.training.settings import TrainingSettings

LN2 = np.log(2.0)


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    seed = int(snakemake.wildcards.seed)
    data = read_bulk(snakemake.input.counts)
    de = read_table(snakemake.input.deseq2, ("gene_id", "padj", "pvalue", "baseMean"))
    if not isinstance(params.contrast["contrast"], list):
        raise LatentomeError(
            "published: the as-published model compares two levels of one factor; expected such a contrast"
        )
    factor, *ends = params.contrast["contrast"]
    levels = data.samples[factor]
    numerator, denominator = (
        torch.tensor((levels == level_text(end, factor, levels.unique())).to_numpy()) for end in ends
    )
    genes = published_order(de, data.counts)
    counts = torch.tensor(data.counts.loc[genes].to_numpy().T.astype(np.float32))
    log_factors = torch.log(torch.tensor(data.size_factors.astype(np.float32)))[:, None]
    epochs = sorted(params.epochs)
    data_digest = hashlib.sha256(counts.numpy()).hexdigest()[:16]
    key = {
        "dataset": snakemake.wildcards.dataset,
        "seed": seed,
        "epochs": epochs,
        "genes": names_digest(genes),
        "data_digest": data_digest,
        "inputs": [log_factors.flatten().tolist(), numerator.tolist(), denominator.tolist()],
        "code": params.code,
    }
    folder = checkpoint.checkpoint_folder(snakemake.config["checkpoint_dir"], "train_published", key)
    with checkpoint.lock(folder):
        seed_all(seed)
        network = PublishedNBVAE(len(genes))
        objective = PublishedObjective(network, counts, log_factors, numerator, denominator, epochs)
        settings = TrainingSettings(
            epochs=epochs[-1],
            batch_size=None,
            seed=seed,
            device="cpu",
            compute_threads=params.compute_threads,
            log_every=10,
        )
        label = f"{snakemake.wildcards.dataset} published seed {seed}"
        result = fit(objective, settings, checkpoint_dir=folder, log_dir=Path(params.log_dir), label=label)
        objective.take(epochs[-1])
        with torch.no_grad():
            _, mean, log_variance = network(objective.data["log_counts"], objective.data["log_size_factors"])
        tables = [
            pd.DataFrame(
                {
                    "gene_id": genes,
                    "seed": seed,
                    "epochs": epoch,
                    "lfc_nats": objective.lfc[str(epoch)].double().numpy(),
                }
            )
            for epoch in epochs
        ]
        table = pd.concat(tables, ignore_index=True)
        shift = float(log_factors[numerator].mean() - log_factors[denominator].mean())
        table["log2FoldChange"] = (table.lfc_nats - shift) / LN2
        base = de.set_index("gene_id").baseMean
        table.insert(1, "symbol", data.symbols.reindex(table.gene_id).to_numpy())
        table.insert(2, "baseMean", base.reindex(table.gene_id).to_numpy())
        write_table(table, output.lfc)
        write_table(history_table("published", seed, result.history), output.history)
        sd = torch.exp(0.5 * log_variance).double().numpy()
        write_table(
            latent_table("published", seed, data.counts.columns, mean.double().numpy(), sd), output.latent
        )
        card = {
            "study": "bulk",
            "dataset": snakemake.wildcards.dataset,
            "model": "published",
            "seed": seed,
            "data_digest": data_digest,
            "genes_digest": names_digest(genes),
            "genes": genes,
            "architecture": {"class": "PublishedNBVAE", "genes": len(genes), "hidden": 64, "latent": 2},
            "epochs": epochs[-1],
            "trained": True,
        }
        save_model(output.weights.rsplit("/", 1)[0], network.state_dict(), card)
        at = {row["epoch"]: row["loss"] for row in result.history}
        write_json(output.metrics, {f"loss_at_{epoch}": at.get(epoch) for epoch in epochs})
        write_runtime(output.runtime, result.device, result.seconds, result.samples_per_second)
        checkpoint.discard(folder)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "lightning-fabric"), seed=snakemake.wildcards.seed):
        main(snakemake)
