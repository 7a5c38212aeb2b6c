"""What the published "imputed gene matrix" is: beside the graph it decodes and the genes whose names it bears."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from .looks import BLACK, BLUE, GREEN, GREY, LIGHT, PURPLE, VERMILLION
from .steady import new_figure
from .style import (
    corner,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    number,
    side_legend,
    signed,
    styled,
)

_ARRAYS = {
    "matrix": ("stored as the imputed genes", "gene, as the column is named", "viridis"),
    "graph": ("graph of the spots, before training", "spot", "Greys"),
    "expression": ("log expression of these genes", "gene", "viridis"),
}
_FINDINGS = {
    "max_asymmetry": "largest |M − Mᵀ|",
    "edge_auc": "AUC: entries tell edges from non-edges",
    "saturated_pairs": "share of pairs at exactly 0 or 1",
    "correlation_with_own_gene": "correlation with its own gene, median",
    "percentile_of_own_gene": "rank of its own gene among all genes",
    "correlation_of_neighbours_mean": "the same correlation of the neighbours' mean",
    "change_when_genes_are_permuted": "largest change when genes are permuted",
    "difference_of_two_inferences": "largest difference of two runs of inference",
    "first_layer_parameters": "parameters of the first layer",
    "dense_bytes_of_50000_spots": "memory of its dense arrays at 50,000 spots",
    "imputation_mode_runs": "imputation mode can run",
}
_SELECTION = {
    "ari_selected_epoch": ("epoch chosen by the labels", PURPLE),
    "ari_mean_epoch": ("mean epoch", BLACK),
    "ari_last_epoch": ("last epoch", GREY),
    "ari_shuffled_selected": ("shuffled labels, best epoch", VERMILLION),
    "ari_shuffled_last": ("shuffled labels, last epoch", LIGHT),
}


def in_band(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays [spots x spots or genes] with both in the graph's reverse Cuthill-McKee order."""
    if not arrays.get("graph", np.zeros(0)).size:
        return dict(arrays)
    order = reverse_cuthill_mckee(csr_matrix(arrays["graph"]), symmetric_mode=True)
    return {name: values[order][:, order[order < values.shape[1]]] for name, values in arrays.items()}


def _short(value: float, name: str) -> str:
    if name == "imputation_mode_runs":
        return "yes" if value else "no"
    if name.startswith("dense_bytes"):
        return f"{value / 1e9:.3g} GB"
    if not np.isfinite(value):
        return "unknown"
    if value == int(value) and abs(value) < 1e7:
        return number(value)
    return f"{value:.3g}".replace("-", "−")


def _pictures(axes: list[Axes], arrays: Mapping[str, np.ndarray]) -> None:
    for ax, (name, (title, across, cmap)) in zip(axes, _ARRAYS.items(), strict=True):
        values = arrays.get(name, np.zeros((0, 0)))
        ax.set_title(title, loc="left")
        if not values.size:
            empty_panel(ax, "no part of the matrix was kept")
            continue
        high = float(np.percentile(values, 99.5)) or float(values.max()) or 1.0
        image = ax.imshow(values, cmap=cmap, vmin=0, vmax=high, aspect="auto", interpolation="nearest")
        ax.set(xlabel=across, ylabel="spot")
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8, pad=0.02)
        bar.ax.tick_params(labelsize=6)


def _words(ax: Axes, findings: pd.DataFrame) -> None:
    rows = findings.set_index("finding")
    named = [name for name in _FINDINGS if name in rows.index]
    ax.set_axis_off()
    ax.set_title("Findings", loc="left")
    if not named:
        empty_panel(ax, "no finding")
        return
    heads = ((0.0, "left", "measure"), (0.78, "right", "published"), (0.81, "left", "an imputation"))
    for place, where in enumerate([-1, *range(len(named))]):
        y = 0.97 - place / (len(named) + 0.6)
        texts = [text for *_, text in heads]
        if where >= 0:
            row = rows.loc[named[where]]
            expected = label(row["expected_of_an_imputation"], 22) or "–"
            expected = "yes" if named[where] == "imputation_mode_runs" else expected
            texts = [_FINDINGS[named[where]], _short(float(row["value"]), named[where]), expected]
        for (x, ha, _), text in zip(heads, texts, strict=True):
            bold = "bold" if where < 0 else "normal"
            ax.text(
                x,
                y,
                text,
                transform=ax.transAxes,
                ha=ha,
                va="top",
                fontsize=6.6,
                fontweight=bold,
                in_layout=False,
            )


def _leak(ax: Axes, epochs: pd.DataFrame, findings: pd.DataFrame) -> None:
    joint = epochs[epochs["stage"] == "joint"].dropna(subset=["ari"])
    ax.set_title("Choice of an epoch by the labels", loc="left")
    if joint.empty:
        empty_panel(ax, "no joint training:\nno epoch to choose")
        return
    ax.plot(joint["epoch"], joint["ari"], color=BLUE, linewidth=1, marker=".", markersize=3)
    values = findings.set_index("finding")["value"]
    for name, (_, colour) in _SELECTION.items():
        if name in values.index and np.isfinite(values[name]):
            ax.axhline(values[name], color=colour, linewidth=1.1, linestyle="--")
    if "selected_epoch" in values.index and np.isfinite(values["selected_epoch"]):
        at = joint[joint["epoch"] == values["selected_epoch"]]
        ax.plot(at["epoch"], at["ari"], "o", color=PURPLE, markersize=6)
    if "ari_gain_of_selection" in values.index:
        corner(ax, f"gain of the choice {signed(values['ari_gain_of_selection'], 2)}", "lower right")
    ax.set(xlabel="epoch of joint training", ylabel="adjusted Rand index")
    ax.margins(y=0.12)


@styled
def published_matrix(
    arrays: Mapping[str, np.ndarray],
    findings: pd.DataFrame,
    epochs: pd.DataFrame,
    *,
    simulated: bool,
    note: str = "",
) -> tuple[Figure, pd.DataFrame]:
    """Draw a part of the published matrix beside the graph and the genes, and what was measured of it.

    Parameters
    ----------
    arrays
        ``matrix``, ``graph`` [spots x spots] and ``expression`` [spots x genes] of some spots.
    findings
        finding, value, expected_of_an_imputation, note.
    epochs
        stage, epoch, loss, ari, nmi, ari_published.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `findings`.
    """
    figure = new_figure(11.6, 6.6, "What the published matrix was")
    rows = figure.add_gridspec(2, 1)
    above, below = rows[0].subgridspec(1, 3), rows[1].subgridspec(1, 3, width_ratios=[0.7, 1.5, 1.0])
    pictures = [figure.add_subplot(above[0, place]) for place in range(3)]
    cloud, table_ax, leak = (figure.add_subplot(below[0, place]) for place in range(3))
    _pictures(pictures, in_band(arrays))
    _edges(cloud, arrays)
    _words(table_ax, findings)
    _leak(leak, epochs, findings)
    letters([*pictures, cloud, table_ax, leak])
    values = findings.set_index("finding")["value"]
    shown = {name: look for name, look in _SELECTION.items() if name in values.index}
    side_legend(
        figure,
        [
            (
                "f: adjusted Rand index",
                [key(BLUE, ".", line="-"), *(key(colour, "", line="--") for _, colour in shown.values())],
                ["each epoch", *(title for title, _ in shown.values())],
            )
            if len(epochs)
            else ("", [], []),
            ("d", [key(GREEN, "s"), key(LIGHT, "s")], ["pairs with an edge", "other pairs"]),
        ],
    )
    spots = values.get("spots", np.nan)
    selected = findings.loc[findings["finding"] == "selected_epoch", "note"]
    runs = findings.loc[findings["finding"] == "imputation_mode_runs"]
    size = len(arrays["matrix"]) if "matrix" in arrays else 0
    foot_note(
        figure,
        [
            f"n = {number(spots)} spots around the tissue's middle" if np.isfinite(spots) else "",
            f"a to c: {size} spots and genes in one order, that in which neighbours in b come close to the diagonal"
            if size
            else "",
            "a: σ(z zᵀ), the probability of an edge between two spots; column j is stored under the name of gene j",
            f"f: {label(selected.iloc[0], 60)}" if len(selected) else "",
            label(runs["note"].iloc[0], 90) if len(runs) and not runs["value"].iloc[0] else "",
            note,
        ],
        simulated=simulated,
    )
    return figure, findings


def _edges(ax: Axes, arrays: Mapping[str, np.ndarray]) -> None:
    """Draw the matrix's entries of pairs with and without an edge."""
    matrix, graph = (arrays.get(name, np.zeros((0, 0))) for name in ("matrix", "graph"))
    ax.set_title("Its entries", loc="left")
    if not matrix.size:
        empty_panel(ax, "no part kept")
        return
    pairs = np.triu_indices(len(matrix), 1)
    linked = graph[pairs] > 0
    values = [matrix[pairs][linked == flag] for flag in (True, False)]
    shares = [np.full(len(some), 1 / max(len(some), 1)) for some in values]
    # Side by side: where nearly all are 0 or 1, one would hide the other.
    ax.hist(values, bins=10, range=(0, 1), weights=shares, color=[GREEN, LIGHT])
    ax.set(xlabel="entry", ylabel="share of pairs", xlim=(0, 1))
