"""Tables of genes before and after imputation: on the tissue, by layer, and their distributions."""

import anndata
import numpy as np
import pandas as pd

from workflow_scripts.lib.data.imputed import imputed_genes, log_shares
from workflow_scripts.lib.data.spot_positions import side_by_side
from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.marker_choice import marker_genes, pattern_genes
from workflow_scripts.lib.tables import read_table, write_table

SHOWN, MARKERS = 6, 24
SCALE = 1e4


def main(snakemake) -> None:
    given, output, params = snakemake.input, snakemake.output, snakemake.params
    spots = read_spots(given.spots)
    genes = read_table(given.genes)
    domains = read_table(given.domains)
    label = spots.obs["label"] if "label" in spots.obs else None
    if label is None or not label.notna().any():
        label = "domain " + domains.gmm_vgae.astype(str)
    groups = pd.Series(np.asarray(label, dtype=object), index=spots.obs_names)
    chosen = pattern_genes(genes, params.symbols, SHOWN)
    raw, imputed = both(spots, given.imputed, chosen, params.fixed_size)
    planted = None
    if given.truth:
        truth = anndata.read_h5ad(given.truth)[spots.obs_names, spots.var_names[chosen]]
        planted = np.log1p(SCALE * np.asarray(truth.X, dtype=np.float64))
    xy = side_by_side(spots.obsm["spatial"], spots.obs.get("section"))
    rows = []
    for rank, place in enumerate(chosen):
        part = pd.DataFrame({
            "barcode": spots.obs_names, "x": xy[:, 0], "y": xy[:, 1], "gene": spots.var_names[place],
            "symbol": genes.symbol[place], "raw": raw[:, rank], "imputed": imputed[:, rank], "rank": rank + 1,
        })  # fmt: skip
        rows.append(part.assign(truth=planted[:, rank]) if planted is not None else part)
    write_table(pd.concat(rows), output.patterns)
    known = groups.notna().to_numpy()
    picked = marker_genes(spots.X[known], groups[known].to_numpy(), genes, params.symbols, MARKERS)
    raw, imputed = both(spots, given.imputed, picked, params.fixed_size)
    seen = (spots.X[:, picked] > 0).toarray()
    means, violins = [], []
    for column, place in enumerate(picked):
        name = {"gene": spots.var_names[place], "symbol": genes.symbol[place]}
        one = pd.DataFrame({"label": groups.to_numpy(), "raw": raw[:, column], "imputed": imputed[:, column],
                            "seen": seen[:, column]})[known]  # fmt: skip
        found = one.groupby("label", sort=True).mean().reset_index()
        means.append(found.rename(columns={"seen": "share_detected_raw"}).assign(**name))
        values = pd.DataFrame({"barcode": spots.obs_names[known], **one.drop(columns="seen"), **name})
        violins.append(values)
    columns = ["gene", "symbol", "label", "raw", "imputed", "share_detected_raw"]
    write_table(pd.concat(means)[columns], output.markers)
    shown = pd.concat(violins[: 2 * SHOWN])
    write_table(shown[["barcode", "label", "gene", "symbol", "raw", "imputed"]], output.violins)


def both(spots, imputed, chosen, fixed_size):
    """log1p of counts per 10,000 of some genes, raw and imputed, [spots x genes] each."""
    rates = imputed_genes(imputed, chosen) * (SCALE / fixed_size)
    return log_shares(spots.X, chosen, SCALE), np.log1p(rates)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("anndata", "h5py")):
        main(snakemake)
