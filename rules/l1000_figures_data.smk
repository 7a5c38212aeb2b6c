"""Figures of the signatures."""


rule plot_dataset_overview:
    input:
        counts="results/l1000/{dataset}/counts.tsv",
        cell_lines="results/l1000/{dataset}/cell_lines.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/dataset_overview.svg",
            caption="../report/l1000_dataset_overview.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "none",
                "panel": "filters and cell lines",
            },
        ),
        png="results/figures/l1000/{dataset}/dataset_overview.png",
        tsv="results/figures/l1000/{dataset}/dataset_overview.tsv",
    log:
        "results/logs/plot_dataset_overview/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_dataset_overview/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_dataset_overview"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the filters and cell lines of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_dataset_overview.py"


rule plot_expression_pca:
    input:
        expression_points="results/l1000/{dataset}/expression_points.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/expression_pca.svg",
            caption="../report/l1000_expression_pca.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "none",
                "panel": "principal components",
            },
        ),
        png="results/figures/l1000/{dataset}/expression_pca.png",
        tsv="results/figures/l1000/{dataset}/expression_pca.tsv",
    log:
        "results/logs/plot_expression_pca/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_expression_pca/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_expression_pca"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the signatures of {wildcards.dataset} in two principal components"
    script:
        "../workflow_scripts/l1000/plot_expression_pca.py"
