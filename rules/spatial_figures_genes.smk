"""Figures of genes before and after imputation."""


rule plot_spatial_autocorrelation:
    input:
        autocorrelation="results/spatial/{dataset}/autocorrelation.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/spatial_autocorrelation.svg",
            caption="../report/spatial_spatial_autocorrelation.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "GMM-VGAE",
                "panel": "autocorrelation",
            },
        ),
        png="results/figures/spatial/{dataset}/spatial_autocorrelation.png",
        tsv="results/figures/spatial/{dataset}/spatial_autocorrelation.tsv",
    log:
        "results/logs/plot_spatial_autocorrelation/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_spatial_autocorrelation/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_spatial_autocorrelation"),
        simulated=spatial_simulated,
        symbols=spatial_symbols,
    message:
        "Drawing spatial autocorrelation of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_spatial_autocorrelation.py"


rule plot_spatial_patterns:
    input:
        patterns="results/spatial/{dataset}/patterns.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/spatial_patterns.svg",
            caption="../report/spatial_spatial_patterns.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "GMM-VGAE",
                "panel": "genes on the tissue",
            },
        ),
        png="results/figures/spatial/{dataset}/spatial_patterns.png",
        tsv="results/figures/spatial/{dataset}/spatial_patterns.tsv",
    log:
        "results/logs/plot_spatial_patterns/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_spatial_patterns/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_spatial_patterns"),
        simulated=spatial_simulated,
    message:
        "Drawing genes on the tissue of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_spatial_patterns.py"


rule plot_stacked_violins:
    input:
        violins="results/spatial/{dataset}/violins.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/stacked_violins.svg",
            caption="../report/spatial_stacked_violins.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "GMM-VGAE",
                "panel": "marker distributions",
            },
        ),
        png="results/figures/spatial/{dataset}/stacked_violins.png",
        tsv="results/figures/spatial/{dataset}/stacked_violins.tsv",
    log:
        "results/logs/plot_stacked_violins/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_stacked_violins/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_stacked_violins"),
        simulated=spatial_simulated,
    message:
        "Drawing marker genes by layer of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_stacked_violins.py"


rule plot_marker_heatmap:
    input:
        markers="results/spatial/{dataset}/markers.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/marker_heatmap.svg",
            caption="../report/spatial_marker_heatmap.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "GMM-VGAE",
                "panel": "marker means",
            },
        ),
        png="results/figures/spatial/{dataset}/marker_heatmap.png",
        tsv="results/figures/spatial/{dataset}/marker_heatmap.tsv",
    log:
        "results/logs/plot_marker_heatmap/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_marker_heatmap/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_marker_heatmap"),
        simulated=spatial_simulated,
    message:
        "Drawing means of marker genes of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_marker_heatmap.py"
