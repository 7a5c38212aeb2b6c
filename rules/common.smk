"""Helpers of all rules; each study has its own beside it, and no other file has functions."""

import os
import signal
from functools import cache as memoise
from pathlib import Path

from snakemake import benchmark
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

from workflow_scripts.lib.code import code_digest as digest_of
from workflow_scripts.lib.config import (
    ConfigProblem,
    check_config,
    check_passed_on,
    check_places,
    gpu_visible,
)
from workflow_scripts.lib.datasets import active_datasets
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.output_cache import check_links, check_output_cache

# Seconds between two looks at a job's memory in its first minute. Each walks the job's page tables, 25 ms: twice a
# second, Snakemake's own pace, is an eighth of a laptop's two cores.
benchmark.BENCHMARK_INTERVAL_SHORT = 2

# Some time before a job's end SLURM signals all of its processes. A training writes its checkpoint then; Snakemake, and
# every script that does not listen, goes on.
if workflow.remote_exec:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)

# The project's own files do not depend on the working directory; results lie in it.
ROOT = Path(str(workflow.current_basedir)).resolve().parent

try:
    check_config(config, ROOT)
    if workflow.is_main_process:
        check_links(config["raw_dir"])
    if workflow.enable_cache:
        check_output_cache(os.environ.get("SNAKEMAKE_OUTPUT_CACHE", ""))
except LatentomeError as problem:
    raise WorkflowError(f"latentome: error: {problem}") from None
validate(config, "../resources/schemas/config.schema.yaml")


# Earlier the executor is not known.
onstart:
    refuse_shell_words()


wildcard_constraints:
    dataset="[a-z0-9_]+",
    contrast="[A-Za-z0-9_]+",
    direction="to_molecule|to_expression",
    seed=r"\d+",


def code_digest(name):
    """Param function: digest of a script's import closure, so that an edited lib file reruns the rules that use it."""

    @memoise
    def of_script():
        return digest_of(ROOT / "workflow_scripts" / f"{name}.py")

    # Only the scripts of planned jobs are read: all of them take a second and a half.
    def digest(wildcards):
        return of_script()

    return digest


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


def refuse_shell_words():
    """End a run whose --config values or folders a shell of the jobs that it would submit reads in another way."""
    if workflow.non_local_exec:
        try:
            check_passed_on(workflow.config_settings.config_args or ())
            check_places([Path.cwd(), ROOT])
        except ConfigProblem as problem:
            raise WorkflowError(f"latentome: error: {problem}") from None


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


def block_part(study, *keys):
    """Param function: some keys of a dataset's block, for the cache knows inputs by their content, not by their role."""

    def part(wildcards):
        block = block_of(study, wildcards.dataset)
        return {key: block[key] for key in keys if key in block}

    return part


def figure_files(study, plans):
    """Every form of every figure of some datasets' plans."""
    return [
        f"results/figures/{study}/{plan.name}/{figure}.{kind}"
        for plan in plans
        for figure in plan.figures
        for kind in ("svg", "png", "tsv")
    ]


include: "common_files.smk"
include: "common_bulk.smk"
include: "common_l1000.smk"
include: "common_spatial.smk"
include: "common_molecules.smk"
include: "common_provenance.smk"
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
