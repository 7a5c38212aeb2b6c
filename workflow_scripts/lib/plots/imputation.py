"""How well the imputed rates predict counts that were held out, entries that were masked, and the planted truth."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .scores import level_line
from .spatial_rows import best_of, count_of, draw_methods, in_order, kinds_key, method_look, seeds_of
from .steady import new_figure
from .style import (
    BLACK,
    BLUE,
    GREY,
    VERMILLION,
    empty_panel,
    foot_note,
    key,
    label,
    letters,
    seeds_note,
    side_legend,
    signed,
    styled,
)

_GAINS = {
    "expected_gain_over_best_baseline": "expected rates,\nover the best baseline",
    "gain_over_best_baseline": "rates given counts,\nover the best baseline",
    "spatial_gain": "from the neighbours",
    "shuffled_gain": "from shuffled neighbours",
}
_MASKED = {"l1": "L1 error, lower is better", "cosine": "cosine similarity", "pearson": "Pearson correlation"}


def with_gain(held_out: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with ``gain``: log-likelihood less that of the gene means, of the same seed if there is one."""
    null = held_out[held_out["method"] == "gene_mean"]
    by_seed = null.groupby("seed")["log_likelihood"].mean()
    floor = held_out["seed"].map(by_seed).fillna(null["log_likelihood"].mean())
    return held_out.assign(gain=held_out["log_likelihood"] - floor)


def _gains(ax: Axes, verdict: pd.DataFrame) -> None:
    rows = verdict[verdict["item"].isin(_GAINS)].set_index("item")
    names = [name for name in _GAINS if name in rows.index]
    level_line(ax, 0.0, BLACK, "-")
    for place, name in enumerate(names):
        row, y = rows.loc[name], len(names) - 1 - place
        colour = GREY if name == "shuffled_gain" else VERMILLION
        value = pd.to_numeric(pd.Series([row["value"]]), errors="coerce").iloc[0]
        ax.plot([value], [y], "D", color=colour, markersize=5)
        ax.hlines(y, row["lower"], row["upper"], color=colour, linewidth=1.4)
    ax.set_yticks(range(len(names) - 1, -1, -1), [_GAINS[name] for name in names])
    ax.set_ylim(-0.7, len(names) - 0.3)
    ax.set_xlabel("the model's gain (nats per UMI)")
    ax.margins(x=0.15)


def _draw_gain(ax: Axes, scores: pd.DataFrame, names: list[str], best: float) -> None:
    means = scores.groupby("method")["gain"].mean()
    top = max(float(scores["gain"].max()), 0.002)
    # A method far below the gene means would flatten all others.
    low = -4 * top if float(means.min()) < -4 * top else None
    draw_methods(ax, scores, "gain", low=low, names=names)
    level_line(ax, 0.0, BLACK, ":")
    level_line(ax, best, BLUE)
    ax.set_xlabel("gain over the gene's mean × depth\n(nats per held-out UMI)")
    ax.margins(x=0.08)
    ax.xaxis.set_major_locator(MaxNLocator(5))


@styled
def held_out_likelihood(
    held_out: pd.DataFrame, verdict: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw the Poisson log-likelihood of held-out UMIs by method, their correlation, and the verdict.

    Parameters
    ----------
    held_out
        method, kind, seed, log_likelihood (nats per held-out UMI), pearson, genes_scored, held_out_umis.
    verdict
        item, value, lower, upper, note; the item ``verdict`` is a word.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `held_out` with ``gain`` over the gene means, nats per UMI.
    """
    scores = with_gain(held_out.dropna(subset=["log_likelihood"]))
    names = in_order(scores["method"])
    said = verdict.loc[verdict["item"] == "verdict", "value"]
    title = "Held-out counts" + (f": {label(said.iloc[0], 60)}" if len(said) else "")
    figure = new_figure(11.2, 1.9 + 0.27 * max(len(names), 6), title)
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.25, 0.8, 0.75])
    best, height = best_of(scores, "gain")
    if scores["gain"].isna().all():
        empty_panel(left, "the gene means were not scored" if names else "no score")
    else:
        _draw_gain(left, scores, names, height)
    if not names:
        empty_panel(middle, "no score")
    else:
        draw_methods(middle, scores, "pearson", names=names)
        if left.axison:
            middle.set_yticklabels([])
        middle.set_xlabel("Pearson correlation\n(median over genes)")
        level_line(middle, best_of(scores, "pearson")[1], BLUE)
    if verdict["item"].isin(_GAINS).any():
        _gains(right, verdict)
    else:
        empty_panel(right, "no verdict")
    letters([left, middle, right])
    side_legend(
        figure,
        [
            kinds_key(names),
            (
                "lines",
                [key(BLUE, "", line="--"), key(BLACK, "", line=":")],
                ["best baseline", "gene's mean × depth"],
            ),
        ],
    )
    said_why = verdict.loc[verdict["item"] == "verdict", "note"]
    foot_note(
        figure,
        [
            "Counts were thinned; each method saw the larger part",
            count_of(scores["held_out_umis"], "held-out UMIs"),
            count_of(scores["genes_scored"], "genes correlated"),
            f"Best baseline: {method_look(best).title}" if best else "",
            seeds_note(seeds_of(scores)) + " of the model" if len(scores) else "",
            "c: difference of seeds' means with 95 % interval",
            f"Verdict: {label(said_why.iloc[0], 160)}" if (said_why != "").any() else "",
            note,
        ],
        simulated=simulated,
    )
    return figure, scores


@styled
def masked_protocol(masked: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw the scores of the usual protocol, masked nonzero entries, beside a rule that knows only library sizes.

    Parameters
    ----------
    masked
        method (also ``library_only`` and ``gene_mean_nonzero``), seed, l1, cosine, pearson; share_single:
        of the nonzero entries, those that are one UMI.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `masked`.
    """
    names = in_order(masked["method"])
    single = masked["share_single"].dropna().head(1)
    figure = new_figure(
        10.4, 1.8 + 0.27 * max(len(names), 5), "Masked entries: the usual protocol, and what it rewards"
    )
    axes = list(figure.subplots(1, 3))
    for place, (ax, (column, text)) in enumerate(zip(axes, _MASKED.items(), strict=True)):
        if not names:
            empty_panel(ax, "no score")
            continue
        draw_methods(ax, masked, column, names=names)
        level_line(ax, float(masked.loc[masked["method"] == "library_only", column].mean()), BLUE)
        ax.set_xlabel(text)
        ax.margins(x=0.08)
        if place:
            ax.set_yticklabels([])
    letters(axes)
    side_legend(figure, [kinds_key(names), ("line", [key(BLUE, "", line="--")], ["library size alone"])])
    foot_note(
        figure,
        [
            "A share of the nonzero entries of log1p of counts per 10,000 was hidden and predicted",
            *(f"{100 * share:.0f} % of the nonzero entries are single UMIs" for share in single),
            "For a given count the hidden value depends on the spot's library size alone, which is not hidden; what is "
            "left out, the zeros, is what imputation is about",
            seeds_note(masked["seed"]),
            note,
        ],
        simulated=simulated,
    )
    return figure, masked


@styled
def planted_truth(truth: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw how near the imputed rates are to the noise-free rates of the simulation.

    Parameters
    ----------
    truth
        method, kind, seed, pearson, pearson_log, coverage_90.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        `truth`.
    """
    names = in_order(truth["method"])
    figure = new_figure(10.4, 1.8 + 0.27 * max(len(names), 5), "Imputed against noise-free rates")
    axes = list(figure.subplots(1, 3, width_ratios=[1.0, 1.0, 0.7]))
    texts = {
        "pearson": "correlation over spots\n(median over genes)",
        "pearson_log": "correlation of log rates\n(all spots and genes)",
        "coverage_90": "true rates within\n90 % intervals",
    }
    for place, (ax, (column, text)) in enumerate(zip(axes, texts.items(), strict=True)):
        known = truth.dropna(subset=[column])
        if known.empty:
            empty_panel(ax, "no interval" if column == "coverage_90" and names else "no truth is known")
            continue
        draw_methods(ax, known, column, names=names)
        ax.set_xlabel(text)
        ax.margins(x=0.08)
        if place:
            ax.set_yticklabels([])
        if column == "coverage_90":
            level_line(ax, 0.9, BLACK, ":")
            ax.set_xlim(min(0.5, float(known[column].min()) - 0.05), 1.0)
        else:
            best, height = best_of(known, column)
            level_line(ax, height, BLUE)
    letters(axes)
    side_legend(
        figure,
        [
            kinds_key(names),
            (
                "lines",
                [key(BLUE, "", line="--"), key(BLACK, "", line=":")],
                ["best baseline", "nominal, 0.9"],
            ),
        ],
    )
    said = {
        name: signed(value, 2) for name, value in truth.groupby("method")["pearson"].mean().dropna().items()
    }
    foot_note(
        figure,
        [
            "Truth: the simulation's rates, before any count was drawn; only the expected rates have intervals",
            f"The observed counts reach {said['observed']}" if "observed" in said else "",
            seeds_note(seeds_of(truth)) + " of the model" if len(truth) else "",
            note,
        ],
        simulated=simulated,
    )
    return figure, truth
