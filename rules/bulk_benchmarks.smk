"""Bulk study: benchmarks against truth, baselines and nulls; the claims."""


rule benchmark_simulation:
    output:
        "results/bulk/simulation.tsv",
    log:
        "results/logs/benchmark_simulation.log",
    benchmark:
        "results/benchmarks/benchmark_simulation.tsv"
    conda:
        "../envs/deseq2.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
        gpu=gpu_count,
    params:
        code=code_digest("bulk/benchmark_simulation"),
        simulation=BULK["simulation"],
        settings=BULK["nbvae"],
        delta=BULK["delta"],
        padj=BULK["padj"],
        device=config["device"],
        compute_threads=config["compute_threads"],
    message:
        "Simulated truth: false discoveries, power, coverage of every method"
    script:
        "../workflow_scripts/bulk/benchmark_simulation.py"


rule permute_labels:
    input:
        counts="results/bulk/{dataset}/counts.h5ad",
        weights=of_dataset("of_seeds", "nbvae", "model.safetensors"),
    output:
        "results/bulk/{dataset}/permutation.tsv",
    log:
        "results/logs/permute_labels/{dataset}.log",
    benchmark:
        "results/benchmarks/permute_labels/{dataset}.tsv"
    conda:
        "../envs/deseq2.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
    params:
        code=code_digest("bulk/permute_labels"),
        name=of_dataset("main"),
        contrast=of_dataset("main_contrast"),
        numeric=bulk_option("numeric", []),
        batch=bulk_option("batch", []),
        factors=of_dataset("latent_factors"),
        delta=BULK["delta"],
        padj=BULK["padj"],
        permutations=bulk_option("permutations", BULK["permutations"]),
        with_deseq2=deseq2_in_null,
        size_factor_type=bulk_option("size_factors", "ratio"),
        seed=0,
        compute_threads=config["compute_threads"],
    message:
        "Label-permutation null on {wildcards.dataset}"
    # The longest jobs go first, so that no core waits for the last one.
    priority: 10
    script:
        "../workflow_scripts/bulk/permute_labels.py"


rule score_markers:
    input:
        counts="results/bulk/{dataset}/counts.h5ad",
        deseq2=bulk_de("deseq2"),
        nbvae=bulk_de("nbvae"),
    output:
        markers="results/bulk/{dataset}/markers.tsv",
        lfc="results/bulk/{dataset}/markers_lfc.tsv",
    log:
        "results/logs/score_markers/{dataset}.log",
    benchmark:
        "results/benchmarks/score_markers/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/score_markers"),
        markers=bulk_option("markers", {}),
        contrasts=bulk_contrasts,
        factors=bulk_factors,
    message:
        "Marker genes of {wildcards.dataset} under every contrast"
    script:
        "../workflow_scripts/bulk/score_markers.py"


rule score_methods:
    input:
        counts="results/bulk/{dataset}/counts.h5ad",
        deseq2=bulk_de("deseq2"),
        deseq2_shrunken=bulk_de("deseq2_shrunken"),
        nbvae=bulk_de("nbvae"),
        nbvae_permuted=bulk_de("nbvae_permuted"),
        log_ratio=bulk_de("log_ratio"),
        mean_log=bulk_de("mean_log"),
        seeds=bulk_de("nbvae_seeds"),
        published=bulk_published,
        truth=bulk_file("truth"),
        metrics=of_dataset("held_out_metrics"),
        simulation="results/bulk/simulation.tsv",
        permutation="results/bulk/{dataset}/permutation.tsv",
    output:
        benchmark="results/bulk/{dataset}/benchmark.tsv",
        spike_in="results/bulk/{dataset}/spike_in.tsv",
    log:
        "results/logs/score_methods/{dataset}.log",
    benchmark:
        "results/benchmarks/score_methods/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(30),
    params:
        code=code_digest("bulk/score_methods"),
        contrasts=bulk_contrasts,
        published=bulk_option("published", None),
        batch=bulk_option("batch", []),
        held_out=BULK["nbvae"]["held_out_fraction"],
        seeds=of_dataset("seeds"),
    message:
        "Scoring every method on {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/score_methods.py"


rule audit_bulk_claims:
    input:
        unpack(bulk_claim_inputs),
    output:
        "results/bulk/claims.tsv",
    log:
        "results/logs/audit_bulk_claims.log",
    benchmark:
        "results/benchmarks/audit_bulk_claims.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/audit_bulk_claims"),
        dataset=of_claims("name"),
        contrast=of_claims("published"),
        others=of_claims("other_contrasts"),
        factor=of_claims("published_factor"),
        simulated=of_claims("simulated"),
        padj=BULK["padj"],
    message:
        "Auditing the published claims of the bulk study"
    script:
        "../workflow_scripts/bulk/audit_bulk_claims.py"
