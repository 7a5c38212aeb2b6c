"""Spatial study: imputation scored on counts it has not seen, on space, on planted truth; claims."""


rule score_rates:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
        graph="results/spatial/{dataset}/graph.npz",
    output:
        scores="results/spatial/{dataset}/held_out/seed{seed}.tsv",
        calibration="results/spatial/{dataset}/held_out/calibration_seed{seed}.tsv",
        coverage="results/spatial/{dataset}/held_out/coverage_seed{seed}.tsv",
    log:
        "results/logs/score_rates/{dataset}/seed{seed}.log",
    benchmark:
        "results/benchmarks/score_rates/{dataset}/seed{seed}.tsv"
    conda:
        "../envs/python.yaml"
    retries: 2
    threads: 1
    resources:
        mem_mb=memory(2000, 20),
        runtime=minutes(240),
        gpu=gpu_count,
    params:
        code=code_digest("spatial/score_rates"),
        settings=of_spatial("model"),
        share=SPATIAL["held_out_share"],
        control_seeds=SPATIAL["control_seeds"],
        device=config["device"],
        compute_threads=config["compute_threads"],
        log_dir="results/logs/score_rates/{dataset}/seed{seed}",
    message:
        "Predicting held-out counts of {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/spatial/score_rates.py"


rule score_scvi:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
    output:
        scores="results/spatial/{dataset}/held_out/scvi_seed{seed}.tsv",
    log:
        "results/logs/score_scvi/{dataset}/seed{seed}.log",
    benchmark:
        "results/benchmarks/score_scvi/{dataset}/seed{seed}.tsv"
    conda:
        "../envs/python.yaml"
    retries: 2
    threads: 1
    resources:
        mem_mb=memory(2000, 20),
        runtime=minutes(240),
        gpu=gpu_count,
    params:
        code=code_digest("spatial/score_scvi"),
        epochs=SPATIAL["scvi_epochs"],
        latent=SPATIAL["gmm_vgae"]["latent"],
        share=SPATIAL["held_out_share"],
        device=config["device"],
        compute_threads=config["compute_threads"],
    message:
        "Predicting held-out counts of {wildcards.dataset} with scVI, seed {wildcards.seed}"
    script:
        "../workflow_scripts/spatial/score_scvi.py"


rule collect_held_out:
    input:
        scores=of_spatial("held_out"),
        calibration=of_spatial("of_held_out", "calibration"),
        coverage=of_spatial("of_held_out", "coverage"),
    output:
        scores="results/spatial/{dataset}/held_out.tsv",
        verdict="results/spatial/{dataset}/verdict.tsv",
        calibration="results/spatial/{dataset}/calibration.tsv",
        coverage="results/spatial/{dataset}/coverage.tsv",
    log:
        "results/logs/collect_held_out/{dataset}.log",
    benchmark:
        "results/benchmarks/collect_held_out/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/collect_held_out"),
    message:
        "Held-out scores of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/collect_held_out.py"


rule score_masked:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
        graph="results/spatial/{dataset}/graph.npz",
    output:
        masked="results/spatial/{dataset}/masked.tsv",
    log:
        "results/logs/score_masked/{dataset}.log",
    benchmark:
        "results/benchmarks/score_masked/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    retries: 2
    threads: 1
    resources:
        mem_mb=memory(2000, 20),
        runtime=minutes(120),
        gpu=gpu_count,
    params:
        code=code_digest("spatial/score_masked"),
        settings=of_spatial("model"),
        seeds=SPATIAL["masked_seeds"],
        share=SPATIAL["held_out_share"],
        device=config["device"],
        compute_threads=config["compute_threads"],
    message:
        "The masked-value protocol on {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/score_masked.py"


rule score_autocorrelation:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
        graph="results/spatial/{dataset}/graph.npz",
        imputed="results/spatial/{dataset}/imputed.h5ad",
        genes="results/spatial/{dataset}/genes.tsv",
    output:
        autocorrelation="results/spatial/{dataset}/autocorrelation.tsv",
    log:
        "results/logs/score_autocorrelation/{dataset}.log",
    benchmark:
        "results/benchmarks/score_autocorrelation/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    retries: 2
    threads: 1
    resources:
        mem_mb=memory(2000, 20),
        runtime=minutes(120),
        gpu=gpu_count,
    params:
        code=code_digest("spatial/score_autocorrelation"),
        settings=of_spatial("model"),
        fixed_size=SPATIAL["fixed_size"],
        seed=0,
        device=config["device"],
        compute_threads=config["compute_threads"],
        log_dir="results/logs/score_autocorrelation/{dataset}",
    message:
        "Spatial autocorrelation of {wildcards.dataset} and of genes without a pattern"
    script:
        "../workflow_scripts/spatial/score_autocorrelation.py"
