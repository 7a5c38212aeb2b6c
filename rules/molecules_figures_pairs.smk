"""Figures of the molecules study: molecules and expression changes."""


rule plot_pairs_overview:
    input:
        splits="results/molecules/{dataset}/splits.tsv",
        noise="results/molecules/{dataset}/noise.tsv",
    output:
        svg=report(
            "results/figures/molecules/{dataset}/pairs_overview.svg",
            caption="../report/molecules_pairs_overview.rst",
            category="molecules",
            labels={"dataset": "{dataset}", "model": "all", "panel": "pairs"},
        ),
        png="results/figures/molecules/{dataset}/pairs_overview.png",
        tsv="results/figures/molecules/{dataset}/pairs_overview.tsv",
    log:
        "results/logs/plot_pairs_overview/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_pairs_overview/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "molecules_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/plot_pairs_overview"),
        simulated=molecules_simulated,
        note=pair_note,
    message:
        "Drawing what the pairs of {wildcards.dataset} are"
    script:
        "../workflow_scripts/molecules/plot_pairs_overview.py"


rule plot_smiles_pretraining:
    input:
        history=f"{SMILES_MODEL}/history.tsv",
        scores=f"{SMILES_MODEL}/scores.tsv",
    output:
        svg=report(
            "results/figures/molecules/{dataset}/smiles_pretraining.svg",
            caption="../report/molecules_smiles_pretraining.rst",
            category="molecules",
            labels={"dataset": "{dataset}", "model": "all", "panel": "pretraining"},
        ),
        png="results/figures/molecules/{dataset}/smiles_pretraining.png",
        tsv="results/figures/molecules/{dataset}/smiles_pretraining.tsv",
    log:
        "results/logs/plot_smiles_pretraining/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_smiles_pretraining/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "molecules_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/plot_smiles_pretraining"),
        simulated=molecules_simulated,
        note=pair_note,
    message:
        "Drawing how SMILES were pretrained, for {wildcards.dataset}"
    script:
        "../workflow_scripts/molecules/plot_smiles_pretraining.py"


rule plot_pair_training:
    input:
        histories=both_directions("history.tsv"),
    output:
        svg=report(
            "results/figures/molecules/{dataset}/pair_training.svg",
            caption="../report/molecules_pair_training.rst",
            category="molecules",
            labels={"dataset": "{dataset}", "model": "all", "panel": "training"},
        ),
        png="results/figures/molecules/{dataset}/pair_training.png",
        tsv="results/figures/molecules/{dataset}/pair_training.tsv",
    log:
        "results/logs/plot_pair_training/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_pair_training/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "molecules_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/plot_pair_training"),
        simulated=molecules_simulated,
        note=pair_note,
    message:
        "Drawing how models of {wildcards.dataset} train"
    script:
        "../workflow_scripts/molecules/plot_pair_training.py"


rule plot_expression_prediction:
    input:
        scores=of_molecules("of_pair_models", "to_expression", "scores.tsv"),
        baselines="results/molecules/{dataset}/to_expression/baselines.tsv",
    output:
        svg=report(
            "results/figures/molecules/{dataset}/expression_prediction.svg",
            caption="../report/molecules_expression_prediction.rst",
            category="molecules",
            labels={"dataset": "{dataset}", "model": "all", "panel": "expression prediction"},
        ),
        png="results/figures/molecules/{dataset}/expression_prediction.png",
        tsv="results/figures/molecules/{dataset}/expression_prediction.tsv",
    log:
        "results/logs/plot_expression_prediction/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_expression_prediction/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "molecules_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/plot_expression_prediction"),
        simulated=molecules_simulated,
        note=pair_note,
    message:
        "Drawing how well changes of {wildcards.dataset} are predicted"
    script:
        "../workflow_scripts/molecules/plot_expression_prediction.py"
