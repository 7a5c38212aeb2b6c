"""Build Noisy MNIST from images and labels as MNIST comes."""

import logging

from workflow_scripts.lib.data.image_pairs import check_statistics, read_digits, statistics, write_pairs
from workflow_scripts.lib.data.noisy_mnist import noisy_pairs, split_images
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table

log = logging.getLogger("latentome")


def main(snakemake) -> None:
    params, given, dataset = snakemake.params, snakemake.input, snakemake.wildcards.dataset
    train, test = (
        tuple(part[: params.images] for part in read_digits(paths)) for paths in (given.train, given.test)
    )
    parts = {**split_images(*train), "test": test}
    batch = params.information["batch"]
    # Found out now, not after hours of training.
    if min(len(parts["valid"][0]) // 5, len(test[0])) < batch:
        raise LatentomeError(
            f"{dataset}: {len(parts['valid'][0])} validation and {len(test[0])} test pairs are too few for mutual "
            f"information in batches of {batch}; expected 5 and 1 batches; lower config key information: batch"
        )
    splits = {split: noisy_pairs(*images, params.seed, split) for split, images in parts.items()}
    facts = statistics(splits, {split: images for split, (images, _) in parts.items()})
    log.info("%s:\n%s", dataset, facts.to_string(index=False))
    check_statistics(facts, params.statistics, dataset)
    write_pairs(snakemake.output.pairs, splits, params.seed)
    write_table(facts, snakemake.output.facts)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "scipy", "safetensors"), seed=snakemake.params.seed):
        main(snakemake)
