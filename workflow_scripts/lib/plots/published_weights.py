"""What the published weights say without any data: units in use, and the genes of each class's decoded code."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .clusters import DIVERGING
from .scores import class_name, ink_on, name_rows_of
from .style import (
    BLACK,
    GREY,
    by_look,
    corner,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    look,
    new_figure,
    number,
    side_legend,
    styled,
)

_DIRECTIONS = {"up": "most raised", "down": "most lowered"}


@styled
def published_units(units: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw the weight norm of every latent unit of the published VAEs, sorted.

    Parameters
    ----------
    units
        model, unit, weight_norm, active.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `units` with its place.
    """
    units = units.dropna(subset=["weight_norm"])
    models = by_look(units["model"])
    columns = max(len(models), 1)
    figure = new_figure(3.2 * columns + 1.8, 3.4, "Latent units of the published weights")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    drawn = []
    for ax, model in zip(axes, models, strict=False):
        some = units[units["model"] == model].sort_values(["weight_norm", "unit"], ascending=[False, True])
        some = some.assign(place=np.arange(1, len(some) + 1))
        for active, colour, size in ((False, GREY, 2.5), (True, look(model).colour, 4.0)):
            part = some[some["active"] == active]
            ax.plot(part["place"], part["weight_norm"], "o", color=colour, markersize=size)
        ax.set_title(look(model).title, loc="left")
        ax.set(xlabel="latent units, sorted", ylabel="norm of the weights of a unit's mean")
        corner(ax, f"{number(some['active'].sum())} of {number(len(some))} active", "upper right")
        ax.set_ylim(0, None)
        drawn.append(some)
    if not models:
        empty_panel(axes[0], "no published VAE is there")
    letters(list(axes))
    samples = [key(BLACK), key(GREY, size=3)]
    side_legend(figure, [("", samples, ["active (model's colour)", "not active"])])
    foot_note(
        figure,
        [
            "Norm: Euclidean, of a unit's row in the layer that gives the mean of z; a unit that is not used "
            "has been driven to the prior",
            "No data are needed for this",
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.concat(drawn, ignore_index=True) if drawn else units


@styled
def decoded_classes(genes: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw the genes that each class's code decodes to most strongly, either way.

    Parameters
    ----------
    genes
        pcl_id, symbol, value (z units), rank (1 is the most extreme), direction (``up`` or ``down``).
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        One row a cell, with ``row`` and ``column``.
    """
    genes = genes.dropna(subset=["value", "rank"])
    classes = sorted(genes["pcl_id"].unique(), key=class_name)
    ranks = int(genes["rank"].max()) if len(genes) else 1
    high = max(0.165 * len(classes), 1.5)
    figure = new_figure(0.42 * 2 * ranks + 4.6, high + 1.6, "Genes of the decoded class codes")
    axes = figure.subplots(1, 2, squeeze=False)[0]
    reach = float(genes["value"].abs().max()) if len(genes) else 1.0
    drawn = []
    for place, (ax, (direction, title)) in enumerate(zip(axes, _DIRECTIONS.items(), strict=True)):
        some = genes[genes["direction"] == direction]
        if some.empty:
            empty_panel(ax, "no decoded class")
            continue
        some = some.assign(row=some["pcl_id"].map(classes.index), column=some["rank"].astype(int) - 1)
        values = np.full((len(classes), ranks), np.nan)
        values[some["row"], some["column"]] = some["value"]
        # imshow counts rows from the top, the named rows from the bottom.
        image = ax.imshow(
            values[::-1], cmap=DIVERGING, vmin=-reach, vmax=reach, aspect="auto", origin="lower", zorder=1
        )
        for cell in some.itertuples():
            colour = ink_on(image.to_rgba(cell.value)[:3])
            text = {"ha": "center", "va": "center", "fontsize": 4.5, "color": colour, "zorder": 2}
            ax.text(cell.column, len(classes) - 1 - cell.row, label(cell.symbol, 10), **text)
        names = [class_name(name) if place == 0 else "" for name in classes]
        name_rows_of(ax, names, 5.5 if len(classes) > 30 else 6.5)
        ax.set_xticks(range(ranks), [str(k + 1) for k in range(ranks)], fontsize=6)
        ax.set(xlabel="rank", title="")
        ax.set_title(title, loc="left")
        ax.tick_params(length=0)
        ax.set_ylim(-0.5, len(classes) - 0.5)
        drawn.append(some)
        last = image
    if drawn:
        bar = figure.colorbar(last, ax=list(axes), shrink=min(1.0, 3.0 / high), pad=0.01, aspect=25)
        bar.set_label("decoded value (z units)")
    letters(list(axes))
    foot_note(
        figure,
        [
            f"n = {number(len(classes))} classes, {number(ranks)} landmark genes either way"
            if drawn
            else "No decoded class",
            "The decoder's output of each class's code; no data are needed for this",
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.concat(drawn, ignore_index=True) if drawn else genes
