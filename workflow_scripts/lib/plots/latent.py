"""Where the models put the samples: latent space by the true design and by the published labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .factors import MOST_LEVELS, PUBLISHED_FIRST, Entries, draw_by_factors, room, true_factors
from .style import (
    GREY,
    few_ticks,
    foot_note,
    label,
    letters,
    look,
    new_figure,
    number,
    seeds_note,
    side_legend,
    styled,
)

_MOST_SEEDS = 5


def _axes_of(points: pd.DataFrame) -> list[str]:
    """Return the two latent dimensions along which the samples differ most."""
    names = [name for name in points if name.startswith("z") and name[1:].isdigit()]
    spread = points[names].std().fillna(0.0)
    best = spread.sort_values(ascending=False, kind="stable").index[:2]
    return sorted(best, key=names.index)


def _positions(points: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Return where each sample stands and half the width of its 95 % bars."""
    names = _axes_of(points)
    points = points.set_index("sample").reindex(samples.index)
    drawn = pd.DataFrame(index=samples.index)
    for axis, place in (("x", 0), ("y", 1)):
        name = names[place] if place < len(names) else ""
        drawn[axis] = points[name] if name else 0.0
        drawn[f"{axis}_bar"] = 1.96 * points[f"sd{name[1:]}"] if f"sd{name[1:]}" in points else np.nan
        drawn[f"{axis}_axis"] = name
    return drawn


def _draw(
    ax: Axes, points: pd.DataFrame, samples: pd.DataFrame, factors: Sequence[str], large: bool, first: int = 0
) -> Entries:
    x, y = points["x"], points["y"]
    reach_x, reach_y = (points[f"{a}_bar"].fillna(0.0) * large for a in "xy")
    if large:
        ax.hlines(y, x - reach_x, x + reach_x, color=GREY, linewidth=0.7, alpha=0.6, zorder=1)
        ax.vlines(x, y - reach_y, y + reach_y, color=GREY, linewidth=0.7, alpha=0.6, zorder=1)
    entries = draw_by_factors(ax, x, y, samples, factors, size=24 if large else 14, first=first)
    room(ax, pd.concat([x - reach_x, x + reach_x]), pd.concat([y - reach_y, y + reach_y]))
    few_ticks(ax, 5 if large else 4)
    size = None if large else 6
    ax.set_xlabel(points["x_axis"].iloc[0], fontsize=size)
    ax.set_ylabel(points["y_axis"].iloc[0], fontsize=size)
    ax.tick_params(labelsize=7 if large else 5.5)
    return entries


@styled
def latent_space(
    latents: Mapping[str, pd.DataFrame],
    samples: pd.DataFrame,
    factors: Sequence[str],
    published: str | None,
    *,
    simulated: bool,
) -> tuple[Figure, pd.DataFrame]:
    """Draw each model's samples, by the true design and by the published labels; further seeds small.

    Parameters
    ----------
    latents
        By model: seed, sample, z1..zK, sd1..sdK. The first seed in the table is the main one.
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
        One row a drawn sample.
    """
    sheet = samples.set_index("sample")
    true = true_factors(samples, factors, published)
    colourings = [("the design", true, 0)]
    if published in samples and published not in true:
        colourings.append(("published labels", [str(published)], PUBLISHED_FIRST))
    seeds = {m: list(dict.fromkeys(t["seed"].astype(str)))[:_MOST_SEEDS] for m, t in latents.items()}
    small = (max(len(s) - 1 for s in seeds.values()) + 1) // 2
    wide = 2.9 * len(colourings) + 1.5 * small
    figure = new_figure(wide + 1.9, 2.9 * len(latents) + 0.7, "Latent space")
    grid = figure.add_gridspec(
        2 * len(latents), len(colourings) + small, width_ratios=[2.0] * len(colourings) + [1.0] * small
    )
    drawn, large, legends = [], [], {}
    for row, (model, table) in enumerate(latents.items()):
        runs = {s: _positions(table[table["seed"].astype(str) == s], sheet) for s in seeds[model]}
        main, *others = seeds[model]
        for place, (name, columns, first) in enumerate(colourings):
            ax = figure.add_subplot(grid[2 * row : 2 * row + 2, place])
            large.append(ax)
            coloured = [f for f in columns if sheet[f].nunique() <= MOST_LEVELS][:2]
            title = f"{name}:\n{label(' × '.join(coloured), 24)}"
            legends[name] = (title, *_draw(ax, runs[main], sheet, columns, True, first))
            ax.set_title(f"{look(model).title}, seed {label(main, 8)}\nby {name}", loc="left")
        for place, seed in enumerate(others):
            ax = figure.add_subplot(grid[2 * row + place % 2, len(colourings) + place // 2])
            _draw(ax, runs[seed], sheet, true, False)
            ax.set_title(f"seed {label(seed, 8)}", loc="left", fontsize=7)
        drawn += [points.assign(model=model, seed=seed).reset_index() for seed, points in runs.items()]
    letters(large)
    side_legend(figure, legends.values())
    many = [label(f) for f in true if sheet[f].nunique() > MOST_LEVELS]
    foot_note(
        figure,
        [
            f"n = {number(len(sheet))} samples; points: posterior mean, bars: 95 % of the posterior",
            "Axes: the two latent dimensions along which samples differ most, their order and sign arbitrary",
            *(f"{look(m).title}: {seeds_note(s).lower()}" for m, s in seeds.items()),
            f"Not coloured, more than {MOST_LEVELS} levels: {', '.join(many)}" if many else "",
            f"Shown by colour and shape: the first two of {', '.join(map(label, true))}"
            if len(true) > 2
            else "",
        ],
        simulated=simulated,
    )
    table = pd.concat(drawn, ignore_index=True)
    return figure, table.merge(samples[["sample", *dict.fromkeys([*true, *colourings[-1][1]])]], on="sample")
