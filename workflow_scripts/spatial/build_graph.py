"""Neighbourhood graph of the spots, and tables that describe it."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.data.neighbours import neighbour_graph, pieces, typical_spacing
from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import replacing
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table

log = logging.getLogger("latentome")
CROP = 400
"""Spots nearest to the middle whose edges are drawn."""


def spacing_within(xy, sections):
    """Median over sections of the spacing within each: sections may lie at the same coordinates."""
    if sections is None:
        return typical_spacing(xy)
    parts = [xy[(sections == name).to_numpy()] for name in sections.unique()]
    known = [typical_spacing(part) for part in parts if len(np.unique(part, axis=0)) > 1]
    return float(np.median(known)) if known else np.nan


def main(snakemake) -> None:
    output = snakemake.output
    spots = read_spots(snakemake.input.spots)
    xy, sections = spots.obsm["spatial"], spots.obs.get("section")
    try:
        graph = neighbour_graph(xy, snakemake.params.graph, sections)
    except LatentomeError as error:
        raise LatentomeError(f"config, datasets: spatial: {snakemake.wildcards.dataset}: {error}") from None
    with replacing(output.graph) as path, Path(path).open("wb") as file:
        sparse.save_npz(file, graph)
    degree = np.diff(graph.indptr)
    facts = {
        "spots": len(xy),
        "sections": 1 if sections is None else sections.nunique(),
        "directed_edges": graph.nnz,
        "edges_per_spot": graph.nnz / len(xy),
        "isolated_spots": int((degree == 0).sum()),
        "connected_pieces": int(pieces(graph).max()) + 1,
        "nearest_neighbour_distance": spacing_within(xy, sections),
    }
    write_table(pd.DataFrame({"item": list(facts), "value": list(facts.values())}), output.facts)
    counted = pd.Series(degree).value_counts().sort_index()
    write_table(pd.DataFrame({"degree": counted.index, "spots": counted.to_numpy()}), output.degrees)
    first = np.ones(len(xy), bool) if sections is None else (sections == sections.iloc[0]).to_numpy()
    middle = np.median(xy[first], axis=0)
    distance = np.where(first, ((xy - middle) ** 2).sum(axis=1), np.inf)
    near = np.zeros(len(xy), bool)
    near[np.argsort(distance, kind="stable")[:CROP]] = True
    pairs = sparse.triu(graph).tocoo()
    shown = near[pairs.row] & near[pairs.col]
    ends = np.hstack([xy[pairs.row[shown]], xy[pairs.col[shown]]])
    write_table(pd.DataFrame(ends, columns=["x1", "y1", "x2", "y2"]), output.edges)
    log.info("%s: %d edges of %d spots", snakemake.wildcards.dataset, graph.nnz, len(xy))


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("anndata", "scipy")):
        main(snakemake)
