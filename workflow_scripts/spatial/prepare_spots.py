"""Raw files of a data set, in any of the formats, to spots.h5ad: positions and labels joined by barcode, filters."""

import logging

from workflow_scripts.lib.data.spot_filters import summarize_spots
from workflow_scripts.lib.data.spot_sources import read_spots_source
from workflow_scripts.lib.files import replacing
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table

log = logging.getLogger("latentome")

FILES = ("counts", "positions", "scalefactors", "barcodes", "labels")


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    # A file that the block does not name is an empty list.
    paths = {key: str(snakemake.input.get(key)) for key in FILES if snakemake.input.get(key)}
    block = {key: params[key] for key in ("spots", "labels", "min_spots", "min_counts", "platform")}
    spots = read_spots_source(block, paths)
    table = summarize_spots(spots)
    for item, value in table.itertuples(index=False):
        log.info("%s: %s", item, value)
    with replacing(output.spots) as path:
        spots.write_h5ad(path, compression="gzip")
    write_table(table, output.summary)
    log.info("%s: %d spots, %d genes", snakemake.wildcards.dataset, *spots.shape)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("anndata", "h5py", "numpy", "pandas", "scipy")):
        main(snakemake)
