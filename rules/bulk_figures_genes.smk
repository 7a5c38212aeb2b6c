"""Figures of the genes' fold changes."""


rule plot_lfc_scatter:
    input:
        deseq2=bulk_de("deseq2"),
        nbvae=bulk_de("nbvae"),
        log_ratio=bulk_de("log_ratio"),
        nbvae_permuted=bulk_de("nbvae_permuted"),
        published=bulk_published,
    output:
        svg=report(
            "results/figures/bulk/{dataset}/lfc_scatter.svg",
            caption="../report/bulk_lfc_scatter.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "NB-VAE",
                "panel": "fold changes",
            },
        ),
        png="results/figures/bulk/{dataset}/lfc_scatter.png",
        tsv="results/figures/bulk/{dataset}/lfc_scatter.tsv",
    log:
        "results/logs/plot_lfc_scatter/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_lfc_scatter/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_lfc_scatter"),
        simulated=is_simulated,
    message:
        "Drawing fold changes of {wildcards.dataset} against DESeq2's"
    script:
        "../workflow_scripts/bulk/plot_lfc_scatter.py"


rule plot_concordance_bins:
    input:
        benchmark="results/bulk/{dataset}/benchmark.tsv",
    output:
        svg=report(
            "results/figures/bulk/{dataset}/concordance_bins.svg",
            caption="../report/bulk_concordance_bins.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "NB-VAE",
                "panel": "agreement by expression",
            },
        ),
        png="results/figures/bulk/{dataset}/concordance_bins.png",
        tsv="results/figures/bulk/{dataset}/concordance_bins.tsv",
    log:
        "results/logs/plot_concordance_bins/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_concordance_bins/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_concordance_bins"),
        simulated=is_simulated,
        contrasts=bulk_contrasts,
    message:
        "Drawing the agreement with DESeq2 by expression of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/plot_concordance_bins.py"


rule plot_volcano:
    input:
        deseq2=bulk_de("deseq2"),
        nbvae=bulk_de("nbvae"),
    output:
        svg=report(
            "results/figures/bulk/{dataset}/volcano.svg",
            caption="../report/bulk_volcano.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "DESeq2, NB-VAE",
                "panel": "volcano",
            },
        ),
        png="results/figures/bulk/{dataset}/volcano.png",
        tsv="results/figures/bulk/{dataset}/volcano.tsv",
    log:
        "results/logs/plot_volcano/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_volcano/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_volcano"),
        simulated=is_simulated,
        padj=BULK["padj"],
        lfc_cut=BULK["lfc_cut"],
    message:
        "Drawing volcano plots of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/plot_volcano.py"


rule plot_ma_plot:
    input:
        deseq2=bulk_de("deseq2"),
        nbvae=bulk_de("nbvae"),
    output:
        svg=report(
            "results/figures/bulk/{dataset}/ma_plot.svg",
            caption="../report/bulk_ma_plot.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "DESeq2, NB-VAE",
                "panel": "MA plot",
            },
        ),
        png="results/figures/bulk/{dataset}/ma_plot.png",
        tsv="results/figures/bulk/{dataset}/ma_plot.tsv",
    log:
        "results/logs/plot_ma_plot/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_ma_plot/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_ma_plot"),
        simulated=is_simulated,
        padj=BULK["padj"],
        lfc_cut=BULK["lfc_cut"],
    message:
        "Drawing MA plots of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/plot_ma_plot.py"


rule plot_tested_vs_na:
    input:
        deseq2=bulk_de("deseq2"),
        nbvae=bulk_de("nbvae"),
    output:
        svg=report(
            "results/figures/bulk/{dataset}/tested_vs_na.svg",
            caption="../report/bulk_tested_vs_na.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "NB-VAE",
                "panel": "genes without padj",
            },
        ),
        png="results/figures/bulk/{dataset}/tested_vs_na.png",
        tsv="results/figures/bulk/{dataset}/tested_vs_na.tsv",
    log:
        "results/logs/plot_tested_vs_na/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_tested_vs_na/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_tested_vs_na"),
        simulated=is_simulated,
    message:
        "Drawing the genes of {wildcards.dataset} without an adjusted p-value"
    script:
        "../workflow_scripts/bulk/plot_tested_vs_na.py"
