"""Scatters coloured by any column of metadata: latent spaces, principal components, domains of a tissue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from workflow_scripts.lib.plots.style import look

from .charts import MOST_LEVELS, Chart, Control, Interactive, by_level, levels_of, thinned

NOT_METADATA = {
    "x",
    "y",
    "x_bar",
    "y_bar",
    "x_axis",
    "y_axis",
    "pc1",
    "pc2",
    "share1",
    "share2",
    "model",
    "seed",
}


def metadata_of(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Return the columns of metadata, first those with some levels, none `other`; `names` are the rows' names."""
    columns = [
        name for name in table if name not in NOT_METADATA and name not in names and table[name].notna().any()
    ]
    return sorted(columns, key=lambda name: not 2 <= table[name].nunique() <= MOST_LEVELS)


def _coloured(columns: Sequence[str]) -> Control:
    return Control(
        "column",
        "Colour by",
        options=[(f"c{n}", name.replace("_", " ")) for n, name in enumerate(columns)],
        value="c0",
    )


def _tooltips(name: str, columns: Sequence[str]) -> list[alt.Tooltip]:
    # Vega's tooltip takes fields called title and image for more than text.
    shown = [alt.Tooltip(f"t{n}:N", title=f"{column} ".capitalize()) for n, column in enumerate(columns)]
    return [alt.Tooltip("id:N", title=f"{name} ".capitalize()), *shown]


def _points(table: pd.DataFrame, name: str, columns: Sequence[str]) -> pd.DataFrame:
    found = {"id": table[name].astype(str)}
    for place, column in enumerate(columns):
        levels = levels_of(table[column])
        found[f"c{place}"] = levels
        found[f"t{place}"] = table[column].where(table[column].notna(), "").astype(str)
    return pd.DataFrame(found)


def _axis(field: str, title: str) -> dict[str, Any]:
    return {"shorthand": f"{field}:Q", "title": title, "scale": alt.Scale(zero=False, nice=False, padding=12)}


def _drawing(name: str, columns: Sequence[str], titles: tuple[str, str] | None) -> alt.Chart:
    """Return the scatter; without axis titles it is a map: no axes, as large as the area."""
    if titles:
        x, y = alt.X(**_axis("x", titles[0])), alt.Y(**_axis("y", titles[1]))
    else:
        bare: dict[str, Any] = {"axis": None, "scale": alt.Scale(zero=False, nice=False, padding=6)}
        x, y = (
            alt.X("x:Q", **bare),
            alt.Y("y:Q", axis=None, scale=alt.Scale(zero=False, nice=False, padding=6, reverse=True)),
        )
    return (
        alt.Chart(alt.NamedData(name="points"))
        .mark_point(filled=True, opacity=0.85, size=alt.ExprRef("spot"))
        .encode(x=x, y=y, tooltip=_tooltips(name, columns), **by_level())
        .transform_calculate(level="datum[column]")
        .add_params(alt.param(name="column", value="c0"), alt.param(name="spot", value=40))
    )


def latent_space(table: pd.DataFrame, dataset: str) -> Interactive:
    """Return samples in the latent space of every model and seed.

    Parameters
    ----------
    table
        ``latent_space.tsv``: one row a sample, model and seed; x and y are the two coordinates that are drawn.
    dataset
        Its name.
    """
    columns = metadata_of(table, ("sample",))
    charts = []
    for (model, seed), rows in table.groupby(["model", "seed"], sort=False):
        data = _points(rows, "sample", columns).assign(x=rows["x"], y=rows["y"])
        titles = (f"{rows['x_axis'].iloc[0]}, posterior mean", f"{rows['y_axis'].iloc[0]}, posterior mean")
        size = {"height": 420, "most": 980, "spots": 90}
        charts.append(
            Chart(
                f"{look(str(model)).title}, seed {seed}",
                _drawing("sample", columns, titles),
                {"points": data},
                size,
            )
        )
    return Interactive(
        f"{dataset}-explore-latent",
        "Latent space of the samples",
        "One point a sample, at the mean of its posterior. Choose a model and a seed, and the column of the sample "
        "sheet that colours the points. A space that separates the groups in one seed and not in another says little.",
        [_coloured(columns)],
        charts,
        f"{dataset}-latent_space",
    )


def components(table: pd.DataFrame, dataset: str) -> Interactive:
    """Return signatures on their first two principal components (``expression_pca.tsv``)."""
    table, note = thinned(table, "sig_id")
    columns = metadata_of(table, ("sig_id",))
    titles = tuple(f"PC{n}, {100 * table[f'share{n}'].iloc[0]:.1f} % of variance" for n in (1, 2))
    data = _points(table, "sig_id", columns).assign(x=table["pc1"], y=table["pc2"])
    chart = Chart(
        "all",
        _drawing("signature", columns, (titles[0], titles[1])),
        {"points": data},
        {"height": 460, "most": 980, "spots": 24},
    )
    return Interactive(
        f"{dataset}-explore-components",
        "Signatures by principal components",
        "One point a signature. Choose what colours it: what a cloud of points goes with is what varies most."
        + note,
        [_coloured(columns)],
        [chart],
        f"{dataset}-expression_pca",
    )


def units(table: pd.DataFrame, dataset: str) -> Interactive:
    """Return signatures in the latent space of each model, on any two of its units (``latent_heatmap.tsv``)."""
    table, note = thinned(table, "sig_id")
    columns = metadata_of(table, ("sig_id", "unit", "value", "row", "column"))
    charts, most = [], 0
    for (model, seed), rows in table.groupby(["model", "seed"], sort=False):
        wide = rows.pivot(index="sig_id", columns="unit", values="value")
        order = wide.abs().mean().sort_values(ascending=False, kind="stable").index
        most = max(most, len(order))
        sheet = rows.drop_duplicates("sig_id").set_index("sig_id").loc[wide.index].reset_index()
        places = pd.DataFrame({f"u{place}": wide[unit].to_numpy() for place, unit in enumerate(order)})
        data = pd.concat([_points(sheet, "sig_id", columns), places], axis="columns")
        drawing = _drawing(
            "signature", columns, ("mean of the unit chosen for x", "mean of the unit chosen for y")
        )
        drawing = drawing.transform_calculate(x="datum[across]", y="datum[upward]").transform_filter(
            "isValid(datum.x) && isValid(datum.y)"
        )
        drawing = drawing.add_params(
            alt.param(name="across", value="u0"), alt.param(name="upward", value="u1")
        )
        charts.append(
            Chart(
                f"{look(str(model)).title}, seed {seed}",
                drawing,
                {"points": data},
                {"height": 460, "most": 980, "spots": 34},
            )
        )
    ranks = [(f"u{place}", f"rank {place + 1}") for place in range(min(most, 12))]
    return Interactive(
        f"{dataset}-explore-units",
        "Latent space of the signatures",
        "One point a signature, at the posterior mean of two units. Units are ranked by their mean absolute value: "
        "rank 1 is used most. A unit in which all points lie on one value is dead." + note,
        [
            Control("across", "Unit on x", options=ranks, value="u0"),
            Control("upward", "Unit on y", options=ranks, value="u1"),
            _coloured(columns),
        ],
        charts,
        f"{dataset}-latent_heatmap",
    )


def domains(table: pd.DataFrame, dataset: str) -> Interactive:
    """Return a tissue whose spots are coloured by annotation or by domains (``spatial_domains.tsv``)."""
    table, note = thinned(table, "barcode")
    columns = metadata_of(table, ("barcode", "section"))
    charts = []
    for section, rows in table.groupby(table["section"].fillna("").astype(str), sort=False):
        data = _points(rows, "barcode", columns).assign(x=rows["x"], y=rows["y"])
        aspect = float(rows["y"].max() - rows["y"].min()) / max(
            float(rows["x"].max() - rows["x"].min()), 1e-9
        )
        size = {"aspect": min(max(aspect, 0.4), 1.6), "most": 620, "spots": float(len(rows)), "fill": 0.5}
        charts.append(
            Chart(str(section) or "the section", _drawing("barcode", columns, None), {"points": data}, size)
        )
    return Interactive(
        f"{dataset}-explore-domains",
        "Domains on the tissue",
        "One point a spot. Choose the annotation, or the domains that a method finds; the numbers and colours of the "
        "domains are arbitrary, only the borders are to be compared." + note,
        [_coloured(columns)],
        charts,
        f"{dataset}-spatial_domains",
    )
