"""Gene sets and the ontology of their terms: GMT and OBO files."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import obonet

from workflow_scripts.lib.data.text_table import read_text
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed, shown

log = logging.getLogger("latentome")

GMT_EXPECTED = (
    "expected a GMT file, on each line the term, a description and the genes, separated by tabs; check which "
    "file this is"
)


@dataclass(frozen=True)
class GeneSet:
    """A term's name and its genes."""

    name: str
    genes: frozenset[str]


def genes_of(sets: Mapping[str, GeneSet]) -> set[str]:
    """Return the genes in any of `sets`: those that the collection annotates."""
    return set().union(*(one.genes for one in sets.values()))


def _term_and_name(first: str, second: str) -> tuple[str, str]:
    """Tell a term's id from its name: "GO:1 name", GO:1 | "name (GO:1)", nothing | MSigDB's NAME, address."""
    first, second = first.strip(), second.strip()
    if second and first.startswith(f"{second} "):
        return second, first[len(second) + 1 :].strip()
    if first.endswith(")") and " (GO:" in first:
        name, _, term = first[:-1].rpartition(" (")
        return term, name
    if first.startswith("GO:") and second and "://" not in second:
        return first, second
    return first, first


def read_gmt(path: str | Path) -> dict[str, GeneSet]:
    """Read a GMT file, gzipped or plain: a set a line, tab-separated: term, description, genes.

    Parameters
    ----------
    path
        Of MSigDB's, Enrichr's or ShinyGO's kind; the term's id may stand in the first field before the name,
        and in the second.

    Returns
    -------
    dict
        Term id -> set, in the file's order. Sets of the same term are merged, empty ones left out; both are
        logged.

    Raises
    ------
    LatentomeError
        If the file is missing, truncated, not UTF-8, empty, or no GMT file; file and line are named.
    """
    found: dict[str, tuple[str, set[str]]] = {}
    repeated, empty = [], []
    lines = read_text(path).split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) < 2 or line.startswith("#") or not fields[0].strip():
            raise LatentomeError(
                f"{path}, line {number}: this is no gene set ({shown(line)}); {GMT_EXPECTED}"
            )
        term, name = _term_and_name(fields[0], fields[1])
        # Enrichr writes "GENE,1.0". Interning keeps one string a gene, not one an annotation.
        genes = {sys.intern(gene) for field in fields[2:] if (gene := field.split(",")[0].strip())}
        if not genes:
            empty.append(term)
        elif term in found:
            repeated.append(term)
            found[term][1].update(genes)
        else:
            found[term] = (name, genes)
    if not found:
        what = f"none of the {len(empty)} lines names a gene" if empty else "the file is empty"
        raise LatentomeError(f"{path}: {what}; {GMT_EXPECTED}")
    if repeated:
        log.warning("%s: %d lines repeat a term and were merged: %s", path, len(repeated), listed(repeated))
    if empty:
        log.warning("%s: %d sets are empty and were left out: %s", path, len(empty), listed(empty))
    return {term: GeneSet(name, frozenset(genes)) for term, (name, genes) in found.items()}


def read_obo(path: str | Path) -> nx.MultiDiGraph:
    """Read an ontology, gzipped or plain, obsolete terms included.

    Returns
    -------
    networkx.MultiDiGraph
        As `obonet` makes it: an edge from a term to each it is related to, its key the relation.

    Raises
    ------
    LatentomeError
        If the file cannot be read, or is no OBO file.
    """
    text = read_text(path)
    advice = "expected an OBO file such as go-basic.obo; check which file this is"
    if "[Term]" not in text:
        raise LatentomeError(f"{path}: there is no [Term]; {advice}")
    try:
        return obonet.read_obo(io.StringIO(text), ignore_obsolete=False)
    except (ValueError, KeyError) as error:
        raise LatentomeError(f"{path}: {' '.join(str(error).split())}; {advice}") from None


def _current_terms(graph: nx.MultiDiGraph) -> dict[str, str]:
    """Map each current term to itself, and alternative and replaced obsolete ids to the current one."""
    obsolete = {term for term, data in graph.nodes(data=True) if data.get("is_obsolete") == "true"}
    current = {}
    for term, data in graph.nodes(data=True):
        if term in obsolete:
            replacing = [
                other for other in data.get("replaced_by", []) if other not in obsolete and other in graph
            ]
            current.update({term: replacing[0]} if replacing else {})
        elif "name" in data:  # a node without a name is only mentioned
            current[term] = term
    for term in list(current):
        for other in graph.nodes[term].get("alt_id", []):
            current.setdefault(other, current[term])
    return current


def propagate(
    sets: Mapping[str, GeneSet],
    graph: nx.MultiDiGraph,
    relations: Iterable[str] = ("is_a", "part_of"),
    namespace: str | None = "biological_process",
) -> dict[str, GeneSet]:
    """Give every term the genes of its descendants: a gene of a process is one of what that is part of.

    Parameters
    ----------
    sets
        Term id -> set.
    graph
        From `read_obo`.
    relations
        Those along which an annotation holds for the parent as well; they may cross namespaces.
    namespace
        Of the terms to return; None for all.

    Returns
    -------
    dict
        Term id -> set, sorted by id, for all annotated terms; alternative and replaced ids are merged into
        the current one, obsolete terms without a successor are left out (logged). Names are the ontology's.

    Raises
    ------
    LatentomeError
        If no term is in the ontology or in the namespace, or the relations make a circle.
    """
    current = _current_terms(graph)
    genes: dict[str, set[str]] = {}
    for term, one in sets.items():
        if term in current:
            genes.setdefault(current[term], set()).update(one.genes)
    lost = [term for term in sets if term not in current]
    if not genes:
        raise LatentomeError(
            f"gene sets: none of the {len(sets)} terms ({listed(sets, 2)}) is in the ontology; expected ids "
            f"such as {listed(graph, 2)}; give sets whose terms are the ontology's, or leave out obo"
        )
    if lost:
        log.warning(
            "%d of %d terms are not in the ontology and were left out: %s", len(lost), len(sets), listed(lost)
        )
    wanted = set(relations)
    upward = nx.DiGraph()
    upward.add_nodes_from(genes)
    upward.add_edges_from((child, parent) for child, parent, key in graph.edges(keys=True) if key in wanted)
    try:
        order = list(nx.topological_sort(upward))
    except nx.NetworkXUnfeasible:
        circle = [edge[0] for edge in nx.find_cycle(upward)]
        raise LatentomeError(
            f"ontology: the relations {listed(sorted(wanted))} make a circle through {listed(circle)}; "
            "expected none; use the basic version, go-basic.obo"
        ) from None
    for term in order:
        if term in genes:
            for parent in upward.successors(term):
                genes.setdefault(parent, set()).update(genes[term])
    kept = {
        term: GeneSet(graph.nodes[term].get("name", term), frozenset(genes[term]))
        for term in sorted(genes)
        if namespace is None or graph.nodes[term].get("namespace") == namespace
    }
    if not kept:
        raise LatentomeError(
            f"ontology: no annotated term is in the namespace {shown(namespace)}; expected some; give sets "
            "of that namespace"
        )
    return kept
