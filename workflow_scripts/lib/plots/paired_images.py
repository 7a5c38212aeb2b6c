"""Noisy MNIST: what models draw for a noisy digit, how often it is that digit, and what their codes hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .looks import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, Look
from .scores import level_line, name_rows_of, shifts
from .steady import new_figure
from .style import by_number, foot_note, key, letters, seeds_note, side_legend, styled

MODELS = {
    "biaae": Look("BiAAE", VERMILLION, "D"),
    "biaae_published": Look("BiAAE, recipe as published", "#F2A48C", "D"),
    "uniaae": Look("UniAAE", ORANGE, "v"),
    "latent_saae": Look("latent SAAE", BLUE, "s"),
    "saae": Look("SAAE", SKY, "s"),
    "cvae": Look("CVAE", GREEN, "^"),
    "cvae_published": Look("CVAE, divergence as published", "#005C43", "^"),
    "jmvae": Look("JMVAE", PURPLE, "P"),
    "vcca": Look("VCCA-private", "#7A3B00", "p"),
    "vib": Look("VIB", GREY, "o"),
}
"""Order and looks of the models."""
CHANCE, ENTROPY = 0.1, math.log(10)
_PARTS = {
    "z_x": "private code of x",
    "s_x": "shared code of x",
    "z_y": "private code of y",
    "s_y": "what y gives",
    "code_x": "code of x, not private",
}
MOST_COLUMNS = 4
"""Models side by side."""
_KINDS = {"x": "x", "y": "y, given"}


def model_look(name: str) -> Look:
    """Return how a model is called and drawn."""
    return MODELS.get(name) or Look(name, BLACK, "o")


def in_order(names: Sequence[str]) -> list[str]:
    """Return distinct models in the order of `MODELS`."""
    distinct = list(dict.fromkeys(names))
    return [n for n in MODELS if n in distinct] + sorted(n for n in distinct if n not in MODELS)


def _rows(ax: Axes, scores: pd.DataFrame, metric: str) -> None:
    """A row a model: a point a seed and a bar at their mean."""
    names = in_order(list(scores["model"]))
    name_rows_of(ax, [model_look(name).title for name in names])
    for place, name in enumerate(names):
        some = scores[(scores["model"] == name) & (scores["metric"] == metric)]
        look, y = model_look(name), len(names) - 1 - place
        values = some.sort_values("seed")["value"].to_numpy(float)
        if len(values):
            ax.vlines(values.mean(), y - 0.3, y + 0.3, color=look.colour, linewidth=1.4)
            ax.plot(
                values, y + shifts(len(values), 0.18), look.marker, color=look.colour, markersize=4, alpha=0.8
            )


@styled
def conditional_generation(
    scores: pd.DataFrame, ceilings: pd.DataFrame, *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw how often what is drawn for a noisy digit is that digit, beside chance and both ceilings; and its variety.

    Parameters
    ----------
    scores
        model, seed, metric (``accuracy``, ``diversity``, ``information``, ``information_permuted``), value.
    ceilings
        trained_on, applied_to, epoch, split, accuracy of the classifiers.
    simulated
        Whether the digits are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        model, seed, metric, value; the ceilings as models ``classifier_x`` and ``classifier_y``.
    """
    figure = new_figure(11.4, 3.5, "What is drawn for a noisy digit")
    axes = list(figure.subplots(1, 3))
    test = ceilings[(ceilings["split"] == "test") & (ceilings["trained_on"] == ceilings["applied_to"])]
    ceiling = dict(zip(test["trained_on"], test["accuracy"].astype(float), strict=True))
    _rows(axes[0], scores, "accuracy")
    level_line(axes[0], CHANCE, BLACK, ":")
    for view, style in (("x", "-."), ("y", "--")):
        level_line(axes[0], ceiling.get(view, math.nan), BLACK, style)
    axes[0].set(xlim=(0, 1), xlabel="share that the classifier takes for y's digit")
    _rows(axes[1], scores, "diversity")
    axes[1].set_xlim(left=0)
    axes[1].set_xlabel("mean squared distance of two draws")
    _rows(axes[2], scores, "information")
    permuted = scores.loc[scores["metric"] == "information_permuted", "value"].astype(float)
    if len(permuted):
        axes[2].axvspan(permuted.min(), max(permuted.max(), permuted.min() + 1e-3), color=GREY, alpha=0.4)
    level_line(axes[2], ENTROPY, BLACK, "--")
    axes[2].set(xlim=(-0.1, 1.1 * ENTROPY), xlabel="information of x and what y gives (nats)")
    letters(axes)
    lines = [
        ("a", [key(BLACK, "", line=one) for one in (":", "--", "-.")],
         ["chance", "ceiling: classifier of y", "the judge on true x"]),
        ("c", [key(BLACK, "", line="--"), key(GREY, "s")], ["ceiling: ln 10", "codes permuted"]),
    ]  # fmt: skip
    side_legend(figure, lines)
    seeds = by_number(scores["seed"].astype(str))
    said = ", ".join(f"{view}: {value:.3f}" for view, value in ceiling.items())
    foot_note(
        figure,
        [
            "Test pairs; points are seeds, bars their mean",
            f"Test accuracy of the classifiers of {said}" if said else "",
            seeds_note(seeds),
            note,
        ],
        simulated=simulated,
    )
    kept = scores[scores["metric"].isin(["accuracy", "diversity", "information", "information_permuted"])]
    rows = [
        {"model": f"classifier_{view}", "seed": "", "metric": "accuracy", "value": value}
        for view, value in ceiling.items()
    ]
    return figure, pd.DataFrame([*kept.to_dict("records"), *rows], columns=list(scores.columns))


@styled
def latent_probes(scores: pd.DataFrame, *, simulated: bool, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Draw what linear probes find in each part of the latent space: the digit, and the angle of x.

    Parameters
    ----------
    scores
        model, seed, metric (``digit_from_...``, ``angle_from_...``), value.
    simulated
        Whether the digits are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        Its rows of these metrics.
    """
    figure = new_figure(10.6, 3.8, "What the parts of the latent space hold")
    axes = list(figure.subplots(1, 2))
    names = in_order(list(scores["model"]))
    marks = {"z_x": "o", "s_x": "D", "z_y": "^", "s_y": "s", "code_x": "v"}
    colours = {"z_x": VERMILLION, "s_x": BLUE, "z_y": ORANGE, "s_y": SKY, "code_x": GREEN}
    for ax, what in zip(axes, ("digit", "angle"), strict=True):
        name_rows_of(ax, [model_look(name).title for name in names])
        for place, name in enumerate(names):
            for shift, part in zip(shifts(len(_PARTS), 0.28), _PARTS, strict=True):
                chosen = (scores["model"] == name) & (scores["metric"] == f"{what}_from_{part}")
                values = scores.loc[chosen, "value"].to_numpy(float)
                y = np.full(len(values), len(names) - 1 - place + shift)
                ax.plot(values, y, marks[part], color=colours[part], markersize=4, alpha=0.85)
    level_line(axes[0], CHANCE, BLACK, ":")
    axes[0].set(xlim=(0, 1), xlabel="accuracy of a linear classifier of the digit")
    level_line(axes[1], 0, BLACK, ":")
    lowest = scores.loc[scores["metric"].str.startswith("angle_from_"), "value"].astype(float).min()
    axes[1].set(xlim=(min(-0.05, lowest - 0.02), 1), xlabel="R² of x's angle, linear")
    letters(axes)
    samples = [key(colours[part], marks[part]) for part in _PARTS]
    side_legend(
        figure,
        [("part", samples, list(_PARTS.values())), ("", [key(BLACK, "", line=":")], ["chance, nothing"])],
    )
    foot_note(
        figure,
        [
            "Test pairs; a point a seed; each pair predicted by a probe that has not seen it",
            "The digit is what both views share; the angle is x's own",
            seeds_note(by_number(scores["seed"].astype(str))),
            note,
        ],
        simulated=simulated,
    )
    return figure, scores[scores["metric"].str.contains("_from_")].reset_index(drop=True)


@styled
def image_samples(
    samples: Mapping[str, pd.DataFrame], *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw test pairs and what each model draws for their noisy view.

    Parameters
    ----------
    samples
        Of each model's first seed: kind (``x``, ``y``, ``draw 1`` ...), pair, pixel, value from 0 to 1.
    simulated
        Whether the digits are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        model, kind, pair, pixel, value.
    """
    names = in_order(list(samples))
    columns = min(len(names), MOST_COLUMNS)
    rows = math.ceil(len(names) / columns)
    figure = new_figure(2.3 * max(columns, 2), 1.85 * rows + 0.8, "Drawn for the digits given")
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    for ax, name in zip(axes, names, strict=False):
        some = samples[name]
        kinds = list(dict.fromkeys(some["kind"]))
        picture = [
            [_image(some[(some["kind"] == kind) & (some["pair"] == pair)]) for kind in kinds]
            for pair in sorted(some["pair"].unique())
        ]
        ax.imshow(np.block(picture), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        side = picture[0][0].shape[0]
        ax.set_xticks(
            [side * (k + 0.5) for k in range(len(kinds))], [_KINDS.get(kind, kind[-1]) for kind in kinds]
        )
        ax.set_yticks([])
        ax.axvline(2 * side - 0.5, color=VERMILLION, linewidth=0.8)
        ax.set_title(model_look(name).title, loc="left")
    foot_note(
        figure,
        [
            "Each row is a test pair: x, its noisy partner y, and what the model draws for y",
            "First seeds",
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.concat([table.assign(model=name) for name, table in samples.items()], ignore_index=True)


def _image(table: pd.DataFrame) -> np.ndarray:
    values = table.sort_values("pixel")["value"].to_numpy(float)
    side = math.isqrt(len(values))
    return values.reshape(side, side)
