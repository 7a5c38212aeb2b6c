"""The published weights without any data: active units of the VAEs, decoded classes of the S-VQ-VAE."""

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.signatures import read_landmarks
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.latent_units import active_by_weight
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.export import load_model
from workflow_scripts.lib.training.signature_models import restore

TOP = 10


def main(snakemake) -> None:
    given, output = snakemake.input, snakemake.output
    units = []
    for path in given.vaes:
        # Encoder and decoder may be missing; the weights of the mean say which units are in use.
        state, card = load_model(path.rsplit("/", 1)[0])
        weight = state["mu.weight"].numpy()
        active = np.isin(np.arange(len(weight)), active_by_weight(weight)).astype(int)
        norm = np.linalg.norm(weight, axis=1)
        units.append(
            pd.DataFrame(
                {"model": card["model"], "unit": range(len(weight)), "weight_norm": norm, "active": active}
            )
        )
    write_table(pd.concat(units), output.units)
    folder = given.svqvae.rsplit("/", 1)[0]
    model = restore(*load_model(folder), folder)
    symbols = read_landmarks(given.gene_info).pr_gene_symbol.to_numpy()
    rows = []
    for name, profile in zip(model.classes, model.decode(model.codes, [""] * len(model.codes)), strict=True):
        order = np.argsort(-profile, kind="stable")
        for direction, places in (("up", order[:TOP]), ("down", order[::-1][:TOP])):
            rows += [
                (name, symbols[p], profile[p], rank, direction) for rank, p in enumerate(places, start=1)
            ]
    write_table(
        pd.DataFrame(rows, columns=["pcl_id", "symbol", "value", "rank", "direction"]), output.decoded
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "numpy")):
        main(snakemake)
