"""Bulk study: models trained on counts, one job a seed."""

MODEL = "results/bulk/{dataset}/models/{model}/seed{seed}"


rule train_nbvae:
    input:
        counts="results/bulk/{dataset}/counts.h5ad",
        pretrained=pretrained_weights,
    output:
        weights=f"{MODEL}/model.safetensors",
        card=f"{MODEL}/model.json",
        metrics=f"{MODEL}/metrics.json",
        runtime=f"{MODEL}/runtime.json",
        history=f"{MODEL}/history.tsv",
        latent=f"{MODEL}/latent.tsv",
    wildcard_constraints:
        model="nbvae|nbvae_linear|nbvae_zinb",
    log:
        "results/logs/train_nbvae/{dataset}/{model}-{seed}.log",
    benchmark:
        "results/benchmarks/train_nbvae/{dataset}/{model}-{seed}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
        gpu=gpu_count,
    params:
        code=code_digest("bulk/train_nbvae"),
        settings=of_dataset("nbvae_settings"),
        batch=bulk_option("batch", []),
        pretrained=bulk_option("pretrained", None),
        device=config["device"],
        compute_threads=config["compute_threads"],
        log_dir="results/logs/train_nbvae/{dataset}/{model}-{seed}",
    message:
        "Training {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/bulk/train_nbvae.py"


rule train_published:
    input:
        counts="results/bulk/{dataset}/counts.h5ad",
        deseq2=published_deseq2,
    output:
        weights="results/bulk/{dataset}/models/published/seed{seed}/model.safetensors",
        card="results/bulk/{dataset}/models/published/seed{seed}/model.json",
        metrics="results/bulk/{dataset}/models/published/seed{seed}/metrics.json",
        runtime="results/bulk/{dataset}/models/published/seed{seed}/runtime.json",
        history="results/bulk/{dataset}/models/published/seed{seed}/history.tsv",
        latent="results/bulk/{dataset}/models/published/seed{seed}/latent.tsv",
        lfc="results/bulk/{dataset}/models/published/seed{seed}/lfc.tsv",
    log:
        "results/logs/train_published/{dataset}/{seed}.log",
    benchmark:
        "results/benchmarks/train_published/{dataset}/{seed}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(240),
    params:
        code=code_digest("bulk/train_published"),
        contrast=of_dataset("published_contrast"),
        epochs=BULK["published"]["epochs"],
        compute_threads=config["compute_threads"],
        log_dir="results/logs/train_published/{dataset}/{seed}",
    message:
        "Training the as-published NB-VAE on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/bulk/train_published.py"


rule collect_published:
    input:
        of_dataset("of_seeds", "published", "lfc.tsv"),
    output:
        "results/bulk/{dataset}/de/published/{contrast}.tsv",
    log:
        "results/logs/collect_published/{dataset}/{contrast}.log",
    benchmark:
        "results/benchmarks/collect_published/{dataset}/{contrast}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/collect_published"),
    message:
        "Collecting the as-published fold changes of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/collect_published.py"


rule train_scvi:
    input:
        counts="results/bulk/{dataset}/counts.h5ad",
    output:
        metrics="results/bulk/{dataset}/models/scvi/seed{seed}/metrics.json",
    log:
        "results/logs/train_scvi/{dataset}/{seed}.log",
    benchmark:
        "results/benchmarks/train_scvi/{dataset}/{seed}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
        gpu=gpu_count,
    params:
        code=code_digest("bulk/train_scvi"),
        settings=of_dataset("nbvae_settings"),
        epochs=BULK["scvi_epochs"],
        batch=bulk_option("batch", []),
        device=config["device"],
        compute_threads=config["compute_threads"],
    message:
        "Training scVI on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/bulk/train_scvi.py"
