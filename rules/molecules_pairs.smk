"""Molecules study: from SMILES and level-3 wells to models of molecules and their expression changes."""


include: "molecules_pair_models.smk"


rule pretrain_smiles:
    input:
        **smiles_files(),
    output:
        weights=f"{SMILES_MODEL}/model.safetensors",
        card=f"{SMILES_MODEL}/model.json",
        scores=f"{SMILES_MODEL}/scores.tsv",
        runtime=f"{SMILES_MODEL}/runtime.json",
        history=f"{SMILES_MODEL}/history.tsv",
    log:
        "results/logs/pretrain_smiles.log",
    benchmark:
        "results/benchmarks/pretrain_smiles.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(6000),
        runtime=minutes(720),
        gpu=gpu_count,
    params:
        code=code_digest("molecules/pretrain_smiles"),
        settings=MOLECULES["smiles"],
        device=config["device"],
        compute_threads=config["compute_threads"],
        log_dir="results/logs/pretrain_smiles",
    message:
        "Training an autoencoder of SMILES, or taking the weights given"
    script:
        "../workflow_scripts/molecules/pretrain_smiles.py"


rule simulate_wells:
    output:
        **{
            f"{kind}_{target}": f"results/raw/demo/molecules/{kind}_{target}.csv"
            for kind in ("knock_down", "ligands")
            for target in ("pyridine", "sulfonamide")
        },
        wells="results/raw/demo/molecules/level3_wells.h5ad",
        gene_info="results/raw/demo/molecules/gene_info.txt",
        truth="results/raw/demo/molecules/level3_truth.h5ad",
    log:
        "results/logs/simulate_wells.log",
    benchmark:
        "results/benchmarks/simulate_wells.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/simulate_wells"),
        molecules=MOLECULES["demo"]["molecules"],
        seed=MOLECULES["demo"]["seed"],
    message:
        "Simulating the demo's level-3 wells"
    script:
        "../workflow_scripts/molecules/simulate_wells.py"


rule prepare_pairs:
    input:
        wells=well_files,
        inst_info=well_sheets,
        ready_pairs=ready_pairs,
        gene_info=molecules_file("gene_info"),
        smiles=molecules_file("smiles"),
        signatures=signature_files,
        pretraining=molecules_to_leave_out,
    output:
        pairs="results/molecules/{dataset}/pairs.h5ad",
        splits="results/molecules/{dataset}/splits.tsv",
        left_out="results/molecules/{dataset}/left_out.tsv",
        noise="results/molecules/{dataset}/noise.tsv",
    log:
        "results/logs/prepare_pairs/{dataset}.log",
    benchmark:
        "results/benchmarks/prepare_pairs/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    cache: workflow.enable_cache
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(30),
    params:
        code=code_digest("molecules/prepare_pairs"),
        settings=pair_settings,
        sources=of_molecules("wells"),
        files=block_part("molecules", "ready_pairs", "level5", "gene_info", "smiles"),
        notation=MOLECULES["smiles"]["notation"],
    message:
        "Pairing treated wells of {wildcards.dataset} with their controls"
    script:
        "../workflow_scripts/molecules/prepare_pairs.py"


rule list_pretraining_molecules:
    input:
        smiles_card=f"{SMILES_MODEL}/model.json",
        moses=raw_file(MOLECULES["smiles"]["train"]),
    output:
        molecules=PRETRAINING,
    log:
        "results/logs/list_pretraining_molecules.log",
    benchmark:
        "results/benchmarks/list_pretraining_molecules.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code_digest("molecules/list_pretraining_molecules"),
    message:
        "Listing the molecules of the pretraining and their scaffolds"
    script:
        "../workflow_scripts/molecules/list_pretraining_molecules.py"


rule compare_with_pretraining:
    input:
        pairs="results/molecules/{dataset}/pairs.h5ad",
        pretraining=PRETRAINING,
    output:
        overlap="results/molecules/{dataset}/pretraining_overlap.tsv",
    log:
        "results/logs/compare_with_pretraining/{dataset}.log",
    benchmark:
        "results/benchmarks/compare_with_pretraining/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("molecules/compare_with_pretraining"),
    message:
        "Comparing the molecules of {wildcards.dataset} with those of the pretraining"
    script:
        "../workflow_scripts/molecules/compare_with_pretraining.py"
