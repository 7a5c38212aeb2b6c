"""Methods of the spatial study in rows: a point a seed, a bar at the mean, controls hollow and dashed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator

from .looks import BLACK, SKY, SPATIAL_LOOKS, VERMILLION, Look
from .scores import name_rows_of, shifts
from .style import by_number, key, log_axis, look, number

MODEL = "gmm_vgae"
_EXPECTED, _RIVALS = "gmm_vgae_expected", ("scvi",)


def method_look(name: str) -> Look:
    """Return how a method of the study is called and drawn."""
    return SPATIAL_LOOKS.get(name) or look(name)


def titles_of(names: Iterable[str]) -> list[str]:
    """Return how methods are called; the model's two rates are told apart where both are shown."""
    names = list(names)
    own = ", given own counts" if _EXPECTED in names else ""
    return [method_look(name).title + (own if name == MODEL else "") for name in names]


def in_order(names: Iterable[str]) -> list[str]:
    """Return the distinct methods in the order of the study's looks, unknown ones last."""
    distinct = list(dict.fromkeys(names))
    known = [name for name in SPATIAL_LOOKS if name in distinct]
    return known + sorted(name for name in distinct if name not in SPATIAL_LOOKS)


def is_control(name: str) -> bool:
    """Return whether a method is a control: what the model does when it cannot know."""
    return name.endswith("_shuffled")


def draw_methods(
    ax: Axes, table: pd.DataFrame, column: str, *, low: float | None = None, names: Sequence[str] = ()
) -> None:
    """Draw one row a method, a point a seed and a bar at the mean.

    Parameters
    ----------
    ax
        The panel.
    table
        ``method``, ``seed`` and `column`.
    column
        What is drawn along x.
    low
        Values below are drawn there, the mean written beside the point.
    names
        The methods from top to bottom; by default those of `table`.
    """
    names = list(names) or in_order(table["method"])
    for place, name in enumerate(names):
        style, y = method_look(name), len(names) - 1 - place
        values = table.loc[table["method"] == name].sort_values("seed", kind="stable")[column].dropna()
        if values.empty:
            continue
        mean = float(values.mean())
        beyond = low is not None and mean < low
        x = values.clip(lower=low) if low is not None else values
        face = "white" if is_control(name) or beyond else style.colour
        ax.plot(
            x, y + shifts(len(x), 0.2), linestyle="none", marker="<" if beyond else style.marker,
            color=style.colour, markerfacecolor=face, markersize=5 if name == MODEL else 4, zorder=3,
        )  # fmt: skip
        if beyond:
            text = f"{mean:.3g}".replace("-", "−")
            ax.annotate(
                text, (float(x.iloc[0]), y), (6, 0), textcoords="offset points", va="center", fontsize=6
            )
        else:
            line = "--" if is_control(name) else "-"
            wide = 1.8 if name == MODEL else 1.1
            ax.vlines(mean, y - 0.36, y + 0.36, color=style.colour, linewidth=wide, linestyle=line, zorder=4)
    name_rows_of(ax, titles_of(names))
    for name, tick in zip(names, ax.get_yticklabels(), strict=True):
        if name == MODEL:
            tick.set_fontweight("bold")
        elif is_control(name):
            tick.set_color("#777777")


def best_of(table: pd.DataFrame, column: str, kinds: Sequence[str] = ("baseline",)) -> tuple[str, float]:
    """Return the method with the highest mean among `kinds`, and that mean; ``""`` and NaN if there is none."""
    means = table[table["kind"].isin(kinds)].groupby("method")[column].mean().dropna()
    return ("", np.nan) if means.empty else (str(means.idxmax()), float(means.max()))


def kinds_key(names: Iterable[str]) -> tuple[str, list[Line2D], list[str]]:
    """Return a legend's section that explains the points and bars of these methods."""
    names = list(names)
    shown = [
        (MODEL in names, key(VERMILLION, "D"), "model, a seed"),
        (any(name in _RIVALS for name in names), key(SKY, "s"), "published rival, a seed"),
        (
            any(name not in _RIVALS and not name.startswith(MODEL) for name in names),
            key(BLACK),
            "baseline, a seed",
        ),
        (any(map(is_control, names)), key("#777777", "X", hollow=True), "control, a seed"),
        (bool(names), key(BLACK, "|", size=9), "mean of seeds"),
    ]
    return "rows", [sample for here, sample, _ in shown if here], [text for here, _, text in shown if here]


def log_ticks(ax: Axes, which: str) -> None:
    """Make the ``x`` or ``y`` axis logarithmic; within two decades also 2 and 5 times a power of ten are named."""
    log_axis(ax, which)
    axis = ax.xaxis if which == "x" else ax.yaxis
    low, high = axis.get_view_interval()
    if 0 < low < high < 120 * low:
        narrow = high < 8 * low
        axis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if narrow else (1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))


def seeds_of(table: pd.DataFrame, method: str = MODEL) -> list[str]:
    """Return the seeds of a method, of all methods if it is absent."""
    own = table[table["method"] == method] if "method" in table else table
    return by_number(str(seed) for seed in (own if len(own) else table)["seed"])


def count_of(values: pd.Series, what: str) -> str:
    """Say how many, as a number or as a range; empty if it is not known."""
    known = values.dropna()
    if known.empty:
        return ""
    low, high = number(known.min()), number(known.max())
    return f"{low} {what}" if low == high else f"{low} to {high} {what}"
