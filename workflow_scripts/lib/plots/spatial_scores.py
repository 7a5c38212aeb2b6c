"""Whether the predicted spread of counts is right, and what imputation does to spatial autocorrelation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .panels import name_point, spread_out
from .scores import level_line
from .spatial_rows import MODEL, in_order, is_control, method_look
from .spatial_tables import gene_titles
from .steady import new_figure
from .style import (
    BLACK,
    GREY,
    SKY,
    VERMILLION,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    number,
    side_legend,
    styled,
)

_NAMED, _MOST_NAMED = 8, 14


def _line_of(name: str) -> str:
    return "--" if is_control(name) else "-"


@styled
def count_calibration(
    calibration: pd.DataFrame, coverage: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw the randomised PIT of held-out counts against uniform, and the coverage of predictive intervals.

    Parameters
    ----------
    calibration
        method, u, ecdf, deviation (the largest distance of the two, the same in all rows of a method), by_chance (what
        it stays below by chance alone).
    coverage
        method, level, coverage, counts: of counts whose predicted mean is at least 5.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        method, panel (``pit`` or ``coverage``), x, y, n.
    """
    figure = new_figure(9.6, 3.6, "Calibration of the predicted counts")
    left, right = figure.subplots(1, 2)
    names = in_order([*calibration["method"], *coverage["method"]])
    levels = coverage.dropna(subset=["coverage"])
    for name in names:
        style = method_look(name)
        line: dict[str, Any] = {"color": style.colour, "linewidth": 1.9 if name == MODEL else 1.1}
        some = calibration[calibration["method"] == name].sort_values("u")
        left.plot(some["u"], some["ecdf"] - some["u"], _line_of(name), **line)
        some = levels[levels["method"] == name].sort_values("level")
        right.plot(some["level"], some["coverage"], marker=style.marker, markersize=4, **line)
    if calibration.empty:
        empty_panel(left, "no held-out count")
    else:
        left.axhline(0, color=BLACK, linewidth=0.8, linestyle=":")
        reach = max(0.05, 1.1 * float((calibration["ecdf"] - calibration["u"]).abs().max()))
        left.set(xlim=(0, 1), ylim=(-reach, reach))
        left.set(xlabel="u", ylabel="share of PIT values ≤ u, less u")
    if levels.empty:
        empty_panel(right, "no held-out count with\na predicted mean of 5 or more")
    else:
        low = min(float(levels["level"].min()), float(levels["coverage"].min())) - 0.03
        right.plot([low, 1], [low, 1], color=BLACK, linewidth=0.8, linestyle=":", zorder=1)
        right.set(
            xlim=(low, 1), ylim=(low, 1), xlabel="nominal level of the interval", ylabel="counts within"
        )
    letters([left, right])
    worst = calibration.groupby("method")[["deviation", "by_chance"]].max()
    said = {n: f" ({one.deviation:.3f}; {one.by_chance:.3f})" for n, one in worst.iterrows()}
    texts = [method_look(n).title + said.get(n, "") for n in names]
    samples = [key(method_look(n).colour, method_look(n).marker, line=_line_of(n), size=4) for n in names]
    lines = [("as it should be", [key(BLACK, "", line=":")], ["calibrated"])] if names else []
    side_legend(figure, [("method (deviation; by chance)", samples, texts), *lines])
    seen = coverage["counts"].dropna()
    foot_note(
        figure,
        [
            "a: randomised probability integral transform of held-out counts, which is uniform if the predicted "
            "distributions are right, also for small counts",
            f"b: {number(seen.max())} counts with a predicted mean of at least 5" if len(seen) else "",
            note,
        ],
        simulated=simulated,
    )
    parts = [
        calibration.assign(
            panel="pit", x=calibration["u"], y=calibration["ecdf"] - calibration["u"], n=np.nan
        ),
        coverage.assign(panel="coverage", x=coverage["level"], y=coverage["coverage"], n=coverage["counts"]),
    ]
    table = pd.concat([part[["method", "panel", "x", "y", "n"]] for part in parts if len(part)] or [parts[0]])
    return figure, table.reindex(columns=["method", "panel", "x", "y", "n"]).reset_index(drop=True)


def _distributions(ax: Axes, genes: pd.DataFrame) -> None:
    rows = [("moran", "Moran's I"), ("geary", "1 − Geary's C")]
    kinds = {"raw": GREY, "imputed": VERMILLION, "null": SKY}
    ticks, names = [], []
    for block, (measure, title) in enumerate(rows):
        for place, (kind, colour) in enumerate(kinds.items()):
            values = genes[f"{measure}_{kind}"].dropna()
            values = 1 - values if measure == "geary" else values
            y = 7 - 4 * block - place
            if len(values):
                style: dict[str, Any] = {
                    "patch_artist": True,
                    "widths": 0.6,
                    "showfliers": False,
                    "orientation": "horizontal",
                }
                box = ax.boxplot([values], positions=[y], whis=(5, 95), **style)
                box["boxes"][0].set(facecolor=colour, alpha=0.8, linewidth=0.7)
                box["medians"][0].set(color=BLACK)
            ticks.append(y)
            names.append(f"{title}, " + {"raw": "measured", "imputed": "imputed", "null": "null"}[kind])
    ax.set_yticks(ticks, names)
    ax.set_ylim(0.4, 7.6)
    level_line(ax, 0.0, BLACK, ":")
    ax.set_xlabel("spatial autocorrelation")


@styled
def spatial_autocorrelation(
    genes: pd.DataFrame, symbols: Sequence[str] = (), *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw each gene's spatial autocorrelation as measured and imputed, and that of imputed decoys.

    Parameters
    ----------
    genes
        gene, symbol, moran_raw, moran_imputed, moran_null, geary_raw, geary_imputed, geary_null, net, imputable.
    symbols
        Genes to name; by default those with the largest net gain.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `genes`.
    """
    known = genes.dropna(subset=["moran_raw", "moran_imputed"])
    titles = gene_titles(known)
    figure = new_figure(11.4, 4.0, "Spatial autocorrelation, net of what smoothing alone makes")
    axes = list(figure.subplots(1, 3, width_ratios=[1, 1, 1]))
    left, middle, right = axes
    if known.empty:
        for ax in axes:
            empty_panel(ax, "no gene with variation")
    else:
        good = known["imputable"]
        dots: dict[str, Any] = {"linewidths": 0, "rasterized": True}
        hollow: dict[str, Any] = {"s": 8, "facecolors": "none", "edgecolors": VERMILLION, "linewidths": 0.5}
        hollow["rasterized"] = True
        left.scatter(known["moran_raw"], known["moran_null"], s=6, color=SKY, alpha=0.5, **dots)
        left.scatter(
            known["moran_raw"][good],
            known["moran_imputed"][good],
            s=8,
            color=VERMILLION,
            alpha=0.7,
            **dots,
        )
        left.scatter(known["moran_raw"][~good], known["moran_imputed"][~good], **hollow)
        low = min(0.0, float(known[["moran_raw", "moran_imputed", "moran_null"]].min().min()))
        left.plot([low, 1], [low, 1], color=BLACK, linewidth=0.8, linestyle=":")
        left.set(xlabel="Moran's I, measured", ylabel="Moran's I, imputed")
        _distributions(middle, known)
        right.scatter(known["moran_raw"][good], known["net"][good], s=8, color=VERMILLION, alpha=0.7, **dots)
        right.scatter(known["moran_raw"][~good], known["net"][~good], **hollow)
        right.axhline(0, color=BLACK, linewidth=0.8, linestyle=":")
        right.set(xlabel="Moran's I, measured", ylabel="Moran's I, imputed less null")
        right.margins(x=0.3, y=0.1)
        asked = known[titles.isin(list(symbols)) & good]
        top = known[good].sort_values("net", ascending=False, kind="stable").head(_NAMED)
        _name(right, asked if len(asked) else top, titles)
    letters(axes)
    side_legend(
        figure,
        [
            (
                "gene",
                [key(VERMILLION, size=4), key(VERMILLION, hollow=True, size=4), key(SKY, size=4)],
                ["imputed", "not imputable", "null: decoy genes of\nthat abundance, imputed"],
            ),
            ("line", [key(BLACK, "", line=":")], ["no change, or 0"]),
        ],
    )
    foot_note(
        figure,
        [
            f"n = {number(len(known))} genes, {number(known['imputable'].sum())} of them imputable",
            "Null: decoy genes, Poisson counts in proportion to the spots' depth, imputed with the real ones",
            "b: boxes hold the middle half of the genes, whiskers 5 to 95 %",
            note,
        ],
        simulated=simulated,
    )
    return figure, genes


def _name(ax: Axes, rows: pd.DataFrame, titles: pd.Series) -> None:
    """Write the names of some genes at the right edge, moved apart, with lines to their points."""
    low, high = ax.get_ylim()
    rows = rows.sort_values("net", kind="stable").tail(_MOST_NAMED)
    heights = spread_out([float(v) for v in (rows["net"] - low) / (high - low)], 0.05)
    for (index, row), height in zip(rows.iterrows(), heights, strict=True):
        point = (float(row["moran_raw"]), float(row["net"]))
        name_point(ax, label(titles[index], 14), point, (1.0, height), "right")
