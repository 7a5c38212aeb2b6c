"""Simulate the demo's digits, in the files that MNIST comes in."""

from workflow_scripts.lib.data.simulate_digits import idx_bytes, simulate_digits
from workflow_scripts.lib.files import write_atomic
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.seeds import derive_seed


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    for part, count in (("train", params.train), ("test", params.test)):
        images, digits = simulate_digits(count, derive_seed(params.seed, part))
        write_atomic(output[f"{part}_images"], idx_bytes(images))
        write_atomic(output[f"{part}_labels"], idx_bytes(digits))


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy",), seed=snakemake.params.seed):
        main(snakemake)
