"""Enriched gene sets of one contrast, by each method: over-representation of genes, GSEA of the ranking."""

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.gene_ids import match_ids, read_gene_info
from workflow_scripts.lib.data.gene_sets import GeneSet, propagate, read_gmt, read_obo
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.stats.enrichment import over_representation, preranked, reduce_redundancy
from workflow_scripts.lib.tables import read_table, write_table

log = logging.getLogger("latentome")

COLUMNS = ["method", "collection", "analysis", "term", "name", "size", "overlap", "selected", "gene_ratio"]
COLUMNS += ["nes", "pvalue", "padj", "representative"]
DE_COLUMNS = ("gene_id", "baseMean", "log2FoldChange", "lfcSE", "padj")
PUBLISHED_COLUMNS = ("gene_id", "baseMean", "log2FoldChange", "seed", "epochs")
PUBLISHED_SEED, PUBLISHED_GENES = 42, 500
NAMESPACES = {"GO_BP": "biological_process", "GO_MF": "molecular_function", "GO_CC": "cellular_component"}
# Rows beyond these are left out of the file; the tests themselves are of all sets.
KEPT_BELOW, KEPT_AT_LEAST = 0.2, 50


def several(value: Any) -> list[str]:
    """Return a named input as a list, whether it has no file, one or several."""
    return [value] if isinstance(value, str) else list(value or [])


def called(table: pd.DataFrame, score: pd.Series, padj_cut: float, lfc_cut: float) -> pd.DataFrame:
    """Return the tested genes with the columns up, down and score; the same cut-offs for every method."""
    change, sure = table["log2FoldChange"], table["padj"] < padj_cut
    table = table.assign(up=sure & (change > lfc_cut), down=sure & (change < -lfc_cut), score=score)
    return table[table["padj"].notna()]


def called_as_published(table: pd.DataFrame) -> pd.DataFrame:
    """Return the genes that the notebook selected: it has no error of its fold changes to test or rank by."""
    seed = PUBLISHED_SEED if PUBLISHED_SEED in set(table["seed"]) else table["seed"].min()
    table = table[table["seed"] == seed]
    table = table[(table["epochs"] == table["epochs"].max()) & table["log2FoldChange"].notna()]
    log.info("published: seed %s, %s epochs", seed, table["epochs"].max())
    place = table["log2FoldChange"].rank(method="first")
    count = min(PUBLISHED_GENES, len(table) // 2)
    return table.assign(up=place > len(table) - count, down=place <= count, score=np.nan)


def read_methods(inputs: Any, params: Any) -> dict[str, pd.DataFrame]:
    """Read each method's genes: gene_id, baseMean, up, down and score of the tested ones."""
    cuts = (params.padj_cut, params.lfc_cut)
    deseq2 = read_table(inputs.deseq2, (*DE_COLUMNS, "stat"))
    nbvae = read_table(inputs.nbvae, DE_COLUMNS)
    # Where the posterior has no width all draws agreed on no change.
    mean_over_sd = (nbvae["log2FoldChange"] / nbvae["lfcSE"].where(nbvae["lfcSE"] > 0)).fillna(0.0)
    methods = {"deseq2": called(deseq2, deseq2["stat"], *cuts), "nbvae": called(nbvae, mean_over_sd, *cuts)}
    if runs := [read_table(path, PUBLISHED_COLUMNS) for path in several(inputs.get("published"))]:
        methods["published"] = called_as_published(pd.concat(runs))
    return methods


def read_collections(inputs: Any, names: list[str]) -> dict[str, dict[str, GeneSet]]:
    """Read the gene sets, those of GO propagated to the ancestors."""
    collections = {
        name: read_gmt(path) for name, path in zip(names, several(inputs.get("sets")), strict=True)
    }
    ontological = [name for name in names if name.startswith("GO_")]
    for graph in map(read_obo, several(inputs.get("obo"))[:1] if ontological else []):
        for name in ontological:
            collections[name] = propagate(collections[name], graph, namespace=NAMESPACES.get(name))
    return collections


def enrich(genes: pd.DataFrame, sets: dict[str, GeneSet], params: Any) -> Iterator[pd.DataFrame]:
    """Yield the rows of each analysis of one method's genes in one collection."""
    genes = genes.set_index("id")
    limits = (params.min_size, params.max_size)
    found = {
        f"ora_{way}": over_representation(genes.index[genes[way]], genes.index, sets, *limits)
        for way in ("up", "down")
    }
    if genes["score"].notna().any():
        found["gsea"] = preranked(genes["score"], sets, *limits, params.gsea_permutations, params.seed)
    background = frozenset(genes.index)
    tested = {term: GeneSet(one.name, one.genes & background) for term, one in sets.items()}
    for analysis, table in found.items():
        log.info("  %s: %d sets, %d with padj < 0.05", analysis, len(table), (table["padj"] < 0.05).sum())
        best = (table[["pvalue", "padj"]].min(axis=1) <= KEPT_BELOW) | (table.index < KEPT_AT_LEAST)
        if len(table):
            yield reduce_redundancy(table[best], tested).assign(analysis=analysis)


def main(snakemake: Any) -> None:
    inputs, params = snakemake.input, snakemake.params
    collections = read_collections(inputs, list(params.collections))
    if not collections:
        log.info("no gene sets are configured for this dataset; the table has no rows")
    info = next(map(read_gene_info, several(inputs.get("gene_info"))), None)
    parts = []
    for method, table in (read_methods(inputs, params) if collections else {}).items():
        for name, sets in collections.items():
            ids, there = match_ids(table["gene_id"], sets, info, f"collection {name}, method {method}")
            genes = table.assign(id=table["gene_id"].map(ids)).dropna(subset="id")
            # Of two genes with one id in the sets, the more expressed one speaks.
            genes = genes.sort_values("baseMean", ascending=False, kind="stable").drop_duplicates("id")
            log.info("%s, %s: %d of %d tested genes are annotated", method, name, len(genes), len(table))
            parts += [part.assign(method=method, collection=name) for part in enrich(genes, there, params)]
    table = pd.concat(parts) if parts else pd.DataFrame()
    write_table(table.reindex(columns=COLUMNS), snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "scipy"), seed=snakemake.params.seed):
        main(snakemake)
