"""Bulk study: from raw counts to differential expression; its other stages are included here."""


include: "bulk_models.smk"
include: "bulk_enrichment.smk"
include: "bulk_benchmarks.smk"
include: "bulk_figures.smk"


rule simulate_counts:
    output:
        counts="results/raw/demo/counts.txt.gz",
        samples="results/raw/demo/samples.tsv",
        truth="results/raw/demo/truth.tsv",
        go="results/raw/demo/go.gmt",
        kegg="results/raw/demo/kegg.gmt",
    log:
        "results/logs/simulate_counts.log",
    benchmark:
        "results/benchmarks/simulate_counts.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/simulate_counts"),
        genes=DEMO["genes"],
        replicates=DEMO["replicates"],
        de_fraction=BULK["simulation"]["de_fraction"],
        seed=DEMO["seed"],
    message:
        "Simulating the demo's raw counts with known truth"
    script:
        "../workflow_scripts/bulk/simulate_counts.py"


rule prepare_counts:
    input:
        counts=bulk_file("counts"),
        samples=bulk_file("samples"),
        truth=bulk_file("truth"),
        gene_info=bulk_file("gene_info"),
        control=bulk_file("size_factor_genes"),
    output:
        "results/bulk/{dataset}/counts.h5ad",
    log:
        "results/logs/prepare_counts/{dataset}.log",
    benchmark:
        "results/benchmarks/prepare_counts/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    cache: workflow.enable_cache
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(20),
    params:
        code=code_digest("bulk/prepare_counts"),
        block=of_dataset("block"),
        factors=bulk_factors,
    message:
        "Reading counts and sample sheet of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/prepare_counts.py"


rule check_samples:
    input:
        "results/bulk/{dataset}/counts.h5ad",
    output:
        sanity="results/bulk/{dataset}/sanity.tsv",
        samples="results/bulk/{dataset}/samples.tsv",
    log:
        "results/logs/check_samples/{dataset}.log",
    benchmark:
        "results/benchmarks/check_samples/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/check_samples"),
        factors=bulk_factors,
        markers=bulk_option("markers", {}),
        numeric=bulk_option("numeric", []),
        contrasts=bulk_option("contrasts", {}),
    message:
        "Checking the sample sheet of {wildcards.dataset} against its counts"
    script:
        "../workflow_scripts/bulk/check_samples.py"


rule run_deseq2:
    input:
        "results/bulk/{dataset}/counts.h5ad",
    output:
        table="results/bulk/{dataset}/de/deseq2/{contrast}.tsv",
        shrunken="results/bulk/{dataset}/de/deseq2_shrunken/{contrast}.tsv",
        size_factors="results/bulk/{dataset}/deseq2/{contrast}/size_factors.tsv",
        dispersions="results/bulk/{dataset}/deseq2/{contrast}/dispersions.tsv",
        vst="results/bulk/{dataset}/deseq2/{contrast}/vst.tsv.gz",
        facts="results/bulk/{dataset}/deseq2/{contrast}/facts.tsv",
    log:
        "results/logs/run_deseq2/{dataset}/{contrast}.log",
    benchmark:
        "results/benchmarks/run_deseq2/{dataset}/{contrast}.tsv"
    conda:
        "../envs/deseq2.yaml"
    threads: deseq2_workers
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
    params:
        code=code_digest("bulk/run_deseq2"),
        block=of_dataset("deseq2_options"),
        contrast=contrast_of,
        shrinkage=BULK["shrinkage"],
    message:
        "DESeq2 on {wildcards.dataset}, contrast {wildcards.contrast}"
    # Everything that compares waits for it, and a cohort takes minutes.
    priority: 10
    script:
        "../workflow_scripts/bulk/run_deseq2.py"


rule de_baselines:
    input:
        counts="results/bulk/{dataset}/counts.h5ad",
    output:
        mean_log="results/bulk/{dataset}/de/mean_log/{contrast}.tsv",
        log_ratio="results/bulk/{dataset}/de/log_ratio/{contrast}.tsv",
    log:
        "results/logs/de_baselines/{dataset}/{contrast}.log",
    benchmark:
        "results/benchmarks/de_baselines/{dataset}/{contrast}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/de_baselines"),
        contrast=contrast_of,
        numeric=bulk_option("numeric", []),
    message:
        "Trivial predictors on {wildcards.dataset}, contrast {wildcards.contrast}"
    script:
        "../workflow_scripts/bulk/de_baselines.py"


rule de_nbvae:
    input:
        counts="results/bulk/{dataset}/counts.h5ad",
        weights=of_dataset("of_seeds", "nbvae", "model.safetensors"),
    output:
        table="results/bulk/{dataset}/de/nbvae/{contrast}.tsv",
        permuted="results/bulk/{dataset}/de/nbvae_permuted/{contrast}.tsv",
        seeds="results/bulk/{dataset}/de/nbvae_seeds/{contrast}.tsv",
    log:
        "results/logs/de_nbvae/{dataset}/{contrast}.log",
    benchmark:
        "results/benchmarks/de_nbvae/{dataset}/{contrast}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(6000),
        runtime=minutes(60),
    params:
        code=code_digest("bulk/de_nbvae"),
        contrast=contrast_of,
        numeric=bulk_option("numeric", []),
        batch=bulk_option("batch", []),
        seeds=of_dataset("seeds"),
        factors=of_dataset("latent_factors"),
        delta=BULK["delta"],
        seed=0,
        compute_threads=config["compute_threads"],
    message:
        "Generative differential expression on {wildcards.dataset}, contrast {wildcards.contrast}"
    script:
        "../workflow_scripts/bulk/de_nbvae.py"
