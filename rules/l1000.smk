"""L1000 study: from raw signatures to splits; its other stages are included here."""


include: "l1000_models.smk"
include: "l1000_analyses.smk"
include: "l1000_classes.smk"
include: "l1000_mnist.smk"
include: "l1000_figures.smk"


rule simulate_signatures:
    output:
        matrix="results/raw/demo/l1000/signatures.gctx",
        sig_info="results/raw/demo/l1000/sig_info.txt",
        gene_info="results/raw/demo/l1000/gene_info.txt",
        classes="results/raw/demo/l1000/pcls.csv",
        hub_drugs="results/raw/demo/l1000/repurposing_drugs.txt",
        hub_samples="results/raw/demo/l1000/repurposing_samples.txt",
        truth="results/raw/demo/l1000/activity.tsv",
    log:
        "results/logs/simulate_signatures.log",
    benchmark:
        "results/benchmarks/simulate_signatures.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/simulate_signatures"),
        compounds=L1000["demo"]["compounds"],
        knock_downs=L1000["demo"]["knock_downs"],
        replicates=L1000["demo"]["replicates"],
        seed=L1000["demo"]["seed"],
    message:
        "Simulating the demo's signatures with planted programmes"
    script:
        "../workflow_scripts/l1000/simulate_signatures.py"


rule unpack_matrix:
    input:
        packed_matrix,
    output:
        f"{RAW}/unpacked/{{name}}.gctx",
    wildcard_constraints:
        name=".+",
    log:
        "results/logs/unpack_matrix/{name}.log",
    benchmark:
        "results/benchmarks/unpack_matrix/{name}.tsv"
    conda:
        "../envs/python.yaml"
    cache: workflow.enable_cache
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=minutes(120),
    params:
        code=code_digest("l1000/unpack_matrix"),
    message:
        "Unpacking {wildcards.name}.gctx.gz"
    script:
        "../workflow_scripts/l1000/unpack_matrix.py"


rule prepare_signatures:
    input:
        matrix=l1000_sources("matrix"),
        sig_info=l1000_sources("sig_info"),
        gene_info=l1000_file("gene_info"),
        pert_info=l1000_file("pert_info"),
        classes=l1000_file("classes"),
        hub_drugs=l1000_file("hub_drugs"),
        hub_samples=l1000_file("hub_samples"),
        codes=project_file("resources/l1000/published_codes.tsv"),
        synonyms=project_file("resources/l1000/moa_synonyms.tsv"),
    output:
        signatures="results/l1000/{dataset}/signatures.h5ad",
        counts="results/l1000/{dataset}/counts.tsv",
        cell_lines="results/l1000/{dataset}/cell_lines.tsv",
        unmatched="results/l1000/{dataset}/unmatched.tsv",
    log:
        "results/logs/prepare_signatures/{dataset}.log",
    benchmark:
        "results/benchmarks/prepare_signatures/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    cache: workflow.enable_cache
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code_digest("l1000/prepare_signatures"),
        sources=l1000_option("sources", []),
        files=block_part("l1000", "pert_info", "classes", "hub_drugs", "hub_samples"),
        expected=l1000_option("signatures", None),
        labelled=l1000_option("labelled", None),
        by_name=l1000_option("classes_by_name", True),
        unmatched=L1000["unmatched"],
    message:
        "Reading the signatures of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/prepare_signatures.py"


rule split_signatures:
    input:
        "results/l1000/{dataset}/signatures.h5ad",
    output:
        "results/l1000/{dataset}/splits.tsv",
    log:
        "results/logs/split_signatures/{dataset}.log",
    benchmark:
        "results/benchmarks/split_signatures/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/split_signatures"),
        shares=L1000["split"]["shares"],
        seed=L1000["split"]["seed"],
    message:
        "Splitting the perturbagens of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/split_signatures.py"


rule map_expression:
    input:
        "results/l1000/{dataset}/signatures.h5ad",
    output:
        "results/l1000/{dataset}/expression_points.tsv",
    log:
        "results/logs/map_expression/{dataset}.log",
    benchmark:
        "results/benchmarks/map_expression/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(20),
    params:
        code=code_digest("l1000/map_expression"),
        most=10000,
        seed=0,
    message:
        "Principal components of the signatures of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/map_expression.py"
