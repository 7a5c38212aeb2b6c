"""A layout of panels that is the same to the last bit each time."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox

from . import style

_DIGITS = 9


class SteadyLayout(ConstrainedLayoutEngine):
    """Matplotlib's constrained layout with the panels' places rounded.

    The solver below it goes through its variables in the order of their addresses, so that places differ in the last
    bit from run to run, and with them the names of clip paths in an SVG.
    """

    def execute(self, fig: Any) -> None:
        """Lay out the panels of `fig`, places rounded to a billionth of its size."""
        super().execute(fig)
        for ax in fig.axes:
            kept = ax.get_in_layout()
            ax.set_position(
                Bbox(np.round(ax.get_position(original=True).get_points(), _DIGITS)), which="original"
            )
            # Setting a place takes the panel out of the next layout.
            ax.set_in_layout(kept)


def new_figure(width: float, height: float, title: str = "") -> Figure:
    """Return an empty figure of `width` x `height` inches as `style.new_figure` does, with the steady layout."""
    figure = style.new_figure(width, height, title)
    figure.set_layout_engine(SteadyLayout())
    return figure
