"""Figures of the molecules study: pairs of images; those of molecules are included here."""


include: "molecules_figures_pairs.smk"
include: "molecules_figures_scores.smk"


rule plot_image_samples:
    input:
        samples=of_molecules("first_of_models", "samples.tsv"),
    output:
        svg=report(
            "results/figures/molecules/{dataset}/image_samples.svg",
            caption="../report/molecules_image_samples.rst",
            category="molecules",
            labels={"dataset": "{dataset}", "model": "all", "panel": "samples"},
        ),
        png="results/figures/molecules/{dataset}/image_samples.png",
        tsv="results/figures/molecules/{dataset}/image_samples.tsv",
    log:
        "results/logs/plot_image_samples/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_image_samples/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "molecules_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/plot_image_samples"),
        simulated=molecules_simulated,
        note=molecules_note,
    message:
        "Drawing what models of {wildcards.dataset} generate"
    script:
        "../workflow_scripts/molecules/plot_image_samples.py"


rule plot_conditional_generation:
    input:
        scores=of_molecules("of_models", "scores.tsv"),
        ceilings="results/molecules/{dataset}/ceilings.tsv",
    output:
        svg=report(
            "results/figures/molecules/{dataset}/conditional_generation.svg",
            caption="../report/molecules_conditional_generation.rst",
            category="molecules",
            labels={"dataset": "{dataset}", "model": "all", "panel": "conditional generation"},
        ),
        png="results/figures/molecules/{dataset}/conditional_generation.png",
        tsv="results/figures/molecules/{dataset}/conditional_generation.tsv",
    log:
        "results/logs/plot_conditional_generation/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_conditional_generation/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "molecules_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/plot_conditional_generation"),
        simulated=molecules_simulated,
        note=molecules_note,
    message:
        "Drawing how often models of {wildcards.dataset} generate the digit they were given"
    script:
        "../workflow_scripts/molecules/plot_conditional_generation.py"


rule plot_latent_probes:
    input:
        scores=of_molecules("of_models", "scores.tsv"),
    output:
        svg=report(
            "results/figures/molecules/{dataset}/latent_probes.svg",
            caption="../report/molecules_latent_probes.rst",
            category="molecules",
            labels={"dataset": "{dataset}", "model": "all", "panel": "latent space"},
        ),
        png="results/figures/molecules/{dataset}/latent_probes.png",
        tsv="results/figures/molecules/{dataset}/latent_probes.tsv",
    log:
        "results/logs/plot_latent_probes/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_latent_probes/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "molecules_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/plot_latent_probes"),
        simulated=molecules_simulated,
        note=molecules_note,
    message:
        "Drawing what the latent spaces of {wildcards.dataset} hold"
    script:
        "../workflow_scripts/molecules/plot_latent_probes.py"


rule plot_accuracy_curves:
    input:
        histories=of_molecules("of_models", "history.tsv"),
        runtimes=of_molecules("of_models", "runtime.json"),
        metrics=of_molecules("of_models", "metrics.json"),
        ceilings="results/molecules/{dataset}/ceilings.tsv",
    output:
        svg=report(
            "results/figures/molecules/{dataset}/accuracy_curves.svg",
            caption="../report/molecules_accuracy_curves.rst",
            category="molecules",
            labels={"dataset": "{dataset}", "model": "all", "panel": "training"},
        ),
        png="results/figures/molecules/{dataset}/accuracy_curves.png",
        tsv="results/figures/molecules/{dataset}/accuracy_curves.tsv",
    log:
        "results/logs/plot_accuracy_curves/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_accuracy_curves/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "molecules_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/plot_accuracy_curves"),
        simulated=molecules_simulated,
        note=molecules_note,
    message:
        "Drawing the training on {wildcards.dataset}"
    script:
        "../workflow_scripts/molecules/plot_accuracy_curves.py"
