"""Molecules study: molecules generated for knock-downs, beside known ligands of the proteins knocked down."""

GENERATOR = "results/molecules/{dataset}/to_molecule/{model}/seed{seed}"
KNOWN_LIGANDS = "results/molecules/{dataset}/ligands/known.tsv"


rule prepare_ligands:
    input:
        ligands=ligand_files("ligands"),
    output:
        ligands=KNOWN_LIGANDS,
    log:
        "results/logs/prepare_ligands/{dataset}.log",
    benchmark:
        "results/benchmarks/prepare_ligands/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(30),
    params:
        code=code_digest("molecules/prepare_ligands"),
        targets=ligand_targets,
        settings=pair_settings,
    message:
        "Standardising the known ligands of {wildcards.dataset}"
    script:
        "../workflow_scripts/molecules/prepare_ligands.py"


rule score_ligands:
    input:
        pairs="results/molecules/{dataset}/pairs.h5ad",
        smiles_weights=f"{SMILES_MODEL}/model.safetensors",
        smiles_card=f"{SMILES_MODEL}/model.json",
        weights=f"{GENERATOR}/model.safetensors",
        card=f"{GENERATOR}/model.json",
        profiles=ligand_files("knock_down"),
        ligands=KNOWN_LIGANDS,
    output:
        scores="results/molecules/{dataset}/ligands/{model}/seed{seed}.tsv",
    log:
        "results/logs/score_ligands/{dataset}/{model}/{seed}.log",
    benchmark:
        "results/benchmarks/score_ligands/{dataset}/{model}/{seed}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
    params:
        code=code_digest("molecules/score_ligands"),
        settings=generating_model,
        targets=ligand_targets,
        compute_threads=config["compute_threads"],
    message:
        "Generating molecules for knock-downs by {wildcards.model} of {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/molecules/score_ligands.py"


rule score_ligand_baselines:
    input:
        pairs="results/molecules/{dataset}/pairs.h5ad",
        smiles_weights=f"{SMILES_MODEL}/model.safetensors",
        smiles_card=f"{SMILES_MODEL}/model.json",
        profiles=ligand_files("knock_down"),
        ligands=KNOWN_LIGANDS,
    output:
        scores="results/molecules/{dataset}/ligands/baselines.tsv",
    log:
        "results/logs/score_ligand_baselines/{dataset}.log",
    benchmark:
        "results/benchmarks/score_ligand_baselines/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
    params:
        code=code_digest("molecules/score_ligand_baselines"),
        settings=pair_settings,
        targets=ligand_targets,
        compute_threads=config["compute_threads"],
    message:
        "Comparing other molecules with known ligands, for {wildcards.dataset}"
    script:
        "../workflow_scripts/molecules/score_ligand_baselines.py"
