"""Figures of the tissue and its genes."""


rule plot_tissue_overview:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
        graph="results/spatial/{dataset}/graph.tsv",
        degrees="results/spatial/{dataset}/degrees.tsv",
        edges="results/spatial/{dataset}/edges.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/tissue_overview.svg",
            caption="../report/spatial_tissue_overview.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "none",
                "panel": "tissue and graph",
            },
        ),
        png="results/figures/spatial/{dataset}/tissue_overview.png",
        tsv="results/figures/spatial/{dataset}/tissue_overview.tsv",
    log:
        "results/logs/plot_tissue_overview/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_tissue_overview/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_tissue_overview"),
        simulated=spatial_simulated,
    message:
        "Drawing the tissue and the graph of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_tissue_overview.py"


rule plot_imputability:
    input:
        genes="results/spatial/{dataset}/genes.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/imputability.svg",
            caption="../report/spatial_imputability.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "GMM-VGAE",
                "panel": "imputable genes",
            },
        ),
        png="results/figures/spatial/{dataset}/imputability.png",
        tsv="results/figures/spatial/{dataset}/imputability.tsv",
    log:
        "results/logs/plot_imputability/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_imputability/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_imputability"),
        simulated=spatial_simulated,
    message:
        "Drawing which genes of {wildcards.dataset} can be imputed"
    script:
        "../workflow_scripts/spatial/plot_imputability.py"
