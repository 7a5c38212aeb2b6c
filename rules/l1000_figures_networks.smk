"""Figures of the codes of perturbagen classes."""


rule plot_network_heatmap:
    input:
        distance="results/l1000/{dataset}/network/{model}/distance.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/network_heatmap_{model}.svg",
            caption="../report/l1000_network_heatmap.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "{model}",
                "panel": "distances of classes",
            },
        ),
        png="results/figures/l1000/{dataset}/network_heatmap_{model}.png",
        tsv="results/figures/l1000/{dataset}/network_heatmap_{model}.tsv",
    wildcard_constraints:
        model="[a-z_]+",
    log:
        "results/logs/plot_network_heatmap/{dataset}-{model}.log",
    benchmark:
        "results/benchmarks/plot_network_heatmap/{dataset}-{model}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_network_heatmap"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the distances between classes by {wildcards.model} of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_network_heatmap.py"


rule plot_network_graph:
    input:
        edges="results/l1000/{dataset}/network/{model}/edges.tsv",
        nodes="results/l1000/{dataset}/network/{model}/nodes.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/network_graph_{model}.svg",
            caption="../report/l1000_network_graph.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "{model}",
                "panel": "network of classes",
            },
        ),
        png="results/figures/l1000/{dataset}/network_graph_{model}.png",
        tsv="results/figures/l1000/{dataset}/network_graph_{model}.tsv",
    wildcard_constraints:
        model="[a-z_]+",
    log:
        "results/logs/plot_network_graph/{dataset}-{model}.log",
    benchmark:
        "results/benchmarks/plot_network_graph/{dataset}-{model}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_network_graph"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the network of classes by {wildcards.model} of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_network_graph.py"


rule plot_decoded_classes:
    input:
        decoded="results/l1000/{dataset}/decoded.tsv",
    output:
        svg=report(
            "results/figures/l1000/{dataset}/decoded_classes.svg",
            caption="../report/l1000_decoded_classes.rst",
            category="l1000",
            labels={
                "dataset": "{dataset}",
                "model": "S-VQ-VAE",
                "panel": "decoded classes",
            },
        ),
        png="results/figures/l1000/{dataset}/decoded_classes.png",
        tsv="results/figures/l1000/{dataset}/decoded_classes.tsv",
    log:
        "results/logs/plot_decoded_classes/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_decoded_classes/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "l1000_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/plot_decoded_classes"),
        simulated=l1000_simulated,
        note=l1000_note,
    message:
        "Drawing the decoded codes of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/plot_decoded_classes.py"
