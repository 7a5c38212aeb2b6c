"""What the published GMM-VGAE's "imputed" matrix is: a decoded graph of the spots, not the expression of genes."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from workflow_scripts.lib.models.gmm_vgae_published import FLOOR, PublishedGMMVGAE

BYTES_PER_PAIR = 7 * 4 + 3 * 8
"""Dense arrays of spots x spots: seven of float32 a training step, three of float64 kept from the preparation."""
COLUMNS = ["finding", "value", "expected_of_an_imputation", "note"]


def column_correlations(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Pearson correlation of each column of `left` with each of `right`, [left columns x right columns].

    NaN where a column is constant.
    """

    def standard(values: np.ndarray) -> np.ndarray:
        centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
        norm = np.linalg.norm(centred, axis=0)
        return centred / np.where(norm > 1e-9, norm, np.nan)

    return standard(left).T @ standard(right)


def gene_findings(matrix: np.ndarray, expression: np.ndarray, graph: np.ndarray) -> list[tuple]:
    """Rows of findings: what the matrix resembles, the graph or the genes whose names its columns bear.

    Parameters
    ----------
    matrix
        The decoded matrix, [spots x spots].
    expression
        Log expression of the input genes, [spots x genes]; column j of the matrix is stored under gene j's name.
    graph
        Bool [spots x spots], before training.
    """
    spots, genes = expression.shape
    pairs = np.triu_indices(spots, 1)
    # A gene that no spot has correlates with nothing, nor does a column that is saturated in all spots.
    varied = (np.ptp(expression, axis=0) > 0) & (np.ptp(matrix[:, :genes], axis=0) > 1e-6)
    levels = expression[:, varied]
    every = column_correlations(matrix[:, :genes][:, varied], levels)
    own = np.diag(every)
    rank = (every < own[:, None]).sum(axis=1) / max(len(own) - 1, 1)
    neighbours = (graph / graph.sum(axis=1, keepdims=True)) @ levels
    smooth = np.diag(column_correlations(neighbours, levels))
    with_graph = np.corrcoef(matrix.ravel(), (graph + np.eye(spots)).ravel())[0, 1]
    gap = np.abs(matrix - matrix.T).max()
    auc = roc_auc_score(graph[pairs], matrix[pairs])
    saturated = np.isin(matrix[pairs], (0, 1)).mean()
    own_middle, rank_middle, smooth_middle = (
        float(np.nanmedian(values)) if len(own) else np.nan for values in (own, rank, smooth)
    )
    most = f"up to {expression.max():.3g}"
    return [
        ("columns", spots, f"{genes} genes", "a column a spot, stored under the names of genes"),
        ("max_asymmetry", gap, "above 0", "largest |M - M^T|; 0 but for rounding"),
        ("smallest_value", matrix.min(), "0", "a probability of an edge"),
        ("largest_value", matrix.max(), most, "a probability; expected: log expression"),
        (
            "saturated_pairs",
            saturated,
            "",
            "share of pairs at 0 or 1 exactly, which training can no longer move",
        ),
        ("edge_auc", auc, "0.5", "pairs with an edge against the others"),
        ("correlation_with_graph", with_graph, "0", "all entries, with A + I, the target of training"),
        ("columns_compared", len(own), "", "columns that vary, of genes that vary"),
        ("correlation_with_own_gene", own_middle, "clearly above 0", "median over columns, measured genes"),
        ("percentile_of_own_gene", rank_middle, "near 1", "its rank among all genes; 0.5 if unrelated"),
        ("correlation_of_neighbours_mean", smooth_middle, "", "the gene's mean over a spot's neighbours"),
    ]


def size_findings(
    shape: tuple[int, ...],
    can_impute: bool,
    network: PublishedGMMVGAE,
    moved: float,
    parts: np.ndarray,
    failure: str,
) -> list[tuple]:
    """Rows of findings: whether the method runs at all, its size, and how far training takes it.

    Parameters
    ----------
    shape
        Spots and input genes.
    can_impute
        Whether there are as many genes as spots.
    network
        Trained.
    moved
        Norm of the first layer's change in pre-training over its norm.
    parts
        Of each joint epoch, [epochs x parts]; the last part is the largest target of the edge loss.
    failure
        Why joint training ended early; empty if it did not.
    """
    spots = shape[0]
    runs = "yes" if can_impute else "cannot run: genes < spots, and the matrix fits no layer of the table"
    size = network.base.weight.numel()
    ended = " ".join(failure.split()) or "all epochs"
    return [
        ("spots", spots, "", "nearest to the tissue's centre"),
        ("imputation_mode_runs", int(can_impute), "1", runs),
        ("first_layer_parameters", size, "", "240 x genes; genes = spots in imputation mode"),
        ("dense_bytes", BYTES_PER_PAIR * spots**2, "", "7 float32 and 3 float64 arrays of spots x spots"),
        ("dense_bytes_of_50000_spots", BYTES_PER_PAIR * 50_000**2, "", "the same, for a Stereo-seq section"),
        ("first_layer_moved", moved, "", "by pre-training at 1e-5, share of its norm"),
        ("joint_epochs", len(parts), "", ended),
        (
            "largest_edge_target",
            parts[:, -1].max(),
            "1",
            "a probability; the hubs' edges to themselves give 2",
        ),
    ]


def inference_findings(
    network: PublishedGMMVGAE, expression: np.ndarray, operator: Tensor, seed: int
) -> list[tuple]:
    """Rows of findings: the matrix after a permutation of the genes, after a second draw, and the mixture.

    Parameters
    ----------
    network
        Trained.
    expression
        Float32 [spots x genes], at most as many genes as spots.
    operator
        Sparse [spots x spots].
    seed
        Of the permutation and the draws; torch's global generator is left as it was.
    """
    features = torch.from_numpy(expression)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(features.shape[1]))
    permuted = copy.deepcopy(network)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        permuted.base.weight.copy_(network.base.weight[order])
        torch.manual_seed(seed)
        _, log_std, z = network.encode(features, operator)
        plain, second = network.decode(z), network.decode(network.encode(features, operator)[2])
        torch.manual_seed(seed)
        moved = network.decode(permuted.encode(features[:, order], operator)[2])
        floored = (network.floored_densities(z).amax(dim=1) < 2 * FLOOR).double().mean()
    change = float((moved - plain).abs().max())
    gap = float((moved[:, : len(order)] - plain[:, order]).abs().max())
    repeat = float((second - plain).abs().max())
    spread = float(torch.exp(log_std).median())
    return [
        ("change_when_genes_are_permuted", change, f"{gap:.3g}", "largest; genes and weights permuted alike"),
        (
            "distance_from_permuted_columns",
            gap,
            "0",
            "largest; an imputation's columns move with their genes",
        ),
        ("difference_of_two_inferences", repeat, "0", "largest; z is drawn at inference as well"),
        ("posterior_sd", spread, "", "median standard deviation of that draw, units of z"),
        ("spots_at_the_floor", float(floored), "0", "share whose mixture densities are below the added 0.01"),
        ("smallest_mixture_weight", network.pi.min().item(), "above 0", "nothing in the code keeps it there"),
    ]


def findings_table(rows: Sequence[tuple]) -> pd.DataFrame:
    """Rows as a table of ``finding``, ``value``, ``expected_of_an_imputation`` and ``note``."""
    return pd.DataFrame(list(rows), columns=COLUMNS)
