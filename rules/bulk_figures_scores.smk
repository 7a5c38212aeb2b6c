"""Figures of calibration, known truth and gene sets."""


rule plot_calibration:
    input:
        benchmark="results/bulk/{dataset}/benchmark.tsv",
    output:
        svg=report(
            "results/figures/bulk/{dataset}/calibration.svg",
            caption="../report/bulk_calibration.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "DESeq2, NB-VAE",
                "panel": "calibration",
            },
        ),
        png="results/figures/bulk/{dataset}/calibration.png",
        tsv="results/figures/bulk/{dataset}/calibration.tsv",
    log:
        "results/logs/plot_calibration/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_calibration/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_calibration"),
        simulated=is_simulated,
        padj=BULK["padj"],
    message:
        "Drawing the calibration of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/plot_calibration.py"


rule plot_spike_in:
    input:
        spike_in="results/bulk/{dataset}/spike_in.tsv",
    output:
        svg=report(
            "results/figures/bulk/{dataset}/spike_in.svg",
            caption="../report/bulk_spike_in.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "DESeq2, NB-VAE",
                "panel": "spike-ins",
            },
        ),
        png="results/figures/bulk/{dataset}/spike_in.png",
        tsv="results/figures/bulk/{dataset}/spike_in.tsv",
    log:
        "results/logs/plot_spike_in/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_spike_in/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_spike_in"),
        simulated=is_simulated,
    message:
        "Drawing the spike-ins of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/plot_spike_in.py"


rule plot_enrichment_go:
    input:
        enrichment=bulk_enrichment,
    output:
        svg=report(
            "results/figures/bulk/{dataset}/enrichment_go.svg",
            caption="../report/bulk_enrichment_go.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "DESeq2, NB-VAE",
                "panel": "GO terms",
            },
        ),
        png="results/figures/bulk/{dataset}/enrichment_go.png",
        tsv="results/figures/bulk/{dataset}/enrichment_go.tsv",
    log:
        "results/logs/plot_enrichment_go/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_enrichment_go/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_enrichment_go"),
        simulated=is_simulated,
        padj=BULK["padj"],
    message:
        "Drawing the GO terms of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/plot_enrichment_go.py"


rule plot_enrichment_kegg:
    input:
        enrichment=bulk_enrichment,
    output:
        svg=report(
            "results/figures/bulk/{dataset}/enrichment_kegg.svg",
            caption="../report/bulk_enrichment_kegg.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "DESeq2, NB-VAE",
                "panel": "KEGG pathways",
            },
        ),
        png="results/figures/bulk/{dataset}/enrichment_kegg.png",
        tsv="results/figures/bulk/{dataset}/enrichment_kegg.tsv",
    log:
        "results/logs/plot_enrichment_kegg/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_enrichment_kegg/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_enrichment_kegg"),
        simulated=is_simulated,
        padj=BULK["padj"],
    message:
        "Drawing the KEGG pathways of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/plot_enrichment_kegg.py"
