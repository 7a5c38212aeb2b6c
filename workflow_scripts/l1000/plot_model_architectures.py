"""Draw the layers of all models."""

import json
from pathlib import Path
from typing import Any

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.architecture import model_architectures
from workflow_scripts.lib.plots.style import save_figure


def main(snakemake: Any) -> None:
    with job_log(snakemake.log[0], ("matplotlib", "pandas")):
        params = snakemake.params
        cards = [json.loads(Path(path).read_text(encoding="utf-8")) for path in snakemake.input.cards]
        figure, table = model_architectures(cards, simulated=params.simulated, note=params.note)
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
