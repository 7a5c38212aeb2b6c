"""The tissue: labels, depth and neighbourhood graph, and genes on it before and after imputation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.spatial import cKDTree

from .spatial_rows import log_ticks
from .spatial_tables import gene_titles
from .steady import new_figure
from .style import (
    BLUE,
    GREY,
    by_number,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    number,
    side_legend,
    signed,
    styled,
)
from .tissue import UNLABELLED, domain_colours, draw_spots, frame_spots, of_sections, scale_bar, spot_width

_ACROSS, _CROP = 4, 120
UNITS = "Coordinates and scale bars in the units of the source; y downwards, as in the image"
_COLUMNS = {"raw": "measured", "imputed": "imputed", "truth": "true rate"}
_FACTS = {
    "directed_edges": "directed edges",
    "edges_per_spot": "mean number of neighbours",
    "isolated_spots": "spots without a neighbour",
    "connected_pieces": "connected pieces",
    "nearest_neighbour_distance": "median distance to the nearest spot",
}


def label_names(spots: pd.DataFrame) -> list[str]:
    """Return the labels of the spots, numbers in numerical order."""
    return by_number(name for name in spots["label"] if name)


def label_map(ax: Axes, spots: pd.DataFrame, names: list[str]) -> None:
    """Draw the labels of a section's spots."""
    colour_of = dict(zip(names, domain_colours(len(names)), strict=True))
    draw_spots(ax, spots, colours=[colour_of.get(name, UNLABELLED) for name in spots["label"]])


def _facts(graph: pd.DataFrame) -> str:
    """Say how the graph is: counts in full, other numbers with three digits."""
    values = pd.to_numeric(graph.set_index("item")["value"], errors="coerce").dropna()
    said = []
    for name, words in _FACTS.items():
        if name in values.index:
            value = values[name]
            said.append(
                f"{words} {number(value) if value % 1 == 0 else format(float(f'{value:.3g}'), ',.9g')}"
            )
    return "; ".join(said)


def _crop(ax: Axes, spots: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Draw the graph around the spot nearest to the middle of a section; return the edges drawn."""
    places = spots[["x", "y"]].to_numpy(float)
    middle = np.median(places, axis=0)
    reach = np.abs(places - middle).max(axis=1)
    half = float(np.sort(reach)[min(_CROP, len(reach)) - 1])
    inside = places[reach <= half]
    # Other sections may lie at the same coordinates, but hardly at the very same places; a table has ten digits.
    ends = edges[["x1", "y1", "x2", "y2"]].to_numpy(float).reshape(-1, 2)
    apart = cKDTree(inside).query(ends)[0] if len(ends) else np.zeros(0)
    shown = edges[(apart <= 1e-5 * max(half, 1e-9)).reshape(-1, 2).all(axis=1)]
    lines = shown[["x1", "y1", "x2", "y2"]].to_numpy(float).reshape(-1, 2, 2)
    ax.add_collection(LineCollection(list(lines), colors=GREY, linewidths=0.7, zorder=1))
    ax.plot(*inside.T, "o", color=BLUE, markersize=3, zorder=2)
    frame_spots(ax, inside, spot_width(inside))
    return shown


def _degrees(ax: Axes, degrees: pd.DataFrame) -> None:
    ax.bar(degrees["degree"], degrees["spots"], color=BLUE, width=0.8)
    ax.set(xlabel="neighbours of a spot", ylabel="spots")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.margins(y=0.1)
    ax.set_title("Neighbours", loc="left")


@styled
def tissue_overview(
    spots: pd.DataFrame,
    graph: pd.DataFrame,
    degrees: pd.DataFrame,
    edges: pd.DataFrame,
    *,
    simulated: bool,
    note: str = "",
) -> tuple[Figure, pd.DataFrame]:
    """Draw labels and UMIs on the tissue, the neighbourhood graph of a part of it, and how many neighbours spots have.

    Parameters
    ----------
    spots
        barcode, section, x, y, label, umis; NaN UMIs where the data are no counts.
    graph
        item, value: size of the graph, as `build_graph` writes it.
    degrees
        degree, spots.
    edges
        x1, y1, x2, y2 of the graph's edges.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `spots`.
    """
    sections = of_sections(spots)
    counted, names = bool(spots["umis"].notna().any()), label_names(spots)
    across = _ACROSS if len(sections) > 1 else 2
    each = max(1, -(-len(sections) // across))
    one = len(sections) <= 1
    rows = 2 if one else each * (2 if counted else 1) + 1
    size = 3.1 if one else 2.1
    figure = new_figure(size * across + 1.9, size * rows + 0.8, "Tissue, depth and neighbours")
    grid = figure.subplots(rows, across, squeeze=False)
    axes = list(grid.flat)
    first = axes[: len(sections)] if sections else axes[:1]
    umi_axes = axes[1:2] if one else axes[each * across : each * across + len(sections)] if counted else []
    crop, degree = grid[-1, :2]
    norm = (
        LogNorm(*np.nanpercentile(spots["umis"].clip(lower=1), [1, 99.5]) * [1, 1.0001]) if counted else None
    )
    for place, (name, some) in enumerate(sections):
        title = f"{label(name, 20)}: " if name else ""
        if names:
            label_map(first[place], some, names)
            scale_bar(first[place])
        else:
            empty_panel(first[place], "the data have no labels")
        first[place].set_title(f"{title}labels", loc="left")
        if counted:
            drawn = draw_spots(
                umi_axes[place], some, values=some["umis"].clip(lower=1), cmap="cividis", norm=norm
            )
            umi_axes[place].set_title(f"{title}UMIs", loc="left")
    if counted:
        bar = figure.colorbar(drawn, ax=umi_axes, shrink=0.7 if one else 0.4, pad=0.02, aspect=25)
        bar.set_label("UMIs a spot")
        log_ticks(bar.ax, "y")
    elif one and sections:
        empty_panel(umi_axes[0], "the data are stored features,\nnot counts")
    if sections:
        _crop(crop, sections[0][1], edges)
        crop.set_title("Graph, middle of the section", loc="left")
        scale_bar(crop)
    else:
        for ax in (first[0], umi_axes[0], crop):
            empty_panel(ax, "no spot")
    if len(degrees):
        _degrees(degree, degrees)
    else:
        empty_panel(degree, "no graph")
    used = [*first, *umi_axes, crop, degree]
    for ax in axes:
        if ax not in used:
            ax.set_axis_off()
    letters([first[0], *umi_axes[:1], crop, degree])
    said = _facts(graph)
    missing = int((spots["label"] == "").sum())
    colours = domain_colours(len(names))
    counts = spots["label"].value_counts()
    samples = [key(colour) for colour in colours]
    texts = [f"{label(name, 22)} ({number(counts[name])})" for name in names]
    if names and missing:
        samples.append(key(UNLABELLED))
        texts.append(f"unlabelled ({number(missing)})")
    side_legend(figure, [("label", samples, texts)])
    foot_note(
        figure,
        [
            f"n = {number(len(spots))} spots"
            + (f" of {len(sections)} sections" if len(sections) > 1 else ""),
            f"Graph: {said}" if said else "",
            UNITS,
            note,
        ],
        simulated=simulated,
    )
    return figure, spots


@styled
def spatial_patterns(
    patterns: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw genes on the tissue as measured, imputed and, where it is known, in truth; one colour scale a gene.

    Parameters
    ----------
    patterns
        barcode, x, y, gene, symbol, raw, imputed, truth, rank; log1p of counts per 10,000. With a column ``section``
        the first section is drawn.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        What is drawn of `patterns`.
    """
    sections = of_sections(patterns)
    rows = sections[0][1] if sections else patterns
    genes = list(rows.sort_values("rank", kind="stable")["gene"].drop_duplicates())
    kinds = [kind for kind in _COLUMNS if kind != "truth" or rows["truth"].notna().any()]
    beside = 2 if len(genes) > 2 else 1
    deep = max(1, -(-len(genes) // beside))
    figure = new_figure(
        (1.75 * len(kinds) + 0.6) * beside + 0.4, 1.85 * deep + 0.9, "Genes before and after imputation"
    )
    grid = figure.subplots(deep, beside * len(kinds), squeeze=False)
    for ax in grid.flat[len(genes) * len(kinds) :]:
        ax.set_axis_off()
    titles = gene_titles(rows)
    for place, gene in enumerate(genes):
        some = rows[rows["gene"] == gene]
        start = place % beside * len(kinds)
        panels = grid[place // beside, start : start + len(kinds)]
        pooled = some[kinds].to_numpy(float)
        high = float(np.nanpercentile(pooled, 99.5)) or 1.0
        for ax, kind in zip(panels, kinds, strict=True):
            drawn = draw_spots(ax, some, values=some[kind], norm=Normalize(0, high))
            name = f"{label(titles[some.index[0]], 16)}, " if kind == kinds[0] else ""
            said = ""
            if "truth" in kinds and kind != "truth" and some[[kind, "truth"]].nunique().min() > 1:
                said = f", r = {signed(float(np.corrcoef(some[kind], some['truth'])[0, 1]), 2)}"
            ax.set_title(f"{name}{_COLUMNS[kind]}{said}", loc="left", fontsize=7)
        if place == 0:
            scale_bar(panels[0])
        bar = figure.colorbar(drawn, ax=list(panels), shrink=0.75, pad=0.01, aspect=22)
        bar.ax.tick_params(labelsize=6)
        bar.set_label("log1p of counts per 10,000", fontsize=6)
    if not genes:
        empty_panel(grid[0, 0], "no gene can be imputed")
        for ax in grid.flat[1:]:
            ax.set_axis_off()
    foot_note(
        figure,
        [
            f"n = {number(rows['barcode'].nunique())} spots"
            + (f" of section {sections[0][0]}" if len(sections) > 1 else ""),
            "Colours: from 0 to the 99.5th percentile, the same for all panels of a gene",
            "r: Pearson correlation with the true rate" if "truth" in kinds else "",
            "Genes: first those that the configuration names, then the most variable ones that can be imputed"
            if genes
            else "",
            UNITS,
            note,
        ],
        simulated=simulated,
    )
    return figure, rows.drop(columns=[] if "truth" in kinds else ["truth"]).assign(symbol=titles)
