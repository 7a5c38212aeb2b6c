"""Simulate L1000 signatures with planted programmes, in the raw formats of GEO, CLUE and the Repurposing Hub."""

import logging

import numpy as np
import pandas as pd
from cmapPy.pandasGEXpress.GCToo import GCToo
from cmapPy.pandasGEXpress.write_gctx import write as write_gctx

from workflow_scripts.lib.data.simulate_signatures import simulate_signatures
from workflow_scripts.lib.files import replacing, write_atomic
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table

# cmapPy asks for a name that numpy 2 has dropped.
np.string_ = np.bytes_  # noqa: NPY201
log = logging.getLogger("latentome")


def write_matrix(matrix: np.ndarray, signatures: pd.Index, genes: pd.Index, path: str) -> None:
    """Write as GCTX, as LINCS does."""
    frame = pd.DataFrame(matrix.T, index=genes.rename("rid"), columns=signatures.rename("cid"))
    empty = pd.DataFrame(index=frame.index), pd.DataFrame(index=frame.columns)
    logging.getLogger("cmap_logger").setLevel(logging.WARNING)
    with replacing(path) as temporary:
        # It appends .gctx to any other name, and notes that name if it is given no source.
        target = temporary.with_name(f"{temporary.name}.gctx")
        try:
            write_gctx(
                GCToo(frame, src="signatures.gctx", row_metadata_df=empty[0], col_metadata_df=empty[1]),
                str(target),
            )
            target.replace(temporary)
        finally:
            target.unlink(missing_ok=True)


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    made = simulate_signatures(
        params.seed, compounds=params.compounds, knock_downs=params.knock_downs, replicates=params.replicates
    )
    log.info("%d signatures, %d genes", *made.matrix.shape)
    write_matrix(
        made.matrix, pd.Index(made.sig_info.sig_id), pd.Index(made.gene_info.pr_gene_id), output.matrix
    )
    write_table(made.sig_info, output.sig_info)
    write_table(made.gene_info, output.gene_info)
    classes = made.classes.assign(pcl_type="CP", pcl_source="simulated")
    write_atomic(output.classes, classes.to_csv(index=True, lineterminator="\n"))
    write_table(made.drugs[["pert_iname", "moa", "target"]], output.hub_drugs)
    samples = made.drugs[["pert_id", "pert_iname"]].rename(columns={"pert_id": "broad_id"})
    write_table(samples, output.hub_samples)
    write_table(made.activity.reset_index(), output.truth)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "pandas", "cmapPy", "h5py"), seed=snakemake.params.seed):
        main(snakemake)
