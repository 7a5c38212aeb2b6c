"""Figures of training, size, and the published model."""


rule plot_training_curves:
    input:
        histories=spatial_histories,
    output:
        svg=report(
            "results/figures/spatial/{dataset}/training_curves.svg",
            caption="../report/spatial_training_curves.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "GMM-VGAE",
                "panel": "training",
            },
        ),
        png="results/figures/spatial/{dataset}/training_curves.png",
        tsv="results/figures/spatial/{dataset}/training_curves.tsv",
    log:
        "results/logs/plot_training_curves/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_training_curves/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_training_curves"),
        simulated=spatial_simulated,
    message:
        "Drawing the training of the model of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_training_curves.py"


rule plot_scaling:
    input:
        scaling=project_file("resources/spatial/scaling.tsv"),
    output:
        svg=report(
            "results/figures/spatial/{dataset}/scaling.svg",
            caption="../report/spatial_scaling.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "all",
                "panel": "time and memory",
            },
        ),
        png="results/figures/spatial/{dataset}/scaling.png",
        tsv="results/figures/spatial/{dataset}/scaling.tsv",
    log:
        "results/logs/plot_scaling/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_scaling/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_scaling"),
        simulated=True,
    message:
        "Drawing time and memory of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_scaling.py"


rule plot_published_matrix:
    input:
        matrix="results/spatial/{dataset}/published/matrix.npz",
        findings="results/spatial/{dataset}/published/findings.tsv",
        epochs="results/spatial/{dataset}/published/epochs.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/published_matrix.svg",
            caption="../report/spatial_published_matrix.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "as published",
                "panel": "published matrix",
            },
        ),
        png="results/figures/spatial/{dataset}/published_matrix.png",
        tsv="results/figures/spatial/{dataset}/published_matrix.tsv",
    log:
        "results/logs/plot_published_matrix/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_published_matrix/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_published_matrix"),
        simulated=spatial_simulated,
        note=spatial_note,
    message:
        "Drawing what the published matrix of {wildcards.dataset} is"
    script:
        "../workflow_scripts/spatial/plot_published_matrix.py"
