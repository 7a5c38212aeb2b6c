"""The models' layers and their sizes, drawn from the model cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from .style import BLUE, GREY, ORANGE, SKY, empty_panel, foot_note, look, new_figure, number, styled


class Layer(NamedTuple):
    """A drawn layer."""

    layer: str
    size: int
    part: str


_COLOURS = {"data": GREY, "encoder": SKY, "latent": ORANGE, "decoder": SKY, "codebook": BLUE}


def layers_of(card: Mapping[str, Any]) -> list[Layer]:
    """Return a model's layers from left to right; none if its architecture is not known."""
    sizes = card.get("architecture", {})
    kind, genes = sizes.get("class"), sizes.get("genes")
    if kind == "PublishedVAE":
        hidden, latent = sizes["hidden"], sizes["latent"]
        return [
            Layer("genes", genes, "data"),
            *(Layer(f"encoder {k},\ntanh", hidden, "encoder") for k in (1, 2)),
            Layer("z: mean,\nvariance", latent, "latent"),
            *(Layer(f"decoder {k},\ntanh", hidden, "decoder") for k in (1, 2)),
            Layer("genes,\n10 tanh", genes, "data"),
        ]
    if kind == "SignatureVAE":
        # The decoder is conditioned on the cell line as well.
        lines, blocks = sizes.get("cell_lines", 0), sizes.get("blocks", 0)
        inputs = f"genes + {lines}\ncell lines" if lines else "genes"
        encoder = [Layer("encoder,\nlinear", sizes["hidden"], "encoder")]
        encoder += [Layer(f"residual\nblock {k + 1}", sizes["hidden"], "encoder") for k in range(blocks)]
        decoder = [Layer("decoder,\nlinear", sizes["hidden"], "decoder")]
        decoder += [Layer(f"residual\nblock {k + 1}", sizes["hidden"], "decoder") for k in range(blocks)]
        inner = ([], []) if sizes.get("linear") else (encoder, decoder)
        return [
            Layer(inputs, genes + lines, "data"),
            *inner[0],
            Layer("z: mean,\nvariance" + ("\n+ cell lines" if lines else ""), sizes["latent"], "latent"),
            *inner[1],
            Layer("genes: mean,\nnoise", genes, "data"),
        ]
    if kind == "SVQVAE":
        return [
            Layer("genes", genes, "data"),
            Layer("encoding,\ntanh", sizes["hidden"], "encoder"),
            Layer("codes,\none a class", sizes["classes"], "codebook"),
            Layer("code", sizes["hidden"], "latent"),
            Layer("genes,\n10 tanh", genes, "data"),
        ]
    return []


def _draw(ax: Axes, layers: Sequence[Layer], most: int) -> None:
    largest = max(layer.size for layer in layers)
    for place, layer in enumerate(layers):
        # Sizes from one to thousands: heights go with the logarithm.
        high = 0.25 + 0.75 * np.log1p(layer.size) / np.log1p(largest)
        box = FancyBboxPatch(
            (place - 0.14, -high / 2), 0.28, high, boxstyle="round,pad=0,rounding_size=0.04", linewidth=0.8,
            facecolor=_COLOURS[layer.part], edgecolor="#333333", alpha=0.85,
        )  # fmt: skip
        ax.add_patch(box)
        ax.text(place, 0.56, number(layer.size), ha="center", va="bottom", fontsize=7.5, fontweight="bold")
        ax.text(place, -0.56, layer.layer, ha="center", va="top", fontsize=6.5)
        if place:
            style: dict[str, Any] = {
                "arrowstyle": "-|>",
                "mutation_scale": 7,
                "color": "#333333",
                "linewidth": 0.8,
            }
            dashed = "--" if layer.part == "codebook" else "-"
            ax.add_patch(FancyArrowPatch((place - 0.84, 0), (place - 0.16, 0), linestyle=dashed, **style))
            if dashed == "--":
                ax.text(place - 0.5, 0.05, "nearest", ha="center", va="bottom", fontsize=6)
    ax.set(xlim=(-0.5, most - 0.5), ylim=(-1.12, 0.8))
    ax.set_axis_off()


@styled
def model_architectures(
    cards: Sequence[Mapping[str, Any]], *, simulated: bool, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw the layers of every model.

    Parameters
    ----------
    cards
        Model cards, with ``model`` and ``architecture`` (``class`` and sizes).
    simulated
        Whether the data are simulated.
    note
        Further words below the figure.

    Returns
    -------
    figure, table
        model, place, layer, size, part.
    """
    known = [(str(card.get("model", "")), layers) for card in cards if (layers := layers_of(card))]
    most = max((len(layers) for _, layers in known), default=1)
    figure = new_figure(max(1.0 * most + 0.6, 6.0), 1.75 * max(len(known), 1) + 1.0, "Models")
    axes = figure.subplots(max(len(known), 1), 1, squeeze=False)[:, 0]
    if not known:
        empty_panel(axes[0], "no model card")
    rows = []
    for ax, (model, layers) in zip(axes, known, strict=False):
        _draw(ax, layers, most)
        ax.set_title(look(model).title, loc="left", fontweight="bold")
        rows += [(model, k, " ".join(x.layer.split()), x.size, x.part) for k, x in enumerate(layers)]
    foot_note(
        figure,
        [
            "Numbers: units of a layer; heights go with their logarithm",
            "S-VQ-VAE: the code that is nearest to the encoding is decoded; in training, that of the true class",
            "Residual block: x + W2 SiLU(W1 norm(x))",
            note,
        ],
        simulated=simulated,
    )
    return figure, pd.DataFrame(rows, columns=["model", "place", "layer", "size", "part"])
