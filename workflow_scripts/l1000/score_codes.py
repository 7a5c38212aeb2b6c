"""Label-free classes of held-out perturbagens by the nearest code of each S-VQ-VAE, beside permuted labels."""

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.l1000 import held_out_parts, read_parts, read_signatures, unit_of
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.code_assignment import code_rows, labels_of
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.signature_models import load_models


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    data = read_signatures(given.signatures)
    _, test = held_out_parts(read_parts(given.splits, data.sheet), data.sheet)
    units = unit_of(data.sheet).to_numpy()
    drugs = ~data.sheet.pert_type.str.startswith("ctl").to_numpy()
    preparations = (
        {"as_is": data.matrix} if data.clipped is None else {"clipped": data.clipped, "robust_z": data.matrix}
    )
    rows = []
    for model in load_models(given.models, data.genes.index):
        published = model.name.startswith("weights_")
        # Published weights know the classes by their mechanism too, and have no training compounds here.
        labels = labels_of(data.sheet, model.classes, with_hub=published)
        use = (drugs if published else test) & np.array([bool(own) for own in labels])
        decoded = model.decode(model.codes, [""] * len(model.codes))
        for name, values in preparations.items():
            # A model trained here has seen the data as they are.
            if not published and name == "clipped":
                continue
            facts = {"model": model.name, "seed": model.seed, "preparation": name}
            own = [labels[place] for place in np.flatnonzero(use)]
            distance = model.distances(values[use])
            rows += code_rows(distance, decoded, values[use], own, units[use], facts, params.permutations)
    columns = [
        "model",
        "seed",
        "preparation",
        "labels",
        "metric",
        "value",
        "lower",
        "upper",
        "n",
        "compounds",
    ]
    write_table(pd.DataFrame(rows, columns=columns).astype({"seed": "Int64"}), snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "torch")):
        main(snakemake)
