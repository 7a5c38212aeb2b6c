"""Molecules study: from images to models of paired views; its figures are included here."""


include: "molecules_pairs.smk"
include: "molecules_figures.smk"


IMAGE_MODEL = "results/molecules/{dataset}/models/{model}/seed{seed}"
CLASSIFIERS = "results/molecules/{dataset}/classifiers"


rule simulate_digits:
    output:
        train_images="results/raw/demo/molecules/train-images-idx3-ubyte.gz",
        train_labels="results/raw/demo/molecules/train-labels-idx1-ubyte.gz",
        test_images="results/raw/demo/molecules/t10k-images-idx3-ubyte.gz",
        test_labels="results/raw/demo/molecules/t10k-labels-idx1-ubyte.gz",
    log:
        "results/logs/simulate_digits.log",
    benchmark:
        "results/benchmarks/simulate_digits.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/simulate_digits"),
        train=MOLECULES["demo"]["train"],
        test=MOLECULES["demo"]["test"],
        seed=MOLECULES["demo"]["seed"],
    message:
        "Simulating the demo's digits"
    script:
        "../workflow_scripts/molecules/simulate_digits.py"


rule build_image_pairs:
    input:
        train=image_files("train"),
        test=image_files("test"),
    output:
        pairs="results/molecules/{dataset}/image_pairs.safetensors",
        facts="results/molecules/{dataset}/statistics.tsv",
    log:
        "results/logs/build_image_pairs/{dataset}.log",
    benchmark:
        "results/benchmarks/build_image_pairs/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    cache: workflow.enable_cache
    threads: 1
    resources:
        mem_mb=memory(2500),
        runtime=minutes(20),
    params:
        code=code_digest("molecules/build_image_pairs"),
        images=image_setting("images"),
        files=block_part("molecules", "images"),
        seed=image_setting("seed"),
        information=image_setting("information"),
        statistics=of_molecules("statistics"),
    message:
        "Rotating, pairing and adding noise to the images of {wildcards.dataset}"
    script:
        "../workflow_scripts/molecules/build_image_pairs.py"


rule train_classifiers:
    input:
        pairs="results/molecules/{dataset}/image_pairs.safetensors",
    output:
        x=f"{CLASSIFIERS}/x/model.safetensors",
        y=f"{CLASSIFIERS}/y/model.safetensors",
        card_x=f"{CLASSIFIERS}/x/model.json",
        card_y=f"{CLASSIFIERS}/y/model.json",
        ceilings="results/molecules/{dataset}/ceilings.tsv",
    log:
        "results/logs/train_classifiers/{dataset}.log",
    benchmark:
        "results/benchmarks/train_classifiers/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
        gpu=gpu_count,
    params:
        code=code_digest("molecules/train_classifiers"),
        settings=image_setting("classifier"),
        device=config["device"],
        compute_threads=config["compute_threads"],
        log_dir="results/logs/train_classifiers/{dataset}",
    message:
        "Training a classifier of each view of {wildcards.dataset}"
    script:
        "../workflow_scripts/molecules/train_classifiers.py"


rule train_image_model:
    input:
        pairs="results/molecules/{dataset}/image_pairs.safetensors",
        classifier=f"{CLASSIFIERS}/x/model.safetensors",
        card=f"{CLASSIFIERS}/x/model.json",
    output:
        weights=f"{IMAGE_MODEL}/model.safetensors",
        card=f"{IMAGE_MODEL}/model.json",
        metrics=f"{IMAGE_MODEL}/metrics.json",
        runtime=f"{IMAGE_MODEL}/runtime.json",
        history=f"{IMAGE_MODEL}/history.tsv",
    log:
        "results/logs/train_image_model/{dataset}/{model}/{seed}.log",
    benchmark:
        "results/benchmarks/train_image_model/{dataset}/{model}/{seed}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(720),
        gpu=gpu_count,
    params:
        code=code_digest("molecules/train_image_model"),
        settings=image_model,
        device=config["device"],
        compute_threads=config["compute_threads"],
        log_dir="results/logs/train_image_model/{dataset}/{model}/{seed}",
    message:
        "Training {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/molecules/train_image_model.py"


rule score_image_model:
    input:
        pairs="results/molecules/{dataset}/image_pairs.safetensors",
        classifier=f"{CLASSIFIERS}/x/model.safetensors",
        classifier_card=f"{CLASSIFIERS}/x/model.json",
        weights=f"{IMAGE_MODEL}/model.safetensors",
        card=f"{IMAGE_MODEL}/model.json",
    output:
        scores=f"{IMAGE_MODEL}/scores.tsv",
        samples=f"{IMAGE_MODEL}/samples.tsv",
    log:
        "results/logs/score_image_model/{dataset}/{model}/{seed}.log",
    benchmark:
        "results/benchmarks/score_image_model/{dataset}/{model}/{seed}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
    params:
        code=code_digest("molecules/score_image_model"),
        settings=image_model,
        information=image_setting("information"),
        compute_threads=config["compute_threads"],
    message:
        "Scoring {wildcards.model} on the test pairs of {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/molecules/score_image_model.py"
