"""What pages say of each study: its title, its question, and which figures its page lets one explore."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import genes, network, scatter
from .charts import Interactive
from .figures import drawn_table


@dataclass(frozen=True)
class Study:
    """A study's name, short and long title, question, and the figure that stands for it on the overview."""

    name: str
    short: str
    title: str
    question: str
    lead: str


STUDIES = (
    Study(
        "bulk",
        "Bulk",
        "Differential expression by a generative model",
        "Can a generative model do differential expression on a dozen samples, and is it as trustworthy as DESeq2?",
        "calibration",
    ),
    Study(
        "l1000",
        "L1000",
        "Drug signatures in 978 genes",
        "What does a drug or a knock-down do to a cell, and what of it does a latent space hold?",
        "expression_pca",
    ),
    Study(
        "spatial",
        "Spatial",
        "Imputation and domains of tissue sections",
        "What is a tissue spot\u2019s true expression, and can its noise be taken out?",
        "spatial_domains",
    ),
    Study(
        "molecules",
        "Molecules",
        "Molecules for a wanted change of expression",
        "Which molecule causes a desired change of expression, and which change does a molecule cause?",
        "molecule_grid",
    ),
)

_CHARTS: dict[str, Callable[..., Interactive]] = {
    "latent_space": scatter.latent_space,
    "volcano": genes.volcano,
    "latent_heatmap": scatter.units,
    "expression_pca": scatter.components,
    "spatial_patterns": genes.tissue,
    "spatial_domains": scatter.domains,
}


def interactive(folder: Path, dataset: str, names: list[str]) -> list[Interactive]:
    """Return the interactive figures of a data set, from the tables of its figures.

    Parameters
    ----------
    folder
        ``results/figures/<study>/<dataset>``.
    dataset
        Its name.
    names
        Names of its figures.
    """
    found = [
        make(drawn_table(folder / f"{name}.tsv"), dataset) for name, make in _CHARTS.items() if name in names
    ]
    graphs = {
        name.removeprefix("network_graph_"): drawn_table(folder / f"{name}.tsv")
        for name in names
        if name.startswith("network_graph_")
    }
    return found + ([network.class_network(graphs, dataset)] if graphs else [])
