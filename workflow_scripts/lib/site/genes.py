"""Charts of genes: the volcano with its search, and genes on the tissue before and after imputation."""

from __future__ import annotations

import altair as alt
import pandas as pd

from workflow_scripts.lib.plots.looks import BLUE, VERMILLION
from workflow_scripts.lib.plots.style import look

from .charts import INK, Chart, Control, Interactive, thinned

MOST_GENES = 40_000
"""Points of one volcano that a browser draws without delay; beyond, genes that are not called are thinned out."""
_CALLED = {
    "not called": ("#8f959c", "circle"),
    "down": (BLUE, "triangle-down"),
    "up": (VERMILLION, "triangle-up"),
}


def _volcano_drawing(methods: list[str]) -> alt.TopLevelMixin:
    names, looks = list(_CALLED), list(_CALLED.values())
    base = alt.Chart(alt.NamedData(name="points")).transform_filter("datum.method == method")
    x = alt.X("x:Q", title="log\u2082 fold change", scale=alt.Scale(padding=10, nice=False))
    y = alt.Y(
        "y:Q",
        title="\u2212log\u2081\u2080 adjusted p, or expected FDR",
        scale=alt.Scale(padding=10, nice=False),
    )
    tooltip = [
        alt.Tooltip("name:N", title="Gene "),
        alt.Tooltip("id:N", title="Id "),
        alt.Tooltip("x:Q", title="log2 fold change", format=".3f"),
        alt.Tooltip("y:Q", title="-log10", format=".3g"),
        alt.Tooltip("called:N", title="Called "),
    ]
    legend = alt.Legend(title=None)
    cloud = base.mark_point(filled=True, opacity=0.65, size=22).encode(
        x=x,
        y=y,
        tooltip=tooltip,
        color=alt.Color(
            "called:N", scale=alt.Scale(domain=names, range=[one[0] for one in looks]), legend=legend
        ),
        shape=alt.Shape(
            "called:N", scale=alt.Scale(domain=names, range=[one[1] for one in looks]), legend=legend
        ),
    )
    found = base.transform_filter("indexof(picked, datum.id) >= 0")
    ring = found.mark_point(size=150, strokeWidth=2, stroke=alt.ExprRef("ink")).encode(
        x=x, y=y, tooltip=tooltip
    )
    text = found.mark_text(dy=-13, fontWeight="bold", limit=160, color=alt.ExprRef("ink")).encode(
        x=x, y=y, text="name:N"
    )
    return alt.layer(cloud, ring, text).add_params(
        alt.param(name="method", value=methods[0]), alt.param(name="picked", value=[]), INK
    )


def volcano(table: pd.DataFrame, dataset: str) -> Interactive:
    """Return effect against evidence of every gene, one variant a contrast (``volcano.tsv``), with a search."""
    methods = list(dict.fromkeys(table["method"]))
    charts, note = [], ""
    for contrast, rows in table.groupby("contrast", sort=False):
        rows = rows.dropna(subset=["log2FoldChange", "minus_log10_padj"])
        if len(rows) > MOST_GENES:
            note = " Of the genes that are not called, some are drawn and found, evenly chosen; the table has all."
            plain = rows["called"] == "not called"
            step = -(-int(plain.sum()) // max(MOST_GENES - int((~plain).sum()), 1))
            rows = rows[~plain | (plain.cumsum() % step == 0)]
        data = pd.DataFrame(
            {
                "id": rows["gene_id"],
                "name": rows["symbol"].fillna(rows["gene_id"]),
                "x": rows["log2FoldChange"],
                "y": rows["minus_log10_padj"],
                "called": rows["called"],
                "method": rows["method"],
                "title": rows["method"].map(lambda name: look(name).title),
            }
        )
        found = {
            "Gene": "name",
            "Id": "id",
            "Method": "title",
            "log\u2082 fold change": "x",
            "\u2212log\u2081\u2080": "y",
            "Called": "called",
        }
        charts.append(
            Chart(
                str(contrast),
                _volcano_drawing(methods),
                {"points": data},
                {"height": 440, "most": 980},
                found,
            )
        )
    return Interactive(
        f"{dataset}-explore-volcano",
        "Volcano: find a gene",
        "One point a gene. The height of DESeq2 is the adjusted p-value, that of the NB-VAE the expected share of "
        "false calls among this gene and all better ones: compare who is called, not the heights." + note,
        [
            Control(
                "method", "Method", options=[(name, look(name).title) for name in methods], value=methods[0]
            ),
            Control("picked", "Find a gene", kind="search"),
        ],
        charts,
        f"{dataset}-volcano",
    )


def tissue(table: pd.DataFrame, dataset: str) -> Interactive:
    """Return genes on the tissue: as measured left of a line that a slider moves, imputed (or true) right of it.

    Parameters
    ----------
    table
        ``spatial_patterns.tsv``: one row a spot and gene; raw, imputed and perhaps truth are log1p of
        counts per 10,000.
    dataset
        Its name.
    """
    table, note = thinned(table, "barcode")
    truth = "truth" in table and table["truth"].notna().any()
    kinds = {"imputed": "imputed"} | ({"truth": "true rate"} if truth else {})
    names = table.drop_duplicates("gene").set_index("gene")["symbol"]
    names = names.fillna(pd.Series(names.index, index=names.index))
    places = {gene: f"g{place}" for place, gene in enumerate(names.index)}
    low, high = float(table["x"].min()), float(table["x"].max())
    aspect = float(table["y"].max() - table["y"].min()) / max(high - low, 1e-9)
    columns = ["raw", *kinds]
    maxima = {
        places[gene]: round(float(rows[columns].max().max()), 4)
        for gene, rows in table.groupby("gene", sort=False)
    }
    data = pd.DataFrame(
        {"id": table["barcode"], "gene": table["gene"].map(places), "x": table["x"], "y": table["y"]}
        | {kind: table[kind] for kind in columns}
    )
    room = alt.Scale(zero=False, nice=False, padding=6)
    x = alt.X("x:Q", axis=None, scale=room)
    spots = (
        alt.Chart(alt.NamedData(name="points"))
        .mark_circle(opacity=1, size=alt.ExprRef("spot"))
        .transform_filter("datum.gene == gene")
        .transform_calculate(
            shown=f"datum.x < {low:.6g} + divider / 100 * {high - low:.6g} ? datum.raw : datum[compare]"
        )
        .encode(
            x=x,
            y=alt.Y("y:Q", axis=None, scale=alt.Scale(zero=False, nice=False, padding=6, reverse=True)),
            color=alt.Color(
                "shown:Q",
                title="log1p of counts per 10,000",
                scale=alt.Scale(scheme="viridis", domainMin=0, domainMax=alt.ExprRef("maxima[gene]")),
                legend=alt.Legend(direction="horizontal", gradientLength=220, titleLimit=300),
            ),
            tooltip=[
                alt.Tooltip("id:N", title="Spot "),
                *(alt.Tooltip(f"{kind}:Q", title=f"{kind} ", format=".2f") for kind in columns),
            ],
        )
    )
    line = (
        alt.Chart(alt.InlineData(values=[{}]))
        .transform_calculate(at=f"{low:.6g} + divider / 100 * {high - low:.6g}")
        .mark_rule(strokeWidth=2, color=alt.ExprRef("ink"))
        .encode(x=alt.X("at:Q", axis=None, scale=room))
    )
    start = places[names.index[0]]
    drawing = alt.layer(spots, line).add_params(
        alt.param(name="gene", value=start),
        alt.param(name="compare", value="imputed"),
        alt.param(name="divider", value=50),
        alt.param(name="maxima", value=maxima),
        alt.param(name="spot", value=20),
        INK,
    )
    number = len(table) / max(len(names), 1)
    size = {"aspect": min(max(aspect, 0.4), 1.6), "most": 620, "spots": number, "fill": 0.55}
    return Interactive(
        f"{dataset}-explore-genes",
        "Genes on the tissue, before and after",
        "Left of the line as measured, right of it imputed; move the line with the slider. Both sides share one colour "
        "scale. Smooth pictures are no evidence by themselves: see the held-out counts below." + note,
        [
            Control(
                "gene",
                "Gene",
                options=[(places[gene], str(name)) for gene, name in names.items()],
                value=start,
            ),
            Control("compare", "Right of the line", options=list(kinds.items()), value="imputed"),
            Control(
                "divider",
                "Line between before and after",
                kind="range",
                value=50,
                span=(0, 100, 1),
                ends=("after only", "before only"),
            ),
        ],
        [Chart("the section", drawing, {"points": data}, size)],
        f"{dataset}-spatial_patterns",
    )
