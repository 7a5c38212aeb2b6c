"""Reading gene sets, gene names and the ontology; propagation and the matching of ids."""

import gzip
import time

import networkx as nx
import numpy as np
import pytest

from workflow_scripts.lib.data.gene_ids import match_ids, read_gene_info
from workflow_scripts.lib.data.gene_sets import GeneSet, genes_of, propagate, read_gmt, read_obo
from workflow_scripts.lib.errors import LatentomeError

OBO = """format-version: 1.2
ontology: go

[Term]
id: GO:1
name: biological_process
namespace: biological_process

[Term]
id: GO:2
name: lipid metabolism
namespace: biological_process
alt_id: GO:22
is_a: GO:1 ! biological_process

[Term]
id: GO:3
name: fatty acid synthesis
namespace: biological_process
relationship: part_of GO:2 ! lipid metabolism

[Term]
id: GO:4
name: regulation of lipid metabolism
namespace: biological_process
is_a: GO:1 ! biological_process
relationship: regulates GO:2 ! lipid metabolism

[Term]
id: GO:5
name: synthase activity
namespace: molecular_function
relationship: part_of GO:3 ! fatty acid synthesis

[Term]
id: GO:6
name: obsolete fat making
namespace: biological_process
is_obsolete: true
replaced_by: GO:3

[Term]
id: GO:7
name: obsolete nothing
namespace: biological_process
is_obsolete: true
"""

NCBI = (
    "#tax_id\tGeneID\tSymbol\tLocusTag\tSynonyms\tdbXrefs\tdescription\n"
    '10090\t11\tCsn2\t-\tBcas|Shared\tMGI:MGI:88541|Ensembl:ENSMUSG00000063157\tcasein "beta"\n'
    "10090\t12\tWap\t-\tShared|Csn2\tMGI:MGI:98943|Ensembl:ENSMUSG00000000381\twhey, 5' part\n"
    "7227\t13\tnan\t-\t-\tFLYBASE:FBgn0036414\tnanchung\n"
)


def sets(**terms):
    return {name.replace("_", ":"): GeneSet(name, frozenset(genes.split())) for name, genes in terms.items()}


def write(folder, text, name="sets.gmt"):
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.fixture
def graph(tmp_path):
    return read_obo(write(tmp_path, OBO, "go.obo.gz"))


@pytest.mark.parametrize(
    ("line", "term", "name"),
    [
        ("GO:0000002 genome maintenance\tGO:0000002\t1\t2", "GO:0000002", "genome maintenance"),
        ("mmu04144 Endocytosis\tmmu04144\t1\t2", "mmu04144", "Endocytosis"),
        ("genome maintenance (GO:0000002)\t\t1,1.0\t2,0.5\t", "GO:0000002", "genome maintenance"),
        ("GO:0000002\tgenome maintenance\t1\t2", "GO:0000002", "genome maintenance"),
        ("HALLMARK_HYPOXIA\thttp://gsea-msigdb.org/HYPOXIA\t1\t2\t2", "HALLMARK_HYPOXIA", "HALLMARK_HYPOXIA"),
        ("Set (small)\tGO-like\t 1 \t2", "Set (small)", "Set (small)"),
    ],
)
@pytest.mark.parametrize("name_", ["a.gmt", "a.gmt.gz"])
def test_gmt_dialects(tmp_path, line, term, name, name_):
    found = read_gmt(write(tmp_path, f"\ufeff{line}\r\n\r\n", name_))
    assert found == {term: GeneSet(name, frozenset({"1", "2"}))}


def test_gmt_merges_repeats_and_drops_empty_sets(tmp_path, caplog):
    path = write(tmp_path, "B\tx\t1\t2\nA\tx\t3\nB\tx\t2\t4\nEmpty\tx\nBlank\tx\t\t\n")
    found = read_gmt(path)
    assert list(found) == ["B", "A"] and found["B"].genes == {"1", "2", "4"}
    assert '1 lines repeat a term and were merged: "B"' in caplog.text
    assert '2 sets are empty and were left out: "Empty", "Blank"' in caplog.text
    assert genes_of(found) == {"1", "2", "3", "4"} and genes_of({}) == set()


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "a.gmt", "a.gmt: the file is empty; expected a GMT file"),
        (b"A\tx\nB\tx\n", "a.gmt", "none of the 2 lines names a gene"),
        (b"A\tx\t1\ngene,term\n", "a.gmt", r'a.gmt, line 2: this is no gene set \("gene,term"\)'),
        (b"\tx\t1\n", "a.gmt", "line 1: this is no gene set"),
        (NCBI.encode(), "a.gmt", 'line 1: this is no gene set .*"#tax_id'),
        (b"A\tx\t1\nB\tna\xefve\t2\n", "a.gmt", "line 2: byte 0xef .* not UTF-8"),
        (b"<!DOCTYPE html><html>\tx\ty", "a.gmt", "this is a web page"),
    ],
)
def test_gmt_errors(tmp_path, data, name, message):
    with pytest.raises(LatentomeError, match=message) as error:
        read_gmt(write(tmp_path, data, name))
    assert "\n" not in str(error.value)


def test_truncated_gzip_and_missing_file(tmp_path):
    path = write(tmp_path, "".join(f"S{n}\tx\t{n}\n" for n in range(500)), "a.gmt.gz")
    path.write_bytes(path.read_bytes()[:-40])
    for read in (read_gmt, read_gene_info, read_obo):
        with pytest.raises(LatentomeError, match="truncated; expected a whole one; download"):
            read(path)
        with pytest.raises(LatentomeError, match="none.gmt: cannot be read"):
            read(tmp_path / "none.gmt")


def test_gene_info(tmp_path):
    info = read_gene_info(write(tmp_path, NCBI, "gene_info.gz"))
    assert info.symbols == {"11": "Csn2", "12": "Wap", "13": "nan"}
    assert info.to_entrez("11") == info.to_entrez("Csn2") == info.to_entrez("Bcas") == "11"
    assert info.to_entrez("ENSMUSG00000000381.7") == "12" and info.to_entrez("FBgn0036414") == "13"
    assert info.to_entrez("Shared") is None, "an alias of two genes names neither"
    assert info.to_entrez("-") is None and info.to_entrez("csn2") is None


def test_gene_info_extract_and_errors(tmp_path):
    extract = "#tax_id\tGeneID\tSymbol\tAliases\n10090\t1\tTie1\tTIE|tie-1\n"
    assert read_gene_info(write(tmp_path, extract)).to_entrez("TIE") == "1"
    with pytest.raises(LatentomeError, match='line 1: column "GeneID" is missing, found "id", "Symbol"'):
        read_gene_info(write(tmp_path, "id\tSymbol\n1\tA\n"))
    with pytest.raises(LatentomeError, match="line 3: 2 fields; expected 4"):
        read_gene_info(write(tmp_path, extract + "10090\t2"))


def test_obo_errors(tmp_path):
    with pytest.raises(LatentomeError, match=r"there is no \[Term\]"):
        read_obo(write(tmp_path, "A\tx\t1\n"))
    with pytest.raises(LatentomeError, match="expected an OBO file") as error:
        read_obo(write(tmp_path, "format-version: 1.2\n\n[Term]\nno colon here\n"))
    assert "\n" not in str(error.value)


def test_propagation_follows_is_a_and_part_of_only(graph):
    found = propagate(sets(GO_3="a b", GO_4="c", GO_5="d", GO_2="e"), graph)
    assert {term: sorted(one.genes) for term, one in found.items()} == {
        "GO:1": list("abcde"), "GO:2": list("abde"), "GO:3": list("abd"), "GO:4": ["c"],
    }  # fmt: skip
    assert found["GO:2"].name == "lipid metabolism"
    assert sorted(propagate(sets(GO_3="a"), graph, relations=["is_a"])) == ["GO:3"]
    everything = propagate(sets(GO_5="d"), graph, namespace=None)
    assert sorted(everything) == ["GO:1", "GO:2", "GO:3", "GO:5"]


def test_propagation_maps_old_ids(graph, caplog):
    found = propagate(sets(GO_22="a", GO_2="b", GO_6="c", GO_7="d", GO_99="e"), graph)
    assert {term: sorted(one.genes) for term, one in found.items()} == {
        "GO:1": ["a", "b", "c"], "GO:2": ["a", "b", "c"], "GO:3": ["c"],
    }  # fmt: skip
    assert '2 of 5 terms are not in the ontology and were left out: "GO:7", "GO:99"' in caplog.text


def test_propagation_errors(graph):
    with pytest.raises(LatentomeError, match='none of the 1 terms .*"mmu04144".* leave out obo'):
        propagate({"mmu04144": GeneSet("Endocytosis", frozenset("a"))}, graph)
    with pytest.raises(LatentomeError, match='namespace "cellular_component"'):
        propagate(sets(GO_3="a"), graph, namespace="cellular_component")
    graph.add_edge("GO:2", "GO:3", key="is_a")
    with pytest.raises(LatentomeError, match='"is_a", "part_of" make a circle through "GO:[23]"'):
        propagate(sets(GO_3="a"), graph)


def test_propagation_equals_all_ancestors_and_is_fast():
    rng = np.random.default_rng(1)
    terms = [f"GO:{n:07d}" for n in range(15_000)]
    graph = nx.MultiDiGraph()
    graph.add_nodes_from((term, {"name": term, "namespace": "biological_process"}) for term in terms)
    for n in range(1, len(terms)):
        for parent in rng.integers(n // 8, n // 3 + 1, 2):
            graph.add_edge(terms[n], terms[parent], key="is_a")
    genes = np.array([f"g{n}" for n in range(20_000)])
    direct = {term: GeneSet(term, frozenset(rng.choice(genes, 8))) for term in terms}
    start = time.process_time()
    found = propagate(direct, graph)
    assert time.process_time() - start < 10
    for term in ("GO:0000000", "GO:0000003", "GO:0000050", "GO:0007000", "GO:0014999"):
        below = nx.ancestors(graph, term) | {term}
        assert found[term].genes == frozenset().union(*(direct[other].genes for other in below))


def test_ids_match_as_they_are(tmp_path):
    there = {"A": GeneSet("A", frozenset({"11", "12"}))}
    tested = [str(n) for n in range(11, 500)]
    assert match_ids(tested, there, read_gene_info(write(tmp_path, NCBI))) == (
        {"11": "11", "12": "12"},
        there,
    )


@pytest.mark.parametrize(
    ("tested", "members"),
    [
        (["Csn2", "Wap", "other"], ["11", "12", "77"]),
        (["ENSMUSG00000063157.2", "ENSMUSG00000000381"], ["Csn2", "Wap"]),
        (["11", "12"], ["Bcas", "Wap", "Unheard"]),
        (["11", "Wap"], ["Csn2", "ENSMUSG00000000381"]),
    ],
)
def test_ids_match_by_gene_info(tmp_path, tested, members):
    info = read_gene_info(write(tmp_path, NCBI))
    ids, there = match_ids(tested, {"A": GeneSet("a name", frozenset(members))}, info)
    assert ids == {tested[0]: "11", tested[1]: "12"}
    assert there["A"] == GeneSet("a name", frozenset({"11", "12"})) or "77" in members


def test_ids_that_never_match(tmp_path, caplog):
    there = {"A": GeneSet("A", frozenset({"11", "12"}))}
    message = '"FBgn0000003".*those of the sets "11", "12".*or a gene_info file'
    with pytest.raises(LatentomeError, match=message) as error:
        match_ids(["FBgn0000003"], there, where="collection KEGG, method nbvae")
    assert str(error.value).startswith("collection KEGG, method nbvae: none of the 1 tested genes")
    with pytest.raises(LatentomeError, match="give sets of the same species and ids$"):
        match_ids(["FBgn0000003"], there, read_gene_info(write(tmp_path, NCBI)))
    few = {"A": GeneSet("A", frozenset(f"x{n}" for n in range(100)))}
    assert match_ids([f"x{n}" for n in range(99, 400)], few)[0] == {"x99": "x99"}
    assert "only 1 of 301 genes are in any set" in caplog.text
