"""The MNIST tutorial of the S-VQ-VAE: training, codes, and scores beside the mean image of each digit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    empty_panel,
    foot_note,
    key,
    letters,
    new_figure,
    number,
    seeds_note,
    styled,
)

PUBLISHED = {
    "train_accuracy": 0.814,
    "test_accuracy": 0.826,
    "train_reconstruction_with_label": 0.224,
    "test_reconstruction_with_label": 0.2219,
}
"""Xue, Ding & Lu's notebook, after 25 epochs."""
PUBLISHED_NINES = {9: 4545, 4: 517, 8: 216, 0: 193, 7: 176, 1: 161, 3: 67, 5: 43, 6: 17, 2: 14}
"""Their codes of the training images of the digit 9."""
DIGITS = list(range(10))
_CURVES = {
    "reconstruction": ("training, label given", GREY, "-"),
    "validation/with_label": ("test, label given", BLUE, "-"),
    "validation": ("test, nearest code", BLUE, "--"),
}
_ACCURACY = {
    "accuracy": ("S-VQ-VAE,\nnearest code", BLUE),
    "class_mean_accuracy": ("nearest\nmean image", GREEN),
    "accuracy_most_frequent": ("most\nfrequent digit", GREY),
    "accuracy_permuted": ("permuted\nlabels", GREY),
}
_ERROR = {
    "reconstruction_with_label": ("S-VQ-VAE,\nlabel given", BLUE),
    "class_mean_with_label": ("digit's mean,\nlabel given", GREEN),
    "reconstruction_nearest": ("S-VQ-VAE,\nnearest code", BLUE),
    "class_mean_nearest": ("nearest\nmean image", GREEN),
    "mean_image": ("mean of\nall images", GREY),
}


@styled
def mnist_codes(
    history: pd.DataFrame,
    codes: pd.DataFrame,
    distances: pd.DataFrame,
    decoded: pd.DataFrame,
    metrics: pd.DataFrame,
    *,
    note: str,
) -> tuple[Figure, pd.DataFrame]:
    """Draw the tutorial's figures and its scores beside simple predictors.

    Parameters
    ----------
    history
        seed, epoch, name, value; all seeds.
    codes
        Of one seed: split (``train``, ``test``), digit, code (the nearest), count.
    distances
        Of one seed: code_a, code_b, distance.
    decoded
        Of one seed: code, row, column, value from -1 to 1.
    metrics
        seed, name, value; all seeds.
    note
        What was reduced from the paper.

    Returns
    -------
    figure, table
        One row a value that is drawn: panel, seed, series, x, y, value.
    """
    figure = new_figure(12.2, 6.2, "S-VQ-VAE of MNIST")
    grid = figure.add_gridspec(2, 4)
    axes = [figure.add_subplot(grid[0, k]) for k in range(4)]
    axes += [figure.add_subplot(grid[1, :2]), figure.add_subplot(grid[1, 2]), figure.add_subplot(grid[1, 3])]
    drawn = [
        _training(axes[0], history),
        _confusion(axes[1], codes),
        _nines(axes[2], codes),
        _distances(axes[3], distances),
        _pictures(axes[4], decoded),
        _scores(axes[5], metrics, _ACCURACY, "accuracy (share of images)"),
        _scores(axes[6], metrics, _ERROR, "mean squared error a pixel"),
    ]
    axes[5].set_xlim(0, 1)
    letters(axes)
    samples = [
        key(BLACK), key(BLACK, hollow=True), key(PURPLE, "*", size=8), key(PURPLE, "*", hollow=True, size=8),
    ]  # fmt: skip
    names = ["test images", "training images", "published, test", "published, training"]
    axes[6].legend(samples, names, loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2, borderaxespad=0)
    value = metrics.groupby("name")["value"].first()
    counts = [number(value.get(f"{split}_images", 0)) for split in ("train", "test")]
    seeds = list(dict.fromkeys(history["seed"]))
    foot_note(
        figure,
        [
            f"n = {counts[0]} training and {counts[1]} test images (test curves: every fifth), pixels −1 to 1",
            seeds_note(seeds) + (f"; b to e: seed {seeds[0]}" if len(seeds) > 1 else ""),
            "A code depends on the label alone, so with the label given no code can do better on the training "
            "images than their digit's mean image; the nearest mean image is a classifier without a network",
            note,
        ],
        simulated=False,
    )
    table = pd.concat([part.assign(panel=name) for name, part in zip("abcdefg", drawn, strict=True)])
    return figure, table.reindex(columns=["panel", "seed", "series", "x", "y", "value"])


def _training(ax: Axes, history: pd.DataFrame) -> pd.DataFrame:
    rows = history[history["name"].isin(_CURVES)].dropna(subset=["value"]).sort_values(["seed", "epoch"])
    ax.set_title("Training", loc="left")
    if rows.empty:
        empty_panel(ax, "no training history")
    for (_, name), some in rows.groupby(["seed", "name"], sort=False):
        _, colour, line = _CURVES[str(name)]
        ax.plot(some["epoch"], some["value"], line, color=colour, marker="o", markersize=2.5)
    ax.axhline(PUBLISHED["test_reconstruction_with_label"], color=PURPLE, linewidth=0.9, linestyle=":")
    ax.set(xlabel="epoch", ylabel="mean squared error a pixel")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    samples = [key(colour, "", line=line) for _, colour, line in _CURVES.values()] + [
        key(PURPLE, "", line=":")
    ]
    ax.legend(samples, [title for title, *_ in _CURVES.values()] + ["published: 0.222"], loc="upper right")
    ax.margins(y=0.15)
    return _table(rows["seed"], rows["name"], rows["epoch"], None, rows["value"])


def _shares(codes: pd.DataFrame, split: str) -> np.ndarray:
    rows = codes[codes["split"] == split]
    counts = rows.pivot_table(index="digit", columns="code", values="count", aggfunc="sum")
    found = counts.reindex(index=DIGITS, columns=DIGITS).fillna(0).to_numpy(float)
    return found / np.maximum(found.sum(axis=1, keepdims=True), 1)


def _confusion(ax: Axes, codes: pd.DataFrame) -> pd.DataFrame:
    shares = _shares(codes, "test")
    ax.set_title("Nearest code of the test images (%)", loc="left")
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    for (digit, code), share in np.ndenumerate(shares):
        if share >= 0.005:
            colour = "white" if share > 0.6 else BLACK
            ax.text(code, digit, f"{100 * share:.0f}", ha="center", va="center", fontsize=5.5, color=colour)
    _digit_axes(ax, "nearest code", "digit")
    y, x = np.indices(shares.shape).reshape(2, -1)
    return _table("", "share of the digit's test images", x, y, shares.ravel())


def _nines(ax: Axes, codes: pd.DataFrame) -> pd.DataFrame:
    shares = _shares(codes, "train")[9]
    total = sum(PUBLISHED_NINES.values())
    published = [PUBLISHED_NINES[code] / total for code in DIGITS]
    ax.set_title("Codes of the digit 9, training images", loc="left")
    ax.bar(DIGITS, shares, color=BLUE, width=0.7)
    ax.plot(DIGITS, published, "*", color=PURPLE, markersize=7)
    ax.set(xlabel="nearest code", ylabel="share of the images")
    ax.set_xticks(DIGITS)
    ax.legend([key(BLUE, "s"), key(PURPLE, "*", size=8)], ["ours", "published"], loc="upper left")
    series = ["ours"] * 10 + ["published"] * 10
    return _table("", series, DIGITS * 2, 9, [*shares, *published])


def _distances(ax: Axes, distances: pd.DataFrame) -> pd.DataFrame:
    square = distances.pivot(index="code_a", columns="code_b", values="distance").reindex(
        index=DIGITS, columns=DIGITS
    )
    ax.set_title("Euclidean distance of codes", loc="left")
    image = ax.imshow(square.to_numpy(float), cmap="viridis", vmin=0, interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, shrink=0.8)
    _digit_axes(ax, "code", "code")
    return _table("", "distance", distances["code_b"], distances["code_a"], distances["distance"])


def _pictures(ax: Axes, decoded: pd.DataFrame) -> pd.DataFrame:
    order = decoded.sort_values(["code", "row", "column"])
    side = int(order["row"].max()) + 1
    tiles = order["value"].to_numpy(float).reshape(2, 5, side, side)
    ax.set_title("Decoded codes 0 to 9", loc="left")
    ax.imshow(
        tiles.transpose(0, 2, 1, 3).reshape(2 * side, 5 * side), cmap="gray", vmin=-1, vmax=1,
        interpolation="nearest",
    )  # fmt: skip
    ax.set_axis_off()
    series = [f"decoded code {code}" for code in order["code"]]
    return _table("", series, order["column"], order["row"], order["value"])


def _scores(ax: Axes, metrics: pd.DataFrame, names: dict[str, tuple[str, str]], title: str) -> pd.DataFrame:
    parts = []
    for place, (name, (_, colour)) in enumerate(names.items()):
        for split, shift in (("train", 0.17), ("test", -0.17)):
            full = f"{split}_{name}"
            rows = metrics[metrics["name"] == full]
            style: dict[str, Any] = {"facecolor": colour if split == "test" else "none", "edgecolor": colour}
            ax.scatter(rows["value"], np.full(len(rows), place + shift), s=24, **style)
            published = PUBLISHED.get(full)
            if published is not None:
                style = {"facecolor": PURPLE if split == "test" else "none", "edgecolor": PURPLE}
                ax.scatter(published, place + shift, s=60, marker="*", zorder=1, **style)
                parts.append(_table("", [f"published {full}"], place, None, published))
            if split == "test" and len(rows):
                mean = f"{rows['value'].mean():.3f}"
                ax.text(1.02, place, mean, transform=ax.get_yaxis_transform(), va="center", fontsize=7)
            parts.append(_table(rows["seed"], rows["name"], place, None, rows["value"]))
    ax.set_title("Scores; right: mean of test" if "acc" in title else "", loc="left")
    ax.set_yticks(range(len(names)), [label for label, _ in names.values()])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlabel(title)
    return pd.concat([part for part in parts if len(part)])


def _digit_axes(ax: Axes, x: str, y: str) -> None:
    ax.set_xticks(DIGITS)
    ax.set_yticks(DIGITS)
    ax.set(xlabel=x, ylabel=y)


def _table(seed: Any, series: Any, x: Any, y: Any, value: Any) -> pd.DataFrame:
    columns = {"seed": seed, "series": series, "x": x, "y": np.nan if y is None else y, "value": value}
    plain = {
        name: column.to_numpy() if isinstance(column, pd.Series) else column
        for name, column in columns.items()
    }
    return pd.DataFrame(plain)
