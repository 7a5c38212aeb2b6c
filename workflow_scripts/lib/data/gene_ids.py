"""Ids and names of genes: NCBI's gene_info, and meeting the ids of gene sets."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.lib.data.gene_sets import GeneSet, genes_of
from workflow_scripts.lib.data.text_table import read_text
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed

log = logging.getLogger("latentome")

ENOUGH_MATCHED = 0.1
"""Share of the smaller of two lists of genes that must be in the other for their ids to be of one kind."""


@dataclass(frozen=True)
class GeneInfo:
    """Names of one species' genes.

    Attributes
    ----------
    symbols
        Entrez id -> official symbol.
    entrez
        Symbol, unambiguous alias, and Ensembl, FlyBase or MGI id where the file has them -> Entrez id.
    """

    symbols: dict[str, str]
    entrez: dict[str, str]

    def to_entrez(self, gene: str) -> str | None:
        """Return the Entrez id of `gene`, whatever kind of id it is; None if it is unknown."""
        if gene in self.symbols:
            return gene
        # ENSMUSG00000064842.3 is version 3 of that gene
        return self.entrez.get(gene) or self.entrez.get(gene.split(".")[0])


def read_gene_info(path: str | Path) -> GeneInfo:
    """Read NCBI's gene_info, or an extract of it: gzipped or plain, tab-separated.

    Parameters
    ----------
    path
        Columns ``GeneID`` and ``Symbol``; ``Synonyms`` (or ``Aliases``) and ``dbXrefs`` where they are there.

    Raises
    ------
    LatentomeError
        If the file cannot be read, or a column or a field is missing; file, line and column are named.
    """
    lines = read_text(path).split("\n")
    header = lines[0].lstrip("#").split("\t")
    absent = [name for name in ("GeneID", "Symbol") if name not in header]
    if absent:
        raise LatentomeError(
            f"{path}, line 1: column {listed(absent)} is missing, found {listed(header, 8)}; expected NCBI's "
            "gene_info, or an extract with its header; check which file this is"
        )
    place = {name: column for column, name in enumerate(header)}
    others = [place[name] for name in ("Synonyms", "Aliases", "dbXrefs") if name in place]
    symbols: dict[str, str] = {}
    entrez: dict[str, str] = {}
    aliases: dict[str, str | None] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        fields = line.split("\t")
        if len(fields) < len(header):
            raise LatentomeError(
                f"{path}, line {number}: {len(fields)} fields; expected {len(header)}, as in the header; "
                "fetch the file again if it was cut short"
            )
        gene, symbol = fields[place["GeneID"]], fields[place["Symbol"]]
        symbols[gene] = symbol
        entrez.setdefault(symbol, gene)
        for name in (name for column in others for name in fields[column].split("|")):
            alias = name.rpartition(":")[2] if name.startswith(("Ensembl:", "FLYBASE:", "MGI:")) else name
            aliases[alias] = gene if aliases.get(alias, gene) == gene else None
    for alias, owner in aliases.items():
        if owner is not None and alias not in ("-", ""):
            entrez.setdefault(alias, owner)
    return GeneInfo(symbols, entrez)


def match_ids(
    genes: Iterable[str], sets: Mapping[str, GeneSet], info: GeneInfo | None = None, where: str = "gene sets"
) -> tuple[dict[str, str], dict[str, GeneSet]]:
    """Find ids under which `genes` and the genes of `sets` meet: as they are, or else both as Entrez ids.

    Parameters
    ----------
    genes
        Ids of the tested genes.
    sets
        Term id -> set.
    info
        Names of the species' genes; used only if fewer than a tenth of the ids match as they are.
    where
        What the error calls the sets.

    Returns
    -------
    (gene -> id in the sets, sets)
        Without genes that have no such id.

    Raises
    ------
    LatentomeError
        If no gene is in any set.
    """
    genes = list(genes)
    annotated = genes_of(sets)
    least = ENOUGH_MATCHED * min(len(genes), len(annotated))
    found = {gene: gene for gene in genes if gene in annotated}
    if info is not None and len(found) < least:
        known = {gene: name for gene in annotated if (name := info.to_entrez(gene))}
        there = set(known.values())
        mapped = {gene: name for gene in genes if (name := info.to_entrez(gene)) and name in there}
        if len(mapped) > len(found):
            log.info("%s: %d of %d genes matched by gene_info", where, len(mapped), len(genes))
            renamed = {
                term: GeneSet(one.name, frozenset(known[gene] for gene in one.genes if gene in known))
                for term, one in sets.items()
            }
            return mapped, renamed
    if not found:
        translate = "" if info else ", or a gene_info file to translate the ids"
        remedy = f"give sets of the same species and ids{translate}"
        raise LatentomeError(
            f"{where}: none of the {len(genes)} tested genes is in any set; the genes are written "
            f"{listed(sorted(genes)[:3])}, those of the sets {listed(sorted(annotated)[:3])}; "
            f"expected one kind of ids; {remedy}"
        )
    if len(found) < least:
        log.warning("%s: only %d of %d genes are in any set", where, len(found), len(genes))
    return found, dict(sets)
