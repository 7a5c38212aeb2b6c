"""Preparation of spots as Bio_GMM_VGAE (STGMVA 1.0.0) does it: dense graph, genes, labels.

Source: github.com/narutoten520/Bio_GMM_VGAE, commit b0f8cee, ``preprocess.py`` and ``train.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.spatial.distance import cdist

from workflow_scripts.lib.errors import LatentomeError

NEIGHBOURS = 5
MOST_SPOTS = 5000
CLUSTERS = 7
"""Clusters of a section without labels; the published number for most sections of the cortex."""


@dataclass(frozen=True)
class PublishedFeatures:
    """Input of the network.

    Attributes
    ----------
    values
        log1p of counts scaled to 10,000 a spot, float32 [spots x genes].
    genes
        Places of these genes among all genes, int [genes].
    can_impute
        Whether there are as many genes as spots, without which the published imputation mode ends in an error.
    """

    values: np.ndarray
    genes: np.ndarray
    can_impute: bool


def central_spots(positions: np.ndarray, count: int | None, sections: pd.Series | None = None) -> np.ndarray:
    """Places of the `count` spots nearest to the tissue's centre (mean position), ascending, int [count].

    Parameters
    ----------
    positions
        Shape [spots x 2].
    count
        None, or at least the number of spots: all spots.
    sections
        Of each spot: those of the largest section alone are looked at, for the network knows of one.
    """
    rows = np.arange(len(positions)) if sections is None else np.flatnonzero(sections == sections.mode()[0])
    own = positions[rows]
    distance = np.linalg.norm(own - own.mean(axis=0), axis=1)
    # Spots of a grid have equal distances but for rounding.
    order = np.argsort(distance.round(6), kind="stable")
    return np.sort(rows[order[:count]])


def check_size(spots: int, most_spots: int = MOST_SPOTS) -> None:
    """Refuse what dense arrays of spots x spots cannot hold.

    Raises
    ------
    LatentomeError
        If there are more than `most_spots`, or no more than the graph's neighbours.
    """
    if spots > most_spots:
        raise LatentomeError(
            f"published GMM-VGAE: {spots} spots need about {52 * spots**2 / 1e9:.1f} GB of dense arrays; "
            f"expected at most {most_spots}; lower config key spatial.published.spots, or raise "
            "spatial.published.most_spots"
        )
    if spots <= NEIGHBOURS:
        raise LatentomeError(
            f"published GMM-VGAE: {spots} spots; expected more than {NEIGHBOURS}; "
            "raise config key spatial.published.spots"
        )


def published_graph(positions: np.ndarray) -> np.ndarray:
    """Each spot's 5 nearest others, an edge if either of two has the other; bool [spots x spots].

    Equal distances are taken in the order of the spots (the published sort leaves it open). As published, the
    first of the sorted distances is taken for the spot itself.

    Parameters
    ----------
    positions
        Shape [spots x 2].
    """
    order = np.argsort(cdist(positions, positions), axis=1, kind="stable")[:, 1 : NEIGHBOURS + 1]
    edges = np.zeros((len(positions), len(positions)), dtype=bool)
    np.put_along_axis(edges, order, True, axis=1)
    edges |= edges.T
    np.fill_diagonal(edges, False)
    return edges


def published_features(counts: sparse.csr_matrix) -> PublishedFeatures:
    """Input of the imputation mode: as many highly variable genes (seurat_v3) as there are spots.

    With fewer genes than spots all genes are taken, as the clustering mode would.

    Parameters
    ----------
    counts
        Integer [spots x genes].

    Raises
    ------
    LatentomeError
        If the values are no counts, or seurat_v3 cannot fit the variance of the genes.
    """
    if not sparse.issparse(counts) or not np.issubdtype(counts.dtype, np.integer):
        raise LatentomeError(
            f"published GMM-VGAE: the table holds {counts.dtype} features; expected integer counts of genes; "
            "leave this dataset out of the published run"
        )
    # Slow to import, and of no use to the other readers of this module.
    import anndata
    import scanpy

    spots, genes = counts.shape
    data = anndata.AnnData(counts.astype(np.float32))
    chosen = np.arange(genes)
    if genes > spots:
        try:
            found = scanpy.pp.highly_variable_genes(
                data, flavor="seurat_v3", n_top_genes=spots, inplace=False
            )
        except ValueError as error:
            raise LatentomeError(
                f"published GMM-VGAE: seurat_v3 cannot rank the genes of {spots} spots ({str(error).splitlines()[0]}); "
                "expected genes of varied means; raise config key spatial.published.spots"
            ) from error
        chosen = np.flatnonzero(found["highly_variable"].to_numpy())
    scanpy.pp.normalize_total(data, target_sum=1e4)
    scanpy.pp.log1p(data)
    return PublishedFeatures(data.X[:, chosen].toarray().astype(np.float32), chosen, genes >= spots)


def label_codes(labels: pd.Series | None) -> np.ndarray | None:
    """Class of each spot by the sorted names, -1 where unlabelled, int [spots]; None without any label."""
    if labels is None or labels.isna().all():
        return None
    names = labels.astype("string")
    return pd.Index(sorted(names.dropna().unique())).get_indexer(names)
