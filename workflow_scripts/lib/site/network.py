"""The network of perturbagen classes: who is nearest to whom by the S-VQ-VAE's codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from workflow_scripts.lib.plots.looks import VERMILLION
from workflow_scripts.lib.plots.style import look

from .charts import INK, Chart, Control, Interactive

_EDGE = "#8f959c"
_COMMON = ("INHIBITOR", "AGONIST", "ANTAGONIST", "ACTIVATOR", "BLOCKER", "MODULATOR", "ANALOG")


def class_label(name: str) -> str:
    """Return a class's name as words: ``CP_MTOR_INHIBITOR`` is ``MTOR inhibitor``."""
    return " ".join(word.lower() if word in _COMMON else word for word in name.removeprefix("CP_").split("_"))


def _wrapped(name: str) -> str:
    """Return a class's name for the drawing, on two lines."""
    head, _, last = name.rpartition(" ")
    return f"{head}\n{last}" if head else name


def _tables(edges: pd.DataFrame) -> dict[str, pd.DataFrame]:
    parts = [
        edges[[end, f"{end}_x", f"{end}_y"]].set_axis(["id", "x", "y"], axis="columns")
        for end in ("target", "source")
    ]
    nodes = pd.concat(parts).drop_duplicates("id").reset_index(drop=True)
    nodes["name"] = nodes["id"].map(class_label)
    nodes["lines"] = nodes["name"].map(_wrapped)
    # Neighbours in a row have their names above and below in turn.
    nodes = nodes.sort_values(["y", "x"], kind="stable").reset_index(drop=True)
    nodes["below"] = nodes.groupby(nodes["y"].round(1)).cumcount() % 2 == 1
    nearest = edges.set_index("target")["source"].map(class_label)
    nodes["nearest"] = nodes["id"].map(nearest).fillna("")
    nodes["distance"] = nodes["id"].map(edges.set_index("target")["distance"])
    dx, dy = edges["target_x"] - edges["source_x"], edges["target_y"] - edges["source_y"]
    lines = pd.DataFrame(
        {
            "source": edges["source"],
            "target": edges["target"],
            "x": edges["source_x"],
            "y": edges["source_y"],
            "x2": edges["target_x"],
            "y2": edges["target_y"],
            "weight": edges["weight"],
            "distance": edges["distance"],
            "mutual": edges["mutual"].astype(str) == "True",
            "mid_x": edges["source_x"] + 0.62 * dx,
            "mid_y": edges["source_y"] + 0.62 * dy,
            "angle": np.degrees(np.arctan2(dx, dy)),
        }
    )
    return {"nodes": nodes, "edges": lines}


def _drawing() -> alt.TopLevelMixin:
    lines = alt.Chart(alt.NamedData(name="edges")).transform_filter("datum.weight >= least")
    colour = alt.condition("datum.mutual", alt.value(VERMILLION), alt.value(_EDGE))
    room = alt.Scale(zero=False, nice=False, padding=46)
    at: dict[str, Any] = {"x": alt.X("x:Q", axis=None, scale=room), "y": alt.Y("y:Q", axis=None, scale=room)}
    tooltip = [alt.Tooltip(f"{end}:N", title=f"{end} ") for end in ("source", "target")]
    tooltip += [alt.Tooltip(f"{kind}:Q", title=f"{kind} ", format=".3f") for kind in ("weight", "distance")]
    width = alt.StrokeWidth("weight:Q", scale=alt.Scale(domainMin=0, range=[1, 5]), legend=None)
    edge = lines.mark_rule(aria=False).encode(
        **at, x2="x2:Q", y2="y2:Q", color=colour, strokeWidth=width, tooltip=tooltip
    )
    middle: dict[str, Any] = {
        "x": alt.X("mid_x:Q", axis=None, scale=room),
        "y": alt.Y("mid_y:Q", axis=None, scale=room),
    }
    head = lines.mark_point(shape="triangle", filled=True, size=90, aria=False).encode(
        **middle, angle=alt.Angle("angle:Q", scale=None), color=colour
    )
    nodes = alt.Chart(alt.NamedData(name="nodes"))
    told = [
        alt.Tooltip("name:N", title="Class "),
        alt.Tooltip("nearest:N", title="Nearest "),
        alt.Tooltip("distance:Q", title="Distance ", format=".3f"),
    ]
    dot = nodes.mark_circle(size=70, opacity=1, color=alt.ExprRef("ink"), aria=False).encode(
        **at, tooltip=told
    )
    found = nodes.transform_filter("indexof(picked, datum.id) >= 0")
    ring = found.mark_point(size=260, strokeWidth=3, stroke=VERMILLION, aria=False).encode(**at)
    label: dict[str, Any] = {
        "limit": 150,
        "lineBreak": "\n",
        "lineHeight": 13,
        "color": alt.ExprRef("ink"),
        "aria": False,
    }
    above = nodes.transform_filter("!datum.below").encode(**at, text="lines:N")
    above.mark = alt.MarkDef("text", dy=-22, baseline="line-bottom", **label)
    below = nodes.transform_filter("datum.below").encode(**at, text="lines:N")
    below.mark = alt.MarkDef("text", dy=9, baseline="line-top", **label)
    parts = alt.layer(edge, head, dot, ring, above, below)
    return parts.add_params(alt.param(name="least", value=0), alt.param(name="picked", value=[]), INK)


def class_network(tables: Mapping[str, pd.DataFrame], dataset: str) -> Interactive:
    """Return the network of classes, one variant a model.

    Parameters
    ----------
    tables
        ``network_graph_<model>.tsv`` by model.
    dataset
        Its name.
    """
    charts, highest = [], 0.0
    for model, table in tables.items():
        data = _tables(table)
        highest = max(highest, float(table["weight"].max()))
        size = {
            "height": float(min(max(90 * len(data["nodes"]) ** 0.5 + 120, 380), 900)),
            "most": 1000,
            "least": 760,
        }
        charts.append(
            Chart(
                look(model).title,
                _drawing(),
                data,
                size,
                {"Class": "name", "Nearest class": "nearest", "Distance": "distance"},
            )
        )
    top = max(round(highest, 2), 0.05)
    return Interactive(
        f"{dataset}-explore-network",
        "Network of perturbagen classes",
        "An arrow leads from the nearest class to the class, wider for a higher correlation; red ones join "
        "classes that are nearest to each other. Every class has a nearest one, however far: "
        "raise the least correlation to see what is left.",
        [
            Control("picked", "Find a class", kind="search"),
            Control(
                "least",
                "Least correlation",
                kind="range",
                value=0,
                span=(0, top, round(top / 20, 4)),
                ends=("all arrows", "closest only"),
            ),
        ],
        charts,
        f"{dataset}-network_graph_{next(iter(tables))}",
    )
