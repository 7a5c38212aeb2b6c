"""Molecules as cards: structure drawn as SVG, properties, similarity to the molecule that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rdkit import Chem, RDLogger
from rdkit.Chem import QED, Crippen, Descriptors, Lipinski, rdMolDescriptors
from rdkit.Chem.Draw import rdMolDraw2D

from workflow_scripts.lib.files import write_atomic

from .tables import PageTable, page_table, shown_number

_PROPERTIES: dict[str, Callable[[Chem.Mol], float]] = {
    "Molecular weight (Da)": Descriptors.MolWt,
    "log P (Crippen)": Crippen.MolLogP,
    "Polar surface (\u00c5\u00b2)": rdMolDescriptors.CalcTPSA,
    "H-bond donors": Lipinski.NumHDonors,
    "H-bond acceptors": Lipinski.NumHAcceptors,
    "Rotatable bonds": Lipinski.NumRotatableBonds,
    "QED": QED.qed,
}
WIDTH, HEIGHT = 240, 170


@dataclass(frozen=True)
class Card:
    """One molecule: `href` of its drawing, or None where the string is no molecule."""

    title: str
    smiles: str
    href: str | None
    properties: list[tuple[str, str]]


@dataclass(frozen=True)
class Deck:
    """The cards of a data set by the molecule that was asked for, and their properties as a table."""

    anchor: str
    groups: list[tuple[Card, list[Card]]]
    table: PageTable


def _read(smiles: str) -> Chem.Mol | None:
    RDLogger.DisableLog("rdApp.*")
    try:
        return Chem.MolFromSmiles(smiles) if smiles else None
    finally:
        RDLogger.EnableLog("rdApp.*")


def draw(molecule: Chem.Mol) -> str:
    """Return a molecule's structure as SVG on a transparent ground, `WIDTH` x `HEIGHT` pixels."""
    drawer = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
    drawer.drawOptions().clearBackground = False
    drawer.drawOptions().padding = 0.08
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, molecule)
    drawer.FinishDrawing()
    return str(drawer.GetDrawingText())


def _card(
    title: str, smiles: str, place: str, site: Path, similarity: float | None
) -> tuple[Card, dict[str, object]]:
    molecule = _read(smiles)
    values = {name: of(molecule) for name, of in _PROPERTIES.items()} if molecule is not None else {}
    told = (
        []
        if similarity is None or pd.isna(similarity)
        else [("Tanimoto to the true one", shown_number(similarity))]
    )
    told += [(name, shown_number(round(value, 2))) for name, value in values.items()]
    if molecule is not None:
        write_atomic(site / place, draw(molecule))
    formula = rdMolDescriptors.CalcMolFormula(molecule) if molecule is not None else ""
    row = {"Molecule": title, "SMILES": smiles, "Formula": formula or None, "Tanimoto": similarity, **values}
    return Card(title, smiles, place if molecule is not None else None, told), row


def deck(table: pd.DataFrame, dataset: str, site: Path) -> Deck:
    """Draw the molecules of ``molecule_grid.tsv`` and return their cards.

    Parameters
    ----------
    table
        One row a draw: ``true`` and ``smiles`` as SMILES, ``draw``, ``tanimoto`` to the true molecule.
    dataset
        Its name.
    site
        Folder of the site.
    """
    groups, rows = [], []
    for number, (true, draws) in enumerate(table.groupby("true", sort=False), start=1):
        folder = f"molecules/{dataset}/{number}"
        head, row = _card(f"Test molecule {number}", str(true), f"{folder}-true.svg", site, None)
        rows.append(row)
        cards = []
        for draw_number, smiles, similarity in draws[["draw", "smiles", "tanimoto"]].itertuples(index=False):
            text = "" if pd.isna(smiles) else str(smiles)
            card, row = _card(
                f"Draw {draw_number + 1} for {number}", text, f"{folder}-{draw_number}.svg", site, similarity
            )
            cards.append(card)
            rows.append(row)
        groups.append((head, cards))
    return Deck(f"{dataset}-cards", groups, page_table(pd.DataFrame(rows)))
