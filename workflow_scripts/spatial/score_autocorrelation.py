"""Moran's I and Geary's C of every gene before and after imputation, and of imputed genes without any pattern."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.data.imputed import block_bounds, imputed_blocks
from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.stats.decoy_genes import decoy_counts, of_similar
from workflow_scripts.lib.stats.spatial_autocorrelation import gearys_c, morans_i
from workflow_scripts.lib.tables import read_table, write_table
from workflow_scripts.lib.training.fit_spots import train_spot_model

MOST_GENES, MOST_VALUES = 2000, 50_000_000
"""Genes looked at, the most expressed, and spots x genes, so that their values fit in memory."""
MOST_DECOYS = 200
SCALE = 1e4


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    spots, graph = read_spots(given.spots), sparse.load_npz(given.graph)
    genes = read_table(given.genes)
    total = np.asarray(spots.X.sum(axis=0)).ravel()
    chosen = np.sort(np.argsort(-total, kind="stable")[: min(MOST_GENES, max(1, MOST_VALUES // spots.n_obs))])
    depth = np.maximum(np.asarray(spots.X.sum(axis=1), dtype=np.float64).ravel(), 1)
    raw = np.log1p(SCALE * spots.X[:, chosen].toarray() / depth[:, None])
    imputed = np.log1p(
        np.vstack([block[:, chosen] for _, _, block in imputed_blocks(given.imputed)])
        * (SCALE / params.fixed_size)
    )
    # The null: genes that are known to have no pattern, imputed by a model that does not know it.
    share = total[chosen] / total.sum()
    some = np.argsort(share, kind="stable")[:: max(1, -(-len(chosen) // MOST_DECOYS))]
    decoys = decoy_counts(spots.X, share[some], params.seed)
    both = sparse.hstack([spots.X, decoys], format="csr")
    model, _ = train_spot_model(
        both, graph, params.settings, params.seed, device=params.device, compute_threads=params.compute_threads,
        log_dir=Path(params.log_dir), label=f"{snakemake.wildcards.dataset} with decoy genes",
    )  # fmt: skip
    rates = model.rates(both, graph)
    # Copies: slices would keep all genes of all spots in memory.
    decoyed = [rates.block(*bounds)[:, spots.n_vars :].copy() for bounds in block_bounds(rates.shape)]
    null = np.log1p(SCALE * np.vstack(decoyed))
    table = pd.DataFrame({"gene": spots.var_names[chosen], "symbol": genes.symbol.to_numpy()[chosen]})
    for name, statistic in (("moran", morans_i), ("geary", gearys_c)):
        table[f"{name}_raw"] = statistic(raw, graph)
        table[f"{name}_imputed"] = statistic(imputed, graph)
        table[f"{name}_null"] = of_similar(statistic(null, graph), share[some], share)
    table["net"] = table.moran_imputed - table.moran_null
    table["imputable"] = genes.imputable.to_numpy()[chosen]
    write_table(table, snakemake.output.autocorrelation)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "scipy")):
        main(snakemake)
