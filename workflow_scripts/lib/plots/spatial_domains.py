"""Domains on the tissue, their agreement with the annotation, and clusters before and after imputation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .scores import level_line
from .spatial_maps import UNITS, label_map, label_names
from .spatial_rows import MODEL, best_of, draw_methods, in_order, kinds_key, method_look, seeds_of
from .steady import new_figure
from .style import (
    BLUE,
    GREY,
    VERMILLION,
    by_number,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    number,
    seeds_note,
    side_legend,
    signed,
    styled,
)
from .tissue import UNLABELLED, domain_colours, draw_spots, matched, of_sections, scale_bar

_UNSEEN = "As many domains as the annotation has classes, or as configured; no method has seen a label"
_SHEET = ("barcode", "section", "x", "y", "label")


def _whole(values: pd.Series) -> pd.Series:
    """Domains as text: a column of whole numbers and empty cells is written as 0.0, 1.0, ..."""
    return values.astype(str).str.removesuffix(".0").replace("nan", "")


def _domain_map(ax: Axes, spots: pd.DataFrame, method: str, names: list[str], reference: pd.Series) -> None:
    found = _whole(spots[method])
    places = matched(reference, found, names)
    colours = domain_colours(max([len(names), *(place + 1 for place in places.values())]))
    draw_spots(ax, spots, colours=[colours[places[d]] if d else UNLABELLED for d in found])


@styled
def spatial_domains(
    domain_map: pd.DataFrame, domains: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw the annotation and every method's domains on the tissue, a row a section.

    Parameters
    ----------
    domain_map
        barcode, section, x, y, label, and one column a method with the domains of its first seed.
    domains
        section, method, seed, ari; written into the panels where there is one.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `domain_map`.
    """
    methods = in_order(name for name in domain_map.columns if name not in _SHEET)
    sections = of_sections(domain_map)
    names = label_names(domain_map)
    deep, wide = max(1, len(sections)), 1 + len(methods)
    one = deep == 1
    across = min(wide, 3) if one else wide
    rows = -(-wide // across) if one else deep
    size = 2.7 if one else 1.6
    figure = new_figure(size * across + 1.7, size * rows + 0.9, "Spatial domains")
    grid = figure.subplots(rows, across, squeeze=False)
    axes = np.array(list(grid.flat)[:wide]).reshape(1, -1) if one else grid
    for ax in list(grid.flat)[len(axes.flat) :]:
        ax.set_axis_off()
    for row, (section, spots) in enumerate(sections):
        line = axes[row]
        if names:
            label_map(line[0], spots, names)
            if not row:
                scale_bar(line[0])
        else:
            empty_panel(line[0], "the data have no labels")
        title = "annotation" if one or not row else ""
        line[0].set_title(
            f"{label(section, 14)} {title}".strip() if section else title, loc="left", fontsize=7.5
        )
        # Without labels the domains of the first method give the colours.
        reference = spots["label"] if names else _whole(spots[methods[0]]) if methods else spots["label"]
        for ax, method in zip(line[1:], methods, strict=True):
            _domain_map(ax, spots, method, names, reference)
            said = [method_look(method).title] if one or not row else []
            own = domains[(domains["method"] == method) & (domains["section"] == section)].dropna(
                subset=["ari"]
            )
            if len(own):
                first = own[own["seed"] == by_number(own["seed"])[0]]["ari"].iloc[0]
                said.append(f"ARI {signed(first, 2)}")
            ax.set_title(", ".join(said), loc="left", fontsize=7)
            if method == MODEL:
                ax.title.set_fontweight("bold")
    if not sections:
        for ax in axes.flat:
            empty_panel(ax, "no spot")
    missing = int((domain_map["label"] == "").sum())
    samples = [key(colour) for colour in domain_colours(len(names))]
    texts = [label(name, 22) for name in names]
    if names and missing:
        samples.append(key(UNLABELLED))
        texts.append("unlabelled")
    side_legend(figure, [("label", samples, texts)])
    foot_note(
        figure,
        [
            f"n = {number(len(domain_map))} spots" + (f" of {deep} sections" if not one else ""),
            "First seed of each method",
            _UNSEEN if names else "Number of domains chosen by BIC, or as configured",
            "A domain is drawn in the colour of the label with which it shares most spots, one label a domain"
            if names
            else "Domains are drawn in the colours of those of the first method that they share most spots with",
            "ARI: adjusted Rand index on labelled spots" if len(domains) and names else "",
            UNITS,
            note,
        ],
        simulated=simulated,
    )
    return figure, domain_map


def _by_section(ax: Axes, domains: pd.DataFrame, methods: list[str]) -> None:
    sections = by_number(domains["section"])
    for place, method in enumerate(methods):
        style = method_look(method)
        some = domains[domains["method"] == method]
        x = some["section"].map(sections.index) + 0.6 * ((place + 0.5) / len(methods) - 0.5)
        size = 4 if method == MODEL else 3
        ax.plot(x, some["ari"], style.marker, color=style.colour, markersize=size, alpha=0.85)
    for place in range(0, len(sections), 2):
        ax.axvspan(place - 0.5, place + 0.5, color="#F4F4F4", linewidth=0, zorder=0)
    ax.set_xticks(range(len(sections)), [label(name, 12) for name in sections], rotation=40, ha="right")
    ax.set(xlim=(-0.5, len(sections) - 0.5), ylabel="adjusted Rand index")


@styled
def domain_agreement(
    domains: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw how well domains agree with the annotation: ARI and NMI by method and seed, by section if there are several.

    Parameters
    ----------
    domains
        section, method, kind, seed, k, ari, nmi, homogeneity, completeness; no row if the data have no labels.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `domains`.
    """
    known = domains.dropna(subset=["ari"])
    methods = in_order(known["method"])
    sections = by_number(known["section"])
    several = len(sections) > 1
    upper = 1.6 + 0.34 * max(len(methods), 5)
    figure = new_figure(9.6, upper + (2.6 if several else 0.0), "Agreement of domains with the annotation")
    grid = figure.add_gridspec(2 if several else 1, 2, height_ratios=[upper, 2.6] if several else None)
    axes = [figure.add_subplot(grid[0, place]) for place in range(2)]
    texts = {"ari": "adjusted Rand index", "nmi": "normalised mutual information"}
    # A seed is one point, its mean over the sections.
    seeds = known.groupby(["method", "kind", "seed"], sort=False, as_index=False)[["ari", "nmi"]].mean()
    for place, (ax, (column, text)) in enumerate(zip(axes, texts.items(), strict=True)):
        if known.empty:
            empty_panel(ax, "the data have no labels,\nso that there is nothing to agree with")
            continue
        draw_methods(ax, seeds, column, names=methods)
        level_line(ax, best_of(seeds, column)[1], BLUE)
        ax.set_xlabel(text + (f" (mean of {len(sections)} sections)" if several else ""))
        # Room for whole markers at 0 and 1.
        high = max(0.1, 1.15 * float(seeds[column].max()))
        ax.set_xlim(min(0.0, float(seeds[column].min())) - 0.02, min(1.02, high))
        if place:
            ax.set_yticklabels([])
    if several:
        axes.append(figure.add_subplot(grid[1, :]))
        _by_section(axes[2], known, methods)
    letters(axes)
    side_legend(
        figure,
        [
            kinds_key(methods),
            ("line", [key(BLUE, "", line="--")], ["best baseline"]),
            (
                "c",
                [key(method_look(m).colour, method_look(m).marker, size=4) for m in methods]
                if several
                else [],
                [method_look(m).title for m in methods],
            ),
        ],
    )
    found = sorted(set(known["k"].dropna().astype(int)))
    foot_note(
        figure,
        [
            f"On labelled spots. {_UNSEEN}, nor was a seed or an epoch chosen by one",
            f"{found[0] if len(found) == 1 else f'{found[0]} to {found[-1]}'} domains" if found else "",
            f"{len(sections)} sections" if several else "",
            seeds_note(seeds_of(known)) if len(known) else "",
            note,
        ],
        simulated=simulated,
    )
    return figure, domains


def _span(scores: pd.DataFrame) -> tuple[float, float]:
    """Limits of an axis of scores: at least 0.1 long, so that noise looks like noise, with room for a marker at 1."""
    low, high = float(scores.min().min()), float(scores.max().max())
    span = max(0.1, 1.3 * (high - low))
    top = min((low + high + span) / 2, 1 + 0.02 * span)
    return top - span, top


@styled
def clustering_after_imputation(
    after: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw the agreement of clusters of principal components before and after imputation, by seed.

    Parameters
    ----------
    after
        input (``raw`` or ``imputed``), seed, ari.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        seed, raw, imputed, change.
    """
    wide = after.dropna(subset=["ari"]).pivot_table(
        index="seed", columns="input", values="ari", aggfunc="mean"
    )
    wide = wide.reindex(columns=["raw", "imputed"]).reindex(by_number(wide.index))
    figure = new_figure(6.4, 3.6, "Clusters before and after imputation")
    ax = figure.subplots()
    change = wide["imputed"] - wide["raw"]
    if wide.empty:
        empty_panel(ax, "the data have no labels,\nso that clusters cannot be scored")
    else:
        for _, row in wide.iterrows():
            ax.plot([0, 1], row, color="#BBBBBB", linewidth=0.8, zorder=1)
        for place, (name, colour) in enumerate({"raw": GREY, "imputed": VERMILLION}.items()):
            ax.plot(np.full(len(wide), place), wide[name], "o", color=colour, markersize=5, zorder=2)
            ax.hlines(wide[name].mean(), place - 0.12, place + 0.12, color=colour, linewidth=2, zorder=3)
        ax.set_xticks([0, 1], ["measured", "imputed"])
        ax.set(xlim=(-0.5, 1.5), ylim=_span(wide), ylabel="adjusted Rand index with the labels")
        ax.set_title(f"mean change {change.mean():+.3f}".replace("-", "−"), loc="left")
    side_legend(
        figure,
        [
            (
                "",
                [key(GREY), key(VERMILLION), key("#BBBBBB", "", line="-")],
                ["measured", "imputed", "same seed"],
            )
        ],
    )
    foot_note(
        figure,
        [
            "The same clustering of principal components of log counts and of log imputed rates; bars: means",
            "A change below −0.02 would mean that imputation costs clusters",
            seeds_note(wide.index),
            note,
        ],
        simulated=simulated,
    )
    return figure, wide.assign(change=change).rename_axis(columns=None).reset_index()
