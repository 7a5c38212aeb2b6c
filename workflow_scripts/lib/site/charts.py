"""Interactive charts: what all have in common, and the files that pages load them from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from workflow_scripts.lib.files import write_atomic
from workflow_scripts.lib.plots.looks import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION

from .markup import to_script

# Of the palette of all figures, the colours that stand out from white and from black.
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY)
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")
MOST_LEVELS = len(COLOURS) * len(SHAPES)
OTHER, NONE = "other", "none"
MOST_POINTS = 12_000
"""Points of a chart that a browser loads and draws without delay."""
INK = alt.param(name="ink", value="#222222")
"""Colour of what is drawn over the points; pages set it by their colour scheme."""


@dataclass(frozen=True)
class Control:
    """One input above a chart: it sets the chart's parameter `signal`.

    Attributes
    ----------
    signal
        Name of the parameter.
    label
        What the page calls it.
    kind
        ``select``, ``range`` or ``search``; what a search finds is a list of the rows' ids.
    options
        Of a select: value and text.
    value
        At first.
    span
        Of a range: lowest, highest, step.
    ends
        Of a range: what its left and right end mean.
    """

    signal: str
    label: str
    kind: str = "select"
    options: list[tuple[str, str]] = field(default_factory=list)
    value: str | float = ""
    span: tuple[float, float, float] = (0, 1, 0.1)
    ends: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite chart without its data.

    Attributes
    ----------
    label
        Among the variants of one interactive figure.
    drawing
        The chart; its data are named.
    data
        Tables by these names.
    size
        For the page: ``height`` in pixels or ``aspect``, height over width; ``most``, the greatest width; perhaps
        ``spots``, the number of points that fill the area.
    found
        Columns that are shown of what a search finds, by heading; ``id`` and ``name`` are searched.
    """

    label: str
    drawing: alt.TopLevelMixin
    data: Mapping[str, pd.DataFrame]
    size: Mapping[str, float]
    found: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Interactive:
    """An interactive figure of a page; `files` are the paths of its variants' data, by label."""

    anchor: str
    title: str
    text: str
    controls: list[Control]
    charts: list[Chart]
    alternative: str
    """Anchor of the figure that shows the same on paper and without JavaScript."""

    @property
    def wide(self) -> bool:
        """Whether a chart has a least width, so that a narrow page scrolls it sideways."""
        return any("least" in chart.size for chart in self.charts)

    @property
    def files(self) -> list[tuple[str, str]]:
        """Label and file of each variant."""
        return [(chart.label, f"charts/{self.anchor}-{place}.js") for place, chart in enumerate(self.charts)]


def _packed(values: pd.Series) -> Any:
    """Return a column as a list, or, of text, as its levels and each row's place among them."""
    if pd.api.types.is_bool_dtype(values):
        return [bool(v) for v in values]
    if pd.api.types.is_numeric_dtype(values):
        return [None if pd.isna(v) else float(f"{v:.5g}") for v in values]
    codes, levels = pd.factorize(values.fillna("").astype(str))
    return {"levels": list(levels), "codes": [int(code) for code in codes]}


def write_charts(figure: Interactive, site: Path) -> None:
    """Write one file a variant; a script element loads it, for a page opened from a file cannot fetch data."""
    for (_, place), chart in zip(figure.files, figure.charts, strict=True):
        value = {
            "spec": chart.drawing.to_dict(),
            "data": {
                name: {column: _packed(table[column]) for column in table}
                for name, table in chart.data.items()
            },
            "size": dict(chart.size),
            "found": dict(chart.found),
        }
        write_atomic(site / place, f"latentome.charts[{to_script(place)}]={to_script(value)};\n")


def write_library(site: Path) -> None:
    """Write Vega, Vega-Lite and Vega-Embed, which all pages share, as one file."""
    write_atomic(site / "vega.js", vl_convert.javascript_bundle())  # type: ignore[call-arg]


def levels_of(values: pd.Series) -> pd.Series:
    """Return a column of metadata as text with at most `MOST_LEVELS` levels.

    Numbers with more levels than colours are cut into five intervals of equal numbers of rows; the rarest levels of
    text are put together as ``other``; missing values are ``none``.
    """
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        if values.nunique() > len(COLOURS):
            cut = pd.qcut(values, 5, duplicates="drop", precision=3)
            order = {part: place for place, part in enumerate(cut.cat.categories)}
            names = {part: f"{order[part] + 1}: {part.left:.3g} to {part.right:.3g}" for part in order}
            return cut.map(names).astype(object).fillna(NONE)
        values = values.map(lambda v: f"{v:g}", na_action="ignore")
    text = values.astype(object).where(values.notna(), NONE).astype(str)
    common = text.value_counts()
    if len(common) > MOST_LEVELS:
        kept = set(sorted(common.index, key=lambda name: (-common[name], name))[: MOST_LEVELS - 1])
        text = text.where(text.isin(kept), OTHER)
    return text


def thinned(table: pd.DataFrame, name: str) -> tuple[pd.DataFrame, str]:
    """Return a table with at most `MOST_POINTS` of its points, evenly chosen, and a sentence that says so.

    Parameters
    ----------
    table
        One or more rows a point.
    name
        Column of the points' names.
    """
    names = table[name].unique()
    if len(names) <= MOST_POINTS:
        return table, ""
    kept = names[:: -(-len(names) // MOST_POINTS)]
    return table[table[name].isin(kept)], f" {len(kept):,} of {len(names):,} points are drawn, evenly chosen."


def by_level(legend: bool = True) -> dict[str, Any]:
    """Return the encodings of colour and shape, together unlike for every level."""
    shown = alt.Legend(title=None, symbolLimit=0, labelLimit=180) if legend else None
    shapes = [shape for shape in SHAPES for _ in COLOURS]
    return {
        "color": alt.Color("level:N", scale=alt.Scale(range=list(COLOURS)), legend=shown),
        "shape": alt.Shape("level:N", scale=alt.Scale(range=shapes), legend=shown),
    }
