"""How the models of signatures learned: losses, and what held-out signatures say."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .scores import model_rows
from .style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILLION,
    empty_panel,
    foot_note,
    key,
    letters,
    look,
    new_figure,
    seeds_note,
    side_legend,
    styled,
)

_LOSSES = {"loss": "-", "validation": "--", "with_label": ":"}
_PARTS = {
    "explained_variance": ("explained variance", BLUE),
    "accuracy": ("accuracy of the nearest code", GREEN),
    "kl": ("KL (nats)", ORANGE),
    "pull": ("pull to the own code", PURPLE),
    "push": ("push from the rival code", VERMILLION),
}
_SHARES = ("explained_variance", "accuracy")


def _end(ax: Axes, rows: pd.DataFrame) -> None:
    """Set limits by the later epochs: the first are many times higher and would flatten all that follows."""
    late = rows.loc[rows["epoch"] >= 0.1 * rows["epoch"].max(), "value"]
    if len(late):
        low, high = float(late.min()), float(late.max())
        pad = 0.08 * (high - low) or 1.0
        ax.set_ylim(low - pad, high + pad)


def _losses(ax: Axes, rows: pd.DataFrame, model: str) -> pd.DataFrame:
    drawn = rows[rows["name"].isin(_LOSSES)].copy()
    same = model in ("vae", "vae_linear")
    # Other losses have further terms, so that the held-out error has an axis of its own.
    held_out = ax if same else ax.twinx()
    chosen = []
    for _, some in drawn.groupby("seed", sort=False):
        for name, line in _LOSSES.items():
            curve = some[some["name"] == name].sort_values("epoch")
            colour = GREY if name == "loss" else look(model).colour
            panel = ax if name == "loss" else held_out
            panel.plot(curve["epoch"], curve["value"], color=colour, linestyle=line, linewidth=0.9)
        held = some[some["name"] == "validation"]
        if len(held) and not model.endswith("_published"):
            best = held.loc[held["value"].idxmin()]
            held_out.plot(best["epoch"], best["value"], "o", markersize=3.5, color=BLACK, zorder=4)
            chosen.append(best.name)
    ax.set_xlabel("epoch")
    if same:
        ax.set_ylabel("negative ELBO (nats per signature)")
        _end(ax, drawn)
    else:
        ax.set_ylabel("training loss (squared z units)")
        held_out.set_ylabel("held-out error (squared z units)")
        held_out.spines["right"].set_visible(True)
        _end(ax, drawn[drawn["name"] == "loss"])
        _end(held_out, drawn[drawn["name"] != "loss"])
    return drawn.assign(chosen=drawn.index.isin(chosen))


def _parts(ax: Axes, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Draw what there is of shares (left axis) and of parts of the loss (right axis)."""
    names = [name for name in _PARTS if name in set(rows["name"])]
    if not names:
        empty_panel(ax, "only the loss was recorded")
        return rows.head(0), []
    shares = [name for name in names if name in _SHARES]
    # Without a share, the parts of the loss have the left axis.
    other = ax.twinx() if shares and len(shares) < len(names) else ax
    for name in names:
        panel = ax if name in _SHARES else other
        for _, curve in rows[rows["name"] == name].groupby("seed", sort=False):
            curve = curve.sort_values("epoch")
            panel.plot(curve["epoch"], curve["value"], color=_PARTS[name][1], linewidth=0.9)
    ax.set_xlabel("epoch")
    if shares:
        ax.set_ylabel(f"held-out {shares[0].replace('_', ' ')}")
        ax.set_ylim(min(0.0, float(rows.loc[rows["name"].isin(shares), "value"].quantile(0.05))), 1.0)
    parts = [name for name in names if name not in _SHARES]
    if parts:
        other.set_ylabel("part of the loss" if parts != ["kl"] else "KL divergence (nats)")
        if other is not ax:
            other.spines["right"].set_visible(True)
    return rows[rows["name"].isin(names)].assign(chosen=False), names


@styled
def signature_training(
    histories: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw training and held-out loss of every model and seed, and what else was recorded.

    Parameters
    ----------
    histories
        model, seed, epoch, name, value.
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        One row a point of a curve; ``chosen`` where training kept the weights.
    """
    models = model_rows(histories.dropna(subset=["value"]))
    wide = 2 if len(models) > 1 else 1
    deep = max(1, -(-len(models) // wide))
    figure = new_figure(7.0 * wide + 2.0, 2.4 * deep + 0.9, "Training")
    axes = figure.subplots(deep, 2 * wide, squeeze=False)
    drawn, used, names = [], [], []
    for place, (model, rows) in enumerate(models):
        left, right = axes[place // wide, 2 * (place % wide) : 2 * (place % wide) + 2]
        left.set_title(look(model).title, loc="left")
        drawn.append(_losses(left, rows, model))
        table, found = _parts(right, rows)
        drawn.append(table)
        used += [left, right]
        names += found
    for ax in axes.flat:
        if ax not in used:
            ax.set_axis_off()
    if not models:
        empty_panel(axes[0, 0], "no training history:\npretrained weights")
    letters(used)
    told = [name for name in _PARTS if name in names]
    lines = {"--": "held-out\n(model's colour)"}
    if (histories["name"] == "with_label").any():
        lines[":"] = "held-out, label given"
    side_legend(
        figure,
        [
            (
                "loss",
                [key(GREY, "", line="-"), *(key(BLACK, "", line=line) for line in lines), key(BLACK)],
                ["training", *lines.values(), "epoch kept"],
            ),
            ("also", [key(_PARTS[n][1], "", line="-") for n in told], [_PARTS[n][0] for n in told]),
        ],
    )
    foot_note(
        figure,
        [
            "A line a seed; held-out: validation compounds; the first tenth of the epochs may lie outside of a panel",
            "As published: training never stops early and the last epoch is kept"
            if any(model.endswith("_published") for model, _ in models)
            else "",
            *(f"{look(m).title}: {seeds_note(rows['seed']).lower()}" for m, rows in models),
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.concat(drawn, ignore_index=True) if drawn else histories.head(0)
