"""One look for all figures: colours, labels that are data, notes, and a writer of byte-stable files."""

from __future__ import annotations

import functools
import io
import string
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from workflow_scripts.lib.files import write_atomic
from workflow_scripts.lib.tables import write_table

from .looks import BLACK, BLUE, GREEN, GREY, LOOKS, ORANGE, PURPLE, SKY, VERMILLION, YELLOW, Look
from .looks import LIGHT as LIGHT

P = ParamSpec("P")
R = TypeVar("R")

LEVELS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

_RC: dict[Any, Any] = {
    "axes.formatter.useoffset": False,
    "axes.grid": False,
    "axes.labelsize": 8,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8.5,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.title_fontsize": 7.5,
    "lines.linewidth": 1.2,
    "svg.fonttype": "none",
    "svg.hashsalt": "latentome",
    # Names of genes and samples hold dollar signs; nothing in these figures is mathtext.
    "text.parse_math": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}
_DPI = 160
_SVG_PIXELS = 0.9e6


def look(name: str) -> Look:
    """Return how the method or model `name` is drawn; an unknown one is dark grey under its own name."""
    return LOOKS.get(name) or Look(label(name), "#555555", "o")


def by_look(names: Iterable[str]) -> list[str]:
    """Return the distinct `names` in the order of `LOOKS`, unknown ones last."""
    distinct = list(dict.fromkeys(names))
    return [n for n in LOOKS if n in distinct] + sorted(n for n in distinct if n not in LOOKS)


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run the decorated function under the one style."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context(_RC):
            return draw(*args, **kwargs)

    return wrapper


def label(text: object, limit: int = 26) -> str:
    """Return `text` as it may stand in a figure: one printable line of at most `limit` characters."""
    line = " ".join(str(text).split())
    line = "".join(c if c.isprintable() else "?" for c in line)
    if len(line) > limit:
        keep = limit - 1
        line = line[: keep - keep // 3].rstrip() + "…" + line[len(line) - keep // 3 :].lstrip()
    # Matplotlib leaves entries that begin with an underscore out of legends.
    return "\u00a0" + line if line.startswith("_") else line


def new_figure(width: float, height: float, title: str = "") -> Figure:
    """Return an empty figure of `width` x `height` inches with constrained layout and a title."""
    figure = Figure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure


def foot_note(figure: Figure, parts: Iterable[str], *, simulated: bool) -> None:
    """Print what the figure rests on below it.

    Parameters
    ----------
    figure
        The figure.
    parts
        Sentences without full stops: n, seeds, baseline; empty ones are left out.
    simulated
        Whether to say that the data are simulated.
    """
    said = [part for part in parts if part]
    text = ". ".join(["Simulated data", *said] if simulated else said) + "."
    wide = int(figure.get_figwidth() / 0.056)
    figure.supxlabel(textwrap.fill(text, wide), x=0.01, ha="left", fontsize=7, color="#333333")


def seeds_note(seeds: Iterable[object]) -> str:
    """Say which seeds are drawn."""
    names = [s for s in by_number(str(seed) for seed in seeds) if s]
    return f"{'Seed' if len(names) == 1 else 'Seeds'} {', '.join(names)}" if names else ""


def by_number(names: Iterable[str]) -> list[str]:
    """Return the distinct `names`, numbers first and in numerical order."""
    return sorted(set(names), key=lambda n: (0, int(n), "") if n.isdigit() else (1, 0, n))


def number(value: float) -> str:
    """Return a whole number with thousands separators."""
    return f"{int(value):,}"


def letters(axes: Sequence[Axes]) -> None:
    """Put a, b, c ... above the upper left corners of `axes`."""
    if len(axes) < 2:
        return
    for place, ax in enumerate(axes):
        name = string.ascii_lowercase[place % 26] * (1 + place // 26)
        ax.annotate(
            name,
            (0, 1),
            xytext=(-8, 5),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            fontsize=9,
            fontweight="bold",
        )


def empty_panel(ax: Axes, text: str) -> None:
    """Say in words why there is nothing to see."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY, fontsize=8)


def corner(ax: Axes, text: str, where: str = "upper left") -> None:
    """Write `text` into a corner of a panel, on white so that points do not hide it."""
    x, y = 0.03 if "left" in where else 0.97, 0.97 if "upper" in where else 0.03
    ax.text(
        *(x, y, text),
        transform=ax.transAxes,
        ha="left" if "left" in where else "right",
        va="top" if "upper" in where else "bottom",
        fontsize=7,
        zorder=10,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
    )


def key(colour: str, marker: str = "o", *, line: str = "", hollow: bool = False, size: float = 5) -> Line2D:
    """Return a legend's sample of a marker or a line."""
    face = "none" if hollow else colour
    style = {"linestyle": line or "none", "marker": marker, "markersize": size}
    return Line2D([], [], color=colour, markerfacecolor=face, markeredgecolor=colour, **style)  # type: ignore[arg-type]


def side_legend(figure: Figure, sections: Iterable[tuple[str, Sequence[Line2D], Sequence[str]]]) -> None:
    """Put one legend to the right of all panels, from sections of a title, samples and names."""
    handles: list[Line2D] = []
    names: list[str] = []
    for title, samples, texts in sections:
        if not samples:
            continue
        if handles:
            handles.append(key("none", ""))
            names.append(" ")
        if title:
            handles.append(key("none", ""))
            names.append(title)
        handles += samples
        names += texts
    if handles:
        legend = figure.legend(handles, names, loc="outside right upper", alignment="left")
        for handle, text in zip(handles, legend.get_texts(), strict=True):
            # A title has no sample beside it.
            if handle.get_color() == "none":
                text.set_fontweight("bold")


def few_ticks(ax: Axes, most: int = 5) -> None:
    """Keep tick labels of both linear axes apart."""
    ax.xaxis.set_major_locator(MaxNLocator(most))
    ax.yaxis.set_major_locator(MaxNLocator(most))


def signed(value: float, digits: int = 3) -> str:
    """Return `value` with a true minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def _power(value: float, _: object = None) -> str:
    exponent = f"{value:e}".split("e")
    if not exponent[0].startswith("1.000"):
        return ""
    power = int(exponent[1])
    if 0 <= power <= 3:
        return f"{10**power:,}"
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def log_axis(ax: Axes, which: str) -> None:
    """Make the ``x`` or ``y`` axis logarithmic, its ticks plain text."""
    ax.set(**{f"{which}scale": "log"})
    axis: Any = getattr(ax, f"{which}axis")
    axis.set_major_formatter(FuncFormatter(_power))
    axis.set_minor_formatter(NullFormatter())


@styled
def save_figure(figure: Figure, table: pd.DataFrame, outputs: Iterable[str | Path]) -> None:
    """Write a figure and what is drawn in it, the same bytes for the same data, atomically.

    Parameters
    ----------
    figure
        From a function of `workflow_scripts.lib.plots`.
    table
        What is drawn.
    outputs
        Paths; the suffix says what is written: ``.svg`` (vector text), ``.png`` or ``.tsv``.
    """
    paths = [Path(path) for path in outputs]
    for path in paths:
        if path.suffix == ".tsv":
            write_table(table, path)
            continue
        # Dense scatters are pictures inside the SVG; fewer dots an inch keep a large figure below 1 MB.
        area = figure.get_figwidth() * figure.get_figheight()
        dpi = min(_DPI, (_SVG_PIXELS / area) ** 0.5) if path.suffix == ".svg" else _DPI
        # Neither the date nor Matplotlib's version belongs into bytes that are compared.
        metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
        buffer = io.BytesIO()
        figure.savefig(buffer, format=path.suffix[1:], dpi=dpi, metadata=metadata)
        write_atomic(path, buffer.getvalue())
