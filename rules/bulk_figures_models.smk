"""Figures of the samples and of the models."""


rule plot_sample_sanity:
    input:
        samples="results/bulk/{dataset}/samples.tsv",
        sanity="results/bulk/{dataset}/sanity.tsv",
    output:
        svg=report(
            "results/figures/bulk/{dataset}/sample_sanity.svg",
            caption="../report/bulk_sample_sanity.rst",
            category="bulk",
            labels={"dataset": "{dataset}", "model": "none", "panel": "samples"},
        ),
        png="results/figures/bulk/{dataset}/sample_sanity.png",
        tsv="results/figures/bulk/{dataset}/sample_sanity.tsv",
    log:
        "results/logs/plot_sample_sanity/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_sample_sanity/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_sample_sanity"),
        simulated=is_simulated,
        factors=bulk_factors,
    message:
        "Drawing the samples of {wildcards.dataset} against their sheet"
    script:
        "../workflow_scripts/bulk/plot_sample_sanity.py"


rule plot_loss_curves:
    input:
        histories=bulk_history,
    output:
        svg=report(
            "results/figures/bulk/{dataset}/loss_curves.svg",
            caption="../report/bulk_loss_curves.rst",
            category="bulk",
            labels={"dataset": "{dataset}", "model": "all", "panel": "training"},
        ),
        png="results/figures/bulk/{dataset}/loss_curves.png",
        tsv="results/figures/bulk/{dataset}/loss_curves.tsv",
    log:
        "results/logs/plot_loss_curves/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_loss_curves/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_loss_curves"),
        simulated=is_simulated,
    message:
        "Drawing the losses of the models of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/plot_loss_curves.py"


rule plot_held_out:
    input:
        benchmark="results/bulk/{dataset}/benchmark.tsv",
    output:
        svg=report(
            "results/figures/bulk/{dataset}/held_out.svg",
            caption="../report/bulk_held_out.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "all",
                "panel": "held-out counts",
            },
        ),
        png="results/figures/bulk/{dataset}/held_out.png",
        tsv="results/figures/bulk/{dataset}/held_out.tsv",
    log:
        "results/logs/plot_held_out/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_held_out/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_held_out"),
        simulated=is_simulated,
    message:
        "Drawing held-out likelihoods of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/plot_held_out.py"


rule plot_latent_space:
    input:
        latents=bulk_latent,
        samples="results/bulk/{dataset}/samples.tsv",
    output:
        svg=report(
            "results/figures/bulk/{dataset}/latent_space.svg",
            caption="../report/bulk_latent_space.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "NB-VAE",
                "panel": "latent space",
            },
        ),
        png="results/figures/bulk/{dataset}/latent_space.png",
        tsv="results/figures/bulk/{dataset}/latent_space.tsv",
    log:
        "results/logs/plot_latent_space/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_latent_space/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_latent_space"),
        simulated=is_simulated,
        factors=bulk_factors,
        published=bulk_published_factor,
    message:
        "Drawing the latent space of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/plot_latent_space.py"


rule plot_published_contrast:
    input:
        markers="results/bulk/{dataset}/markers.tsv",
        changes="results/bulk/{dataset}/markers_lfc.tsv",
        samples="results/bulk/{dataset}/samples.tsv",
    output:
        svg=report(
            "results/figures/bulk/{dataset}/published_contrast.svg",
            caption="../report/bulk_published_contrast.rst",
            category="bulk",
            labels={
                "dataset": "{dataset}",
                "model": "DESeq2, NB-VAE",
                "panel": "markers",
            },
        ),
        png="results/figures/bulk/{dataset}/published_contrast.png",
        tsv="results/figures/bulk/{dataset}/published_contrast.tsv",
    log:
        "results/logs/plot_published_contrast/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_published_contrast/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "bulk_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("bulk/plot_published_contrast"),
        simulated=is_simulated,
        factors=bulk_factors,
        published=bulk_published_factor,
    message:
        "Drawing the marker genes of {wildcards.dataset}"
    script:
        "../workflow_scripts/bulk/plot_published_contrast.py"
