"""How well rates predict held-out counts; and the masked-value protocol, which a rule without learning does well in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse

from workflow_scripts.lib.data.neighbours import row_mean
from workflow_scripts.lib.data.thinning import thin
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats.rate_baselines import blocks

SCALE = 1e4
LEAST_UMIS = 50  # held out of a gene, for its correlation to be looked at


class SpotRates(Protocol):
    """Anything that gives expected shares of the genes for a block of spots, rows summing to 1."""

    @property
    def shape(self) -> tuple[int, int]:
        """(spots, genes)."""

    def block(self, start: int, stop: int) -> np.ndarray:
        """Return rates of spots `start` to before `stop`, [spots x genes]."""


@dataclass(frozen=True)
class HeldOutScores:
    """Scores of rates on held-out counts.

    Attributes
    ----------
    log_likelihood
        Poisson log-likelihood per held-out UMI, nats, without the term of the counts alone (-log y!).
    pearson
        Median over genes with at least 50 held-out UMIs of the correlation over spots of log1p(1e4 x share) held out
        with log1p(1e4 x rate); 0 where either is constant.
    genes
        Genes in that median.
    by_spot
        Sum of the log-likelihood of each spot, nats, shape [spots]: differences give an interval by bootstrap.
    umis
        Held-out UMIs of each spot, shape [spots]; spots without a training UMI are left out (0).
    by_gene
        Correlation of each gene, shape [genes]; NaN below 50 held-out UMIs.
    """

    log_likelihood: float
    pearson: float
    genes: int
    by_spot: np.ndarray
    umis: np.ndarray
    by_gene: np.ndarray


@dataclass(frozen=True)
class MaskedValues:
    """Non-zero values hidden of a matrix.

    Attributes
    ----------
    visible
        Counts with the hidden ones at zero, CSR [spots x genes].
    depths
        UMIs of each spot before hiding, as the protocol normalises, shape [spots].
    spots, genes
        Places of the hidden values, shape [values].
    values
        log1p(1e4 x count / depth) of these, shape [values].
    """

    visible: sparse.csr_matrix
    depths: np.ndarray
    spots: np.ndarray
    genes: np.ndarray
    values: np.ndarray


def thin_counts(
    counts: sparse.csr_matrix, share: float, seed: int
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Binomial thinning of sparse counts: every UMI goes to the held-out part with probability `share`.

    Parameters
    ----------
    counts
        Integers, [spots x genes].
    share
        Between 0 and 1.
    seed
        Of numpy's generator.

    Returns
    -------
    (train, held_out)
        CSR int32, without stored zeros; they sum to `counts`.
    """
    if not 0 < share < 1:
        raise LatentomeError(f"held-out share: {share}; expected a number between 0 and 1, say 0.1")
    counts = _canonical(counts)
    parts = thin(counts.data, share, seed)
    return tuple(_without_zeros(counts, part) for part in parts)


def held_out_scores(
    rates: SpotRates, train: sparse.csr_matrix, held_out: sparse.csr_matrix, share: float = 0.1
) -> HeldOutScores:
    """Score rates fitted to the training part on the held-out part, a block of spots at a time.

    A spot's expected held-out depth is its training depth x share / (1 - share): nothing of the held-out part is used.

    Parameters
    ----------
    rates
        Expected shares, strictly positive.
    train, held_out
        Parts of the counts, integers, CSR [spots x genes].
    share
        Probability with which a UMI was held out.

    Raises
    ------
    LatentomeError
        If the shapes differ, nothing is held out, or a rate is not positive where a count is held out.
    """
    if not rates.shape == train.shape == held_out.shape:
        raise LatentomeError(
            f"held-out score: rates {rates.shape}, training {train.shape} and held-out counts {held_out.shape}; "
            "expected the same spots and genes"
        )
    held_out = sparse.csr_matrix(held_out)
    depths = np.asarray(train.sum(axis=1), dtype=np.float64).ravel() * share / (1 - share)
    known = depths > 0
    by_spot, umis = np.zeros(len(depths)), np.zeros(len(depths))
    sums = np.zeros((5, held_out.shape[1]))
    for start, stop in blocks(held_out.shape):
        spots = np.flatnonzero(known[start:stop])
        seen, rate = held_out[start:stop][spots].tocoo(), rates.block(start, stop)[spots]
        counts, at_counts = seen.data.astype(np.float64), rate[seen.row, seen.col]
        if not (at_counts[counts > 0] > 0).all():
            raise LatentomeError(
                f"held-out score: spots {start + 1} to {stop}: a rate is zero or missing where a UMI was held out; "
                "expected strictly positive rates; mix in the gene mean"
            )
        expected, number = depths[start + spots], len(spots)
        logs = counts * np.log(at_counts * expected[seen.row], out=np.zeros_like(counts), where=counts > 0)
        by_spot[start + spots] = np.bincount(seen.row, logs, number) - rate.sum(axis=1) * expected
        umis[start + spots] = depth = np.bincount(seen.row, counts, number)
        # Nearly all held-out values are 0, of which log1p is 0: only the guess is worked out everywhere.
        truth = np.log1p(SCALE * counts / np.maximum(depth, 1)[seen.row])
        guess = np.log1p(np.multiply(rate, SCALE, out=rate), out=rate)
        products = truth, truth * truth, truth * guess[seen.row, seen.col]
        first, second, both = (np.bincount(seen.col, one, held_out.shape[1]) for one in products)
        sums += [first, guess.sum(axis=0), second, np.einsum("ij,ij->j", guess, guess), both]
    if not umis.any():
        raise LatentomeError("held-out score: no UMI is held out; expected some; raise the held-out share")
    by_gene = _correlation(sums, int(known.sum()))
    by_gene[np.asarray(held_out[known].sum(axis=0)).ravel() < LEAST_UMIS] = np.nan
    kept = np.isfinite(by_gene)
    return HeldOutScores(
        log_likelihood=float(by_spot.sum() / umis.sum()),
        pearson=float(np.median(by_gene[kept])) if kept.any() else float("nan"),
        genes=int(kept.sum()), by_spot=by_spot, umis=umis, by_gene=by_gene,
    )  # fmt: skip


def mask_values(counts: sparse.csr_matrix, share: float, seed: int) -> MaskedValues:
    """Hide a share of the non-zero values, as published comparisons do (Duan et al. 2024).

    Parameters
    ----------
    counts
        Integers, [spots x genes].
    share
        Of the non-zero values.
    seed
        Of the choice.
    """
    counts = _canonical(counts)
    hidden = np.random.default_rng(seed).random(counts.nnz) < share
    spots = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))[hidden]
    depths = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    values = np.log1p(SCALE * counts.data[hidden] / depths[spots])
    visible = _without_zeros(counts, np.where(hidden, 0, counts.data))
    return MaskedValues(visible, depths, spots, counts.indices[hidden], values)


def masked_scores(predicted: np.ndarray, masked: MaskedValues) -> dict[str, float]:
    """Scores of predictions of hidden values, all values in one vector: l1 (mean absolute error), cosine, pearson.

    Parameters
    ----------
    predicted
        log1p(1e4 x count / depth), shape [values].
    masked
        The hidden values.
    """
    true = masked.values
    return {
        "l1": float(np.abs(predicted - true).mean()),
        "cosine": float(predicted @ true / np.sqrt((predicted @ predicted) * (true @ true))),
        "pearson": float(np.corrcoef(predicted, true)[0, 1]),
    }


def masked_baselines(masked: MaskedValues, graph: sparse.csr_matrix) -> dict[str, np.ndarray]:
    """Predictions of the hidden values without a model, shape [values] each.

    Parameters
    ----------
    masked
        The hidden values.
    graph
        Neighbours, [spots x spots].

    Returns
    -------
    dict
        ``library size``: log1p(1e4 x typical visible count of the gene / depth of the spot), typical by the mean of
        log1p; ``count of one``: the same with 1 for it; ``gene mean``: of the gene's visible values;
        ``neighbour mean``: of the gene's visible values at neighbouring spots, the gene mean where none has one.
    """
    visible = masked.visible
    logs = visible.astype(np.float64)
    logs.data = np.log1p(SCALE * logs.data / np.repeat(masked.depths, np.diff(logs.indptr)))
    seen = visible.astype(bool).astype(np.float64)
    number = np.maximum(np.asarray(seen.sum(axis=0)).ravel(), 1)
    mean_count = np.maximum(np.expm1(np.asarray(visible.log1p().sum(axis=0)).ravel() / number), 1)
    mean_log = np.asarray(logs.sum(axis=0)).ravel() / number
    per_umi = SCALE / masked.depths[masked.spots]
    return {
        "library size": np.log1p(mean_count[masked.genes] * per_umi),
        "count of one": np.log1p(per_umi),
        "gene mean": mean_log[masked.genes],
        "neighbour mean": _neighbour_mean(masked, row_mean(graph, own=False), logs, seen, mean_log),
    }


def _neighbour_mean(
    masked: MaskedValues, operator: sparse.csr_matrix, logs: sparse.csr_matrix, seen: sparse.csr_matrix,
    otherwise: np.ndarray,
) -> np.ndarray:  # fmt: skip
    found = otherwise[masked.genes].copy()
    for start, stop in blocks(logs.shape):
        first, last = np.searchsorted(masked.spots, [start, stop])
        places = masked.spots[first:last] - start, masked.genes[first:last]
        total, weight = ((operator[start:stop] @ part).toarray()[places] for part in (logs, seen))
        np.divide(total, weight, out=found[first:last], where=weight > 0)
    return found


def _correlation(sums: np.ndarray, count: int) -> np.ndarray:
    first, second, first_square, second_square, product = sums / max(count, 1)
    spread = np.sqrt(np.maximum(first_square - first**2, 0) * np.maximum(second_square - second**2, 0))
    found = np.zeros(sums.shape[1])
    # Rounding of the sums makes a constant's variance about 1e-14.
    return np.divide(product - first * second, spread, out=found, where=spread > 1e-10)


def _canonical(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    counts = sparse.csr_matrix(counts, copy=True)
    counts.sum_duplicates()
    counts.eliminate_zeros()
    return counts


def _without_zeros(like: sparse.csr_matrix, data: np.ndarray) -> sparse.csr_matrix:
    part = sparse.csr_matrix((data.astype(np.int32), like.indices, like.indptr), shape=like.shape, copy=True)
    part.eliminate_zeros()
    return part
