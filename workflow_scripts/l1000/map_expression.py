"""The signatures' first two principal components, with what colours them."""

import numpy as np

from workflow_scripts.lib.data.l1000 import read_signatures
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.reconstruction import principal_components
from workflow_scripts.lib.tables import write_table


def main(snakemake) -> None:
    params = snakemake.params
    data = read_signatures(snakemake.input[0])
    components = principal_components(data.matrix, 2)
    scores = components.scores(data.matrix, 2)
    shares = scores.var(axis=0) / data.matrix.var(axis=0, dtype=np.float64).sum()
    columns = ["pert_type", "cell_id", "source", "pcl_id", "pert_iname"]
    table = data.sheet[columns].assign(pc1=scores[:, 0], pc2=scores[:, 1], share1=shares[0], share2=shares[1])
    if len(table) > params.most:
        chosen = np.random.default_rng(params.seed).choice(len(table), params.most, replace=False)
        table = table.iloc[np.sort(chosen)]
    table = table.reset_index()
    write_table(table[["sig_id", "pc1", "pc2", "share1", "share2", *columns]], snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "pandas"), seed=snakemake.params.seed):
        main(snakemake)
