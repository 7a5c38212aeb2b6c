"""How the models of paired images train: their conditional accuracy by updates and by minutes."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from .looks import BLACK
from .paired_images import CHANCE, in_order, model_look
from .steady import new_figure
from .style import by_number, empty_panel, foot_note, key, letters, seeds_note, side_legend, styled


@styled
def accuracy_curves(
    histories: pd.DataFrame, runtimes: pd.DataFrame, ceiling: float, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw the conditional accuracy on validation pairs against updates and against minutes.

    Parameters
    ----------
    histories
        model, seed, step, accuracy.
    runtimes
        model, seed, seconds, updates.
    ceiling
        Test accuracy of the classifier of y.
    simulated
        Whether the digits are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        model, seed, step, minutes, accuracy, updates_per_second.
    """
    figure = new_figure(10.2, 3.4, "Training")
    axes = list(figure.subplots(1, 2, sharey=True))
    table = histories.merge(runtimes, on=["model", "seed"])
    table["updates_per_second"] = table["updates"] / table["seconds"]
    table["minutes"] = table["step"] / table["updates_per_second"] / 60
    table = table[["model", "seed", "step", "minutes", "accuracy", "updates_per_second"]]
    names = in_order(list(table["model"]))
    texts = []
    for name in names:
        some = table[table["model"] == name]
        for _, one in some.groupby("seed"):
            line: dict[str, Any] = {"color": model_look(name).colour, "linewidth": 1.1}
            axes[0].plot(one["step"], one["accuracy"], **line)
            axes[1].plot(one["minutes"], one["accuracy"], **line)
        texts.append(f"{model_look(name).title}, {some['updates_per_second'].mean():.0f} updates/s")
    if not names:
        empty_panel(axes[0], "no training history")
    for ax, words in zip(axes, ("updates", "minutes"), strict=True):
        ax.axhline(CHANCE, color=BLACK, linewidth=0.8, linestyle=":")
        ax.axhline(ceiling, color=BLACK, linewidth=0.8, linestyle="--")
        ax.set(xlabel=words, ylim=(0, 1))
    axes[0].set_ylabel("conditional accuracy, validation")
    letters(axes)
    samples = [key(model_look(name).colour, "", line="-") for name in names]
    lines = [key(BLACK, "", line=one) for one in (":", "--")]
    side_legend(figure, [("model", samples, texts), ("", lines, ["chance", "ceiling: classifier of y"])])
    foot_note(
        figure,
        [
            "A curve a seed; an update is a batch of either player",
            seeds_note(by_number(table["seed"].astype(str))),
            note,
        ],
        simulated=simulated,
    )
    return figure, table
