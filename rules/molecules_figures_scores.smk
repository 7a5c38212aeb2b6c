"""Figures of the molecules study: what models generate for expression changes."""


rule plot_molecule_generation:
    input:
        scores=of_molecules("of_pair_models", "to_molecule", "scores.tsv"),
        baselines="results/molecules/{dataset}/to_molecule/baselines.tsv",
    output:
        svg=report(
            "results/figures/molecules/{dataset}/molecule_generation.svg",
            caption="../report/molecules_molecule_generation.rst",
            category="molecules",
            labels={"dataset": "{dataset}", "model": "all", "panel": "molecule generation"},
        ),
        png="results/figures/molecules/{dataset}/molecule_generation.png",
        tsv="results/figures/molecules/{dataset}/molecule_generation.tsv",
    log:
        "results/logs/plot_molecule_generation/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_molecule_generation/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "molecules_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/plot_molecule_generation"),
        simulated=molecules_simulated,
        note=pair_note,
    message:
        "Drawing how good molecules for {wildcards.dataset} are"
    script:
        "../workflow_scripts/molecules/plot_molecule_generation.py"


rule plot_molecule_grid:
    input:
        draws=of_molecules("of_pair_models", "to_molecule", "draws.tsv", True),
    output:
        svg=report(
            "results/figures/molecules/{dataset}/molecule_grid.svg",
            caption="../report/molecules_molecule_grid.rst",
            category="molecules",
            labels={"dataset": "{dataset}", "model": "all", "panel": "molecules"},
        ),
        png="results/figures/molecules/{dataset}/molecule_grid.png",
        tsv="results/figures/molecules/{dataset}/molecule_grid.tsv",
    log:
        "results/logs/plot_molecule_grid/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_molecule_grid/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "molecules_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/plot_molecule_grid"),
        simulated=molecules_simulated,
        note=pair_note,
    message:
        "Drawing molecules generated for {wildcards.dataset}"
    script:
        "../workflow_scripts/molecules/plot_molecule_grid.py"


rule plot_ligand_enrichment:
    input:
        scores=ligand_scores,
        baselines="results/molecules/{dataset}/ligands/baselines.tsv",
    output:
        svg=report(
            "results/figures/molecules/{dataset}/ligand_enrichment.svg",
            caption="../report/molecules_ligand_enrichment.rst",
            category="molecules",
            labels={"dataset": "{dataset}", "model": "all", "panel": "ligands"},
        ),
        png="results/figures/molecules/{dataset}/ligand_enrichment.png",
        tsv="results/figures/molecules/{dataset}/ligand_enrichment.tsv",
    log:
        "results/logs/plot_ligand_enrichment/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_ligand_enrichment/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    group:
        "molecules_figures"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/plot_ligand_enrichment"),
        simulated=molecules_simulated,
        note=pair_note,
    message:
        "Drawing molecules for knock-downs beside known ligands, {wildcards.dataset}"
    script:
        "../workflow_scripts/molecules/plot_ligand_enrichment.py"
