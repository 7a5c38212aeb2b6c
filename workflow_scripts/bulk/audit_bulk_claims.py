"""Every claim of the seed study: as published, reproduced, corrected, verdict."""

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics import bulk_claims as claims
from workflow_scripts.lib.tables import read_table, write_table

SHEET = ("sample", "size_factor", "library_size")


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    benchmark = read_table(given.benchmark)
    samples = read_table(given.samples)
    factors = [name for name in samples if name not in SHEET and not name.startswith(("pc", "share"))]
    samples[factors] = samples[factors].astype(str)
    latent = pd.concat(map(read_table, given.latent), ignore_index=True)
    published = read_table(given.published)
    deseq2 = [read_table(path) for path in given.deseq2]
    nbvae = [read_table(path) for path in given.nbvae]
    enrichment = [
        read_table(path, text=("term", "name", "collection", "analysis")) for path in given.enrichment
    ]
    markers = read_table(given.markers[0]) if given.markers else None
    others = dict(zip(params.others, map(read_table, given.others), strict=True))
    rows = [
        claims.label_claim(deseq2[0], others, markers),
        claims.separation_claim(latent, samples, factors, params.factor),
        claims.correlation_claim(benchmark, params.contrast),
        claims.low_count_claim(benchmark, params.contrast),
        claims.na_claim(published, deseq2[0], nbvae[0]),
        claims.pathway_claim(*enrichment, params.padj),
    ]
    table = pd.DataFrame(rows)
    table["figure"] = [f"results/figures/bulk/{params.dataset}/{name}.svg" for name in table.figure]
    if params.simulated:
        table["study"] = "bulk (simulated demo)"
    write_table(table, snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("pandas", "scikit-learn")):
        main(snakemake)
