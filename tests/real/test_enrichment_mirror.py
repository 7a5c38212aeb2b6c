"""Enrichment of the published DESeq2 table. Set LATENTOME_MIRROR, or keep the mirror in ../shared/mirror."""

import os
import time
from pathlib import Path

import pandas as pd
import pytest

from workflow_scripts.lib.data.gene_ids import match_ids, read_gene_info
from workflow_scripts.lib.data.gene_sets import GeneSet, genes_of, propagate, read_gmt, read_obo
from workflow_scripts.lib.stats.enrichment import over_representation, preranked, reduce_redundancy

MIRROR = Path(os.environ.get("LATENTOME_MIRROR") or Path(__file__).parents[3] / "shared" / "mirror")


def mirrored(name):
    path = MIRROR / name
    if not path.exists():
        pytest.skip(f"{name} is not in the mirror ({MIRROR}); set LATENTOME_MIRROR to a folder that has it")
    return path


@pytest.fixture(scope="module")
def table():
    path = mirrored("GSE60450/published_deseq2_results_half.csv.gz")
    whole = pd.read_csv(path, dtype={"EntrezGeneID": str}).set_index("EntrezGeneID")
    return whole[whole["padj"].notna()]


@pytest.fixture(scope="module")
def go():
    sets = read_gmt(mirrored("genesets/go.mm.entrez.gmt.gz"))
    graph = read_obo(mirrored("genesets/go-basic.obo.gz"))
    start = time.process_time()
    found = propagate(sets, graph)
    assert time.process_time() - start < 8
    assert len(sets) == 17_001 and sets["GO:0000002"].name == "mitochondrial genome maintenance"
    assert len(found) == 11_808 and len(found["GO:0008150"].genes) == len(genes_of(found)) == 23_981
    assert all(sets[term].genes <= one.genes for term, one in found.items() if term in sets)
    return found


@pytest.fixture(scope="module")
def kegg():
    return read_gmt(mirrored("genesets/kegg.mm.entrez.gmt.gz"))


def called(table, sign, cut=1.0):
    return table.index[(table["padj"] < 0.05) & (table["log2FoldChange"] * sign > cut)]


def significant(table, sign, sets):
    background = genes_of(sets) & set(table.index)
    found = over_representation(called(table, sign), background, sets)
    return found[found["padj"] < 0.05]


def test_genes_up_make_fat(table, go):
    found = significant(table, 1, go)
    assert {"acyl-CoA metabolic process", "lipid biosynthetic process"} <= set(found["name"][:10])
    fatty = found["name"].str.contains("lipid|fatty|acyl-CoA|glycer|triglyceride")
    assert fatty.mean() > 0.3 and fatty[:10].sum() >= 5
    assert found["name"].str.contains("muscle|extracellular matrix").sum() == 0


def test_genes_down_are_of_basal_cells(table, go, kegg):
    found = significant(table, -1, go)
    assert found["name"][0] == "cell adhesion"
    assert found["name"].str.contains("muscle").sum() >= 5
    assert found["name"].str.contains("extracellular (?:matrix|structure)").sum() >= 2
    pathways = significant(table, -1, kegg)
    assert {"ECM-receptor interaction", "Focal adhesion"} <= set(pathways["name"][:5])


def test_up_pathways_of_the_notebook(table, kegg):
    background = genes_of(kegg) & set(table.index)
    found = over_representation(called(table, 1), background, kegg).set_index("name")
    assert found.index[0] == "Systemic lupus erythematosus"
    assert {"Lysosome", "PPAR signaling pathway", "Peroxisome"} <= set(found.index[:8])


def test_gsea_has_the_directions_of_the_lists(table, go):
    start = time.process_time()
    found = preranked(table["stat"], go).set_index("name")
    assert time.process_time() - start < 20
    assert len(found) > 3000
    calls = found[found["padj"] < 0.05]
    muscle = calls["nes"][calls.index.str.contains("muscle|extracellular matrix|vasculature")]
    assert len(muscle) >= 10 and (muscle < 0).all()
    assert calls.loc["acyl-CoA metabolic process", "nes"] > 1.8
    assert calls.loc["mitochondrial gene expression", "nes"] > 1.8


def test_redundancy(table, go):
    found = significant(table, -1, go)
    background = frozenset(table.index)
    cut = {term: GeneSet(one.name, one.genes & background) for term, one in go.items()}
    reduced = reduce_redundancy(found, cut)
    kept = reduced[reduced["term"] == reduced["representative"]]
    assert 0.3 < len(kept) / len(reduced) < 0.95
    members = [cut[term].genes for term in kept["term"]]
    overlaps = [len(a & b) / len(a | b) for n, a in enumerate(members) for b in members[:n]]
    assert max(overlaps) <= 0.7


def test_symbols_meet_entrez_sets(table, kegg):
    info = read_gene_info(mirrored("genesets/gene_info.mouse.tsv.gz"))
    symbols = [info.symbols[gene] for gene in table.index if gene in info.symbols]
    ids, there = match_ids(symbols, kegg, info)
    by_entrez = genes_of(kegg) & set(table.index)
    assert len(ids) > 0.97 * len(by_entrez) and len(there) == len(kegg)
    hallmark = read_gmt(mirrored("genesets/h.all.v7.0.symbols.gmt"))
    assert len(hallmark) == 50 and len(hallmark["HALLMARK_HYPOXIA"].genes) == 200
