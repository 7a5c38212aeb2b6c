"""Published weights, read without running their pickles, to safetensors and a model card."""

import logging
from pathlib import Path

import torch

from workflow_scripts.lib.data.published_l1000 import read_svqvae, read_vae
from workflow_scripts.lib.data.signatures import read_landmarks
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import read_table
from workflow_scripts.lib.training.export import names_digest, save_model

log = logging.getLogger("latentome")


def main(snakemake) -> None:
    given, model = snakemake.input, snakemake.wildcards.model
    folder = Path(given.weights[0]).parent
    classes, missing = [], []
    if model == "weights_svqvae":
        state = read_svqvae(folder)
        classes = read_table(given.codes).pcl_id.tolist()
        sizes = {"class": "SVQVAE", "classes": len(classes), "genes": 978, "hidden": 1000}
    else:
        state, missing = read_vae(folder, model.removeprefix("weights_").upper())
        sizes = {"class": "PublishedVAE", "genes": 978, "hidden": 1000, "latent": 100}
    if missing:
        log.warning(
            "%s: the files of %s are not there; only its weight norms can be looked at, signatures cannot be encoded "
            "or generated with it", model, " and ".join(missing),
        )  # fmt: skip
    card = {
        "study": "l1000",
        "dataset": "published",
        "model": model,
        "genes_digest": names_digest(read_landmarks(given.gene_info).index),
        "architecture": sizes,
        "classes": classes,
        "missing": missing,
        "trained": False,
        "source": "github.com/evasnow1992/DeepGenerativeModelLINCS, MIT",
    }
    save_model(
        snakemake.output.weights.rsplit("/", 1)[0], {k: torch.tensor(v) for k, v in state.items()}, card
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "safetensors")):
        main(snakemake)
