"""Molecules study: models of molecules and expression changes in both directions, and their baselines."""


include: "molecules_ligands.smk"


PAIR_MODEL = "results/molecules/{dataset}/{direction}/{model}/seed{seed}"


rule train_pair_model:
    input:
        pairs="results/molecules/{dataset}/pairs.h5ad",
        smiles_weights=f"{SMILES_MODEL}/model.safetensors",
        smiles_card=f"{SMILES_MODEL}/model.json",
    output:
        weights=f"{PAIR_MODEL}/model.safetensors",
        card=f"{PAIR_MODEL}/model.json",
        metrics=f"{PAIR_MODEL}/metrics.json",
        runtime=f"{PAIR_MODEL}/runtime.json",
        history=f"{PAIR_MODEL}/history.tsv",
    log:
        "results/logs/train_pair_model/{dataset}/{direction}/{model}/{seed}.log",
    benchmark:
        "results/benchmarks/train_pair_model/{dataset}/{direction}/{model}/{seed}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(720),
        gpu=gpu_count,
    params:
        code=code_digest("molecules/train_pair_model"),
        settings=pair_model,
        device=config["device"],
        compute_threads=config["compute_threads"],
        log_dir="results/logs/train_pair_model/{dataset}/{direction}/{model}/{seed}",
    message:
        "Training {wildcards.model} {wildcards.direction} on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/molecules/train_pair_model.py"


rule score_pair_model:
    input:
        pairs="results/molecules/{dataset}/pairs.h5ad",
        smiles_weights=f"{SMILES_MODEL}/model.safetensors",
        smiles_card=f"{SMILES_MODEL}/model.json",
        weights=f"{PAIR_MODEL}/model.safetensors",
        card=f"{PAIR_MODEL}/model.json",
        pretraining=pretraining_of,
    output:
        scores=f"{PAIR_MODEL}/scores.tsv",
        draws=f"{PAIR_MODEL}/draws.tsv",
    log:
        "results/logs/score_pair_model/{dataset}/{direction}/{model}/{seed}.log",
    benchmark:
        "results/benchmarks/score_pair_model/{dataset}/{direction}/{model}/{seed}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
    params:
        code=code_digest("molecules/score_pair_model"),
        settings=pair_model,
        compute_threads=config["compute_threads"],
    message:
        "Scoring {wildcards.model} {wildcards.direction} on the test pairs of {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/molecules/score_pair_model.py"


rule score_pair_baselines:
    input:
        pairs="results/molecules/{dataset}/pairs.h5ad",
        smiles_weights=f"{SMILES_MODEL}/model.safetensors",
        smiles_card=f"{SMILES_MODEL}/model.json",
        pretraining=pretraining_of,
    output:
        to_molecule="results/molecules/{dataset}/to_molecule/baselines.tsv",
        to_expression="results/molecules/{dataset}/to_expression/baselines.tsv",
    log:
        "results/logs/score_pair_baselines/{dataset}.log",
    benchmark:
        "results/benchmarks/score_pair_baselines/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
    params:
        code=code_digest("molecules/score_pair_baselines"),
        settings=pair_settings,
        compute_threads=config["compute_threads"],
    message:
        "Scoring what models of {wildcards.dataset} have to beat"
    script:
        "../workflow_scripts/molecules/score_pair_baselines.py"


rule audit_molecules_claims:
    input:
        tables=molecules_claim_inputs,
    output:
        claims="results/molecules/claims.tsv",
    log:
        "results/logs/audit_molecules_claims.log",
    benchmark:
        "results/benchmarks/audit_molecules_claims.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/audit_molecules_claims"),
        datasets=molecules_claim_datasets,
        simulated=[plan.name for plan in molecules_plans() if plan.simulated],
    message:
        "Auditing the published claims of the molecules study"
    script:
        "../workflow_scripts/molecules/audit_molecules_claims.py"
