"""Spatial study: the Gaussian-mixture VGAE, its imputed rates and its domains."""

SPOT_MODEL = "results/spatial/{dataset}/models/gmm_vgae/seed{seed}"


rule train_spots:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
        graph="results/spatial/{dataset}/graph.npz",
        pretrained=spatial_pretrained,
    output:
        weights=f"{SPOT_MODEL}/model.safetensors",
        card=f"{SPOT_MODEL}/model.json",
        metrics=f"{SPOT_MODEL}/metrics.json",
        runtime=f"{SPOT_MODEL}/runtime.json",
        history=f"{SPOT_MODEL}/history.tsv",
    log:
        "results/logs/train_spots/{dataset}/seed{seed}.log",
    benchmark:
        "results/benchmarks/train_spots/{dataset}/seed{seed}.tsv"
    conda:
        "../envs/python.yaml"
    retries: 2
    threads: 1
    resources:
        mem_mb=memory(2000, 20),
        runtime=minutes(240),
        gpu=gpu_count,
    params:
        code=code_digest("spatial/train_spots"),
        settings=of_spatial("model"),
        pretrained=spatial_option("pretrained", None),
        device=config["device"],
        compute_threads=config["compute_threads"],
        log_dir="results/logs/train_spots/{dataset}/seed{seed}",
    message:
        "Training the GMM-VGAE on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/spatial/train_spots.py"


rule impute_spots:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
        graph="results/spatial/{dataset}/graph.npz",
        model=spatial_first_model,
    output:
        imputed="results/spatial/{dataset}/imputed.h5ad",
        genes="results/spatial/{dataset}/genes.tsv",
    log:
        "results/logs/impute_spots/{dataset}.log",
    benchmark:
        "results/benchmarks/impute_spots/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 20),
        runtime=minutes(120),
    params:
        code=code_digest("spatial/impute_spots"),
        fixed_size=SPATIAL["fixed_size"],
    message:
        "Imputing {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/impute_spots.py"


rule assign_domains:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
        graph="results/spatial/{dataset}/graph.npz",
        model=spatial_model,
    output:
        scores="results/spatial/{dataset}/domains/scores_seed{seed}.tsv",
        domains="results/spatial/{dataset}/domains/seed{seed}.tsv",
        after="results/spatial/{dataset}/domains/after_seed{seed}.tsv",
    log:
        "results/logs/assign_domains/{dataset}/seed{seed}.log",
    benchmark:
        "results/benchmarks/assign_domains/{dataset}/seed{seed}.tsv"
    conda:
        "../envs/python.yaml"
    retries: 2
    threads: 1
    resources:
        mem_mb=memory(2000, 20),
        runtime=minutes(120),
        gpu=gpu_count,
    params:
        code=code_digest("spatial/assign_domains"),
        settings=of_spatial("model"),
        domains=of_spatial("domains"),
        by_section=of_spatial("by_section"),
        device=config["device"],
        compute_threads=config["compute_threads"],
    message:
        "Domains of {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/spatial/assign_domains.py"


rule collect_domains:
    input:
        scores=of_spatial("domain_scores"),
        maps=of_spatial("domain_tables"),
        after=of_spatial("domain_changes"),
    output:
        domains="results/spatial/{dataset}/domains.tsv",
        domain_map="results/spatial/{dataset}/domain_map.tsv",
        after="results/spatial/{dataset}/after_imputation.tsv",
    log:
        "results/logs/collect_domains/{dataset}.log",
    benchmark:
        "results/benchmarks/collect_domains/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/collect_domains"),
        tuned=spatial_option("tuned_sections", []),
    message:
        "Agreement of the domains of {wildcards.dataset} with its annotation"
    script:
        "../workflow_scripts/spatial/collect_domains.py"
