"""Simulated tissue with known gene programmes, measured by three platforms.

The tissue is a piece of cortex: five curved layers and white matter below them, with sharp borders. Each is a gene
programme. Two more programmes change smoothly over the tissue, down the section and away from its middle, and one is
active in a small focus. Two have no spatial structure: they differ from spot to spot as the mixture of cell types does,
so that an average over neighbours destroys what is there to be seen. All platforms measure the same programmes.

A spot's count of a gene is negative binomial about depth x rate, where the rate is the gene's share of the spot's UMIs:
softmax of its log abundance plus the programmes' activities times its loadings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.seeds import derive_seed

DOMAINS = ("L1", "L2", "L3", "L4", "L5", "WM")
BORDERS = (0.13, 0.25, 0.45, 0.58, 0.78)
"""Depth at which a layer ends, as a share of the way from the surface to the bottom of the section."""
PROGRAMMES = (*DOMAINS, "gradient_down", "gradient_radial", "focus", "cells_1", "cells_2")
MARKERS = {
    "L1": ("AQP4", "RELN"),
    "L2": ("ENC1", "HPCAL1"),
    "L3": ("CUX2",),
    "L4": ("RORB",),
    "L5": ("PCP4", "TMSB10"),
    "WM": ("MBP", "PLP1", "MOBP"),
}
GENES, SHARE_WITH_PROGRAMME = 500, 0.4
LOG_ABUNDANCE_SD = 1.7
"""Natural log; two standard deviations to either side are three decades."""
LOADING = (0.7, 1.8)
"""Range of a gene's natural-log response to a full programme."""
DOWN_SHARE = 0.25
"""Share of programme genes that the programme represses; markers of a layer never are."""
SHAPE = (5.0, 20.0)
"""Range of the negative binomial's size: dispersion 0.05 to 0.2."""
FOCUS_PLACE, FOCUS_RADIUS = (0.68, 0.36), 0.09
PITCH, ARRAY_ROWS, ARRAY_COLUMNS = 137.0, 78, 64
"""Visium: pixels between neighbours, and the array of 6.5 mm, 78 rows of 64 spots."""
BIN, BIN_ORIGIN = 20, (9600, 12600)
"""Stereo-seq: the bin, in DNBs, that the labels and the truth are of, and where the patch starts on the chip."""


@dataclass(frozen=True)
class Platform:
    """How deeply a platform measures: spots, genes, median UMIs a spot, their log standard deviation."""

    spots: int
    genes: int
    depth: float
    depth_sd: float


PLATFORMS = {
    "visium": Platform(1200, 500, 600.0, 0.45),
    "slideseq": Platform(1500, 300, 150.0, 0.6),
    "stereo": Platform(900, 300, 250.0, 0.4),
}


@dataclass(frozen=True)
class SimulatedSpots:
    """Counts and the truth that made them.

    Attributes
    ----------
    counts
        int32 [spots x genes].
    rates
        Truth: each gene's share of a spot's UMIs, float64 [spots x genes], rows sum to 1.
    genes
        Indexed by gene: ``abundance`` (share of all), ``shape`` (the negative binomial's size) and the loading on
        every programme, 0 where it has none.
    spots
        Indexed by barcode: ``x``, ``y`` (in the platform's unit), ``label`` (the domain), ``depth`` (expected UMIs)
        and the activity of every programme; for Visium ``array_row`` and ``array_col`` too.
    background
        Visium's positions outside the tissue, as `spots` but without the truth; empty for other platforms.
    """

    counts: sparse.csr_matrix
    rates: np.ndarray
    genes: pd.DataFrame
    spots: pd.DataFrame
    background: pd.DataFrame


def simulate_genes(seed: int) -> pd.DataFrame:
    """Genes and their programmes, the same for all platforms, see `SimulatedSpots.genes`.

    Parameters
    ----------
    seed
        Of the whole simulation.

    Returns
    -------
    DataFrame [500 x (2 + programmes)]; the first 300 rows have every programme and all markers.
    """
    rng = np.random.default_rng(derive_seed(seed, "spatial", "genes"))
    abundance = np.exp(rng.normal(0.0, LOG_ABUNDANCE_SD, GENES))
    loadings = np.zeros((GENES, len(PROGRAMMES)))
    carriers = int(GENES * SHARE_WITH_PROGRAMME)
    names = [f"SIM{k + 1:04d}" for k in range(GENES)]
    # Spread evenly over the list, so that a platform of fewer genes has its share of every programme.
    places = np.flatnonzero(np.arange(GENES) % 5 < 2)[:carriers]
    low, high = LOADING
    for turn, gene in enumerate(places):
        sign = -1.0 if rng.random() < DOWN_SHARE else 1.0
        loadings[gene, turn % len(PROGRAMMES)] = sign * rng.uniform(low, high)
        if rng.random() < 0.2:
            loadings[gene, int(rng.integers(len(PROGRAMMES)))] += rng.uniform(-1, 1)
    for domain, symbols in MARKERS.items():
        column = PROGRAMMES.index(domain)
        for symbol, gene in zip(symbols, places[column :: len(PROGRAMMES)], strict=False):
            names[gene] = symbol
            loadings[gene] = 0.0
            loadings[gene, column] = rng.uniform(1.2, high)
            # A marker that is hardly ever seen would mark nothing.
            abundance[gene] = np.exp(rng.uniform(0.5, 2.0))
    table = pd.DataFrame(loadings, columns=list(PROGRAMMES), index=pd.Index(names, name="gene_id"))
    table.insert(0, "abundance", abundance / abundance.sum())
    table.insert(1, "shape", rng.uniform(*SHAPE, GENES))
    return table


def activities(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Activity of every programme and the domain at places in the tissue.

    Parameters
    ----------
    u, v
        Place in the section, 0 to 1 from left to right and from top to bottom, [spots].
    rng
        For the programmes without spatial structure.

    Returns
    -------
    activity
        [spots x programmes]: 0 or 1 in domains, 0 to 1 in gradients and the focus, and 0 to 1 for cell types, most of
        them near 0 and some near 1.
    domain
        Names, [spots].
    """
    # Layers are arcs about a point far below the section.
    depth = 2.1 - np.hypot(u - 0.5, 2.1 - v)
    domain = np.array(DOMAINS, dtype=object)[np.searchsorted(BORDERS, depth, side="right")]
    found = {name: (domain == name).astype(float) for name in DOMAINS}
    found["gradient_down"] = v
    found["gradient_radial"] = np.clip(np.hypot(u - 0.5, v - 0.5) / 0.5, 0, 1)
    distance = np.hypot(u - FOCUS_PLACE[0], v - FOCUS_PLACE[1])
    found["focus"] = 1 / (1 + np.exp((distance - FOCUS_RADIUS) / 0.01))
    for name in ("cells_1", "cells_2"):
        found[name] = rng.beta(0.5, 1.2, len(u))
    return pd.DataFrame(found)[list(PROGRAMMES)], domain


def simulate_spots(platform: str, seed: int, spots: int | None = None) -> SimulatedSpots:
    """Simulate one platform's measurement of the tissue.

    Parameters
    ----------
    platform
        ``visium`` (hexagonal grid, pixels), ``slideseq`` (beads anywhere, shallow) or ``stereo`` (bins of 20 DNBs).
    seed
        Of everything; the genes are the same for all platforms.
    spots
        Number in the tissue; None is the platform's: 1,200, 1,500 and 900.

    Returns
    -------
    SimulatedSpots

    Raises
    ------
    KeyError
        If there is no such platform.
    """
    plan = PLATFORMS[platform]
    rng = np.random.default_rng(derive_seed(seed, "spatial", platform))
    genes = simulate_genes(seed).iloc[: plan.genes].copy()
    genes["abundance"] /= genes.abundance.sum()
    inside, outside, uv = _LAYOUTS[platform](spots or plan.spots, rng)
    activity, domain = activities(uv[:, 0], uv[:, 1], rng)
    loadings = genes[list(PROGRAMMES)].to_numpy()
    rates = genes.abundance.to_numpy() * np.exp(activity.to_numpy() @ loadings.T)
    rates /= rates.sum(axis=1, keepdims=True)
    # White matter has less RNA.
    depth = (
        plan.depth * np.exp(rng.normal(0, plan.depth_sd, len(inside))) * np.where(domain == "WM", 0.8, 1.05)
    )
    mean = depth[:, None] * rates
    size = np.broadcast_to(genes["shape"].to_numpy(), mean.shape)
    counts = sparse.csr_matrix(rng.negative_binomial(size, size / (size + mean)).astype(np.int32))
    table = inside.assign(label=domain, depth=depth)
    table = pd.concat([table, activity.set_axis(table.index, axis=0)], axis=1)
    return SimulatedSpots(counts, rates, genes, table, outside)


def _in_tissue(u: np.ndarray, v: np.ndarray, spots: int) -> np.ndarray:
    """Mark the `spots` places that are innermost in an oval, bool."""
    order = np.argsort(np.hypot(u - 0.5, (v - 0.5) * 1.1), kind="stable")
    found = np.zeros(len(u), bool)
    found[order[:spots]] = True
    return found


def _barcodes(number: int, length: int, rng: np.random.Generator, ending: str = "") -> list[str]:
    letters = np.array(list("ACGT"))
    found: dict[str, None] = {}
    while len(found) < number:
        found["".join(letters[rng.integers(0, 4, length)]) + ending] = None
    return list(found)


def _spread(table: pd.DataFrame) -> np.ndarray:
    """Place of each spot in the section's bounding box, 0 to 1, [spots x 2]."""
    xy = table[["x", "y"]].to_numpy()
    low, high = xy.min(axis=0), xy.max(axis=0)
    return (xy - low) / (high - low)


def _visium(spots: int, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    row, half = np.divmod(np.arange(ARRAY_ROWS * ARRAY_COLUMNS), ARRAY_COLUMNS)
    column = 2 * half + row % 2
    x, y = 1000 + column * PITCH / 2, 1000 + row * PITCH * np.sqrt(3) / 2
    table = pd.DataFrame(
        {"array_row": row, "array_col": column, "x": np.rint(x), "y": np.rint(y)},
        index=pd.Index(_barcodes(len(row), 16, rng, "-1"), name="barcode"),
    )
    inside = _in_tissue((x - x.mean()) / 1e4 + 0.5, (y - y.mean()) / 1e4 + 0.5, spots)
    tissue = table[inside].sort_index()
    return tissue, table[~inside], _spread(tissue)


def _slideseq(spots: int, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    side = 6000.0
    places = rng.uniform(0, side, (2 * spots, 2))
    inside = np.flatnonzero(_in_tissue(places[:, 0] / side, places[:, 1] / side, spots))
    table = pd.DataFrame(
        np.round(places[inside], 2),
        columns=["x", "y"],
        index=pd.Index(_barcodes(spots, 14, rng), name="barcode"),
    )
    return table, table.iloc[:0], _spread(table)


def _stereo(spots: int, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    side = int(np.ceil(np.sqrt(1.3 * spots)))
    across, down = np.divmod(np.arange(side * side), side)
    inside = _in_tissue((across + 0.5) / side, (down + 0.5) / side, spots)
    x, y = BIN_ORIGIN[0] + BIN * across[inside], BIN_ORIGIN[1] + BIN * down[inside]
    table = pd.DataFrame(
        {"x": x + (BIN - 1) / 2, "y": y + (BIN - 1) / 2},
        index=pd.Index([f"{a}_{b}" for a, b in zip(x, y, strict=True)], name="barcode"),
    )
    return table, table.iloc[:0], _spread(table)


_LAYOUTS = {"visium": _visium, "slideseq": _slideseq, "stereo": _stereo}


def scatter_over_dnbs(made: SimulatedSpots, seed: int) -> pd.DataFrame:
    """Spread the UMIs of every bin over its DNBs: a GEM.

    Parameters
    ----------
    made
        Of the platform ``stereo``.
    seed
        Of the simulation.

    Returns
    -------
    DataFrame with ``geneID``, ``x``, ``y``, ``MIDCount``, sorted; a line for each gene and DNB with a count.
    """
    rng = np.random.default_rng(derive_seed(seed, "spatial", "dnbs"))
    counts = made.counts.tocoo()
    spot, gene = np.repeat(counts.row, counts.data), np.repeat(counts.col, counts.data)
    corner = made.spots[["x", "y"]].to_numpy()[spot] - (BIN - 1) / 2
    xy = corner.astype(np.int64) + rng.integers(0, BIN, corner.shape)
    lines = pd.DataFrame({"geneID": made.genes.index.to_numpy()[gene], "x": xy[:, 0], "y": xy[:, 1]})
    return lines.groupby(["geneID", "x", "y"], sort=True).size().rename("MIDCount").reset_index()
