"""Marker genes under every contrast and method: what a contrast really compared."""

import pandas as pd

from workflow_scripts.lib.data.bulk import read_bulk
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import read_table, write_table


def main(snakemake) -> None:
    data = read_bulk(snakemake.input.counts)
    wanted = {
        name: (factor, level)
        for factor, levels in snakemake.params.markers.items()
        for level, names in levels.items()
        for name in names
    }
    chosen = data.symbols[data.symbols.isin(wanted) | data.symbols.index.isin(wanted)]
    normalised = pd.DataFrame(data.normalised, index=data.counts.index, columns=data.counts.columns)
    rows = []
    for gene, symbol in chosen.items():
        factor, level = wanted.get(symbol) or wanted[gene]
        rows += [
            {
                "factor": factor,
                "level": level,
                "gene_id": gene,
                "symbol": symbol or gene,
                "sample": sample,
                "normalised_count": value,
            }
            for sample, value in normalised.loc[gene].items()
        ]
    columns = ["factor", "level", "gene_id", "symbol", "sample", "normalised_count"]
    table = pd.DataFrame(rows, columns=columns)
    sheet = data.samples[[name for name in snakemake.params.factors if name in data.samples]]
    write_table(table.join(sheet, on="sample", rsuffix="_of_sample"), snakemake.output.markers)
    parts = []
    for contrast, *paths in zip(
        snakemake.params.contrasts, snakemake.input.deseq2, snakemake.input.nbvae, strict=True
    ):
        for method, path in zip(("deseq2", "nbvae"), paths, strict=True):
            de = read_table(path)
            de = de[de.gene_id.isin(chosen.index)].assign(contrast=contrast, method=method)
            if "lfc_lower" not in de:
                de = de.assign(
                    lfc_lower=de.log2FoldChange - 1.96 * de.lfcSE,
                    lfc_upper=de.log2FoldChange + 1.96 * de.lfcSE,
                )
            parts.append(de.rename(columns={"lfc_lower": "lower", "lfc_upper": "upper"}))
    kept = ["gene_id", "symbol", "contrast", "method", "log2FoldChange", "lower", "upper", "padj"]
    write_table(pd.concat(parts)[kept], snakemake.output.lfc)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake)
