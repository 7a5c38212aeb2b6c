"""L1000 study: classes of perturbagens and targets of drugs."""


rule generate_classes:
    input:
        signatures="results/l1000/{dataset}/signatures.h5ad",
        splits="results/l1000/{dataset}/splits.tsv",
        models=of_l1000("vaes"),
        patterns=project_file("resources/l1000/published_patterns.tsv"),
    output:
        scores="results/l1000/{dataset}/class_generation.tsv",
        neighbours="results/l1000/{dataset}/class_neighbours.tsv",
    log:
        "results/logs/generate_classes/{dataset}.log",
    benchmark:
        "results/benchmarks/generate_classes/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code_digest("l1000/generate_classes"),
        min_signatures=of_l1000("min_signatures"),
        seed=0,
    message:
        "Signatures generated for the classes of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/generate_classes.py"


rule classify_signatures:
    input:
        signatures="results/l1000/{dataset}/signatures.h5ad",
        splits="results/l1000/{dataset}/splits.tsv",
        models=l1000_represented,
    output:
        "results/l1000/{dataset}/classification/{split}.tsv",
    log:
        "results/logs/classify_signatures/{dataset}/{split}.log",
    benchmark:
        "results/benchmarks/classify_signatures/{dataset}/{split}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
    params:
        code=code_digest("l1000/classify_signatures"),
        min_signatures=of_l1000("min_signatures"),
        min_compounds=L1000["classification"]["min_compounds"],
        most=L1000["classification"]["most"],
        folds=L1000["classification"]["folds"],
        permutations=L1000["classification"]["permutations"],
        min_of_line=20,
        seed=0,
    message:
        "Predicting the classes of {wildcards.dataset}, split by {wildcards.split}"
    script:
        "../workflow_scripts/l1000/classify_signatures.py"


rule collect_classification:
    input:
        of_l1000("classification"),
    output:
        "results/l1000/{dataset}/classification.tsv",
    log:
        "results/logs/collect_classification/{dataset}.log",
    benchmark:
        "results/benchmarks/collect_classification/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=minutes(5),
    params:
        code=code_digest("l1000/collect_classification"),
    message:
        "Class prediction of {wildcards.dataset}, all splits"
    script:
        "../workflow_scripts/l1000/collect_classification.py"


rule score_codes:
    input:
        signatures="results/l1000/{dataset}/signatures.h5ad",
        splits="results/l1000/{dataset}/splits.tsv",
        models=of_l1000("coded"),
    output:
        "results/l1000/{dataset}/codes.tsv",
    log:
        "results/logs/score_codes/{dataset}.log",
    benchmark:
        "results/benchmarks/score_codes/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code_digest("l1000/score_codes"),
        permutations=20,
    message:
        "Label-free classes of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/score_codes.py"


rule rank_targets:
    input:
        signatures="results/l1000/{dataset}/signatures.h5ad",
        splits="results/l1000/{dataset}/splits.tsv",
        models=l1000_represented,
        published=project_file("resources/l1000/drug_targets.tsv"),
    output:
        scores="results/l1000/{dataset}/targets.tsv",
        drugs="results/l1000/{dataset}/target_drugs.tsv",
    log:
        "results/logs/rank_targets/{dataset}.log",
    benchmark:
        "results/benchmarks/rank_targets/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code_digest("l1000/rank_targets"),
        seed=0,
    message:
        "Ranking the knock-downs of {wildcards.dataset} for each drug"
    script:
        "../workflow_scripts/l1000/rank_targets.py"


rule build_class_network:
    input:
        weights=network_weights,
        signatures=network_signatures,
    output:
        distance="results/l1000/{dataset}/network/{model}/distance.tsv",
        edges="results/l1000/{dataset}/network/{model}/edges.tsv",
        nodes="results/l1000/{dataset}/network/{model}/nodes.tsv",
        graphml="results/l1000/{dataset}/network/{model}/graph.graphml",
        gephi_edges="results/l1000/{dataset}/network/{model}/gephi_edges.csv",
        gephi_nodes="results/l1000/{dataset}/network/{model}/gephi_nodes.csv",
    log:
        "results/logs/build_class_network/{dataset}/{model}.log",
    benchmark:
        "results/benchmarks/build_class_network/{dataset}/{model}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/build_class_network"),
    message:
        "Network of the classes of {wildcards.dataset}, by {wildcards.model}"
    script:
        "../workflow_scripts/l1000/build_class_network.py"


rule audit_l1000_claims:
    input:
        l1000_claim_inputs,
    output:
        "results/l1000/claims.tsv",
    log:
        "results/logs/audit_l1000_claims.log",
    benchmark:
        "results/benchmarks/audit_l1000_claims.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/audit_l1000_claims"),
        datasets=l1000_claim_datasets,
        simulated=[plan.simulated for plan in l1000_plans()],
    message:
        "Auditing the published claims of the L1000 study"
    script:
        "../workflow_scripts/l1000/audit_l1000_claims.py"
