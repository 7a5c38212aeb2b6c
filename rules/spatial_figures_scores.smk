"""Figures of what the imputed rates predict."""


rule plot_held_out_likelihood:
    input:
        held_out="results/spatial/{dataset}/held_out.tsv",
        verdict="results/spatial/{dataset}/verdict.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/held_out_likelihood.svg",
            caption="../report/spatial_held_out_likelihood.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "all",
                "panel": "held-out counts",
            },
        ),
        png="results/figures/spatial/{dataset}/held_out_likelihood.png",
        tsv="results/figures/spatial/{dataset}/held_out_likelihood.tsv",
    log:
        "results/logs/plot_held_out_likelihood/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_held_out_likelihood/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_held_out_likelihood"),
        simulated=spatial_simulated,
    message:
        "Drawing the likelihood of held-out counts of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_held_out_likelihood.py"


rule plot_masked_protocol:
    input:
        masked="results/spatial/{dataset}/masked.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/masked_protocol.svg",
            caption="../report/spatial_masked_protocol.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "all",
                "panel": "masked entries",
            },
        ),
        png="results/figures/spatial/{dataset}/masked_protocol.png",
        tsv="results/figures/spatial/{dataset}/masked_protocol.tsv",
    log:
        "results/logs/plot_masked_protocol/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_masked_protocol/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_masked_protocol"),
        simulated=spatial_simulated,
    message:
        "Drawing the scores of masked entries of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_masked_protocol.py"


rule plot_planted_truth:
    input:
        truth="results/spatial/{dataset}/truth.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/planted_truth.svg",
            caption="../report/spatial_planted_truth.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "all",
                "panel": "planted truth",
            },
        ),
        png="results/figures/spatial/{dataset}/planted_truth.png",
        tsv="results/figures/spatial/{dataset}/planted_truth.tsv",
    log:
        "results/logs/plot_planted_truth/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_planted_truth/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_planted_truth"),
        simulated=spatial_simulated,
    message:
        "Drawing imputed against true rates of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_planted_truth.py"


rule plot_count_calibration:
    input:
        calibration="results/spatial/{dataset}/calibration.tsv",
        coverage="results/spatial/{dataset}/coverage.tsv",
    output:
        svg=report(
            "results/figures/spatial/{dataset}/count_calibration.svg",
            caption="../report/spatial_count_calibration.rst",
            category="spatial",
            labels={
                "dataset": "{dataset}",
                "model": "all",
                "panel": "calibration",
            },
        ),
        png="results/figures/spatial/{dataset}/count_calibration.png",
        tsv="results/figures/spatial/{dataset}/count_calibration.tsv",
    log:
        "results/logs/plot_count_calibration/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_count_calibration/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "spatial_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/plot_count_calibration"),
        simulated=spatial_simulated,
    message:
        "Drawing the calibration of predicted counts of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/plot_count_calibration.py"
