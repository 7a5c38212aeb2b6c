"""What all studies share: joined claims, benchmarks of every rule, the config of this run."""


rule join_claims:
    input:
        study_claims(),
    output:
        report(
            "results/claims.tsv",
            caption="../report/claims.rst",
            category="claims",
            labels={"dataset": "all", "model": "all", "panel": "claims"},
        ),
    log:
        "results/logs/join_claims.log",
    benchmark:
        "results/benchmarks/join_claims.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=minutes(5),
    params:
        code=code_digest("report/join_claims"),
    message:
        "Joining the claims of all studies"
    script:
        "../workflow_scripts/report/join_claims.py"


rule gather_benchmarks:
    input:
        study_targets("figures"),
        study_targets("tables"),
    output:
        report(
            "results/benchmarks.tsv",
            caption="../report/benchmarks.rst",
            category="benchmarks",
            labels={"dataset": "all", "model": "all", "panel": "benchmarks"},
        ),
    log:
        "results/logs/gather_benchmarks.log",
    benchmark:
        "results/benchmarks/gather_benchmarks.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=minutes(5),
    params:
        files=benchmark_files,
        code=code_digest("report/gather_benchmarks"),
    message:
        "Gathering time and memory of every job"
    script:
        "../workflow_scripts/report/gather_benchmarks.py"


rule write_config:
    output:
        "results/config.yaml",
    log:
        "results/logs/write_config.log",
    benchmark:
        "results/benchmarks/write_config.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=minutes(5),
    params:
        code=code_digest("report/write_config"),
        config=config,
    message:
        "Writing the config of this run beside its results"
    script:
        "../workflow_scripts/report/write_config.py"


localrules:
    claims,
    benchmarks,


rule claims:
    input:
        "results/claims.tsv",


rule benchmarks:
    input:
        "results/benchmarks.tsv",


include: "provenance.smk"
include: "site.smk"


# Here all rules are known.
unmeasure_cached_rules()
