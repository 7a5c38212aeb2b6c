"""Write the demo's raw files: a GEO count table, a sample sheet, the truth and two gene set files."""

import gzip
import io

from workflow_scripts.lib.data.simulate_counts import simulate_counts
from workflow_scripts.lib.files import write_atomic
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table


def main(snakemake) -> None:
    params = snakemake.params
    made = simulate_counts(params.genes, params.replicates, params.de_fraction, params.seed)
    counts = made.counts.reset_index().rename(columns={"gene_id": "GeneID"})
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as stream:
        stream.write(counts.to_csv(sep="\t", index=False, lineterminator="\r\n").encode())
    write_atomic(snakemake.output.counts, buffer.getvalue())
    write_table(made.samples.reset_index(), snakemake.output.samples)
    write_table(made.truth, snakemake.output.truth)
    names = sorted(made.gene_sets)
    for half, path in enumerate((snakemake.output.go, snakemake.output.kegg)):
        lines = ["\t".join([name, "simulated", *made.gene_sets[name]]) for name in names[half::2]]
        write_atomic(path, "\n".join(lines) + "\n")


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "pandas"), seed=snakemake.params.seed):
        main(snakemake)
