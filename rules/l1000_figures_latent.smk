"""Figures of the latent space and of what is generated from it."""


rule plot_signature_nodes:
    input:
        latent_units="results/l1000/{dataset}/latent_units.tsv",
        class_nodes="results/l1000/{dataset}/class_nodes.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/signature_nodes.svg",
            caption="../report/l1000_signature_nodes.rst",
            category="l1000",
            labels={"dataset": "{dataset}", "model": "VAE", "panel": "latent units"},
        ),
        png="results/figures/l1000/{dataset}/signature_nodes.png",
        tsv="results/figures/l1000/{dataset}/signature_nodes.tsv",
    log:
        "results/logs/plot_signature_nodes/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_signature_nodes/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_signature_nodes"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the latent units of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_signature_nodes.py"


rule plot_latent_heatmap:
    input:
        latent_sample="results/l1000/{dataset}/latent_sample.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/latent_heatmap.svg",
            caption="../report/l1000_latent_heatmap.rst",
            category="l1000",
            labels={"dataset": "{dataset}", "model": "VAE", "panel": "latent means"},
        ),
        png="results/figures/l1000/{dataset}/latent_heatmap.png",
        tsv="results/figures/l1000/{dataset}/latent_heatmap.tsv",
    log:
        "results/logs/plot_latent_heatmap/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_latent_heatmap/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_latent_heatmap"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the latent means of signatures of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_latent_heatmap.py"


rule plot_generated_vs_real:
    input:
        generated="results/l1000/{dataset}/generated.tsv",
        generated_points="results/l1000/{dataset}/generated_points.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/generated_vs_real.svg",
            caption="../report/l1000_generated_vs_real.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "VAE",
                "panel": "generated signatures",
            },
        ),
        png="results/figures/l1000/{dataset}/generated_vs_real.png",
        tsv="results/figures/l1000/{dataset}/generated_vs_real.tsv",
    log:
        "results/logs/plot_generated_vs_real/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_generated_vs_real/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_generated_vs_real"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing generated and real signatures of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_generated_vs_real.py"


rule plot_published_units:
    input:
        units="results/l1000/{dataset}/units.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/published_units.svg",
            caption="../report/l1000_published_units.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "published VAEs",
                "panel": "latent units",
            },
        ),
        png="results/figures/l1000/{dataset}/published_units.png",
        tsv="results/figures/l1000/{dataset}/published_units.tsv",
    log:
        "results/logs/plot_published_units/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_published_units/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_published_units"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the latent units of the published weights"
    script:
        "../workflow_scripts/l1000/plot_published_units.py"
