"""Figures of spatial domains."""


rule plot_spatial_domains:
    input:
        domain_map="results/spatial/{dataset}/domain_map.tsv",
        domains="results/spatial/{dataset}/domains.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/spatial_domains.svg",
            caption="../report/spatial_spatial_domains.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "all",
                "panel": "domains on the tissue",
            },
        ),
        png="results/figures/spatial/{dataset}/spatial_domains.png",
        tsv="results/figures/spatial/{dataset}/spatial_domains.tsv",
    log:
        "results/logs/plot_spatial_domains/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_spatial_domains/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_spatial_domains"),
        simulated=spatial_simulated,
    message:
        "Drawing the domains of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_spatial_domains.py"


rule plot_domain_agreement:
    input:
        domains="results/spatial/{dataset}/domains.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/domain_agreement.svg",
            caption="../report/spatial_domain_agreement.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "all",
                "panel": "agreement with labels",
            },
        ),
        png="results/figures/spatial/{dataset}/domain_agreement.png",
        tsv="results/figures/spatial/{dataset}/domain_agreement.tsv",
    log:
        "results/logs/plot_domain_agreement/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_domain_agreement/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_domain_agreement"),
        simulated=spatial_simulated,
    message:
        "Drawing the agreement of domains of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_domain_agreement.py"


rule plot_clustering_after_imputation:
    input:
        after_imputation="results/spatial/{dataset}/after_imputation.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/clustering_after_imputation.svg",
            caption="../report/spatial_clustering_after_imputation.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "GMM-VGAE",
                "panel": "clusters after imputation",
            },
        ),
        png="results/figures/spatial/{dataset}/clustering_after_imputation.png",
        tsv="results/figures/spatial/{dataset}/clustering_after_imputation.tsv",
    log:
        "results/logs/plot_clustering_after_imputation/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_clustering_after_imputation/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_clustering_after_imputation"),
        simulated=spatial_simulated,
    message:
        "Drawing clusters before and after imputation of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_clustering_after_imputation.py"
