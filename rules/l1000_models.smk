"""L1000 study: models trained on signatures, one job a seed, and the published weights."""

SIGNATURE_MODEL = "results/l1000/{dataset}/models/{model}/seed{seed}"


rule train_model:
    input:
        signatures="results/l1000/{dataset}/signatures.h5ad",
        splits="results/l1000/{dataset}/splits.tsv",
        pretrained=l1000_pretrained,
    output:
        weights=f"{SIGNATURE_MODEL}/model.safetensors",
        card=f"{SIGNATURE_MODEL}/model.json",
        metrics=f"{SIGNATURE_MODEL}/metrics.json",
        runtime=f"{SIGNATURE_MODEL}/runtime.json",
        history=f"{SIGNATURE_MODEL}/history.tsv",
    wildcard_constraints:
        model="vae|vae_linear|vae_published|svqvae|svqvae_published",
    log:
        "results/logs/train_model/{dataset}/{model}-{seed}.log",
    benchmark:
        "results/benchmarks/train_model/{dataset}/{model}-{seed}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(480),
        gpu=gpu_count,
    params:
        code=code_digest("l1000/train_model"),
        settings=model_settings,
        pretrained=l1000_option("pretrained", None),
        device=config["device"],
        compute_threads=config["compute_threads"],
        log_dir="results/logs/train_model/{dataset}/{model}-{seed}",
    message:
        "Training {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}"
    # All analyses wait for it.
    priority: 10
    script:
        "../workflow_scripts/l1000/train_model.py"


rule convert_published:
    input:
        weights=published_files,
        codes=project_file("resources/l1000/published_codes.tsv"),
        gene_info=published_genes,
    output:
        weights="results/l1000/published/{model}/model.safetensors",
        card="results/l1000/published/{model}/model.json",
    wildcard_constraints:
        model="weights_svqvae|weights_smp|weights_gp|weights_smgp",
    log:
        "results/logs/convert_published/{model}.log",
    benchmark:
        "results/benchmarks/convert_published/{model}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/convert_published"),
    message:
        "Converting the published weights of {wildcards.model}"
    script:
        "../workflow_scripts/l1000/convert_published.py"
