"""Which genes the figures show: those asked for, else the most variable that can be imputed, or markers of layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

SEED_MARKERS = (
    *(
        "NEFL",
        "NRGN",
        "NEFM",
        "NDUFA4",
        "SCN1B",
        "ENC1",
        "HOPX",
        "SAA1",
        "TMSB10",
        "PCP4",
        "SNAP25",
        "MBP",
        "PLP1",
    ),
    *("GFAP", "SCGB2A2", "SCGB1D2", "MALAT1", "CAMK2N1", "HPCAL1", "AQP4", "MOBP"),
)
"""Genes of the published violins, and two that mark layers."""
SYMBOLS_OF_IDS = {
    **{
        "ENSG00000197971": "MBP",
        "ENSG00000123560": "PLP1",
        "ENSG00000183036": "PCP4",
        "ENSG00000171617": "ENC1",
    },
    **{
        "ENSG00000171885": "AQP4",
        "ENSG00000131095": "GFAP",
        "ENSG00000277586": "NEFL",
        "ENSG00000168314": "MOBP",
    },
    **{"ENSG00000121905": "HPCAL1", "ENSG00000034510": "TMSB10", "ENSG00000132639": "SNAP25"},
}
"""Ensembl ids of markers, for data whose genes have no symbols."""


def asked_genes(genes: pd.DataFrame, symbols: Sequence[str]) -> list[int]:
    """Places of the genes with these symbols (or Ensembl ids), in the order asked, each once, absent ones left out."""
    named = genes.symbol.map(_symbol)
    place = {name: index for index, name in reversed(list(enumerate(named)))}
    return [place[name] for name in dict.fromkeys(map(_symbol, symbols)) if name in place]


def _symbol(name: str) -> str:
    return SYMBOLS_OF_IDS.get(name.split(".")[0], name).upper()


def pattern_genes(genes: pd.DataFrame, symbols: Sequence[str], number: int) -> np.ndarray:
    """Places of the genes drawn on the tissue, int [number].

    Parameters
    ----------
    genes
        ``symbol, mean_count, dispersion, imputable, spread``, as text or numbers.
    symbols
        Genes asked for; the others are those of largest variation of the imputed log rate.
    number
        How many.
    """
    asked = asked_genes(genes, symbols)[:number]
    spread = pd.to_numeric(genes.spread).to_numpy() * (genes.imputable.astype(str) == "True").to_numpy()
    rest = [index for index in np.argsort(-spread, kind="stable") if index not in asked]
    return np.array([*asked, *rest[: number - len(asked)]])


def marker_genes(
    counts: sparse.csr_matrix, groups: np.ndarray, genes: pd.DataFrame, symbols: Sequence[str], number: int
) -> np.ndarray:
    """Places of marker genes: those asked for and the seed's, then each group's genes of largest fold change in turn.

    Parameters
    ----------
    counts
        Of the grouped spots, CSR [spots x genes].
    groups
        Shape [spots].
    genes
        As in `pattern_genes`.
    symbols
        Genes asked for.
    number
        How many.
    """
    names = sorted(set(groups))
    share = np.vstack(
        [np.asarray(counts[groups == name].sum(axis=0), dtype=np.float64).ravel() for name in names]
    )
    share = (share + 1) / (share.sum(axis=1, keepdims=True) + share.shape[1])
    change = np.log(share) - np.log(share.mean(axis=0))
    # a fold change of a handful of UMIs is noise
    change[:, np.asarray(counts.sum(axis=0)).ravel() < 100] = -np.inf
    order = np.argsort(-change, axis=1, kind="stable")
    picked = asked_genes(genes, [*symbols, *(name for name in SEED_MARKERS if name not in symbols)])[:number]
    for column in order.T:
        for place in column:
            if len(picked) < number and place not in picked:
                picked.append(int(place))
        if len(picked) >= number:
            break
    return np.array(picked)
