"""Sample-sheet sanity: principal components, confounding, marker genes, suspected swaps; warns on the console."""

import logging
import sys

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.bulk import read_bulk
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.stats import sample_sanity as sanity
from workflow_scripts.lib.stats.design import check_design
from workflow_scripts.lib.tables import write_table

log = logging.getLogger("latentome")


def main(snakemake) -> None:
    params = snakemake.params
    data = read_bulk(snakemake.input[0])
    log_expression = np.log2(
        pd.DataFrame(data.normalised, index=data.counts.index, columns=data.counts.columns) + 1
    )
    scores, share = sanity.principal_components(log_expression.to_numpy())
    factors = [name for name in params.factors if name in data.samples and name not in params.numeric]
    sheet = data.samples.drop(columns=[c for c in data.samples if c == "source"])
    rows = sanity.confounding(sheet, factors)
    rows += sanity.separation(scores, share, data.samples, factors)
    rows += sanity.marker_scores(log_expression, data.symbols, data.samples, params.markers)
    rows += sanity.marked_split(log_expression, data.symbols, data.samples, factors, params.markers)
    for factor in factors:
        rows += sanity.nearest_group(scores[:, :2], data.samples, factor)
    for name, parts in params.contrasts.items():
        matrix = check_design(
            parts["design"], data.samples, parts.get("reference"), numeric=tuple(params.numeric)
        )
        rank = np.linalg.matrix_rank(matrix.to_numpy(float))
        message = f"design {parts['design']} of {name}: rank {rank} of {matrix.shape[1]}, "
        message += f"{len(matrix) - rank} residual degrees of freedom"
        rows.append(sanity.row("rank", "ok", message, factor=name, value=rank, expected=str(matrix.shape[1])))
    table = pd.DataFrame(rows, columns=sanity.COLUMNS)
    for message in table.message[table.verdict == "warning"]:
        log.warning(message)
        print(f"latentome: warning: {snakemake.wildcards.dataset}: {message}", file=sys.stderr)
    write_table(table, snakemake.output.sanity)
    columns = {f"pc{k + 1}": scores[:, k] for k in range(scores.shape[1])}
    columns |= {f"share{k + 1}": share[k] for k in range(scores.shape[1])}
    library = data.counts.sum(axis=0).to_numpy()
    frame = pd.DataFrame(
        {"sample": data.counts.columns, "size_factor": data.size_factors, "library_size": library, **columns}
    )
    write_table(frame.join(data.samples[factors], on="sample"), snakemake.output.samples)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake)
