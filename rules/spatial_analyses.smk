"""Spatial study: genes before and after imputation, planted truth, and the audit of the claims."""


rule tabulate_genes:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
        imputed="results/spatial/{dataset}/imputed.h5ad",
        genes="results/spatial/{dataset}/genes.tsv",
        domains="results/spatial/{dataset}/domain_map.tsv",
        truth=spatial_truth,
    output:
        patterns="results/spatial/{dataset}/patterns.tsv",
        markers="results/spatial/{dataset}/markers.tsv",
        violins="results/spatial/{dataset}/violins.tsv",
    log:
        "results/logs/tabulate_genes/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_genes/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 20),
        runtime=minutes(20),
    params:
        code=code_digest("spatial/tabulate_genes"),
        symbols=spatial_symbols,
        fixed_size=SPATIAL["fixed_size"],
    message:
        "Genes of {wildcards.dataset} before and after imputation"
    script:
        "../workflow_scripts/spatial/tabulate_genes.py"


rule score_truth:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
        graph="results/spatial/{dataset}/graph.npz",
        truth=spatial_truth,
        weights=of_spatial("of_seeds", "model.safetensors"),
    output:
        truth="results/spatial/{dataset}/truth.tsv",
    log:
        "results/logs/score_truth/{dataset}.log",
    benchmark:
        "results/benchmarks/score_truth/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 20),
        runtime=minutes(20),
    params:
        code=code_digest("spatial/score_truth"),
    message:
        "Imputed rates of {wildcards.dataset} against the planted ones"
    script:
        "../workflow_scripts/spatial/score_truth.py"


rule audit_spatial_claims:
    input:
        tables=spatial_claim_inputs,
    output:
        claims="results/spatial/claims.tsv",
    log:
        "results/logs/audit_spatial_claims.log",
    benchmark:
        "results/benchmarks/audit_spatial_claims.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/audit_spatial_claims"),
        datasets=spatial_claim_datasets,
        simulated=[plan.name for plan in spatial_plans() if plan.simulated],
    message:
        "Auditing the published claims of the spatial study"
    script:
        "../workflow_scripts/spatial/audit_spatial_claims.py"
