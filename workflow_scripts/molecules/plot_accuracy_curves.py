"""Draw the conditional accuracy of every model while it trains."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.paired_training import accuracy_curves
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        long = pd.concat(
            read_table(path, ("model", "seed", "name"), ("epoch", "value")) for path in given.histories
        )
        curves = long[long["name"] == "validation/accuracy"].rename(columns={"value": "accuracy"})
        runs = []
        for path in given.runtimes:
            folder = Path(path).parent
            found = {
                **json.loads(Path(path).read_text()),
                **json.loads((folder / "metrics.json").read_text()),
            }
            seed = folder.name.removeprefix("seed")
            runs.append({"model": folder.parent.name, "seed": seed, **found})
        runtimes = pd.DataFrame(runs)
        per_epoch = (runtimes["updates"] / runtimes["epochs"]).rename("per_epoch")
        steps = pd.concat([runtimes[["model", "seed"]], per_epoch], axis=1)
        curves = curves.merge(steps, on=["model", "seed"])
        curves["step"] = curves["epoch"] * curves["per_epoch"]
        ceilings = read_table(given.ceilings, ("trained_on", "applied_to", "split"), ("epoch", "accuracy"))
        own = ceilings[
            (ceilings["split"] == "test") & (ceilings["trained_on"] == "y") & (ceilings["applied_to"] == "y")
        ]
        figure, table = accuracy_curves(
            curves[["model", "seed", "step", "accuracy"]], runtimes[["model", "seed", "seconds", "updates"]],
            float(own["accuracy"].iloc[0]), simulated=params.simulated, note=params.note,
        )  # fmt: skip
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
