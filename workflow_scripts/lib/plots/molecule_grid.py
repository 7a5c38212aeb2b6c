"""Molecules drawn for expression changes, beside the true ones."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.image import imread
from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D

from workflow_scripts.lib.data.molecules import fingerprints, read_molecule, tanimoto

from .paired_images import model_look
from .steady import new_figure
from .style import foot_note, styled

PAIRS, DRAWS, PIXELS = 5, 5, (220, 150)


@styled
def molecule_grid(
    draws: pd.DataFrame, model: str, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw five test molecules and five strings that the model drew for the expression change of each.

    Parameters
    ----------
    draws
        well, true, draw, smiles, of one seed.
    model
        Its name.
    simulated
        Whether the wells are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        true, draw, smiles, valid, tanimoto (to the true molecule).
    """
    wells = draws.drop_duplicates("true")["well"].head(PAIRS)
    figure = new_figure(
        1.75 * (DRAWS + 1),
        1.45 * len(wells) + 0.7,
        f"Drawn by {model_look(model).title} for expression changes",
    )
    axes = np.atleast_2d(figure.subplots(len(wells), DRAWS + 1))
    rows = []
    for place, (row, well) in enumerate(zip(axes, wells, strict=True)):
        some = draws[draws["well"] == well].sort_values("draw").head(DRAWS)
        true = str(some["true"].iloc[0])
        _show(row[0], true, "true" if place == 0 else "")
        for ax in row[1:]:
            ax.set_axis_off()
        for ax, (_, one) in zip(row[1:], some.iterrows(), strict=False):
            valid = read_molecule(str(one["smiles"])) is not None
            likeness = float("nan")
            if valid:
                likeness = float(tanimoto(fingerprints([true]), fingerprints([str(one["smiles"])]))[0, 0])
            title = [f"draw {int(one['draw']) + 1}"] * (place == 0) + [f"{likeness:.2f}"] * valid
            _show(ax, str(one["smiles"]) if valid else None, ": ".join(title))
            rows.append((true, int(one["draw"]), one["smiles"], valid, likeness))
    foot_note(
        figure,
        [
            "The first test molecules and draws, nothing chosen",
            "Numbers: Tanimoto similarity to the true one",
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.DataFrame(rows, columns=["true", "draw", "smiles", "valid", "tanimoto"])


def _show(ax: Any, smiles: str | None, title: str) -> None:
    ax.set_axis_off()
    ax.set_title(title, fontsize=7)
    if smiles is None:
        ax.text(0.5, 0.5, "not a molecule", transform=ax.transAxes, ha="center", va="center", fontsize=7)
        return
    canvas = rdMolDraw2D.MolDraw2DCairo(*PIXELS)
    canvas.drawOptions().bondLineWidth = 1.5
    rdMolDraw2D.PrepareAndDrawMolecule(canvas, Chem.MolFromSmiles(smiles))
    canvas.FinishDrawing()
    ax.imshow(imread(io.BytesIO(canvas.GetDrawingText()), format="png"), interpolation="lanczos")
