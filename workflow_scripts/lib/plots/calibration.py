"""Do the numbers mean what they say? FDR, intervals, power and error on known truth, and the null."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import BLACK, by_look, empty_panel, foot_note, key, letters, look, new_figure, seeds_note, styled


def _against_nominal(ax: Axes, rows: pd.DataFrame, wording: tuple[str, str]) -> None:
    ax.axline((0, 0), slope=1, color=BLACK, linewidth=0.7, linestyle="--", zorder=1)
    methods = by_look(rows["method"])
    levels = np.sort(rows["nominal"].unique())
    step = float(np.diff(levels).min()) if len(levels) > 1 else 0.1
    for place, method in enumerate(methods):
        some, style = rows[rows["method"] == method], look(method)
        shift = 0.4 * step * ((place + 0.5) / len(methods) - 0.5)
        ax.scatter(
            some["nominal"] + shift,
            some["value"],
            s=9,
            color=style.colour,
            marker=style.marker,
            linewidths=0.4,
            alpha=0.5,
        )
        mean = some.groupby("nominal")["value"].mean()
        ax.plot(mean.index + shift, mean, color=style.colour, marker=style.marker, markersize=4, linewidth=1)
    ax.set_xticks(levels, [f"{level:g}" for level in levels], rotation=45)
    ax.set_xlim(levels[0] - step, levels[-1] + step)
    ax.set(xlabel=wording[0], ylabel=wording[1])


def _by_method(ax: Axes, rows: pd.DataFrame, text: str, line: float | None = None) -> None:
    methods = by_look(rows["method"])
    for place, method in enumerate(methods):
        some, style = rows[rows["method"] == method], look(method)
        shift = np.linspace(-0.2, 0.2, len(some)) if len(some) > 1 else np.zeros(1)
        y = len(methods) - 1 - place
        ax.scatter(
            some["value"], y + shift, s=14, color=style.colour, marker=style.marker, linewidths=0.4, alpha=0.7
        )
        ax.vlines(some["value"].mean(), y - 0.32, y + 0.32, color=BLACK, linewidth=1.4, zorder=4)
    ax.set_yticks(range(len(methods)), [look(m).title for m in reversed(methods)], fontsize=6.5)
    ax.set_ylim(-0.6, len(methods) - 0.4)
    if line is not None:
        ax.axvline(line, color=BLACK, linewidth=0.8, linestyle="--")
    ax.set_xlim(left=0, right=max(float(rows["value"].max()), line or 0.0) * 1.12 or 1.0)
    ax.set_xlabel(text)


@styled
def calibration(
    benchmark: pd.DataFrame, *, simulated: bool, nominal: float = 0.05
) -> tuple[Figure, pd.DataFrame]:
    """Draw observed against nominal FDR and coverage, power, RMSE, and the calls under permuted labels.

    Parameters
    ----------
    benchmark
        The study's tidy benchmark table.
    simulated
        Whether the data set itself is simulated; the panels of known truth always are.
    nominal
        FDR at which power is given and permutations are called; dashed.

    Returns
    -------
    figure, table
        One row a point, ``panel`` telling where.
    """
    metric, name = benchmark["metric"], benchmark["benchmark"]
    level = pd.to_numeric(benchmark["bin"], errors="coerce")
    known = benchmark.assign(nominal=level).dropna(subset=["value"])
    at_nominal = level.isna() | np.isclose(level, nominal)
    # Under permuted labels nearly all calls are false: that is power, which panel c shows, not calibration.
    null = benchmark["method"].str.endswith("_permuted")
    chosen = {
        "fdr": (name == "simulation") & (metric == "observed_fdr") & level.notna() & ~null,
        "coverage": (name == "simulation") & (metric == "observed_coverage") & level.notna(),
        "power": (name == "simulation") & (metric == "power") & at_nominal,
        "rmse": (name == "simulation") & (metric == "rmse") & benchmark["bin"].isin(["", "all"]),
        "null": (name == "permutation") & (metric == "called_fraction") & at_nominal,
    }
    drawn = {panel: known[mask.reindex(known.index)].assign(panel=panel) for panel, mask in chosen.items()}
    wide = min(3, len(drawn))
    deep = -(-len(drawn) // wide)
    figure = new_figure(3.5 * wide, 2.7 * deep + 0.8, "Calibration")
    axes = list(figure.subplots(deep, wide, squeeze=False).flat)
    for ax, (panel, rows) in zip(axes, drawn.items(), strict=False):
        if rows.empty:
            empty_panel(ax, "no permutation" if panel == "null" else "no simulation")
        elif panel == "fdr":
            _against_nominal(ax, rows, ("nominal FDR", "observed FDR"))
            ax.set_ylim(0, max(0.25, float(rows["value"].max()) * 1.08))
        elif panel == "coverage":
            _against_nominal(ax, rows, ("nominal level of the interval", "share that holds the truth"))
            ax.set_ylim(min(0.4, float(rows["value"].min()) * 0.95), 1.01)
        elif panel == "power":
            _by_method(ax, rows, f"power at FDR {nominal:g}")
        elif panel == "rmse":
            _by_method(ax, rows, "RMSE of log₂ fold change")
        else:
            _by_method(ax, rows, "share of genes called, labels permuted", nominal)
    titles = {
        "fdr": "False discoveries",
        "coverage": "Intervals",
        "power": "Power",
        "rmse": "Error",
        "null": "Null",
    }
    for ax, panel in zip(axes, drawn, strict=False):
        ax.set_title(titles[panel], loc="left")
    letters(axes[: len(drawn)])
    table = pd.concat(drawn.values(), ignore_index=True)
    for ax in axes[len(drawn) :]:
        ax.set_axis_off()
    methods = by_look(table["method"])
    spare = axes[len(drawn)] if len(axes) > len(drawn) else None
    handles = [key(look(m).colour, look(m).marker) for m in methods] + [key(BLACK, "", line="--")]
    names = [*(look(m).title for m in methods), "as it should be (null: at most)"]
    if spare is not None:
        spare.legend(handles, names, loc="center left")
    else:
        figure.legend(handles, names, loc="outside right upper")
    simulations = table[table["benchmark"] == "simulation"]
    permutations = table[table["benchmark"] == "permutation"]
    foot_note(
        figure,
        [
            "Small points: simulated data sets or permutations; large points and bars: their mean",
            "Known truth: simulated counts",
            f"Simulations: {seeds_note(simulations['seed']).lower()}" if len(simulations) else "",
            f"Permutations: {seeds_note(permutations['seed']).lower()}" if len(permutations) else "",
            "Baseline: DESeq2; null: permuted labels, left out of a, where nearly all calls are false",
        ],
        simulated=simulated,
    )
    return figure, table.drop(columns="nominal")
