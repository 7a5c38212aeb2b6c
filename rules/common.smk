"""Helpers of all rules; each study has its own beside it, and no other file has functions."""

from functools import cache as memoise
from pathlib import Path

from snakemake import benchmark
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

from workflow_scripts.lib.code import code_digest as digest_of
from workflow_scripts.lib.config import (
    ConfigProblem,
    active_datasets,
    check_config,
    gpu_visible,
    raw_location,
)

# Seconds between two looks at a job's memory in its first minute. Each walks the job's page tables, 25 ms: twice a
# second, Snakemake's own pace, is an eighth of a laptop's two cores.
benchmark.BENCHMARK_INTERVAL_SHORT = 2

# The project's own files do not depend on the working directory; results lie in it.
ROOT = Path(str(workflow.current_basedir)).resolve().parent

try:
    check_config(config, ROOT)
except ConfigProblem as problem:
    raise WorkflowError(f"latentome: error: {problem}") from None
validate(config, "../resources/schemas/config.schema.yaml")


wildcard_constraints:
    dataset="[a-z0-9_]+",
    contrast="[A-Za-z0-9_]+",
    direction="to_molecule|to_expression",
    seed=r"\d+",


REGISTRY = str(ROOT / "resources/datasets.tsv")
RAW = config["raw_dir"]


@memoise
def code_digest(name):
    """Digest of a script's import closure, so that an edited lib file reruns the rules that use it."""
    return digest_of(ROOT / "workflow_scripts" / f"{name}.py")


def memory(base, per_input=0):
    """Memory in MB that grows with the attempt, and with the input's size in MB."""

    def mem_mb(wildcards, input, attempt):
        return int(attempt * (base + (per_input * input.size_mb if per_input else 0)))

    return mem_mb


def minutes(base):
    """Time limit in minutes that grows with the attempt."""

    def runtime(wildcards, attempt):
        return attempt * base

    return runtime


def gpu_count(wildcards):
    """One GPU when the config asks for CUDA; for `auto` where jobs run elsewhere or one is visible; else no key."""
    if config["device"] == "cuda":
        return 1
    if config["device"] == "auto" and (workflow.non_local_exec or gpu_visible()):
        return 1
    return None


def raw_path(accession, file):
    """Where a registered raw file is, or will be, on this machine."""
    return f"{RAW}/{accession}/{file}"


def raw_name(wildcards):
    """The registry's name of a raw file."""
    return f"{wildcards.accession}/{wildcards.file}"


def raw_file(name):
    """Path of a file that a dataset block names: registered, simulated, or the user's own."""
    return raw_location(name, config, ROOT)


def project_file(name):
    """A file of the project, wherever the workflow runs."""
    return str(ROOT / name)


@memoise
def datasets_of(study):
    """Names of a study's datasets that run."""
    if study not in config["studies"]:
        return []
    try:
        return active_datasets(config, ROOT, study)
    except ConfigProblem as problem:
        raise WorkflowError(f"latentome: error: {problem}") from None


def block_of(study, name):
    """A dataset's block of the config."""
    blocks = config["datasets"][study]
    if name not in blocks:
        raise WorkflowError(f"latentome: error: dataset {name!r} is not in the config (datasets: {study}: ...)")
    return blocks[name]


def figure_files(study, plans):
    """Every form of every figure of some datasets' plans."""
    return [
        f"results/figures/{study}/{plan.name}/{figure}.{kind}"
        for plan in plans
        for figure in plan.figures
        for kind in ("svg", "png", "tsv")
    ]


include: "common_bulk.smk"
include: "common_l1000.smk"
include: "common_spatial.smk"
include: "common_molecules.smk"
include: "common_site.smk"


def study_targets(kind):
    """Figures or tables of every study."""
    if kind == "tables":
        return bulk_tables() + l1000_tables() + spatial_tables() + molecules_tables()
    plans = {"l1000": l1000_plans(), "spatial": spatial_plans(), "molecules": molecules_plans()}
    return bulk_figures() + [path for study, some in plans.items() for path in figure_files(study, some)]


def study_claims():
    """Claims tables of every study."""
    return [path for path in study_targets("tables") if Path(path).name == "claims.tsv"]
