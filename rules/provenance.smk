"""Where the results come from: the code, the environment, and all of it as an RO-Crate."""


rule write_environment:
    output:
        "results/environment.json",
    log:
        "results/logs/write_environment.log",
    benchmark:
        "results/benchmarks/write_environment.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=minutes(5),
    params:
        code=code_digest("report/write_environment"),
        revision=git_revision,
        changed=git_changed,
    message:
        "Writing the versions of everything beside the results"
    script:
        "../workflow_scripts/report/write_environment.py"


rule copy_workflow:
    output:
        directory("results/workflow"),
    log:
        "results/logs/copy_workflow.log",
    benchmark:
        "results/benchmarks/copy_workflow.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=minutes(5),
    params:
        code=code_digest("report/copy_workflow"),
        root=str(ROOT),
        names=WORKFLOW_CODE,
        digest=workflow_digest,
    message:
        "Copying the workflow's code beside its results"
    script:
        "../workflow_scripts/report/copy_workflow.py"


rule describe_run:
    input:
        results=[*study_targets("figures"), *study_targets("tables"), "results/claims.tsv", "results/benchmarks.tsv"],
        config="results/config.yaml",
        environment="results/environment.json",
        workflow="results/workflow",
        registry=ancient(project_file("resources/datasets.tsv")),
    output:
        "results/ro-crate-metadata.json",
    log:
        "results/logs/describe_run.log",
    benchmark:
        "results/benchmarks/describe_run.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        code=code_digest("report/describe_run"),
        datasets={study: datasets_of(study) for study in config["studies"]},
    message:
        "Describing the run as an RO-Crate"
    script:
        "../workflow_scripts/report/describe_run.py"
