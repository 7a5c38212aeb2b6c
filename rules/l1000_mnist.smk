"""L1000 study: the MNIST tutorial of the S-VQ-VAE."""

MNIST_MODEL = "results/l1000/{dataset}/models/svqvae_images/seed{seed}"


rule train_mnist:
    input:
        train=mnist_train,
        test=mnist_test,
    output:
        weights=f"{MNIST_MODEL}/model.safetensors",
        card=f"{MNIST_MODEL}/model.json",
        metrics=f"{MNIST_MODEL}/metrics.json",
        runtime=f"{MNIST_MODEL}/runtime.json",
        history=f"{MNIST_MODEL}/history.tsv",
        codes=f"{MNIST_MODEL}/codes.tsv",
        distances=f"{MNIST_MODEL}/distances.tsv",
        decoded=f"{MNIST_MODEL}/decoded.tsv",
    log:
        "results/logs/train_mnist/{dataset}/{seed}.log",
    benchmark:
        "results/benchmarks/train_mnist/{dataset}/{seed}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(120),
        gpu=gpu_count,
    params:
        code=code_digest("l1000/train_mnist"),
        settings=mnist_settings,
        device=config["device"],
        compute_threads=config["compute_threads"],
        log_dir="results/logs/train_mnist/{dataset}/{seed}",
    message:
        "Training the S-VQ-VAE of {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/l1000/train_mnist.py"


rule plot_mnist_codes:
    input:
        history=of_l1000("of_seeds", "svqvae_images", "history.tsv"),
        metrics=of_l1000("of_seeds", "svqvae_images", "metrics.json"),
        codes=of_l1000("of_seeds", "svqvae_images", "codes.tsv"),
        distances=of_l1000("of_seeds", "svqvae_images", "distances.tsv"),
        decoded=of_l1000("of_seeds", "svqvae_images", "decoded.tsv"),
    output:
        svg=report(
            "results/figures/l1000/{dataset}/mnist_codes.svg",
            caption="../report/l1000_mnist_codes.rst",
            category="l1000",
            labels={"dataset": "{dataset}", "model": "S-VQ-VAE", "panel": "MNIST"},
        ),
        png="results/figures/l1000/{dataset}/mnist_codes.png",
        tsv="results/figures/l1000/{dataset}/mnist_codes.tsv",
    log:
        "results/logs/plot_mnist_codes/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_mnist_codes/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code_digest("l1000/plot_mnist_codes"),
        note=l1000_note,
    message:
        "Drawing the codes of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_mnist_codes.py"
