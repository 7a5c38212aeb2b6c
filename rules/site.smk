"""The results page: a static site from the figures and tables of the studies that were built."""


rule build_site:
    input:
        figures=site_figures,
        tables=site_tables,
        config="results/config.yaml",
        captions=project_files("report", "*.rst"),
        templates=project_files("resources/site", "*"),
    output:
        "results/site/index.html",
    log:
        "results/logs/build_site.log",
    benchmark:
        "results/benchmarks/build_site.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
    params:
        code=code_digest("report/build_site"),
        figures=site_plan,
    message:
        "Building the results page from the studies that were built"
    script:
        "../workflow_scripts/report/build_site.py"


localrules:
    site,


rule site:
    input:
        "results/site/index.html",
