"""All benchmarks of one dataset in one tidy table: concordance, held-out counts, spike-ins, simulation, null."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.bulk import one_hot, read_bulk
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.differential_expression import against_truth, concordance, tidy
from workflow_scripts.lib.metrics.held_out import gene_mean_score
from workflow_scripts.lib.tables import read_table, write_table


def concordance_rows(contrast: str, paths: dict[str, str], published: pd.DataFrame | None) -> list[dict]:
    """Agreement with DESeq2's unshrunken estimate, on genes with an adjusted p-value."""
    reference = read_table(paths["deseq2"]).set_index("gene_id")
    reference = reference[reference.padj.notna()]
    estimates = []
    for method in ("nbvae", "nbvae_permuted", "log_ratio", "mean_log", "deseq2_shrunken"):
        estimates.append((method, None, read_table(paths[method]).set_index("gene_id").log2FoldChange))
    unshrunken = read_table(paths["nbvae"]).set_index("gene_id").lfc_unshrunken
    estimates.append(("nbvae_unshrunken", None, unshrunken))
    seeds = read_table(paths["seeds"]).set_index("gene_id")
    estimates += [("nbvae", int(name.removeprefix("seed")), seeds[name]) for name in seeds.columns]
    if published is not None:
        for (seed, epochs), part in published.groupby(["seed", "epochs"]):
            estimates.append((f"published_{epochs}", seed, part.set_index("gene_id").log2FoldChange))
    return [
        {"contrast": contrast, "method": method, "seed": seed, **row}
        for method, seed, estimate in estimates
        for row in concordance(reference.log2FoldChange, estimate, reference.baseMean).to_dict("records")
    ]


def spike_in_rows(
    contrast: str, paths: dict[str, str], truth: pd.DataFrame
) -> tuple[list[dict], pd.DataFrame]:
    """Scores against known ratios, and the estimates themselves."""
    rows, tables = [], []
    known = truth.set_index("gene_id").true_lfc
    for method in ("deseq2", "deseq2_shrunken", "nbvae", "nbvae_permuted", "log_ratio", "mean_log"):
        table = read_table(paths[method])
        table = table[table.gene_id.isin(known.index)]
        rows += [
            {"contrast": contrast, "method": method, "bin": name, "metric": metric, "value": value, "n": n}
            for metric, name, value, n in against_truth(table, known)
        ]
        if "lfc_lower" not in table:
            table = table.assign(
                lfc_lower=table.log2FoldChange - 1.96 * table.lfcSE,
                lfc_upper=table.log2FoldChange + 1.96 * table.lfcSE,
            )
        tables.append(table.assign(method=method))
    joined = pd.concat(tables).merge(truth.drop(columns="symbol", errors="ignore"), on="gene_id")
    joined = joined.rename(columns={"lfc_lower": "lower", "lfc_upper": "upper"})
    if "group" not in joined:
        joined["group"] = np.where(joined.true_lfc == 0, "null", "affected")
    columns = ["gene_id", "group", "true_lfc", "baseMean", "method", "log2FoldChange", "lower", "upper"]
    return rows, joined[columns]


def main(snakemake) -> None:
    params, given = snakemake.params, snakemake.input
    data = read_bulk(given.counts)
    published = pd.concat(map(read_table, given.published)) if given.published else None
    truth = read_table(given.truth, ("gene_id", "true_lfc")) if given.truth else None
    concordant, spiked, spikes = [], [], []
    for place, contrast in enumerate(params.contrasts):
        names = ("deseq2", "deseq2_shrunken", "nbvae", "nbvae_permuted", "log_ratio", "mean_log", "seeds")
        paths = {name: given[name][place] for name in names}
        shown = published if contrast == params.published else None
        concordant += concordance_rows(contrast, paths, shown)
        if truth is not None:
            rows, table = spike_in_rows(contrast, paths, truth)
            spiked += rows
            spikes.append(table)
    held = [
        {"method": "gene_mean", "seed": seed, "metric": "nats_per_count",
         "value": gene_mean_score(
                data.counts.to_numpy().T, data.size_factors, one_hot(data.samples, params.batch), params.held_out, seed
            ), "n": data.counts.shape[1]}
        for seed in params.seeds[:1]
    ]  # fmt: skip
    for path in given.metrics:
        value = json.loads(Path(path).read_text(encoding="utf-8")).get("held_out_nats_per_count")
        model, seed = path.split("/")[-3], int(path.split("/")[-2].removeprefix("seed"))
        if value is not None:
            held.append(
                {
                    "method": model,
                    "seed": seed,
                    "metric": "nats_per_count",
                    "value": value,
                    "n": data.counts.shape[1],
                }
            )
    whole = pd.concat(
        [
            tidy("concordance", concordant),
            tidy("spike_in", spiked),
            tidy("held_out", held),
            read_table(given.simulation),
            read_table(given.permutation),
        ],
        ignore_index=True,
    )
    write_table(whole, snakemake.output.benchmark)
    columns = ["gene_id", "group", "true_lfc", "baseMean", "method", "log2FoldChange", "lower", "upper"]
    write_table(pd.concat(spikes) if spikes else pd.DataFrame(columns=columns), snakemake.output.spike_in)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "scipy", "pandas")):
        main(snakemake)
