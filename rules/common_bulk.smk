"""Helpers of the bulk study's rules."""

from workflow_scripts.lib.bulk_study import BulkDataset

BULK = config["bulk"]
DEMO = BULK["demo"]


def dataset_named(name):
    """A bulk dataset's plan."""
    return BulkDataset(name, block_of("bulk", name), BULK)


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
    return [given_file(f"{folder}/{wildcards.model}/seed{wildcards.seed}/{name}") for name in names if folder]


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
    plans = (dataset_named(name) for name in datasets_of("bulk"))
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
    return figure_files("bulk", map(dataset_named, datasets_of("bulk")))


def bulk_tables():
    """All tables of the bulk study that are not a figure's input."""
    tables = [f"results/bulk/{name}/benchmark.tsv" for name in datasets_of("bulk")]
    return tables + (["results/bulk/claims.tsv"] if bulk_claims() else [])
