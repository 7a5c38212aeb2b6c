"""Unpack a gzipped GCTX once, so that columns can be read from it in any order."""

from workflow_scripts.lib.data.signature_matrix import unpack
from workflow_scripts.lib.logs import job_log


def main(snakemake) -> None:
    unpack(snakemake.input[0], snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("h5py",)):
        main(snakemake)
