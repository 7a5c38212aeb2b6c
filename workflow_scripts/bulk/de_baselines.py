"""The two trivial predictors of one contrast: log ratio of means, and mean of logs by least squares."""

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.bulk import design_of, read_bulk
from workflow_scripts.lib.data.samples import level_text
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.stats.baselines import log_ratio, mean_log
from workflow_scripts.lib.tables import write_table


def main(snakemake) -> None:
    parts = snakemake.params.contrast
    data = read_bulk(snakemake.input.counts)
    design, contrast = design_of(data.samples, parts, tuple(snakemake.params.numeric))
    by_logs = mean_log(data.normalised, design, contrast)
    ratio = by_logs
    if isinstance(parts["contrast"], list):
        factor, *ends = parts["contrast"]
        levels = data.samples[factor]
        groups = [(levels == level_text(end, factor, levels.unique())).to_numpy() for end in ends]
        ratio = log_ratio(data.normalised, *groups)
    for lfc, path in ((by_logs, snakemake.output.mean_log), (ratio, snakemake.output.log_ratio)):
        table = pd.DataFrame(
            {
                "gene_id": data.counts.index,
                "symbol": data.symbols.reindex(data.counts.index).to_numpy(),
                "baseMean": data.normalised.mean(axis=1),
                "log2FoldChange": lfc,
                "lfcSE": np.nan,
                "pvalue": np.nan,
                "padj": np.nan,
            }
        )
        write_table(table, path)


if __name__ == "__main__":
    with job_log(snakemake.log[0], contrast=snakemake.wildcards.contrast):
        main(snakemake)
