"""Latentome: from raw GEO and LINCS downloads to every checked figure of four studies."""

from snakemake.utils import min_version

min_version("9.20.0")


configfile: f"{workflow.current_basedir}/config.yaml"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/fetch.smk"
include: "rules/bulk.smk"
include: "rules/l1000.smk"
include: "rules/spatial.smk"
include: "rules/molecules.smk"
include: "rules/report.smk"
include: "rules/site.smk"


localrules:
    all,
    figures,
    bulk,
    l1000,
    spatial,
    molecules,


rule all:
    default_target: True
    input:
        study_targets("figures"),
        study_targets("tables"),
        "results/claims.tsv",
        "results/benchmarks.tsv",
        "results/config.yaml",
    message:
        "Every figure and table of the config is in results/"


rule figures:
    input:
        study_targets("figures"),
    message:
        "Every figure of the config is in results/figures/"


rule bulk:
    input:
        bulk_figures(),
        bulk_tables(),
    message:
        "Every figure and table of the bulk study is in results/"


rule l1000:
    input:
        figure_files("l1000", l1000_plans()),
        l1000_tables(),
    message:
        "Every figure and table of the L1000 study is in results/"


rule spatial:
    input:
        figure_files("spatial", spatial_plans()),
        spatial_tables(),
    message:
        "Every figure and table of the spatial study is in results/"


rule molecules:
    input:
        figure_files("molecules", molecules_plans()),
        molecules_tables(),
    message:
        "Every figure and table of the molecules study is in results/"
