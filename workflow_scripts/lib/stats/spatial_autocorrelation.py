"""Moran's I and Geary's C of every gene, and the nulls without which they mean nothing after smoothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from workflow_scripts.lib.data.neighbours import row_mean, shuffled_spots
from workflow_scripts.lib.seeds import derive_seed

BLOCK_VALUES = 2**23  # numbers of a dense block, 64 MB


@dataclass(frozen=True)
class PermutationNull:
    """Moran's I of spots in random order.

    Attributes
    ----------
    observed, mean, sd
        Moran's I of the data; mean and standard deviation over the permutations; shape [genes].
    net
        `observed` less `mean`, shape [genes].
    p
        Share of orders, the observed one among them, with an I at least as large; shape [genes].
    """

    observed: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    net: np.ndarray
    p: np.ndarray


def morans_i(values: Any, graph: sparse.csr_matrix) -> np.ndarray:
    """Moran's I of every column; weights are the graph's rows scaled to sum to 1 (Moran 1950).

    Parameters
    ----------
    values
        Dense or sparse, [spots x genes]; read in blocks of columns.
    graph
        Neighbours, [spots x spots], zero diagonal; an isolated spot counts in the mean and variance only.

    Returns
    -------
    numpy.ndarray
        float64, shape [genes]; NaN for a constant column. Expected without autocorrelation: -1/(spots - 1).
    """
    weights = _weights(graph)
    parts = [_moran(block, block, weights) for block in _centred_blocks(values)]
    return np.concatenate(parts) if parts else np.zeros(0)


def gearys_c(values: Any, graph: sparse.csr_matrix) -> np.ndarray:
    """Geary's C of every column; weights are the graph's rows scaled to sum to 1 (Geary 1954).

    Parameters
    ----------
    values, graph
        As in `morans_i`.

    Returns
    -------
    numpy.ndarray
        float64, shape [genes]; NaN for a constant column. Expected without autocorrelation: 1; less is alike.
    """
    weights = _weights(graph)
    both = np.asarray(weights.sum(axis=0)).ravel() + np.asarray(weights.sum(axis=1)).ravel()
    scale = (weights.shape[0] - 1) / (2 * weights.sum())
    parts = []
    for block in _centred_blocks(values):
        square = block**2
        differences = both @ square - 2 * np.einsum("sg,sg->g", block, weights @ block)
        parts.append(scale * _ratio(differences, square.sum(axis=0)))
    return np.concatenate(parts) if parts else np.zeros(0)


def normal_variance(graph: sparse.csr_matrix) -> tuple[float, float]:
    """Return the variances of Moran's I and Geary's C of independent normal values (Cliff & Ord 1981).

    Parameters
    ----------
    graph
        As in `morans_i`.
    """
    weights = _weights(graph)
    n, total = weights.shape[0], float(weights.sum())
    s1 = float(((weights + weights.T).power(2)).sum() / 2)
    s2 = float(
        ((np.asarray(weights.sum(axis=0)).ravel() + np.asarray(weights.sum(axis=1)).ravel()) ** 2).sum()
    )
    moran = (n**2 * s1 - n * s2 + 3 * total**2) / (total**2 * (n**2 - 1)) - 1 / (n - 1) ** 2
    geary = ((2 * s1 + s2) * (n - 1) - 4 * total**2) / (2 * (n + 1) * total**2)
    return moran, geary


def permutation_null(
    values: Any, graph: sparse.csr_matrix, permutations: int, seed: int, sections: Any = None
) -> PermutationNull:
    """Moran's I beside that of the same values with the spots in random order.

    Parameters
    ----------
    values, graph
        As in `morans_i`.
    permutations
        Their number, at least 2; every gene sees the same orders.
    seed
        Of the orders.
    sections
        Section of each spot, shape [spots]; spots change places within a section only.
    """
    weights = _weights(graph)
    observed, mean, sd, above = [], [], [], []
    for block in _centred_blocks(values):
        observed.append(_moran(block, block, weights))
        null = np.stack([
            _moran(block[order], block, weights)
            for order in (_order(weights, seed, number, sections) for number in range(permutations))
        ])  # fmt: skip
        mean.append(null.mean(axis=0))
        sd.append(null.std(axis=0, ddof=1))
        # The same order summed in another sequence must not count as smaller.
        above.append((null >= observed[-1] - 1e-12).sum(axis=0))
    found, centre = np.concatenate(observed), np.concatenate(mean)
    p = np.where(np.isnan(found), np.nan, (1 + np.concatenate(above)) / (1 + permutations))
    return PermutationNull(found, centre, np.concatenate(sd), found - centre, p)


def smoothing_null(
    values: Any,
    smoother: Callable[[Any], Any],
    graph: sparse.csr_matrix,
    seed: int,
    permutations: int = 1,
    sections: Any = None,
) -> np.ndarray:
    """Moran's I that a smoother alone creates: of its output for spots in random order.

    Parameters
    ----------
    values
        What the smoother is given, [spots x genes], dense or sparse.
    smoother
        Takes such an array (rows at the places of the graph's spots) and returns the smoothed one.
    graph
        As in `morans_i`.
    seed
        Of the orders.
    permutations
        Orders to average over.
    sections
        As in `permutation_null`.

    Returns
    -------
    numpy.ndarray
        float64, shape [genes]: mean over the orders. What a method reports above it is its own merit.
    """
    found = [
        morans_i(smoother(values[_order(graph, seed, number, sections)]), graph)
        for number in range(permutations)
    ]
    return np.mean(found, axis=0)


def _order(graph: Any, seed: int, number: int, sections: Any) -> np.ndarray:
    return shuffled_spots(graph.shape[0], derive_seed(seed, "spots", number), sections)


def _weights(graph: sparse.csr_matrix) -> sparse.csr_matrix:
    return row_mean(graph, own=False).astype(np.float64)


def _centred_blocks(values: Any) -> Iterator[np.ndarray]:
    """Columns less their mean, float64, a block at a time."""
    spots, genes = values.shape
    columns: Any = values.tocsc() if sparse.issparse(values) else np.asarray(values)
    step = max(1, BLOCK_VALUES // max(spots, 1))
    for start in range(0, genes, step):
        block: Any = columns[:, start : start + step]
        dense = np.asarray(block.toarray() if sparse.issparse(block) else block, dtype=np.float64)
        yield dense - dense.mean(axis=0)


def _moran(block: np.ndarray, reference: np.ndarray, weights: sparse.csr_matrix) -> np.ndarray:
    products = np.einsum("sg,sg->g", block, weights @ block)
    return weights.shape[0] / weights.sum() * _ratio(products, np.einsum("sg,sg->g", reference, reference))


def _ratio(numerator: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """NaN where the values are constant but for rounding."""
    return np.divide(numerator, squares, out=np.full_like(squares, np.nan), where=squares > 1e-20)
