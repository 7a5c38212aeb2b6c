"""What a contrast really compares: marker genes under the published labels and under the true design."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .factors import MOST_LEVELS, PUBLISHED_FIRST, level_colours, true_factors
from .style import (
    BLACK,
    LIGHT,
    by_look,
    by_number,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    log_axis,
    look,
    new_figure,
    side_legend,
    styled,
)

CHANGE_NUMBERS = ("log2FoldChange", "lower", "upper")
_MOST_GENES = 8


def _groups(
    samples: pd.DataFrame, factors: Sequence[str], published: str | None
) -> tuple[dict[str, pd.Series], str]:
    """Return each sample's published label and its level of the crossed factors, and the coloured column."""
    usable = [f for f in factors if samples[f].nunique() <= MOST_LEVELS] or list(factors[:1])
    crossed = samples[usable[0]].str.cat([samples[f] for f in usable[1:]], sep=" ")
    if published in samples:
        return {"published": samples[published], "design": crossed}, str(published)
    return {"design": crossed}, usable[0]


def _counts(ax: Axes, counts: pd.Series, groups: dict[str, pd.Series], colour_of: pd.Series) -> pd.DataFrame:
    names, drawn, start = [], [], 0.0
    ticks: list[float] = []
    for side, values in groups.items():
        for level in by_number(values):
            some = counts[values[values == level].index.intersection(counts.index)]
            x = start + (np.linspace(-0.22, 0.22, len(some)) if len(some) > 1 else np.zeros(len(some)))
            colour = list(colour_of[some.index])
            ax.scatter(x, some + 0.5, s=13, c=colour, linewidths=0, zorder=3)
            names.append(label(level, 20))
            ticks.append(start)
            drawn.append(
                pd.DataFrame(
                    {"sample": some.index, "grouping": side, "level": level, "x": x, "y": some + 0.5}
                )
            )
            start += 1
        ax.axvline(start - 0.25, color=LIGHT, linewidth=0.8) if side == "published" else None
        start += 0.5
    log_axis(ax, "y")
    ax.set_xticks(ticks, names, rotation=60, ha="right", rotation_mode="anchor", fontsize=6)
    ax.set_xlim(-0.7, start - 0.8)
    return pd.concat(drawn, ignore_index=True)


def _changes(ax: Axes, rows: pd.DataFrame, genes: list[str], methods: list[str]) -> None:
    ax.axvline(0, color=BLACK, linewidth=0.6)
    for place, method in enumerate(methods):
        some, style = rows[rows["method"] == method], look(method)
        y = some["symbol"].map(genes.index) + 0.55 * ((place + 0.5) / len(methods) - 0.5)
        known = some["lower"].notna() & some["upper"].notna()
        ax.hlines(y[known], some["lower"][known], some["upper"][known], color=style.colour, linewidth=1.1)
        ax.plot(some["log2FoldChange"], y, style.marker, color=style.colour, markersize=4)
    ax.set_ylim(len(genes) - 0.5, -0.5)
    ax.set_xlabel("log₂ fold change")


@styled
def published_contrast(
    markers: pd.DataFrame,
    changes: pd.DataFrame,
    samples: pd.DataFrame,
    factors: Sequence[str],
    published: str | None,
    *,
    simulated: bool,
) -> tuple[Figure, pd.DataFrame]:
    """Draw marker genes' counts by published label and by design, and their fold changes in every contrast.

    Parameters
    ----------
    markers
        symbol, sample, normalised_count and more; at most eight genes are drawn.
    changes
        symbol, contrast, method, log2FoldChange, lower, upper.
    samples
        sample and the sheet's factors.
    factors
        Columns used in designs.
    published
        Column of the published labels, or None.
    simulated
        Whether the data are simulated.

    Returns
    -------
    figure, table
        Column ``panel`` is ``counts`` or ``changes``.
    """
    sheet = samples.set_index("sample")
    groups, coloured = _groups(sheet, true_factors(samples, factors, published), published)
    colours = level_colours(sheet[coloured], PUBLISHED_FIRST if published else 0)
    colour_of = sheet[coloured].map(colours)
    genes = list(dict.fromkeys(markers["symbol"]))[:_MOST_GENES]
    changes = changes[changes["symbol"].isin(genes)].dropna(subset=["log2FoldChange"])
    contrasts, methods = list(dict.fromkeys(changes["contrast"])), by_look(changes["method"])
    wide = 4
    top, low = -(-max(len(genes), 1) // wide), -(-max(len(contrasts), 1) // wide)
    tall = 2.75
    short = 0.9 + 0.22 * max(len(genes), 4)
    figure = new_figure(
        11.5,
        tall * top + short * low + 0.8,
        "What the published contrast really compared" if published else "Marker genes",
    )
    grid = figure.add_gridspec(top + low, wide, height_ratios=[tall] * top + [short] * low)
    drawn, axes = [], []
    for place, gene in enumerate(genes):
        ax = figure.add_subplot(grid[place // wide, place % wide])
        counts = markers[markers["symbol"] == gene].drop_duplicates("sample").set_index("sample")
        drawn.append(
            _counts(ax, counts["normalised_count"], groups, colour_of).assign(panel="counts", symbol=gene)
        )
        ax.set_title(label(gene), loc="left")
        if place % wide == 0:
            ax.set_ylabel("normalised count + 0.5")
        axes.append(ax)
    for place, contrast in enumerate(contrasts):
        shared = axes[len(genes)] if place else None
        ax = figure.add_subplot(grid[top + place // wide, place % wide], sharex=shared)
        rows = changes[changes["contrast"] == contrast]
        _changes(ax, rows, genes, methods)
        ax.set_yticks(
            range(len(genes)), [label(g, 14) for g in genes] if place % wide == 0 else [""] * len(genes)
        )
        ax.set_title(label(contrast, 34), loc="left")
        drawn.append(rows.assign(panel="changes"))
        axes.append(ax)
    letters(axes)
    looks = [look(m) for m in methods]
    heading = "published label:\n" if published else ""
    side_legend(
        figure,
        [
            (
                f"{heading}{label(coloured, 20)}",
                [key(c) for c in colours.values()],
                [label(level, 20) for level in colours],
            ),
            ("fold changes", [key(s.colour, s.marker, line="-") for s in looks], [s.title for s in looks]),
        ],
    )
    if not axes:
        empty_panel(figure.add_subplot(grid[:, :]), "none of the markers is in the count table")
    foot_note(
        figure,
        [
            f"n = {len(sheet)} samples",
            "Each marker by published label (left) and by design (right)" if published else "",
            "Fold changes: bars are 95 % intervals",
            f"The {_MOST_GENES} first markers of the config"
            if markers["symbol"].nunique() > _MOST_GENES
            else "",
        ],
        simulated=simulated,
    )
    table = pd.concat(drawn, ignore_index=True) if drawn else pd.DataFrame(columns=["panel"])
    return figure, table
