"""Figures of the models and of what they reconstruct."""


rule plot_model_architectures:
    input:
        cards=l1000_cards,
    output:
        svg=report(
            "results/figures/l1000/{dataset}/model_architectures.svg",
            caption="../report/l1000_model_architectures.rst",
            category="l1000",
            labels={"dataset": "{dataset}", "model": "all", "panel": "architectures"},
        ),
        png="results/figures/l1000/{dataset}/model_architectures.png",
        tsv="results/figures/l1000/{dataset}/model_architectures.tsv",
    log:
        "results/logs/plot_model_architectures/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_model_architectures/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_model_architectures"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the models of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_model_architectures.py"


rule plot_signature_training:
    input:
        histories=l1000_history,
    output:
        svg=report(
            "results/figures/l1000/{dataset}/signature_training.svg",
            caption="../report/l1000_signature_training.rst",
            category="l1000",
            labels={"dataset": "{dataset}", "model": "all", "panel": "training"},
        ),
        png="results/figures/l1000/{dataset}/signature_training.png",
        tsv="results/figures/l1000/{dataset}/signature_training.tsv",
    log:
        "results/logs/plot_signature_training/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_signature_training/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_signature_training"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the losses of the models of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_signature_training.py"


rule plot_reconstruction:
    input:
        reconstruction="results/l1000/{dataset}/reconstruction.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/reconstruction.svg",
            caption="../report/l1000_reconstruction.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "all",
                "panel": "held-out compounds",
            },
        ),
        png="results/figures/l1000/{dataset}/reconstruction.png",
        tsv="results/figures/l1000/{dataset}/reconstruction.tsv",
    log:
        "results/logs/plot_reconstruction/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_reconstruction/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_reconstruction"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the reconstruction of held-out compounds of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_reconstruction.py"


rule plot_programmes:
    input:
        programmes="results/l1000/{dataset}/programmes.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/programmes.svg",
            caption="../report/l1000_programmes.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "VAE",
                "panel": "planted programmes",
            },
        ),
        png="results/figures/l1000/{dataset}/programmes.png",
        tsv="results/figures/l1000/{dataset}/programmes.tsv",
    log:
        "results/logs/plot_programmes/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_programmes/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_programmes"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the planted programmes of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_programmes.py"
