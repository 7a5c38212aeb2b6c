"""The network of perturbagen classes from a codebook: distances, nearest neighbours, GraphML and Gephi tables."""

import io

import networkx as nx
import numpy as np
import pandas as pd

from workflow_scripts.lib.data.l1000 import read_signatures
from workflow_scripts.lib.files import write_atomic
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.class_network import (
    correlation_distance,
    gephi_tables,
    nearest_neighbours,
    neighbour_graph,
)
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.export import load_model
from workflow_scripts.lib.training.signature_models import restore


def main(snakemake) -> None:
    given, output = snakemake.input, snakemake.output
    folder = given.weights.rsplit("/", 1)[0]
    model = restore(*load_model(folder), folder)
    names = model.classes
    distance = correlation_distance(model.codes)
    neighbours = nearest_neighbours(distance, names)
    nodes = pd.DataFrame({"pcl_id": names, "norm": np.linalg.norm(model.codes, axis=1)})
    if given.signatures:
        count = read_signatures(given.signatures).sheet.pcl_id.value_counts()
        nodes["signatures"] = nodes.pcl_id.map(count).fillna(0).astype(int)
    else:
        nodes["signatures"] = None
    graph = neighbour_graph(neighbours, nodes.set_index("pcl_id").dropna(axis=1))
    table = pd.DataFrame(distance, columns=names)
    table.insert(0, "pcl_id", names)
    write_table(table, output.distance)
    write_table(neighbours[["target", "source", "distance", "weight", "mutual"]], output.edges)
    write_table(nodes, output.nodes)
    stream = io.BytesIO()
    nx.write_graphml(graph, stream)
    write_atomic(output.graphml, stream.getvalue())
    edges, labels = gephi_tables(graph)
    write_atomic(output.gephi_edges, edges.to_csv(index=False, lineterminator="\n"))
    write_atomic(output.gephi_nodes, labels.to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("networkx", "numpy")):
        main(snakemake)
