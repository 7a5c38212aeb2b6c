"""Rows of scores with intervals, names of classes and units, and groups by model and seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from .style import BLACK, LEVELS, by_look, by_number, label, look


def class_name(name: object, limit: int = 34) -> str:
    """Return a perturbagen class as it stands in a figure: without ``CP_`` and underscores."""
    return label(str(name).removeprefix("CP_").replace("_", " "), limit)


def first_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each model's first seed; models without seeds whole."""
    kept = [
        some[some["seed"] == by_number(some["seed"])[0]] for _, some in table.groupby("model", sort=False)
    ]
    return pd.concat(kept) if kept else table.head(0)


def model_title(model: str, seed: str) -> str:
    """Return a model's name with its seed, if it has one."""
    return f"{look(model).title}, seed {label(seed, 8)}" if seed else look(model).title


def span(values: Iterable[float], form: str = ",.0f") -> str:
    """Return a number, or the range of several."""
    known = [v for v in values if np.isfinite(v)]
    if not known:
        return "unknown"
    low, high = format(min(known), form), format(max(known), form)
    return low if low == high else f"{low} to {high}"


def rows_note(table: pd.DataFrame, columns: Sequence[tuple[str, str]]) -> str:
    """Say how many of what: column ``n`` as ``n = 12 to 30`` and others as ``5 compounds``."""
    parts: list[str] = []
    for column, what in columns:
        if column in table and table[column].notna().any():
            number = span(table[column].dropna())
            parts.append(f"n = {number} {what}" if not parts else f"{number} {what}")
    return ", ".join(parts)


def shifts(count: int, half: float = 0.28) -> np.ndarray:
    """Return offsets [count] that set `count` points of a row apart."""
    return np.linspace(half, -half, count) if count > 1 else np.zeros(1)


def whisker(
    ax: Axes,
    x: float,
    y: float,
    interval: tuple[float, float],
    colour: str,
    marker: str = "o",
    *,
    hollow: bool = False,
    size: float = 4.5,
) -> None:
    """Draw a score in a row at height `y` with its interval; not finite ends are left out."""
    low, high = interval
    if np.isfinite(low) and np.isfinite(high):
        ax.hlines(y, low, high, color=colour, linewidth=1.0, alpha=0.7, zorder=2)
    style = {"marker": marker, "markersize": size, "linestyle": "none", "zorder": 3}
    ax.plot([x], [y], color=colour, markerfacecolor="white" if hollow else colour, **style)  # type: ignore[arg-type]


def name_rows_of(ax: Axes, names: Sequence[str], size: float = 7) -> None:
    """Name the rows of a panel from top to bottom, the first at the highest place."""
    ax.set_yticks(range(len(names) - 1, -1, -1), list(names), fontsize=size)
    ax.set_ylim(-0.6, len(names) - 0.4)
    for place in range(0, len(names), 2):
        ax.axhspan(len(names) - 1.5 - place, len(names) - 0.5 - place, color="#F4F4F4", linewidth=0, zorder=0)


def level_line(ax: Axes, value: float, colour: str = BLACK, style: str = "--") -> None:
    """Draw a baseline, null or ceiling as a line across all rows."""
    if np.isfinite(value):
        ax.axvline(value, color=colour, linewidth=0.8, linestyle=style, zorder=1)


def model_rows(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return each model's rows in the house's order, its seeds in numerical order."""
    found = []
    for model in by_look(table["model"]):
        some = table[table["model"] == model]
        found.append(
            (model, some.sort_values("seed", key=lambda s: s.map(by_number(s).index), kind="stable"))
        )
    return found


def cycle(place: int) -> str:
    """Return the colour of the group at `place`; after eight they begin again."""
    return LEVELS[place % len(LEVELS)]


def ink_on(colour: object) -> str:
    """Return black or white, whichever can be read on `colour`."""
    red, green, blue = to_rgb(colour)  # type: ignore[arg-type]
    return BLACK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"
