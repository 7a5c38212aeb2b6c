"""Helpers of all rules; the only file with functions."""

from functools import cache as memoise
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

from workflow_scripts.lib.bulk_study import BulkDataset
from workflow_scripts.lib.code import code_digest as digest_of
from workflow_scripts.lib.config import ConfigProblem, active_bulk_datasets, check_config, gpu_visible, raw_location

# The project's own files do not depend on the working directory; results lie in it.
ROOT = Path(str(workflow.current_basedir)).resolve().parent

try:
    check_config(config, ROOT)
except ConfigProblem as problem:
    raise WorkflowError(f"latentome: error: {problem}") from None
validate(config, "../resources/schemas/config.schema.yaml")

REGISTRY = str(ROOT / "resources/datasets.tsv")
RAW = config["raw_dir"]
BULK = config["bulk"]
DEMO = BULK["demo"]


@memoise
def code_digest(name):
    """Digest of a script's import closure, so that an edited lib file reruns the rules that use it."""
    return digest_of(ROOT / "workflow_scripts" / f"{name}.py")


def memory(base):
    """Memory in MB that grows with the attempt."""

    def mem_mb(wildcards, attempt):
        return base * attempt

    return mem_mb


def gpu_count(wildcards):
    """One GPU when the config asks for CUDA; for `auto` only where a local one is visible; else no key at all."""
    if config["device"] == "cuda":
        return 1
    if config["device"] == "auto" and gpu_visible():
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


@memoise
def bulk_datasets():
    """Names of the bulk datasets that run."""
    if "bulk" not in config["studies"]:
        return []
    try:
        return active_bulk_datasets(config, ROOT)
    except ConfigProblem as problem:
        raise WorkflowError(f"latentome: error: {problem}") from None


def dataset_named(name):
    """A bulk dataset's plan."""
    blocks = config["datasets"]["bulk"]
    if name not in blocks:
        raise WorkflowError(f"latentome: error: dataset {name!r} is not in the config (datasets: bulk: ...)")
    return BulkDataset(name, blocks[name], BULK)


def of_dataset(attribute, *arguments):
    """Input or param function: an attribute or method of the dataset's plan, see lib/bulk_study.py."""

    def value(wildcards):
        found = getattr(dataset_named(wildcards.dataset), attribute)
        return found(*arguments) if arguments else found

    return value


def bulk_option(key, default):
    """Param function: a key of the dataset's block, or a default."""

    def option(wildcards):
        return dataset_named(wildcards.dataset).block.get(key, default)

    return option


def bulk_file(key):
    """Input function: the path under a key of the dataset's block, or nothing."""

    def path(wildcards):
        name = dataset_named(wildcards.dataset).block.get(key)
        return raw_file(name) if name else []

    return path


def bulk_gene_sets(wildcards):
    """Paths of a dataset's gene sets."""
    return [raw_file(name) for name in dataset_named(wildcards.dataset).block.get("gene_sets", {}).values()]


def bulk_de(method):
    """Input function: the tables of a method for all contrasts of a dataset."""
    return of_dataset("de", method)


is_simulated = of_dataset("simulated")
bulk_contrasts = of_dataset("contrasts")
bulk_factors = of_dataset("factors")
bulk_published = of_dataset("published_table")
bulk_published_factor = of_dataset("published_factor")
bulk_history = of_dataset("of_models", "history.tsv")
bulk_latent = of_dataset("of_models", "latent.tsv")
bulk_enrichment = of_dataset("enrichment_tables")


def contrast_of(wildcards):
    """One contrast's block."""
    return dataset_named(wildcards.dataset).block["contrasts"][wildcards.contrast]


def published_if_contrast(wildcards):
    """The as-published model's table where this contrast is the published one."""
    found = dataset_named(wildcards.dataset)
    return found.published_table if found.published == wildcards.contrast else []


def published_deseq2(wildcards):
    """DESeq2's table of the published contrast, whose gene order the published model has."""
    found = dataset_named(wildcards.dataset)
    return f"{found.folder}/de/deseq2/{found.published}.tsv"


def pretrained_weights(wildcards):
    """Weights and card that a block's `pretrained` names, or nothing."""
    folder = dataset_named(wildcards.dataset).block.get("pretrained")
    names = ("model.safetensors", "model.json")
    return [f"{folder}/{wildcards.model}/seed{wildcards.seed}/{name}" for name in names] if folder else []


def deseq2_workers(wildcards):
    """Processes of DESeq2: for a cohort half the cores, four at most, so that it need not wait for all of them."""
    if not dataset_named(wildcards.dataset).is_cohort:
        return 1
    return min(4, max(1, (workflow.cores or 8) // 2))


def deseq2_in_null(wildcards):
    """Whether DESeq2 is refitted for every permutation; for a cohort that takes hours."""
    return not dataset_named(wildcards.dataset).is_cohort


def bulk_claims():
    """The dataset whose published claims are audited, or None."""
    plans = (dataset_named(name) for name in bulk_datasets())
    return next((plan for plan in plans if plan.published), None)


def bulk_claim_inputs(wildcards):
    """Tables that the audit of the bulk claims reads."""
    return bulk_claims().claim_inputs


def of_claims(attribute):
    """Param function: an attribute of the audited dataset's plan."""

    def value(wildcards):
        return getattr(bulk_claims(), attribute)

    return value


def bulk_figures():
    """All figures of the bulk study."""
    return [
        f"results/figures/bulk/{name}/{figure}.{kind}"
        for name in bulk_datasets()
        for figure in dataset_named(name).figures
        for kind in ("svg", "png", "tsv")
    ]


def bulk_tables():
    """All tables of the bulk study that are not a figure's input."""
    tables = [f"results/bulk/{name}/benchmark.tsv" for name in bulk_datasets()]
    return tables + (["results/bulk/claims.tsv"] if bulk_claims() else [])


def study_targets(kind):
    """Figures or tables of every study."""
    return bulk_figures() if kind == "figures" else bulk_tables()


def study_claims():
    """Claims tables of every study."""
    return ["results/bulk/claims.tsv"] if bulk_claims() else []
