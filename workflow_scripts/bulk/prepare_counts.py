"""Counts and sample sheet to counts.h5ad: read, join by name, check every design, filter, size factors."""

import logging
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from workflow_scripts.lib.data.count_table import check_counts
from workflow_scripts.lib.data.counts import read_counts
from workflow_scripts.lib.data.gene_ids import read_gene_info
from workflow_scripts.lib.data.samples import join_samples, read_samples
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import replacing
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.stats.design import check_design, contrast_vector
from workflow_scripts.lib.stats.size_factors import size_factors
from workflow_scripts.lib.wording import listed

log = logging.getLogger("latentome")


def tested(counts: pd.DataFrame, block: dict) -> np.ndarray:
    """Which genes pass the dataset's filter, bool [genes]."""
    if "min_count" in block:
        need = block.get("min_samples_share", 0.25) * counts.shape[1]
        return ((counts >= block["min_count"]).sum(axis=1) >= need).to_numpy()
    return (counts.sum(axis=1) >= block.get("min_total_count", 10)).to_numpy()


def main(snakemake) -> None:
    block, name = snakemake.params.block, snakemake.wildcards.dataset
    table = read_counts(
        snakemake.input.counts,
        gene_column=block.get("gene_column"),
        object=block.get("counts_object"),
        layer=block.get("counts_layer"),
        altered_ids=block.get("altered_ids", "refuse"),
    )
    sheet = read_samples(snakemake.input.samples, sample_column=block.get("sample_column"))
    samples = join_samples(table.counts, sheet, subset=block.get("subset"), columns=snakemake.params.factors)
    counts = table.counts[samples.index]
    check_counts(counts, table.source)
    for contrast, parts in block["contrasts"].items():
        options = {"reference": parts.get("reference"), "numeric": tuple(block.get("numeric", ()))}
        try:
            check_design(parts["design"], samples, **options)
            contrast_vector(parts["design"], samples, parts["contrast"], **options)
        except LatentomeError as error:
            raise LatentomeError(f"config, datasets: bulk: {name}: contrasts: {contrast}: {error}") from None
    keep = tested(counts, block)
    if keep.sum() < 10:
        raise LatentomeError(
            f"{table.source}: {keep.sum()} of {keep.size} genes pass the filter; expected at least 10; lower "
            f"min_total_count or min_count of datasets: bulk: {name}"
        )
    control = None
    if snakemake.input.control:
        chosen = set(Path(snakemake.input.control).read_text(encoding="utf-8").split())
        control = counts.index[keep].isin(chosen)
        if not control.any():
            raise LatentomeError(
                f"{snakemake.input.control}: none of its genes is tested in {table.source}; expected gene ids "
                f"such as {listed(counts.index[:3])}"
            )
    factors = size_factors(counts.to_numpy()[keep], block.get("size_factors", "ratio"), control)
    symbols = pd.Series(counts.index, index=counts.index)
    if snakemake.input.gene_info:
        symbols = symbols.map(read_gene_info(snakemake.input.gene_info).symbols).fillna("")
    elif "symbol" in table.annotation:
        symbols = table.annotation["symbol"].astype(str).set_axis(counts.index)
    elif snakemake.input.truth and block.get("simulated"):
        truth = pd.read_csv(snakemake.input.truth, sep="\t", index_col="gene_id")
        symbols = truth.symbol.reindex(counts.index).fillna("")
    var = pd.DataFrame({"symbol": symbols.astype(str), "tested": keep}, index=counts.index.astype(str))
    var["size_factor_gene"] = (
        np.isin(counts.index, counts.index[keep][control]) if control is not None else False
    )
    if table.length is not None:
        var["length"] = table.length.to_numpy()
    obs = samples.astype(str).assign(size_factor=factors, library_size=counts.sum(axis=0).to_numpy())
    log.info("%s: %d genes, %d tested, %d samples", name, len(var), keep.sum(), len(obs))
    data = anndata.AnnData(np.ascontiguousarray(counts.to_numpy().T.astype(np.int32)), obs=obs, var=var)
    with replacing(snakemake.output[0]) as path:
        data.write_h5ad(path)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("anndata", "pandas")):
        main(snakemake)
