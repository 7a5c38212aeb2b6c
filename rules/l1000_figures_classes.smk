"""Figures of perturbagen classes and of drugs' targets."""


rule plot_class_generation:
    input:
        class_generation="results/l1000/{dataset}/class_generation.tsv",
        class_neighbours="results/l1000/{dataset}/class_neighbours.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/class_generation.svg",
            caption="../report/l1000_class_generation.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "VAE",
                "panel": "generation for a class",
            },
        ),
        png="results/figures/l1000/{dataset}/class_generation.png",
        tsv="results/figures/l1000/{dataset}/class_generation.tsv",
    log:
        "results/logs/plot_class_generation/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_class_generation/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_class_generation"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing signatures of {wildcards.dataset} that were generated for a class"
    script:
        "../workflow_scripts/l1000/plot_class_generation.py"


rule plot_class_prediction:
    input:
        classification="results/l1000/{dataset}/classification.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/class_prediction.svg",
            caption="../report/l1000_class_prediction.rst",
            category="l1000",
            labels={"dataset": "{dataset}", "model": "all", "panel": "class prediction"},
        ),
        png="results/figures/l1000/{dataset}/class_prediction.png",
        tsv="results/figures/l1000/{dataset}/class_prediction.tsv",
    log:
        "results/logs/plot_class_prediction/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_class_prediction/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_class_prediction"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the prediction of classes of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_class_prediction.py"


rule plot_code_assignment:
    input:
        codes="results/l1000/{dataset}/codes.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/code_assignment.svg",
            caption="../report/l1000_code_assignment.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "S-VQ-VAE",
                "panel": "nearest code",
            },
        ),
        png="results/figures/l1000/{dataset}/code_assignment.png",
        tsv="results/figures/l1000/{dataset}/code_assignment.tsv",
    log:
        "results/logs/plot_code_assignment/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_code_assignment/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_code_assignment"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the nearest codes of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_code_assignment.py"


rule plot_drug_targets:
    input:
        targets="results/l1000/{dataset}/targets.tsv",
        target_drugs="results/l1000/{dataset}/target_drugs.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/drug_targets.svg",
            caption="../report/l1000_drug_targets.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "VAE",
                "panel": "drugs and targets",
            },
        ),
        png="results/figures/l1000/{dataset}/drug_targets.png",
        tsv="results/figures/l1000/{dataset}/drug_targets.tsv",
    log:
        "results/logs/plot_drug_targets/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_drug_targets/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_drug_targets"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing drugs of {wildcards.dataset} and the knock-downs of their targets"
    script:
        "../workflow_scripts/l1000/plot_drug_targets.py"
