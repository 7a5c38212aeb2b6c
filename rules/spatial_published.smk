"""Spatial study: the published GMM-VGAE on few spots, and what its imputed matrix is."""

PUBLISHED_SPATIAL = "results/spatial/{dataset}/published"


rule run_published:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
    output:
        findings=f"{PUBLISHED_SPATIAL}/findings.tsv",
        epochs=f"{PUBLISHED_SPATIAL}/epochs.tsv",
        matrix=f"{PUBLISHED_SPATIAL}/matrix.npz",
        runtime=f"{PUBLISHED_SPATIAL}/runtime.json",
    log:
        "results/logs/run_published/{dataset}.log",
    benchmark:
        "results/benchmarks/run_published/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
    params:
        code=code_digest("spatial/run_published"),
        settings=of_spatial("published"),
        compute_threads=config["compute_threads"],
        log_dir="results/logs/run_published/{dataset}",
    message:
        "Running the published GMM-VGAE on {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/run_published.py"
