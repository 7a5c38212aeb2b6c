"""Draw the tissue, its depth and its graph."""

from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.plots.spatial_maps import tissue_overview
from workflow_scripts.lib.plots.spatial_tables import read_spatial_table
from workflow_scripts.lib.plots.style import save_figure


def spots_table(spots: Any) -> pd.DataFrame:
    """Places, labels and UMIs of spots; stored features, which are no integers, have no UMIs."""
    x, y = np.asarray(spots.obsm["spatial"], dtype=float).T
    table = pd.DataFrame({"barcode": spots.obs_names.astype(str), "x": x, "y": y})
    for name in ("section", "label"):
        known = name in spots.obs
        table[name] = spots.obs[name].astype(object).fillna("").astype(str).to_numpy() if known else ""
    counts = np.issubdtype(spots.X.dtype, np.integer)
    return table.assign(umis=np.asarray(spots.X.sum(axis=1), dtype=float).ravel() if counts else np.nan)


def main(snakemake: Any) -> None:
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0], ("matplotlib", "pandas", "anndata")):
        figure, table = tissue_overview(
            spots_table(read_spots(given.spots)),
            *(read_spatial_table(path) for path in (given.graph, given.degrees, given.edges)),
            simulated=params.simulated,
        )
        save_figure(figure, table, snakemake.output)


if __name__ == "__main__":
    main(snakemake)
