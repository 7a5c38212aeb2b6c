"""Draw the MNIST tutorial of the S-VQ-VAE."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.mnist import mnist_codes
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.plots.tables import read_table


def main(snakemake: Any) -> None:
    given = snakemake.input
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        history = pd.concat(
            [read_table(path, ("seed", "name"), ("epoch", "value")) for path in given.history]
        )
        metrics = [
            (Path(path).parent.name.removeprefix("seed"), name, value)
            for path in given.metrics
            for name, value in json.loads(Path(path).read_text(encoding="utf-8")).items()
        ]
        figure, table = mnist_codes(
            history,
            read_table(given.codes[0], ("split",), ("digit", "code", "count")),
            read_table(given.distances[0], (), ("code_a", "code_b", "distance")),
            read_table(given.decoded[0], (), ("code", "row", "column", "value")),
            pd.DataFrame(metrics, columns=["seed", "name", "value"]),
            note=snakemake.params.note,
        )
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
