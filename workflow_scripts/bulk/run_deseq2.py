"""DESeq2 in R for one contrast; its shrunken estimate beside it."""

import logging

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.bulk import read_bulk
from workflow_scripts.lib.data.samples import level_text
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.stats.apeglm import shrink
from workflow_scripts.lib.stats.deseq2 import run_deseq2
from workflow_scripts.lib.stats.design import model_matrix
from workflow_scripts.lib.tables import write_table

log = logging.getLogger("latentome")


def under_normal_prior(found) -> np.ndarray:
    """R's shrunken estimate; the unshrunken one where R has none."""
    if found.shrunken.size:
        return found.shrunken
    log.warning("this design or contrast has no shrunken estimate; the table holds the unshrunken one")
    return found.table.log2FoldChange.to_numpy()


def apeglm_coefficient(data, parts, numeric, method) -> tuple[pd.DataFrame, int] | None:
    """Model matrix in which the contrast is one coefficient, and its place; None where apeGLM is not asked for.

    It needs a contrast of two levels and a design with an intercept; elsewhere R's normal prior has to do.
    """
    contrast = parts["contrast"]
    if method != "apeglm" or not isinstance(contrast, list):
        return None
    factor, numerator, denominator = contrast
    levels = sorted(set(data.samples[factor]))
    reference = {**parts.get("reference", {}), factor: level_text(denominator, factor, levels)}
    matrix = model_matrix(parts["design"], data.samples, reference, numeric=numeric)
    pairs = matrix.attrs["coefficients"]
    wanted = ((factor, level_text(numerator, factor, levels)),)
    column = next((name for name in matrix.columns if tuple(pairs[name]) == wanted), None)
    if column is None or not np.ptp(matrix.to_numpy(), axis=0).min() == 0:
        return None
    return matrix, list(matrix.columns).index(column)


def shrunken_table(found, data, apeglm, method) -> pd.DataFrame:
    """DESeq2's table with the shrunken log2 fold change; p-values are the unshrunken test's."""
    table = found.table.copy()
    if method == "none":
        return table
    if apeglm is None:
        table["log2FoldChange"] = under_normal_prior(found)
        return table
    matrix, place = apeglm
    table["log2FoldChange"], table["lfcSE"] = shrink(
        data.counts.to_numpy(float), found.size_factors.to_numpy(), matrix.to_numpy(float), place,
        found.dispersions.dispersion.to_numpy(), found.table.log2FoldChange.to_numpy(),
        found.table.lfcSE.to_numpy(),
    )  # fmt: skip
    return table


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    data = read_bulk(snakemake.input[0])
    parts, block = params.contrast, params.block
    numeric = tuple(block.get("numeric", ()))
    apeglm = apeglm_coefficient(data, parts, numeric, params.shrinkage)
    found = run_deseq2(
        data.counts,
        data.samples,
        parts["design"],
        parts["contrast"],
        reference=parts.get("reference"),
        numeric=numeric,
        size_factor_type=block.get("size_factors", "ratio"),
        control=data.control,
        shrink_normal=params.shrinkage != "none" and apeglm is None,
        workers=snakemake.threads if block.get("biocparallel") else 1,
    )
    for table, path in (
        (found.table, output.table),
        (shrunken_table(found, data, apeglm, params.shrinkage), output.shrunken),
    ):
        table.insert(1, "symbol", data.symbols.reindex(table.gene_id).to_numpy())
        write_table(table, path)
    write_table(found.size_factors.rename_axis("sample").reset_index(), output.size_factors)
    facts = {key: value[0] if len(value) == 1 else value for key, value in found.facts.items() if value}
    rows = [{"name": key, "value": value} for key, value in facts.items()]
    write_table(pd.DataFrame(rows), output.facts)
    write_table(found.dispersions, output.dispersions)
    write_table(found.vst.rename_axis("gene_id").reset_index(), output.vst)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("rpy2", "numpy", "pandas"), contrast=snakemake.wildcards.contrast):
        main(snakemake)
